"""Whether pictures can be told by what was asked for."""

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Rows
from tfgan_zoo.metrics.maths.pairs import mean_of


class Retrieval(Metric):
    """How high the picture of a text ranks among those of other texts, by the codes of both: mean of 1 / rank, 0 to 1.

    A row is the code of a text and, behind it, that of a picture, as long; the fit of two codes is their product. Rows
    are put into groups at random; in a group, all pictures are ranked for each text. Equal ones share their ranks.
    Chance is (1 + 1/2 + ... + 1/n) / n in groups of n: 0.052 for 100. `retrieval@match_data`, of the data's own
    pictures, tells how well the codes fit at best.

    Values: `retrieval`, with the deviation over texts; `retrieval_first`, the share of texts whose picture ranks first.

    Args:
        candidates: pictures in a group; what is left over is not used, and fewer rows make one group.
        seed: of the groups.
    """

    name = "retrieval"
    values = ("retrieval", "retrieval_first")
    higher = ("retrieval", "retrieval_first")
    endpoint = "match"
    sides = ("fake",)
    floor = False
    statistic = Rows

    def __init__(self, dim: int | None = None, *, candidates: int = 100, seed: int = 0):
        if candidates < 2:
            raise ZooError(f"candidates={candidates}: give 2 or more.")
        super().__init__(dim)
        self.candidates, self.seed = candidates, seed

    def used(self, fake):
        return {**self.settings, "candidates": min(self.candidates, len(fake))}

    def compare(self, fake):
        ranks = self.ranks(fake)
        return {"retrieval": mean_of(1 / ranks), "retrieval_first": float(np.mean(ranks == 1))}

    def ranks(self, rows: np.ndarray) -> np.ndarray:
        """The rank of each text's own picture, from 1: float64 (texts that are in a group,)."""
        if rows.shape[1] % 2:
            raise ZooError(f"{self.name}: rows of {rows.shape[1]} numbers; a text's code and a picture's are as long.")
        size = min(self.candidates, len(rows))
        order = np.random.default_rng(self.seed).permutation(len(rows))[: len(rows) // size * size]
        texts, pictures = np.split(rows[order].astype(np.float64).reshape(-1, size, rows.shape[1]), 2, axis=2)
        fit = texts @ pictures.swapaxes(1, 2)  # (groups, texts, pictures)
        own = np.diagonal(fit, axis1=1, axis2=2)[..., None]
        return (1 + (fit > own).sum(axis=2) + ((fit == own).sum(axis=2) - 1) / 2).reshape(-1)
