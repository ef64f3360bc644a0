"""How much solids have in common, voxel by voxel."""

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Value

BLOCK = 64  # solids of one side that are compared at once


class Solids:
    """Keeps the voxels of a side, a bit each."""

    def __init__(self, dim: int | None = None):
        self.shape, self._parts = None, []

    def update(self, rows: np.ndarray) -> None:
        """Add solids (n, depth, height, width, 1) of 0 and 1. Raises ZooError for other data."""
        rows = np.asarray(rows)
        if rows.ndim != 5 or rows.dtype not in (np.uint8, bool) or rows.max(initial=0) > 1:
            raise ZooError(f"{rows.dtype} {rows.shape}: this metric takes solids, uint8 (n, depth, height, width, 1).")
        if self.shape not in (None, rows.shape[1:]):
            raise ZooError(f"solids of {rows.shape[1:]} and of {self.shape}; compare those of one size.")
        self.shape = rows.shape[1:]
        self._parts.append(np.packbits(rows.reshape(len(rows), -1), axis=1))

    def merge(self, other: "Solids") -> None:
        """Add the solids of `other` after these."""
        self.shape = self.shape or other.shape
        self._parts += other._parts

    def result(self) -> np.ndarray:
        """uint8 (n, bytes), eight voxels in each. Raises ZooError where there are no solids."""
        if not self._parts:
            raise ZooError("no data have come yet: update() first.")
        return np.concatenate(self._parts)


class VoxelOverlap(Metric):
    """How made solids cover real ones, by the voxels they share: intersection over union (IoU), 0 to 1.

    - `iou_match`: the IoU of each real solid with the most similar made one, the mean (and deviation) over the real;
    - `iou_coverage`: the share of real solids that are the most similar real one of some made solid. Many made solids
      that are alike cover few.

    Minimum matching distance and coverage of Achlioptas et al. 2018 (https://arxiv.org/abs/1707.02392), with 1 - IoU as
    the distance. Both grow with the number of made solids: compare equal numbers, and read them beside the floor, other
    real solids in place of the made ones.
    """

    name = "iou"
    values = ("iou_match", "iou_coverage")
    higher = ("iou_match", "iou_coverage")
    takes = "points"
    statistic = Solids

    def compare(self, real, fake):
        shared = overlaps(real, fake)
        best = shared.max(axis=1)
        covered = np.unique(shared.argmax(axis=0)).size / len(real)
        return {"iou_match": Value(float(best.mean()), float(best.std())), "iou_coverage": covered}


def overlaps(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The IoU of each solid of one side with each of the other, both as `Solids` keeps them: float64 (n, m).

    Two empty solids are equal: 1.
    """
    left, right = (np.unpackbits(side, axis=1) for side in (one, other))
    sizes = [side.sum(axis=1, dtype=np.int64) for side in (left, right)]
    right = right.astype(np.float32).T  # sums of 0 and 1 up to 2**24 are exact
    inside = np.concatenate([left[i : i + BLOCK].astype(np.float32) @ right for i in range(0, len(left), BLOCK)])
    around = sizes[0][:, None] + sizes[1][None] - inside
    return np.divide(inside, around, out=np.ones(inside.shape), where=around > 0)
