"""Pairs of what a model takes and what it ought to answer, made of the pictures of a folder at their own sizes."""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfgan_zoo import images
from tfgan_zoo.data.making import Making
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation.given import Pictures
from tfgan_zoo.evaluation.streams import Stream
from tfgan_zoo.modalities import Modality


class OwnSizes(Stream):
    """Rows for an endpoint that takes pictures of any size, one at a time: `low_res` of `high_res`, say.

    A picture loses up to a few pixels below and to the right, as in the literature, where what is derived of it has
    another size: its sides become multiples of the factor. It is compared in the channels that it has in its file: a
    grey one is measured as grey, though the model sees three equal channels.

    Args:
        pictures: the folder.
        endpoint: whose inputs and target are wanted.
        spec: what the model trains on, {key: kind}; the sizes of derived pictures stand to the pictures' as there.
        derive: the setting of that name.

    Raises:
        ZooError: the model wants what pictures alone do not give.
    """

    def __init__(self, pictures: Pictures, endpoint: Endpoint, spec: Mapping[str, Modality], derive: Mapping[str, Any]):
        self.pictures, self.endpoint, self.spec, self.derive = pictures, endpoint, dict(spec), dict(derive)
        self.description, self.count = pictures.description, pictures.count
        making = self._making(self.spec)
        self.main = making.main
        if others := [key for key in making.given if key != self.main]:
            raise ZooError(f"{self.description}: gives one picture a row; the model wants {', '.join(others)} too.")
        shapes = {key: (spec[self.main].shape, spec[key].shape) for key in (self.main, *making.derived)}
        self.ratios = {
            key: [small / large for large, small in zip(*pair, strict=True)][:2] for key, pair in shapes.items()
        }
        # The least height and width that make whole pixels of everything.
        self.units = [
            math.lcm(*(pair[0][axis] // math.gcd(pair[0][axis], pair[1][axis]) for pair in shapes.values()))
            for axis in (0, 1)
        ]

    @property
    def fingerprint(self) -> str:
        """That of the pictures and of what is made of them."""
        parts = [self.pictures.fingerprint, "own sizes", self.derive, self.ratios]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]

    def rows(self):
        """{key: stored (1, ...)}, one picture after another."""
        for place, (pictures, _) in enumerate(self.pictures.singles()):
            yield self.row(pictures[0], place)

    def row(self, picture: np.ndarray, place: int = 0) -> dict[str, np.ndarray]:
        """What is made of one picture, uint8 (h, w, 1 or 3).

        Raises:
            ZooError: a picture smaller than what one pixel is derived of.
        """
        sides = [own // unit * unit for own, unit in zip(picture.shape, self.units, strict=False)]
        if not all(sides):
            raise ZooError(
                f"{self.description}: a picture of {picture.shape[0]}x{picture.shape[1]} pixels is too small."
            )
        truth = picture[: sides[0], : sides[1]]
        seen = images.bend(truth, (*sides, self.spec[self.main].shape[2]))
        sized = {
            key: type(kind)(
                (*(round(side * ratio) for side, ratio in zip(sides, self.ratios[key], strict=True)), kind.shape[2])
            )
            for key, kind in self.spec.items()
        }
        row = self._making(sized).plain({self.main: seen[None]}, np.array([place]))
        return row if self.main in self.endpoint.conditions else row | {self.main: truth[None]}

    def batches(self):
        for row in self.rows():
            yield row[self.main], None

    def file_of(self, place):
        return self.pictures.file_of(place)

    def _making(self, spec: Mapping[str, Modality]) -> Making:
        return Making(
            dict(spec), [], {key: entry for key, entry in self.derive.items() if key in spec}, lambda _: False
        )


def any_size(endpoint: Endpoint) -> bool:
    """Whether an endpoint takes and gives pictures of any size."""
    kinds = [*endpoint.conditions.values(), endpoint.output]
    return all(len(kind.shape) == 3 and kind.shape[:2] == (None, None) for kind in kinds)
