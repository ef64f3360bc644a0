"""Where answers are written: checked before any work is done, in the format of the suffix."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Modality

PICTURES = (".png", ".jpg", ".jpeg")


def destination(out: str | os.PathLike | None, suffixes: Sequence[str], folders: bool = True) -> Path | None:
    """`out` as a path that can be written, checked before any work is done."""
    if out is None:
        return None
    path = Path(out).expanduser()
    suffix = path.suffix.lower()
    folder = folders and (path.is_dir() or not suffix or str(out).endswith(("/", os.sep)))
    if not folder and suffix not in suffixes:
        choices = [*suffixes, *(["a folder"] if folders else [])]
        kind = suffix or "a folder"
        raise ZooError(f"out={str(out)!r}: cannot write {kind}; choose one of {', '.join(choices)}.")
    if not folder and path.is_dir():
        raise ZooError(f"out={str(out)!r} is a folder; name a file, such as {path / 'images.png'}.")
    existing = path if path.exists() else next(parent for parent in path.parents if parent.exists())
    if (folder or existing != path) and not existing.is_dir():
        raise ZooError(f"cannot write {path}: {existing} is a file, not a folder.")
    if not os.access(existing if existing.is_dir() else existing.parent, os.W_OK):
        raise ZooError(f"cannot write {path}: no permission in {existing}. Choose a place you may write to.")
    return path


def suffixes_of(kind: Modality) -> tuple[str, ...]:
    """The suffixes of files that can hold many data of this kind."""
    return tuple(dict.fromkeys([*(PICTURES if kind.visible else ()), *kind.suffixes[:1], ".npy"]))


def is_file(target: Path, kind: Modality) -> bool:
    """Whether `target` names one file for all, rather than a folder."""
    return target.suffix.lower() in suffixes_of(kind) and not target.is_dir()


def check_folder(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder that holds other files of the kind that is about to be written: they would be taken for ours."""
    suffix = Path(names[0]).suffix
    others = sorted({path.name for path in folder.glob(f"*{suffix}")} - set(names)) if folder.is_dir() else []
    if others:
        more = f" and {len(others) - 1} more" if others[1:] else ""
        raise ZooError(f"{folder}: holds {others[0]}{more} already: name an empty folder, or take them away.")


def write_all(kind: Modality, path: Path, stored: np.ndarray, **layout: Any) -> None:
    """Write stored data (n, ...) into one file, in the format of its suffix; `layout` is of the grid of pictures."""
    if path.suffix.lower() in PICTURES:
        images.save_image(path, images.grid(kind.picture(stored), **layout))
    elif path.suffix.lower() == ".npy":
        with images.written(path) as temporary:
            np.save(temporary, stored)
    else:
        kind.write_all(path, stored)


def free_name(path: Path) -> Path:
    """`path`, or the first of `-2`, `-3` ... before its suffix that does not exist."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free
