"""The Fréchet distance and its running statistics, against closed forms."""

import warnings

import numpy as np
import pytest
import scipy.linalg

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.maths.frechet import RunningGaussian, Statistics, frechet_distance


def gaussian(x, batches=1):
    running = RunningGaussian(x.shape[1])
    for part in np.array_split(x, batches):
        running.update(part)
    return running.result()


def correlated(rng, count, dim, shift=0.0):
    return rng.normal(size=(count, dim)) @ rng.normal(size=(dim, dim)) + shift


# === The distance ===


def test_one_dimension():
    a = Statistics(np.array([1.0]), np.array([[4.0]]), 9)
    b = Statistics(np.array([4.0]), np.array([[1.0]]), 9)
    assert frechet_distance(a, b) == pytest.approx((4 - 1) ** 2 + (2 - 1) ** 2, rel=1e-12)


def test_diagonal_covariances():
    rng = np.random.default_rng(0)
    mean, variances = rng.normal(size=(2, 6)), rng.uniform(0.1, 3, (2, 6))
    a, b = (Statistics(mean[i], np.diag(variances[i]), 99) for i in (0, 1))
    expected = ((mean[0] - mean[1]) ** 2).sum() + ((variances[0] ** 0.5 - variances[1] ** 0.5) ** 2).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_shift_alone():
    x = correlated(np.random.default_rng(1), 200, 5)
    assert frechet_distance(gaussian(x), gaussian(x + 2.0)) == pytest.approx(5 * 4.0, rel=1e-9)


def test_identical_sets_give_zero():
    stats = gaussian(correlated(np.random.default_rng(2), 300, 20, shift=3.0))
    assert 0 <= frechet_distance(stats, stats) < 1e-5 * np.trace(stats.cov)


def test_symmetric_and_as_scipy_sqrtm():
    rng = np.random.default_rng(3)
    a, b = gaussian(correlated(rng, 500, 32)), gaussian(correlated(rng, 400, 32, shift=0.3))
    gap = a.mean - b.mean
    root = scipy.linalg.sqrtm(a.cov @ b.cov).real
    expected = gap @ gap + np.trace(a.cov) + np.trace(b.cov) - 2 * np.trace(root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-6)


def test_fewer_samples_than_features_warns_and_stays_finite():
    rng = np.random.default_rng(4)
    a, b = gaussian(rng.normal(size=(8, 30))), gaussian(rng.normal(size=(9, 30)))
    with pytest.warns(UserWarning, match="8 samples for 30 features"):
        assert np.isfinite(frechet_distance(a, b))


def test_different_feature_counts_are_refused():
    a, b = (Statistics(np.zeros(d), np.eye(d), 99) for d in (2, 3))
    with pytest.raises(ZooError, match="2 and 3 features"):
        frechet_distance(a, b)


# === The running statistics ===


def test_as_numpy_however_it_is_split():
    x = correlated(np.random.default_rng(5), 101, 7, shift=10.0).astype(np.float32)
    for batches in (1, 2, 17, 101):
        stats = gaussian(x, batches)
        np.testing.assert_allclose(stats.mean, x.astype(np.float64).mean(0), rtol=1e-12)
        np.testing.assert_allclose(stats.cov, np.cov(x.astype(np.float64), rowvar=False), rtol=1e-9)
        assert stats.count == 101


def test_merge_equals_one_pass():
    x = correlated(np.random.default_rng(6), 60, 4)
    first, second = RunningGaussian(4), RunningGaussian(4)
    first.update(x[:25])
    second.update(x[25:])
    first.merge(second)
    np.testing.assert_allclose(first.result().cov, gaussian(x).cov, rtol=1e-12)


def test_nan_features_are_counted():
    x = np.zeros((10, 3))
    x[2, 1], x[7] = np.nan, np.inf
    with pytest.raises(ZooError, match="in 2 feature vectors of 10;"):
        RunningGaussian(3).update(x)


def test_wrong_shape_and_too_few():
    with pytest.raises(ZooError, match=r"\(5, 4\)"):
        RunningGaussian(3).update(np.zeros((5, 4)))
    running = RunningGaussian(3)
    running.update(np.zeros((1, 3)))
    with pytest.raises(ZooError, match="1 feature vector:"):
        running.result()


def test_no_warning_with_enough_samples():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.random.default_rng(7).normal(size=(50, 4))
        frechet_distance(gaussian(x), gaussian(x + 1))
