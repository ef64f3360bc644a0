"""Can a classifier tell the fake data from the real? The nearest neighbour as that classifier."""

import warnings

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import Metric, Rows
from tfgan_zoo.metrics.maths.distances import nearest


class TwoSampleAccuracy(Metric):
    """Leave-one-out accuracy of telling real from fake by the nearest neighbour in all other data.

    Lopez-Paz & Oquab 2017 (https://arxiv.org/abs/1610.06545), Xu et al. 2018 (https://arxiv.org/abs/1806.07755). 0.5 is
    best: the two cannot be told apart. 1 is worst; below 0.5 fakes lie closer to real samples than those to each other,
    as where real data have been memorised. Apart by side, `two_sample_fake` near 1 with `two_sample_real` near 0.5 or
    below is typical of mode collapse: fakes have fakes next to them, real samples have not only real ones.

    Where the nearest real and the nearest fake are equally far, either answer counts by half.

    Args:
        seed: which samples of the larger side are used; 0.5 is best only with as many of either side.
    """

    name = "two_sample"
    values = ("two_sample", "two_sample_real", "two_sample_fake")
    best = dict.fromkeys(values, 0.5)
    statistic = Rows

    def __init__(self, dim: int | None = None, *, seed: int = 0):
        super().__init__(dim)
        self.seed = seed

    def compare(self, real, fake):
        count = min(len(real), len(fake))
        if count < 2:
            raise ZooError(
                f"two_sample of {len(real):,} real and {count_of(len(fake), 'fake sample')}: it takes 2 of each."
            )
        if len(real) != len(fake):
            warnings.warn(
                f"two_sample takes as many real as fake samples: {count:,} of {len(real):,} real and {len(fake):,} "
                "fake ones; give equally many to use all.",
                stacklevel=3,
            )
        real, fake = (self._some(rows, count) for rows in (real, fake))
        of_real, of_fake = correct(real, fake), correct(fake, real)
        return {"two_sample": (of_real + of_fake) / 2, "two_sample_real": of_real, "two_sample_fake": of_fake}

    def _some(self, rows, count):
        if len(rows) == count:
            return rows
        return rows[np.random.RandomState(self.seed).choice(len(rows), count, replace=False)]


def correct(rows: np.ndarray, others: np.ndarray) -> float:
    """The fraction of rows nearer to another of their own than to any of the others; ties count by half."""
    own, other = nearest(rows).squared[:, 0], nearest(rows, others).squared[:, 0]
    return float(np.mean((own < other) + (own == other) / 2))
