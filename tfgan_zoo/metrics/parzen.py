"""Log-likelihood under a Parzen window of samples, for comparison with papers of 2014."""

from collections.abc import Sequence

import numpy as np

from tfgan_zoo.metrics.base import Metric, Rows, Value
from tfgan_zoo.metrics.maths.distances import blocks


class ParzenLikelihood(Metric):
    """Mean log-likelihood (nats) of real rows under a Gaussian window over each fake row, with its standard error.

    Breuleux et al. 2011, as in Table 1 of Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661): 10,000 samples,
    the window's width chosen by the likelihood of validation images, the score that of the test images. The rows are
    pixels, flattened, in [0, 1] (the extractor "pixels"); other features and other scales give other numbers.

    For comparison with those papers alone. Theis et al. 2016 (https://arxiv.org/abs/1511.01844) show that the estimate
    is far from the true likelihood even of many samples, ranks models wrongly (k-means centres beat the true
    distribution), and does not go with how samples look. It also rises with the number of fakes: give 10,000.
    10,000 training images of MNIST in place of fakes score 243.6 ± 2.1, so a perfect model would score about that.

    `parzen_sigma` is the width chosen. At either end of `sigmas` the best one probably lies outside.

    Args:
        sigmas: widths to choose from; default logspace(-1, 0, 10).
        validation: rows of `held_out`, the first ones, that choose the width.
    """

    name = "parzen"
    extractor = "pixels"
    values = ("parzen", "parzen_sigma")
    higher = ("parzen",)
    sides = ("real", "fake", "held_out")
    floor = False  # held-out data choose the width, and so cannot stand for fakes too
    statistic = Rows

    def __init__(self, dim: int | None = None, *, sigmas: Sequence[float] | None = None, validation: int = 1000):
        super().__init__(dim)
        self.sigmas = tuple(np.logspace(-1, 0, 10) if sigmas is None else sigmas)
        self.validation = validation

    def used(self, real, fake, held_out):
        return {**self.settings, "validation": min(self.validation, len(held_out))}

    def compare(self, real, fake, held_out):
        choice = log_likelihoods(held_out[: self.validation], fake, self.sigmas).mean(axis=1)
        sigma = self.sigmas[choice.argmax()]
        of_each = log_likelihoods(real, fake, [sigma])[0]
        return {
            "parzen": Value(float(of_each.mean()), float(of_each.std() / np.sqrt(len(of_each)))),
            "parzen_sigma": sigma,
        }


def log_likelihoods(x: np.ndarray, centres: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
    """log mean_j N(x_i; centres_j, sigma² I): float32 x (n, d), centres (m, d) -> float64 (sigmas, n).

    For pixels of MNIST and sigma 0.1 each is right to about 0.01, by the rounding of squared distances.
    """
    result = np.empty((len(sigmas), len(x)))
    for block in blocks(x, centres):
        closest = block.squared.min(axis=1, keepdims=True)
        beyond = block.squared - closest
        for i, sigma in enumerate(sigmas):
            exponents = beyond * np.float32(-0.5 / sigma**2)
            windows = np.exp(exponents, out=exponents).mean(axis=1, dtype=np.float64)  # the closest one's is 1
            result[i, block.rows] = np.log(windows) - closest[:, 0] / (2 * sigma**2)
    return result - x.shape[1] * np.log(np.asarray(sigmas)[:, None] * np.sqrt(2 * np.pi))
