"""Made-up clips: letters and digits that move over still backgrounds and bounce off the margins."""

import string
from typing import Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from tfgan_zoo.data import glyphs, memory
from tfgan_zoo.data.base import About, BaseSource, label_key, refuse_steady, require, subset
from tfgan_zoo.data.making import Making
from tfgan_zoo.data.moving import Scenes
from tfgan_zoo.data.sources.synthetic import SPLITS
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Video


class Source(BaseSource):
    """Clips made on the spot: `video`, what moves in it as `mask` (frames, height, width, 1), and the class.

    Clip i depends on (seed, split, i) and the settings alone, not on `size`.
    """

    selects = True

    source: str = "moving"
    size: PositiveInt = Field(10_000, description="how many clips")
    seed: int = Field(0, description="of the data")
    characters: str = Field(string.digits, description="what moves; the classes are their places in it")
    faces: list[str] | None = Field(None, description='the typefaces, such as ["DejaVuSans"]; default all')
    objects: PositiveInt = Field(1, description="characters in each clip; the class is that of the one in front")
    side: PositiveInt = Field(14, description="of the square that holds a character, in pixels")
    speed: PositiveFloat = Field(2.0, description="pixels from frame to frame at most; half of it at least")
    textured: bool = Field(True, description="backgrounds of smooth noise; false: black ones")
    jump: NonNegativeFloat = Field(0.0, description="pixels that everything leaps aside at a clip's last frame")
    jump_to: Literal["either", "left", "right"] = Field("either", description="where to; either: by a draw of the clip")

    @field_validator("characters")
    @classmethod
    def _distinct(cls, value: str) -> str:
        if not value or len(set(value)) != len(value) or any(c.isspace() for c in value):
            raise ValueError(f"characters {value!r} must be one or more, each once, without blanks.")
        return value

    def knows(self):
        return {"num_classes": len(self.characters), "class_names": list(self.characters)}

    def has(self, key):
        return key == "mask"

    def splits(self):
        return list(SPLITS)

    def _open(self, making: Making, split: str):
        spec, label = making.given, label_key(making.given)
        require(spec, ["video", "mask", label], "moving data")
        refuse_steady(making, "moving data")
        name, places = subset(split, SPLITS, lambda name: self.size)
        where, seed = np.arange(places.start, places.stop), self.seed + (SPLITS.index(name) << 48)
        scenes = self._scenes(spec, seed)
        labels = scenes.labels(where)
        if self.where:
            kept = self.chosen({"label": labels}, len(where), self.characters)
            where, labels = where[kept], labels[kept]
        columns, cached = {label: labels}, 0
        for part, key in enumerate(("video", "mask")):
            if key in spec:
                keep = memory.fits(len(where), spec[key].shape, self.cache)
                make = lambda rows, part=part: scenes.clips(where[rows])[part]  # noqa: E731
                columns[key] = memory.Lazy(make, len(where), spec[key].shape, keep)
                cached += len(where) * spec[key].nbytes if keep else 0
        settings = [self.characters, [face.rpartition("/")[2] for face in scenes.files], self.objects]
        jumps = [self.jump, self.jump_to] if self.jump else []  # the rest keep the fingerprints that they always had
        return {key: columns[key] for key in spec}, About(
            description=f"{len(self.characters)} characters that move, seed {self.seed} [{split}]",
            identity=["moving", 1, seed, int(places.start), *settings, self.side, self.speed, self.textured, *jumps],
            num_examples=len(where),
            num_classes=len(self.characters),
            class_names=self.characters,
            cached_bytes=cached,
        )

    def _scenes(self, spec, seed: int) -> Scenes:
        """Raises ZooError where clips are wanted that are too small, or of another kind."""
        shapes = {key: kind.shape for key, kind in spec.items() if isinstance(kind, Video)}
        sizes = {shape[:3] for shape in shapes.values()} or {(1, self.side, self.side)}
        if len(sizes) > 1 or shapes.get("mask", (1,))[-1] != 1 or len(shapes) != len({"video", "mask"} & set(spec)):
            raise ZooError("moving data: video and mask are Video of one size, and a mask has one channel.")
        frames, height, width = sizes.pop()
        if self.side > min(height, width):
            raise ZooError(f"data.side={self.side}: the model's clips are {height}x{width}; give {min(height, width)}.")
        faces = glyphs.faces(self.characters, tuple(self.faces or ()))
        shape = frames, height, width, shapes.get("video", (1,))[-1]
        looks = faces, self.objects, self.side, self.speed, self.textured
        return Scenes(shape, self.characters, *looks, seed, self.jump, self.jump_to)
