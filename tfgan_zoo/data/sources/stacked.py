"""Stacked digits: three pictures of a TFDS data set, drawn at random, as the red, green and blue of one.

With MNIST these are the 1,000 modes of Metz et al. 2017, https://arxiv.org/abs/1611.02163.
"""

import numpy as np
from pydantic import Field, PositiveInt

from tfgan_zoo.data.base import About, label_key, picture_key, require
from tfgan_zoo.data.keyed import uniform
from tfgan_zoo.data.making import Making
from tfgan_zoo.data.opened import Data
from tfgan_zoo.data.sources import tfds
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image

CHANNELS = 3


class Source(tfds.Catalogue):
    """Three grey pictures of the data set `name` in one; `where` chooses among the single pictures.

    Stack i depends on (seed, i) alone. Its class is the number that its three classes write: 0 to 999 for digits.
    """

    source: str = "stacked"
    size: PositiveInt = Field(1_000_000, description="how many stacks")
    seed: int = Field(0, description="of the draws")

    def _open(self, making: Making, split: str):
        spec = making.given
        image, label = picture_key(spec, "stacked"), label_key(spec)
        require(spec, [image, label], "stacked")
        if making.chosen.cut:
            raise ZooError("data.transforms: stacked pictures have no random_crop; use random_shift.")
        if image and spec[image].shape[2] != CHANNELS:
            raise ZooError(f"stacked: the model wants {spec[image].name}; stacks have {CHANNELS} channels.")
        grey = {"image": Image((*spec[image].shape[:2], 1))} if image else {}
        steady = [t for t in self.transforms if not str(t).startswith("random_")]
        inner = Making({**grey, "label": ClassLabel()}, steady, {}, self.has)
        columns, about = super()._open(inner, split)
        if not about.cached_bytes:
            raise ZooError(f"stacked: {self.name} does not fit in memory; choose a smaller data.split.")
        single = Data(inner, columns, source=self, split=split, about=about)
        drawn, made = Drawn(self.seed, single.num_examples), {}
        if image:
            made[image] = Stacks(columns["image"], drawn)
        if label:
            made[label] = Numbers(columns["label"], drawn, about.num_classes)
        return made, About(
            description=f"stacked {about.description}, seed {self.seed}",
            identity=["stacked", single.facts["fingerprint"], self.seed],
            num_examples=self.size,
            num_classes=about.num_classes**CHANNELS,
            cached_bytes=about.cached_bytes,
        )

    def knows(self):
        classes = super().knows().get("num_classes")
        return {"num_classes": classes**CHANNELS} if classes else {}


class Drawn:
    """Stack numbers, int64 (n,) -> the rows of their three pictures, int64 (n, 3)."""

    def __init__(self, seed: int, count: int):
        self.seed, self.count = seed, count

    def __getitem__(self, places):
        draws = [uniform(self.seed, 2, np.asarray(places), channel) for channel in range(CHANNELS)]
        return (np.stack(draws, 1) * self.count).astype(np.int64)


class Stacks:
    """Pictures uint8 (n, h, w, 3)."""

    def __init__(self, pictures, drawn: Drawn):
        self.pictures, self.drawn = pictures, drawn

    def __getitem__(self, places):
        return np.concatenate([self.pictures[rows] for rows in self.drawn[places].T], axis=-1)


class Numbers:
    """Classes int32 (n,): the number that the three classes write."""

    def __init__(self, labels, drawn: Drawn, classes: int):
        self.labels, self.drawn, self.classes = labels, drawn, classes

    def __getitem__(self, places):
        red, green, blue = (self.labels[rows].astype(np.int32) for rows in self.drawn[places].T)
        return (red * self.classes + green) * self.classes + blue
