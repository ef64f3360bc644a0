"""Feature extractors: published numbers, real data, the resize each is defined with, and one line for bad input."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgan_zoo import features
from tfgan_zoo.errors import ZooError
from tfgan_zoo.features import inception
from tfgan_zoo.metrics.maths.frechet import RunningGaussian, frechet_distance


def gaussian(x):
    running = RunningGaussian(x.shape[1])
    running.update(x)
    return running.result()


def pictures(count, height, width, channels, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), np.uint8)


def refused(match, call, *args, **kwargs):
    """`call` raises a ZooError of one line that matches."""
    with pytest.raises(ZooError, match=match) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)


# === Extractors ===


@pytest.fixture(scope="module")
def mnist_cnn():
    return features.extractor("mnist_cnn")


def test_unknown_extractor_suggests():
    with pytest.raises(ZooError, match="did you mean 'mnist_cnn'"):
        features.extractor("mnist_cn")


@pytest.mark.parametrize(
    "name, dim, least",
    [("mnist_cnn", 128, 0.993), ("fashion_cnn", 128, 0.925), ("cifar_cnn", 192, 0.85), ("spoken_cnn", 64, 0.98)],
)
def test_shipped_weights_and_their_card(name, dim, least):
    extractor = features.extractor(name)
    card = json.loads((features.WEIGHTS / f"{name}.json").read_text())
    assert (extractor.name, extractor.sha256) == (name, card["sha256"])
    assert extractor.taps == {"features": dim, "logits": 10}
    assert (extractor.features, extractor.logits) == ("features", "logits")
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


@pytest.mark.parametrize(
    "shape, dtype",
    [
        ((2, 28, 28, 1), np.float32),
        ((28, 28, 1), np.uint8),
        ((2, 28, 28, 2), np.uint8),
    ],
)
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
    with pytest.raises(ZooError, match="Install tfgan_zoo again") as caught:
        features.extractor("mnist_cnn", weights=path)
    assert "\n" not in str(caught.value)


def test_mnist_classifier_on_real_digits(shared, mnist_cnn):
    tfds = pytest.importorskip("tensorflow_datasets")
    data_dir = shared / "data" / "tfds"
    if not (data_dir / "mnist").is_dir():
        pytest.skip(f"no MNIST in {data_dir}")
    test, train = (
        tfds.load("mnist", split=split, data_dir=data_dir, download=False, batch_size=-1)
        for split in ("test", "train[:5000]")
    )
    outputs = mnist_cnn.outputs(test["image"], ["features", "logits"])
    assert np.mean(outputs["logits"].argmax(-1) == test["label"].numpy()) >= 0.993
    real = gaussian(outputs["features"])
    noise = np.random.default_rng(0).integers(0, 256, (1000, 28, 28, 1), np.uint8)
    near = frechet_distance(gaussian(mnist_cnn(train["image"])), real)
    far = frechet_distance(gaussian(mnist_cnn(noise)), real)
    assert 0 < near < far / 50


def test_cifar_classifier_on_real_pictures(shared):
    tfds = pytest.importorskip("tensorflow_datasets")
    if not (shared / "data" / "tfds" / "cifar10").is_dir():
        pytest.skip(f"no CIFAR-10 in {shared / 'data' / 'tfds'}")
    test = tfds.load("cifar10", split="test[:2000]", data_dir=shared / "data" / "tfds", download=False, batch_size=-1)
    logits = features.extractor("cifar_cnn").outputs(test["image"], ["logits"])["logits"]
    assert np.mean(logits.argmax(-1) == test["label"].numpy()) >= 0.84  # 0.858 over all 10,000


# === Resizing ===


def test_tf1_resize_is_the_legacy_one():
    """Output pixel i reads input i * in / out, without half-pixel centres, unlike today's tf.image.resize."""
    row = tf.constant([0.0, 10.0, 20.0])[None, None, :, None]
    resized = features.RESIZES["tf1"].apply(row, (1, 6))
    assert resized[0, 0, :, 0].numpy().tolist() == [0, 5, 10, 15, 20, 20]


def test_clean_resize_is_pillows_bicubic_on_floats():
    """clean-fid (Parmar et al. 2022): each channel as float32, antialiased, clipped, not rounded."""
    images = pictures(2, 50, 40, 3)
    images[0, :25] = 255  # an edge, beside which the cubic overshoots
    resized = features.RESIZES["clean"].apply(images, (20, 30))
    expected = [
        [Image.fromarray(image[..., c].astype(np.float32)).resize((30, 20), Image.Resampling.BICUBIC) for c in range(3)]
        for image in images
    ]
    expected = np.clip(np.array([[np.asarray(c) for c in image] for image in expected]), 0, 255)
    np.testing.assert_array_equal(resized, expected.transpose(0, 2, 3, 1))
    assert resized.dtype == np.float32 and resized.max() == 255 and np.any(resized % 1)


@pytest.mark.parametrize("size", [(20, 30), (70, 90)])
def test_clean_resize_as_pytorchs_antialiased_bicubic(size):
    torch = pytest.importorskip("torch")
    images = pictures(1, 50, 40, 3)
    other = torch.nn.functional.interpolate(
        torch.tensor(images).permute(0, 3, 1, 2).float(), size, mode="bicubic", antialias=True, align_corners=False
    )
    resized = features.RESIZES["clean"].apply(images, size)
    np.testing.assert_allclose(resized, other.clamp(0, 255).permute(0, 2, 3, 1), atol=1e-2)


def test_the_resize_is_part_of_the_identity():
    images = pictures(3, 40, 50, 3)
    own, clean = (features.extractor("random_conv", resize=resize) for resize in (None, "clean"))
    assert (own.resize, clean.resize) == ("antialiased bilinear to 32x32", "clean bicubic to 32x32")
    before = features.RESIZES["clean"].apply(images, (32, 32)).round().astype(np.uint8)
    np.testing.assert_allclose(clean(images), clean(before), atol=0.02)  # but for the rounding
    assert np.abs(clean(images) - own(images)).max() > 0.02
    exact = pictures(3, 32, 32, 3)
    np.testing.assert_allclose(own(exact), clean(exact), rtol=1e-6)  # nothing to resize
    assert clean(images[:0]).shape == (0, 112)


@pytest.mark.parametrize("resize", ["tf1", "clean", "antialiased"])
def test_many_sizes_make_few_graphs(resize):
    extractor = features.extractor("random_conv", resize=resize)
    for size in range(8, 40, 3):
        images = pictures(2, size, size + 5, 3)
        np.testing.assert_allclose(extractor(images)[1:], extractor(images[1:]), rtol=1e-4)
    assert len(extractor._compiled) == 1


def test_unknown_resize_suggests():
    refused("unknown resize 'claen': did you mean 'clean'", features.extractor, "random_conv", resize="claen")
    for name in features.AS_THEY_ARE:
        refused(f"{name} takes data as they are", features.extractor, name, resize="clean")


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
    assert extractor.resize == "tf1 bilinear to 299x299" and extractor.features == "768"
    # Grey is repeated over the channels; resizing beforehand, in the same way, changes nothing.
    resized = tf.compat.v1.image.resize_bilinear(np.repeat(images, 3, -1), (299, 299), align_corners=False)
    network, _ = inception.network(np.load(weights))
    np.testing.assert_allclose(network(resized)["64"], outputs["64"], rtol=1e-4, atol=1e-4)


def test_published_fid64(weights):
    """torchmetrics' example of FrechetInceptionDistance(feature=64), up to 1.0 seeded so, says 12.7202."""
    # The stream of torch.manual_seed(123); building the network took the first of it, before the images were drawn.
    stream = np.random.RandomState(123)._bit_generator
    stream.random_raw(23_816_528, output=False)
    shape = (100, 3, 299, 299)  # torch.randint(low, high, shape, dtype=torch.uint8)
    sets = [
        (stream.random_raw(np.prod(shape)) % (high - low) + low).astype(np.uint8).reshape(shape)
        for low, high in ((0, 200), (100, 255))
    ]
    extractor = features.extractor("inception_2015", weights=weights)
    stats = [gaussian(extractor.outputs(x.transpose(0, 2, 3, 1), ["64"])["64"]) for x in sets]
    assert frechet_distance(*stats) == pytest.approx(12.7202, abs=1e-3)


def test_a_partial_file_serves_the_taps_it_holds(weights):
    extractor = features.extractor("inception_2015", weights=weights)
    assert extractor.taps == {"768": 768, "192": 192, "64": 64}
    assert extractor.logits is None
    for tap in ("2048", "logits"):
        refused(
            f"lacks mixed_8_tower_conv/kernel, so it does not give {tap}; it gives 768, 192, 64.*download-inception",
            extractor.outputs,
            pictures(1, 8, 8, 3),
            [tap],
        )
    refused("did you mean '768'", extractor.require, ["76"])


def test_shapes_of_the_whole_network():
    layout = inception.layout()["logits"]
    assert len(layout) == 2 * 94 + 2
    assert sum(np.prod(shape) for shape in layout.values()) == 23_833_744
    assert layout["mixed_9_tower_1_mixed_conv_1/kernel"] == (3, 1, 384, 384)
    assert layout["mixed_10_conv/kernel"] == (1, 1, 2048, 320)


def test_any_array_that_is_missing_takes_the_taps_after_it():
    weights = {key: np.zeros(shape, np.float32) for key, shape in inception.layout()["logits"].items()}
    assert inception.network(weights)[1] == {}
    del weights["softmax/bias"], weights["mixed_3_conv/bias"]
    missing = inception.network(weights)[1]
    assert missing == dict.fromkeys(("768", "2048", "logits", "logits_unbiased"), "mixed_3_conv/bias")


def test_inception_without_weights_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION", raising=False)
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path))
    refused("--inception-weights FILE or set TFGAN_ZOO_INCEPTION.*--download", features.extractor, "inception_2015")
    monkeypatch.setenv("TFGAN_ZOO_INCEPTION", str(tmp_path / "none.npz"))
    refused("no weights file .*none.npz", features.extractor, "inception_2015")


def test_what_was_downloaded_is_found(monkeypatch, tmp_path, weights):
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION", raising=False)
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path))
    (tmp_path / "inception_2015.npz").symlink_to(weights)
    assert features.extractor("inception_2015").features == "768"


def test_inception_weights_that_are_something_else(tmp_path):
    path = tmp_path / "w.npz"
    path.write_bytes(b"PK\x03\x04 not a zip file")
    refused("not a readable .npz", features.extractor, "inception_2015", weights=path)
    np.savez(path, a=np.zeros(3))
    refused("without 'conv/kernel'", features.extractor, "inception_2015", weights=path)
    np.savez(path, **{"conv/kernel": np.zeros((3, 3, 4, 8)), "conv/bias": np.zeros(8)})
    refused(r"conv/kernel is \(3, 3, 4, 8\), not \(3, 3, 3, 32\)", features.extractor, "inception_2015", weights=path)


# === Without trained weights ===


def test_random_conv_is_the_same_everywhere():
    extractor = features.extractor("random_conv")
    assert extractor.sha256 == "966c95c38279b0c068f88d3d9244088ce76923b0f44df77032d8e7ea29098970"
    assert (extractor.taps, extractor.logits) == ({"features": 112}, None)
    ramp = np.tile(np.arange(32, dtype=np.uint8)[:, None, None] * 8, (1, 1, 32, 3)).reshape(1, 32, 32, 3)
    assert extractor(ramp)[0, [0, 50, 111]] == pytest.approx([0.01938926, 0.365807, 0.12557189], rel=1e-4)
    near, far = (extractor(pictures(50, 16, 16, 1, seed) // divisor) for seed, divisor in ((1, 1), (2, 2)))
    real = gaussian(extractor(pictures(200, 16, 16, 1, 3)))
    assert frechet_distance(gaussian(near), real) < frechet_distance(gaussian(far), real) / 5


def test_pixels_are_the_image_itself():
    extractor = features.extractor("pixels")
    assert (extractor.taps, extractor.resize, extractor.sha256) == ({"features": None}, "none", "none")
    for images in (pictures(300, 4, 6, 3), pictures(2, 9, 7, 1), pictures(0, 4, 6, 3)):
        expected = images.reshape(len(images), np.prod(images.shape[1:])) / np.float32(255)
        np.testing.assert_allclose(extractor(images), expected, rtol=1e-6)


def test_raw_is_the_data_themselves_of_any_kind():
    extractor = features.extractor("raw")
    assert (extractor.taps, extractor.resize, extractor.sha256) == ({"features": None}, "none", "none")
    random = np.random.default_rng(0)
    points, codes = random.normal(size=(7, 2)), random.integers(-300, 300, (5, 4, 4, 1)).astype(np.int16)
    np.testing.assert_allclose(extractor(points), points, rtol=1e-6)
    np.testing.assert_array_equal(extractor(codes), codes.reshape(5, 16))
    assert extractor(codes).dtype == extractor(pictures(2, 9, 7, 1)).dtype == np.float32
    refused("raw: unknown tap 'logits'", extractor.outputs, points, ["logits"])


def test_networks_of_pictures_say_what_takes_other_data():
    for name in ("random_conv", "pixels"):
        refused("Metrics of other data take them as they are: fd@raw", features.extractor(name), np.zeros((4, 2)))


def test_networks_without_a_weights_file_take_none():
    refused("random_conv takes no weights file", features.extractor, "random_conv", weights="w.npz")


# === Any model ===


def small_model(outputs=("a", "features")):
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 3, name="conv")(image)
    taps = {"a": x, "features": keras.layers.Flatten()(x), "logits": keras.layers.Dense(4)(keras.layers.Flatten()(x))}
    return keras.Model(image, {tap: taps[tap] for tap in outputs} if len(outputs) > 1 else taps[outputs[0]])


def in_range(images):
    return images.astype(np.float32) / 127.5 - 1


def test_a_models_taps():
    model = small_model(("a", "logits", "features"))
    extractor = features.of_model(model, name="mine")
    assert extractor.taps == {"features": 180, "a": 5, "logits": 4}
    assert (extractor.features, extractor.logits) == ("features", "logits")
    assert extractor.resize == "antialiased bilinear to 8x8"
    images = pictures(40, 8, 8, 3)
    outputs = extractor.outputs(images, ["a", "logits"])
    expected = model(in_range(images))
    np.testing.assert_allclose(outputs["a"], np.mean(expected["a"], (1, 2)), atol=1e-5)
    np.testing.assert_allclose(outputs["logits"], expected["logits"], atol=1e-5)


def test_taps_not_asked_for_are_not_computed():
    calls = []

    def dear(x):
        calls.append(len(x))
        return x

    def model(x):
        slow = tf.ensure_shape(tf.numpy_function(dear, [x], tf.float32, stateful=False), x.shape)
        return {"features": x, "slow": slow}

    extractor = features.of_model(model, name="mine", image_shape=(4, 4, 1))
    extractor(pictures(5, 4, 4, 1))
    assert not calls
    extractor.outputs(pictures(5, 4, 4, 1), ["features", "slow"])
    assert calls == [5]


def test_a_models_sha256_is_of_its_weights():
    model = small_model()
    before = features.of_model(model, name="mine").sha256
    assert len(before) == 64 and features.of_model(small_model(), name="other").sha256 == before
    model.set_weights([w + 1 for w in model.get_weights()])
    assert features.of_model(model, name="mine").sha256 != before


def test_a_function_as_extractor():
    extractor = features.of_model(lambda x: x[:, ::2, ::2], name="corners", image_shape=(4, 4, 1))
    assert (extractor.taps, extractor.sha256) == ({"features": 1}, "")
    images = pictures(3, 4, 4, 1)
    np.testing.assert_allclose(extractor(images), in_range(images)[:, ::2, ::2].mean((1, 2)), atol=1e-6)


@pytest.mark.parametrize("kind", ["model.keras", "folder"])
@pytest.mark.parametrize("outputs", [("a",), ("a", "logits")])
def test_a_saved_model_by_its_path(tmp_path, kind, outputs):
    model, path = small_model(outputs), tmp_path / kind
    model.save(path) if path.suffix else model.export(path, verbose=False)
    extractor = features.extractor(str(path), resize="tf1")
    assert (extractor.name, extractor.resize) == (str(path), "tf1 bilinear to 8x8")
    assert list(extractor.taps) == (["features"] if len(outputs) == 1 else ["a", "logits"])
    images = pictures(3, 8, 8, 3)
    expected = model(in_range(images))
    expected = expected if len(outputs) == 1 else expected["a"]
    np.testing.assert_allclose(extractor(images), np.mean(expected, (1, 2)), atol=1e-5)
    assert extractor.sha256 == features.extractor(str(path)).sha256 != ""


def test_models_that_cannot_be_used(tmp_path):
    refused("there is no model", features.extractor, str(tmp_path / "none.keras"))
    refused("there is no model", features.extractor, str(tmp_path))
    broken = tmp_path / "broken.keras"
    broken.write_bytes(b"PK\x03\x04")
    refused("cannot be loaded", features.extractor, str(broken))
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x)]).save(broken)
    refused("cannot be loaded.*Lambda", features.extractor, str(broken))  # it would run code from the file
    refused("takes no weights file", features.extractor, str(broken), weights="w.npz")
    anywhere = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalMaxPooling2D()])
    refused(r"its input is \(None, None, 3\)", features.of_model, anywhere, name="mine")
    assert features.of_model(anywhere, name="mine", image_shape=(8, 8, 3)).taps == {"features": 3}
    refused("its input is None", features.of_model, lambda x: x, name="mine")
    refused("output features is ", features.of_model, lambda x: tf.reduce_sum(x), name="mine", image_shape=(4, 4, 1))
    refused(
        r"does not take float32 \(None, 4, 4, 1\)", features.of_model, small_model(), name="mine", image_shape=(4, 4, 1)
    )
