"""Mode collapse, counted where the modes are known: mixtures in the plane, and stacked MNIST."""

import warnings

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import Metric, check


class Histogram:
    """Counts of samples per mode, and of all samples (some of which may belong to no mode)."""

    def __init__(self, modes: int):
        self.counts, self.total = np.zeros(modes, np.int64), 0

    def add(self, modes: np.ndarray, total: int) -> None:
        """Count the mode of each of some samples, int (n,), out of `total` samples."""
        self.counts += np.bincount(modes, minlength=len(self.counts))
        self.total += total

    def merge(self, other: "Histogram") -> None:
        """Add the counts of `other`."""
        self.counts += other.counts
        self.total += other.total

    def result(self) -> "Histogram":
        """Itself. Raises ZooError where there are no samples."""
        if not self.total:
            raise ZooError("no data have come yet: update() first.")
        return self

    def found(self) -> int:
        """Modes with a sample or more."""
        return int(np.count_nonzero(self.counts))

    def reverse_kl(self) -> float:
        """KL(histogram || uniform) in nats: 0 to log of the modes, and that where the histogram is empty."""
        if not self.counts.sum():
            return float(np.log(len(self.counts)))
        p = self.counts[self.counts > 0] / self.counts.sum()
        return float(max(np.sum(p * np.log(p * len(self.counts))), 0.0))


class NearestModes(Histogram):
    """Counts points in the plane at the nearest mode, those within 3 sigma of it alone."""

    def __init__(self, modes: np.ndarray, sigma: float):
        super().__init__(len(modes))
        self._modes, self._radius = modes, 3 * sigma

    def update(self, rows: np.ndarray) -> None:
        """Add points (n, 2). Raises ZooError for another shape, NaN and infinity."""
        points = np.asarray(rows, np.float64)
        check(points, self._modes.shape[1])
        distances = np.square(points[:, None] - self._modes).sum(axis=2)
        nearest = distances.argmin(axis=1)
        near = distances.min(axis=1) < self._radius**2
        self.add(nearest[near], len(points))


class MixtureModes(Metric):
    """Modes found, quality and balance of samples of a Gaussian mixture in the plane.

    PacGAN's protocol (Lin et al. 2018, https://arxiv.org/abs/1712.04086), with 2,500 samples:

    - `modes`: those with one high-quality sample or more;
    - `high_quality`: the fraction of samples less than 3 sigma from the nearest mode. The mixture itself has 98.9 %;
    - `reverse_kl`: KL(histogram || uniform) in nats, the histogram counting, as the authors' code does, the
      high-quality samples at their nearest modes; 0 is perfect. Without such samples it is the largest possible,
      log of the modes.

    Args:
        modes: their centres, float (k, 2), all different.
        sigma: the standard deviation of each, in either direction.
    """

    name = "mixture"
    values = ("modes", "high_quality", "reverse_kl")
    higher = ("modes", "high_quality")
    takes = "points"
    from_data = ("modes", "sigma")
    sides = ("fake",)

    def __init__(self, dim: int | None = None, *, modes: np.ndarray, sigma: float):
        centres = np.asarray(modes, np.float64)
        if centres.ndim != 2 or dim not in (None, centres.shape[1]) or not sigma > 0:
            raise ZooError(
                f"modes of shape {centres.shape} and sigma {sigma}; give centres (k, {dim or 2}) and a sigma above 0."
            )
        distinct = len(np.unique(centres, axis=0))
        if distinct < len(centres):
            raise ZooError(
                f"{len(centres)} modes, of which {distinct} are distinct: give each once (a ring's angles "
                "end before 2 pi)."
            )
        self.modes, self.sigma = centres, sigma
        self.statistic = lambda _: NearestModes(centres, sigma)
        super().__init__(dim)

    def compare(self, fake):
        return {
            "modes": fake.found(),
            "high_quality": fake.counts.sum() / fake.total,
            "reverse_kl": fake.reverse_kl(),
        }


class StackedDigits(Histogram):
    """Counts the 1,000 numbers that a classifier reads in the three channels."""

    CHANNELS, CLASSES = 3, 10

    def __init__(self, dim: int | None = None):
        super().__init__(self.CLASSES**self.CHANNELS)

    def update(self, rows: np.ndarray) -> None:
        """Add logits, float (n, 3, 10), or the digits read, int (n, 3). Raises ZooError for other rows and for NaN."""
        digits = np.asarray(rows)
        if digits.dtype.kind == "f" and digits.shape[1:] == (self.CHANNELS, self.CLASSES):
            check(digits.reshape(len(digits), -1), None)
            digits = digits.argmax(axis=2)
        elif digits.dtype.kind not in "iu" or digits.shape[1:] != (self.CHANNELS,):
            raise ZooError(
                f"rows of shape {digits.shape} and type {digits.dtype}; give logits (n, 3, 10) or digits, int (n, 3)."
            )
        elif len(digits) and not (digits.min() >= 0 and digits.max() < self.CLASSES):
            raise ZooError(f"digits of {digits.min()} to {digits.max()}; give 0 to 9.")
        self.add(digits @ np.array([100, 10, 1]), len(digits))


class StackedModes(Metric):
    """The 1,000 modes of stacked MNIST: digits in red, green and blue, read by a classifier.

    - `stacked_modes`: how many of the 1,000 numbers occur at all;
    - `stacked_kl`: KL(histogram || uniform) in nats. A perfect generator has about 0.02 at 25,600 samples (999 / 2n).

    PacGAN's protocol (Lin et al. 2018, https://arxiv.org/abs/1712.04086) after Metz et al. 2017
    (https://arxiv.org/abs/1611.02163): 25,600 samples; fewer find fewer modes.
    """

    name = "stacked_modes"
    values = ("stacked_modes", "stacked_kl")
    higher = ("stacked_modes",)
    takes = "channel_logits"
    extractor = "mnist_cnn"
    sides = ("fake",)
    statistic = StackedDigits

    SAMPLES = 25_600

    def compare(self, fake):
        if fake.total < self.SAMPLES:
            warnings.warn(
                f"{count_of(fake.total, 'sample')}: fewer find fewer of the 1,000 modes; give "
                f"{self.SAMPLES:,}, as published numbers do.",
                stacklevel=2,
            )
        return {"stacked_modes": fake.found(), "stacked_kl": fake.reverse_kl()}
