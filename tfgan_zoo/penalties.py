"""Penalties on a network's gradients and weights: scalars, differentiable a second time."""

from collections.abc import Callable, Iterable

import tensorflow as tf


def gradient_penalty(critic: Callable, real: tf.Tensor, fake: tf.Tensor, epsilon: tf.Tensor) -> tf.Tensor:
    """E[(||grad D(x_hat)||_2 - 1)^2] at x_hat = epsilon x + (1 - epsilon) x_fake.

    Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028, eq. 3 without its weight.

    Args:
        critic: maps (batch, ...) to scores (batch, 1).
        real, fake: float (batch, ...), alike in shape.
        epsilon: U(0, 1), one per example: (batch, 1, ...).
    """
    mixed = tf.convert_to_tensor(epsilon * real + (1.0 - epsilon) * fake)
    with tf.GradientTape() as tape:
        tape.watch(mixed)
        scores = critic(mixed)
    gradients = tape.gradient(scores, mixed)
    squares = tf.reduce_sum(tf.square(gradients), axis=range(1, len(gradients.shape)))
    norms = tf.sqrt(squares + 1e-12)  # the root has no gradient at 0
    return tf.reduce_mean(tf.square(norms - 1.0))


def l2(variables: Iterable[tf.Variable]) -> tf.Tensor:
    """Half the sum of squares of all weights, whose gradient is the weights themselves: weight decay's classic form."""
    return tf.add_n([tf.reduce_sum(tf.square(variable)) for variable in variables]) / 2
