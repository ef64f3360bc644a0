"""A folder of pictures: PNG, JPEG, BMP, GIF (first frame), WebP, of any size and mode.

Labels come from `metadata.jsonl` (one JSON object a line with `file_name`; the key that `label` names) or,
without one, from class subfolders. Splits are subfolders (`train`, `test` ...) where there are any; else
the folder is `train`, and slices such as `train[90%:]` divide it.
"""

import json
import logging
from pathlib import Path

from tfgan_zoo.data.base import BaseSource, Data, Spec, subset
from tfgan_zoo.errors import ZooError, count_of, unknown
from tfgan_zoo.files import sha256

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
SPLITS = ("train", "validation", "val", "valid", "dev", "test")


class Source(BaseSource):
    """`path`: the folder. `label`: the metadata key that holds the class (default `label`, where there is
    one).
    """

    source: str = "folder"
    path: str
    label: str | None = None

    def _open(self, spec: Spec, split: str) -> Data:
        import numpy as np

        from tfgan_zoo.data import images

        root = Path(self.path).expanduser()
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise ZooError(f"data.path {self.path!r} {what}; give a folder of pictures ({' '.join(SUFFIXES)}).")
        splits = {name: root / name for name in SPLITS if (root / name).is_dir()} or {"train": root}
        listed = {name: listing(folder) for name, folder in splits.items()}
        if not any(listed.values()):
            raise ZooError(f"data.path {self.path!r} holds no picture ({' '.join(SUFFIXES)}).")
        name, places = subset(split, splits, lambda name: len(listed[name]))
        root, entries = splits[name], listed[name]
        keys = self._keys(root, entries)
        if "label" in spec and "label" not in keys:
            raise ZooError(_no_labels(root, entries))
        spec.require(keys, f"data.path {self.path!r}")
        classes = self._classes(root, entries) if "label" in spec else None
        entries = entries[places.start : places.stop]

        prepare, keep = self.prepare(spec), images.fits(len(entries), spec.image_shape, self.cache)
        made = np.empty((len(entries) if keep else 0, *spec.image_shape), np.uint8)

        def load(entry):
            picture = images.decode(root / entry["file_name"])
            return None if picture is None else (picture.shape, prepare(picture) if keep else None)

        good, skipped, shapes = [], [], set()
        loaded = images.track(images.in_order(load, entries), len(entries), "Reading pictures")
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
            return np.stack([*images.in_order(lambda row: prepare(_again(root / good[row]["file_name"])), list(rows))])

        columns = {"image": made[: len(good)] if keep else images.Lazy(read, len(good), spec.image_shape, keep=False)}
        if "label" in spec:
            columns["label"] = np.array([classes.index(entry["class"]) for entry in good], np.int32)
        if "text" in spec:
            columns["text"] = np.array([str(entry["text"]).encode() for entry in good], object)
        sides = [None if len({shape[i] for shape in shapes}) > 1 else next(iter(shapes))[i] for i in range(3)]
        metadata = root / "metadata.jsonl"
        sizes = [[entry["file_name"], (root / entry["file_name"]).stat().st_size] for entry in good]
        return Data(
            spec,
            columns,
            source=self,
            split=split,
            line=f"folder {Path(self.path).expanduser().resolve().name} [{split}]",
            identity=["folder", sizes, sha256(metadata) if metadata.exists() else None, self.label],
            num_examples=len(good),
            num_classes=len(classes) if classes else None,
            class_names=[str(name) for name in classes] if classes else None,
            image_shape=tuple(sides),
            skipped=skipped,
            cached_bytes=columns["image"].nbytes if keep else 0,
        )

    def _keys(self, root: Path, entries: list[dict]) -> list[str]:
        """What this folder can deliver. Raises: ZooError when `label` names a key that is not there."""
        if not (root / "metadata.jsonl").exists():
            if self.label:
                raise ZooError(f"data.label {self.label!r} is a key of metadata.jsonl, which {self.path!r} lacks.")
            for entry in entries:
                entry["class"] = next(iter(Path(entry["file_name"]).parts[:-1]), None)
            return ["image", "label"] if all(entry["class"] is not None for entry in entries) else ["image"]
        known = _metadata_keys(entries)
        if self.label and self.label not in known:
            raise unknown("metadata key", self.label, known, "data.label")
        field = self.label or ("label" if "label" in known else None)
        for entry in entries:
            entry["class"] = entry.get(field) if field else None
        return ["image"] + ["label"] * (field is not None) + ["text"] * all("text" in entry for entry in entries)

    def _classes(self, root: Path, entries: list[dict]) -> list:
        """The classes in order; all of the split, so that a slice numbers them alike."""
        for entry in entries:
            if not isinstance(entry["class"], str | int):
                raise ZooError(f"{root.name}: {entry['file_name']} has class {entry['class']!r}: not text or a number.")
        return sorted({entry["class"] for entry in entries}, key=lambda c: (isinstance(c, str), c))


def _metadata_keys(entries: list[dict]) -> list[str]:
    return sorted(set().union(*entries) - {"file_name", "class"})


def _no_labels(root: Path, entries: list[dict]) -> str:
    if (root / "metadata.jsonl").exists():
        keys = ", ".join(_metadata_keys(entries)) or "none yet"
        return f"{root.name} has no labels for the model; give their metadata key as data.label: {keys}."
    return f"{root.name} has no labels for the model; put each class in a subfolder."


def _again(path: Path):
    from tfgan_zoo.data import images

    picture = images.decode(path)
    if picture is None:
        raise ZooError(f"{path} could be read when training began and cannot any more.")
    return picture


def listing(root: Path) -> list[dict]:
    """[{"file_name": ...}] relative to `root`, in the order of metadata.jsonl, or else of the names."""
    metadata = root / "metadata.jsonl"
    if not metadata.exists():
        files = (path.relative_to(root) for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
        visible = (path for path in files if not any(part.startswith(".") for part in path.parts))
        return [{"file_name": name} for name in sorted(path.as_posix() for path in visible)]
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
