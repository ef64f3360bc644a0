"""Metrics of pairs: a number for each row of one side beside the same row of the other."""

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Value


class Numbers:
    """Keeps one float64 number per pair or row, in the order they came."""

    def __init__(self, dim: int | None = None):
        self._parts = []

    def update(self, numbers: np.ndarray) -> None:
        """Add (n,)."""
        self._parts.append(np.asarray(numbers, np.float64))

    def merge(self, other: "Numbers") -> None:
        """Add the numbers of `other` after these."""
        self._parts += other._parts

    def result(self) -> np.ndarray:
        """float64 (n,). Raises ZooError where there are none."""
        if not any(map(len, self._parts)):
            raise ZooError("no data have come yet: update() first.")
        return np.concatenate(self._parts)


class PairedMetric(Metric):
    """Base of metrics whose row i of `real` belongs to row i of `fake`: `update` takes both and keeps `score`."""

    paired = True
    floor = False
    statistic = Numbers

    def update(self, real=None, fake=None, *, real_labels=None, fake_labels=None) -> None:
        """Add pairs, both sides of one shape (n, ...); labels are not looked at.

        Raises:
            ZooError: a side is missing, or the two differ in shape.
        """
        shapes = [None if rows is None else np.shape(rows) for rows in (real, fake)]
        if None in shapes or shapes[0] != shapes[1]:
            raise ZooError(
                f"{self.name} compares pairs, and got real {shapes[0]} and fake {shapes[1]}; give both, of one shape."
            )
        self.fake.update(self.score(np.asarray(real), np.asarray(fake)))

    def result(self):
        """{value's name: Value} over all pairs so far. Raises ZooError where there are none."""
        return self.measure(fake=self.fake.result())

    def score(self, real: np.ndarray, fake: np.ndarray) -> np.ndarray:
        """The number of each pair: rows of both sides -> (n,)."""
        raise NotImplementedError


def mean_of(numbers: np.ndarray) -> Value:
    """The mean of (n,), with the standard deviation over them."""
    return Value(float(np.mean(numbers)), float(np.std(numbers)))
