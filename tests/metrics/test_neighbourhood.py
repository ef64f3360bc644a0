"""Metrics made of distances or kernels between samples, against the papers' formulas and closed forms."""

import math
import warnings

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import scipy.stats

from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import similar
from tfgan_zoo.metrics.kid import KernelDistance, mmd2
from tfgan_zoo.metrics.knn import NearestNeighborAccuracy
from tfgan_zoo.metrics.maths import distances
from tfgan_zoo.metrics.maths.labelled import LabelledRows
from tfgan_zoo.metrics.memorisation import Memorisation, rank_z
from tfgan_zoo.metrics.near import NeighbourDistance
from tfgan_zoo.metrics.parzen import ParzenLikelihood, log_likelihoods
from tfgan_zoo.metrics.prdc import PrecisionRecall
from tfgan_zoo.metrics.two_sample import TwoSampleAccuracy

PLAIN = [KernelDistance, PrecisionRecall, TwoSampleAccuracy, Memorisation, NeighbourDistance, ParzenLikelihood]


def rows(seed, count, dim=6, offset=0.0):
    return (np.random.default_rng(seed).normal(size=(count, dim)) + offset).astype(np.float32)


def measured(metric, real, fake, held_out=None, batches=1):
    for side, data in (("real", real), ("fake", fake), ("held_out", held_out)):
        for part in [] if data is None else np.array_split(data, batches):
            getattr(metric, side).update(part)
    return metric.result()


def numbers(results):
    return {name: value.value for name, value in results.items()}


def data(cls):
    held_out = {"held_out": rows(3, 90)} if "held_out" in cls.sides else {}
    return {"real": rows(1, 120), "fake": rows(2, 120, offset=0.2), **held_out}


def metric_of(cls):
    return cls(6, subsets=5, subset_size=50) if cls is KernelDistance else cls(6)


# === Common to all ===


@pytest.mark.parametrize("cls", PLAIN)
def test_batches_and_merge_change_nothing(cls):
    whole = measured(metric_of(cls), **data(cls))
    assert tuple(whole) == cls.values and set(cls.higher) <= set(cls.values)
    assert measured(metric_of(cls), **data(cls), batches=7) == whole
    first, second = metric_of(cls), metric_of(cls)
    for side, of_side in data(cls).items():
        getattr(first, side).update(of_side[:50])
        getattr(second, side).update(of_side[50:])
    first.merge(second)
    assert first.result() == whole


@pytest.mark.parametrize("cls", PLAIN)
def test_nan_is_refused_with_a_count(cls):
    broken = rows(0, 9)
    broken[[2, 5], 1] = np.nan
    with pytest.raises(ZooError, match="NaN or infinity in 2 feature vectors of 9"):
        metric_of(cls).update(fake=broken)


@pytest.mark.parametrize("cls", [KernelDistance, PrecisionRecall, TwoSampleAccuracy])
def test_one_sample_is_too_few(cls):
    metric = metric_of(cls)
    metric.update(rows(0, 9), rows(1, 1))
    with pytest.raises(ZooError):
        metric.result()


# === KID ===


def test_mmd_is_the_u_statistic():
    x, y = rows(0, 7), rows(1, 9, offset=1)

    def k(a, b):
        return (float(a.astype(np.float64) @ b) / 6 + 1) ** 3

    expected = (
        np.mean([k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
        + np.mean([k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
        - 2 * np.mean([k(a, b) for a in x for b in y])
    )
    assert mmd2(x, y) == pytest.approx(expected, rel=1e-6)


def test_mmd_is_unbiased():
    """(xy + 1)³ = 1 + 3xy + 3x²y² + x³y³, so MMD² is 3 (m1 - n1)² + 3 (m2 - n2)² + (m3 - n3)² with raw moments m, n.

    Those of N(0, 1) are 0, 1, 0, and those of N(1, 1) are 1, 2, 4.
    """
    rng = np.random.default_rng(0)
    for shift, expected in ((1, 3 * 1**2 + 3 * (2 - 1) ** 2 + 4**2), (0, 0)):
        found = [mmd2(rng.normal(size=(20, 1)), rng.normal(size=(20, 1)) + shift) for _ in range(2000)]
        assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / math.sqrt(2000))


def test_kid_is_the_mean_over_seeded_subsets():
    real, fake = rows(0, 40), rows(1, 50, offset=0.5)
    draw = np.random.RandomState(9)
    parts = []
    for _ in range(3):
        x = fake[draw.choice(50, 30, replace=False)]
        parts.append(mmd2(x, real[draw.choice(40, 30, replace=False)]))
    kid = measured(KernelDistance(6, subsets=3, subset_size=30, seed=9), real, fake)["kid"]
    assert kid == pytest.approx((np.mean(parts), np.std(parts)))


def test_kid_of_fewer_samples_than_a_subset_warns():
    with pytest.warns(UserWarning, match="subsets of 30 instead"):
        kid = measured(KernelDistance(6, subsets=4), rows(0, 40), rows(1, 30))["kid"]
    assert kid.deviation > 0
    with pytest.warns(UserWarning, match="give more samples"):
        kid = measured(KernelDistance(6), rows(0, 30), rows(1, 30))["kid"]
    assert kid.value == pytest.approx(mmd2(rows(1, 30), rows(0, 30))) and kid.deviation is None


# === Precision, recall, density, coverage ===


def prdc_by_formula(real, fake, k_pr, k_dc):
    own = [np.sort(scipy.spatial.distance.cdist(x, x), axis=1) for x in (real, fake)]  # column 0 is the row itself
    between = scipy.spatial.distance.cdist(real, fake)
    in_real = between < own[0][:, [k_dc]]
    return {
        "precision": (between <= own[0][:, [k_pr]]).any(axis=0).mean(),
        "recall": (between <= own[1][:, k_pr]).any(axis=1).mean(),
        "density": in_real.sum(axis=0).mean() / k_dc,
        "coverage": in_real.any(axis=1).mean(),
    }


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("ks", [{}, {"k_pr": 2, "k_dc": 1}, {"k_pr": 4, "k_dc": 4}])
def test_prdc_as_the_formula(monkeypatch, ks, ties):
    monkeypatch.setattr(distances, "BLOCK", 150 * 40)
    real, fake = rows(0, 150), rows(1, 130, offset=0.4)
    if ties:
        real, fake = np.round(real), np.round(fake)
    expected = prdc_by_formula(real.astype(float), fake.astype(float), **({"k_pr": 3, "k_dc": 5} | ks))
    assert numbers(measured(PrecisionRecall(6, **ks), real, fake)) == pytest.approx(expected)


def test_prdc_as_the_authors_library():
    prdc = pytest.importorskip("prdc")
    real, fake = rows(0, 150), rows(1, 130, offset=0.4)
    expected = prdc.compute_prdc(real, fake, nearest_k=5)
    assert numbers(measured(PrecisionRecall(6, k_pr=5), real, fake)) == pytest.approx(expected)


def test_prdc_of_identical_and_of_disjoint_sets():
    x = rows(0, 200, dim=300, offset=50)
    best = {"precision": 1, "recall": 1, "density": 1, "coverage": 1}
    assert numbers(measured(PrecisionRecall(300), x, x[::-1])) == best
    assert numbers(measured(PrecisionRecall(300), x, x + 100)) == dict.fromkeys(best, 0)


def test_prdc_tells_lost_modes_from_poor_samples():
    modes = np.array([[0.0] * 6, [50.0] * 6])
    real = np.concatenate([rows(i, 200) + m for i, m in enumerate(modes)])
    collapsed = numbers(measured(PrecisionRecall(6), real, rows(2, 400)))
    assert collapsed["precision"] > 0.8 and collapsed["recall"] < 0.55 and collapsed["coverage"] < 0.55
    scattered = numbers(measured(PrecisionRecall(6), rows(3, 400), rows(4, 400) * 3))
    assert scattered["density"] < 0.5 < scattered["recall"]


def test_density_and_coverage_expected_of_a_perfect_model():
    """Naeem et al. 2020, Lemmas 1 and 2: 1, and 1 - (N-1)...(N-k) / ((M+N-1)...(M+N-k))."""
    n, m, k = 60, 50, 5
    results = [numbers(measured(PrecisionRecall(6), rows(2 * s, n), rows(2 * s + 1, m))) for s in range(100)]
    coverage = 1 - math.prod((n - i) / (m + n - i) for i in range(1, k + 1))
    for name, expected in (("density", 1), ("coverage", coverage)):
        found = [r[name] for r in results]
        assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / 10)


def test_prdc_needs_more_samples_than_neighbours():
    with pytest.raises(ZooError, match="k=5 nearest neighbours among 4"):
        measured(PrecisionRecall(6), rows(0, 5), rows(1, 50))
    with pytest.raises(ZooError, match="k_dc=0"):
        PrecisionRecall(6, k_dc=0)


# === Labelled rows and their nearest neighbours ===


def test_labelled_rows_keep_order_through_merge():
    a, b = LabelledRows(6), LabelledRows()
    a.update(rows(0, 3), np.array([1, 2, 3], np.uint8))
    b.update(rows(1, 2), [7, 8])
    a.merge(b)
    result = a.result()
    assert result.labels.tolist() == [1, 2, 3, 7, 8] and result.labels.dtype == np.int64
    np.testing.assert_array_equal(result.rows, np.concatenate([rows(0, 3), rows(1, 2)]))


@pytest.mark.parametrize("labels", [[1, 2], [[1], [2], [3]], [1.0, 2.0, 3.0]])
def test_labels_are_one_integer_per_row(labels):
    with pytest.raises(ZooError, match="one integer per row"):
        LabelledRows(6).update(rows(0, 3), labels)


def classified(train, train_labels, test, test_labels, **kwargs):
    metric = NearestNeighborAccuracy(train.shape[1], **kwargs)
    metric.update(train, test, real_labels=train_labels, fake_labels=test_labels)
    return metric.result()["knn_accuracy"].value


def test_knn_accuracy_by_hand():
    train, labels = np.array([[0], [1], [2], [10], [11]], np.float32), np.array([3, 4, 4, 5, 5])
    test = np.array([[0.1], [1.2], [9], [0.1]], np.float32)
    assert classified(train, labels, test, np.array([3, 4, 5, 4])) == 0.75
    assert classified(train, labels, test, np.array([4, 4, 5, 4]), k=3) == 1
    # Two neighbours that disagree: the nearer one wins.
    assert classified(train, labels, test, np.array([3, 4, 5, 3]), k=2) == 1


def test_knn_accuracy_needs_labels():
    with pytest.raises(ZooError, match="needs labels of the fake data"):
        NearestNeighborAccuracy(6).update(fake=rows(0, 3))


# === Two-sample test ===


def test_two_sample_as_leave_one_out():
    real, fake = rows(0, 80), rows(1, 80, offset=0.3)
    between = scipy.spatial.distance.cdist(*[np.concatenate([real, fake]).astype(float)] * 2)
    np.fill_diagonal(between, np.inf)
    right = (between.argmin(axis=1) < 80) == (np.arange(160) < 80)
    expected = {"two_sample": right.mean(), "two_sample_real": right[:80].mean(), "two_sample_fake": right[80:].mean()}
    assert numbers(measured(TwoSampleAccuracy(6), real, fake)) == pytest.approx(expected)


def test_two_sample_extremes():
    x = rows(0, 60)
    assert numbers(measured(TwoSampleAccuracy(6), x, x + 50))["two_sample"] == 1
    assert numbers(measured(TwoSampleAccuracy(6), x, x))["two_sample"] == 0
    assert numbers(measured(TwoSampleAccuracy(6), x * 0, x * 0))["two_sample"] == 0.5
    found = [numbers(measured(TwoSampleAccuracy(6), rows(s, 60), rows(s + 99, 60)))["two_sample"] for s in range(40)]
    assert np.mean(found) == pytest.approx(0.5, abs=4 * np.std(found) / math.sqrt(40))


def test_two_sample_takes_as_many_of_either_side():
    with pytest.warns(UserWarning, match="50 of 90 real and 50 fake"):
        found = numbers(measured(TwoSampleAccuracy(6), rows(0, 90), rows(1, 50)))
    assert found["two_sample"] < 0.75


# === Memorisation ===


def test_memorisation_tells_copies_from_samples_and_from_noise():
    training, test = rows(0, 600), rows(1, 300)
    copies = numbers(measured(Memorisation(6), test, training[:200] + 1e-3, training))
    assert copies["memorisation"] == 1 and copies["ct_score"] < -15 and copies["nearest_ratio"] < 0.01
    good = numbers(measured(Memorisation(6), test, rows(2, 300), training))
    assert good["memorisation"] < 0.05 and abs(good["ct_score"]) < 3.5 and abs(good["nearest_ratio"] - 1) < 0.15
    noise = numbers(measured(Memorisation(6), test, rows(3, 300) * 5, training))
    assert noise["memorisation"] < 0.01 and noise["ct_score"] > 15 and noise["nearest_ratio"] > 2


def test_a_few_copies_show_in_the_fraction_alone():
    training, fake = rows(0, 600), rows(2, 300)
    fake[:30] = training[:30]
    found = numbers(measured(Memorisation(6), rows(1, 300), fake, training))
    assert 0.1 <= found["memorisation"] < 0.15 and found["ct_score"] > -5


def test_copies_show_though_unseen_data_hold_some_too():
    training, test = rows(0, 600), rows(1, 300)
    test[:9] = training[:9]
    found = numbers(measured(Memorisation(6), test, training[:300], training))
    assert found["memorisation"] == 1 and found["nearest_ratio"] == 0


def test_fraction_expected_without_copying():
    found = [
        numbers(measured(Memorisation(2), rows(3 * s, 200, 2), rows(3 * s + 1, 200, 2), rows(3 * s + 2, 50, 2)))
        for s in range(200)
    ]
    fraction = [r["memorisation"] for r in found]
    assert np.mean(fraction) == pytest.approx(2 / 201, abs=4 * np.std(fraction) / math.sqrt(200))


def test_rank_z_as_scipy():
    rng = np.random.default_rng(0)
    for digits in (9, 0):  # without and with ties
        a, b = np.round(rng.normal(size=40), digits), np.round(rng.normal(size=50) + 0.3, digits)
        u = scipy.stats.mannwhitneyu(a, b).statistic
        assert rank_z(a, b) == pytest.approx((u - 40 * 50 / 2) / math.sqrt(40 * 50 * 91 / 12))


def test_memorisation_of_too_few_or_of_training_data():
    with pytest.warns(UserWarning, match="of 40 here: give 100 or more"):
        measured(Memorisation(6), rows(0, 40), rows(1, 40), rows(2, 40))
    with pytest.raises(ZooError, match="real data of another split"):
        measured(Memorisation(6), rows(2, 120), rows(1, 40), rows(2, 120))


def test_picture_has_each_fake_beside_its_neighbours():
    images = np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1) * np.ones((1, 40, 40, 1), np.uint8)
    drawn = similar.rows(images[:2], images[2:].reshape(2, 3, 40, 40, 1))
    middle = drawn.shape[0] // 4, drawn.shape[1] // 8
    assert drawn[middle[0] :: 2 * middle[0], middle[1] :: 2 * middle[1], 0].tolist() == [[0, 2, 3, 4], [1, 5, 6, 7]]
    with pytest.raises(ZooError, match="neighbours"):
        similar.rows(images[:2], images[2:])


# === Parzen window ===


def test_likelihood_under_one_gaussian_in_closed_form():
    x, centre, sigmas = rows(0, 5), rows(1, 1), [0.1, 0.7]
    expected = [scipy.stats.multivariate_normal(centre[0], s**2).logpdf(x) for s in sigmas]
    np.testing.assert_allclose(log_likelihoods(x, centre, sigmas), expected, rtol=1e-5)


def test_parzen_as_the_formula():
    real, fake, held_out = (np.random.default_rng(s).uniform(size=(40, 30)).astype(np.float32) for s in range(3))
    squared = scipy.spatial.distance.cdist(np.concatenate([real, held_out]), fake, "sqeuclidean")

    def log_mean_window(s):
        return scipy.special.logsumexp(-squared / (2 * s**2), axis=1) - math.log(40) - 15 * math.log(2 * math.pi * s**2)

    of_sigma = {s: log_mean_window(s) for s in np.logspace(-1, 0, 10)}
    sigma = max(of_sigma, key=lambda s: of_sigma[s][40:].mean())
    assert 0.1 < sigma < 1
    result = measured(ParzenLikelihood(30), real, fake, held_out)
    assert result["parzen_sigma"].value == pytest.approx(sigma)
    scores = of_sigma[sigma][:40]
    assert result["parzen"] == pytest.approx((scores.mean(), scores.std() / math.sqrt(40)), rel=1e-5)


def test_parzen_width_is_chosen_on_the_first_held_out_rows():
    real = fake = np.zeros((5, 20), np.float32)
    held_out = np.concatenate([np.full((3, 20), 0.2, np.float32), np.full((9, 20), 3, np.float32)])
    result = measured(ParzenLikelihood(20, sigmas=[0.1, 0.2, 5], validation=3), real, fake, held_out)
    assert result["parzen_sigma"].value == 0.2
    assert result["parzen"] == pytest.approx((-20 * math.log(0.2 * math.sqrt(2 * math.pi)), 0))


def test_far_away_is_very_unlikely_not_infinitely():
    found = log_likelihoods(np.full((1, 784), 1, np.float32), np.zeros((3, 784), np.float32), [0.1])
    assert found[0, 0] == pytest.approx(-784 / 0.02 - 784 * math.log(0.1 * math.sqrt(2 * math.pi)), rel=1e-5)


def test_no_warnings_with_enough_samples():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cls in PLAIN:
            measured(metric_of(cls), **data(cls))


# === Distances to neighbours ===
def test_neighbour_distances_are_in_units_of_real_data():
    real, training, fake = rows(1, 80), rows(2, 400), rows(3, 200)
    found = numbers(measured(NeighbourDistance(6), real, fake, training))
    between = scipy.spatial.distance.cdist
    to_training = [between(side, training).min(axis=1).mean() for side in (fake, real)]
    apart = [np.where(np.eye(80), np.inf, between(side[:80], side[:80])).min(axis=1).mean() for side in (fake, real)]
    assert found["distance_train"] == pytest.approx(to_training[0] / to_training[1], rel=1e-5)
    assert found["distance_self"] == pytest.approx(apart[0] / apart[1], rel=1e-5)


def test_neighbour_distances_tell_copies_and_a_collapse():
    real, training = rows(1, 100), rows(2, 300)
    assert numbers(measured(NeighbourDistance(6), real, training[:50], training))["distance_train"] == 0
    collapsed = numbers(measured(NeighbourDistance(6), real, rows(3, 100) / 100, training))
    assert collapsed["distance_self"] < 0.05
    with pytest.raises(ZooError, match="give real data of another split"):
        measured(NeighbourDistance(6), training[:50], real, training)
