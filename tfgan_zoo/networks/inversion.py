"""The codes of which a trained generator makes what is wanted, found by descent: for networks that have no encoder."""

import math
from collections.abc import Callable

import tensorflow as tf


def descended(cost: Callable, codes: tf.Tensor, steps: int, rate: float) -> tf.Tensor:
    """Where `steps` of Adam lead from `codes`, float (n, ...); each row goes by its own cost alone.

    The rate falls from `rate` to 0 like a cosine: at a constant one codes end up walking around the best place.

    Args:
        cost: codes (n, ...) -> their costs (n,), row by row; the networks in it are called in inference mode.
    """

    def step(count, codes, mean, square):
        with tf.GradientTape() as tape:
            tape.watch(codes)
            costs = cost(codes)
        slope = tape.gradient(costs, codes)
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * tf.square(slope)
        t = tf.cast(count + 1, tf.float32)
        length = rate * (1 + tf.cos(math.pi * t / steps)) / 2
        unbiased = mean / (1 - 0.9**t), square / (1 - 0.999**t)
        return count + 1, codes - length * unbiased[0] / (tf.sqrt(unbiased[1]) + 1e-7), mean, square

    zero = tf.zeros_like(codes)
    return tf.while_loop(lambda count, *_: count < steps, step, (0, codes, zero, zero))[1]
