"""What every data source has in common: its settings, and how it is opened."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from tfgan_zoo.data.making import Making, Spec, View, derived_of, is_picture, transforms_of
from tfgan_zoo.data.opened import About, Data
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Modality, Points, Text, Video, Voxels

DATA_VARIABLE = "TFGAN_ZOO_DATA"  # the folder that --data-dir names
USUAL = {Image: "image", ClassLabel: "label", Text: "text", Audio: "audio", Video: "video", Voxels: "voxels"}
Wanted = str | int | bool


class BaseSource(BaseModel):
    """The `[data]` table of an experiment. Each module of `data/sources` has one subclass, named `Source`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    selects: ClassVar[bool] = False  # whether its examples have something that `where` can choose by

    source: str = Field(description="where data come from; each source has settings of its own")
    split: str = Field("train", description="a split, or a part of one such as train[:80%], train[80%:], train[:1000]")
    where: dict[str, Wanted | list[Wanted]] = Field(
        {}, description="only examples such as { label = [0, 1] }, of every split; labels keep their numbers"
    )
    transforms: list[str | dict[str, Any]] = Field(
        [], description='what is done to pictures, such as [{ center_crop = 178 }, "random_flip"]'
    )
    derive: dict[str, str | dict[str, Any]] = Field(
        {}, description='what is made of a row\'s picture, such as { source = "edges", mask = "random_mask" }'
    )
    batch_size: PositiveInt = Field(64, description="examples in one update, over all replicas")
    cache: Literal["auto"] | bool = Field(
        "auto", description="keep prepared data in memory: true, false, or auto where a quarter of the free holds them"
    )
    data_dir: str | None = Field(None, description="as --data-dir: the folder below which data lie")

    @field_validator("transforms")
    @classmethod
    def _transforms_exist(cls, value):
        transforms_of(value)
        return value

    @field_validator("derive")
    @classmethod
    def _derived_exist(cls, value):
        derived_of(value)
        return value

    def open(self, element_spec: Mapping[str, Modality], *, split: str | None = None) -> Data:
        """Find the data and make it ready to deliver what `element_spec` asks for, in stored form.

        `split` stands in for the configured one.

        Raises:
            ZooError: the data are not there, cannot be read or do not have what the spec asks for.
        """
        for key, kind in element_spec.items():
            if None in kind.shape:
                raise ZooError(f"element_spec: {key} is {kind.name}; data need whole sizes, without None.")
        if self.where and not self.selects:
            raise ZooError(f"data.where: {self.source} data have nothing to choose by; leave it out.")
        making = Making(dict(element_spec), self.transforms, self.derive, self.has)
        split = split or self.split
        columns, about = self._open(making, split)
        return self._data(making, columns, source=self, split=split, about=about)

    def _open(self, making: Making, split: str) -> tuple[Any, About]:
        """({key: column} of what `making.given` asks for, what is known of them)."""
        raise NotImplementedError

    def _data(self, making: Making, columns: Any, **common) -> Data:
        return Data(making, columns, **common)

    def has(self, key: str) -> bool:
        """Whether the data hold `key`, a name of `data.derived`, themselves: then it is not derived."""
        return False

    def knows(self) -> dict[str, Any]:
        """What the data say of themselves before a model exists.

        `num_classes` and `class_names` where they have classes, `vocabulary` where they have words.

        Raises:
            ZooError: as `open`.
        """
        return {}

    def splits(self) -> list[str]:
        """The names of the splits that there are.

        Raises:
            ZooError: the data are not there or cannot be read.
        """
        raise NotImplementedError

    def place(self, path: str) -> Path:
        """Where `path` lies: below `data_dir` (or $TFGAN_ZOO_DATA) where it is found there, else as it is."""
        plain, home = Path(path).expanduser(), self.data_dir or os.environ.get(DATA_VARIABLE)
        if home and not plain.is_absolute() and self._there(Path(home).expanduser() / plain):
            return Path(home).expanduser() / plain
        return plain

    def _there(self, path: Path) -> bool:
        return path.exists()

    def located(self) -> "BaseSource":
        """The same with absolute paths, so that the data are found again from another working directory."""
        found = {}
        if self.data_dir:
            found["data_dir"] = os.path.abspath(Path(self.data_dir).expanduser())
        for name in ("path", "target_path"):
            if isinstance(path := getattr(self, name, None), str):
                found[name] = os.path.abspath(self.place(path))
        return self.model_copy(update=found)

    def view(self, kind: Modality) -> View:
        """How data of this kind reach a model."""
        return View(kind, transforms_of(self.transforms))

    def chosen(self, fields: Mapping[str, Iterable[Any]], count: int, names: Iterable[str] | None = None) -> np.ndarray:
        """The places, of `count`, for which `where` holds: int64.

        Args:
            fields: {what `where` may name: its value at each place}.
            names: of the classes, by which `label` may be chosen too.

        Raises:
            ZooError: what is named is not there, or no example has it.
        """
        kept, names = np.ones(count, bool), list(names or ())
        for key, wanted in self.where.items():
            if key not in fields:
                raise unknown("key", key, fields, "data.where")
            values = [value.item() if isinstance(value, np.generic) else value for value in fields[key]]
            wanted = wanted if isinstance(wanted, list) else [wanted]
            known, numbers = set(values), {}
            if key == "label" and names:
                numbers = {name: number for number, name in enumerate(names) if name not in known}
            for value in wanted:
                if value not in known and value not in numbers:
                    allowed = sorted({*map(str, known), *numbers})
                    if len(allowed) > 50:
                        raise ZooError(
                            f"data.where.{key}: no example has {value!r}; some have {', '.join(allowed[:5])}."
                        )
                    raise unknown("value", value, allowed, f"data.where.{key}")
            wanted = {numbers.get(value, value) for value in wanted}
            kept &= np.array([value in wanted for value in values], bool)
        if not kept.any():
            raise ZooError(f"data.where = {self.where}: no example of this split is such; choose others.")
        return np.flatnonzero(kept)


def usual_key(kind: Modality) -> str:
    """The key that data of this kind have where nothing else is said."""
    return next(
        (key for cls, key in USUAL.items() if isinstance(kind, cls)), "point" if isinstance(kind, Points) else ""
    )


def picture_key(spec: Spec, source: str) -> str | None:
    """The key under which a source of single pictures delivers them; None where no pictures are wanted.

    Raises:
        ZooError: several pictures are wanted of each row.
    """
    keys = [key for key, kind in spec.items() if is_picture(kind)]
    if len(keys) > 1:
        raise ZooError(f"{source} has one picture a row; the model wants {' and '.join(keys)}.")
    return keys[0] if keys else None


def label_key(spec: Spec) -> str | None:
    """The key of the class labels that are wanted; None where there are none."""
    return next((key for key, kind in spec.items() if isinstance(kind, ClassLabel)), None)


def text_key(spec: Spec) -> str | None:
    """The key of the texts that are wanted; None where there are none."""
    return next((key for key, kind in spec.items() if isinstance(kind, Text)), None)


def require(spec: Spec, delivered: Iterable[str | None], source: str, usual: str = "nothing else") -> None:
    """Raise ZooError when a key is wanted that the source does not deliver; `usual` is what it has for other models."""
    delivered = [key for key in delivered if key]
    for key in spec:
        if key not in delivered:
            raise ZooError(f"{source} has no {key!r}, which the model wants; it has {', '.join(delivered) or usual}.")


def refuse_steady(making: Making, source: str) -> None:
    """Raise ZooError where transforms are named that videos made in the model's own size cannot be put through."""
    if making.videos and (making.chosen.steady or making.chosen.cut):
        raise ZooError(
            f"data.transforms: {source} has videos of the model's own size; random_flip, random_turn and random_shift "
            "alone treat them."
        )


def subset(split: str, names: Iterable[str], count: Callable[[str], int]) -> tuple[str, range]:
    """Read a split as tfds writes it, such as `train[:1000]` or `train[90%:]`: its name and the places it takes.

    Args:
        names: the splits there are.
        count: name -> how many examples it has.

    Raises:
        ZooError: an unknown name, text of another form, or a slice that holds nothing.
    """
    names = list(names)
    match = re.fullmatch(r"([^\[\]]+)(?:\[(-?\d+%?)?:(-?\d+%?)?\])?", split)
    if not match:
        raise ZooError(f"data.split {split!r} cannot be read: write a name, or a slice such as {names[0]}[:1000].")
    name, first, last = match.groups()
    if name not in names:
        raise unknown("split", name, names, "data.split")
    total = count(name)

    def place(text: str | None, default: int) -> int:
        if not text:
            return default
        value = round(int(text.rstrip("%")) * total / 100) if "%" in split else int(text)
        return min(max(value + total if value < 0 else value, 0), total)

    places = range(place(first, 0), place(last, total))
    if not places:
        raise ZooError(f"data.split {split!r} holds no example: {name} has {total:,}.")
    return name, places
