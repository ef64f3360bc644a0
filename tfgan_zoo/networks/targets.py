"""The small classifiers of digits that papers on attacks attack."""

from typing import Literal

from keras import layers

from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import Dropout

Architecture = Literal["A", "B", "C"]
LEAST = {"A": 13, "B": 27, "C": 16}  # the shortest side that each takes


def classifier(x, architecture: Architecture, num_classes: int, filters: int = 64, dropout: float = 0.5):
    """Picture in [-1, 1] -> logits, float32 (n, num_classes).

    A and B are those of Tramer et al. 2018 (https://arxiv.org/abs/1705.07204), C that of Carlini, Wagner 2017
    (https://arxiv.org/abs/1608.04644), as Xiao et al. 2018 name them.

    Args:
        filters: channels, 64 as published: of A's convolutions, of B's first and of C's last.
        dropout: share left out before the last dense layer; A leaves out half as much after its convolutions.

    Raises:
        ZooError: where a side is too short for the convolutions.
    """
    if min(x.shape[1:3]) < LEAST[architecture]:
        sides = f"{x.shape[1]} and {x.shape[2]}"
        raise ZooError(f"image_shape: sides {sides}: classifier {architecture} takes {LEAST[architecture]} or more.")
    x = layers.Rescaling(0.5, 0.5)(x)  # the papers' pixels lie in [0, 1]
    if architecture == "A":
        x = _conv(x, filters, 5, strides=2)  # strides as in a public copy; without, it takes five times as long
        x = Dropout(dropout / 2)(_conv(x, filters, 5))
        x = layers.Dense(2 * filters, "relu")(layers.Flatten()(x))
    elif architecture == "B":
        x = _conv(x, filters, 8, strides=2, padding="same")
        x = layers.Flatten()(_conv(_conv(x, 2 * filters, 6, strides=2), 2 * filters, 5))
    else:
        for width in (filters // 2, filters):
            x = layers.MaxPooling2D()(_conv(_conv(x, width, 3), width, 3))
        x = Dropout(dropout)(layers.Dense(200, "relu")(layers.Flatten()(x)))
        x = layers.Dense(200, "relu")(x)
    return layers.Dense(num_classes, dtype="float32")(Dropout(dropout)(x))


def _conv(x, filters, size, **settings):
    return layers.Conv2D(max(filters, 1), size, activation="relu", **settings)(x)
