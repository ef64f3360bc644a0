"""Videos: how still their backgrounds are, how much of them moves, and how far they are from the true ones."""

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric
from tfgan_zoo.metrics.maths.pairs import PairedMetric, mean_of

MOVES = 0.05  # of the range of pixels: the temporal deviation from which a pixel counts as moving


class Deviations:
    """Keeps two numbers of each video: the flicker of its background, and the share of its pixels that move."""

    def __init__(self, dim: int | None = None):
        self._parts: list[np.ndarray] = []

    def update(self, rows: np.ndarray) -> None:
        """Add videos, uint8 (n, frames, height, width, channels). Raises ZooError for other data."""
        rows = np.asarray(rows)
        if rows.ndim != 5 or rows.dtype != np.uint8 or rows.shape[1] < 2:
            raise ZooError(
                f"{rows.dtype} {rows.shape}: this metric takes videos, uint8 (n, frames, height, width, channels)."
            )
        deviations = (rows / 255.0).std(axis=1).mean(axis=-1).reshape(len(rows), -1)
        still = np.sort(deviations, axis=1)[:, : max(deviations.shape[1] // 2, 1)]
        self._parts.append(np.stack([still.mean(axis=1), (deviations > MOVES).mean(axis=1)], axis=1))

    def merge(self, other: "Deviations") -> None:
        """Add the videos of `other` after these."""
        self._parts += other._parts

    def result(self) -> np.ndarray:
        """float64 (n, 2). Raises ZooError where there are no videos."""
        if not self._parts:
            raise ZooError("no data have come yet: update() first.")
        return np.concatenate(self._parts)


class Flicker(Metric):
    """How still the backgrounds of videos are, as shares of the range of pixels.

    - `flicker`: the deviation over time of a pixel, the mean over the stiller half of each video's pixels and over
      videos. Still backgrounds have 0; a generator without a stream of its own for them lets them flicker;
    - `motion_gap`: how far the share of pixels that move is from the real videos' share (a video that stands still has
      no flicker either).
    """

    name = "flicker"
    values = ("flicker", "motion_gap")
    takes = "points"
    statistic = Deviations

    def compare(self, real, fake):
        return {"flicker": fake[:, 0].mean(), "motion_gap": abs(fake[:, 1].mean() - real[:, 1].mean())}


class SquaredError(PairedMetric):
    """Squared error of a video, summed over all of its pixels with black 0 and white 1: the mean over pairs.

    Of an endpoint that foresees the last frame and repeats the others it is that frame's error, by which models of
    bouncing balls are compared (Lotter et al. 2015, https://arxiv.org/abs/1511.06380). With the standard deviation over
    pairs.
    """

    name = "squared_error"
    takes = "points"

    def score(self, real, fake):
        if real.ndim != 5 or real.dtype != np.uint8 or fake.dtype != np.uint8:
            raise ZooError(
                f"squared_error of {real.dtype} {real.shape} and {fake.dtype} {fake.shape}: it takes videos, uint8 "
                "(n, frames, height, width, channels)."
            )
        return np.square((real.astype(np.float64) - fake) / 255).sum(axis=(1, 2, 3, 4))

    def compare(self, fake):
        return {self.name: mean_of(fake)}
