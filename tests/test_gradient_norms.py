"""The norms of gradients as optimizers tell them, beside the gradients themselves."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_adversarial import dirac, points

from tfgan_zoo import devices
from tfgan_zoo.gradient_norms import GradientNorms

SQUARES = ["Adam", "AdamW", "Nadam", "RMSprop", "Adagrad", "LossScale"]


def made(name):
    """An optimizer of two arrays, and a step along given gradients."""
    if name == "LossScale":
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(), initial_scale=1024.0)
    else:
        optimizer = getattr(keras.optimizers, name)()
    arrays = [keras.Variable(np.ones(shape, "float32"), name="w") for shape in ((3, 4), (4,))]
    optimizer.build(arrays)
    scale = 1024.0 if name == "LossScale" else 1.0
    return optimizer, lambda gradients: optimizer.apply([tf.constant(g * scale) for g in gradients], arrays)


@pytest.mark.parametrize("name", SQUARES)
def test_norms_are_those_of_the_gradients_since_the_last_look(name):
    optimizer, apply = made(name)
    norms, random = GradientNorms({"one": optimizer}), np.random.default_rng(0)
    assert norms.since() == {}
    for size, steps in ((1.0, 30), (100.0, 2), (0.5, 30)):
        squares = []
        for _ in range(steps):
            gradients = [size * random.standard_normal(shape).astype("float32") for shape in ((3, 4), (4,))]
            apply(gradients)
            squares.append(sum((g**2).sum() for g in gradients))
        # RMSprop remembers the last of thirty steps alone.
        expected = pytest.approx(np.sqrt(np.mean(squares)), rel=0.1 if name == "RMSprop" else 0.02)
        assert norms.since() == {"one": expected}
    assert norms.since() == {}


def test_a_run_that_went_back_is_looked_at_anew():
    optimizer, apply = made("Adam")
    norms, first = GradientNorms({"one": optimizer}), [variable.numpy() for variable in optimizer.variables]
    for _ in range(5):
        apply([np.full((3, 4), 1000.0, "float32"), np.zeros(4, "float32")])
    norms.since()
    for variable, value in zip(optimizer.variables, first, strict=True):
        variable.assign(value)
    apply([np.full((3, 4), 2.0, "float32"), np.zeros(4, "float32")])
    assert norms.since() == {"one": pytest.approx(np.sqrt(12 * 4.0), rel=1e-4)}


def test_an_optimizer_that_keeps_no_squares_tells_nothing():
    optimizer, apply = made("SGD")
    apply([np.ones((3, 4), "float32"), np.ones(4, "float32")])
    assert GradientNorms({"one": optimizer}).since() == {}


def test_replicas_have_one_norm():
    found = []
    for replicas in (1, 2):
        with devices.strategy(replicas).scope():
            model = dirac()
            model.compile()  # Adam
        model.fit(points(24, batch=8), verbose=0)
        found.append(GradientNorms(model.optimizer.by_player).since())
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0]["discriminator"] == pytest.approx(2.0, rel=1e-2)  # its loss is psi * theta, and theta = 2
