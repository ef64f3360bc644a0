"""Kernel distance: KID where the features are Inception's."""

import warnings

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import Metric, Rows, Value


class KernelDistance(Metric):
    """The squared maximum mean discrepancy under the kernel (x·y / dim + 1)³, with its unbiased estimator.

    Binkowski et al. 2018, https://arxiv.org/abs/1801.01401; KID on Inception's features.
    The mean over random subsets, drawn without replacement, with the standard deviation over them. As the estimator
    has no bias, fewer samples make the value noisier but not larger, and where both sides follow the same
    distribution it lies around 0, below it as often as above.

    The subsets are those of torch-fidelity for the same rows, settings and seed; its kernel matrices are float32, these
    are float64.

    Args:
        subsets: how many.
        subset_size: samples of either side in each; as many as there are, with a warning, where that is fewer.
        seed: of the subsets.
    """

    name = "kid"
    statistic = Rows

    def __init__(self, dim: int | None = None, *, subsets: int = 100, subset_size: int = 1000, seed: int = 2020):
        super().__init__(dim)
        if subsets < 1 or subset_size < 2:
            raise ZooError(f"kid: subsets={subsets} must be 1 or more, subset_size={subset_size} 2 or more.")
        self.subsets, self.subset_size, self.seed = subsets, subset_size, seed

    def used(self, real, fake):
        size, subsets = self._drawn(real, fake)
        return {**self.settings, "subsets": subsets, "subset_size": size}

    def _drawn(self, real: np.ndarray, fake: np.ndarray) -> tuple[int, int]:
        """(samples in a subset, subsets) as there are enough for."""
        size = min(self.subset_size, len(real), len(fake))
        return size, 1 if size == len(real) == len(fake) else self.subsets  # all others would be the same samples again

    def compare(self, real, fake):
        size, subsets = self._drawn(real, fake)
        if size < 2:
            raise ZooError(f"kid of {len(real):,} real and {count_of(len(fake), 'fake sample')}: it takes 2 of each.")
        if size < self.subset_size:
            warnings.warn(
                f"kid takes subsets of {self.subset_size:,}, and there are {len(real):,} real and {len(fake):,} fake "
                f"samples: subsets of {size:,} instead, so its deviation is too small; give more samples.",
                stacklevel=3,
            )
        draw = np.random.RandomState(self.seed)  # unlike default_rng's, its numbers are the same in all NumPy versions
        distances = [
            mmd2(*(rows[draw.choice(len(rows), size, replace=False)] for rows in (fake, real))) for _ in range(subsets)
        ]
        return {"kid": Value(float(np.mean(distances)), float(np.std(distances)) if subsets > 1 else None)}


def mmd2(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared MMD of x (n, dim) and y (m, dim): E k(x, x') + E k(y, y') - 2 E k(x, y) over x ≠ x', y ≠ y'."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    def among(a):
        k = kernel(a, a)
        return (k.sum() - k.trace()) / (len(a) * (len(a) - 1))

    return float(among(x) + among(y) - 2 * kernel(x, y).mean())
