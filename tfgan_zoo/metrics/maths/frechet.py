"""The Fréchet distance between two sets of feature vectors, each taken as a Gaussian.

    d² = |mu_a - mu_b|² + tr(C_a) + tr(C_b) - 2 tr sqrt(C_a^1/2 C_b C_a^1/2)

(Dowson & Landau 1982). With Inception features, and only with those, it is called FID (Heusel et al. 2017,
https://arxiv.org/abs/1706.08500).
"""

import warnings
from dataclasses import dataclass

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import check


@dataclass(frozen=True)
class Statistics:
    """What the Fréchet distance needs of a set of feature vectors, float64.

    Attributes:
        mean: (features,).
        cov: (features, features), the unbiased covariance (divided by count - 1).
        count: vectors they were taken over; None where another tool's file does not tell.
    """

    mean: np.ndarray
    cov: np.ndarray
    count: int | None


class RunningGaussian:
    """Mean and covariance of feature vectors that arrive in batches.

    `dim` may be left to the first batch. Keeps the float64 sums of x and x xT, so the result does not depend on how
    the vectors were split into batches (but for rounding in the last digits), and two of them merge by addition.
    """

    def __init__(self, dim: int | None = None):
        self.count, self._dim = 0, dim
        self._sum, self._products = (0.0, 0.0) if dim is None else (np.zeros(dim), np.zeros((dim, dim)))

    def update(self, features: np.ndarray) -> None:
        """Add a batch (n, dim). Raises ZooError for another shape, and for NaN or infinity with a count."""
        x = np.asarray(features, np.float64)
        check(x, self._dim)
        self._dim = x.shape[1]
        self.count += len(x)
        self._sum = self._sum + x.sum(axis=0)
        self._products = self._products + x.T @ x

    def merge(self, other: "RunningGaussian") -> None:
        """Add all that `other` (of the same dim) has seen."""
        self.count += other.count
        self._sum += other._sum
        self._products += other._products

    def result(self) -> Statistics:
        """Statistics of all vectors so far. Raises ZooError below two vectors, which have no covariance."""
        if self.count < 2:
            raise ZooError(f"{count_of(self.count, 'feature vector')}: a covariance takes 2 or more.")
        mean = self._sum / self.count
        cov = (self._products - self.count * np.outer(mean, mean)) / (self.count - 1)
        return Statistics(mean, cov, self.count)


def frechet_distance(a: Statistics, b: Statistics) -> float:
    """The squared Fréchet distance of the two Gaussians: real, at least 0, symmetric in its arguments.

    The trace term takes the eigenvalues of a symmetric matrix, so it cannot turn complex as a general matrix
    square root does. With no more vectors than features a covariance is singular: the distance is still
    defined, but biased upwards by much, and a warning says so.

    Raises:
        ZooError: statistics of different feature counts.
    """
    if a.mean.shape != b.mean.shape:
        raise ZooError(f"statistics of {len(a.mean)} and {len(b.mean)} features; compare like with like.")
    dim, counts = len(a.mean), [s.count for s in (a, b) if s.count is not None]
    if (fewest := min(counts, default=dim + 1)) <= dim:
        warnings.warn(
            f"{count_of(fewest, 'sample')} for {dim:,} features: the covariance is singular and the distance "
            f"far too large; give more than {dim:,} samples.",
            stacklevel=2,
        )
    values, vectors = np.linalg.eigh(a.cov)
    root = vectors * np.sqrt(np.clip(values, 0, None))  # root rootT = C_a; rounding makes some zeros negative
    # rootT C_b root has the eigenvalues of C_a^1/2 C_b C_a^1/2 and takes one product less.
    crossed = np.clip(np.linalg.eigvalsh(root.T @ b.cov @ root), 0, None)
    difference = a.mean - b.mean
    distance = difference @ difference + np.trace(a.cov) + np.trace(b.cov) - 2 * np.sqrt(crossed).sum()
    return max(float(distance), 0.0)
