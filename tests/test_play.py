"""Gradients that are accumulated over parts of a batch: the same step as on the whole of it."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import refused
from test_adversarial import DiracGame, dirac, numbers, points

from tfgan_zoo import config, devices, training
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.unrolled_gan import UnrolledGAN
from tfgan_zoo.families.wgan_gp import WGANGP


def sgd(model, accumulate, rate=0.1):
    optimizer = {player.name: keras.optimizers.SGD(rate) for player in model.players}
    model.compile(optimizer=optimizer, accumulate=accumulate)


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_game_is_played_as_on_whole_batches(updates, replicas):
    found = []
    for parts in (1, 2):
        with devices.strategy(replicas).scope():
            model = dirac(k=3, updates=updates)
            sgd(model, parts)
        logs = model.fit(points(24), verbose=0).history
        found.append((numbers(model), logs))
        assert len(model.seen) == 3 * replicas * parts
        assert sorted(itertools.chain(*model.seen)) == list(range(24))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-6)
    assert {name: pytest.approx(value) for name, value in found[0][1].items()} == found[1][1]


def pinned(table, parts):
    """Draws that are rows of a table: those that the present part of the batch has."""
    calls = []

    def draw(shape, *_):
        calls.append(1)
        rows = table[(len(calls) - 1) % parts :: parts]
        return tf.constant(np.resize(rows, shape), tf.float32)

    return draw


def test_penalties_and_terms_are_those_of_the_whole_batch():
    random, found = np.random.default_rng(0), []
    data = random.standard_normal((40, 2), dtype=np.float32)
    z, between = random.standard_normal((8, 4)), random.uniform(size=(8, 1))
    for parts in (1, 4):
        model = WGANGP(image_shape=(2,), latent_dim=4, filters=16, architecture="mlp", seed=1)
        sgd(model, parts, 1e-3)
        model.noise.normal, model.noise.uniform = pinned(z, parts), pinned(between, parts)
        logs = model.fit(data, batch_size=40, epochs=2, shuffle=False, verbose=0).history
        found.append(([weight.numpy() for weight in model.trainable_variables], logs))
    start = [w.numpy() for w in WGANGP(**model.get_config()).trainable_variables]
    (weights, logs), (accumulated, means) = found
    for one, other in zip(weights, accumulated, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert means["gp"] == pytest.approx(logs["gp"], rel=1e-4)
    assert max(np.abs(one - before).max() for one, before in zip(weights, start, strict=True)) > 1e-3


def test_it_is_kept_in_files(tmp_path):
    model = WGANGP(image_shape=(8, 8, 1), latent_dim=4, filters=4)
    model.save(tmp_path / "uncompiled.keras")
    assert keras.models.load_model(tmp_path / "uncompiled.keras").compiled is False
    model.compile(accumulate=2)
    model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras").accumulate == 2


def test_what_cannot_be_divided():
    with pytest.raises(ZooError, match=r"train.accumulate=3 does not divide a replica's batch of 8"):
        training.prepare(config.load("dcgan_glyphs", ["train.accumulate=3", "data.batch_size=8"]), devices.strategy(1))
    assert "train.accumulate" in refused("train", "dcgan_glyphs", "train.accumulate=0")
    model = UnrolledGAN(image_shape=(8, 8, 1), latent_dim=4)
    model.compile(accumulate=2)
    with pytest.raises(ZooError, match="accumulate=2: .* looks ahead on whole batches; leave it out"):
        model.fit(np.zeros((8, 8, 8, 1), np.uint8), batch_size=8, verbose=0)


@pytest.mark.parametrize("parts", [0, -1, 2.5, "2", None])
def test_parts_that_cannot_be(parts):
    with pytest.raises(ZooError, match=f"accumulate={parts!r}: give a whole number of parts, 1 for"):
        dirac().compile(accumulate=parts)


def test_embeddings_are_summed_over_parts_too():
    class Words(DiracGame):
        """Its generator looks up a row of a table for each element."""

        def fake(self, batch):
            return self.generator(tf.cast(batch["point"] % 3, tf.int32))

        def build_networks(self):
            def table(name):
                word = keras.Input((1,), name="point", dtype="int32")
                row = keras.layers.Embedding(3, 1, embeddings_initializer="ones")(word)
                return keras.Model(word, keras.layers.Flatten()(row), name=name)

            return {**super().build_networks(), "generator": table("generator")}

    found = []
    for parts in (1, 2):
        model = Words()
        sgd(model, parts)
        model.fit(points(8), verbose=0)
        found.append(model.generator.get_weights()[0])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    assert np.ptp(found[0]) > 0  # rows that are looked up more often move further
