"""Fréchet distance against closed forms; feature extractors against published numbers and real data."""

import json
import shutil
import warnings

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics import features, inception
from tfgan_zoo.metrics.frechet import RunningGaussian, Statistics, frechet_distance


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


# === Extractors ===

@pytest.fixture(scope="module")
def mnist_cnn():
    return features.extractor("mnist_cnn")


def test_unknown_extractor_suggests():
    with pytest.raises(ZooError, match="did you mean 'mnist_cnn'"):
        features.extractor("mnist_cn")


@pytest.mark.parametrize("name, least", [("mnist_cnn", 0.993), ("fashion_cnn", 0.925)])
def test_shipped_weights_and_their_card(name, least):
    extractor = features.extractor(name)
    card = json.loads((features.WEIGHTS / f"{name}.json").read_text())
    assert (extractor.name, extractor.dim, extractor.sha256) == (name, 128, card["sha256"])
    assert extractor.taps == {"features": 128, "logits": 10}
    assert card["test_accuracy"] >= least
    assert {"data", "data_licence", "seed", "epochs", "tensorflow", "keras", "command"} <= set(card)
    assert (features.WEIGHTS / f"{name}.npz").stat().st_size < 3_000_000


def test_arrays_and_tensors_of_any_batch_size(mnist_cnn):
    images = np.random.default_rng(0).integers(0, 256, (7, 28, 28, 1), np.uint8)
    whole = mnist_cnn(images)
    assert whole.shape == (7, 128) and whole.dtype == np.float32
    np.testing.assert_allclose(mnist_cnn(tf.constant(images[:3])), whole[:3], atol=1e-5)
    assert mnist_cnn(images[:0]).shape == (0, 128)


def test_colour_becomes_luma_and_other_sizes_are_resized(mnist_cnn):
    grey = np.random.default_rng(1).integers(0, 256, (4, 28, 28, 1), np.uint8)
    np.testing.assert_allclose(mnist_cnn(np.repeat(grey, 3, -1)), mnist_cnn(grey), atol=1e-2)
    doubled = np.repeat(np.repeat(np.full((2, 28, 28, 1), 90, np.uint8), 2, 1), 2, 2)
    np.testing.assert_allclose(mnist_cnn(doubled), mnist_cnn(doubled[:, :28, :28]), atol=1e-4)
    assert mnist_cnn.resize == "antialiased bilinear to 28x28"


@pytest.mark.parametrize("shape, dtype", [
    ((2, 28, 28, 1), np.float32), ((28, 28, 1), np.uint8), ((2, 28, 28, 2), np.uint8),
])
def test_other_images_are_refused_in_one_line(mnist_cnn, shape, dtype):
    images = np.zeros(shape, dtype)
    with pytest.raises(ZooError, match="give uint8") as caught:
        mnist_cnn(images)
    assert "\n" not in str(caught.value)


def test_unknown_tap_suggests(mnist_cnn):
    with pytest.raises(ZooError, match="did you mean 'logits'"):
        mnist_cnn.outputs(np.zeros((1, 28, 28, 1), np.uint8), ["logit"])


@pytest.mark.parametrize("damage", ["truncated", "absent", "no card"])
def test_damaged_shipped_weights_are_one_line(tmp_path, damage):
    path = tmp_path / "mnist_cnn.npz"
    shutil.copy(features.WEIGHTS / "mnist_cnn.npz", path)
    shutil.copy(features.WEIGHTS / "mnist_cnn.json", path.with_suffix(".json"))
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        (path if damage == "absent" else path.with_suffix(".json")).unlink()
    with pytest.raises(ZooError, match="train_classifier.py") as caught:
        features.extractor("mnist_cnn", weights=path)
    assert "\n" not in str(caught.value)


def test_mnist_classifier_on_real_digits(shared, mnist_cnn):
    tfds = pytest.importorskip("tensorflow_datasets")
    data_dir = shared / "data" / "tfds"
    if not (data_dir / "mnist").is_dir():
        pytest.skip(f"no MNIST in {data_dir}")
    test, train = (tfds.load("mnist", split=split, data_dir=data_dir, download=False, batch_size=-1)
                   for split in ("test", "train[:5000]"))
    outputs = mnist_cnn.outputs(test["image"], ["features", "logits"])
    assert np.mean(outputs["logits"].argmax(-1) == test["label"].numpy()) >= 0.993
    real = gaussian(outputs["features"])
    noise = np.random.default_rng(0).integers(0, 256, (1000, 28, 28, 1), np.uint8)
    near = frechet_distance(gaussian(mnist_cnn(train["image"])), real)
    far = frechet_distance(gaussian(mnist_cnn(noise)), real)
    assert 0 < near < far / 50


# === Inception ===

@pytest.fixture(scope="module")
def weights(shared):
    path = shared / "weights" / "inception_2015_768.npz"
    if not path.is_file():
        pytest.skip(f"no Inception weights: {path}")
    return path


def test_inception_taps_and_resize(weights):
    extractor = features.extractor("inception_2015", weights=weights)
    images = np.random.default_rng(0).integers(0, 256, (2, 20, 24, 1), np.uint8)
    outputs = extractor.outputs(images, ["64", "192", "768"])
    assert {tap: x.shape for tap, x in outputs.items()} == {"64": (2, 64), "192": (2, 192), "768": (2, 768)}
    assert extractor.resize == "tf1 bilinear to 299x299" and extractor.dim == 768
    # Grey is repeated over the channels; resizing beforehand, in the same way, changes nothing.
    resized = tf.compat.v1.image.resize_bilinear(np.repeat(images, 3, -1), (299, 299), align_corners=False)
    network = inception.network(np.load(weights))
    np.testing.assert_allclose(network(resized)["64"], outputs["64"], rtol=1e-4, atol=1e-4)


def test_tf1_resize_is_the_legacy_one():
    """Output pixel i reads input i * in / out, without half-pixel centres, unlike today's tf.image.resize."""
    row = tf.constant([0.0, 10.0, 20.0])[None, None, :, None]
    resized = features.RESIZES["tf1 bilinear"](row, (1, 6))
    assert resized[0, 0, :, 0].numpy().tolist() == [0, 5, 10, 15, 20, 20]


def test_published_fid64(weights):
    """torchmetrics' example of FrechetInceptionDistance(feature=64), up to 1.0 seeded so, says 12.7202."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(123)
    # The example builds the network between seeding and drawing the images: initialization makes these draws.
    torch.empty(23_816_528).uniform_()
    shape = (100, 3, 299, 299)
    sets = [torch.randint(*limits, shape, dtype=torch.uint8) for limits in ((0, 200), (100, 255))]
    extractor = features.extractor("inception_2015", weights=weights)
    stats = [gaussian(extractor.outputs(x.permute(0, 2, 3, 1).numpy(), ["64"])["64"]) for x in sets]
    assert frechet_distance(*stats) == pytest.approx(12.7202, abs=1e-3)


def test_inception_without_weights_names_option_and_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION", raising=False)
    with pytest.raises(ZooError, match="--inception-weights FILE or set TFGAN_ZOO_INCEPTION"):
        features.extractor("inception_2015")
    monkeypatch.setenv("TFGAN_ZOO_INCEPTION", str(tmp_path / "none.npz"))
    with pytest.raises(ZooError, match="no weights file .*none.npz"):
        features.extractor("inception_2015")


def test_inception_weights_that_are_something_else(tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(b"PK\x03\x04 not a zip file")
    with pytest.raises(ZooError, match="not a readable .npz"):
        features.extractor("inception_2015", weights=path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(ZooError, match="without 'conv/kernel'"):
        features.extractor("inception_2015", weights=path)
    np.savez(path, **{"conv/kernel": np.zeros((3, 3, 4, 8)), "conv/bias": np.zeros(8)})
    with pytest.raises(ZooError, match="other shapes"):
        features.extractor("inception_2015", weights=path)


def test_no_warning_with_enough_samples():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = np.random.default_rng(7).normal(size=(50, 4))
        frechet_distance(gaussian(x), gaussian(x + 1))
