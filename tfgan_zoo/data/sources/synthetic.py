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
from pydantic import Field, PositiveInt, field_validator

from tfgan_zoo import resources
from tfgan_zoo.data import glyphs, memory
from tfgan_zoo.data.base import About, BaseSource, label_key, picture_key, require, subset, text_key
from tfgan_zoo.data.keyed import normal, uniform
from tfgan_zoo.data.making import Making, Spec
from tfgan_zoo.errors import ZooError

CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SPLITS = ("train", "validation", "test")  # each drawn with a seed of its own
BOOKKEEPING = 32  # bytes for each example, whatever it is: its place, its class, its turn in an epoch


class Source(BaseSource):
    """Data made on the spot.

    Element i depends on (name, seed, split, i) alone, not on `size`. Glyphs deliver a picture, the class (the place in
    `characters`) and the text; mixtures deliver `point`, float32 (2,), and the class (the mode).
    """

    selects = True

    source: str = "synthetic"
    name: Literal["glyphs", "ring", "grid", "examples"] = Field(
        "glyphs", description="what to make: glyphs, ring, grid, or examples of whatever the model wants"
    )
    size: PositiveInt | None = Field(None, description="how many; default 10,000, of points 100,000")
    seed: int = Field(0, description="of the data")
    characters: str = Field(CHARACTERS, description="of glyphs: the characters, which are the classes")
    faces: list[str] | None = Field(
        None, description='of glyphs: the typefaces, such as ["DejaVuSans"]; default those that have all characters'
    )

    @field_validator("characters")
    @classmethod
    def _distinct(cls, value: str) -> str:
        if not value or len(set(value)) != len(value) or any(c.isspace() for c in value):
            raise ValueError(f"characters {value!r} must be one or more, each once, without blanks.")
        return value

    def knows(self):
        if self.name == "examples":
            return {}
        glyph = self.name == "glyphs"
        names = list(self.characters) if glyph else _mode_names(mixture(self.name)[0])
        words = {"vocabulary": list(dict.fromkeys(self.characters.lower()))} if glyph else {}
        return {"num_classes": len(names), "class_names": names, **words}

    def has(self, key):
        return self.name == "examples"

    def splits(self):
        return list(SPLITS)

    def _open(self, making: Making, split: str):
        size = self.size or (100_000 if self.name in ("ring", "grid") else 10_000)
        resources.require_memory(BOOKKEEPING * size, f"data.size={size}")
        name, places = subset(split, SPLITS, lambda name: size)
        # An int that differs for every split, and is the seed itself for the training data.
        seed = self.seed + (SPLITS.index(name) << 48)
        make = {"glyphs": self._glyphs, "examples": self._examples}.get(self.name, self._mixture)
        return make(making, f"seed {self.seed} [{split}]", seed, np.arange(places.start, places.stop))

    def _glyphs(self, making: Making, seeded: str, seed: int, where: np.ndarray) -> tuple[dict, About]:
        spec = making.given
        image, label, text = picture_key(spec, "synthetic data of glyphs"), label_key(spec), text_key(spec)
        require(spec, [image, label, text], "synthetic data of glyphs")
        faces, start = glyphs.faces(self.characters, tuple(self.faces or ())), where[0]
        classes = glyphs.classes(where, seed, self.characters)
        if self.where:
            kept = self.chosen({"label": classes}, len(where), self.characters)
            where, classes = where[kept], classes[kept]
        columns, cached = {label: classes}, 0
        if text:
            columns[text] = spec[text].encode(self.characters)[classes]
        if image:
            shape, view = spec[image].shape, making.view(image)

            def own(rows):
                drawn = glyphs.render(where[rows], seed, self.characters, shape, faces)
                return np.stack([view.base(picture) for picture in drawn]) if view.steady else drawn

            keep = memory.fits(len(where), shape, self.cache) and not view.cut
            if view.cut:
                columns[image] = memory.Pictures(lambda row: own(np.array([row]))[0], len(where), view, 0)
            else:
                columns[image] = memory.Lazy(own, len(where), shape, keep)
            cached = len(where) * int(np.prod(shape)) if keep else 0
        names = [face.rpartition("/")[2] for face in faces]
        return columns, About(
            description=f"synthetic glyphs, {len(self.characters)} characters, {seeded}",
            identity=["glyphs", 1, seed, int(start), self.characters, names],
            num_examples=len(where),
            num_classes=len(self.characters),
            class_names=self.characters,
            image_shape=spec[image].shape if image else None,
            cached_bytes=cached,
        )

    def _mixture(self, making: Making, seeded: str, seed: int, where: np.ndarray) -> tuple[dict, About]:
        spec = making.given
        label, start = label_key(spec), where[0]
        require(spec, ["point", label], f"synthetic data of {self.name}")
        if "point" in spec and spec["point"].shape != (2,):
            raise ZooError(f"element_spec: point is {spec['point'].name}; a {self.name} has points of shape (2,).")
        modes, sigma = mixture(self.name)
        classes = (uniform(seed, where, 0) * len(modes)).astype(np.int32)
        if self.where:
            kept = self.chosen({"label": classes}, len(where), _mode_names(modes))
            where, classes = where[kept], classes[kept]
        noise = normal(seed, where[:, None], np.array([1, 2]))
        return {"point": (modes[classes] + sigma * noise).astype(np.float32), label: classes}, About(
            description=f"synthetic {self.name} of {len(modes)} Gaussians, {seeded}",
            identity=[self.name, 1, seed, int(start)],
            num_examples=len(where),
            num_classes=len(modes),
            class_names=_mode_names(modes),
            cached_bytes=len(where) * 8,
            more={"modes": modes.tolist(), "sigma": sigma},
        )

    def _examples(self, making: Making, seeded: str, seed: int, where: np.ndarray) -> tuple[dict, About]:
        spec: Spec = making.given
        label = label_key(spec)
        if self.where:
            raise ZooError("data.where: made-up examples have nothing to choose by; leave it out.")
        columns = {
            key: kind.example(where[-1] + 1, np.random.default_rng([number, seed]))[where[0] :]
            for number, (key, kind) in enumerate(spec.items())
        }
        classes = (spec[label].num_classes or 2) if label else None
        return columns, About(
            description=f"made-up examples, {seeded}",
            identity=["examples", 1, seed, int(where[0])],
            num_examples=len(where),
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
