"""Scores of what a classifier makes of generated images, without real ones."""

import itertools
import warnings

import numpy as np

from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.metrics.base import Metric, Rows, Value


class ClassifierScore(Metric):
    """exp of the mean KL(p(y|x) || p(y)): high where each image is of one clear class and all classes occur.

    From 1 to the number of classes. The Inception Score (Salimans et al. 2016, https://arxiv.org/abs/1606.03498) where
    the logits are those of Inception without the bias; of another classifier it is another number.

    As in the authors' code: the mean over `splits` consecutive parts of the images in the order they came, and the
    standard deviation over the parts. It grows with the images per part; 5,000 (of 50,000) are usual.

    Args:
        splits: parts.
    """

    name = "score"
    higher = ("score",)
    takes = "logits"
    sides = ("fake",)
    statistic = Rows

    def __init__(self, dim: int | None = None, *, splits: int = 10):
        if splits < 1:
            raise ZooError(f"{splits} splits: give 1 or more.")
        super().__init__(dim)
        self.splits = splits

    def compare(self, fake):
        count, classes = fake.shape
        if count < self.splits:
            raise ZooError(f"{count_of(count, 'image')} for {self.splits} splits: give as many images or more.")
        if count // self.splits < classes:
            warnings.warn(
                f"{count // self.splits:,} images per split for {classes:,} classes: the score is too low; "
                f"give more than {self.splits * classes:,} images.",
                stacklevel=2,
            )
        edges = [i * count // self.splits for i in range(self.splits + 1)]
        scores = [_score(fake[first:last]) for first, last in itertools.pairwise(edges)]
        return {self.name: Value(float(np.mean(scores)), float(np.std(scores)))}


def _score(logits: np.ndarray) -> float:
    log_p = logits.astype(np.float64)
    log_p -= log_p.max(axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    marginal = p.mean(axis=0)
    # A class that underflows to 0 for every image adds 0: x log x -> 0.
    log_marginal = np.log(np.where(marginal > 0, marginal, 1))
    return float(np.exp(np.mean(np.sum(p * (log_p - log_marginal), axis=1))))


class LabelEntropy(Metric):
    """Entropy of the classes that a classifier gives to generated data, in nats: how evenly the classes occur.

    From 0, where all are taken for one class, to the logarithm of the number of classes (2.30 for ten), where all are
    equally frequent. It does not say whether the data look like their classes: `score` does.
    """

    name = "label_entropy"
    higher = ("label_entropy",)
    takes = "logits"
    sides = ("fake",)
    statistic = Rows

    def compare(self, fake):
        shares = np.bincount(fake.argmax(axis=1), minlength=fake.shape[1]) / len(fake)
        shares = shares[shares > 0]
        return {self.name: float(np.sum(shares * np.log(1 / shares)))}
