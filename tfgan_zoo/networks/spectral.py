"""Residual networks with spectral normalization, attention and classes, as SNGAN, SAGAN and BigGAN have them."""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod

from keras import initializers, layers, ops

from tfgan_zoo.layers import ConditionalBatchNormalization, SelfAttention, SpectralNormalization, batch_norm
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.networks.residual import Halved, first_block, residual_block


def weights():
    """Glorot's uniform weights with twice the variance, as in the authors' code of SNGAN. Each layer draws its own."""
    return initializers.VarianceScaling(2.0, "fan_avg", "uniform")


def conv(filters: int, size: int, start: Callable = weights, **kwargs) -> layers.Layer:
    """A convolution; `start` makes its initializer."""
    return layers.Conv2D(filters, size, padding="same", kernel_initializer=start(), **kwargs)


def spectral_conv(*args, **kwargs) -> layers.Layer:
    """The same, its kernel divided by its largest singular value."""
    return SpectralNormalization(conv(*args, **kwargs))


def spectral_dense(units: int, start: Callable = initializers.GlorotUniform, **kwargs) -> layers.Layer:
    """A dense layer, its kernel divided by its largest singular value."""
    return SpectralNormalization(layers.Dense(units, kernel_initializer=start(), **kwargs))


def of_class(label, num_classes: int) -> Callable:
    """What makes a batch normalization with a scale and an offset for each class; int labels (n,)."""
    return lambda: lambda x: ConditionalBatchNormalization(num_classes)(x, label)


def projected(score, features, label, num_classes: int, start: Callable = initializers.GlorotUniform):
    """score + <embedding of the class, features>. Miyato, Koyama 2018, https://arxiv.org/abs/1802.05637, eq. 3."""
    table = SpectralNormalization(layers.Embedding(num_classes, features.shape[-1], start()))
    return layers.Add()([score, layers.Dot(-1)([table(label), features])])


def upwards(
    z, image_shape, widths: Sequence[int], norms: Sequence[Callable], conv=conv, dense=layers.Dense, attention=0
):
    """Vector -> pictures in [-1, 1], float32: residual blocks that double the sides, from 4 or 7.

    Args:
        widths: channels of each block.
        norms: makes the normalizations of each block.
        conv, dense: make a convolution of (filters, kernel size), and a dense layer of so many units.
        attention: the side of the map that gets self-attention; 0 for none.
    """
    doublings = count_doublings(image_shape)
    start = image_shape[0] >> doublings, image_shape[1] >> doublings, widths[0]
    x = layers.Reshape(start)(dense(prod(start))(z))
    for width, norm in zip(widths, norms, strict=True):
        x = residual_block(x, width, before=layers.UpSampling2D, norm=norm, conv=conv)
        x = SelfAttention()(x) if min(x.shape[1:3]) == attention else x
    x = conv(image_shape[-1], 3)(layers.ReLU()(batch_norm()(x)))
    return layers.Activation("tanh", dtype="float32", name="made")(x)


def downwards(image, widths: Sequence[int], halvings: int, conv=spectral_conv, attention=0):
    """Pictures -> vectors (n, widths[-1]): residual blocks, `halvings` of which halve the sides; sum over positions."""
    x = first_block(image, widths[0], conv)
    for place, width in enumerate(widths[1:], 1):
        x = SelfAttention()(x) if min(x.shape[1:3]) == attention else x
        x = residual_block(x, width, after=Halved if place < halvings else None, conv=conv)
    return ops.sum(layers.ReLU()(x), (1, 2))


def plain_upwards(z, image_shape, filters: int, norm: Callable = batch_norm):
    """Vector -> pictures: transposed convolutions of 4x4 and stride 2, one of 3x3. SNGAN, table 3."""
    doublings = count_doublings(image_shape)
    start = image_shape[0] >> doublings, image_shape[1] >> doublings, filters << doublings
    x = layers.Reshape(start)(layers.Dense(prod(start))(z))
    for level in reversed(range(doublings)):
        x = layers.Conv2DTranspose(filters << level, 4, 2, padding="same", kernel_initializer=weights())(x)
        x = layers.ReLU()(norm()(x))
    return layers.Activation("tanh", dtype="float32", name="made")(conv(image_shape[-1], 3)(x))


def plain_downwards(image, filters: int, conv: Callable = spectral_conv):
    """Pictures -> vectors: pairs of a 3x3 convolution and one of 4x4 that halves the sides. SNGAN, table 3."""
    rectified, x = partial(layers.LeakyReLU, 0.1), image
    for level in range(3):
        x = rectified()(conv(filters << level, 3)(x))
        x = rectified()(conv(filters << level, 4, strides=2)(x))
    return layers.Flatten()(rectified()(conv(filters << 3, 3)(x)))
