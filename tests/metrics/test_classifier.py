"""Scores by classifiers, class by class, of modes and of paths, against their closed forms and other libraries."""

import math
import warnings

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.classifier_score import ClassifierScore, LabelEntropy
from tfgan_zoo.metrics.conditional import ClassifierAccuracy, IntraClassFrechet
from tfgan_zoo.metrics.maths.frechet import RunningGaussian, frechet_distance
from tfgan_zoo.metrics.modes import MixtureModes, StackedModes
from tfgan_zoo.metrics.path_length import PathLength


def numbers(metric):
    return {name: value.value for name, value in metric.result().items()}


# === Classifier score ===


def score(logits, batches=1, **settings):
    metric = ClassifierScore(logits.shape[1], **settings)
    for part in np.array_split(logits, batches):
        metric.update(fake=part)
    return metric.result()["score"]


def test_certain_and_balanced_scores_the_number_of_classes():
    certain = np.tile(100 * np.eye(7), (10, 1))
    assert score(certain) == pytest.approx((7, 0), abs=1e-9)
    assert score(np.zeros((70, 7))) == pytest.approx((1, 0), abs=1e-12)
    assert score(np.tile(100 * np.eye(7)[2], (70, 1))).value == pytest.approx(1)


def test_splits_are_consecutive_as_in_the_original_code():
    logits = np.random.default_rng(0).normal(0, 2, (53, 4)).astype(np.float32)
    p = np.exp(logits.astype(float))
    p /= p.sum(axis=1, keepdims=True)
    scores = []
    for i in range(5):
        part = p[i * 53 // 5 : (i + 1) * 53 // 5]
        scores.append(np.exp(np.mean(np.sum(part * (np.log(part) - np.log(part.mean(axis=0))), axis=1))))
    for batches in (1, 8):
        assert score(logits, batches, splits=5) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-12)


def test_label_entropy_is_that_of_the_histogram_of_classes():
    metric = LabelEntropy(4)
    for part in np.split(np.eye(4)[[0, 0, 1, 2]], 2):
        metric.update(fake=part)
    assert numbers(metric)["label_entropy"] == pytest.approx(0.5 * math.log(2) + 2 * 0.25 * math.log(4))
    alike = LabelEntropy(4)
    alike.update(fake=np.eye(4)[[3, 3, 3]])
    assert numbers(alike)["label_entropy"] == 0


def test_huge_logits_and_impossible_classes_stay_finite():
    logits = np.zeros((40, 3))
    logits[:20, 0], logits[20:, 1], logits[:, 2] = 3000, 3000, -3000
    assert score(logits, splits=1).value == pytest.approx(2)


def test_as_torch_fidelity():
    pytest.importorskip("torchvision")  # torch_fidelity imports it
    isc = pytest.importorskip("torch_fidelity.metric_isc")
    torch = pytest.importorskip("torch")
    logits = np.random.default_rng(1).normal(0, 3, (60, 6)).astype(np.float32)
    reference = isc.isc_features_to_metric(torch.tensor(logits), splits=4, shuffle=False)
    expected = (reference["inception_score_mean"], reference["inception_score_std"])
    assert score(logits, splits=4) == pytest.approx(expected, rel=1e-5)


def test_merge_keeps_the_order_and_few_images_are_told():
    logits = np.random.default_rng(2).normal(size=(60, 4))
    first, second = ClassifierScore(), ClassifierScore()
    first.update(fake=logits[:25])
    second.update(fake=logits[25:])
    first.merge(second)
    assert first.result()["score"] == pytest.approx(score(logits))
    with pytest.warns(UserWarning, match="3 images per split for 4 classes.*more than 40 images"):
        score(logits[:30])
    with pytest.raises(ZooError, match="9 images for 10 splits"):
        score(logits[:9])


# === Class by class ===


def labelled(count, classes, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    return rng.normal(size=(count, 3)) * (1 + labels[:, None]) + labels[:, None], labels


def test_intra_class_is_the_distance_of_each_class():
    (real, real_labels), (fake, fake_labels) = labelled(200, 3, 0), labelled(150, 3, 1)
    distances = []
    for label in range(3):
        sides = []
        for rows, labels in ((fake, fake_labels), (real, real_labels)):
            sides.append(RunningGaussian(3))
            sides[-1].update(rows[labels == label])
        distances.append(frechet_distance(*(side.result() for side in sides)))
    whole, first, second = (IntraClassFrechet(3) for _ in range(3))
    whole.update(real, fake, real_labels=real_labels, fake_labels=fake_labels)
    first.update(real=real, real_labels=real_labels)
    second.update(fake=fake[:70], fake_labels=fake_labels[:70])
    second.update(fake=fake[70:], fake_labels=fake_labels[70:])
    first.merge(second)
    for metric in (whole, first):
        result = metric.result()
        assert result["intra_fd"] == pytest.approx((np.mean(distances), np.std(distances)), rel=1e-6)
        assert result["intra_fd_worst"].value == pytest.approx(max(distances), rel=1e-6)


def test_intra_class_sees_classes_exchanged():
    rows, labels = labelled(400, 2, 0)
    metric, swapped = IntraClassFrechet(), IntraClassFrechet()
    metric.update(rows, rows, real_labels=labels, fake_labels=labels)
    swapped.update(rows, rows, real_labels=labels, fake_labels=1 - labels)
    assert numbers(metric)["intra_fd"] < 1e-6 < 1 < numbers(swapped)["intra_fd"]


def test_a_class_that_lacks_samples_is_named():
    rows, labels = labelled(60, 3, 0)
    metric = IntraClassFrechet()
    metric.update(rows, rows[labels != 2], real_labels=labels, fake_labels=labels[labels != 2])
    with pytest.raises(ZooError, match="no generated samples of class 2"):
        metric.result()
    metric.update(fake=rows[:1], fake_labels=np.array([2]))
    with pytest.raises(ZooError, match="class 2 has 1 sample:"):
        metric.result()
    with pytest.raises(ZooError, match="intra_fd needs labels of the real data"):
        metric.update(rows, rows, fake_labels=labels)
    with pytest.raises(ZooError, match="one integer per row"):
        metric.update(rows, real_labels=labels[:4])


def test_few_samples_per_class_warn_once():
    rows, labels = np.random.default_rng(0).normal(size=(12, 8)), np.repeat([4, 5], 6)
    metric = IntraClassFrechet()
    metric.update(rows, rows, real_labels=labels, fake_labels=labels)
    with pytest.warns(UserWarning) as caught:
        metric.result()
    assert [str(w.message)[:32] for w in caught] == ["6 samples of class 4 for 8 featu"]


def test_accuracy_is_a_fraction_with_its_standard_error():
    logits, labels = 5 * np.eye(4)[[0, 1, 2, 3, 3, 3, 3, 3]], np.array([0, 1, 2, 3, 3, 3, 0, 1])
    whole, first, second = (ClassifierAccuracy() for _ in range(3))
    whole.update(fake=logits, fake_labels=labels)
    first.update(fake=logits[:3], fake_labels=labels[:3])
    second.update(fake=logits[3:], fake_labels=labels[3:])
    first.merge(second)
    assert whole.result()["accuracy"] == first.result()["accuracy"] == (0.75, math.sqrt(0.75 * 0.25 / 8))
    with pytest.raises(ZooError, match="labels 0 to 4 for a classifier of 4 classes"):
        whole.update(fake=logits[:2], fake_labels=np.array([0, 4]))
    with pytest.raises(ZooError, match="no data have come"):
        ClassifierAccuracy().result()


# === Modes ===

RING = np.stack([[np.cos(a), np.sin(a)] for a in 2 * np.pi * np.arange(8) / 8])


def test_mixture_counts_high_quality_samples_at_their_modes():
    points = np.concatenate(
        [
            np.repeat(RING[:1], 3, axis=0),
            RING[1:2] + [[0.029, 0]],
            RING[2:3] + [[0.031, 0]],  # beyond 3 sigma: neither its mode nor its share of the histogram counts
            [[0.0, 0.0]],
        ]
    ).astype(np.float32)
    metric = MixtureModes(modes=RING, sigma=0.01)
    metric.update(fake=points)
    assert numbers(metric) == pytest.approx(
        {
            "modes": 2,
            "high_quality": 4 / 6,
            "reverse_kl": 0.75 * math.log(0.75 * 8) + 0.25 * math.log(0.25 * 8),
        }
    )


def test_the_mixture_itself_is_nearly_perfect_however_it_is_split():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(-4, 5, 2.0)] * 2), axis=-1).reshape(-1, 2)
    points = grid[rng.integers(0, 25, 2500)] + rng.normal(0, 0.05, (2500, 2))
    whole, first, second = (MixtureModes(modes=grid, sigma=0.05) for _ in range(3))
    whole.update(fake=points)
    first.update(fake=points[:700])
    second.update(fake=points[700:])
    first.merge(second)
    assert numbers(first) == numbers(whole)
    result = numbers(whole)
    assert result["modes"] == 25 and 0 < result["reverse_kl"] < 0.02
    assert result["high_quality"] == pytest.approx(1 - math.exp(-9 / 2), abs=0.01)


def test_no_high_quality_sample_is_the_worst():
    metric = MixtureModes(modes=RING, sigma=0.01)
    metric.update(fake=np.zeros((5, 2)))
    assert numbers(metric) == pytest.approx({"modes": 0, "high_quality": 0, "reverse_kl": math.log(8)})


def test_mixture_refusals():
    ends_twice = np.stack([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 8)]).round(6)
    with pytest.raises(ZooError, match="8 modes, of which 7 are distinct"):
        MixtureModes(modes=ends_twice, sigma=0.01)
    with pytest.raises(ZooError, match="sigma 0;"):
        MixtureModes(modes=RING, sigma=0)
    metric = MixtureModes(modes=RING, sigma=0.01)
    with pytest.raises(ZooError, match=r"\(4, 3\)"):
        metric.update(fake=np.zeros((4, 3)))
    with pytest.raises(ZooError, match="NaN"):
        metric.update(fake=np.full((4, 2), np.nan))
    with pytest.raises(ZooError, match="no data have come"):
        metric.result()


def test_stacked_modes_from_digits_and_from_logits():
    digits = np.random.default_rng(0).integers(0, 10, (25_600, 3))
    digits[:, 1] = 7  # 100 of the 1,000 modes, about evenly
    counts = np.unique(digits @ [100, 10, 1], return_counts=True)[1]
    p = counts / counts.sum()
    expected = {"stacked_modes": 100, "stacked_kl": (p * np.log(1000 * p)).sum()}
    whole, first, second = (StackedModes() for _ in range(3))
    whole.update(fake=digits)
    first.update(fake=np.eye(10)[digits[:9000]])
    second.update(fake=digits[9000:])
    first.merge(second)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numbers(whole) == pytest.approx(expected)
        assert numbers(first) == numbers(whole)
    assert expected["stacked_kl"] == pytest.approx(math.log(10), abs=0.01)


def test_a_perfect_stack_has_the_kl_its_docstring_says():
    metric = StackedModes()
    metric.update(fake=np.random.default_rng(0).integers(0, 10, (25_600, 3)))
    assert numbers(metric) == {"stacked_modes": 1000, "stacked_kl": pytest.approx(999 / 2 / 25_600, rel=0.15)}


def test_stacked_refusals_and_few_samples():
    metric = StackedModes()
    for rows in (np.zeros((5, 3)), np.zeros((5, 3, 9)), np.zeros((5, 2), int)):
        with pytest.raises(ZooError, match="give logits"):
            metric.update(fake=rows)
    with pytest.raises(ZooError, match="digits of 0 to 10"):
        metric.update(fake=np.array([[0, 10, 3]]))
    with pytest.raises(ZooError, match="NaN"):
        metric.update(fake=np.full((2, 3, 10), np.nan))
    metric.update(fake=np.zeros((6, 3), int))
    with pytest.warns(UserWarning, match="6 samples: .* give 25,600"):
        assert numbers(metric)["stacked_modes"] == 1


# === Path length ===


def test_path_length_of_a_straight_line_is_its_speed_squared():
    start, speed = np.random.default_rng(0).normal(size=(2, 50, 4))
    metric = PathLength(epsilon=1e-2)
    metric.update(start, start + 1e-2 * speed / np.linalg.norm(speed, axis=1, keepdims=True) * 3)
    assert metric.result()["ppl"] == pytest.approx((9, 0), abs=1e-6)


def test_path_length_leaves_out_the_extremes():
    steps = np.sqrt(np.arange(1, 1001, dtype=float))[:, None]
    steps[-1] = 1e6
    order = np.random.default_rng(0).permutation(1000)
    whole, first, second = (PathLength(1, epsilon=1.0) for _ in range(3))
    whole.update(np.zeros((1000, 1)), steps[order])
    first.update(np.zeros((300, 1)), steps[order[:300]])
    second.update(np.zeros((700, 1)), steps[order[300:]])
    first.merge(second)
    # numpy's percentiles: index 0.01 * 999 down to 9, 0.99 * 999 up to 990
    assert numbers(whole)["ppl"] == numbers(first)["ppl"] == pytest.approx(np.arange(10, 992).mean())


def test_path_length_refusals():
    with pytest.raises(ZooError, match="epsilon 0"):
        PathLength(epsilon=0)
    with pytest.raises(ZooError, match="ppl compares pairs"):
        PathLength().update(fake=np.zeros((3, 2)))
    with pytest.raises(ZooError, match="NaN"):
        PathLength().update(np.zeros((3, 2)), np.full((3, 2), np.nan))
