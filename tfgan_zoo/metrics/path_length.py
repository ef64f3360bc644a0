"""How smoothly pictures change along a path through latent space."""

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import check
from tfgan_zoo.metrics.maths.pairs import PairedMetric, mean_of


class PathLength(PairedMetric):
    """Perceptual path length: how much the picture changes per step through latent space, mean of |Δf|² / ε².

    Karras et al. 2019, https://arxiv.org/abs/1812.04948. Row i of `real` holds the features f of the picture at t, a
    random point on the path between two random latent vectors, and row i of `fake` those of the picture at t + epsilon:
    spherical interpolation between normal z, linear between mapped w. As in the authors' code, pairs below the 1st and
    above the 99th percentile are left out. The deviation is that over the pairs that stay.

    The features decide the scale: Karras et al. took LPIPS on VGG-16, so a number with other features is
    comparable with numbers of the same features and the same epsilon alone.

    An epsilon of 1e-4 takes features of float pictures, as the generator made them: rounded to uint8 they differ by
    rounding more than by the step (for a DCGAN of MNIST the number becomes 6 times too large). With uint8 pictures
    take an epsilon of 1e-2: there it was within 1 % of the float number at that step, and 5 % below that at 1e-4.

    Args:
        epsilon: the step.
    """

    name = "ppl"
    sides = ("fake",)

    def __init__(self, dim: int | None = None, *, epsilon: float = 1e-4):
        if not epsilon > 0:
            raise ZooError(f"epsilon {epsilon}: give a step above 0, such as 1e-4.")
        super().__init__(dim)
        self.dim, self.epsilon = dim, epsilon

    def score(self, real, fake):
        check(real, self.dim)
        check(fake, self.dim)
        difference = fake.astype(np.float64) - real.astype(np.float64)
        return np.square(difference).sum(axis=1) / self.epsilon**2

    def compare(self, fake):
        low, high = np.percentile(fake, 1, method="lower"), np.percentile(fake, 99, method="higher")
        return {self.name: mean_of(fake[(low <= fake) & (fake <= high)])}
