"""Pairs of pictures of one class: `source`, and another of its class as `target`.

    [data]
    source = "classmates"
    name = "omniglot"

The pictures are those of a TFDS data set with classes; `where` chooses among them. Pair i depends on i alone.
"""

import numpy as np
from pydantic import Field, PositiveInt

from tfgan_zoo.data import named
from tfgan_zoo.data.base import About, label_key, require
from tfgan_zoo.data.making import Making
from tfgan_zoo.data.opened import Data
from tfgan_zoo.data.sources import tfds
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel

KEYS = ("source", "target")


class Source(tfds.Catalogue):
    """Each picture of the data set `name` beside the next ones of its class, after the last the first ones."""

    source: str = "classmates"
    partners: PositiveInt = Field(19, description="pairs that each picture begins; of a class of 20 these are all")

    def has(self, key):
        return key in KEYS

    def _open(self, making: Making, split: str):
        spec, label = making.given, label_key(making.given)
        require(spec, [*KEYS, label], "classmates")
        kinds = {spec[key] for key in KEYS if key in spec}
        if len(kinds) != 1 or making.chosen.cut:
            raise ZooError("classmates: both pictures have one size, and there is no random_crop; use random_shift.")
        steady = [t for t in self.transforms if not named.name_of(t).startswith("random_")]
        inner = Making({"image": kinds.pop(), "label": ClassLabel()}, steady, {}, lambda key: False)
        columns, about = super()._open(inner, split)
        if not about.cached_bytes:
            raise ZooError(f"classmates: {self.name} does not fit in memory; choose a smaller data.split.")
        single = Data(inner, columns, source=self, split=split, about=about)
        labels = np.asarray(columns["label"][np.arange(single.num_examples)])
        second = mates(labels, self.partners, self.name).T.ravel()
        first = np.tile(np.arange(single.num_examples), self.partners)  # the next row is of another picture
        made = {"source": Column(columns["image"], first), "target": Column(columns["image"], second)}
        made |= {label: Column(columns["label"], first)} if label else {}
        return {key: made[key] for key in spec}, About(
            description=f"pairs of a class, {about.description}, {self.partners} of each picture",
            identity=["classmates", single.facts["fingerprint"], self.partners],
            num_examples=len(first),
            num_classes=about.num_classes if label else None,
            class_names=about.class_names if label else None,
            image_shape=about.image_shape,
            cached_bytes=about.cached_bytes,
        )


def mates(labels: np.ndarray, count: int, name: str) -> np.ndarray:
    """The places of the next `count` of its class, for each of the classes int (n,): int64 (n, count).

    Raises:
        ZooError: a class of one.
    """
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=labels[order[0]] - 1))
    sizes = np.diff(starts, append=len(labels))
    if (sizes < 2).any():
        lonely = labels[order[starts[sizes < 2][0]]]
        raise ZooError(f"classmates: class {lonely} of {name} has one picture, which has no partner; leave it out.")
    start, size = (np.repeat(values, sizes)[:, None] for values in (starts, sizes))
    steps = 1 + np.arange(count) % (size - 1)
    found = np.empty((len(labels), count), np.int64)
    found[order] = order[start + (np.arange(len(labels))[:, None] - start + steps) % size]
    return found


class Column:
    """The rows of another column, at the places that are told."""

    def __init__(self, column, places: np.ndarray):
        self.column, self.places = column, places

    def __getitem__(self, rows):
        return self.column[self.places[rows]]
