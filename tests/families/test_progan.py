import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from test_phases import StopAt

from tfgan_zoo import devices, training
from tfgan_zoo.families.progan import ProGAN
from tfgan_zoo.networks.growing import GrowingGenerator, enlarged, shrunk
from tfgan_zoo.serving import savedmodel

TINY = {"image_shape": (16, 16, 3), "latent_dim": 4, "filters": 4, "max_filters": 8, "phase_steps": 4}


def lively(**arguments):
    """A tiny model whose pictures are not all alike."""
    model = ProGAN(**{**TINY, **arguments})
    for number, weight in enumerate(model.trainable_variables):
        weight.assign(np.random.default_rng(number).normal(0, 1, weight.shape))
    return model


def grow(model, level, alpha):
    for network in model.networks_by_name.values():
        network.get_layer("levels").grow(level, alpha)


def pictures(model, count=3):
    return model.generate({"z": tf.random.stateless_normal((count, 4), (1, 2))}).numpy()


def levels(model, name="generator"):
    return model.networks_by_name[name].get_layer("levels")


# === The networks ===
def test_a_level_begins_as_the_enlarged_level_below_to_the_bit():
    model = lively()
    image = np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)
    for level in range(2):
        grow(model, level, 1.0)
        before, scores = pictures(model), model.discriminator(image).numpy()
        side = 4 << level
        assert before.std() > 0.01 and before.shape == (3, 16, 16, 3)
        squares = before.reshape(3, side, 16 // side, side, 16 // side, 3)
        np.testing.assert_array_equal(squares, np.broadcast_to(squares[:, :, :1, :, :1], squares.shape))
        grow(model, level + 1, 0.0)
        np.testing.assert_array_equal(pictures(model), before)
        np.testing.assert_array_equal(model.discriminator(image).numpy(), scores)
        grow(model, level + 1, 0.5)
        assert np.abs(pictures(model) - before).max() > 0.01


def test_networks_by_their_weights_are_those_of_the_phase():
    model = lively()
    z = tf.random.stateless_normal((3, 4), (1, 2))
    for phase, level, alpha in (
        ("4", 0, 1.0),
        ("8-fade", 1, 0.25),
        ("8", 1, 1.0),
        ("16-fade", 2, 0.75),
        ("16", 2, 1.0),
    ):
        model.enter(next(each for each in model.phases if each.name == phase))
        grow(model, level, alpha)
        np.testing.assert_array_equal(model.at_level(model.generator, z), pictures(model))


def test_the_discriminator_sees_real_pictures_of_the_level_faded_as_made_up_ones():
    model = ProGAN(**TINY)
    real = tf.random.stateless_uniform((2, 16, 16, 3), (1, 2))
    levels(model, "discriminator").grow(1, 0.25)
    mixed = 0.25 * shrunk(real) + 0.75 * enlarged(shrunk(real, 2))
    seen = levels(model, "discriminator").seen(real, 1, True)
    np.testing.assert_allclose(seen, enlarged(mixed), atol=1e-6)
    np.testing.assert_array_equal(levels(model, "discriminator").seen(real, 2, False), real)


@pytest.mark.parametrize("shape, sides", [((28, 28, 1), [7, 14, 28]), ((8, 16, 3), [4, 8])])
def test_it_grows_from_4_or_7_pixels(shape, sides):
    model = ProGAN(**{**TINY, "image_shape": shape})
    assert model.sides == sides
    assert [phase.name for phase in model.phases][:3] == [f"{sides[0]}", f"{sides[1]}-fade", f"{sides[1]}"]
    assert pictures(model).shape == (3, *shape)


def test_it_may_start_at_a_larger_side_and_has_grown_to_it_from_the_first():
    model = ProGAN(**TINY, start_side=8, ema_decay=0.5)
    assert [phase.name for phase in model.phases] == ["8", "16-fade", "16"]
    assert [int(levels(model, name).level) for name in model.networks_by_name] == [1, 1, 1]


def test_an_export_in_mid_growth_answers_as_the_model(tmp_path):
    model = lively(ema_decay=0.9)
    grow(model, 1, 0.5)
    savedmodel.write(model, tmp_path, {})
    served = tf.saved_model.load(str(tmp_path)).signatures["generate"]
    z = tf.random.stateless_normal((3, 4), (1, 2))
    np.testing.assert_allclose(served(z=z)["images"], pictures(model), atol=1e-5)


# === The course ===
def trained(model):
    """The first weight of each block of the generator."""
    return [block.trainable_weights[0].numpy() for block in levels(model).blocks]


def test_only_the_levels_of_the_phase_are_computed_and_move(monkeypatch):
    model = lively(image_shape=(8, 8, 3), ema_decay=0.5)
    model.compile()
    computed, at = [], GrowingGenerator.at
    monkeypatch.setattr(
        GrowingGenerator, "at", lambda self, x, *where: (computed.append(where), at(self, x, *where))[1]
    )
    batch = contracts.batch_for(model)
    for phase, expected, alpha in zip(model.phases, [(0, False), (1, True), (1, False)], [1.0, 0.25, 1.0]):
        before = trained(model)
        model.enter(phase)
        contracts.take_steps(model, batch, 2)
        moved = [not np.array_equal(a, b) for a, b in zip(before, trained(model))]
        assert set(computed) == {expected}
        assert moved == [True, expected[0] == 1]
        for name in model.networks_by_name:  # the averaged twin grows too
            assert (int(levels(model, name).level), float(levels(model, name).alpha)) == (expected[0], alpha)
        computed.clear()


@pytest.mark.parametrize("replicas", [1, 2])
def test_optimizers_start_anew_with_each_phase_and_keep_their_rates(replicas):
    with devices.strategy(replicas).scope():
        model = ProGAN(**{**TINY, "image_shape": (8, 8, 3)})
        model.compile(optimizer={"generator": keras.optimizers.Adam(0.125)})
    contracts.take_steps(model, contracts.batch_for(model), 3)
    generator = model.optimizer.by_player["generator"]
    assert int(generator.iterations.numpy()) == 3 and max(np.abs(v.numpy()).max() for v in generator._velocities) > 0
    model.enter(model.phases[0])
    assert int(generator.iterations.numpy()) == 3
    model.enter(model.phases[1])
    assert int(generator.iterations.numpy()) == 0 and max(np.abs(v.numpy()).max() for v in generator._velocities) == 0
    assert float(generator.learning_rate.numpy()) == 0.125
    if replicas == 2:
        logs = contracts.take_steps(model, contracts.batch_for(model), 1)
        assert all(np.isfinite(values).all() for values in logs.values())


RUN = [
    "model.image_shape=[8, 8, 3]",
    "model.stddev_group=4",
    "train.steps=4",
    "train.phases.4.steps=1",
    "train.phases.8-fade.steps=4",
    "train.phases.8-fade.batch_size=4",
]


def test_a_run_stopped_while_a_level_fades_in_ends_as_an_unbroken_one(tmp_path):
    unbroken = training.train("progan_emoji", RUN, smoke=True, run_dir=tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        training.train("progan_emoji", RUN, smoke=True, run_dir=tmp_path / "broken", callbacks=[StopAt(3)])
    broken = training.train("progan_emoji", RUN, smoke=True, run_dir=tmp_path / "broken")
    one, two = (keras.models.load_model(run.path / "model.keras") for run in (unbroken, broken))
    assert one.phase == two.phase == "8-fade" and float(levels(one).alpha) == 0.5
    for a, b in zip([*one.weights, *one.optimizer.variables], [*two.weights, *two.optimizer.variables], strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=a.path)
