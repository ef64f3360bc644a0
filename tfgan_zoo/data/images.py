"""Pictures as uint8 arrays (h, w, c): decoding files, bringing them to a model's shape, keeping many."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps

_CHUNK = 256


def to_array(picture: Image.Image) -> np.ndarray:
    """A Pillow picture (its first frame, turned as its EXIF tag says) as uint8 (h, w, 1) if grey, else (h,
    w, 3).

    Transparency is composited on white; 16-bit grey is scaled to 8 bits; palettes, CMYK and the like become
    RGB.
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


def decode(path: str | os.PathLike) -> np.ndarray | None:
    """The picture in a file as `to_array` gives it, or None where it cannot be decoded whole."""
    try:
        with Image.open(path) as picture:
            return to_array(picture)
    except Exception:  # broken files make Pillow raise nearly anything: OSError, SyntaxError, struct.error, EOFError
        return None


def scale(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize uint8 (h, w, c) to (height, width, c) with Pillow's bicubic filter, antialiased when shrinking.

    It is the filter of clean-fid (Parmar et al. 2022), applied to bytes: values are rounded and clipped to
    0 ... 255.
    """
    if image.shape[:2] == (height, width):
        return image
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(part)).resize((width, height), Image.Resampling.BICUBIC))
        for part in ([image] if image.shape[2] == 3 else [image[:, :, c] for c in range(image.shape[2])])
    ]
    return channels[0] if image.shape[2] == 3 else np.stack(channels, axis=-1)


def bend(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Bring uint8 (h, w, 1, 3 or 4) to `shape`: crop the middle to its proportions, `scale`, then match the
    channels.

    RGBA is composited on white; RGB becomes grey by luma (0.299 R + 0.587 G + 0.114 B, ITU-R 601), grey
    becomes RGB by repetition.
    """
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


def track(items: Iterable, total: int, what: str) -> Iterator:
    """Pass `items` on; on a terminal, show a progress bar with the time left on stderr."""
    if not sys.stderr.isatty() or total < 100:
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task)


def in_order(make: Callable, items: list) -> Iterator:
    """`make(item)` for each item, in order, made by a few threads (Pillow decodes and scales without
    Python's lock).
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(0, len(items), _CHUNK):  # in chunks, so that results do not pile up
            yield from pool.map(make, items[first : first + _CHUNK])


def fits(count: int, shape: tuple[int, ...], cache: str | bool) -> bool:
    """Whether `count` uint8 arrays of `shape` are to be kept in memory: as told, or when a quarter of the
    free holds them.
    """
    if cache != "auto":
        return bool(cache)
    return count * int(np.prod(shape)) <= free_memory() // 4


def free_memory() -> int:
    """Bytes that can be had without swapping, as far as the system tells; 2 GiB where it does not."""
    try:
        with open("/proc/meminfo") as file:
            free = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            free = 2 << 30
    try:  # a container may have less
        with open("/sys/fs/cgroup/memory.max") as most, open("/sys/fs/cgroup/memory.current") as now:
            free = min(free, int(most.read()) - int(now.read()))
    except (OSError, ValueError):
        pass
    return max(free, 0)


class Lazy:
    """`count` images made when they are asked for: `lazy[indices]` is uint8 (len(indices), *shape).

    `make(indices)` returns such an array. With `keep`, each image is made once and kept.
    """

    def __init__(self, make: Callable[[np.ndarray], np.ndarray], count: int, shape: tuple[int, ...], keep: bool):
        self.make, self.count = make, count
        self.kept = np.empty((count, *shape), np.uint8) if keep else None  # pages of memory come when written to
        self.made = np.zeros(count, bool)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        if self.kept is None:
            return self.make(indices)
        missing = np.unique(indices[~self.made[indices]])
        for part in np.array_split(missing, range(_CHUNK, len(missing), _CHUNK)) if len(missing) else ():
            self.kept[part] = self.make(part)
            self.made[part] = True  # after the image is there: another thread may be reading
        return self.kept[indices]
