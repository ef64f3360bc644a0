"""What the sources that read folders of files have in common: `FileSource`."""

import dataclasses
import hashlib
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from tfgan_zoo.data import words
from tfgan_zoo.data.base import BaseSource, Spec, subset
from tfgan_zoo.data.listing import SPLITS, Item, by_split, captions, listing, split_folders
from tfgan_zoo.errors import ZooError, count_of, unknown
from tfgan_zoo.files import sha256


class HoldOut(BaseModel):
    """A `test` split of a folder that has none: a share of its groups, chosen by a hash of what they are called.

    Files of one group are all on one side, today and when files are added.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    share: float = Field(description="how much is held out")
    by: str = Field("file_name", description="what tells the group: file_name, text, or a key of metadata or pattern")
    ignore: str = Field("", description="a regular expression: what of it makes no other group")

    @field_validator("share")
    @classmethod
    def _a_part(cls, value: float) -> float:
        if not 0 < value < 1:
            raise ValueError(f"share = {value}: must lie between 0 and 1.")
        return value

    @field_validator("ignore")
    @classmethod
    def _readable(cls, value: str) -> str:
        return compiled(value).pattern

    def split_of(self, item: Item) -> str:
        """`train` or `test`."""
        value = item.name if self.by == "file_name" else item.text if self.by == "text" else item.facts.get(self.by)
        group = " ".join(re.sub(self.ignore, "", str(value)).lower().split()) if self.ignore else str(value)
        return "test" if int(hashlib.sha256(group.encode()).hexdigest(), 16) < self.share * 2**256 else "train"


@dataclasses.dataclass
class Listed:
    """The files of a split.

    Attributes:
        root: the folder that their names are relative to.
        items: those that the split and `where` take.
        classes: of their labels, of all splits where these share a folder; None without.
        captioned: whether each has a caption.
        names: {what is known of files}, for messages.
    """

    root: Path
    items: list[Item]
    classes: list | None
    captioned: bool
    names: list[str]


class FileSource(BaseSource):
    """A folder of files.

    Splits are subfolders (`train`, `test` ...) where there are any; else `pattern` or `hold_out` tell them; else the
    folder is `train`, and slices such as `train[90%:]` divide it.
    """

    selects = True
    suffixes: ClassVar[tuple[str, ...]]  # of the files
    noun: ClassVar[str]  # what one is called

    path: str = Field(description="the folder; subfolders are classes, or splits where they are called train and test")
    label: str | None = Field(
        None, description="the key of metadata.jsonl or pattern that holds the class; default `label`, if there is one"
    )
    pattern: str | None = Field(
        None,
        description="a regular expression of file names without suffix, whose groups tell facts: `label`, `split`; one "
        "called `train` or `test` puts what it matches there",
    )
    hold_out: HoldOut | None = Field(
        None, description='a test split by groups, such as { share = 0.1, by = "text", ignore = " with .* skin tone" }'
    )
    words: PositiveInt | None = Field(None, description="how many words of the captions are known; default all")

    @field_validator("pattern")
    @classmethod
    def _pattern_readable(cls, value: str | None) -> str | None:
        return value if value is None else compiled(value).pattern

    def knows(self) -> dict[str, Any]:
        listed = self.listed(self.split)
        known = {}
        if listed.classes:
            known = {"num_classes": len(listed.classes), "class_names": [str(name) for name in listed.classes]}
        if listed.captioned:
            known["vocabulary"] = words.vocabulary((item.text for item in listed.items), self.words)
        return known

    def splits(self):
        return list(self._parts(self._root()))

    @property
    def shown(self) -> str:
        """What the folder may hold, for messages."""
        return " ".join(self.suffixes)

    def entries(self, folder: Path, loose: bool) -> list[dict]:
        """What is in a folder, as `listing` gives it; `loose`: only what lies directly in it."""
        return listing(folder, loose, self.suffixes)

    def weight(self, path: Path) -> Any:
        """What tells a file from another of its name: its size."""
        return path.stat().st_size

    # === The files of a split ===
    def listed(self, split: str) -> Listed:
        """The files that `split` and `where` take, with what is known of them. Raises ZooError as `open`."""
        parts = self._parts(self._root())
        if not any(items for _, items in parts.values()):
            raise ZooError(f"data.path {self.path!r} holds no {self.noun} ({self.shown}).")
        name, places = subset(split, parts, lambda name: len(parts[name][1]))
        root, items = parts[name]
        # Splits that share a folder number their classes alike.
        every = [item for folder, items in parts.values() if folder == root for item in items]
        labelled, names = self._labels(root, every), sorted(set().union(*(item.facts for item in every)))
        classes = _classes(root, every) if labelled else None
        items = items[places.start : places.stop]
        if self.where:
            fields = {key: [item.facts.get(key) for item in items] for key in names}
            fields |= {"label": _numbers(items, classes)} if classes else {}
            kept = self.chosen(fields, len(items), [str(name) for name in classes or ()])
            items = [items[place] for place in kept]
        return Listed(root, items, classes, captions(root, items), names)

    def _root(self) -> Path:
        root = self.place(self.path)
        if not root.is_dir():
            what = "is not a folder" if root.exists() else "does not exist"
            raise ZooError(f"data.path {self.path!r} {what}; give a folder of {self.noun}s ({self.shown}).")
        return root

    def _parts(self, root: Path) -> dict[str, tuple[Path, list[Item]]]:
        """{split: (the folder it lies in, its files)}."""
        folders = split_folders(root, self.suffixes)
        found = {name: (folder, self._items(self.entries(folder, loose))) for name, (folder, loose) in folders.items()}
        groups = set(compiled(self.pattern).groupindex) if self.pattern else set()
        divided = self.hold_out is not None or groups & {"split", *SPLITS}
        if not divided:
            return found
        if list(folders) != ["train"]:
            told = "data.hold_out" if self.hold_out else "data.pattern"
            raise ZooError(f"{told}: {self.path!r} has splits of its own: {', '.join(folders)}; leave it out.")
        items = found["train"][1]
        if self.hold_out:
            self._require_groups(root, items)
            parts = {"train": [], "test": []} | by_split(items, self.hold_out.split_of)
        else:
            parts = by_split(items, self._split_by_name)
        return {name: (root, items) for name, items in parts.items()}

    def _items(self, entries: list[dict]) -> list[Item]:
        items = []
        for entry in entries:
            name = entry["file_name"]
            items.append(Item(name, {key: value for key, value in entry.items() if key != "file_name"}))
            if self.pattern:
                match = re.fullmatch(self.pattern, Path(name).stem)
                if match is None:
                    raise ZooError(f"data.pattern {self.pattern!r} does not fit {name!r}; it must fit every file.")
                items[-1].facts |= {key: value for key, value in match.groupdict().items() if value is not None}
        return items

    def _require_groups(self, root: Path, items: list[Item]) -> None:
        """Refuse a `hold_out` by something that is not there for every file."""
        by = self.hold_out.by
        if by == "text" and not captions(root, items):
            raise ZooError(f"data.hold_out.by = 'text': not every file of {self.path!r} has a caption.")
        if by not in ("file_name", "text"):
            known = set.intersection(*(set(item.facts) for item in items)) if items else set()
            if by not in known:
                raise unknown("key", by, {"file_name", "text", *known}, "data.hold_out.by")

    def _split_by_name(self, item: Item) -> str:
        told = item.facts.get("split") or next((name for name in SPLITS if name in item.facts), None)
        if told is None:
            raise ZooError(f"data.pattern {self.pattern!r} tells no split of {item.name!r}; let a group match.")
        return told

    def _labels(self, root: Path, items: list[Item]) -> bool:
        """Put the classes under `label`; whether there are any. Raises ZooError when the setting names no fact."""
        known = sorted(set().union(*(item.facts for item in items)))
        metadata = (root / "metadata.jsonl").exists()
        if self.label and not known:
            raise ZooError(f"data.label {self.label!r} is a key of metadata.jsonl, which {self.path!r} lacks.")
        if self.label and self.label not in known:
            raise unknown("metadata key", self.label, known, "data.label")
        key = self.label or ("label" if "label" in known else None)
        for item in items:
            folder = next(iter(Path(item.name).parts[:-1]), None)
            item.label = item.facts.get(key) if key else None if metadata else folder
        return bool(key) or all(item.label is not None for item in items)

    def no_labels(self, listed: Listed) -> ZooError:
        """What to say where the model wants labels and the files have none."""
        if listed.names or (listed.root / "metadata.jsonl").exists():
            keys = ", ".join(listed.names) or "none yet"
            return ZooError(
                f"{listed.root.name} has no labels for the model; give their metadata key as data.label: {keys}."
            )
        return ZooError(f"{listed.root.name} has no labels for the model; put each class in a subfolder.")

    # === What is known of what was read ===
    def described(self, listed: Listed, good: list[Item], spec: Spec, label: str | None, text: str | None) -> dict:
        """The columns of labels and texts."""
        columns = {}
        if label:
            columns[label] = np.array(_numbers(good, listed.classes), np.int32)
        if text:
            columns[text] = spec[text].encode([item.text for item in good])
        return columns

    def common(
        self,
        listed: Listed,
        good: list[Item],
        split: str,
        spec: Spec,
        label: str | None,
        text: str | None,
        broken: Mapping[str, str] = {},
    ) -> dict[str, Any]:
        """The arguments of `About` that all folders share.

        `broken`: {name: the file in it that cannot be decoded}, where data consist of several files.
        """
        metadata, classes = listed.root / "metadata.jsonl", listed.classes if label else None
        sizes = [[item.name, self.weight(listed.root / item.name)] for item in good]
        identity = [self.source, sizes, sha256(metadata) if metadata.exists() else None, self.label]
        identity += [self.pattern] if self.pattern else []
        identity += [[item.text for item in good]] if text and not metadata.exists() else []
        readable = {item.name for item in good}
        skipped = [item.name for item in listed.items if item.name not in readable]
        skipped = [f"{name}/{broken[name]}" if name in broken else name for name in skipped]
        if skipped:
            names = ", ".join(skipped[:5]) + (" ..." if len(skipped) > 5 else "")
            what = count_of(len(skipped), "file")
            logging.getLogger("tfgan_zoo").warning("%s: skipped %s that cannot be decoded: %s", self.path, what, names)
        if not good:
            what = count_of(len(listed.items), self.noun)
            raise ZooError(f"data.path {self.path!r}: none of its {what} can be decoded.")
        return {
            "description": f"{self.source} {self.place(self.path).resolve().name} [{split}]",
            "identity": identity,
            "num_examples": len(good),
            "num_classes": len(classes) if classes else None,
            "class_names": [str(name) for name in classes] if classes else None,
            "skipped": skipped,
            "more": {"texts": {text: words.known([item.text for item in good], spec[text])}} if text else {},
        }


def compiled(text: str) -> re.Pattern:
    """A regular expression. Raises ZooError where it is none."""
    try:
        return re.compile(text)
    except re.error as error:
        raise ZooError(f"{text!r} is no regular expression: {error}.") from None


def _classes(root: Path, items: list[Item]) -> list:
    """The classes in order."""
    for item in items:
        if not isinstance(item.label, str | int):
            raise ZooError(f"{root.name}: {item.name} has class {item.label!r}: not text or a number.")
    return sorted({item.label for item in items}, key=lambda c: (isinstance(c, str), c))


def _numbers(items: list[Item], classes: list) -> list[int]:
    number = {name: place for place, name in enumerate(classes)}
    return [number[item.label] for item in items]
