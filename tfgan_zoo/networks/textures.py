"""Networks for pictures of any size, fields that wrap around for pictures that tile, and noise to make textures of."""

from keras import layers, ops

from tfgan_zoo.families.dcgan import Conv, Deconv, weights
from tfgan_zoo.layers import batch_norm


def enlarging(x, widths, channels: int, kernel_size: int):
    """(n, h, w, c) -> pictures in [-1, 1], each side doubled once for each of `widths` and once more at the end."""
    for width in widths:
        x = Deconv(width, kernel_size, use_bias=False, kernel_initializer=weights())(x)
        x = layers.ReLU()(batch_norm()(x))
    x = Deconv(channels, kernel_size, kernel_initializer=weights())(x)
    return layers.Activation("tanh", dtype="float32", name="made")(x)


def shrinking(x, widths, kernel_size: int, norm_first: bool):
    """(n, h, w, c) -> (n, h', w', widths[-1]), each side halved once for each of `widths`."""
    for place, width in enumerate(widths):
        norm = place > 0 or norm_first
        x = Conv(width, kernel_size, use_bias=not norm, kernel_initializer=weights())(x)
        x = layers.LeakyReLU(0.2)(batch_norm()(x) if norm else x)
    return x


def wrapped(x, margin: int):
    """(n, h, w, c) with a margin on all four sides that continues it as if its opposite sides touched."""
    for axis in (1, 2):
        side = ops.shape(x)[axis]
        x = ops.take(x, (ops.arange(side + 2 * margin) - margin) % side, axis=axis)
    return x


def fitted(x, sides):
    """(n, h, w, c) -> (n, *sides, c), each place with what is nearest to it; sides may be tensors."""
    for axis, side in ((1, sides[0]), (2, sides[1])):
        places = (2 * ops.arange(side) + 1) * ops.shape(x)[axis] // (2 * side)
        x = ops.take(x, places, axis=axis)
    return x


def inner(x, margin: int):
    """(n, h, w, c) without its margin."""
    return x[:, margin:-margin, margin:-margin]


def brown(white):
    """White noise (n, h, w, c) -> noise in [-1, 1] whose amplitude falls as 1 / frequency; it wraps around.

    Each picture has mean 0 and standard deviation 1/3 in each channel before it is cut off at -1 and 1.
    """
    x = ops.transpose(ops.cast(white, "float32"), (0, 3, 1, 2))
    height, width = ops.shape(x)[2:]
    down, right = _frequencies(height)[:, None], _frequencies(width)[None]
    strength = ops.rsqrt(ops.maximum(down**2 + right**2, 1e-12))
    strength = ops.where(down**2 + right**2 > 0, strength, 0.0)  # without a mean
    real, imaginary = ops.fft2((x, ops.zeros_like(x)))
    x, _ = ops.ifft2((real * strength, imaginary * strength))
    x = x / (3.0 * ops.std(x, axis=(2, 3), keepdims=True) + 1e-12)
    return ops.transpose(ops.clip(x, -1.0, 1.0), (0, 2, 3, 1))


def _frequencies(side):
    """Of a discrete Fourier transform, in cycles per pixel: 0 to 1/2, then the negative ones."""
    place = ops.arange(side)
    return ops.cast(ops.where(place <= side // 2, place, place - side), "float32") / ops.cast(side, "float32")
