"""Data made on the spot, without a download.

- `glyphs`: drawn letters and digits, with their class and their text.
- `ring`, `grid`: 2-D mixtures of Gaussians, those of VEEGAN (Srivastava et al. 2017) as PacGAN (Lin et al. 2018) has
  measured on them: 8 modes on the unit circle, sigma 0.01; 25 modes on {-4, -2, 0, 2, 4} squared, sigma 0.05; 100,000
  samples.
- `examples`: made-up data of whatever kind the model wants, to try out a command.
"""

import string
from typing import Literal

import numpy as np
from pydantic import PositiveInt, field_validator

from tfgan_zoo.data import glyphs, memory
from tfgan_zoo.data.base import About, BaseSource, Data, Spec, label_key, picture_key, require, subset
from tfgan_zoo.data.keyed import normal, uniform
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Text

CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SPLITS = ("train", "validation", "test")  # each drawn with a seed of its own


class Source(BaseSource):
    """`name`: what to make; `size`: how many (10,000, of points 100,000); `seed`; `characters`: the glyphs' classes.

    Element i depends on (name, seed, split, i) alone, not on `size`. Glyphs deliver a picture, the class (the place in
    `characters`) and the text; mixtures deliver `point`, float32 (2,), and the class (the mode).
    """

    source: str = "synthetic"
    name: Literal["glyphs", "ring", "grid", "examples"] = "glyphs"
    size: PositiveInt | None = None
    seed: int = 0
    characters: str = CHARACTERS

    @field_validator("characters")
    @classmethod
    def _distinct(cls, value: str) -> str:
        if not value or len(set(value)) != len(value) or any(c.isspace() for c in value):
            raise ValueError(f"characters {value!r} must be one or more, each once, without blanks.")
        return value

    def knows(self):
        if self.name == "examples":
            return {}
        names = list(self.characters) if self.name == "glyphs" else _mode_names(mixture(self.name)[0])
        return {"num_classes": len(names), "class_names": names}

    def splits(self):
        return list(SPLITS)

    def _open(self, spec: Spec, split: str) -> Data:
        size = self.size or (100_000 if self.name in ("ring", "grid") else 10_000)
        name, places = subset(split, SPLITS, lambda name: size)
        # An int that differs for every split, and is the seed itself for the training data.
        seed = self.seed + (SPLITS.index(name) << 48)
        make = {"glyphs": self._glyphs, "examples": self._examples}.get(self.name, self._mixture)
        columns, about = make(spec, f"seed {self.seed} [{split}]", seed, places)
        return Data(spec, columns, source=self, split=split, about=about)

    def _glyphs(self, spec: Spec, seeded: str, seed: int, places: range) -> tuple[dict, About]:
        image, label = picture_key(spec, "synthetic data of glyphs"), label_key(spec)
        text = next((key for key, kind in spec.items() if isinstance(kind, Text)), None)
        require(spec, [image, label, text], "synthetic data of glyphs")
        where = np.arange(places.start, places.stop)
        classes, faces = glyphs.classes(where, seed, self.characters), glyphs.faces(self.characters)
        columns, cached = {label: classes}, 0
        if text:
            columns[text] = spec[text].encode(self.characters)[classes]
        if image:
            shape, prepare = spec[image].shape, self.prepare(spec[image])

            def make(rows):
                drawn = glyphs.render(where[rows], seed, self.characters, shape)
                return np.stack([prepare(picture) for picture in drawn]) if self.transforms else drawn

            keep = memory.fits(len(where), shape, self.cache)
            columns[image] = memory.Lazy(make, len(where), shape, keep)
            cached = len(where) * int(np.prod(shape)) if keep else 0
        names = [face.rpartition("/")[2] for face in faces]
        return columns, About(
            line=f"synthetic glyphs, {len(self.characters)} characters, {seeded}",
            identity=["glyphs", 1, seed, places.start, self.characters, names],
            num_examples=len(where),
            num_classes=len(self.characters),
            class_names=self.characters,
            image_shape=spec[image].shape if image else None,
            cached_bytes=cached,
        )

    def _mixture(self, spec: Spec, seeded: str, seed: int, places: range) -> tuple[dict, About]:
        label = label_key(spec)
        require(spec, ["point", label], f"synthetic data of {self.name}")
        if "point" in spec and spec["point"].shape != (2,):
            raise ZooError(f"element_spec: point is {spec['point'].name}; a {self.name} has points of shape (2,).")
        modes, sigma = mixture(self.name)
        where = np.arange(places.start, places.stop)
        classes = (uniform(seed, where, 0) * len(modes)).astype(np.int32)
        noise = normal(seed, where[:, None], np.array([1, 2]))
        return {"point": (modes[classes] + sigma * noise).astype(np.float32), label: classes}, About(
            line=f"synthetic {self.name} of {len(modes)} Gaussians, {seeded}",
            identity=[self.name, 1, seed, places.start],
            num_examples=len(where),
            num_classes=len(modes),
            class_names=_mode_names(modes),
            cached_bytes=len(where) * 8,
            more={"modes": modes.tolist(), "sigma": sigma},
        )

    def _examples(self, spec: Spec, seeded: str, seed: int, places: range) -> tuple[dict, About]:
        label = label_key(spec)
        columns = {
            key: kind.example(places.stop, np.random.default_rng([number, seed]))[places.start :]
            for number, (key, kind) in enumerate(spec.items())
        }
        classes = (spec[label].num_classes or 2) if label else None
        return columns, About(
            line=f"made-up examples, {seeded}",
            identity=["examples", 1, seed, places.start],
            num_examples=len(places),
            num_classes=classes,
            class_names=[f"class {number}" for number in range(classes)] if classes else None,
            cached_bytes=sum(column.nbytes for column in columns.values()),
        )


def _mode_names(modes: np.ndarray) -> list[str]:
    return [f"({x:.2f}, {y:.2f})" for x, y in modes]


def mixture(name: str) -> tuple[np.ndarray, float]:
    """The modes, float64 (k, 2), and the standard deviation of `ring` or `grid`."""
    if name == "ring":
        angles = 2 * np.pi * np.arange(8) / 8  # linspace(0, 2 pi, 8) would make the first mode twice, and 7 in all
        return np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01
    sides = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
    return np.stack(np.meshgrid(sides, sides, indexing="ij"), axis=-1).reshape(-1, 2), 0.05
