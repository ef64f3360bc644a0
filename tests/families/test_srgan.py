import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from families.contracts import make
from helpers import run
from test_phases import StopAt

from tfgan_zoo import images, sampling, training, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.srgan import SRGAN
from tfgan_zoo.features.perceptual import perceptual_network


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


# === The networks ===
def test_the_generator_is_that_of_the_paper():
    generator = SRGAN((96, 96, 3)).generator
    convolutions = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel_size[0] for layer in convolutions] == [9, *[3] * (2 * 16 + 1 + 2), 9]
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in generator.layers) == 2 * 16 + 1
    assert sum(isinstance(layer, keras.layers.PReLU) for layer in generator.layers) == 1 + 16 + 2
    conv, norm, prelu = 9 * 64 * 64, 2 * 64, 64
    ends, enlarging = 81 * 3 * 64 + 64 + prelu + 81 * 64 * 3 + 3, 9 * 64 * 256 + 256 + prelu
    expected = ends + 16 * (2 * (conv + norm) + prelu) + conv + norm + 2 * enlarging
    assert sum(int(np.prod(w.shape)) for w in generator.trainable_weights) == expected


def test_the_discriminator_is_that_of_the_paper():
    discriminator = SRGAN((96, 96, 3), blocks=0).discriminator
    convolutions = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [(layer.filters, layer.strides[0]) for layer in convolutions] == [
        (64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)
    ]  # fmt: skip
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in discriminator.layers) == 7
    assert discriminator.layers[-2].input.shape == (None, 1024)


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_pictures_of_any_size_are_answered_at_the_scale(scale):
    model = make("srgan", image_shape=(16, 16, 3), scale=scale)
    for height, width in ((5, 9), (16, 16), (1, 3)):
        answer = model.sample([0], endpoint="upscale", low_res=pictures(1, height, width, 3))
        assert answer.shape == (1, height * scale, width * scale, 3) and answer.dtype == tf.uint8


def test_a_pixel_matters_near_its_place_alone():
    """Fully convolutional: no answer depends on where in the picture something is."""
    model = make("srgan", normalize=False)
    contracts.enliven(model)
    picture = pictures(1, 40, 20, 3)
    top, bottom = (
        sampling.ask(model, "upscale", {"low_res": tf.constant(part, tf.float32) / 127.5 - 1})
        for part in (picture[:, :30], picture[:, 10:])
    )
    reach = 10 * 4  # of 9x9, one block, 3x3, two enlargements and 9x9, in pixels of the answer
    np.testing.assert_allclose(top[:, 40 + reach : -reach], bottom[:, reach : -40 - reach], atol=1e-4)


@pytest.mark.parametrize("arguments", [{"scale": 3}, {"scale": 1}, {"image_shape": (18, 16, 3)}])
def test_other_scales_are_refused_in_one_line(arguments):
    with pytest.raises(ZooError, match=r"scale=\d: must be 2, 4, 8") as caught:
        make("srgan", **arguments)
    assert "\n" not in str(caught.value)


# === The losses ===
def test_the_losses_are_those_of_the_paper():
    model = make("srgan", perceptual="random_conv:conv_0", content_weight=0.5, adversarial_weight=0.25)
    contracts.enliven(model)
    batch = {
        key: kind.to_model(tf.constant(kind.example(4, np.random.default_rng(0))))
        for key, kind in model.element_spec.items()
    }
    fake, real = model.fake(batch), batch["high_res"]
    assert fake.shape == real.shape
    assert float(model.restorer_loss(batch, fake)) == pytest.approx(np.square(real - fake).mean(), rel=1e-5)
    (seen,), (made,) = (perceptual_network("random_conv:conv_0")(side) for side in (real, fake))
    logits = model.discriminator(fake, training=True).numpy()
    content, deceive = 0.5 * np.square(seen - made).mean(), 0.25 * np.log1p(np.exp(-logits)).mean()
    loss, terms = model.generator_loss(batch, fake)
    assert float(loss) == pytest.approx(content + deceive, rel=1e-4)
    assert float(terms["content"]) == pytest.approx(content, rel=1e-4)
    assert float(terms["deceive"]) == pytest.approx(deceive, rel=1e-4)
    called = np.log1p(np.exp(-model.discriminator(real, training=True))).mean() + np.log1p(np.exp(logits)).mean()
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(called, rel=1e-4)


def test_the_perceptual_network_is_no_part_of_the_model():
    model = make("srgan")
    before = [weight.path for weight in model.weights]
    model.compile()
    assert [weight.path for weight in model.weights] == before
    assert model.get_config()["perceptual"] == "random_conv"


def test_missing_weights_are_told_before_training_and_asking_needs_none(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("TFGAN_ZOO_DOWNLOAD", raising=False)
    model = make("srgan", perceptual="vgg19:block5_conv4")
    assert model.sample([0], endpoint="upscale", low_res=pictures(1, 4, 4, 3)).shape == (1, 16, 16, 3)
    with pytest.raises(ZooError, match="vgg19 needs its weights.*TFGAN_ZOO_DOWNLOAD=1") as caught:
        model.compile()
    assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="unknown map 'block5_conv5'"):
        make("srgan", perceptual="vgg19:block5_conv5")


# === Runs ===
SMOKE = ["train.steps=6", "train.phases.restore.steps=3", "train.phases.deceive.batch_size=4"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    return training.train("srgan_t91", SMOKE, smoke=True, run_dir=tmp_path_factory.mktemp("runs") / "unbroken")


@pytest.mark.parametrize("stop", [2, 5])  # between the phases: tests/test_phases.py
def test_a_run_stopped_in_either_phase_or_between_ends_as_an_unbroken_one(unbroken, tmp_path, stop):
    with pytest.raises(KeyboardInterrupt):
        training.train("srgan_t91", SMOKE, smoke=True, run_dir=tmp_path / "broken", callbacks=[StopAt(stop)])
    broken = training.train("srgan_t91", SMOKE, smoke=True, run_dir=tmp_path / "broken")
    one, two = (keras.models.load_model(run.path / "model.keras") for run in (unbroken, broken))
    assert one.phase == two.phase == "deceive" and int(two.step.numpy()) == 6
    for a, b in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6, err_msg=a.path)
    for name, optimizer in one.optimizer.by_player.items():
        again = two.optimizer.by_player[name]
        assert int(optimizer.iterations.numpy()) == int(again.iterations.numpy()) == 3
        for a, b in zip(optimizer.variables, again.variables, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6, err_msg=f"{name} {a.path}")


def test_each_phase_is_logged_under_its_own_names(unbroken):
    rows = {}
    for row in map(json.loads, (unbroken.path / "metrics.jsonl").read_text().splitlines()):
        rows |= {key: row["step"] for key in row}
    assert {"d_loss", "g_loss", "content", "deceive"} <= set(rows)


def test_a_run_states_the_perceptual_network(unbroken):
    (session,) = unbroken.sessions
    assert session["perceptual"] == {"random_conv": perceptual_network("random_conv").sha256}


def test_a_run_answers_to_files_of_any_size(unbroken, tmp_path):
    for number, size in enumerate([(6, 9), (10, 4)]):
        images.save_image(tmp_path / "in" / f"{number}.png", pictures(*size, 3))
    result = run("translate", unbroken.path, tmp_path / "in", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert [images.decode(tmp_path / "out" / f"{n}.png").shape for n in (0, 1)] == [(24, 36, 3), (40, 16, 3)]


def test_restoring_goes_ahead():
    """Flat pictures are learnt within some steps: the first phase's loss falls by far."""
    model = make("srgan", normalize=False)
    model.compile(optimizer={"restorer": keras.optimizers.Adam(1e-2)})
    model.enter(model.phases[0])
    colour = pictures(8, 1, 1, 3)
    batch = {key: np.broadcast_to(colour, (8, *kind.shape)).copy() for key, kind in model.element_spec.items()}
    losses = [contracts.take_steps(model, batch)["r_loss"][0] for _ in range(30)]
    assert losses[-1] < losses[0] / 2


def test_the_preset_as_published_is_the_paper():
    model = zoo.build("srgan_div2k")
    assert (model.blocks, model.filters, model.scale, model.normalize) == (16, 64, 4, True)
    assert (model.perceptual, model.adversarial_weight) == ("vgg19:block5_conv4", 1e-3)
    assert [(phase.name, phase.steps) for phase in model.phases] == [("restore", 1_000_000), ("deceive", 200_000)]
    schedule = model.player("generator").optimizer().get_config()["learning_rate"]["config"]
    assert (schedule["boundaries"], schedule["values"]) == ([100_000], [1e-4, 1e-5])
