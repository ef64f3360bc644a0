"""Pictures for people: many images as one grid, pictures and animations as files."""

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tfgan_zoo.errors import ZooError
from tfgan_zoo.files import atomic

WHITE = 255
SEEN_SIDE = 96  # smaller images are enlarged towards this side ...
SEEN_WIDTH = 1000  # ... as long as the whole picture stays narrower than this


def grid(images, columns: int | None = None, padding: int = 2, scale: int | None = None) -> np.ndarray:
    """Lay images out in rows on white.

    Args:
        images: uint8 (n, height, width, channels) with 1, 3 or 4 channels, n >= 1.
        columns: images in a row; None for about as many rows as columns.
        padding: white pixels between images and around them.
        scale: whole factor by which each pixel is repeated; None enlarges small images so that people can see
            them: towards a side of 96 pixels, the picture staying within about 1,000.

    Returns:
        uint8 (height, width, channels) of the whole picture.

    Raises:
        ZooError: where `images` is not such an array, or a number is out of range.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3, 4) or not images.size:
        raise ZooError(
            "a grid takes uint8 images (n, height, width, 1, 3 or 4 channels), got "
            f"{images.dtype} {images.shape}: generate() and sample_images() return such images."
        )
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count)) if columns is None else columns
    if columns < 1 or padding < 0 or (scale is not None and scale < 1):
        raise ZooError(f"columns={columns} and scale={scale} must be 1 or more, padding={padding} 0 or more.")
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    if scale is None:
        scale = max(1, min(SEEN_SIDE // max(height, width), SEEN_WIDTH // (columns * width)))
    height, width = height * scale, width * scale
    step_y, step_x = height + padding, width + padding
    canvas = np.full((rows * step_y + padding, columns * step_x + padding, channels), WHITE, np.uint8)
    for i, image in enumerate(images):
        y, x = padding + i // columns * step_y, padding + i % columns * step_x
        canvas[y : y + height, x : x + width] = enlarge(image, scale)
    return canvas


def enlarge(image: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel `scale` times in both directions: (h, w, c) -> (scale h, scale w, c)."""
    return image.repeat(scale, 0).repeat(scale, 1)


def picture(image: np.ndarray) -> Image.Image:
    """uint8 (h, w, 1, 3 or 4) or (h, w) -> a Pillow picture, grey where there is one channel."""
    image = np.ascontiguousarray(image)
    return Image.fromarray(image[:, :, 0] if image.ndim == 3 and image.shape[2] == 1 else image)


def save_image(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write uint8 (h, w, 1, 3 or 4) as a picture file, atomically, in the format of its suffix."""
    with written(path) as temporary:
        result = picture(image)
        if temporary.suffix.lower() in (".jpg", ".jpeg"):
            result = result.convert("RGB") if result.mode == "RGBA" else result
            result.save(temporary, quality=95, subsampling=0)
        else:
            result.save(temporary)


def save_gif(path: str | os.PathLike, frames: Sequence[np.ndarray], seconds: float = 0.08) -> None:
    """Write uint8 frames (h, w, 1 or 3) as an animation without end, each shown for `seconds`, atomically.

    The format counts hundredths of a second and 256 colours a frame.
    """
    if not len(frames) or seconds < 0.02:
        raise ZooError(f"an animation takes frames of 0.02 s or more, got {len(frames)} of {seconds}.")
    first, *rest = [picture(frame) for frame in frames]
    with written(path) as temporary:
        first.save(temporary, save_all=True, append_images=rest, duration=round(seconds * 1000), loop=0)


@contextlib.contextmanager
def written(path: str | os.PathLike) -> Iterator[Path]:
    """`files.atomic` whose failures are told in one line."""
    try:
        with atomic(path) as temporary:
            yield temporary
    except OSError as error:
        reason = error.strerror or error
        raise ZooError(f"cannot write {path}: {reason}. Choose a place you may write to.") from error
