"""Seams and periods against sums over pixels and made-up patterns."""

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics import texture
from tfgan_zoo.metrics.texture import Period, Seam


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def stripes(period, height=64, width=48, phase=0.0, noisy=0.0):
    """Horizontal stripes, sine waves down the columns."""
    rows = np.sin(2 * np.pi * np.arange(height) / period + phase)
    picture = rows[:, None, None] + noisy * np.random.default_rng(1).normal(size=(height, width, 3))
    return np.clip(127 + 60 * picture, 0, 255).astype(np.uint8)


def test_seam_formula():
    pictures = noise(3, 6, 9, 3)
    x = pictures.astype(float)
    ratios = []
    across = (np.abs(x[:, 0] - x[:, -1]).mean() + np.abs(x[:, :, 0] - x[:, :, -1]).mean()) / 2
    inside = (np.abs(x[:, 1:] - x[:, :-1]).mean() + np.abs(x[:, :, 1:] - x[:, :, :-1]).mean()) / 2
    for parts in ([pictures], [pictures[:1], pictures[1:]]):
        metrics = [Seam() for _ in parts]
        for metric, part in zip(metrics, parts):
            metric.update(fake=part)
            if metric is not metrics[0]:
                metrics[0].merge(metric)
        ratios.append(metrics[0].result()["seam"].value)
    np.testing.assert_allclose(ratios, across / inside, rtol=1e-12)


def test_a_tile_has_no_seam_and_its_half_has_one():
    rows, columns = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    tile = (127 + 60 * np.sin(2 * np.pi * rows / 32) + 60 * np.cos(2 * np.pi * columns / 32)).astype(np.uint8)
    found = []
    for picture in (tile, tile[:16, :16]):
        metric = Seam()
        metric.update(fake=picture[None, :, :, None])
        found.append(metric.result()["seam"].value)
    assert found[0] < 1.1 and found[1] > 3


def test_autocorrelation_formula():
    lines = np.random.default_rng(0).normal(size=(2, 5, 12))
    for picture, found in zip(lines, texture.autocorrelation(lines, 7)):
        x = picture - picture.mean()
        for lag in range(7):
            products = [line[i] * line[i + lag] for line in x for i in range(12 - lag)]
            assert found[lag] == pytest.approx(np.mean(products) / np.square(x).mean(), abs=1e-12)
    assert texture.autocorrelation(np.ones((1, 3, 4)), 2).tolist() == [[0, 0]]


def kept(real, fake):
    metric = Period()
    metric.update(real=np.stack(real), fake=np.stack(fake))
    return metric.result()["period"].value


def test_a_period_is_kept_or_lost():
    real = [stripes(8, phase=phase) for phase in (0, 1, 2)]
    metric = Period()
    metric.update(real=np.stack(real))
    assert texture.period_of(metric.real.result()) == (0, 8), "not one of its multiples"
    assert kept(real, [stripes(8, phase=3), stripes(8, phase=4)]) == pytest.approx(1, abs=0.02)
    assert kept(real, [stripes(8, 128, 96)]) == pytest.approx(1, abs=0.05), "sizes may differ"
    assert kept(real, [stripes(8, noisy=1.0)]) == pytest.approx(0.6, abs=0.1)  # 1/2 of the variance 1/2 + 1/3
    assert kept(real, [stripes(13)]) < 0.8 and abs(kept(real, [noise(64, 48, 3)])) < 0.2
    assert kept([picture.transpose(1, 0, 2) for picture in real], [stripes(8).transpose(1, 0, 2)]) > 0.95


def test_what_cannot_be_measured():
    gradient = np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None, None], (32, 32, 1))
    for metric, sides, message in (
        (Seam(), {"fake": np.full((1, 8, 8, 1), 7, np.uint8)}, "one colour"),
        (Period(), {"real": noise(2, 4, 4, 1)[:, :1], "fake": noise(1, 4, 4, 1)}, "no period"),
        (Period(), {"real": stripes(24)[None], "fake": noise(1, 16, 16, 3)}, "show 8; give larger"),
    ):
        metric.update(**sides)
        with pytest.raises(ZooError, match=message) as caught:
            metric.result()
        assert "\n" not in str(caught.value)
    metric = Seam()
    metric.update(fake=gradient[None])
    metric.update(fake=gradient[None, :8])  # differences are of any size
    with pytest.raises(ZooError, match="several sizes"):
        repeated = Period()
        repeated.update(real=noise(1, 8, 8, 1))
        repeated.update(real=noise(1, 16, 16, 1))
    with pytest.raises(ZooError, match="float64"):
        metric.update(fake=np.zeros((1, 4, 4, 1)))
