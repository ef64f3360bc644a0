"""What an encoder's features are worth: nearest-neighbour classification with them."""

import numpy as np

from tfgan_zoo.metrics.base import Metric
from tfgan_zoo.metrics.maths.distances import nearest
from tfgan_zoo.metrics.maths.labelled import LabelledRows


class NearestNeighborAccuracy(Metric):
    """The fraction of fakes that have the label of their nearest real sample.

    With encoded training images as `real` and encoded test images as `fake` it is how BiGAN's encoder is evaluated
    (Donahue et al. 2017, https://arxiv.org/abs/1605.09782: one nearest neighbour). With labelled samples of a
    conditional model as `fake` it says how well they fit their labels, blind to whether they are diverse.

    Args:
        k: neighbours that vote; where classes have equally many votes, the one of the nearest wins.
    """

    name = "knn_accuracy"
    higher = ("knn_accuracy",)
    labelled = ("real", "fake")
    statistic = LabelledRows

    def __init__(self, dim: int | None = None, *, k: int = 1):
        super().__init__(dim)
        self.k = k

    def compare(self, real, fake):
        labels = real.labels[nearest(fake.rows, real.rows, self.k).indices]  # (n, k), nearest first
        votes = (labels[:, :, None] == labels[:, None, :]).sum(axis=2)
        predicted = labels[np.arange(len(labels)), votes.argmax(axis=1)]
        return {"knn_accuracy": (predicted == fake.labels).mean()}
