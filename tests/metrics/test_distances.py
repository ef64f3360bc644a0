"""Blocked distances against the plain formula, above all where rounding and ties would tell."""

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.maths import distances
from tfgan_zoo.metrics.maths.distances import blocks, closer, nearest, pairs


def rows(seed, count, dim, offset=0.0):
    return (np.random.default_rng(seed).normal(size=(count, dim)) + offset).astype(np.float32)


def direct(x, y):
    return ((x[:, None].astype(np.float64) - y[None].astype(np.float64)) ** 2).sum(axis=2)


@pytest.fixture(params=["one block", "many blocks"])
def block_sizes(request, monkeypatch):
    if request.param == "many blocks":
        monkeypatch.setattr(distances, "BLOCK", 200)
        monkeypatch.setattr(distances, "TILE", 60)


@pytest.mark.parametrize("dim, offset", [(2, 0), (40, 0), (40, 1000), (1500, -7)])
def test_blocks_are_within_their_margin(block_sizes, dim, offset):
    x, y = rows(0, 60, dim, offset), rows(1, 50, dim, offset)
    true, seen = direct(x, y), 0
    for block in blocks(x, y):
        error = np.abs(block.squared - true[block.rows])
        assert (error < block.margin_x + block.margin_y).all() and (error < 1e-5 * true.mean()).all()
        assert block.rows.start == seen and block.squared.dtype == np.float32
        seen = block.rows.stop
    assert seen == 60


@pytest.mark.parametrize("dim, offset", [(3, 0), (200, 500)])
def test_nearest_as_sorting_all_distances(block_sizes, dim, offset):
    x, y = rows(2, 31, dim, offset), rows(3, 47, dim, offset)
    true = direct(x, y)
    found = nearest(x, y, k=4)
    assert (found.indices == np.argsort(true, axis=1)[:, :4]).all()
    np.testing.assert_allclose(found.squared, np.sort(true, axis=1)[:, :4], rtol=1e-12)


def test_nearest_of_the_own_set_leaves_the_row_itself_out(block_sizes):
    x = rows(4, 40, 5)
    true = direct(x, x)
    np.fill_diagonal(true, np.inf)
    found = nearest(x, k=3)
    assert (found.indices == np.argsort(true, axis=1)[:, :3]).all()
    np.testing.assert_allclose(found.squared, np.sort(true, axis=1)[:, :3], rtol=1e-12)
    assert nearest(x, k=39).squared.shape == (40, 39)


def test_identical_rows_are_at_zero_far_from_the_origin(block_sizes):
    y = rows(5, 30, 64, offset=1e4)
    found = nearest(y[::-1], y)
    assert (found.squared == 0).all() and (found.indices[:, 0] == np.arange(30)[::-1]).all()
    assert (nearest(np.concatenate([y, y]), k=1).squared == 0).all()


def test_near_copies_are_found_among_close_rows():
    """|x|² is 1e7 times their squared distances, so the float32 product puts them in any order."""
    centre = rows(6, 1, 100) * 1000
    y = np.concatenate([centre + rows(7, 5, 100) * 0.3, rows(8, 200, 100) - centre]).astype(np.float32)
    found = nearest(y[:5] + np.float32(0.01), y)
    assert (found.indices[:, 0] == np.arange(5)).all()
    assert (found.squared < 0.05).all()


def test_equals_come_in_their_order():
    y = np.zeros((5, 2), np.float32)
    assert nearest(np.ones((2, 2), np.float32), y, k=3).indices.tolist() == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("or_equal", [False, True])
def test_comparisons_settle_ties(block_sizes, or_equal):
    """Every limit is itself one of the distances, so each row has a tie in which rounding must not decide."""
    x, y = rows(9, 40, 96, offset=100), rows(10, 50, 96, offset=100)
    limit = nearest(y, x, k=3).squared[:, 2]
    counts = sum(closer(x, y, block, limit, or_equal).sum(axis=0) for block in blocks(x, y))
    assert (counts == (3 if or_equal else 2)).all()


def test_pairs_are_symmetric(block_sizes):
    x, y = rows(11, 20, 33), rows(12, 20, 33)
    i = np.arange(20)
    assert (pairs(x, i, y, i) == pairs(y, i, x, i)).all()
    np.testing.assert_allclose(pairs(x, i, y, i), np.diag(direct(x, y)), rtol=1e-12)


@pytest.mark.parametrize("k", [0, 4, 9])
def test_more_neighbours_than_rows_are_refused(k):
    with pytest.raises(ZooError, match=f"k={k} nearest neighbours among 3 samples"):
        nearest(rows(13, 4, 2), k=k)


def test_other_rows_are_refused():
    with pytest.raises(ZooError, match="2 and 3 numbers"):
        nearest(rows(14, 4, 2), rows(14, 4, 3))
    with pytest.raises(ZooError, match="0 and 4 rows"):
        nearest(rows(14, 0, 2), rows(14, 4, 2))
