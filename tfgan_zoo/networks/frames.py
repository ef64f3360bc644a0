"""Networks that foresee the next frame of a video, and those that judge it beside the frames before.

Recurrent (Lotter, Kreiman, Cox 2015, https://arxiv.org/abs/1511.06380), and at several scales (Mathieu, Couprie, LeCun
2016, https://arxiv.org/abs/1511.05440). All frames are float [-1, 1].
"""

from functools import partial
from math import prod
from typing import NamedTuple

from keras import layers, ops

from tfgan_zoo.errors import ZooError

Conv = partial(layers.Conv2D, padding="same")


# === Recurrent ===
def recurrent(past, filters, units):
    """Frames (n, frames, height, width, channels) -> [the next one], float32."""
    return [decoded(remembered(past, filters, units), past.shape[2:], filters)]


def remembered(past, filters, units):
    """Frames (n, frames, height, width, channels) -> code (n, units): each encoded alone, then all in an LSTM."""
    frames, *shape = past.shape[1:]
    x = encoded(ops.reshape(past, (-1, *shape)), filters)
    return layers.LSTM(units)(ops.reshape(x, (-1, frames, x.shape[-1])))


def encoded(frame, filters):
    """Frame -> code: two convolutions, each with a pooling that halves the sides, rounded up."""
    x = layers.Rescaling(0.5, 0.5)(frame)
    for _ in range(2):
        x = layers.MaxPooling2D(2, padding="same")(Conv(filters, 5, activation="relu")(x))
    return layers.Flatten()(x)


def decoded(code, shape, filters):
    """Code -> frame of a shape, float32: two doublings with convolutions; what exceeds white is white."""
    height, width, channels = shape
    start = -(-height // 4), -(-width // 4), filters
    x = layers.Reshape(start)(layers.Dense(prod(start), activation="relu")(code))
    for channels_made in (filters, channels):
        x = Conv(channels_made, 5, activation="relu")(layers.UpSampling2D(2)(x))
    x = layers.Activation("linear", dtype="float32")(x[:, :height, :width])
    return 2 * ops.minimum(x, 1.0) - 1


def judged(past, frames, filters, units):
    """Frames and [the one after them] -> logit (n, 1), float32: both codes, then two dense layers."""
    x = layers.Concatenate()([remembered(past, filters, units), encoded(frames[0], filters)])
    for _ in range(2):
        x = layers.Dense(units, activation="relu")(x)
    return layers.Dense(1, dtype="float32")(x)


# === At several scales ===
class Scale(NamedTuple):
    """The networks of one scale: channels in parts of `filters`, and sides of kernels."""

    channels: tuple[float, ...]
    kernels: tuple[int, ...]
    judged_channels: tuple[float, ...]
    judged_kernels: tuple[int, ...]
    dense: tuple[int, ...]


SCALES = (  # from the coarsest: 4, 8, 16 and 32 pixels in the paper
    Scale((1, 2, 1), (3, 3, 3, 3), (0.5,), (3,), (4, 2)),
    Scale((1, 2, 1), (5, 3, 3, 5), (0.5, 1, 1), (3, 3, 3), (8, 4)),
    Scale((1, 2, 4, 2, 1), (5, 3, 3, 3, 3, 5), (1, 2, 2), (5, 5, 5), (8, 4)),
    Scale((1, 2, 4, 2, 1), (7, 5, 5, 5, 5, 7), (1, 2, 4, 1), (7, 7, 5, 5), (8, 4)),
)


def pyramid(frame, scales):
    """A frame (n, height, width, channels) at `scales` sizes, the coarsest first: means of squares of pixels."""
    small = [ops.average_pool(frame, 2**halvings) for halvings in range(1, scales)]
    return [*reversed(small), frame]


def stacked(past):
    """Frames (n, frames, height, width, channels) as channels of one picture."""
    frames, height, width, channels = past.shape[1:]
    return ops.reshape(ops.transpose(past, (0, 2, 3, 1, 4)), (-1, height, width, frames * channels))


def multiscale(past, scales, filters):
    """The next frame at each scale, the coarsest first, float32: each network corrects what the one before made.

    Raises:
        ZooError: more scales than the paper has, or sides and channels that cannot be divided so often.
    """
    height, width, channels = past.shape[2:]
    unit, made = 2 ** (scales - 1), []
    if scales > len(SCALES) or filters < 2 or any(side % unit or side < 4 * unit for side in (height, width)):
        given = f"scales={scales}, image_shape={[height, width, channels]}, filters={filters}"
        raise ZooError(
            f"{given}: give 1 to 4 scales, sides that are 4 or more times 2^(scales - 1), 2 filters or more."
        )
    for seen, scale in zip(pyramid(stacked(past), scales), SCALES, strict=False):
        guess = layers.UpSampling2D(2)(made[-1]) if made else None
        x = seen if guess is None else layers.Concatenate()([seen, guess])
        for part, side in zip(scale.channels, scale.kernels, strict=False):
            x = Conv(part * filters, side, activation="relu")(x)
        x = layers.Activation("linear", dtype="float32")(Conv(channels, scale.kernels[-1])(x))
        made.append(ops.tanh(x if guess is None else x + guess))  # the sum is that of the authors' code
    return made


def judged_at_scales(past, frames, filters):
    """Frames and the next one at each scale -> logits (n, scales), float32."""
    logits = []
    for seen, frame, scale in zip(pyramid(stacked(past), len(frames)), frames, SCALES, strict=False):
        x = layers.Concatenate()([seen, frame])
        for part, side in zip(scale.judged_channels, scale.judged_kernels, strict=True):
            x = layers.Conv2D(int(part * filters), side, activation="relu")(x)
        x = layers.Flatten()(layers.MaxPooling2D(2)(x))
        for units in scale.dense:
            x = layers.Dense(units * filters, activation="relu")(x)
        logits.append(layers.Dense(1, dtype="float32")(x))
    return layers.Concatenate(dtype="float32")(logits) if logits[1:] else logits[0]
