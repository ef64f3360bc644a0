"""The functions that make a key of a picture."""

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from tfgan_zoo.data import derived, keyed
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image, Mask


def draws(count, seed=0):
    return lambda i: keyed.uniform(seed, np.arange(count), i)


def keys_cubic(x):
    """The kernel of Keys 1981 with a = -0.5."""
    x = np.abs(x)
    return np.where(x < 1, 1.5 * x**3 - 2.5 * x**2 + 1, np.where(x < 2, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2, 0))


def test_low_res_is_the_antialiased_bicubic_kernel():
    """Against the kernel written out, away from the borders: within the rounding of bytes."""
    picture = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 1), np.uint8)
    made = derived.low_res(picture, Image((16, 16, 1)))[0, :, :, 0].astype(float)
    centres = (np.arange(16) + 0.5) * 4 - 0.5
    weights = keys_cubic((np.arange(64)[None] - centres[:, None]) / 4)
    weights /= weights.sum(axis=1, keepdims=True)
    expected = weights @ picture[0, :, :, 0] @ weights.T
    assert np.abs(made - np.clip(expected, 0, 255))[2:-2, 2:-2].max() <= 1.01
    checks = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[None, :, :, None]
    assert np.abs(derived.low_res(checks, Image((16, 16, 1))).astype(int) - 127).max() <= 2  # no moire
    with pytest.raises(ZooError, match="no whole part"):
        derived.low_res(checks, Image((16, 32, 1)))


def test_grey_is_luma():
    red = np.zeros((2, 4, 4, 3), np.uint8)
    red[..., 0] = 255
    assert (derived.grey(red, Image((4, 4, 1))) == 76).all() and (derived.grey(red, Image((4, 4, 3))) == 76).all()


def test_the_mask_is_the_square_in_the_middle():
    made = derived.mask(np.zeros((2, 9, 9, 3), np.uint8), Mask((8, 12, 1)), 0.5)
    assert made.shape == (2, 8, 12, 1) and (made[:, 2:6, 3:9] == 255).all() and made.sum() == 2 * 24 * 255


@pytest.mark.parametrize("side", [16, 64])
@pytest.mark.parametrize(("least", "most"), [(0.05, 0.1), (0.1, 0.5), (0.5, 0.6)])
def test_random_masks_cover_the_share_that_is_asked_for(side, least, most):
    made = derived.random_mask(np.zeros((200, side, side, 3)), Mask((side, side, 1)), draws(200), least, most)
    assert set(np.unique(made)) == {0, 255}
    shares = (made == 255).mean((1, 2, 3))
    assert shares.min() >= least and shares.max() < most + 0.12
    wanted = least + (most - least) * draws(200)(0)
    assert np.corrcoef(shares, wanted)[0, 1] > 0.5 and abs(shares.mean() - wanted.mean()) < 0.06
    assert len({mask.tobytes() for mask in made}) == 200
    where = (made == 255).mean(0)[..., 0]  # everywhere in the picture alike
    assert where.min() > 0.2 * where.mean()


@pytest.mark.parametrize("part", [0.1, 0.25, 0.5])
def test_random_regions_are_blobs_of_the_part_that_is_asked_for(part):
    made = derived.random_regions(np.zeros((100, 64, 48, 3)), Mask((64, 48, 1)), draws(100), part)
    assert made.dtype == np.uint8 and set(np.unique(made)) == {0, 255} and made.shape == (100, 64, 48, 1)
    np.testing.assert_allclose((made == 255).mean((1, 2, 3)), part, atol=0.005)
    assert len({mask.tobytes() for mask in made}) == 100
    where = (made == 255).mean(0).reshape(4, 16, 4, 12).mean((1, 3))  # everywhere in the picture alike
    assert where.min() > 0.6 * part and where.max() < 1.5 * part
    inside = made[..., 0] == 255
    borders = (inside[:, 1:] != inside[:, :-1]).sum((1, 2)) + (inside[:, :, 1:] != inside[:, :, :-1]).sum((1, 2))
    assert borders.max() < 0.6 * inside.sum((1, 2)).min() / min(part, 0.25)  # noise would have as many as pixels


def test_edges_are_thin_black_lines_where_there_are_steps():
    picture = np.zeros((1, 32, 32, 3), np.uint8)
    picture[:, 8:24, 8:24] = 255
    made = derived.edges(picture, Image((32, 32, 1)))[0, :, :, 0]
    assert set(np.unique(made)) == {0, 255}
    lines = made == 0
    assert 40 <= lines.sum() <= 80  # the outline has 60 pixels
    for line in (lines[16], lines[:, 16]):  # two crossings of one pixel each
        assert line.sum() == 2 and set(np.flatnonzero(line)) <= {7, 8, 23, 24}
    assert (derived.edges(np.full((1, 16, 16, 1), 90, np.uint8), Image((16, 16, 3))) == 255).all()


def test_weak_edges_are_kept_where_they_hang_together_with_strong_ones():
    """A step that fades from strong to weak, and a weak one alone."""
    heights = np.linspace(200, 40, 64)
    fading = np.where(np.arange(64)[None] < 32, 0, heights[:, None]).astype(np.uint8)
    alone = np.where(np.arange(64)[None] < 32, 0, 40).repeat(64, 0).astype(np.uint8)
    both = derived.edges(np.stack([fading, alone])[..., None], Image((64, 64, 1)), low=0.05, high=0.3)[..., 0]
    assert (both[0] == 0).any(axis=1).all() and (both[1] == 255).all()
    with pytest.raises(ZooError, match="low = 0.5 is above high = 0.2"):
        derived.edges(np.zeros((1, 8, 8, 1), np.uint8), Image((8, 8, 1)), low=0.5)


def test_edges_of_a_disc_are_round():
    canvas = Pillow.new("L", (64, 64))
    ImageDraw.Draw(canvas).ellipse([12, 12, 52, 52], fill=255)
    made = derived.edges(np.asarray(canvas)[None, :, :, None], Image((64, 64, 1)))[0, :, :, 0]
    rows, columns = np.nonzero(made == 0)
    radius = np.hypot(rows - 32, columns - 32)
    assert len(rows) > 100 and 18.5 < radius.min() and radius.max() < 22
