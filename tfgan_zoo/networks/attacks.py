"""Attacks: pictures changed by so little that people see the same, of which a classifier says something else.

Pictures are float [-1, 1]. `epsilon` is the largest change of a pixel as a share of its range: 0.3 is what papers with
pixels in [0, 1] call 0.3. `judge` maps pictures (n, height, width, channels) to logits (n, classes), row by row.
"""

from collections.abc import Callable

import tensorflow as tf


def bounded(images: tf.Tensor, changed: tf.Tensor, epsilon: float) -> tf.Tensor:
    """The pictures nearest to `changed` that differ from `images` by `epsilon` at most and lie in [-1, 1]."""
    return tf.clip_by_value(tf.clip_by_value(changed, images - 2 * epsilon, images + 2 * epsilon), -1.0, 1.0)


def margin(logits: tf.Tensor, labels: tf.Tensor, confidence: float = 0.0) -> tf.Tensor:
    """max(f_y - max of the other f_i, -confidence) of each row: above 0 while the classifier says y. Float (n,).

    Carlini, Wagner 2017, https://arxiv.org/abs/1608.04644, section V.
    """
    own = tf.one_hot(labels, logits.shape[-1], dtype=tf.bool, on_value=True, off_value=False)
    right = tf.reduce_max(tf.where(own, logits, logits.dtype.min), axis=-1)
    others = tf.reduce_max(tf.where(own, logits.dtype.min, logits), axis=-1)
    return tf.maximum(right - others, -confidence)


def fgsm(judge: Callable, images: tf.Tensor, labels: tf.Tensor, epsilon: float) -> tf.Tensor:
    """One step of `epsilon` at each pixel, in the direction in which -log p(label) grows.

    Goodfellow, Shlens, Szegedy 2015, https://arxiv.org/abs/1412.6572, section 4.
    """
    return bounded(images, images + 2 * epsilon * _uphill(judge, images, labels), epsilon)


def pgd(
    judge: Callable,
    images: tf.Tensor,
    labels: tf.Tensor,
    epsilon: float,
    noise: tf.Tensor,
    steps: int = 40,
    rate: float = 0.01,
) -> tf.Tensor:
    """Many small steps of FGSM, each brought back to what `epsilon` allows; as published, 40 of 0.01.

    Madry, Makelov, Schmidt, Tsipras, Vladu 2018, https://arxiv.org/abs/1706.06083, section 2.1 and 5.

    Args:
        noise: U(-1, 1) in the shape of `images`: where the search begins, as shares of `epsilon`.
        rate: the change of a pixel in one step, as a share of its range.
    """

    def step(count, changed):
        changed += 2 * rate * _uphill(judge, changed, labels)
        return count + 1, bounded(images, changed, epsilon)

    start = bounded(images, images + 2 * epsilon * noise, epsilon)
    return tf.while_loop(lambda count, _: count < steps, step, (0, start))[1]


def _uphill(judge: Callable, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """The sign of the slope of -log p(label): -1, 0 or 1 at each pixel. No gradient passes."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, judge(images))
    return tf.stop_gradient(tf.sign(tape.gradient(losses, images)))
