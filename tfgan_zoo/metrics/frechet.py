"""The Fréchet distance as a metric. The equation is in `maths.frechet`."""

from tfgan_zoo.metrics.base import Metric
from tfgan_zoo.metrics.maths.frechet import RunningGaussian, Statistics, frechet_distance


class FrechetDistance(Metric):
    """Squared Fréchet distance between Gaussians fitted to both sides; with Inception features it is called FID.

    Heusel et al. 2017, https://arxiv.org/abs/1706.08500.
    """

    name = "fd"
    statistic = RunningGaussian

    def compare(self, real: Statistics, fake: Statistics):
        return {"fd": frechet_distance(fake, real)}
