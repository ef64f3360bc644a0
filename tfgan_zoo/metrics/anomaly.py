"""How well scores tell what is not normal."""

from collections.abc import Sequence

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import Metric
from tfgan_zoo.metrics.maths.labelled import LabelledRows


class AreaUnderRoc(Metric):
    """The probability that an anomaly has a higher score than a normal example: the area under the ROC curve.

    1 where scores tell them apart, 0.5 where they are of no use; equal scores count half. Scores are what a model
    answers, one number each: `auroc@score`. One class alone is normal in the usual protocol for MNIST and CIFAR-10
    (Ruff et al. 2018, http://proceedings.mlr.press/v80/ruff18a.html); where one class is the anomaly, name all others.

    Args:
        normal: the label of normal data, or several of them.
    """

    name = "auroc"
    higher = ("auroc",)
    takes = "points"
    sides = ("fake",)
    labelled = ("fake",)
    statistic = LabelledRows

    def __init__(self, dim: int | None = None, *, normal: int | Sequence[int]):
        super().__init__(dim)
        self.normal = normal

    def compare(self, fake):
        if fake.rows.shape[1] != 1:
            raise ZooError(f"{self.name}: {fake.rows.shape[1]} numbers a row; it takes scores, one number for each.")
        normal = np.isin(fake.labels, self.normal)
        few, many = np.sort([normal.sum(), (~normal).sum()])
        if not few:
            raise ZooError(
                f"{self.name}: all {count_of(int(many), 'example')} are {'normal' if normal.all() else 'anomalies'} "
                f"with normal = {self.normal}; measure on data of both kinds, labels {sorted(set(fake.labels))[:5]}."
            )
        return {self.name: area(fake.rows[~normal, 0], fake.rows[normal, 0])}


def area(above: np.ndarray, below: np.ndarray) -> float:
    """The share of pairs with the one `above` higher, equal ones half (Mann and Whitney): (n,), (m,) -> 0 to 1."""
    order = np.sort(below)
    lower, upper = (np.searchsorted(order, above, side) for side in ("left", "right"))
    return float((lower + upper).sum() / (2 * len(above) * len(below)))
