"""A U-Net of partial convolutions, or of plain ones, in two halves: pictures with holes -> whole pictures.

As in Liu et al. 2018, https://arxiv.org/abs/1804.07723, figure 4 and supplement: convolutions of stride 2 with kernels
of 7, 5, 5 and then 3; on the way up maps and masks are doubled to squares and joined with those of the way down.
"""

from functools import partial

import keras
from keras import layers, ops

from tfgan_zoo.layers import PartialConv2D, batch_norm

Norm = partial(batch_norm, gamma_stddev=0.0)
KERNELS = {1: 7, 2: 5, 3: 5}


def encoder(channels, filters, halvings, masked=True):
    """`image` (n, height, width, channels), `valid` (n, height, width, 1) -> {"map_1", "valid_1", "map_2" ...}.

    Map k has both sides halved k times; where `valid_k` is 0 it knows nothing yet.

    Args:
        filters: channels of the first map; they double with each halving, up to eight times as many.
        masked: False for plain convolutions, without `valid`.
    """
    image = keras.Input((None, None, channels), name="image")
    seen = keras.Input((None, None, 1), name="valid") if masked else None
    x, valid, maps = image, seen, {}
    for level in range(1, halvings + 1):
        x, valid = _conv(x, valid, _width(filters, level), KERNELS.get(level, 3), 2)
        x = layers.ReLU()(Norm()(x) if level > 1 else x)
        maps |= {f"map_{level}": x} | ({f"valid_{level}": valid} if masked else {})
    return keras.Model([image, seen] if masked else image, maps, name="encoder")


def decoder(channels, filters, halvings, masked=True):
    """What `encoder` gives, with the picture and its mask as "map_0" and "valid_0" -> a picture, linear, float32."""
    widths = [channels, *(_width(filters, level) for level in range(1, halvings + 1))]
    maps = [keras.Input((None, None, width), name=f"map_{level}") for level, width in enumerate(widths)]
    masks = [keras.Input((None, None, 1), name=f"valid_{level}") for level in range(halvings + 1)] if masked else []
    x, valid = maps[-1], masks[-1] if masked else None
    for level in reversed(range(halvings)):
        x = layers.UpSampling2D()(x)
        if masked:
            both = ((layers.UpSampling2D()(valid), x), (masks[level], maps[level]))
            valid = layers.Concatenate()([ops.repeat(mask, part.shape[-1], axis=-1) for mask, part in both])
        x, valid = _conv(layers.Concatenate()([x, maps[level]]), valid, widths[level], 3)
        x = layers.LeakyReLU(0.2)(Norm()(x)) if level else x
    made = layers.Activation("linear", dtype="float32", name="made")(x)
    return keras.Model([*maps, *masks], made, name="decoder")


def _conv(x, valid, *size):
    """A partial convolution of what is valid, or a plain one, to which margins are 0, where `valid` is None."""
    how = {"padding": "same", "kernel_initializer": "he_normal"}
    return (layers.Conv2D(*size, **how)(x), None) if valid is None else PartialConv2D(*size, **how)(x, valid)


def _width(filters, level):
    return filters * min(2 ** (level - 1), 8)
