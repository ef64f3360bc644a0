"""Structural similarity of pictures, computed by `tf.image`, in blocks that need little memory.

Gaussian window of 11x11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03, where the window lies wholly inside the picture;
colour pictures: the mean over channels. In float32, exact to 1e-6, on bright pictures without any texture to 1e-4.
"""

from collections.abc import Callable

import numpy as np

from tfgan_zoo.errors import ZooError

WINDOW = 11
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, finest scale first
_BLOCK = 2**22  # pixel values worked on at a time: about 200 MB


def ssim(a: np.ndarray, b: np.ndarray, peak: float = 255) -> np.ndarray:
    """SSIM (Wang et al. 2004, https://ieeexplore.ieee.org/document/1284395), 1 for equal pictures.

    Args:
        a, b: (n, h, w, c) of one shape, any dtype, 0 to `peak`; h and w at least 11.

    Returns:
        float64 (n,), each at most 1.

    Raises:
        ZooError: smaller pictures.
    """
    import tensorflow as tf

    _scales_of(a)
    return _in_blocks(lambda x, y: tf.image.ssim(x, y, max_val=peak), a, b)


def ms_ssim(a: np.ndarray, b: np.ndarray, peak: float = 255) -> np.ndarray:
    """Multi-scale SSIM (Wang et al. 2003, https://ieeexplore.ieee.org/document/1292216), 0 to 1.

    Five scales, each half the size of the one before, where the window fits into the smallest: from 161 pixels on.
    Smaller pictures get as many of the finer scales as fit (4 from 81 pixels, 3 from 41, 2 from 21, 1 from 11), their
    weights scaled to the same sum: a number of one size is not that of another.

    Args, Returns, Raises: as `ssim`.
    """
    import tensorflow as tf

    weights = np.array(SCALE_WEIGHTS[: _scales_of(a)])
    weights *= sum(SCALE_WEIGHTS) / weights.sum()
    return _in_blocks(lambda x, y: tf.image.ssim_multiscale(x, y, max_val=peak, power_factors=weights.tolist()), a, b)


def _scales_of(images: np.ndarray) -> int:
    """Scales of MS-SSIM into which the window fits."""
    side = min(images.shape[1:3])
    if side < WINDOW:
        raise ZooError(f"pictures of {images.shape[1]}x{images.shape[2]} pixels; SSIM takes {WINDOW}x{WINDOW} or more.")
    return sum(-(-side // 2**scale) >= WINDOW for scale in range(len(SCALE_WEIGHTS)))


def _in_blocks(similarity: Callable, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    step = max(1, _BLOCK // int(np.prod(a.shape[1:])))
    parts = [
        similarity(a[first : first + step].astype(np.float32), b[first : first + step].astype(np.float32)).numpy()
        for first in range(0, len(a), step)
    ]
    return np.concatenate([np.empty(0), *parts])
