"""How images are brought to a network's input size. It is part of a measurement's identity: another resize gives
another number (Parmar et al. 2022, https://arxiv.org/abs/2104.11222).

| name        | what                                                                             | used by           |
|-------------|----------------------------------------------------------------------------------|-------------------|
| tf1         | bilinear, neither align_corners nor half-pixel centres, not antialiased          | FID, torch-fidelity |
| clean       | Pillow's bicubic on float32, antialiased, clipped to [0, 255] and not rounded    | clean-fid         |
| antialiased | tf.image.resize: bilinear, half-pixel centres, antialiased                       | the fd_* networks |

`tf1` is the resize inside the original Inception graph, and so FID's definition (Heusel et al. 2017). pytorch-fid
resizes with half-pixel centres, so its numbers differ slightly where images are not 299x299.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image


class Resize(NamedTuple):
    """A way to resize images (n, h, w, c) of values in [0, 255] to float32 (n, *size, c) in [0, 255].

    Attributes:
        label: in words.
        apply: (images, size) -> images; of tensors, or where not `traced` of NumPy arrays.
        traced: whether it is TensorFlow's own and may be part of a graph.
    """

    label: str
    apply: Callable
    traced: bool = True


def _tf1(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    return tf.raw_ops.ResizeBilinear(images=images, size=size, align_corners=False, half_pixel_centers=False)


def _antialiased(images: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    return tf.image.resize(images, size, "bilinear", antialias=True)


def _clean(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = size

    def one(image: np.ndarray) -> np.ndarray:
        channels = [Image.fromarray(channel.astype(np.float32)) for channel in np.moveaxis(image, -1, 0)]
        return np.stack([c.resize((width, height), Image.Resampling.BICUBIC) for c in channels], axis=-1)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # Pillow resizes without Python's lock
        return np.clip(np.stack(list(pool.map(one, images))), 0, 255)


RESIZES = {
    "tf1": Resize("tf1 bilinear", _tf1),
    "clean": Resize("clean bicubic", _clean, traced=False),
    "antialiased": Resize("antialiased bilinear", _antialiased),
}
