"""Rows kept together with their labels: the statistic of metrics that compare class by class."""

from typing import NamedTuple

import numpy as np

from tfgan_zoo.metrics.base import Rows, check_labels


class Labelled(NamedTuple):
    """Rows and the class of each.

    Attributes:
        rows: float32 (n, dim).
        labels: int64 (n,).
    """

    rows: np.ndarray
    labels: np.ndarray


class LabelledRows:
    """Keeps every row of a side with its label, in the order they came."""

    def __init__(self, dim: int | None = None):
        self._rows, self._labels = Rows(dim), [np.empty(0, np.int64)]

    def update(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Add rows (n, dim) and their labels, int (n,).

        Raises:
            ZooError: rows of another shape than before; NaN or infinity in them; labels that are not n integers.
        """
        rows, labels = np.asarray(rows), np.asarray(labels)
        check_labels(labels, len(rows))
        self._rows.update(rows)
        self._labels.append(labels.astype(np.int64))

    def merge(self, other: "LabelledRows") -> None:
        """Add the rows and labels of `other` after these."""
        self._rows.merge(other._rows)
        self._labels += other._labels

    def result(self) -> Labelled:
        """Labelled (rows float32 (n, dim), labels int64 (n,)). Raises ZooError where there are no rows."""
        return Labelled(self._rows.result(), np.concatenate(self._labels))
