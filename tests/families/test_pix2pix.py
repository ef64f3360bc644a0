import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from helpers import run

from tfgan_zoo import images, zoo
from tfgan_zoo.families.pix2pix import Pix2Pix


def small(**arguments):
    return Pix2Pix(**{"image_shape": (16, 16, 1), "filters": 4, "discriminator_filters": 4, "patch": 16, **arguments})


def batch_of(model, size=3):
    return {
        key: model.element_spec[key].to_model(tf.constant(x)) for key, x in contracts.batch_for(model, size).items()
    }


def softplus(x):
    return np.log1p(np.exp(x)).mean()


@pytest.mark.parametrize("conditional", [True, False])
def test_the_losses_are_the_papers(conditional):
    model = small(l1_weight=7.0, adversarial_weight=3.0, dropout=0.0, conditional=conditional)
    contracts.enliven(model)
    batch = batch_of(model)
    fake, l1 = model.fake(batch), np.abs(batch["target"] - model.generator(batch["source"])).mean()
    real_logits, fake_logits = (
        model.discriminator([batch["source"], y] if conditional else [y]).numpy() for y in (batch["target"], fake)
    )
    expected = (softplus(-real_logits) + softplus(fake_logits)) / 2
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(expected, rel=1e-5)
    loss, terms = model.generator_loss(batch, fake)
    assert float(loss) == pytest.approx(7 * l1 + 3 * softplus(-fake_logits), rel=1e-5)
    assert float(terms["l1"]) == pytest.approx(l1, rel=1e-5)


def test_the_source_counts_for_a_conditional_discriminator_alone():
    for conditional in (True, False):
        model = small(conditional=conditional)
        contracts.enliven(model)
        batch = batch_of(model)
        other = batch | {"source": -batch["source"]}
        one, two = (float(model.discriminator_loss(b, batch["target"])) for b in (batch, other))
        assert (one != two) == conditional


def test_l1_alone_plays_without_a_discriminator():
    model = small(adversarial_weight=0.0)
    model.compile()
    assert list(model.networks_by_name) == ["generator"]
    assert set(contracts.take_steps(model, contracts.batch_for(model))) == {"g_loss", "l1"}


def test_sizes_are_the_authors():
    """54,413,955 and 2,768,705 weights; the zoo's first and smallest maps have biases, and dropout keeps its draws."""
    model = Pix2Pix()
    assert model.generator.count_params() == 54_413_955 + (64 + 512) + 3 * 2
    assert model.discriminator.count_params() == 2_768_705
    assert model.discriminator.output_shape == (None, 30, 30, 1)
    assert (model.l1_weight, model.dropout) == (100, 0.5)
    optimizers = [player.optimizer().get_config() for player in model.players]
    assert {(round(each["learning_rate"], 7), each["beta_1"]) for each in optimizers} == {(2e-4, 0.5)}


def test_an_encoder_decoder_has_no_connections_past_the_middle():
    parts = {kind: small(architecture=kind, image_shape=(32, 32, 1)) for kind in ("unet", "encoder_decoder")}
    joins = {kind: [type(layer).__name__ for layer in model.generator.layers] for kind, model in parts.items()}
    assert joins["unet"].count("Concatenate") == 4 and "Concatenate" not in joins["encoder_decoder"]


@pytest.mark.parametrize("patch", [1, 16, 34])
def test_patches_of_each_size_are_judged(patch):
    model = small(patch=patch)
    assert model.discriminator.output_shape[1:] == ({1: 16, 16: 6, 34: 2}[patch],) * 2 + (1,)


def test_pictures_too_small_for_their_patches_are_refused():
    with pytest.raises(zoo.ZooError, match="patches take 24 or more"):
        small(patch=70)


def test_it_learns_a_pair_by_heart():
    """Trained on one pair, L1 falls by far, and the answer comes close to the target."""
    model = small(image_shape=(16, 16, 3), filters=8)
    model.compile()
    model.optimizer.learning_rate = 2e-3
    batch = contracts.batch_for(model, 1)
    for _ in range(8):
        history = contracts.take_steps(model, batch, 10)
    assert history["l1"][0] < 0.25
    made = model.sample([0], endpoint="translate", source=batch["source"]).numpy().astype(float)
    before = np.abs(batch["source"].astype(float) - batch["target"]).mean()
    assert np.abs(made - batch["target"]).mean() < before / 2


def test_the_command_translates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    model.compile()
    model.save("model.keras")
    picture = contracts.batch_for(model, 1)["source"][0]
    images.save_image("one.png", picture)
    done = run("translate", "model.keras", "one.png", "made.png")
    assert done.exit_code == 0, done.output
    expected = model.sample([0], endpoint="translate", source=picture)[0]
    np.testing.assert_array_equal(images.decode("made.png"), expected)
