"""A folder of pictures: PNG, JPEG, BMP, GIF (first frame), WebP, TIFF, of any size and mode.

Labels come from `metadata.jsonl` (one JSON object a line with `file_name`; the key that `label` names) or, without one,
from class subfolders; `text` in it is a caption. Splits are subfolders (`train`, `test` ...) where there are any; else
the folder is `train`, and slices such as `train[90%:]` divide it. Symbolic links are followed.
"""

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import console, images
from tfgan_zoo.data import memory
from tfgan_zoo.data.base import About, BaseSource, Data, Spec, label_key, picture_key, require, subset
from tfgan_zoo.errors import ZooError, count_of, unknown
from tfgan_zoo.files import sha256
from tfgan_zoo.modalities import Image, Text

SUFFIXES = Image.suffixes
SPLITS = ("train", "validation", "val", "valid", "dev", "test")


class Source(BaseSource):
    """`path`: the folder. `label`: the metadata key that holds the class (default `label`, where there is one)."""

    source: str = "folder"
    path: str
    label: str | None = None

    def _open(self, spec: Spec, split: str) -> Data:
        root, entries, places = self._entries(split)
        image, label = picture_key(spec, "a folder"), label_key(spec)
        text = next((key for key, kind in spec.items() if isinstance(kind, Text)), None)
        labelled, captioned = self._describe(root, entries)
        if label and not labelled:
            raise ZooError(_no_labels(root, entries))
        require(spec, [image, label if labelled else None, text if captioned else None], f"data.path {self.path!r}")
        classes = self._classes(root, entries) if label else None
        entries = entries[places.start : places.stop]
        columns, good, skipped, shapes = self._pictures(root, entries, spec, image)
        if label:
            columns[label] = np.array([classes.index(entry["class"]) for entry in good], np.int32)
        if text:
            columns[text] = spec[text].encode([str(entry["text"]) for entry in good])
        metadata = root / "metadata.jsonl"
        sizes = [[entry["file_name"], (root / entry["file_name"]).stat().st_size] for entry in good]
        return Data(
            spec,
            columns,
            source=self,
            split=split,
            about=About(
                line=f"folder {self.place(self.path).resolve().name} [{split}]",
                identity=["folder", sizes, sha256(metadata) if metadata.exists() else None, self.label],
                num_examples=len(good),
                num_classes=len(classes) if classes else None,
                class_names=[str(name) for name in classes] if classes else None,
                image_shape=[None if len({s[i] for s in shapes}) > 1 else next(iter(shapes))[i] for i in range(3)],
                skipped=skipped,
                cached_bytes=getattr(columns.get(image), "nbytes", 0),
            ),
        )

    def knows(self) -> dict[str, Any]:
        root, entries, _ = self._entries(self.split)
        labelled, _ = self._describe(root, entries)
        classes = self._classes(root, entries) if labelled else None
        return {"num_classes": len(classes), "class_names": [str(name) for name in classes]} if classes else {}

    def splits(self):
        return list(_splits(self._root()))

    def _root(self) -> Path:
        root = self.place(self.path)
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise ZooError(f"data.path {self.path!r} {what}; give a folder of pictures ({' '.join(SUFFIXES)}).")
        return root

    def _entries(self, split: str) -> tuple[Path, list[dict], range]:
        """The folder of a split, what is listed in it, and the places that the split takes."""
        splits = _splits(self._root())
        listed = {name: listing(folder, loose) for name, (folder, loose) in splits.items()}
        if not any(listed.values()):
            raise ZooError(f"data.path {self.path!r} holds no picture ({' '.join(SUFFIXES)}).")
        name, places = subset(split, splits, lambda name: len(listed[name]))
        return splits[name][0], listed[name], places

    def _pictures(self, root: Path, entries: list[dict], spec: Spec, key: str | None) -> tuple:
        """({key: pictures}, the entries that can be read, the names of the others, the shapes seen)."""
        if key is None:
            return {}, entries, [], {(None, None, None)}
        shape, prepare = spec[key].shape, self.prepare(spec[key])
        keep = memory.fits(len(entries), shape, self.cache)
        made = np.empty((len(entries) if keep else 0, *shape), np.uint8)

        def load(entry):
            picture = images.decode(root / entry["file_name"])
            return None if picture is None else (picture.shape, prepare(picture) if keep else None)

        good, skipped, shapes = [], [], set()
        loaded = memory.track(memory.in_order(load, entries), len(entries), "Reading pictures")
        for entry, result in zip(entries, loaded, strict=True):
            if result is None:
                skipped.append(entry["file_name"])
                continue
            shapes.add(result[0])
            if keep:
                made[len(good)] = result[1]
            good.append(entry)
        if skipped:
            names = ", ".join(skipped[:5]) + (" ..." if len(skipped) > 5 else "")
            what = count_of(len(skipped), "file")
            logging.getLogger("tfgan_zoo").warning("%s: skipped %s that cannot be decoded: %s", self.path, what, names)
        if not good:
            raise ZooError(f"data.path {self.path!r}: none of its {count_of(len(entries), 'picture')} can be decoded.")

        def read(rows):
            return np.stack([*memory.in_order(lambda row: prepare(_again(root / good[row]["file_name"])), list(rows))])

        column = made[: len(good)] if keep else memory.Lazy(read, len(good), shape, keep=False)
        return {key: column}, good, skipped, shapes

    def _describe(self, root: Path, entries: list[dict]) -> tuple[bool, bool]:
        """Whether all entries have a class (then put under "class") and a caption.

        Raises:
            ZooError: `label` names a key that is not there.
        """
        if not (root / "metadata.jsonl").exists():
            if self.label:
                raise ZooError(f"data.label {self.label!r} is a key of metadata.jsonl, which {self.path!r} lacks.")
            for entry in entries:
                entry["class"] = next(iter(Path(entry["file_name"]).parts[:-1]), None)
            return all(entry["class"] is not None for entry in entries), False
        known = _metadata_keys(entries)
        if self.label and self.label not in known:
            raise unknown("metadata key", self.label, known, "data.label")
        field = self.label or ("label" if "label" in known else None)
        for entry in entries:
            entry["class"] = entry.get(field) if field else None
        return field is not None, all("text" in entry for entry in entries)

    def _classes(self, root: Path, entries: list[dict]) -> list:
        """The classes in order; all of the split, so that a slice numbers them alike."""
        for entry in entries:
            if not isinstance(entry["class"], str | int):
                raise ZooError(f"{root.name}: {entry['file_name']} has class {entry['class']!r}: not text or a number.")
        return sorted({entry["class"] for entry in entries}, key=lambda c: (isinstance(c, str), c))


def _splits(root: Path) -> dict[str, tuple[Path, bool]]:
    """{split: (folder, whether only the pictures directly in it count)}.

    One folder called `train` or `test` among others is a class; two or more are splits. Loose pictures beside split
    folders are the training data.
    """
    found = {name: (root / name, False) for name in SPLITS if (root / name).is_dir()}
    if not found or (root / "metadata.jsonl").exists():
        return {"train": (root, False)}
    others = [d.name for d in sorted(root.iterdir()) if d.is_dir() and d.name not in found and d.name[0] != "."]
    loose = any(_is_picture(path) for path in root.iterdir())
    if others and len(found) == 1:
        return {"train": (root, False)}
    if loose and "train" not in found:
        found = {"train": (root, True), **found}
    elif loose or others:
        left = [*others, *(["loose pictures"] if loose else [])]
        console.note(f"{root}: only {', '.join(found)} are read, not {', '.join(left)}")
    return found


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file()


def _metadata_keys(entries: list[dict]) -> list[str]:
    return sorted(set().union(*entries) - {"file_name", "class"})


def _no_labels(root: Path, entries: list[dict]) -> str:
    if (root / "metadata.jsonl").exists():
        keys = ", ".join(_metadata_keys(entries)) or "none yet"
        return f"{root.name} has no labels for the model; give their metadata key as data.label: {keys}."
    return f"{root.name} has no labels for the model; put each class in a subfolder."


def _again(path: Path) -> np.ndarray:
    picture = images.decode(path)
    if picture is None:
        raise ZooError(f"{path} could be read when training began and cannot any more.")
    return picture


def _walk(root: Path) -> Iterator[Path]:
    """Every picture below `root`, through symbolic links, each folder once."""
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if name[0] != "."]
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        yield from (path for name in names if _is_picture(path := Path(folder) / name))


def listing(root: Path, loose: bool = False) -> list[dict]:
    """[{"file_name": ...}] relative to `root`, in the order of metadata.jsonl, or else of the names.

    Args:
        loose: only what lies directly in `root`.
    """
    metadata = root / "metadata.jsonl"
    if not metadata.exists():
        found = (path for path in root.iterdir() if _is_picture(path)) if loose else _walk(root)
        return [{"file_name": name} for name in sorted(path.relative_to(root).as_posix() for path in found)]
    entries = []
    for number, line in enumerate(metadata.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            name = entry["file_name"]
        except (ValueError, KeyError, TypeError):
            raise ZooError(f"{metadata}: line {number} is no JSON object with file_name.") from None
        if not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts:
            raise ZooError(f"{metadata}: line {number}: file_name {name!r} is not inside the folder.")
        entries.append(entry)
    return entries
