"""What people name to be measured: models in memory, runs, arrays, folders, against data of every kind."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import refused, run, source

from tfgan_zoo import config, evaluation, generation, images, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.callbacks import Quality
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Arrays, Generated, Pictures, Protocol, assess, references
from tfgan_zoo.features import extractor
from tfgan_zoo.metrics.maths.frechet import RunningGaussian
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.players import Player
from tfgan_zoo.runs import Run
from tfgan_zoo.verbs import evaluate

FD = "fd@random_conv"
SMALL = ["model.image_shape=[16, 16, 1]", "model.latent_dim=8", "model.filters=4", "data.size=130"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def experiment():
    return config.load("dcgan_glyphs", SMALL)


@pytest.fixture(scope="module")
def model(experiment):
    return zoo.build(experiment)


@pytest.fixture(scope="module")
def real():
    return np.random.default_rng(0).integers(0, 256, (130, 16, 16, 1)).astype(np.uint8)


def trained(experiment, model, path):
    """A run directory with a checkpoint of the model."""
    place = Run.place(experiment, path)
    model.step.assign(1)
    place.save(model, keep=1)
    return place


# === Models, arrays, folders ===
def test_a_model_in_memory_against_arrays_and_against_a_folder(model, real, here):
    for i, picture in enumerate(real):
        images.save_image(here / "real" / f"{i:03d}.png", picture)
    (arrays,) = evaluate(model, against=real, metrics=FD, samples=130)
    (folder,) = evaluate(model, against=here / "real", metrics=FD, samples=130)
    assert arrays.value == pytest.approx(folder.value, rel=1e-6)
    assert (arrays.reference, folder.reference) == ("130 given pictures", f"folder {here / 'real'}")
    assert arrays.samples == arrays.reference_samples == 130 and arrays.ema is True


def test_arrays_against_arrays_tensors_and_folders(real, here):
    for i, picture in enumerate(real):
        images.save_image(here / "real" / f"{i:03d}.png", picture)
    assert evaluate(real, against=real, metrics=FD)[0].value < 1e-4
    assert evaluate(tf.constant(real), against=here / "real", metrics=FD)[0].value < 1e-4
    assert evaluate(here / "real", against=real[..., 0], metrics=FD)[0].value < 1e-4  # grey pictures without their axis
    other = evaluate(255 - real // 4, against=real, metrics=[FD])[0]
    assert other.value > 1 and other.samples == 130


def test_arrays_with_labels(real):
    labels = (np.arange(130) % 2).astype(np.uint8)
    dark = real // 4 + 150 * labels[:, None, None, None]
    data = {"image": dark, "label": labels}
    found = {r.metric: r.value for r in evaluate(data, against=data, metrics="knn_accuracy@random_conv")}
    assert found == {"knn_accuracy@random_conv": 1.0}
    with pytest.raises(ZooError, match="knn_accuracy@random_conv: 130 given pictures: it needs labels"):
        evaluate(dark, against=data, metrics="knn_accuracy@random_conv")


def test_arrays_are_compared_pair_by_pair(real):
    (result,) = evaluate(real, against=np.maximum(real, 4) - 4, metrics="ssim")
    assert 0.9 < result.value < 1 and result.reference == "130 given pictures"
    with pytest.raises(ZooError, match="psnr: compares picture by picture"):
        evaluate(real, against=real[:100], metrics="psnr")


@pytest.mark.parametrize(
    "given, message",
    [
        (np.zeros((9, 8, 8, 1), np.float32), r"float32 \(9, 8, 8, 1\); give pictures, uint8"),
        (np.zeros((9, 8, 8, 7), np.uint8), r"uint8 \(9, 8, 8, 7\); give pictures, uint8"),
        (np.array(["a", "b"]), "give pictures, uint8"),
        ({"label": np.zeros(9, int)}, "give an array"),
        ({"image": np.zeros((9, 8, 8, 1), np.uint8), "label": np.zeros(8, int)}, "8 of label beside 9"),
        ({"image": np.zeros((9, 8, 8, 1), np.uint8), "label": np.zeros(9)}, "must be a whole number"),
    ],
)
def test_arrays_that_are_no_data(given, message, real):
    for sides in ({"target": given, "against": real}, {"target": real, "against": given}):
        with pytest.raises(ZooError, match=message) as caught:
            evaluate(**sides, metrics=FD)
        assert "\n" not in str(caught.value)


def test_metrics_of_generated_data_alone_need_no_reference(model):
    (result,) = evaluate(model, metrics="ms_ssim", samples=20)
    assert result.reference is None and result.settings["pairs"] == 10
    with pytest.raises(ZooError, match="does not tell its training data: .*name real data with against"):
        evaluate(model, metrics=[FD, "ms_ssim"], samples=20)


def test_one_name_and_a_list_of_names_are_the_same(model, real):
    protocols = [Protocol("ms_ssim"), Protocol(["ms_ssim"]), Protocol(metrics=("ms_ssim",)), Protocol(" ms_ssim, ")]
    assert all(protocol.metrics == ("ms_ssim",) for protocol in protocols)
    assert Protocol("fd_mnist,kid_mnist").metrics == ("fd_mnist", "kid_mnist")
    one, many = (evaluate(model, against=real, metrics=m, samples=130) for m in (FD, [FD]))
    assert [r.value for r in one] == [r.value for r in many]


def test_quality_takes_one_name_arrays_and_a_folder(model, real, here):
    for i, picture in enumerate(real):
        images.save_image(here / "real" / f"{i:03d}.png", picture)
    fresh = zoo.build(config.load("dcgan_glyphs", SMALL))
    fresh.compile()
    values = []
    for reference in (real, here / "real", str(here / "real"), Arrays(real), Pictures(here / "real")):
        watch = Quality(reference, FD, samples=130)
        watch.set_model(fresh)
        watch.on_train_begin()
        values.append(watch.measure(1)[0].value)
    assert values == pytest.approx([values[0]] * 5, rel=1e-5)
    with pytest.raises(ZooError, match="there is no such folder|unknown run"):
        Quality("nowhere", FD)


# === Counts ===
@pytest.mark.parametrize("samples", [-1, 0, 1, True, 10.5, "many"])
def test_impossible_counts_are_refused(model, real, samples):
    for name in ("samples", "reference_samples"):
        with pytest.raises(ZooError, match=f"{name} = .*: give a whole number of 2 or more") as caught:
            evaluate(model, against=real, metrics=FD, **{name: samples})
        assert "\n" not in str(caught.value)


def test_counts_of_numpy_are_counts(model, real):
    (result,) = evaluate(model, against=real, metrics=FD, samples=np.int64(120))
    assert result.samples == 120 and json.loads(json.dumps(result.as_dict()))["samples"] == 120


def test_the_command_refuses_impossible_counts(here):
    images.save_image(here / "made" / "0.png", np.zeros((8, 8, 1), np.uint8))
    for count in ("0", "-1", "1"):
        done = run("evaluate", "made", "--metrics", "ms_ssim", "--num", count)
        assert done.exit_code == 2 and "--num" in done.stderr and "Traceback" not in done.output


def test_more_than_a_folder_holds_is_said(here, real):
    for i, picture in enumerate(real[:12]):
        images.save_image(here / "made" / f"{i}.png", picture)
    done = run("evaluate", "made", "--metrics", "ms_ssim", "--num", 500)
    assert done.exit_code == 0 and "ms_ssim (12)" in done.stdout
    assert "made: holds 12 pictures where 500 are wanted; all are used" in done.stderr


def test_fewer_real_data_than_samples_are_said(model, real, capsys):
    (result,) = evaluate(model, against=real, metrics=FD, samples=140)
    assert result.samples == 130
    assert "130 real data to compare with, so 130 samples in place of 140" in capsys.readouterr().err
    (result,) = evaluate(model, against=real, metrics=FD, samples=140, reference_samples=120)
    assert (result.samples, result.reference_samples) == (140, 120) and not capsys.readouterr().err


def test_statistics_do_not_limit_the_samples(model, here):
    rows = np.random.default_rng(0).normal(size=(500, 112))
    np.savez("stats.npz", mu=rows.mean(0), sigma=np.cov(rows, rowvar=False))
    protocol = Protocol(FD, samples=12_345)
    assert assess.samples_of(protocol, references.statistics(here / "stats.npz").count) == 12_345


def test_kids_protocol_says_the_subsets_that_were_used(model, real):
    with pytest.warns(UserWarning, match="subsets of 120 instead"):
        results = evaluate(model, against=real, metrics="kid@random_conv", samples=120, reference_samples=130)
    assert results[0].settings == {"subsets": 100, "subset_size": 120, "seed": 2020}
    assert "subset_size 120" in str(results[0])
    with pytest.warns(UserWarning):
        (whole,) = evaluate(real, against=real, metrics="kid@random_conv")
    assert whole.settings == {"subsets": 1, "subset_size": 130, "seed": 2020} and whole.deviation is None
    protocol = Protocol("kid@random_conv", settings={"kid": {"subset_size": 50, "subsets": 7}})
    (result,) = evaluation.evaluate(real, real, protocol)
    assert result.settings == {"subsets": 7, "subset_size": 50, "seed": 2020}


# === Real data ===
def test_a_run_is_no_real_data(experiment, model, here):
    trained(experiment, model, here / "runs" / "tiny")
    said = refused("evaluate", "runs/tiny", "--metrics", FD, "--against", "runs/tiny")
    assert "is a run directory, whose pictures are not real; name its data, a preset or a folder" in said
    with pytest.raises(ZooError, match="whose pictures are not real"):
        evaluate(model, against=here / "runs" / "tiny", metrics=FD)
    with pytest.raises(ZooError, match="whose pictures are not real"):
        Quality(here / "runs" / "tiny", FD)


def split_folder(here, real):
    for i, picture in enumerate(real):
        images.save_image(here / "data" / ("train" if i < 65 else "test") / f"{i:03d}.png", picture)
    return source("folder", path=str(here / "data"))


def test_a_damaged_test_split_is_an_error_and_not_replaced_by_the_training_data(model, real, here):
    folder = split_folder(here, real)
    assert references.held_out(folder, model.element_spec, None).facts["split"] == "test"
    for path in (here / "data" / "test").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ZooError, match="none of its 65 pictures can be decoded"):
        references.held_out(folder, model.element_spec, None)
    for path in (here / "data" / "test").iterdir():
        path.unlink()
    with pytest.raises(ZooError, match="test"):
        references.held_out(folder, model.element_spec, None)


def test_a_damaged_test_split_of_arrays_is_an_error(model, real, here):
    broken = real.astype(float)
    np.savez("data.npz", image=real, test_image=broken)
    with pytest.raises(ZooError, match="images are float64; they must be uint8"):
        references.held_out(source("arrays", path="data.npz"), model.element_spec, None)
    np.savez("data.npz", image=real, test_image=real)
    whole = (here / "data.npz").read_bytes()
    (here / "data.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ZooError, match=r"data\.npz"):
        references.held_out(source("arrays", path="data.npz"), model.element_spec, None)


def test_evaluate_ends_at_a_damaged_test_split(experiment, model, real, here):
    split_folder(here, real)
    place = trained(experiment, model, here / "runs" / "tiny")
    settings = ["data.source=folder", f"data.path={here / 'data'}"]
    tables = experiment.as_dict() | {"data": {"source": "folder", "path": str(here / "data")}}
    (place.path / "config.json").write_text(json.dumps(tables))
    assert evaluate(place.path, metrics="ms_ssim", samples=20)[0].floor is not None, settings
    for path in (here / "data" / "test").iterdir():
        path.write_bytes(b"no picture")
    assert "none of its 65 pictures can be decoded" in refused("evaluate", place.path, "--metrics", "ms_ssim")
    assert "cannot be decoded" in refused(
        "evaluate", place.path, "--metrics", FD, "--against", "data/test", "--num", 20
    )


def test_data_without_a_test_split_are_measured_against_the_training_data_and_said(model, real, here, capsys):
    for i, picture in enumerate(real):
        images.save_image(here / "data" / f"{i:03d}.png", picture)
    assert references.held_out(source("folder", path=str(here / "data")), model.element_spec, None) is None
    assert "no test split: measuring against the training data, without a floor" in capsys.readouterr().err
    with pytest.raises(ZooError, match="test"):  # a split that is named has to be there
        references.held_out(source("folder", path=str(here / "data")), model.element_spec, "test")


def test_statistics_are_written_as_other_tools_read_them(model, real, here):
    results = evaluate(model, against=real, metrics=FD, samples=130, save_stats=here / "stats.npz")
    with np.load(here / "stats.npz") as stored:
        assert set(stored.files) == {"mu", "sigma"}
        mean, cov = stored["mu"], stored["sigma"]
    gaussian = RunningGaussian(112)
    for batch, _ in Generated(model, 130).batches():
        gaussian.update(extractor("random_conv")(batch))
    np.testing.assert_allclose(mean, gaussian.result().mean)
    np.testing.assert_allclose(cov, gaussian.result().cov)
    (back,) = evaluate(real, against=here / "stats.npz", metrics=FD)
    assert back.value == pytest.approx(results[0].value, rel=1e-6)
    evaluate(real, against=real, metrics=FD, save_stats=here / "real.npz")
    assert evaluate(model, against=here / "real.npz", metrics=FD, samples=130)[0].value == pytest.approx(back.value)
    with pytest.raises(ZooError, match="statistics are of features, and ms_ssim has none"):
        evaluate(real, metrics="ms_ssim", save_stats=here / "none.npz")


# === Other models ===
@keras.saving.register_keras_serializable("tests")
class Decoder(AdversarialModel):
    """A game without a network called `generator`: `decoder` makes pictures of a class, `encoder` answers codes."""

    players = (Player("encoder"), Player("decoder"))
    ema_networks = ("decoder",)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image((16, 16, 1)), "label": ClassLabel(3)}

    @property
    def endpoints(self):
        image, label = self.element_spec.values()
        return {
            "generate": Endpoint({"z": Noise((4,)), "label": label}, image, ("decoder",), "image"),
            "encode": Endpoint({"image": image}, label, ("encoder",)),
            "repeat": Endpoint({"image": image}, image, ("encoder",), "image"),
        }

    def latents(self, count):
        return {"z": self.noise.normal((count, 4))}

    def generate(self, inputs):
        made = self.feed(self.best("decoder"), inputs, training=False)
        return tf.clip_by_value(made + tf.cast(inputs["label"], tf.float32)[:, None, None, None] - 1.0, -1.0, 1.0)

    def encode(self, inputs):
        return self.feed(self.encoder, inputs, training=False)

    def repeat(self, inputs):
        return inputs["image"]

    def build_networks(self):
        z, image = keras.Input((4,), name="z"), keras.Input((16, 16, 1), name="image")
        made = keras.layers.Reshape((16, 16, 1))(keras.layers.Dense(256, activation="tanh")(z))
        code = keras.layers.Dense(5)(keras.layers.Flatten()(image))
        return {"decoder": keras.Model(z, made, name="decoder"), "encoder": keras.Model(image, code, name="encoder")}


@pytest.fixture(scope="module")
def decoder():
    return Decoder(ema_decay=0.9)


@pytest.fixture
def labelled(real):
    return {"image": real, "label": (np.arange(130) % 3).astype(np.uint8)}


def test_a_model_without_a_generator_is_measured(decoder, labelled):
    assert "generator" not in decoder.networks_by_name
    results = evaluate(decoder, against=labelled, metrics=[FD, "knn_accuracy@random_conv"], samples=130)
    assert [r.metric for r in results] == [FD, "knn_accuracy@random_conv"]
    assert all(np.isfinite(r.value) and r.ema for r in results)
    stream = Generated(decoder, 130, data=Arrays(labelled))
    labels = np.concatenate([labels for _, labels in stream.batches()])
    assert labels.dtype == np.int32 and set(labels) == {0, 1, 2}


def test_endpoints_are_measured_on_given_data(decoder, labelled):
    with pytest.warns(UserWarning, match="130 pairs of 130 with equal pictures"):
        results = evaluate(decoder, against=labelled, metrics=["psnr@repeat", FD], samples=130)
    assert results[0].metric == "psnr@repeat" and results[0].value == np.inf  # it gives back what it was given


def test_endpoints_that_are_none_suggest(decoder, labelled):
    with pytest.raises(ZooError, match="Decoder: unknown endpoint 'repet': did you mean 'repeat'"):
        evaluate(decoder, against=labelled, metrics="psnr@repet")
    said = refused("evaluate", "dcgan_mnist", "--metrics", "psnr@upscale")
    assert "DCGAN: unknown endpoint 'upscale'" in said


def test_what_an_endpoint_lacks_leaves_the_other_metrics(decoder, labelled):
    with pytest.warns(UserWarning, match="left out: knn_accuracy@encode: .*does not tell its training data"):
        results = evaluate(decoder, against=labelled, metrics=["knn_accuracy@encode", FD], samples=130)
    assert [r.metric for r in results] == [FD] and list(results.failures) == ["knn_accuracy@encode"]


def test_arrays_without_labels_leave_the_classes_to_be_drawn(decoder, real):
    (result,) = evaluate(decoder, against=real, metrics=FD, samples=130)
    assert np.isfinite(result.value)


# === The same rounding on both sides ===
def test_samples_are_those_that_generate_writes(model, here, real):
    generation.generate(model, 130, out=here / "made")
    (memory,) = evaluate(model, against=real, metrics=FD, samples=130)
    (files,) = evaluate(here / "made", against=real, metrics=FD)
    assert memory.value == files.value


def test_every_byte_comes_back_as_it_went(decoder):
    """What a model gives back unchanged is equal to the data, byte by byte: both sides are rounded alike."""
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(2, 0)
    answers = evaluation.Answers(decoder, "repeat", evaluation.Selected(Arrays(every)), "decoder")
    for theirs, ours in answers.pairs():
        np.testing.assert_array_equal(theirs, ours)
        assert ours.dtype == np.uint8
    between = tf.constant([-1.0, -0.998, 0.0, 0.0039, 0.0040, 1.0, 1.5])
    assert Image((1, 1, 1)).to_stored(between).numpy().tolist() == [0, 0, 128, 128, 128, 255, 255]
