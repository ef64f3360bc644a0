"""PatchGAN's discriminator: one score for each patch of a picture, not one for the whole."""

import keras
from keras import layers

from tfgan_zoo.errors import ZooError

HALVINGS = {16: 1, 34: 2, 70: 3, 142: 4, 286: 5}  # {side of the patch that a score sees: convolutions of stride 2}


def scores_of(x, filters, patch, norm):
    """Picture -> map of scores, each of which sees a patch of `patch` pixels: 1 or one of `HALVINGS`.

    Arguments and errors are those of `patch_scores`.
    """
    return pixel_scores(x, filters, norm) if patch == 1 else patch_scores(x, filters, HALVINGS[patch], norm)


def pixel_scores(x, filters, norm):
    """Picture -> map of scores (height, width, 1), float32, one for each pixel alone: three convolutions of 1x1.

    Isola et al. 2017, section 6.1.2 (https://arxiv.org/abs/1611.07004).
    """
    x = layers.LeakyReLU(0.2)(layers.Conv2D(filters, 1, kernel_initializer=_weights())(x))
    x = layers.Conv2D(2 * filters, 1, use_bias=False, kernel_initializer=_weights())(x)
    return _as_scores(layers.Conv2D(1, 1, kernel_initializer=_weights())(layers.LeakyReLU(0.2)(norm()(x))))


def patch_scores(x, filters, halvings, norm):
    """Picture -> map of scores (height, width, 1), float32: convolutions of 4x4, the last two of stride 1.

    Isola et al. 2017, section 6.1.2 (https://arxiv.org/abs/1611.07004), and its authors' code. A score sees a patch of
    16 pixels with one halving, 34 with two, 70 with three, as in most papers.

    Args:
        filters: channels of the first map; they double with each convolution, up to eight times as many.
        halvings: convolutions of stride 2.
        norm: makes the normalization; there is none at the first map and at the scores.

    Raises:
        ZooError: where a picture is too small.
    """
    least = 3 << halvings
    if min(x.shape[1:3]) < least:
        raise ZooError(f"image_shape: sides {x.shape[1]} and {x.shape[2]}: patches take {least} or more pixels.")
    for level in range(halvings + 1):
        if level == halvings:  # stride 1 with a margin of one pixel, as the authors have it: a map one smaller
            x = layers.ZeroPadding2D(1)(x)
        stride, padding = (1, "valid") if level == halvings else (2, "same")
        width = filters * min(2**level, 8)
        x = layers.Conv2D(width, 4, stride, padding, use_bias=not level, kernel_initializer=_weights())(x)
        x = layers.LeakyReLU(0.2)(norm()(x) if level else x)
    return _as_scores(layers.Conv2D(1, 4, kernel_initializer=_weights())(layers.ZeroPadding2D(1)(x)))


def _as_scores(x):
    """In float32, also where the network computes in less."""
    return layers.Activation("linear", dtype="float32", name="scores")(x)


def _weights():
    return keras.initializers.RandomNormal(0.0, 0.02)
