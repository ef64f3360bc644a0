"""Whether a conditional generator makes what it was asked for, and makes it well."""

import math
import warnings

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import Metric, Value, check, check_labels
from tfgan_zoo.metrics.maths.frechet import RunningGaussian, Statistics, frechet_distance


class ClassGaussians:
    """Mean and covariance of feature vectors, class by class; features² numbers of float64 per class."""

    def __init__(self, dim: int | None = None):
        self.dim, self._classes = dim, {}

    def update(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Add (n, dim) and their labels, int (n,). Raises ZooError for other shapes, NaN and infinity."""
        rows, labels = np.asarray(rows), np.asarray(labels)
        check(rows, self.dim)
        check_labels(labels, len(rows))
        self.dim = rows.shape[1]
        for label in np.unique(labels).tolist():
            self._classes.setdefault(label, RunningGaussian(self.dim)).update(rows[labels == label])

    def merge(self, other: "ClassGaussians") -> None:
        """Add all that `other` has seen."""
        self.dim = self.dim or other.dim
        for label, gaussian in other._classes.items():
            self._classes.setdefault(label, RunningGaussian(self.dim)).merge(gaussian)

    def result(self) -> dict[int, Statistics]:
        """{class: Statistics}. Raises ZooError where there are no rows, or one alone in its class."""
        if not self._classes:
            raise ZooError("no data have come yet: update() first.")
        for label, gaussian in sorted(self._classes.items()):
            if gaussian.count < 2:
                raise ZooError(f"class {label} has {count_of(gaussian.count, 'sample')}: give 2 or more of each class.")
        return {label: gaussian.result() for label, gaussian in sorted(self._classes.items())}


class IntraClassFrechet(Metric):
    """The Fréchet distance between real and generated samples of one class, averaged over the classes.

    Intra FID (Miyato & Koyama 2018, https://arxiv.org/abs/1802.05637) where the features are Inception's. Sees classes
    mixed up or collapsed within, which the distance between the whole sets may miss.

    Values: `intra_fd`, the mean, with the standard deviation over classes; `intra_fd_worst`, the largest.
    """

    name = "intra_fd"
    values = ("intra_fd", "intra_fd_worst")
    labelled = ("real", "fake")
    statistic = ClassGaussians

    def compare(self, real, fake):
        for here, there, side in ((real, fake, "generated"), (fake, real, "real")):
            missing = sorted(here.keys() - there.keys())
            if missing:
                more = f" (and of {len(missing) - 1} more)" if missing[1:] else ""
                raise ZooError(
                    f"no {side} samples of class {missing[0]}{more}; give samples of every class on both sides."
                )
        count, label = min((side[label].count, label) for side in (real, fake) for label in side)
        dim = len(real[label].mean)
        if count <= dim:
            warnings.warn(
                f"{count_of(count, 'sample')} of class {label} for {dim:,} features: the covariance is "
                f"singular and the distance far too large; give more than {dim:,} per class.",
                stacklevel=2,
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the one above instead of one per class
            distances = [frechet_distance(fake[label], real[label]) for label in real]
        return {
            "intra_fd": Value(float(np.mean(distances)), float(np.std(distances))),
            "intra_fd_worst": max(distances),
        }


class Agreement:
    """Counts the rows of logits whose largest is their label's."""

    def __init__(self, dim: int | None = None):
        self.dim, self.right, self.count = dim, 0, 0

    def update(self, rows: np.ndarray, labels: np.ndarray) -> None:
        """Add logits (n, classes) and labels, int (n,). Raises ZooError for other shapes, NaN, labels out of range."""
        rows, labels = np.asarray(rows), np.asarray(labels)
        check(rows, self.dim)
        check_labels(labels, len(rows))
        self.dim = rows.shape[1]
        if len(labels) and not (0 <= labels.min() and labels.max() < self.dim):
            raise ZooError(
                f"labels {labels.min()} to {labels.max()} for a classifier of {self.dim} classes; "
                f"give 0 to {self.dim - 1}."
            )
        self.right += int(np.sum(rows.argmax(axis=1) == labels))
        self.count += len(rows)

    def merge(self, other: "Agreement") -> None:
        """Add the counts of `other`."""
        self.right += other.right
        self.count += other.count

    def result(self) -> tuple[int, int]:
        """(right, of how many). Raises ZooError where there are no rows."""
        if not self.count:
            raise ZooError("no data have come yet: update() first.")
        return self.right, self.count


class ClassifierAccuracy(Metric):
    """The fraction of generated images that a classifier of real ones gives the label they were made for, 0 to 1.

    AC-GAN's discriminability (Odena et al. 2017, https://arxiv.org/abs/1610.09585). The deviation is the binomial
    standard error. Real images with their labels give the floor: the classifier's own accuracy.
    """

    name = "accuracy"
    higher = ("accuracy",)
    takes = "logits"
    sides = ("fake",)
    labelled = ("fake",)
    statistic = Agreement

    def compare(self, fake):
        right, count = fake
        p = right / count
        return {self.name: Value(p, math.sqrt(p * (1 - p) / count))}
