"""Pre-activation residual blocks."""

from functools import partial

from keras import layers

Conv = partial(layers.Conv2D, padding="same", kernel_initializer="he_uniform")


def residual_block(x, filters, before=None, after=None, norm=None):
    """x + conv(relu(conv(relu(x)))), 3x3, of `filters` channels; a 1x1 convolution beside it where the shape changes.

    As in Gulrajani et al. 2017, appendix C (https://arxiv.org/abs/1704.00028).

    Args:
        before: makes the up-sampling layer before the first convolution.
        after: makes the pooling layer after the second one.
        norm: makes the normalization before each convolution.
    """

    def maybe(layer, value):
        return layer()(value) if layer else value

    h = layers.ReLU()(maybe(norm, x))
    h = layers.ReLU()(maybe(norm, Conv(filters, 3)(maybe(before, h))))
    h = maybe(after, Conv(filters, 3)(h))
    changes = before or after or x.shape[-1] != filters
    return layers.Add()([h, maybe(after, Conv(filters, 1)(maybe(before, x))) if changes else x])
