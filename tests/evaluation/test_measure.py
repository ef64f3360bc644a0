"""evaluate(): one pass, stamped numbers, cached reference statistics; with a fake model and fake data."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import evaluation
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, evaluate


class Bars:
    """Data of one bright column per image; `salt` makes other images of the same kind."""

    def __init__(self, count=300, salt=0, split="train", fingerprint="bars", shape=(28, 28, 1)):
        rng = np.random.default_rng(salt)
        self.images = rng.integers(0, 60, (count, *shape)).astype(np.uint8)
        for image in self.images:
            image[:, rng.integers(4, shape[1] - 4)] = 255
        self.num_examples, self.passes = count, 0
        fingerprint = fingerprint and f"{fingerprint} {salt}"
        self.facts = {"source": f"bars {salt}", "split": split, "fingerprint": fingerprint}

    def examples(self, batch_size, limit=None):
        self.passes += limit != 8  # eight images are the look at what the pipeline makes of them
        images = self.images[:limit]
        for first in range(0, len(images), batch_size):
            yield {"image": tf.constant(images[first : first + batch_size])}


class Model:
    """Gives back image `seed` of its data."""

    name, networks_by_name = "copycat", {"generator": None, "generator_ema": None}

    def __init__(self, data):
        self.images, self.seen = tf.constant(data.images), []

    def sample_images(self, seeds, truncation=None):
        tf.numpy_function(lambda s: self.seen.extend(s.tolist()), [seeds], [])
        return tf.gather(self.images, seeds)


@pytest.fixture
def measure(tmp_path):
    def run(model, data, metrics=("fd_mnist",), **options):
        sides = {key: options.pop(key) for key in ("held_out", "name", "key") if key in options}
        return evaluate(model, data, Protocol(metrics=metrics, cache=tmp_path, **options), **sides)

    return run


def test_result_and_its_stamp(measure):
    data = Bars()
    held_out = Bars(250, 1, "test")
    metrics = ("fd_mnist", "fd_fashion")
    result, other = measure(Model(data), data, metrics, samples=200, seed=5, held_out=held_out)
    assert (result.metric, other.metric) == ("fd_mnist", "fd_fashion")
    assert (result.samples, result.seed, result.ema, result.truncation) == (200, 5, True, None)
    assert (result.reference, result.reference_split, result.reference_samples) == ("bars 0", "train", 200)
    assert result.features == "mnist_cnn/features" and len(result.features_sha256) == 64
    assert result.value > 0 and result.floor > 0 and result.floor_samples == 200
    assert result.tensorflow == tf.__version__ and result.hardware
    line = json.dumps(result.as_dict())
    assert json.loads(line)["value"] == result.value
    assert "\n" not in str(result) and "fd_mnist" in str(result) and "floor" in str(result)
    with pytest.raises(AttributeError):
        result.value = 0


def test_copies_of_the_reference_are_at_zero_and_others_are_not(measure):
    data = Bars(200)
    same = measure(Model(data), data, samples=200)[0]
    assert same.value < 1e-3 and same.floor is None and "no floor" in str(same)
    noise = Bars(200, 2)
    noise.images = np.random.default_rng(3).integers(0, 256, noise.images.shape).astype(np.uint8)
    assert measure(Model(noise), data, samples=200)[0].value > 1


def test_seeds_are_consecutive_and_generated_once(measure):
    data = Bars()
    model = Model(data)
    measure(model, data, ("fd_mnist", "fd_fashion"), samples=150, seed=10)
    assert sorted(model.seen) == list(range(10, 160))


def test_reference_is_cached_and_damage_is_repaired(measure, tmp_path):
    data = Bars()
    first = measure(Model(data), data, samples=150)[0]
    again = measure(Model(data), data, samples=150)[0]
    assert data.passes == 1 and again.value == first.value
    (entry,) = (tmp_path / "reference").iterdir()
    entry.write_bytes(entry.read_bytes()[:500])
    assert measure(Model(data), data, samples=150)[0].value == first.value and data.passes == 2
    measure(Model(data), data, samples=150)
    assert data.passes == 2


def test_cache_knows_data_split_count_and_preprocessing(measure):
    data = Bars()
    measure(Model(data), data, samples=150)
    measure(Model(data), data, samples=151)
    assert data.passes == 2
    data.images = 255 - data.images  # same fingerprint, but the pipeline delivers something else
    measure(Model(data), data, samples=150)
    assert data.passes == 3


def test_only_the_missing_metric_reads_the_images(measure):
    data = Bars()
    measure(Model(data), data, ("fd_mnist",), samples=150)
    measure(Model(data), data, ("fd_mnist", "fd_fashion"), samples=150)
    measure(Model(data), data, ("fd_fashion", "fd_mnist"), samples=150)
    assert data.passes == 2


def test_data_without_fingerprint_is_not_cached(measure, tmp_path):
    data = Bars(fingerprint=None)
    measure(Model(data), data, samples=150)
    measure(Model(data), data, samples=150)
    assert data.passes == 2 and not (tmp_path / "reference").exists()


def test_cache_folder_that_cannot_be_written_only_warns(tmp_path):
    (tmp_path / "file").touch()
    data = Bars()
    with pytest.warns(UserWarning, match="TFGAN_ZOO_CACHE"):
        protocol = Protocol(metrics=["fd_mnist"], samples=150, cache=tmp_path / "file")
        assert evaluate(Model(data), data, protocol)[0].value >= 0


def test_reference_is_drawn_from_the_whole_split():
    data = Bars(400)
    data.images[:, 0, 0, 0] = np.arange(400) // 2  # sorted: the first images are unlike the last
    batches = [images for images, _ in evaluation.Selected(data, 150).batches()]
    corner = np.concatenate(batches)[:, 0, 0, 0]
    assert [len(batch) for batch in batches] == [128, 22]
    assert corner.min() < 10 and corner.max() > 190 and (np.diff(corner.astype(int)) >= 0).all()


def test_smaller_split_is_used_whole_and_counted(measure):
    data = Bars(140)
    result = measure(Model(Bars(300, 4)), data, samples=200, held_out=Bars(135, 5, "test"))[0]
    assert (result.reference_samples, result.floor_samples) == (140, 135)
    assert "135 images" in str(result)


def test_truncation_reaches_the_model(measure):
    data, got = Bars(), []

    class Truncated(Model):
        def sample_images(self, seeds, truncation=None):
            got.append(truncation)
            return super().sample_images(seeds)

    result = measure(Truncated(data), data, samples=150, truncation=0.7)[0]
    assert result.truncation == 0.7 and set(got) == {0.7} and "truncation 0.7" in str(result)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"metrics": ["fd_mnst"]}, "did you mean 'fd_mnist'"),
        ({"samples": 1}, "2 or more"),
        ({"held_out": "itself"}, "the reference itself"),
        ({"metrics": ["fid768"]}, "--inception-weights FILE or set TFGAN_ZOO_INCEPTION"),
        ({"data": "text"}, r"bars 0: mnist_cnn: images of shape \(7, 8\) and dtype int32; give uint8"),
        ({"data": "labels"}, "its batches hold label, and no data beside them"),
    ],
)
def test_bad_input_is_one_line(measure, monkeypatch, options, message):
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION", raising=False)
    data = Bars()
    options = dict(options)
    if what := options.pop("data", None):
        batch = {"text": tf.zeros((7, 8), tf.int32)} if what == "text" else {"label": tf.zeros(7, tf.int32)}
        data.num_examples, data.examples = 7, lambda batch_size, limit=None: iter([batch])
    if "held_out" in options:
        options["held_out"] = data
    with pytest.raises(ZooError, match=message) as caught:
        measure(Model(data), data, **options)
    assert "\n" not in str(caught.value)


def test_few_samples_warn(measure):
    data = Bars()
    with pytest.warns(UserWarning, match="100 samples for 128 features"):
        measure(Model(data), data, samples=100)


def test_fid_with_weights(measure, shared):
    path = shared / "weights" / "inception_2015_768.npz"
    if not path.is_file():
        pytest.skip(f"no Inception weights: {path}")
    data = Bars(16, shape=(16, 16, 3))
    with pytest.warns(UserWarning, match="16 samples"):
        results = measure(Model(data), data, ("fid64", "fid192"), samples=16, inception_weights=path)
    assert [r.features for r in results] == ["inception_2015/64", "inception_2015/192"]
    assert all(r.value < 1e-3 and r.resize == "tf1 bilinear to 299x299" for r in results)
