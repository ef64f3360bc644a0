"""Fidelity and diversity apart: precision and recall, density and coverage."""

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Rows
from tfgan_zoo.metrics.maths.distances import blocks, closer, nearest


class PrecisionRecall(Metric):
    """How much of the fake data lies where real data are, and how much of the real data the fake data reach.

    A sample's ball reaches to its k-th nearest neighbour of its own side. Kynkäänniemi et al. 2019
    (https://arxiv.org/abs/1904.06991):

    - precision: the fraction of fakes within the ball of any real sample;
    - recall: the fraction of real samples within the ball of any fake.

    Naeem et al. 2020 (https://arxiv.org/abs/2002.09797), less easily led by outliers:

    - density: how many real balls a fake lies in, on average, over k. 1 is expected of a perfect model; it can be more;
    - coverage: the fraction of real balls with a fake inside.

    Precision and recall count a ball's surface, density and coverage do not, as in the authors' own programs (so rows
    with many exact repetitions, whose balls shrink to nothing, have neither density nor coverage). All depend on how
    many samples there are: compare numbers of equal counts only. A perfect model's coverage is below 1: about 1 - 2^-k
    for as many fakes as real samples.

    Args:
        k_pr: the neighbour that balls reach to, for precision and recall; 3 in the paper.
        k_dc: the same for density and coverage; 5 in the paper.
    """

    name = "prdc"
    values = ("precision", "recall", "density", "coverage")
    higher = values
    statistic = Rows

    def __init__(self, dim: int | None = None, *, k_pr: int = 3, k_dc: int = 5):
        super().__init__(dim)
        if min(k_pr, k_dc) < 1:
            raise ZooError(f"prdc: k_pr={k_pr} and k_dc={k_dc} must be 1 or more.")
        self.k_pr, self.k_dc = k_pr, k_dc

    def compare(self, real, fake):
        real_balls = nearest(real, k=max(self.k_pr, self.k_dc)).squared
        real_pr, real_dc = real_balls[:, self.k_pr - 1], real_balls[:, self.k_dc - 1]
        fake_pr = nearest(fake, k=self.k_pr).squared[:, -1:]
        precise = inside = 0
        recalled, covered = np.zeros((2, len(real)), bool)
        for block in blocks(fake, real):
            precise += closer(fake, real, block, real_pr, or_equal=True).any(axis=1).sum()
            recalled |= closer(fake, real, block, fake_pr[block.rows], or_equal=True).any(axis=0)
            within = closer(fake, real, block, real_dc)
            inside += within.sum()
            covered |= within.any(axis=0)
        return {
            "precision": precise / len(fake),
            "recall": recalled.mean(),
            "density": inside / (self.k_dc * len(fake)),
            "coverage": covered.mean(),
        }
