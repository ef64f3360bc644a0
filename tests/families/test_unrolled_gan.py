import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo import play
from tfgan_zoo.families.unrolled_gan import UnrolledGAN

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.3),
    "momentum": lambda: keras.optimizers.SGD(0.3, momentum=0.9, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.05, beta_1=0.5),
    "scheduled": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.05, 1, 0.5)),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.05),
}


def small(optimizer=None, **arguments):
    """A model whose optimizers have moments already."""
    model = UnrolledGAN(**{"units": 6, "latent_dim": 3, "unrolled_steps": 2, **arguments})
    model.compile(None if optimizer is None else {"discriminator": OPTIMIZERS[optimizer]()})
    for _ in range(2):
        model.noise.begin()
        model.play([batch_of(model)])
    return model


def batch_of(model, seed=3):
    return {"point": tf.constant(contracts.batch_for(model, 16, seed)["point"])}


def pinned(model):
    """Let every pass of the generator see the same noise."""
    z = tf.random.stateless_normal((16, model.latent_dim), (1, 2))
    model.latents = lambda count: {"z": z}


def gradient_of_the_turn(model, batch):
    """What `play` gives to the generator's optimizer."""
    found = {}
    apply, model.apply = model.apply, lambda player, gradients: found.update({player.name: gradients})
    model.noise.begin()
    model.play([batch])
    model.apply = apply
    return found


def foreseen(model, batch, steps):
    """The value that G minimizes, by real steps of D's optimizer, which are taken back afterwards."""
    optimizer, player = model.optimizer.by_player["discriminator"], model.player("discriminator")
    kept = [variable.numpy() for variable in (*model.discriminator.weights, *optimizer.variables)]
    for _ in range(steps):
        with tf.GradientTape() as tape:
            loss = model.discriminator_loss(batch, model.fake(batch))
        model.descend(player, tape, loss)
    value = float(model.generator_loss(batch, model.fake(batch)))
    for variable, before in zip((*model.discriminator.weights, *optimizer.variables), kept):
        variable.assign(before)
    return value


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_imagined_steps_are_the_optimizers_own(optimizer):
    model = small(optimizer)
    batch, variables = batch_of(model), model.discriminator.trainable_variables
    pinned(model)
    own = model.optimizer.by_player["discriminator"]
    before = [variable.numpy() for variable in (*variables, *own.variables)]
    with keras.StatelessScope():
        imagined = play.Imagined(own, variables)
        for _ in range(3):
            imagined.step(lambda: model.discriminator_loss(batch, model.fake(batch)))
        foreseen = [tf.identity(variable.value).numpy() for variable in (*variables, *own.variables)]
    for variable, value in zip((*variables, *own.variables), before):
        np.testing.assert_array_equal(variable.numpy(), value)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = model.discriminator_loss(batch, model.fake(batch))
        model.descend(model.player("discriminator"), tape, loss)
    assert max(np.abs(v.numpy() - b).max() for v, b in zip(variables, before)) > 1e-2
    for variable, value in zip((*variables, *own.variables), foreseen):
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-4, atol=1e-6, err_msg=variable.path)


@pytest.mark.parametrize("optimizer, steps", [("sgd", 1), ("momentum", 3), ("adam", 1), ("adam", 3), ("rmsprop", 2)])
def test_gradients_pass_through_the_steps_and_the_optimizer(optimizer, steps):
    """Against finite differences in random directions, where D's steps are really made."""
    model = small(optimizer, unrolled_steps=steps)
    batch, variables = batch_of(model), model.generator.trainable_variables
    pinned(model)
    gradients = gradient_of_the_turn(model, batch)["generator"]
    random, start = np.random.default_rng(0), [variable.numpy() for variable in variables]
    for _ in range(2):
        way = [random.choice([-1.0, 1.0], variable.shape).astype(np.float32) for variable in variables]
        values = []
        for step in (-0.004, 0.004):
            for variable, value, direction in zip(variables, start, way):
                variable.assign(value + step * direction)
            values.append(foreseen(model, batch, steps))
        slope = sum(float(tf.reduce_sum(g * direction)) for g, direction in zip(gradients, way))
        assert slope == pytest.approx((values[1] - values[0]) / 0.008, rel=0.02, abs=2e-3)
        for variable, value in zip(variables, start):
            variable.assign(value)
    model.unrolled_steps = 0
    plain = gradient_of_the_turn(model, batch)["generator"]
    assert max(float(tf.reduce_max(tf.abs(a - b))) for a, b in zip(gradients, plain)) > 1e-2


def test_discriminators_own_step_is_the_plain_one():
    model, plain = small(unrolled_steps=3), small(unrolled_steps=0)
    plain.set_weights(model.get_weights())
    for each in (model, plain):
        pinned(each)
    batch = batch_of(model)
    mine, theirs = (gradient_of_the_turn(each, batch)["discriminator"] for each in (model, plain))
    for one, other in zip(mine, theirs):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_statistics_of_imagined_passes_do_not_stay():
    pictures = {"image_shape": (12, 12, 1), "filters": 2, "discriminator_filters": 2, "latent_dim": 3}
    ahead, plain = (UnrolledGAN(**pictures, unrolled_steps=steps, updates="alternating") for steps in (4, 0))
    batch = {"image": tf.random.stateless_uniform((8, 12, 12, 1), (1, 2), -1, 1)}
    for model in (ahead, plain):
        model.compile({player.name: keras.optimizers.SGD(0.0) for player in model.players})
        model.noise.begin()
    moving = [weight for weight in ahead.discriminator.non_trainable_weights]
    first = [weight.numpy() for weight in moving]
    ahead.play([batch])
    plain.discriminator_loss(batch, plain.fake(batch))
    for weight, other, start in zip(moving, plain.discriminator.non_trainable_weights, first):
        np.testing.assert_allclose(weight.numpy(), other.numpy(), rtol=1e-5, atol=1e-7)
        assert np.abs(weight.numpy() - start).max() > 1e-6


def test_a_discriminator_without_gradients_makes_no_nan():
    """Where a gradient and its moments are 0, XLA would divide 0 by the root of 0 on the way back."""
    model = small("adam", units=2, unrolled_steps=1)
    for weight in model.discriminator.weights:
        weight.assign(np.zeros(weight.shape))
    for variable in model.optimizer.by_player["discriminator"].variables[2:]:
        variable.assign(np.zeros(variable.shape))
    batch = batch_of(model)
    found = tf.function(lambda: gradient_of_the_turn(model, batch), jit_compile=True)()
    assert all(np.isfinite(gradient).all() for gradients in found.values() for gradient in gradients)


def test_sizes_are_the_authors():
    model = UnrolledGAN()
    assert [model.generator.count_params(), model.discriminator.count_params()] == [
        256 * 128 + 128 + 128 * 128 + 128 + 128 * 2 + 2, 2 * 128 + 128 + 128 * 128 + 128 + 128 + 1
    ]  # fmt: skip
    model = UnrolledGAN((28, 28, 3), filters=8, discriminator_filters=2)
    assert [model.generator.count_params(), model.discriminator.count_params()] == [288_115, 613]
