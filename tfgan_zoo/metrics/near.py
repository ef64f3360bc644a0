"""How near generated data lie to each other and to the training data, with unseen real data as the measure."""

from types import MappingProxyType

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Rows
from tfgan_zoo.metrics.maths.distances import nearest


class NeighbourDistance(Metric):
    """How far fakes lie from each other and from the training data, in units of what unseen real data have.

    Here `held_out` are the TRAINING data and `real` are real data of another split. As |D|self and |D|train of Donahue
    et al. 2019 (https://arxiv.org/abs/1802.04208, section 6.3), who compare log-mel spectrograms (`@log_mel`):

    - distance_self: the fakes' mean distance to their nearest other fake. Below 1: less diverse than real data. As
      distances shrink with more data, the first n of both sides are compared, with n the size of the smaller.
    - distance_train: the fakes' mean distance to their nearest training row. Below 1 hints at copies, far above at
      fakes that resemble no real data.

    `memorisation` compares the same distances by rank, and notices a few copies among many fakes.
    """

    name = "neighbour_distance"
    values = ("distance_self", "distance_train")
    best = MappingProxyType({"distance_self": 1.0, "distance_train": 1.0})
    sides = ("real", "fake", "held_out")
    floor = False  # held-out data in place of the fakes would be the training data themselves
    statistic = Rows

    def compare(self, real, fake, held_out):
        count = min(len(real), len(fake))
        found = {
            "distance_self": [_mean_distance(rows[:count]) for rows in (fake, real)],
            "distance_train": [_mean_distance(rows, held_out) for rows in (fake, real)],
        }
        if 0 in (of_real for _, of_real in found.values()):
            raise ZooError(
                "neighbour_distance: the real data hold nothing that is not there twice; give real data of another "
                "split than the training data (held_out)."
            )
        return {name: of_fake / of_real for name, (of_fake, of_real) in found.items()}


def _mean_distance(rows: np.ndarray, others: np.ndarray | None = None) -> float:
    """The mean distance of (n, d) to the nearest of `others`, or of the rest of them."""
    return float(np.mean(np.sqrt(nearest(rows, others).squared)))
