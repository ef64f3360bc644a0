"""The plain game: losses, penalties and augmentation by name, on one replica and on two."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from keras import layers

from tfgan_zoo import devices
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.modalities import Points
from tfgan_zoo.real_or_fake import RealOrFake

PICTURES = {"image_shape": (8, 8, 1), "latent_dim": 4, "filters": 4}


class Scoring(RealOrFake):
    """Points, small networks whose answers do not depend on the rest of the batch."""

    latent_dim = 3

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.assemble()

    @property
    def element_spec(self):
        return {"point": Points((2,))}

    def build_networks(self):
        z, point = keras.Input((3,), name="z"), keras.Input((2,), name="point")
        made, score = (layers.Dense(n)(layers.Dense(8, "tanh")(x)) for n, x in ((2, z), (1, point)))
        return {"generator": keras.Model(z, made), "discriminator": keras.Model(point, score)}


def trained(replicas, steps=3, **settings):
    """A model of `Scoring` after a few steps of plain descent on the same data and noise."""
    with devices.strategy(replicas).scope():
        model = Scoring(**settings)
        model.compile(optimizer=contracts.sgd(model, 0.01))
    for weight in model.trainable_variables:  # steep, so that one-sided penalties have something to say
        weight.assign(weight.value * 3)
    contracts.pin_noise(model, 8)
    logs = contracts.take_steps(model, contracts.batch_for(model, 8), steps)
    return model, logs


@pytest.mark.parametrize("name", ["hinge", "relativistic_average", "softmax"])  # the last two compare examples
def test_a_loss_moves_both_players_alike_on_one_replica_and_two(name):
    (one, _), (two, _) = trained(1, loss=name), trained(2, loss=name)
    start = contracts.values_of(Scoring())
    assert contracts.changed(start, contracts.values_of(one)) == {"generator", "discriminator"}
    for network, weights in contracts.values_of(one).items():
        for a, b in zip(weights, contracts.values_of(two)[network]):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["r1", "drift", "dragan", "lecam"])  # the last two look at the whole batch
def test_a_penalty_is_logged_moves_the_discriminator_and_is_alike_on_two_replicas(name):
    settings = {"penalties": {name: 0.1}}
    (plain, _), (one, logs), (two, _) = trained(1), trained(1, **settings), trained(2, **settings)
    assert logs[name][0] > 0
    moved = contracts.values_of(one)["discriminator"]
    assert max(np.abs(a - b).max() for a, b in zip(contracts.values_of(plain)["discriminator"], moved)) > 1e-6
    for a, b in zip(moved, contracts.values_of(two)["discriminator"]):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("replicas", [1, 2])
def test_lazy_penalties_come_every_nth_step_n_times_as_strong(replicas):
    with devices.strategy(replicas).scope():
        model = Scoring(penalties={"r1": 1.0}, penalty_every=4)
        model.compile(optimizer=contracts.sgd(model, 0.0))  # the same weights at each step
    batch = contracts.batch_for(model, 8)
    seen = [contracts.take_steps(model, batch)["r1"][0] for _ in range(8)]
    assert seen[1:4] == [0, 0, 0] and seen[5:] == [0, 0, 0]
    always = Scoring(penalties={"r1": 1.0})
    always.compile(optimizer=contracts.sgd(always, 0.0))
    assert seen[0] == seen[4] == pytest.approx(4 * contracts.take_steps(always, batch)["r1"][0], rel=1e-5)


def test_lecam_anchors_follow_the_scores():
    model, _ = trained(1, steps=1, penalties={"lecam": 0.1})
    fresh = Scoring()
    for weight in fresh.trainable_variables:
        weight.assign(weight.value * 3)
    real = fresh.judge({"point": tf.constant(contracts.batch_for(fresh, 8)["point"])})
    assert model.real_anchor.numpy() == pytest.approx(0.01 * float(tf.reduce_mean(real)), rel=1e-4)


def test_augmentation_changes_what_the_discriminator_sees_and_nothing_else():
    plain, changed = DCGAN(**PICTURES), DCGAN(**PICTURES, augment="translation")
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)), tf.float32)
    np.testing.assert_array_equal(plain.shown(images), images)
    assert np.abs(changed.shown(images) - images).max() > 0.1
    seeds = np.arange(2)
    np.testing.assert_array_equal(plain.sample(seeds), changed.sample(seeds))


def test_adaptive_augmentation_is_logged_and_saved(tmp_path):
    model = DCGAN(**PICTURES, augment="color", augment_target=0.6)
    model.compile()
    logs = contracts.take_steps(model, contracts.batch_for(model, 8), 5)
    assert {"augment_p", "augment_r"} <= set(logs)
    assert any("augmentation" in weight.path for weight in model.weights)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert (again.augment, again.augment_target, again.loss) == ("color", 0.6, "non_saturating")


def test_a_compiled_model_keeps_its_loss(tmp_path):
    model = DCGAN(**PICTURES, loss="hinge", penalties={"r1": 5.0})
    model.compile()
    assert model.loss == "hinge"
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.loss == "hinge" and again.penalties == {"r1": 5.0}


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"loss": "hing"}, "hinge"),
        ({"penalties": {"r3": 1.0}}, "r1"),
        ({"augment": "colour"}, "color"),
        ({"augment_target": 0.6}, "color,translation,cutout"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_line(settings, said):
    with pytest.raises(ZooError, match=said) as caught:
        DCGAN(**PICTURES, **settings)
    assert "\n" not in str(caught.value)
