"""Pictures as uint8 arrays (h, w, c): read from files, brought to a shape, laid out as grids, written."""

import io
import math
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps, ImageSequence

from tfgan_zoo.errors import ZooError
from tfgan_zoo.files import written

WHITE = 255
SEEN_SIDE = 96  # smaller images are enlarged towards this side ...
SEEN_WIDTH = 1000  # ... as long as the whole picture stays narrower than this


# === Reading ===
def to_array(picture: Image.Image) -> np.ndarray:
    """A Pillow picture (its first frame, turned as its EXIF tag says) as uint8 (h, w, 1) if grey, else (h, w, 3).

    Transparency is composited on white; 16-bit grey is scaled to 8 bits; palettes, CMYK and the like become RGB.
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        deep = np.asarray(picture).astype(np.float64) * (1 if picture.mode == "F" else 255 / 65535)
        return np.clip(np.rint(deep), 0, 255).astype(np.uint8)[:, :, None]
    if picture.has_transparency_data:
        grey = picture.mode in ("1", "L", "LA", "La")
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture).convert("L" if grey else "RGB")
    elif picture.mode in ("1", "L"):
        picture = picture.convert("L")
    else:
        picture = picture.convert("RGB")
    array = np.asarray(picture)
    return array[:, :, None] if array.ndim == 2 else array


def opened(path: str | os.PathLike) -> Image.Image:
    """`PIL.Image.open`, to which what no frame of an animated WebP file covers is transparent, not black."""
    with open(path, "rb") as file:
        head = file.read(21)
        if head[8:16] != b"WEBPVP8X" or not head[20] & 0b10:  # no animation
            return Image.open(path)
        whole = bytearray(head + file.read())
    whole[20] |= 0b10000  # it says that it is transparent; encoders leave that out where all frames are opaque
    return Image.open(io.BytesIO(whole))


def decode(path: str | os.PathLike) -> np.ndarray | None:
    """The picture in a file as `to_array` gives it, or None where it cannot be decoded whole."""
    if not os.path.isfile(path):  # a named pipe would wait for a writer for ever
        return None
    try:
        with opened(path) as picture:
            return to_array(picture)
    except Exception:  # broken files make Pillow raise nearly anything: OSError, SyntaxError, struct.error, EOFError
        return None


def alpha(path: str | os.PathLike) -> np.ndarray | None:
    """How opaque the picture in a file is: uint8 (h, w, 1), 255 where nothing shines through; None as `decode`."""
    try:
        with opened(path) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGBA").getchannel("A"))[..., None]
    except Exception:  # as in `decode`
        return None


def decode_frames(path: str | os.PathLike) -> np.ndarray | None:
    """The frames of an animation as uint8 (frames, h, w, 1 or 3), or None where it cannot be decoded whole."""
    if not os.path.isfile(path):  # as in `decode`
        return None
    try:
        with opened(path) as picture:
            frames = [to_array(frame.copy()) for frame in ImageSequence.Iterator(picture)]
        channels = max(frame.shape[2] for frame in frames)
        return np.stack([np.repeat(f, 3, axis=2) if f.shape[2] < channels else f for f in frames])
    except Exception:  # as in `decode`
        return None


def scale(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize uint8 (h, w, c) to (height, width, c) with Pillow's bicubic filter, antialiased when shrinking.

    It is the filter of clean-fid (Parmar et al. 2022), applied to bytes: values are rounded and clipped to 0 ... 255.
    """
    if image.shape[:2] == (height, width):
        return image
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(part)).resize((width, height), Image.Resampling.BICUBIC))
        for part in ([image] if image.shape[2] == 3 else [image[:, :, c] for c in range(image.shape[2])])
    ]
    return channels[0] if image.shape[2] == 3 else np.stack(channels, axis=-1)


def bend(image: np.ndarray, shape: tuple[int | None, int | None, int]) -> np.ndarray:
    """Bring uint8 (h, w, 1, 3 or 4) to `shape`: crop the middle to its proportions, `scale`, then match the channels.

    RGBA is composited on white; RGB becomes grey by luma (0.299 R + 0.587 G + 0.114 B, ITU-R 601), grey becomes RGB by
    repetition. Sides of `shape` that are None keep the picture's own.
    """
    shape = tuple(own if side is None else side for side, own in zip(shape, image.shape, strict=True))
    if image.shape == shape:
        return image
    if image.shape[2] == 4:
        alpha = image[:, :, 3:].astype(np.uint16)
        image = ((image[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if image.shape[2] == 3 and shape[2] == 1:
        image = np.asarray(Image.fromarray(np.ascontiguousarray(image)).convert("L"))[:, :, None]
    height, width = image.shape[:2]
    # The largest part in the middle that has the target's proportions.
    h = min(height, max(1, round(width * shape[0] / shape[1])))
    w = min(width, max(1, round(height * shape[1] / shape[0])))
    top, left = (height - h) // 2, (width - w) // 2
    image = scale(image[top : top + h, left : left + w], *shape[:2])
    return np.repeat(image, 3, axis=2) if image.shape[2] < shape[2] else image


# === For people ===
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


def fill(stack: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Pictures (n, h, w, c) enlarged by a whole factor and centred on white: uint8 (n, *shape); grey becomes RGB.

    Those of that height stand on the left: films of different lengths begin together.
    """
    factor = max(1, min(shape[0] // stack.shape[1], shape[1] // stack.shape[2]))
    stack = stack.repeat(factor, 1).repeat(factor, 2)
    stack = np.repeat(stack, 3, axis=3) if stack.shape[3] < shape[2] else stack
    top, left = (shape[0] - stack.shape[1]) // 2, (shape[1] - stack.shape[2]) // 2
    left = left if top else 0
    margins = [(top, shape[0] - stack.shape[1] - top), (left, shape[1] - stack.shape[2] - left)]
    return np.pad(stack, [(0, 0), *margins, (0, 0)], constant_values=WHITE)


def text(lines: Sequence[str]) -> np.ndarray:
    """Lines of text as a picture, black on white: uint8 (height, width, 1)."""
    font = ImageFont.load_default(16)
    width = max([int(font.getlength(line)) for line in lines] + [100]) + 16
    canvas = Image.new("L", (width, 22 * len(lines) + 16), WHITE)
    ImageDraw.Draw(canvas).multiline_text((8, 8), "\n".join(lines), fill=0, font=font, spacing=6)
    return np.asarray(canvas)[:, :, None]


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
