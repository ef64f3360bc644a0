"""The functions that a preset's `transforms` may name.

`transforms = ["invert", { center_crop = 178 }, { pad = { pixels = 2, value = 255 } }, "random_flip"]`: a
name, or a table of one name with its argument (a table of arguments where there are several). A function
added here can be named at once; there is no list to edit.

Two kinds, told apart by the name:

- `f(image, ...)`: uint8 (h, w, c) of any size -> uint8 (h', w', c). Runs once per picture, on the picture
  as it is on the disk, before it is brought to the model's resolution and cached.
- `random_f(pictures, random, ...)`: a list of uint8 (n, h, w, c), all pictures of n rows -> the same shapes. It treats
  the pictures of a row alike, also where they are of unlike sizes. Runs on every training batch, after the cache;
  never on evaluation data. `random(i)` is draw i for each row: float64 (n,) in [0, 1), a function of the run's seed
  and the row's place in the run.

`random_crop` is neither: it decides what is kept of a picture, and it is cut before the others run.
"""

from typing import Annotated

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from tfgan_zoo import images
from tfgan_zoo.data import crops
from tfgan_zoo.errors import ZooError

COLOURS = ("invert",)  # change colours alone, so that masks are left as they are
Size = PositiveInt | Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]
Byte = Annotated[int, Field(ge=0, le=255)]
Share = Annotated[float, Field(gt=0, le=1)]


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


def random_crop(pictures, shapes, place, size: Size | None = None):
    """A part as large as the model wants, elsewhere at every turn: at the picture's own resolution (as SRGAN does), or
    of the picture brought to `size` x `size`, or [height, width], first (as pix2pix: `{ random_crop = 286 }`).

    Evaluation sees whole pictures, or without a `size` their middles. A picture that is too small is enlarged.
    """
    return crops.cut(pictures, shapes, None if size is None else _pair(size), place)


def random_flip(pictures, random):
    """Mirror left and right, one row in two."""
    mirrored = random(0) < 0.5
    for stack in pictures:
        stack[mirrored] = stack[mirrored, :, ::-1]
    return pictures


def random_turn(pictures, random, share: Share = 1.0):
    """Turn by 0, 90, 180 or 270 degrees, a `share` of the rows (DAGAN turns half of them); the rest stay as they are.

    Raises: ZooError when pictures are not square.
    """
    turns = np.where(random(0) < share, np.floor(random(1) * 4), 0)
    for stack in pictures:
        if stack.shape[1] != stack.shape[2]:
            raise ZooError(f"random_turn of {stack.shape[1]} x {stack.shape[2]} images: they must be square.")
        for quarters in (1, 2, 3):
            stack[turns == quarters] = np.rot90(stack[turns == quarters], quarters, axes=(1, 2))
    return pictures


def random_shift(pictures, random, pixels: PositiveInt = 4):
    """Move by up to `pixels` in each direction, the margin filled by reflection (He et al. 2015 for CIFAR,
    with zeros). They are pixels of the smallest picture of a row; a larger one moves as much further.

    Raises: ZooError when `pixels` is not smaller than the image.
    """
    smallest = min((stack.shape[1:3] for stack in pictures), key=min)
    if pixels >= min(smallest):
        shown = " x ".join(map(str, smallest))
        raise ZooError(f"random_shift by {pixels} pixels of {shown} images: use less than a side.")
    top, left = (np.floor(random(i) * (2 * pixels + 1)).astype(int) for i in (0, 1))
    for stack in pictures:
        height, width = stack.shape[1:3]
        y, x = height // smallest[0], width // smallest[1]
        margins = [(0, 0), (y * pixels, y * pixels), (x * pixels, x * pixels), (0, 0)]
        wide = np.pad(stack, margins, mode="reflect")
        for image, around, first, second in zip(stack, wide, y * top, x * left, strict=True):
            image[...] = around[first : first + height, second : second + width]
    return pictures
