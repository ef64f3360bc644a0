import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from helpers import run

from tfgan_zoo import images
from tfgan_zoo.families.dagan import DAGAN
from tfgan_zoo.layers import Dropout


def small(**arguments):
    sizes = {"latent_dim": 3, "filters": 2, "generator_layers": 1, "discriminator_layers": 1, "dropout": 0.0}
    model = DAGAN(**{"image_shape": (12, 12, 1), **sizes, **arguments})
    contracts.enliven(model)
    return model


def batch_of(model, size=3):
    stored = contracts.batch_for(model, size)
    return {key: kind.to_model(tf.constant(stored[key][:size])) for key, kind in model.element_spec.items()}


def test_the_losses_are_those_of_wgan_gp_on_pairs():
    model = small(gp_weight=3.0)
    batch = batch_of(model)
    model.noise.begin()
    fake = model.fake(batch)
    assert fake.shape == batch["target"].shape

    def score(target):
        return model.discriminator([batch["source"], target], training=True)

    made, real = score(fake).numpy(), score(batch["target"]).numpy()
    epsilon = tf.random.stateless_uniform((3, 1, 1, 1), (5, 6))
    model.noise.per_row = lambda x: epsilon
    mixed = epsilon * batch["target"] + (1 - epsilon) * fake
    with tf.GradientTape() as tape:
        tape.watch(mixed)
        between = score(mixed)
    norms = np.sqrt(np.square(tape.gradient(between, mixed)).sum((1, 2, 3)))
    loss, terms = model.discriminator_loss(batch, fake)
    assert float(terms["wasserstein"]) == pytest.approx(real.mean() - made.mean(), rel=1e-4)
    assert float(terms["gp"]) == pytest.approx(np.square(norms - 1).mean(), rel=1e-4)
    assert float(loss) == pytest.approx(-float(terms["wasserstein"]) + 3 * float(terms["gp"]), rel=1e-5)
    assert float(model.generator_loss(batch, fake)) == pytest.approx(-made.mean(), rel=1e-5)


def test_the_critic_sees_the_first_picture_too():
    """Otherwise the class of what is made could be any."""
    model = small()
    batch = batch_of(model, 4)
    moved = batch | {"source": tf.roll(batch["source"], 1, 0)}
    scores = [model.feed(model.discriminator, each, training=False).numpy() for each in (batch, moved)]
    assert np.abs(scores[0] - scores[1]).max() > 1e-3


def test_answers_differ_by_noise_and_by_picture():
    model = small()
    pictures = contracts.batch_for(model, 2)["source"][:2]
    same = model.sample([1, 2], "augment", source=pictures[0]).numpy().astype(int)
    other = model.sample([1, 2], "augment", source=pictures).numpy().astype(int)
    assert np.abs(same[0] - same[1]).max() > 1 and np.abs(same[1] - other[1]).max() > 1
    np.testing.assert_array_equal(same[0], other[0])


def test_a_file_is_answered_by_another_of_its_class(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    model.compile()
    model.save("model.keras")
    picture = contracts.batch_for(model, 1)["source"][0]
    images.save_image("one.png", picture)
    for seed in (0, 5):
        done = run("translate", "model.keras", "one.png", f"{seed}.png", "--seed", seed)
        assert done.exit_code == 0, done.output
        expected = model.sample([seed], "augment", source=picture)[0].numpy()
        np.testing.assert_array_equal(images.decode(f"{seed}.png"), expected)


def test_the_networks_are_the_authors():
    model = DAGAN()
    convolutions = {
        name: [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
        for name, network in (("G", model.generator), ("D", model.discriminator))
    }
    # Encoder: 1, then three blocks of 3 + 1 and a shortcut; decoder: five of 3, four enlargements; two and the last.
    assert len(convolutions["G"]) == 1 + 3 * (3 + 1 + 1) + 5 * 3 + 4 + 3
    assert len(convolutions["D"]) == 1 + 3 * (5 + 1 + 1)
    sides = [layer.output.shape[1] for layer in model.generator.layers if isinstance(layer, keras.layers.Cropping2D)]
    assert sides == [4, 7, 14, 28]
    noise = [layer.units for layer in model.generator.layers if isinstance(layer, keras.layers.Dense)]
    assert noise == [2 * 2 * 8, 4 * 4 * 8, 7 * 7 * 4]
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.discriminator.layers)
    rates = [layer.rate for network in (model.generator, model.discriminator) for layer in network.layers
             if isinstance(layer, Dropout)]  # fmt: skip
    assert rates == [0.5] * (3 + 4 + 3)
    players = {player.name: player for player in model.players}
    assert players["discriminator"].steps == 5 and players["generator"].optimizer().beta_1 == 0.0


def test_pictures_of_sides_that_halve_unevenly():
    for shape in ((28, 28, 1), (17, 30, 3)):
        model = small(image_shape=shape)
        assert model.generator.output_shape == (None, *shape)
