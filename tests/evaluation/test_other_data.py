"""Data that are no pictures: points by the metrics that apply, one line from those that do not; masks and labels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import source

from tfgan_zoo import evaluation
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.callbacks import Quality
from tfgan_zoo.data.sources.synthetic import mixture
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Answers, Arrays, Generated, Protocol, Selected
from tfgan_zoo.metrics import registry
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Mask, Points, Video, Voxels
from tfgan_zoo.players import Player
from tfgan_zoo.verbs import evaluate


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))


@keras.saving.register_keras_serializable("tests")
class Asked(AdversarialModel):
    """A model of `kind` that answers noise with the first numbers of it, and data with themselves."""

    players = (Player("generator"),)

    def __init__(self, kind=None, **kwargs):
        super().__init__(**kwargs)
        self.kind = kind or Points((2,))
        self.assemble()

    @property
    def element_spec(self):
        return {"data": self.kind}

    @property
    def endpoints(self):
        made = Endpoint({"z": Noise(self.kind.shape)}, self.kind, ("generator",), "data")
        return {"generate": made, "repeat": Endpoint({"data": self.kind}, self.kind, ("generator",), "data")}

    def latents(self, count):
        return {"z": self.noise.normal((count, *self.kind.shape))}

    def repeat(self, inputs):
        return tf.identity(inputs["data"])

    def build_networks(self):
        z = keras.Input(self.kind.shape, name="z")
        return {"generator": keras.Model(z, keras.layers.Identity()(z), name="generator")}


@pytest.fixture(scope="module")
def ring():
    return source("synthetic", name="ring", size=2500).open({"point": Points((2,))})


@pytest.fixture(scope="module")
def points():
    return Asked()


def named(results):
    return {result.metric: result.value for result in results}


# === Points ===
def test_points_are_measured_by_the_metrics_that_apply(ring, points):
    metrics = ["mixture", "prdc@raw", "fd@raw", "kid@raw", "two_sample@raw"]
    good = named(evaluation.evaluate(Selected(ring, 1000), ring, Protocol(metrics, samples=1000)))
    poor = named(evaluation.evaluate(Generated(points, 1000), ring, Protocol(metrics)))
    assert good["modes"] == 8 and good["high_quality"] > 0.95 and poor["high_quality"] < 0.1
    assert good["precision@raw"] > 0.95 and poor["precision@raw"] < 0.3
    assert good["fd@raw"] < 0.01 < 0.1 < poor["fd@raw"]
    assert good["kid@raw"] < poor["kid@raw"] and abs(poor["two_sample@raw"] - 0.5) > 0.1


def test_raw_points_are_the_numbers_themselves(ring, points):
    real = next(iter(ring.examples(2500)))["point"].numpy()
    made = points.sample(np.arange(300)).numpy()
    (result,) = evaluate(made, against=real, metrics="fd@raw", reference_samples=2500)
    a, b = (rows.astype(np.float64) for rows in (made, real))
    cov = [np.cov(rows, rowvar=False) for rows in (a, b)]
    root = np.sqrt(np.linalg.eigvals(cov[0] @ cov[1]).real).sum()
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov[0]) + np.trace(cov[1]) - 2 * root
    assert result.value == pytest.approx(expected, rel=1e-5)
    assert result.features == "raw/features" and result.resize == "none" and result.samples == 300


def test_a_model_of_points_and_quality(ring, points):
    results = evaluate(points, against=next(iter(ring.examples(400)))["point"].numpy(), metrics="prdc@raw", samples=300)
    assert [r.metric for r in results] == [f"{name}@raw" for name in ("precision", "recall", "density", "coverage")]
    watch = Quality(ring, "mixture,fd@raw", samples=300)
    watch.set_model(points)
    watch.on_train_begin()
    assert {result.metric for result in watch.measure(1)} == {"modes", "high_quality", "reverse_kl", "fd@raw"}


OF_PICTURES = ["fd_mnist", "prdc@pixels", "score_mnist", "swd", "ms_ssim", "psnr", "ppl@random_conv", "stacked_modes"]


@pytest.mark.parametrize("name", OF_PICTURES)
def test_metrics_of_pictures_refuse_points_in_one_line(ring, points, name):
    with pytest.raises(ZooError) as caught:
        evaluation.evaluate(Generated(points, 130), ring, Protocol(name))
    said = str(caught.value)
    assert said.startswith(f"{name}: ") and "\n" not in said
    assert any(part in said for part in ("uint8", "logits (n, 3, 10)", "picture by picture")), said


def test_what_does_not_apply_leaves_what_does(ring, points):
    with pytest.warns(UserWarning, match="left out: fd_mnist: .*Metrics of other data take them as they are: fd@raw"):
        results = evaluation.evaluate(Generated(points, 130), ring, Protocol("fd_mnist,modes"))
    assert [result.metric for result in results] == ["modes"]


def test_modes_have_to_be_known(points, ring):
    points_alone = next(iter(ring.examples(300)))["point"].numpy()
    with pytest.raises(ZooError, match="mixture needs modes and sigma, which these data do not tell") as caught:
        evaluate(points, against=points_alone, metrics="modes", samples=300)
    assert "\n" not in str(caught.value)
    modes, sigma = mixture("ring")
    settings = {"mixture": {"modes": modes, "sigma": sigma}}
    (result,) = evaluation.evaluate(points_alone, None, Protocol("modes", settings=settings))
    assert result.value == 8


@pytest.mark.parametrize(
    "kind", [Points((3,)), Video((2, 8, 8, 1)), Voxels((4, 4, 4, 1)), Audio((64, 1)), Mask((8, 8, 1)), Image((8, 8, 3))]
)
def test_any_kind_is_measured_as_it_is(kind):
    model = Asked(kind)
    opened = source("synthetic", name="examples", size=200).open(model.element_spec)
    results = evaluation.evaluate(Generated(model, 150), opened, Protocol("two_sample@raw,recall@raw"))
    assert all(0 <= result.value <= 1 for result in results)
    stored = next(iter(Generated(model, 150).batches()))[0]
    assert stored.dtype == np.dtype(kind.stored) and stored.shape[1:] == kind.shape


# === Masks and labels ===
def test_masks_and_uint8_labels_stay_integers(tmp_path):
    rng = np.random.default_rng(0)
    mask = np.where(rng.random((50, 8, 8, 1)) < 0.5, 255, 0).astype(np.uint8)
    labels = (np.arange(50) % 7).astype(np.uint8)
    np.savez(tmp_path / "data.npz", mask=mask, label=labels)
    spec = {"mask": Mask((8, 8, 1)), "label": ClassLabel(7)}
    opened = source("arrays", path=str(tmp_path / "data.npz")).open(spec)
    ((stored, found),) = Selected(opened).batches()
    assert stored.dtype == np.uint8 and set(np.unique(stored)) == {0, 255}
    np.testing.assert_array_equal(stored, mask)
    assert found.dtype == np.int32 and found.tolist() == labels.tolist()
    ((stored, found),) = Selected(Arrays({"mask": mask, "label": labels})).batches()
    np.testing.assert_array_equal(stored, mask)
    assert found.dtype == np.int32 and found.tolist() == labels.tolist()


def test_a_mask_comes_back_as_it_went():
    model, mask = Asked(Mask((8, 8, 1))), np.zeros((9, 8, 8, 1), np.uint8)
    mask[:, 2:5] = 255
    data = Arrays({"data": mask})
    for theirs, ours in Answers(model, "repeat", Selected(data), "a model of masks").pairs():
        assert ours.dtype == np.uint8
        np.testing.assert_array_equal(ours, theirs)


def test_labels_of_more_than_127_classes_count_right():
    """Labels kept as bytes would wrap around where they are added or compared with signed ones."""
    labels = np.repeat(np.arange(0, 256, 5), 4).astype(np.uint8)
    rows = labels[:, None] + np.random.default_rng(0).normal(0, 0.01, (len(labels), 2))
    data = {"point": rows, "label": labels}
    assert named(evaluate(data, against=data, metrics="knn_accuracy@raw")) == {"knn_accuracy@raw": 1.0}
    metric = registry.metrics()["accuracy"](256)
    metric.update(fake=np.eye(256, dtype=np.float32)[labels], fake_labels=labels)
    assert metric.result()["accuracy"].value == 1
