"""The networks of DAGAN: densely connected blocks, in the shape of a U-Net and of a discriminator.

Antoniou, Storkey, Edwards 2017, https://arxiv.org/abs/1711.04340, section 4, and the authors' code.
"""

from functools import partial

from keras import layers

from tfgan_zoo.layers import Dropout

Norm = partial(layers.BatchNormalization, momentum=0.99, epsilon=1e-3, synchronized=True)
LayerNorm = partial(layers.GroupNormalization, groups=1)  # over all numbers of an example, with scales per channel
NOISE = (8, 8, 4)  # maps that the noise becomes at the first levels of the decoder


def unit(x, width: int, norm, strides: int = 1):
    """A convolution of 3x3, leaky ReLU, normalization."""
    return norm()(layers.LeakyReLU(0.2)(layers.Conv2D(width, 3, strides, padding="same")(x)))


def joined(maps):
    """Maps of one size side by side."""
    return layers.Concatenate()(maps) if len(maps) > 1 else maps[0]


def dense_units(seen: list, width: int, count: int, norm) -> list:
    """`count` units, each of which sees all maps before it: the maps there were, and those that were made."""
    for _ in range(count):
        seen = [*seen, unit(joined(seen), width, norm)]
    return seen


def encoded(image, widths, inner: int, norm, dropout: float) -> list:
    """The maps of a picture after each halving, the largest first.

    The first is a convolution alone. Each block after it sees the last map before the halving too, brought to its size
    by a convolution of 1x1 over every other row and column. Those are taken first: in TensorFlow 2.21 on a CPU, the
    gradient of a 1x1 convolution with strides writes beyond its memory.
    """
    before, x = image, unit(image, widths[0], norm, strides=2)
    maps = [x]
    for width in widths[1:]:
        every_other = layers.AveragePooling2D(1, 2, padding="same")(before)
        shortcut = layers.Conv2D(before.shape[-1], 1)(every_other)
        seen = dense_units([x, shortcut], width, inner, norm)
        before, x = seen[-1], Dropout(dropout)(unit(joined(seen), width, norm, strides=2))
        maps.append(x)
    return maps


def generated(image, z, widths, inner: int, dropout: float):
    """A picture and a vector of noise -> a picture in [-1, 1]: a U-Net whose first decoding levels see the noise."""
    skips = [image, *encoded(image, widths, inner, Norm, dropout)]
    x = skips.pop()
    for level, width in enumerate(reversed((widths[0], *widths))):
        if level < len(NOISE):
            height, columns, maps = *x.shape[1:3], NOISE[level]
            x = joined([layers.Reshape((height, columns, maps))(layers.Dense(height * columns * maps)(z)), x])
        seen = dense_units([x], width, inner, Norm)
        if not skips:
            break
        skip = skips.pop()
        x = layers.UpSampling2D()(joined(seen))
        x = layers.Cropping2D([(0, have - want) for have, want in zip(x.shape[1:3], skip.shape[1:3], strict=True)])(x)
        x = joined([Dropout(dropout)(unit(x, width, Norm)), skip])
    x = seen[-1]
    for _ in range(2):
        x = unit(x, widths[0], Norm)
    x = layers.Conv2D(image.shape[-1], 3, padding="same")(x)
    return layers.Activation("tanh", dtype="float32", name="made")(x)


def score(source, target, widths, inner: int, dropout: float):
    """Two pictures -> how much they look like two real ones of one class, (n, 1), float32."""
    maps = encoded(layers.Concatenate()([source, target]), widths, inner, LayerNorm, dropout)
    return layers.Dense(1, dtype="float32", name="score")(layers.Flatten()(maps[-1]))
