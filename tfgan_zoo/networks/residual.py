"""Pre-activation residual blocks."""

from functools import partial

from keras import layers

Conv = partial(layers.Conv2D, padding="same", kernel_initializer="he_uniform")
Halved = partial(layers.AveragePooling2D, 2)


def residual_block(x, filters, before=None, after=None, norm=None, conv=Conv):
    """x + conv(relu(conv(relu(x)))), 3x3, of `filters` channels; a 1x1 convolution beside it where the shape changes.

    As in Gulrajani et al. 2017, appendix C (https://arxiv.org/abs/1704.00028).

    Args:
        before: makes the up-sampling layer before the first convolution.
        after: makes the pooling layer after the second one.
        norm: makes the normalization before each convolution.
        conv: makes a convolution of (filters, kernel size).
    """

    def maybe(layer, value):
        return layer()(value) if layer else value

    h = layers.ReLU()(maybe(norm, x))
    h = layers.ReLU()(maybe(norm, conv(filters, 3)(maybe(before, h))))
    h = maybe(after, conv(filters, 3)(h))
    changes = before or after or x.shape[-1] != filters
    return layers.Add()([h, maybe(after, conv(filters, 1)(maybe(before, x))) if changes else x])


def first_block(image, filters, conv=Conv):
    """A discriminator's first block, which halves the sides: without an activation before its first convolution."""
    h = Halved()(conv(filters, 3)(layers.ReLU()(conv(filters, 3)(image))))
    return layers.Add()([h, conv(filters, 1)(Halved()(image))])
