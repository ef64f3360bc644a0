"""The functions that a preset's `transforms` may name.

`transforms = ["invert", { center_crop = 178 }, { pad = { pixels = 2, value = 255 } }, "random_flip"]`: a
name, or a table of one name with its argument (a table of arguments where there are several). A function
added here can be named at once; there is no list to edit.

Two kinds, told apart by the name:

- `f(image, ...)`: uint8 (h, w, c) of any size -> uint8 (h', w', c). Runs once per picture, on the picture
  as it is on the disk, before it is brought to the model's resolution and cached.
- `random_f(pictures, random, ...)`: uint8 (n, h, w, c) -> the same shape. Runs on every training batch, after
  the cache; never on evaluation data. `random(i)` is draw i for each image: float64 (n,) in [0, 1), a
  function of the run's seed and the image's place in the run.
"""

from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from tfgan_zoo import images

Size = PositiveInt | Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]
Byte = Annotated[int, Field(ge=0, le=255)]


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def center_crop(image, size: Size):
    """The middle of the image: `size` x `size` pixels, or [height, width]; a shorter side is kept whole."""
    height, width = image.shape[:2]
    h, w = (min(want, have) for want, have in zip(_pair(size), (height, width), strict=True))
    top, left = (height - h) // 2, (width - w) // 2
    return image[top : top + h, left : left + w]


def resize(image, size: Size):
    """The whole image made `size` x `size`, or [height, width], stretched if need be."""
    return images.scale(image, *_pair(size))


def pad(image, pixels: NonNegativeInt, value: Byte = 0):
    """A margin of `pixels` on each side, of grey level `value`: MNIST at 32 x 32 is `{ pad = 2 }`."""
    return np.pad(image, [(pixels, pixels), (pixels, pixels), (0, 0)], constant_values=value)


def invert(image):
    """The negative: light becomes dark."""
    return 255 - image


def random_flip(pictures, random):
    """Mirror left and right, one image in two."""
    mirrored = random(0) < 0.5
    pictures[mirrored] = pictures[mirrored, :, ::-1]
    return pictures


def random_shift(pictures, random, pixels: PositiveInt = 4):
    """Move by up to `pixels` in each direction, the margin filled by reflection (He et al. 2015 for CIFAR,
    with zeros).

    Raises: ValueError when `pixels` is not smaller than the image.
    """
    height, width = pictures.shape[1:3]
    if pixels >= min(height, width):
        raise ValueError(f"random_shift by {pixels} pixels of {height} x {width} images: use less than a side.")
    top, left = (np.floor(random(i) * (2 * pixels + 1)).astype(int) for i in (0, 1))
    wide = np.pad(pictures, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)], mode="reflect")
    for image, around, y, x in zip(pictures, wide, top, left, strict=True):
        image[...] = around[y : y + height, x : x + width]
    return pictures
