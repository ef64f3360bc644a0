"""Videos in files and folders: which there are, and their frames, read one after the other or when they are asked for.

A video is an animated file (GIF, WebP, APNG) or a folder of pictures, its frames in the order of their names.
"""

import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from PIL import ImageSequence

from tfgan_zoo import console, images
from tfgan_zoo.data.listing import is_one, walk
from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.modalities import Image

SUFFIXES = (".gif", ".webp", ".apng")  # of animated files; a PNG file may be one too, which its content tells
STILL = tuple(suffix for suffix in Image.suffixes if suffix != ".gif")  # of frames


class Broken(Exception):
    """A video that cannot be decoded; the message is the name of the frame, where frames are files."""


# === Which there are ===
def listing(root: Path, loose: bool = False) -> list[str]:
    """The videos below `root`, by name: files, and folders of frames. `loose`: only files that lie directly in it.

    Raises:
        ZooError: frames that lie in `root` itself.
    """
    files, folders = [], []
    for folder, _, names in walk(root):
        pictures = [name for name in names if is_one(folder / name, (*STILL, *SUFFIXES))]
        if pictures and _animated(folder, pictures):
            files += [folder / name for name in pictures if name.lower().endswith((*SUFFIXES, ".png"))]
        elif pictures and not loose:
            folders.append((folder, len(pictures)))
        if loose:
            break
    # Folders of frames hold no other videos; pictures beside folders of frames are something else.
    above = {parent for path in [*files, *(folder for folder, _ in folders)] for parent in path.parents}
    stray = [(folder, count) for folder, count in folders if folder in above]
    if any(folder == root for folder, _ in folders if folder not in above):
        raise ZooError(f"{root} holds single pictures; put the frames of each video in a folder of its own.")
    for folder, count in stray:
        console.note(f"{folder}: {count_of(count, 'picture')} beside folders of frames left out")
    videos = [*files, *(folder for folder, _ in folders if folder not in above)]
    return sorted(path.relative_to(root).as_posix() for path in videos)


def _animated(folder: Path, names: list[str]) -> bool:
    """Whether the pictures of a folder are videos, rather than the frames of one."""
    if any(name.lower().endswith((".gif", ".apng")) for name in names):
        return True
    if not (first := min(names)).lower().endswith((".png", ".webp")):  # a JPEG or TIFF file may hold several pictures
        return False
    try:
        with Pillow.open(folder / first) as picture:
            return getattr(picture, "is_animated", False)
    except Exception:  # as in `images.decode`
        return False


def files_of(folder: Path) -> list[Path]:
    """The frames in a folder, in the order of their names, numbers by their size: 2.png before 10.png."""
    return sorted((path for path in folder.iterdir() if is_one(path, STILL)), key=lambda path: _by_numbers(path.name))


def _by_numbers(name: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def size_of(path: Path) -> list[int]:
    """How many bytes each file of a video has."""
    return [file.stat().st_size for file in (files_of(path) if path.is_dir() else [path])]


# === Frames ===
def frames(path: Path, places: Collection[int] | None = None) -> Iterator[np.ndarray]:
    """The frames of a video in order, all or those at `places`: uint8 (h, w, 1 or 3), as `images.to_array` gives them.

    Raises:
        Broken: a file that cannot be decoded whole.
    """
    if path.is_dir():
        for place, file in enumerate(files_of(path)):
            if places is None or place in places:
                if (frame := images.decode(file)) is None:
                    raise Broken(file.name)
                yield frame
        return
    if not path.is_file():  # as in `images.decode`
        raise Broken
    try:
        with images.opened(path) as picture:
            for place, frame in enumerate(ImageSequence.Iterator(picture)):
                if places is not None and place > max(places):
                    return
                frame.load()  # also where it is passed over: a frame is drawn over the one before it
                if places is None or place in places:
                    yield images.to_array(frame)
    except Exception:  # as in `images.decode`
        raise Broken from None


def at_rate(path: Path, rate: float) -> np.ndarray:
    """Which frame of an animated file is seen in the middle of each 1 / `rate` seconds: int64 (n,), ascending.

    Frames of 0.01 s or less are shown for 0.1 s, as browsers do.

    Raises:
        Broken: a file that cannot be decoded whole.
    """
    ends = [0.0]  # in milliseconds
    try:
        with images.opened(path) as picture:
            for frame in ImageSequence.Iterator(picture):
                frame.load()  # before which WebP tells nothing
                shown = frame.info.get("duration", 0)
                ends.append(ends[-1] + (shown if shown > 10 else 100))
    except Exception:  # as in `images.decode`
        raise Broken from None
    moments = (np.arange(max(1, round(ends[-1] * rate / 1000))) + 0.5) * 1000 / rate
    return np.minimum(np.searchsorted(ends[1:], moments, "right"), len(ends) - 2)


class Timed:
    """A video whose frames are repeated or left out: frame i is frame `order[i]` of `video`."""

    def __init__(self, video: "np.ndarray | Late", order: np.ndarray):
        self.video, self.order, self.nbytes = video, order, video.nbytes
        self.shape = (len(order), *video.shape[1:])

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, places: Sequence[int]) -> np.ndarray:
        return self.video[self.order[places]]


class Late:
    """A video whose frames are read when they are asked for: `video[places]` is uint8 (len(places), h, w, c).

    Args:
        path: of the file or the folder.
        shape: (frames, h, w, c).
        prepared: what is done to a frame, which brings it to (h, w, c).
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int], prepared: Callable[[np.ndarray], np.ndarray]):
        self.path, self.shape, self.prepared = path, shape, prepared
        self.nbytes = math.prod(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: Sequence[int]) -> np.ndarray:
        wanted = sorted({int(place) for place in places})
        try:
            found = dict(zip(wanted, map(self.prepared, frames(self.path, wanted)), strict=True))
        except (Broken, ValueError):
            raise ZooError(f"{self.path}: could be read when training began and cannot any more.") from None
        return np.stack([found[int(place)] for place in places])
