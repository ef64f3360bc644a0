"""What a source opens to: `Data`, endless batches to train on and ordered examples to evaluate on."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgan_zoo.data import named
from tfgan_zoo.data.keyed import permutation
from tfgan_zoo.data.making import Making
from tfgan_zoo.errors import ZooError

if TYPE_CHECKING:
    import tensorflow as tf

    from tfgan_zoo.data.base import BaseSource


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

    description: str
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
        making: what is delivered (`making.spec`, {key: modality}), and what happens to rows on their way.
        columns: {key: something that an int64 array of places indexes, giving one row per place}.
        source: the settings it was opened with.
        about: what is known of it. `about.identity`, the spec, and the transforms that run before the cache make
            `facts["fingerprint"]`: equal fingerprints, equal `examples`.

    Attributes:
        spec: {key: modality}.
        num_examples: int.
        num_classes: int, or None without labels.
        class_names: tuple of str, or None.
        facts: JSON-able: source, split, examples, classes, class_names, image_shape, skipped ({"count", "names"}),
            cached, cached_bytes, fingerprint, transforms, and derived where something is.
    """

    def __init__(self, making: Making, columns: Mapping[str, Any], *, source: "BaseSource", split: str, about: About):
        self.making, self.spec, self.columns = making, making.spec, columns
        self.num_examples, self.num_classes = int(about.num_examples), about.num_classes
        self.class_names = tuple(about.class_names) if about.class_names is not None else None
        if self.num_examples < 1:
            raise ZooError(f"{about.description} has no examples; give another data.split.")
        steady = [t for t in source.transforms if not named.name_of(t).startswith("random_")]
        asked = {key: (kind.shape, kind.stored) for key, kind in self.spec.items()}
        identity = [about.identity, split, self.num_examples, asked, steady if making.chosen.steady else []]
        # Added only where they are there, so that the rest keep the fingerprints that they always had.
        identity += [making.entries] if making.entries else []
        identity += [source.where] if source.where else []
        cut = making.chosen.cut and making.treated
        identity += [t for t in source.transforms if named.name_of(t) == "random_crop"] if cut else []
        self.facts = {
            "source": about.description,
            "split": split,
            "examples": self.num_examples,
            "classes": about.num_classes,
            "class_names": list(self.class_names) if self.class_names and len(self.class_names) <= 1000 else None,
            "image_shape": list(about.image_shape) if about.image_shape else None,
            "skipped": {"count": len(about.skipped), "names": list(about.skipped[:5])},
            "cached": about.cached_bytes > 0,
            "cached_bytes": int(about.cached_bytes),
            "transforms": source.transforms,
            "fingerprint": fingerprint(identity),
            **({"derived": making.entries} if making.entries else {}),
            **about.more,
        }

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
            return self.making.turn(self.columns, self._order(n, seed, held), seed, n)

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
            return self.rows(np.arange(first, min(first + batch_size, total)))

        return pipeline.numbered(make, self.spec, None, pipeline.steps(total, batch_size))

    def rows(self, places: Sequence[int]) -> dict[str, np.ndarray]:
        """The examples at `places`, without random transforms: {key: stored (n, ...)}."""
        rows = np.asarray(places, np.int64)
        return self.making.plain({key: self.columns[key][rows] for key in self.making.given}, rows)


def part(batch_size: int, shard: tuple[int, int]) -> tuple[int, int]:
    """The elements of a batch that worker i of m delivers. Raises ZooError where m does not divide the batch."""
    index, count = shard
    if batch_size % count or not 0 <= index < count:
        raise ZooError(f"data.batch_size {batch_size} cannot be shared by {count} workers: use a multiple of {count}.")
    return index * (batch_size // count), (index + 1) * (batch_size // count)


def fingerprint(value: Any) -> str:
    """SHA-256 of a JSON-able value: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
