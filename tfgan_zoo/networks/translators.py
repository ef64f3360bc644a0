"""Networks from pictures to pictures of the same size."""

import keras
from keras import layers

from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import Dropout, ReflectionPadding2D


def unet(x, channels, filters, norm, skips=True, dropout=0.0):
    """U-Net. Picture -> map of `channels`, linear: convolutions of 4x4 and stride 2 while both sides can be halved.

    Each map on the way down joins the one of its size on the way up, past the small ones in the middle. As in Isola et
    al. 2017, section 6.1.1 (https://arxiv.org/abs/1611.07004), and its authors' code: 256x256 pictures are halved 8
    times, down to 1x1.

    Args:
        filters: channels of the first and largest map; they double with each halving, up to eight times as many.
        norm: makes the normalization; there is none at the first map and at the smallest, which may be 1x1.
        skips: False leaves out what passes the middle: an encoder and a decoder.
        dropout: share of the numbers that are left out in training in the first three maps on the way up.

    Raises:
        ZooError: where a side is odd.
    """
    halvings = _halvings(x.shape[1:3])
    widths = [filters * min(2**level, 8) for level in range(halvings)]
    on_the_way = []
    for level, width in enumerate(widths):
        x = layers.LeakyReLU(0.2)(x) if level else x
        inner = 0 < level < halvings - 1
        x = layers.Conv2D(width, 4, 2, padding="same", use_bias=not inner, kernel_initializer=_weights())(x)
        x = norm()(x) if inner else x
        on_the_way.append(x)
    x = on_the_way.pop()
    for place, width in enumerate(reversed(widths[:-1])):
        x = norm()(_enlarged(x, width, use_bias=False))
        x = Dropout(dropout)(x) if dropout and place < 3 else x
        x = layers.Concatenate()([x, on_the_way.pop()]) if skips else x
    return _enlarged(x, channels)


def _enlarged(x, width, use_bias=True):
    deconv = layers.Conv2DTranspose(width, 4, 2, padding="same", use_bias=use_bias, kernel_initializer=_weights())
    return deconv(layers.ReLU()(x))


def _weights():
    return keras.initializers.RandomNormal(0.0, 0.02)


def _halvings(sides) -> int:
    """How often all sides can be halved."""
    common = sides[0] | sides[1]  # its last bit is the first that either has
    halvings = (common & -common).bit_length() - 1
    if not halvings:
        raise ZooError(f"image_shape: sides {sides[0]} and {sides[1]}: a U-Net halves both; choose even ones.")
    return halvings


def resnet(x, channels, filters, blocks, norm, ends=7):
    """Picture -> map of `channels`, linear: halve twice, residual blocks, double twice; margins are reflections.

    As in Johnson et al. 2016 (https://arxiv.org/abs/1603.08155) and Zhu et al. 2017, section 7.2
    (https://arxiv.org/abs/1703.10593).

    Args:
        filters: channels of the maps of the picture's size; the blocks have four times as many.
        norm: makes the normalization.
        ends: side of the first and the last kernel.

    Raises:
        ZooError: where a side is no multiple of 4.
    """
    if x.shape[1] % 4 or x.shape[2] % 4:
        raise ZooError(f"image_shape: sides {x.shape[1]} and {x.shape[2]}: a resnet takes multiples of 4.")

    def conv(x, width, size):
        padded = ReflectionPadding2D(size // 2)(x)
        return layers.Conv2D(width, size, use_bias=False, kernel_initializer=_weights())(padded)

    def strided(layer, x, width):
        made = layer(width, 3, 2, padding="same", use_bias=False, kernel_initializer=_weights())(x)
        return layers.ReLU()(norm()(made))

    x = layers.ReLU()(norm()(conv(x, filters, ends)))
    x = strided(layers.Conv2D, strided(layers.Conv2D, x, 2 * filters), 4 * filters)
    for _ in range(blocks):
        h = layers.ReLU()(norm()(conv(x, 4 * filters, 3)))
        x = layers.Add()([x, norm()(conv(h, 4 * filters, 3))])
    x = strided(layers.Conv2DTranspose, strided(layers.Conv2DTranspose, x, 2 * filters), filters)
    return layers.Conv2D(channels, ends, kernel_initializer=_weights())(ReflectionPadding2D(ends // 2)(x))
