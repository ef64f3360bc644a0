"""Euclidean distances between many rows, a block at a time, so that 50,000 x 50,000 fit into a few hundred MB.

A block comes from one float32 matrix product, |x - y|² = |x|² - 2 x·y + |y|², which is fast but cancels where two rows
are close together. Two things keep that from mattering. All rows are centred by their common mean first, as the
rounding grows with |x|² + |y|². And what decides a result is settled by the plain formula, sum (x - y)² in float64: the
distances to nearest neighbours (`nearest`), and pairs so close to a limit that rounding could decide (`closer`). So:

- neighbours' distances are the plain formula's, and identical rows are at exactly 0;
- comparisons with a limit are right, ties included, as that formula gives the same for x, y as for y, x;
- only which of several rows, equally far to within the rounding, counts as the nearest can be left to chance.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tfgan_zoo.errors import ZooError

BLOCK = 2**24  # distances in a block: 64 MB
TILE = 2**23  # numbers in the rows that are centred, or subtracted from others, at a time: 32 or 64 MB
SPARE = 4  # candidates beyond k, for neighbours in the wrong order by rounding


class Block(NamedTuple):
    """Squared distances of some rows of x to all of y.

    Attributes:
        rows: which rows of x.
        squared: float32 (rows, m), at least 0, within `margin_x + margin_y` of the truth.
        margin_x: float32 (rows, 1).
        margin_y: float32 (m,).
    """

    rows: slice
    squared: np.ndarray
    margin_x: np.ndarray
    margin_y: np.ndarray


class Neighbours(NamedTuple):
    """The nearest rows of y for each row of x, nearest first; of equals, the first in y.

    Attributes:
        indices: int64 (n, k), into y.
        squared: float64 (n, k), their squared distances.
    """

    indices: np.ndarray
    squared: np.ndarray


def blocks(x: np.ndarray, y: np.ndarray) -> Iterator[Block]:
    """Squared distances from float32 rows x (n, d) to y (m, d), as blocks of rows of x in order.

    Raises ZooError where x and y have rows of different lengths, or one has none.
    """
    if not len(x) or not len(y):
        raise ZooError(f"distances between {len(x):,} and {len(y):,} rows; give 1 or more of each.")
    if x.shape[1] != y.shape[1]:
        raise ZooError(f"rows of {x.shape[1]:,} and {y.shape[1]:,} numbers; compare like with like.")
    dim = x.shape[1]
    total = x.sum(axis=0, dtype=np.float64) + y.sum(axis=0, dtype=np.float64)
    mean = (total / (len(x) + len(y))).astype(np.float32)
    tiles = _slices(len(y), TILE // dim)
    norms_y = np.concatenate([_norms(y[tile] - mean) for tile in tiles])
    # Rounding of a few operations and of a product of `dim` terms; errors measured for 2 to 8,192 stay below 1/3 of it.
    slack = np.float32((8 + dim**0.5) * np.finfo(np.float32).eps)
    for rows in _slices(len(x), BLOCK // len(y)):
        left = x[rows] - mean
        norms_x = _norms(left)[:, None]
        left *= -2
        squared = np.empty((len(left), len(y)), np.float32)
        for tile in tiles:
            squared[:, tile] = left @ (y[tile] - mean).T
        squared += norms_x
        squared += norms_y
        np.maximum(squared, 0, out=squared)
        yield Block(rows, squared, slack * norms_x, slack * norms_y)


def nearest(x: np.ndarray, y: np.ndarray | None = None, k: int = 1) -> Neighbours:
    """The k nearest rows of y (m, d) for each row of x (n, d), float32; without y, of the other rows of x.

    Raises:
        ZooError: fewer than k rows to choose from; rows of different lengths.
    """
    own = y is None
    y = x if own else y
    choice = len(y) - own
    if not 1 <= k <= choice:
        raise ZooError(f"k={k} nearest neighbours among {choice:,} samples: give more, or k from 1 to {choice:,}.")
    keep = min(k + SPARE, choice)
    indices, distances = np.empty((len(x), k), np.int64), np.empty((len(x), k))
    for rows, squared, *_ in blocks(x, y):
        here = np.arange(rows.start, rows.stop)
        if own:
            squared[here - rows.start, here] = np.inf
        near = np.sort(np.argpartition(squared, keep - 1, axis=1)[:, :keep], axis=1)
        exact = pairs(x, np.repeat(here, keep), y, near.ravel()).reshape(near.shape)
        order = np.argsort(exact, axis=1, kind="stable")[:, :k]
        indices[rows] = np.take_along_axis(near, order, axis=1)
        distances[rows] = np.take_along_axis(exact, order, axis=1)
    return Neighbours(indices, distances)


def closer(x: np.ndarray, y: np.ndarray, block: Block, limit: np.ndarray, or_equal: bool = False) -> np.ndarray:
    """Whether squared distances of a block of `blocks(x, y)` are below `limit` (or equal to it), ties settled.

    `limit`, float64 that broadcasts to the block, holds squared distances of `nearest` or `pairs`. Returns bool.
    """
    compare = np.less_equal if or_equal else np.less
    gap = block.squared - limit.astype(np.float32)
    result = gap < 0
    i, j = np.nonzero(np.abs(gap, out=gap) <= block.margin_x + block.margin_y)
    exact = pairs(x, i + block.rows.start, y, j)
    result[i, j] = compare(exact, np.broadcast_to(limit, result.shape)[i, j])
    return result


def pairs(x: np.ndarray, i: np.ndarray, y: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Squared distances of the pairs x[i], y[j], for indices (p,): float64 (p,)."""
    squared = np.empty(len(i))
    for part in _slices(len(i), TILE // x.shape[1]):
        gap = np.subtract(x[i[part]], y[j[part]], dtype=np.float64)
        squared[part] = np.einsum("ij,ij->i", gap, gap)
    return squared


def _norms(x: np.ndarray) -> np.ndarray:
    """Squared lengths: float32 (n, d) -> float32 (n,), summed in float64."""
    return np.einsum("ij,ij->i", x, x, dtype=np.float64).astype(np.float32)


def _slices(count: int, size: int) -> list[slice]:
    size = max(1, size)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
