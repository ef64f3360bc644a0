"""Parts of one large picture, at its own resolution: what texture models learn from."""

import numpy as np
from pydantic import Field, PositiveInt

from tfgan_zoo import images
from tfgan_zoo.data.base import About, BaseSource, picture_key, require
from tfgan_zoo.data.keyed import uniform
from tfgan_zoo.data.making import Making
from tfgan_zoo.errors import ZooError
from tfgan_zoo.files import sha256
from tfgan_zoo.modalities import Image


class Source(BaseSource):
    """Parts of one picture, as large as the model wants, without transparent pixels.

    Part i depends on (seed, i) alone.
    """

    source: str = "texture"
    path: str = Field(description="the picture")
    size: PositiveInt = Field(10_000, description="how many parts; their places are drawn once")
    seed: int = Field(0, description="of the places")

    def _open(self, making: Making, split: str):
        if split != "train":
            raise ZooError(f"data.split {split!r}: a texture is one picture, all of it train.")
        if making.chosen.cut:
            raise ZooError("data.transforms: a texture is cut into random parts already; leave random_crop out.")
        spec, path = making.given, self.place(self.path)
        key = picture_key(spec, "a texture")
        require(spec, [key], "a texture")
        picture = images.decode(path)
        if picture is None:
            what = "cannot be read as a picture" if path.is_file() else "is not a file"
            raise ZooError(f"data.path {self.path!r} {what}; give one picture ({' '.join(Image.suffixes)}).")
        own, opaque = picture.shape, images.alpha(path)
        for transform in making.chosen.steady:
            picture = transform(picture)
        for transform in making.chosen.moves:
            opaque = transform(opaque)
        height, width, _ = spec[key].shape
        places = _places(opaque[..., 0] == 255, height, width)
        if not len(places):
            raise ZooError(
                f"data.path {self.path!r} is {picture.shape[0]} x {picture.shape[1]}, and no part of it is {height} x "
                f"{width} without transparent pixels; let the model want smaller ones (model.image_shape)."
            )
        return {key: Parts(picture, places, spec[key], self.seed)}, About(
            description=f"texture {path.name}, {self.size:,} parts, seed {self.seed}",
            identity=["texture", sha256(path), self.seed],
            num_examples=self.size,
            image_shape=own,
            cached_bytes=picture.nbytes,
            more={"places": len(places)},
        )

    def splits(self):
        return ["train"]


class Parts:
    """Pictures uint8 (n, *kind.shape), cut out of one at some of the `places` of their upper left corners."""

    def __init__(self, picture: np.ndarray, places: np.ndarray, kind: Image, seed: int):
        self.picture, self.places, self.kind, self.seed = picture, places, kind, seed

    def __getitem__(self, rows):
        height, width, _ = self.kind.shape
        corners = self.places[(uniform(self.seed, 3, np.asarray(rows)) * len(self.places)).astype(np.int64)]
        return np.stack([self.kind.fit(self.picture[y : y + height, x : x + width]) for y, x in corners])


def _places(opaque: np.ndarray, height: int, width: int) -> np.ndarray:
    """Where a part of this size can begin so that all of it is opaque: int64 (n, 2), from the top and the left."""
    if opaque.shape[0] < height or opaque.shape[1] < width:
        return np.empty((0, 2), np.int64)
    holes = np.pad(np.cumsum(np.cumsum(~opaque, axis=0), axis=1), [(1, 0), (1, 0)])  # how many above and to the left
    inside = holes[height:, width:] - holes[:-height, width:] - holes[height:, :-width] + holes[:-height, :-width]
    return np.argwhere(inside == 0)
