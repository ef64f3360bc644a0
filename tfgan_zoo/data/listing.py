"""Files in folders: which there are, in which splits, and what is known of each."""

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tfgan_zoo import console
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image

SPLITS = ("train", "validation", "val", "valid", "dev", "test")


@dataclasses.dataclass
class Item:
    """A file.

    Attributes:
        name: its path below the folder.
        facts: what `metadata.jsonl` and `pattern` tell of it.
        label: its class, or None.
        text: its caption, or None.
    """

    name: str
    facts: dict[str, Any]
    label: Any = None
    text: str | None = None


def split_folders(root: Path, suffixes: tuple[str, ...]) -> dict[str, tuple[Path, bool]]:
    """{split: (folder, whether only the files directly in it count)}.

    Splits are subfolders called `train`, `test` ..., also with a capital for a domain behind it (`trainA`). One alone
    among other folders is a class; two or more are splits. Loose files beside split folders are the training data.
    """
    folders = [entry.name for entry in sorted(root.iterdir()) if entry.is_dir() and entry.name[0] != "."]
    found = {name: (root / name, False) for name in sorted(filter(_is_split, folders), key=_rank)}
    if not found or (root / "metadata.jsonl").exists():
        return {"train": (root, False)}
    others = [name for name in folders if name not in found]
    loose = any(is_one(path, suffixes) for path in root.iterdir())
    if others and len(found) == 1:
        return {"train": (root, False)}
    if loose and "train" not in found:
        found = {"train": (root, True), **found}
    elif loose or others:
        left = [*others, *(["loose files"] if loose else [])]
        console.note(f"{root}: only {', '.join(found)} are read, not {', '.join(left)}")
    return found


def _is_split(name: str) -> bool:
    return name in SPLITS or (name[:-1] in SPLITS and name[-1].isupper())


def _rank(name: str) -> tuple[int, str]:
    return SPLITS.index(name if name in SPLITS else name[:-1]), name


def is_one(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Whether it is a file that ends so, and not hidden."""
    return path.suffix.lower() in suffixes and path.name[0] != "." and path.is_file()


def walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """(folder, names of folders in it, names of files in it) of `root` and below, through symbolic links, each once."""
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if name[0] != "."]
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield Path(folder), folders, names


def listing(root: Path, loose: bool = False, suffixes: tuple[str, ...] = Image.suffixes) -> list[dict]:
    """[{"file_name": ...}] relative to `root`, in the order of metadata.jsonl, or else of the names.

    Args:
        loose: only what lies directly in `root`.
        suffixes: which files count, where there is no metadata.jsonl.

    Raises:
        ZooError: a metadata.jsonl that cannot be read.
    """
    metadata = root / "metadata.jsonl"
    if not metadata.exists():
        every = root.iterdir() if loose else (folder / name for folder, _, names in walk(root) for name in names)
        found = (path for path in every if is_one(path, suffixes))
        return [{"file_name": name} for name in sorted(path.relative_to(root).as_posix() for path in found)]
    try:
        lines = metadata.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ZooError(f"{metadata}: is not UTF-8 text.") from None
    entries = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            name = entry["file_name"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ZooError(f"{metadata}: line {number} is no JSON object with file_name.") from None
        if not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts:
            raise ZooError(f"{metadata}: line {number}: file_name {name!r} is not inside the folder.")
        entries.append(entry)
    return entries


def captions(root: Path, items: list[Item]) -> bool:
    """Put the captions of `items` under `text`: from metadata.jsonl, or else from `.txt` files beside them.

    Returns:
        Whether each has one.

    Raises:
        ZooError: a caption that is no text.
    """
    for item in items:
        if "text" in item.facts:
            item.text = str(item.facts["text"])
        elif (beside := (root / item.name).with_suffix(".txt")).is_file():
            try:
                item.text = beside.read_text(encoding="utf-8").strip()
            except UnicodeDecodeError:
                raise ZooError(f"{beside}: is not UTF-8 text.") from None
    return all(item.text is not None for item in items)


def by_split(items: list[Item], split_of: Callable[[Item], str]) -> dict[str, list[Item]]:
    """The items of each split, in the order of `SPLITS`."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(split_of(item), []).append(item)
    return dict(
        sorted(found.items(), key=lambda pair: _rank(pair[0]) if _is_split(pair[0]) else (len(SPLITS), pair[0]))
    )
