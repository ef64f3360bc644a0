"""Where answers are written: checked before any work is done, in the format of the suffix."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Modality
from tfgan_zoo.modalities.base import save_array

PICTURES = (".png", ".jpg", ".jpeg")


def destination(out: str | os.PathLike | None, suffixes: Sequence[str], folders: bool = True) -> Path | None:
    """`out` as a path that can be written, checked before any work is done."""
    if out is None:
        return None
    path = Path(os.path.expanduser(out))  # Path.expanduser raises where there is no such user
    suffix, is_folder = path.suffix.lower(), os.path.isdir(path)  # Path.is_dir raises where it may not look
    folder = folders and (is_folder or not suffix or str(out).endswith(("/", os.sep)))
    if not folder and suffix not in suffixes:
        choices = [*suffixes, *(["a folder"] if folders else [])]
        kind = suffix or "a folder"
        raise ZooError(f"out={str(out)!r}: cannot write {kind}; choose one of {', '.join(choices)}.")
    if not folder and is_folder:
        raise ZooError(f"out={str(out)!r} is a folder; name a file, such as {path / f'all{suffixes[0]}'}.")
    existing = next(place for place in (path, *path.absolute().parents) if os.path.exists(place))
    if (folder or existing != path) and not os.path.isdir(existing):
        raise ZooError(f"cannot write {path}: {existing} is a file, not a folder.")
    if not os.access(existing if os.path.isdir(existing) else existing.parent, os.W_OK | os.X_OK):
        raise ZooError(f"cannot write {path}: no permission in {existing}. Choose a place you may write to.")
    return path


def suffixes_of(kind: Modality) -> tuple[str, ...]:
    """The suffixes of files that can hold many data of this kind."""
    return tuple(dict.fromkeys([*(PICTURES if kind.visible else ()), *kind.suffixes[:1], ".npy"]))


def is_file(target: Path, kind: Modality) -> bool:
    """Whether `target` names one file for all, rather than a folder."""
    return target.suffix.lower() in suffixes_of(kind) and not target.is_dir()


def check_folder(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder that holds anything but files of the names that are about to be written.

    Other files would be taken for answers of the same model, in an evaluation of the folder for one.
    """
    entries = os.listdir(folder) if os.path.isdir(folder) else []
    others = sorted(name for name in set(entries) - set(names) if not name.startswith("."))
    if others:
        more = f" and {len(others) - 1:,} more" if others[1:] else ""
        raise ZooError(f"{folder}: holds {others[0]}{more} already: name an empty folder, or take them away.")


def write_all(kind: Modality, path: Path, stored: np.ndarray, **layout: Any) -> None:
    """Write stored data (n, ...) into one file, in the format of its suffix; `layout` is of the grid of pictures."""
    if path.suffix.lower() in PICTURES:
        images.save_image(path, images.grid(kind.picture(stored), **layout))
    elif path.suffix.lower() == ".npy":
        save_array(path, stored)
    else:
        kind.write_all(path, stored)


def free_name(path: Path) -> Path:
    """`path`, or the first of `-2`, `-3` ... before its suffix that does not exist."""
    number, free = 2, path
    while os.path.lexists(free):
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free
