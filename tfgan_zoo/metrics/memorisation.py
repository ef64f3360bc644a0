"""Memorisation: are generated images copies of training images?"""

import warnings
from types import MappingProxyType

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Rows
from tfgan_zoo.metrics.maths.distances import nearest

CLOSEST = 0.01


class Memorisation(Metric):
    """Whether fakes lie closer to the training data than unseen real data do.

    Here `held_out` are the TRAINING data, as many as possible of those the model was trained on, and `real` are real
    data it never saw (the test split). Each fake and each unseen real row has a distance to its nearest training row:

    - memorisation: the fraction of fakes at least as close as the closest 1 % of the unseen real data are. 0.01 is
      expected without copying, 1 where everything is a copy. It notices a few copies among many good fakes.
    - ct_score: the Mann-Whitney U of the fakes' distances against the real ones', as a z-score (Meehan et al. 2020,
      https://arxiv.org/abs/2004.05675: their C_T, taken over all of the space as one cell). Far below 0 (-3 say) means
      copying; about 0 is best; far above 0 means that fakes are unlike training data, as those of a poor model are,
      which may hide copies. It grows with the square root of the number of samples: compare equal counts only.
    - nearest_ratio: the fakes' median distance over the real data's. Below 1 hints at copying; about 1 is best.

    Distances are between the features given, so a copy is what those take for one.
    """

    name = "memorisation"
    values = ("memorisation", "ct_score", "nearest_ratio")
    best = MappingProxyType({"memorisation": CLOSEST, "ct_score": 0.0, "nearest_ratio": 1.0})
    sides = ("real", "fake", "held_out")
    floor = False  # held-out data in place of the fakes would be the training data themselves
    statistic = Rows

    def compare(self, real, fake, held_out):
        if len(real) < 1 / CLOSEST:
            warnings.warn(
                f"memorisation looks at the closest 1 % of unseen real samples, of {len(real):,} here: "
                f"give {1 / CLOSEST:.0f} or more.",
                stacklevel=3,
            )
        of_real, of_fake = (nearest(rows, held_out).squared[:, 0] for rows in (real, fake))
        close = np.sort(of_real)[int(np.ceil(CLOSEST * len(of_real))) - 1]
        real_median, fake_median = (np.sqrt(np.median(squared)) for squared in (of_real, of_fake))
        if real_median == 0:
            raise ZooError(
                "memorisation: most of the real samples are training samples (held_out) too; "
                "give real data of another split."
            )
        return {
            "memorisation": np.mean(of_fake <= close),
            "ct_score": rank_z(of_fake, of_real),
            "nearest_ratio": fake_median / real_median,
        }


def rank_z(a: np.ndarray, b: np.ndarray) -> float:
    """The Mann-Whitney U of samples a (n,) over b (m,) as a z-score: below 0 where a's are smaller; ties count by half.

    (U - n m / 2) / sqrt(n m (n + m + 1) / 12) with U the number of pairs in which a's is larger.
    """
    n, m = len(a), len(b)
    ordered = np.sort(b)
    larger = (np.searchsorted(ordered, a, "left") + np.searchsorted(ordered, a, "right")).sum() / 2
    return float((larger - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))
