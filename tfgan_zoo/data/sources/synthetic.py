"""Data made on the spot, without a download: drawn characters (`glyphs`), and 2-D mixtures of Gaussians
(`ring`, `grid`).

The mixtures are those of VEEGAN (Srivastava et al. 2017) as PacGAN (Lin et al. 2018) measured on them:
`ring`, 8 modes on the unit circle, sigma 0.01; `grid`, 25 modes on {-4, -2, 0, 2, 4} squared, sigma 0.05;
100,000 fixed samples.
"""

import string
from typing import Literal

from pydantic import PositiveInt, field_validator

from tfgan_zoo.data.base import BaseSource, Data, Spec, subset

CHARACTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
SPLITS = ("train", "validation", "test")  # each drawn with a seed of its own


class Source(BaseSource):
    """`name`: what to make; `size`: how many (10,000 glyphs, 100,000 points); `seed`; `characters`: the
    glyphs' classes.

    Element i depends on (name, seed, split, i) alone, not on `size`. Glyphs deliver `image`, `label` (the
    place in `characters`) and `text`; mixtures deliver `point`, float32 (2,), and `label` (the mode).
    """

    source: str = "synthetic"
    name: Literal["glyphs", "ring", "grid"] = "glyphs"
    size: PositiveInt | None = None
    seed: int = 0
    characters: str = CHARACTERS

    @field_validator("characters")
    @classmethod
    def _distinct(cls, value: str) -> str:
        if not value or len(set(value)) != len(value) or any(c.isspace() for c in value):
            raise ValueError(f"characters {value!r} must be one or more, each once, without blanks.")
        return value

    def _open(self, spec: Spec, split: str) -> Data:
        size = self.size or (10_000 if self.name == "glyphs" else 100_000)
        name, places = subset(split, SPLITS, lambda name: size)
        # An int that differs for every split, and is the seed itself for the training data.
        seed = self.seed + (SPLITS.index(name) << 48)
        return (self._glyphs if self.name == "glyphs" else self._mixture)(spec, split, seed, places)

    def _glyphs(self, spec: Spec, split: str, seed: int, places: range) -> Data:
        import numpy as np

        from tfgan_zoo.data import glyphs, images

        spec.require(["image", "label", "text"], "synthetic data of glyphs")
        where = np.arange(places.start, places.stop)
        labels = glyphs.classes(where, seed, self.characters)
        faces = glyphs.faces(self.characters)
        columns = {"label": labels, "text": np.array([c.encode() for c in self.characters], object)[labels]}
        cached = 0
        if "image" in spec:
            shape = spec.image_shape
            prepare = self.prepare(spec)

            def make(rows):
                drawn = glyphs.render(where[rows], seed, self.characters, shape)
                return np.stack([prepare(image) for image in drawn]) if self.transforms else drawn

            keep = images.fits(len(where), shape, self.cache)
            columns["image"] = images.Lazy(make, len(where), shape, keep)
            cached = len(where) * int(np.prod(shape)) if keep else 0
        return Data(
            spec,
            columns,
            source=self,
            split=split,
            line=f"synthetic glyphs, {len(self.characters)} characters, seed {self.seed} [{split}]",
            identity=[
                "glyphs",
                1,
                seed,
                places.start,
                self.characters,
                [face.rpartition("/")[2] for face in faces],
            ],
            num_examples=len(where),
            num_classes=len(self.characters),
            class_names=self.characters,
            image_shape=spec.image_shape if "image" in spec else None,
            cached_bytes=cached,
        )

    def _mixture(self, spec: Spec, split: str, seed: int, places: range) -> Data:
        import numpy as np

        from tfgan_zoo.data.keyed import normal, uniform
        from tfgan_zoo.errors import ZooError

        spec.require(["point", "label"], f"synthetic data of {self.name}")
        if "point" in spec and spec["point"][0] != (2,):
            raise ZooError(f"element_spec: point has shape {spec['point'][0]}; a {self.name} has points of shape (2,).")
        modes, sigma = mixture(self.name)
        where = np.arange(places.start, places.stop)
        labels = (uniform(seed, where, 0) * len(modes)).astype(np.int32)
        noise = normal(seed, where[:, None], np.array([1, 2]))
        return Data(
            spec,
            {"point": (modes[labels] + sigma * noise).astype(np.float32), "label": labels},
            source=self,
            split=split,
            line=f"synthetic {self.name} of {len(modes)} Gaussians, seed {self.seed} [{split}]",
            identity=[self.name, 1, seed, places.start],
            num_examples=len(where),
            num_classes=len(modes),
            class_names=[f"({x:.2f}, {y:.2f})" for x, y in modes],
            cached_bytes=len(where) * 8,
            more={"modes": modes.tolist(), "sigma": sigma},
        )


def mixture(name: str) -> tuple:
    """The modes, float64 (k, 2), and the standard deviation of `ring` or `grid`."""
    import numpy as np

    if name == "ring":
        angles = 2 * np.pi * np.arange(8) / 8  # linspace(0, 2 pi, 8) would make the first mode twice, and 7 in all
        return np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01
    sides = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
    return np.stack(np.meshgrid(sides, sides, indexing="ij"), axis=-1).reshape(-1, 2), 0.05
