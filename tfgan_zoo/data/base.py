"""What every data source has in common: its settings (`BaseSource`) and what it opens to (`Data`)."""

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveInt, field_validator

from tfgan_zoo.data import named
from tfgan_zoo.data.keyed import permutation, uniform
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.modalities import ClassLabel, Image, Modality

if TYPE_CHECKING:
    import tensorflow as tf

Spec = dict[str, Modality]
DATA_VARIABLE = "TFGAN_ZOO_DATA"  # the folder that --data-dir names


class BaseSource(BaseModel):
    """The `[data]` table of an experiment. Each module of `data/sources` has one subclass, named `Source`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    source: str
    split: str = "train"
    transforms: list[str | dict[str, Any]] = []
    batch_size: PositiveInt = 64
    cache: Literal["auto"] | bool = "auto"
    data_dir: str | None = None

    @field_validator("transforms")
    @classmethod
    def _transforms_exist(cls, value):
        transforms_of(value)
        return value

    def open(self, element_spec: Mapping[str, Modality], *, split: str | None = None) -> "Data":
        """Find the data and make it ready to deliver what `element_spec` asks for, in stored form.

        `split` stands in for the configured one.

        Raises:
            ZooError: the data are not there, cannot be read or do not have what the spec asks for.
        """
        for key, kind in element_spec.items():
            if None in kind.shape:
                raise ZooError(f"element_spec: {key} is {kind.name}; data need whole sizes, without None.")
        return self._open(dict(element_spec), split or self.split)

    def _open(self, spec: Spec, split: str) -> "Data":
        raise NotImplementedError

    def knows(self) -> dict[str, Any]:
        """What the data say of themselves before a model exists: `num_classes` and `class_names`, if they have classes.

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
        if home and not plain.is_absolute() and (Path(home).expanduser() / plain).exists():
            return Path(home).expanduser() / plain
        return plain

    def prepare(self, kind: Modality) -> Callable[[np.ndarray], np.ndarray]:
        """The function from a picture as it is to one as the model wants it (both uint8, h, w, c)."""
        steady, _ = transforms_of(self.transforms)

        def function(image):
            for transform in steady:
                image = transform(image)
            return kind.fit(image)

        return function


@dataclasses.dataclass(frozen=True)
class About:
    """What is known of opened data.

    Attributes:
        line: one line that says what the data are.
        identity: JSON-able; whatever tells these data from others.
        num_examples: how many there are.
        num_classes, class_names: of their labels; None without.
        image_shape: of the pictures as they are on the disk; None for sides that vary.
        skipped: files that could not be read.
        cached_bytes: how much of them is kept in memory.
        more: further facts.
    """

    line: str
    identity: Any
    num_examples: int
    num_classes: int | None = None
    class_names: Sequence[str] | None = None
    image_shape: Sequence[int | None] | None = None
    skipped: Sequence[str] = ()
    cached_bytes: int = 0
    more: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class Data:
    """An opened source: `batches` to train on, `examples` to evaluate on, `facts` to write down.

    Args:
        spec: what is delivered, {key: modality}.
        columns: {key: something that an int64 array of places indexes, giving one row per place}.
        source: the settings it was opened with.
        about: what is known of it. `about.identity`, `spec` and the transforms that run before the cache make
            `facts["fingerprint"]`: equal fingerprints, equal `examples`.

    Attributes:
        num_examples: int.
        num_classes: int, or None without labels.
        class_names: tuple of str, or None.
        facts: JSON-able: source, split, examples, classes, class_names, image_shape, skipped ({"count", "names"}),
            cached, cached_bytes, fingerprint, transforms.
    """

    def __init__(self, spec: Spec, columns: Mapping[str, Any], *, source: BaseSource, split: str, about: About):
        self.spec, self.columns = spec, columns
        self.num_examples, self.num_classes = int(about.num_examples), about.num_classes
        self.class_names = tuple(about.class_names) if about.class_names is not None else None
        if self.num_examples < 1:
            raise ZooError(f"{about.line} has no examples; give another data.split.")
        steady, self.augment = transforms_of(source.transforms)
        self._check_augment()
        told = [t for t in source.transforms if not named.name_of(t).startswith("random_")] if steady else []
        asked = {key: (kind.shape, kind.stored) for key, kind in spec.items()}
        self.facts = {
            "source": about.line,
            "split": split,
            "examples": self.num_examples,
            "classes": about.num_classes,
            "class_names": list(self.class_names) if self.class_names and len(self.class_names) <= 1000 else None,
            "image_shape": list(about.image_shape) if about.image_shape else None,
            "skipped": {"count": len(about.skipped), "names": list(about.skipped[:5])},
            "cached": about.cached_bytes > 0,
            "cached_bytes": int(about.cached_bytes),
            "transforms": source.transforms,
            "fingerprint": fingerprint([about.identity, split, self.num_examples, asked, told]),
            **about.more,
        }

    def _check_augment(self) -> None:
        """Try the random transforms before training starts."""
        pictures = {key: np.zeros((2, *kind.shape), np.uint8) for key, kind in self.spec.items() if _picture(kind)}
        try:
            result = self._augmented(dict(pictures), 0, np.arange(2))
        except ValueError as error:
            raise ZooError(f"data.transforms: {error}") from None
        for key, before in pictures.items():
            if result[key].shape != before.shape:
                raise ZooError(
                    f"data.transforms: a random transform made {result[key].shape[1:]} of {before.shape[1:]}."
                )

    def batches(
        self, batch_size: int, *, seed: int = 0, start: int = 0, shard: tuple[int, int] = (0, 1)
    ) -> "tf.data.Dataset":
        """Endless batches {key: stored (batch_size, ...)} for training.

        Batch k is a function of (seed, k): element n = k * batch_size + i is the one at place n mod N in the random
        order of epoch n div N, changed by the random transforms with draws keyed by (seed, n). Each epoch shows every
        example once. `start=k` begins at batch k, at once. `shard=(i, m)`: only part i of m of every batch, for worker
        i of m (the dataset's automatic sharding is off).

        Raises:
            ZooError: when m does not divide `batch_size`.
        """
        from tfgan_zoo.data import pipeline

        low, high = part(batch_size, shard)

        def make(k):
            n = k * batch_size + np.arange(low, high)
            return self._augmented(self._rows(self._order(n, seed, held)), seed, n)

        held: list[tuple] = [(-1, None)]
        return pipeline.numbered(make, self.spec, high - low, pipeline.endless(start))

    def _order(self, n: np.ndarray, seed: int, held: list[tuple]) -> np.ndarray:
        """The rows of elements `n` of a run; `held` keeps the order of the epoch last seen."""
        epochs, places = np.divmod(n, self.num_examples)
        rows = np.empty_like(n)
        for epoch in np.unique(epochs):
            current = held[0]  # read once: several iterators may be at work
            if current[0] != epoch:
                current = held[0] = (epoch, permutation(self.num_examples, seed, 0, int(epoch)))
            rows[epochs == epoch] = current[1][places[epochs == epoch]]
        return rows

    def examples(self, batch_size: int, limit: int | None = None) -> "tf.data.Dataset":
        """One pass in order, without random transforms: batches of `batch_size`, the last may be smaller."""
        from tfgan_zoo.data import pipeline

        total = self.num_examples if limit is None else min(limit, self.num_examples)

        def make(first):
            return self._rows(np.arange(first, min(first + batch_size, total)))

        return pipeline.numbered(make, self.spec, None, pipeline.steps(total, batch_size))

    def rows(self, places: Sequence[int]) -> dict[str, np.ndarray]:
        """The examples at `places`, without random transforms: {key: stored (n, ...)}."""
        return self._rows(np.asarray(places, np.int64))

    def _rows(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {key: self.columns[key][rows] for key in self.spec}

    def _augmented(self, batch: dict, seed: int, n: np.ndarray) -> dict:
        """Apply the random transforms to the pictures of elements `n` of a run: all pictures of a row alike."""
        for place, transform in enumerate(self.augment):

            def random(i, place=place):
                return uniform(seed, 1 + place, n, i)

            batch |= {key: transform(batch[key], random) for key, kind in self.spec.items() if _picture(kind)}
        return batch


def _picture(kind: Modality) -> bool:
    return isinstance(kind, Image)


def transforms_of(entries: list) -> tuple[list[Callable], list[Callable]]:
    """The functions that `transforms` names, arguments bound: those that run once, and the random ones.

    Raises:
        ZooError: an unknown name or an argument that does not fit.
    """
    from tfgan_zoo.data import transforms

    steady, random = [], []
    for entry in entries:
        function = named.bound(transforms, entry, "data.transforms", lambda n: 2 if n.startswith("random_") else 1)
        (random if named.name_of(entry).startswith("random_") else steady).append(function)
    return steady, random


def picture_key(spec: Spec, source: str) -> str | None:
    """The key under which a source of single pictures delivers them; None where no pictures are wanted.

    Raises:
        ZooError: several pictures are wanted of each row.
    """
    keys = [key for key, kind in spec.items() if _picture(kind)]
    if len(keys) > 1:
        raise ZooError(f"{source} has one picture a row; the model wants {' and '.join(keys)}.")
    return keys[0] if keys else None


def label_key(spec: Spec) -> str | None:
    """The key of the class labels that are wanted; None where there are none."""
    return next((key for key, kind in spec.items() if isinstance(kind, ClassLabel)), None)


def require(spec: Spec, delivered: Iterable[str | None], source: str) -> None:
    """Raise ZooError when a key is wanted that the source does not deliver."""
    delivered = [key for key in delivered if key]
    for key in spec:
        if key not in delivered:
            raise ZooError(f"{source} has no {key!r}, which the model wants; it has {', '.join(delivered)}.")


def part(batch_size: int, shard: tuple[int, int]) -> tuple[int, int]:
    """The elements of a batch that worker i of m delivers. Raises ZooError where m does not divide the batch."""
    index, count = shard
    if batch_size % count or not 0 <= index < count:
        raise ZooError(f"data.batch_size {batch_size} cannot be shared by {count} workers: use a multiple of {count}.")
    return index * (batch_size // count), (index + 1) * (batch_size // count)


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON-able value: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


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
