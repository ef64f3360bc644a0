"""From pictures to some numbers and back, without any connection past them.

As the authors' code of Pathak et al. 2016, https://arxiv.org/abs/1604.07379: convolutions of 4x4 and stride 2 down to a
map of 4 or 7 pixels a side, and one as large as that map.
"""

from keras import layers

from tfgan_zoo.families.dcgan import weights
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.networks.geometry import count_doublings


def encoded(x, filters, outputs):
    """Picture -> numbers (n, 1, 1, outputs), linear.

    Args:
        filters: channels at least; the smallest map has 8 times as many, larger ones half as many each time.
    """
    for level, width in enumerate(_widths(x.shape[1:], filters)):
        x = layers.LeakyReLU(0.2)(_conv(layers.Conv2D, x, width, 4, 2, "same", norm=level > 0))
    return _conv(layers.Conv2D, x, outputs, x.shape[1:3], norm=False)


def decoded(x, image_shape, filters):
    """Numbers (n, 1, 1, any), as `encoded` gives them -> picture (n, *image_shape) in [-1, 1]."""
    x = layers.LeakyReLU(0.2)(batch_norm()(x))
    size = [side >> count_doublings(image_shape) for side in image_shape[:2]], 1, "valid"
    for width in reversed(_widths(image_shape, filters)):
        x = layers.ReLU()(_conv(layers.Conv2DTranspose, x, width, *size))
        size = 4, 2, "same"
    x = _conv(layers.Conv2DTranspose, x, image_shape[2], *size, norm=False)
    return layers.Activation("tanh", dtype="float32", name="made")(x)


def _widths(image_shape, filters):
    """Channels of the maps between a picture and the smallest one."""
    return [filters * max(1, 8 >> place) for place in reversed(range(count_doublings(image_shape)))]


def _conv(layer, x, width, *size, norm=True):
    x = layer(width, *size, use_bias=False, kernel_initializer=weights())(x)
    return batch_norm()(x) if norm else x
