"""Pictures compared and resized as the super-resolution literature does it, which measures with MATLAB's functions.

Every function takes channels last, `(..., h, w, c)`: a picture, or a stack of them. Resizing then upscaling a
picture by 4 and measuring `psnr(shave(luma(a), 4), shave(luma(b), 4))` gives the published bicubic figures.
"""

import math

import numpy as np

from tfgan_zoo.errors import ZooError

GREY, RGB = 1, 3
LUMA = np.array([65.481, 128.553, 24.966]) / 255  # ITU-R BT.601, "studio swing": black 16, white 235


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 255) -> np.ndarray:
    """Peak signal-to-noise ratio in dB, 10 log10(peak² / mean squared difference); infinite for equal pictures.

    Args:
        a, b: (..., h, w, c) of one shape, any dtype, in 0 to `peak`; the mean is over h, w and c.

    Returns:
        float64 (...).

    Raises:
        ZooError: different shapes, or fewer than 3 dimensions.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.ndim < 3:
        raise ZooError(f"pictures of shape {a.shape} and {b.shape}; give two of one shape (..., h, w, c).")
    error = np.mean(np.square(a.astype(np.float64) - b.astype(np.float64)), axis=(-3, -2, -1))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(peak**2 / error)


def luma(images: np.ndarray) -> np.ndarray:
    """Y of MATLAB's `rgb2ycbcr`: RGB of 0 to 255, (..., h, w, 3) -> float64 (..., h, w, 1) of 16 to 235, not rounded.

    Grey pictures (..., h, w, 1) come back as they are, 0 to 255: the literature measures them so.

    Raises:
        ZooError: neither 1 nor 3 channels.
    """
    images = np.asarray(images, np.float64)
    if images.ndim < 3 or images.shape[-1] not in (GREY, RGB):
        raise ZooError(f"pictures of shape {images.shape}; give (..., h, w, 1 or 3).")
    return images if images.shape[-1] == GREY else (images @ LUMA + 16)[..., None]


def shave(images: np.ndarray, border: int) -> np.ndarray:
    """`images` (..., h, w, c) without `border` pixels at each side.

    Raises:
        ZooError: a negative border, or one that leaves nothing.
    """
    height, width = images.shape[-3:-1]
    if border < 0 or 2 * border >= min(height, width):
        raise ZooError(
            f"border {border} of pictures of {height}x{width} pixels; give 0 to {(min(height, width) - 1) // 2}."
        )
    return images[..., border : height - border, border : width - border, :]


def detail(images: np.ndarray) -> np.ndarray:
    """Mean square of the Laplacian: each pixel's four neighbours minus four times itself; (..., h, w, c) -> (...).

    Raises:
        ZooError: pictures of less than 3x3 pixels.
    """
    x = np.asarray(images, np.float64)
    if x.ndim < 3 or min(x.shape[-3:-1]) < 3:
        raise ZooError(f"pictures of shape {x.shape}; give (..., h, w, c) of 3x3 pixels or more.")
    around = x[..., :-2, 1:-1, :] + x[..., 2:, 1:-1, :] + x[..., 1:-1, :-2, :] + x[..., 1:-1, 2:, :]
    return np.mean(np.square(around - 4 * x[..., 1:-1, 1:-1, :]), axis=(-3, -2, -1))


def imresize(image: np.ndarray, scale: float | None = None, *, size: tuple[int, int] | None = None) -> np.ndarray:
    """Resize as MATLAB's `imresize` does: bicubic, antialiased where it shrinks.

    Cubic convolution with a = -0.5 (Keys 1981, https://doi.org/10.1109/TASSP.1981.1163711), pixel centres at half
    integers, mirrored borders; for shrinking, the kernel is stretched to cover as many pixels as become one.

    Args:
        image: (..., h, w, c), uint8 or float.
        scale: of both axes; the new size is rounded up.
        size: (height, width) of the result, instead of `scale`.

    Returns:
        (..., height, width, c): uint8 for uint8, rounded after each axis as MATLAB does; else float64.

    Raises:
        ZooError: not exactly one of `scale` and `size`, or not above 0; fewer than 3 dimensions; another dtype.
    """
    image = np.asarray(image)
    if image.ndim < 3 or (image.dtype != np.uint8 and image.dtype.kind != "f"):
        raise ZooError(f"picture of shape {image.shape} and dtype {image.dtype}; give uint8 or float (..., h, w, c).")
    if (scale is None) == (size is None):
        raise ZooError(f"scale {scale} and size {size}: give one of them.")
    old = image.shape[-3:-1]
    new = size if scale is None else tuple(math.ceil(scale * length) for length in old)
    if min(new) < 1:
        raise ZooError(f"{'size' if scale is None else 'scale'} {size if scale is None else scale}: give more than 0.")
    scales = [after / before for before, after in zip(old, new, strict=True)] if scale is None else [scale, scale]
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):  # the axis that shrinks most goes first
        weights = _cubic_weights(old[axis], new[axis], scales[axis])
        resized = np.moveaxis(np.tensordot(weights, image, axes=(1, axis - 3)), 0, axis - 3)
        image = np.floor(np.clip(resized, 0, 255) + 0.5).astype(np.uint8) if image.dtype == np.uint8 else resized
    return image


def _cubic_weights(old: int, new: int, scale: float) -> np.ndarray:
    """What each of `new` pixels of a line takes of `old` ones: float64 (new, old), rows of sum 1."""
    stretch = min(scale, 1.0)
    centres = (np.arange(new) + 0.5) / scale - 0.5
    reach = math.ceil(2 / stretch) + 1
    taps = np.floor(centres)[:, None].astype(int) + np.arange(-reach, reach + 1)
    values = _cubic(stretch * (taps - centres[:, None]))
    mirrored = taps % (2 * old)
    mirrored = np.where(mirrored < old, mirrored, 2 * old - 1 - mirrored)
    weights = np.zeros((new, old))
    np.add.at(weights, (np.arange(new)[:, None], mirrored), values / values.sum(axis=1, keepdims=True))
    return weights


def _cubic(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x**2 + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
