"""Textures: whether a picture's opposite sides fit together, and whether a pattern keeps its period."""

from types import MappingProxyType

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric


class Pictures:
    """Base of what is kept of uint8 pictures (n, h, w, 1 or 3): sums of `of(pictures)` over them, and their number."""

    def __init__(self, dim: int | None = None):
        self.sums, self.count = None, 0

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """Numbers of each picture, float64 (n, ...)."""
        raise NotImplementedError

    def update(self, pictures: np.ndarray) -> None:
        """Add a batch. Raises ZooError for data that are no pictures."""
        pictures = np.asarray(pictures)
        if pictures.dtype != np.uint8 or pictures.ndim != 4:
            raise ZooError(f"pictures of shape {pictures.shape} and dtype {pictures.dtype}; give uint8 (n, h, w, c).")
        self._add(self.of(pictures.astype(np.float64)).sum(axis=0), len(pictures))

    def merge(self, other: "Pictures") -> None:
        """Add what `other` has seen."""
        if other.count:
            self._add(other.sums, other.count)

    def result(self) -> np.ndarray:
        """The means. Raises ZooError where there are no pictures."""
        if not self.count:
            raise ZooError("no data have come yet: update() first.")
        return self.sums / self.count

    def _add(self, sums, count):
        if self.sums is not None and self.sums.shape != sums.shape:
            raise ZooError("pictures of several sizes; give those of one size.")
        self.sums, self.count = sums + (0 if self.sums is None else self.sums), self.count + count


class Differences(Pictures):
    """Mean absolute differences of neighbouring pixels: (across the sides, inside)."""

    def of(self, pictures):
        axes = range(1, pictures.ndim)
        inside = [np.abs(np.diff(pictures, axis=axis)).mean(axis=tuple(axes)) for axis in (1, 2)]
        sides = [
            np.abs(pictures.take(0, axis) - pictures.take(-1, axis)).mean(axis=tuple(axes)[:-1]) for axis in (1, 2)
        ]
        return np.stack([np.mean(sides, axis=0), np.mean(inside, axis=0)], axis=1)


class Seam(Metric):
    """How far a picture's opposite sides differ, over how far neighbours within it do: best at 1, where it tiles.

    Mean absolute differences of pixels: first against last column and first against last row, over all neighbours in a
    row and in a column.
    """

    name = "seam"
    best = MappingProxyType({"seam": 1.0})
    takes = "images"
    sides = ("fake",)
    statistic = Differences

    def compare(self, fake):
        across, inside = fake
        if not inside:
            raise ZooError("pictures of one colour have no neighbours that differ; there is nothing to compare with.")
        return {"seam": across / inside}


class Repetition(Pictures):
    """Autocorrelation of the brightness along either axis, float64 (2, lags): from 0 to half of the shorter side."""

    def of(self, pictures):
        brightness = pictures.mean(axis=-1)
        lags = min(brightness.shape[1:]) // 2 + 1
        return np.stack([autocorrelation(np.moveaxis(brightness, axis, -1), lags) for axis in (1, 2)], axis=1)


def autocorrelation(lines: np.ndarray, lags: int) -> np.ndarray:
    """E[(x_i - m)(x_(i + lag) - m)] / E[(x_i - m)^2] over the lines of each picture: (n, lines, length) -> (n, lags).

    A picture of one colour has 0 everywhere.
    """
    length = lines.shape[-1]
    lines = lines - lines.mean(axis=(1, 2), keepdims=True)
    power = np.square(np.abs(np.fft.rfft(lines, 2 * length, axis=-1))).mean(axis=1)
    products = np.fft.irfft(power, axis=-1)[:, :lags] / (length - np.arange(lags))
    return products / np.where(products[:, :1] > 0, products[:, :1], 1)


def period_of(repetition: np.ndarray) -> tuple[int, int]:
    """(axis, lag) of the highest peak after the first fall below 0; of several that are about as high, the first.

    Raises ZooError where there is none.
    """
    found = []
    for axis, line in enumerate(repetition):
        below = np.flatnonzero(line < 0)
        if len(below):
            rest = line[below[0] :]
            high = int(below[0] + np.argmax(rest >= 0.9 * rest.max()))
            lag = high + int(np.argmax(line[high : high + high // 10 + 2]))
            found.append((line[lag], axis, lag))
    if not found or max(found)[0] <= 0:
        raise ZooError("no period: the brightness of the real pictures repeats within half a side nowhere.")
    return max(found)[1:]


def peak(line: np.ndarray, lag: int) -> float:
    """The highest autocorrelation near a lag, a tenth of it to either side."""
    near = max(1, lag // 10)
    return float(line[max(lag - near, 0) : lag + near + 1].max())


class Period(Metric):
    """How much of a pattern's repetition is kept: best at 1, 0 where nothing repeats as the real pictures do.

    Autocorrelation of the brightness at the period of the real pictures and its multiples within half a side, over that
    of the real pictures. Their period is the highest peak along the rows or the columns. The sides may be of unlike
    size: periods count pixels.
    """

    name = "period"
    best = MappingProxyType({"period": 1.0})
    takes = "images"
    statistic = Repetition

    def compare(self, real, fake):
        axis, lag = period_of(real)
        last = min(real.shape[1], fake.shape[1]) - 1
        if last < lag:
            raise ZooError(f"a period of {lag} pixels, and generated pictures show {last}; give larger ones.")
        lags = range(lag, last + 1, lag)
        return {"period": np.mean([peak(fake[axis], k) for k in lags]) / np.mean([peak(real[axis], k) for k in lags])}
