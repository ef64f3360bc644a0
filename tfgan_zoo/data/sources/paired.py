"""Pairs of pictures: side by side in one file, or in two folders under equal names.

A pair is `source` (what a model is given) and `target` (what it should make of it), unless `keys` say otherwise.
Random parts, flips and shifts are the same for both. Splits, `where` and `hold_out` are those of a folder of pictures.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from tfgan_zoo import images
from tfgan_zoo.data import memory
from tfgan_zoo.data.base import About, label_key, require, text_key
from tfgan_zoo.data.folders import FileSource, Listed
from tfgan_zoo.data.making import KEYS, Making
from tfgan_zoo.errors import ZooError, count_of, unknown
from tfgan_zoo.modalities import Image


class Source(FileSource):
    """Pairs of pictures."""

    suffixes = Image.suffixes
    noun = "picture"

    source: str = "paired"
    path: str = Field(description="the folder of pictures side by side; with target_path, that of the sources")
    target_path: str | None = Field(None, description="the folder of the targets, of equal names and splits")
    side: Literal["left", "right"] = Field("left", description="which half is the source, in pictures side by side")
    keys: Annotated[list[str], Field(min_length=2, max_length=2)] = Field(
        ["source", "target"], description='what the two are called, such as ["low_res", "high_res"]'
    )

    @field_validator("keys")
    @classmethod
    def _two_keys(cls, value: list[str]) -> list[str]:
        for key in value:
            if key not in KEYS:
                raise unknown("key", key, KEYS)
        if value[0] == value[1]:
            raise ValueError(f"keys {value}: the two must differ.")
        return value

    def has(self, key):
        return key in self.keys

    def _open(self, making: Making, split: str):
        spec, listed = making.given, self.listed(split)
        label, text = label_key(spec), text_key(spec)
        if label and not listed.classes:
            raise self.no_labels(listed)
        require(spec, [*self.keys, label, text if listed.captioned else None], f"data.path {self.path!r}")
        load = self._halves(listed) if self.target_path is None else self._two(listed, making)
        views = {key: making.view(key) for key in self.keys if key in spec}
        gathered = memory.gather(load, len(listed.items), views, self.cache, "Reading pairs")
        good = [listed.items[place] for place in gathered.good]
        columns = gathered.columns | self.described(listed, good, spec, label, text)
        common = self.common(listed, good, split, spec, label, text)
        common["identity"] = [*common["identity"], self.side, self.keys, self._digest(listed, good)]
        shape = gathered.shape(next(iter(views))) if views else None
        return columns, About(**common, image_shape=shape, cached_bytes=gathered.nbytes)

    def _halves(self, listed: Listed):
        def load(place):
            item = listed.items[place]
            picture = images.decode(listed.root / item.name)
            if picture is None:
                return None
            half, odd = divmod(picture.shape[1], 2)
            if odd:
                raise ZooError(
                    f"{item.name} is {picture.shape[1]} pixels wide; two pictures side by side have an even number."
                )
            halves = [picture[:, :half], picture[:, half:]]
            return dict(zip(self.keys, halves if self.side == "left" else halves[::-1], strict=True))

        return load

    def _two(self, listed: Listed, making: Making):
        partners = self._partners(listed)

        def load(place):
            item = listed.items[place]
            pair = images.decode(listed.root / item.name), images.decode(partners[item.name])
            if any(picture is None for picture in pair):
                return None
            if pair[0].shape[:2] != pair[1].shape[:2] and making.chosen.steady:
                sizes = " and ".join(f"{picture.shape[0]} x {picture.shape[1]}" for picture in pair)
                raise ZooError(f"data.transforms count pixels, and the two of {item.name} are {sizes}; leave them out.")
            return dict(zip(self.keys, pair, strict=True))

        return load

    def _partners(self, listed: Listed) -> dict[str, Path]:
        """{name of a source: the target's file}: of the same name, or of the same with another suffix."""
        below = listed.root.relative_to(self._root())
        root = self.place(self.target_path) / below
        found = {}
        for item in listed.items:
            names = [(root / item.name).with_suffix(suffix) for suffix in (Path(item.name).suffix, *self.suffixes)]
            if (partner := next((name for name in names if name.is_file()), None)) is not None:
                found[item.name] = partner
        if missing := [item.name for item in listed.items if item.name not in found]:
            what = count_of(len(missing), "picture")
            raise ZooError(f"data.target_path {self.target_path!r} lacks {what} of data.path, such as {missing[0]}.")
        return found

    def _digest(self, listed: Listed, good: list) -> list:
        """What tells these targets from others."""
        if self.target_path is None:
            return []
        partners = self._partners(listed)
        return [[item.name, partners[item.name].stat().st_size] for item in good]
