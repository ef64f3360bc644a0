import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.families.lsgan import LSGAN
from tfgan_zoo.losses import LOSSES


def gradient_at(loss, score):
    """How strongly a score pulls at the generator."""
    scores = tf.Variable([[score]])
    with tf.GradientTape() as tape:
        value = LOSSES[loss].generator(tf.zeros((1, 1)), scores)
    return abs(tape.gradient(value, scores).numpy().item())


def test_where_the_discriminator_is_sure_minimax_gives_no_gradient_and_least_squares_does():
    assert gradient_at("minimax", -10.0) == pytest.approx(1 / (1 + np.exp(10)), rel=1e-4)  # 4.5e-5
    assert gradient_at("least_squares", -10.0) == pytest.approx(11)
    assert gradient_at("non_saturating", 10.0) == pytest.approx(4.5e-5, rel=1e-2)  # far on the right side: forgotten
    assert gradient_at("least_squares", 10.0) == pytest.approx(9)


def test_the_networks_for_scenes_have_the_papers_maps():
    model = LSGAN()
    maps = [tuple(layer.output.shape[1:]) for layer in model.generator.layers if "transpose" in layer.name]
    widths = [(14, 256), (14, 256), (28, 256), (28, 256), (56, 128), (112, 64), (112, 3)]
    assert maps == [(side, side, channels) for side, channels in widths]
    assert model.discriminator.layers[-1].output.shape == (None, 1)
