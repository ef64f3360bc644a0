"""How well classes that were found without labels agree with the labels."""

import math

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Value, check, check_labels
from tfgan_zoo.metrics.maths.assignment import best_map


class Confusion:
    """Counts how often each found class meets each label."""

    def __init__(self, dim: int | None = None):
        self.dim, self.counts = dim, np.zeros((dim or 0, 0), np.int64)

    def update(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Add logits (n, classes) and labels, int (n,). Raises ZooError for other shapes, NaN, labels below 0."""
        rows, labels = np.asarray(rows), np.asarray(labels)
        check(rows, self.dim)
        check_labels(labels, len(rows))
        if len(labels) and labels.min() < 0:
            raise ZooError(f"labels from {labels.min()}; give whole numbers from 0.")
        self.dim = rows.shape[1]
        self._add(rows.argmax(axis=1), labels)

    def merge(self, other: "Confusion") -> None:
        """Add the counts of `other`."""
        self.dim = self.dim or other.dim
        found, labels = np.nonzero(other.counts)
        self._add(found, labels, other.counts[found, labels])

    def _add(self, found: np.ndarray, labels: np.ndarray, counts: "np.ndarray | int" = 1) -> None:
        most = int(labels.max(initial=-1)) + 1
        missing = [
            (0, max(0, want - have)) for want, have in zip((self.dim or 0, most), self.counts.shape, strict=True)
        ]
        self.counts = np.pad(self.counts, missing)
        np.add.at(self.counts, (found, labels), counts)

    def result(self) -> np.ndarray:
        """int64 (classes, labels). Raises ZooError where there are no rows."""
        if not self.counts.sum():
            raise ZooError("no data have come yet: update() first.")
        return self.counts


class MatchedAccuracy(Metric):
    """The fraction of data whose found class is their label, under the best one-to-one map of classes to labels.

    How InfoGAN's categorical code is judged as a classifier (Chen et al. 2016, https://arxiv.org/abs/1606.03657,
    section 7.2), and clusterings are. The map is chosen on these very data, which flatters it a little: give thousands.
    Where there are more classes than labels, what falls into those left over counts as wrong. The deviation is the
    binomial standard error.
    """

    name = "matched_accuracy"
    higher = ("matched_accuracy",)
    takes = "logits"
    sides = ("fake",)
    labelled = ("fake",)
    statistic = Confusion

    def compare(self, fake):
        label = best_map(fake)
        p = fake[label >= 0, label[label >= 0]].sum() / fake.sum()
        return {self.name: Value(float(p), math.sqrt(p * (1 - p) / fake.sum()))}
