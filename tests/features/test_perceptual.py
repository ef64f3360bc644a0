"""Perceptual networks: differentiable, unseen by Keras, those that they are called, missing weights in one line."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

from tfgan_zoo import devices, features, files, images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.features import inception
from tfgan_zoo.features.perceptual import NETWORKS, held_by, perceptual_network, require_network

VARIABLES = ("TFGAN_ZOO_SQUEEZENET", "TFGAN_ZOO_INCEPTION", "TFGAN_ZOO_DOWNLOAD")


@pytest.fixture(autouse=True)
def no_weights(tmp_path, monkeypatch):
    """A machine that has none."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path


def pictures(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).uniform(-1, 1, shape), tf.float32)


def refused(name):
    with pytest.raises(ZooError) as caught:
        perceptual_network(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def squeezenet_arrays(random):
    arrays = {"conv1": (3, 3, 3, 64)}
    width = 64
    for number, squeezed, out in zip(range(2, 10), np.repeat([16, 32, 48, 64], 2), np.repeat([64, 128, 192, 256], 2)):
        arrays[f"fire{number}_squeeze1x1"] = (1, 1, width, squeezed)
        arrays[f"fire{number}_expand1x1"], arrays[f"fire{number}_expand3x3"] = (
            (1, 1, squeezed, out),
            (3, 3, squeezed, out),
        )
        width = 2 * out
    made = {}
    for layer, shape in arrays.items():
        made[f"{layer}/kernel"] = (random.standard_normal(shape) / np.sqrt(np.prod(shape[:3]))).astype(np.float32)
        made[f"{layer}/bias"] = random.standard_normal(shape[-1]).astype(np.float32)
    return made


@pytest.fixture
def squeezenet(tmp_path, monkeypatch):
    """A file of SqueezeNet's layout, with weights that nobody trained."""
    arrays, path = squeezenet_arrays(np.random.default_rng(0)), tmp_path / "squeezenet.npz"
    np.savez(path, **arrays)
    monkeypatch.setenv("TFGAN_ZOO_SQUEEZENET", str(path))
    return arrays


# === What every network does ===
@pytest.mark.parametrize(
    "name, shapes",
    [
        ("random_conv", [(4, 5, 64)]),
        ("random_conv:conv_0,conv_1", [(16, 20, 16), (8, 10, 32)]),
        ("cifar_cnn:conv_1", [(16, 20, 48)]),
        ("squeezenet_11:fire3,fire4", [(7, 9, 128), (3, 4, 256)]),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_maps_and_gradients_of_pictures_of_any_size(squeezenet, name, shapes, channels):
    images = pictures(2, 32, 40, channels)
    with tf.GradientTape() as tape:
        tape.watch(images)
        maps = perceptual_network(name)(images)
        loss = sum(tf.reduce_mean(tf.square(x)) for x in maps)
    assert [tuple(x.shape[1:]) for x in maps] == shapes
    gradient = tape.gradient(loss, images)
    assert gradient.shape == images.shape and np.count_nonzero(gradient) > 0.9 * np.size(gradient)
    assert all(x.dtype == tf.float32 for x in perceptual_network(name)(tf.cast(images, tf.float16)))


def test_a_model_that_holds_one_has_no_more_weights(tmp_path):
    def made():
        inputs = keras.Input((8, 8, 3))
        return keras.Model(inputs, layers.Conv2D(3, 3, padding="same")(inputs))

    plain, model = made(), made()
    model.maps = perceptual_network("cifar_cnn:conv_0")
    assert [w.shape for w in model.weights] == [w.shape for w in plain.weights]
    assert held_by(model) == {"cifar_cnn:conv_0": model.maps.sha256} and not held_by(plain)
    for one, name in ((model, "a"), (plain, "b")):
        one.save(tmp_path / f"{name}.keras")
        tf.train.Checkpoint(one).write(str(tmp_path / name))
    keras.models.load_model(tmp_path / "a.keras")
    names = [[key for key, _ in tf.train.list_variables(str(tmp_path / name))] for name in "ab"]
    assert names[0] == names[1]


def test_it_is_opened_once_and_first_within_a_step_too():
    name = "random_conv:conv_1"

    @tf.function
    def step(images):
        return perceptual_network(name)(images)[0]

    inside = step(pictures(1, 8, 8, 3))
    again = perceptual_network(name)
    np.testing.assert_allclose(again(pictures(1, 8, 8, 3))[0], inside, atol=1e-6)
    assert perceptual_network(name) is again


def test_two_replicas_share_it():
    strategy = devices.strategy(2)
    with strategy.scope():
        network = perceptual_network("cifar_cnn:conv_2")

    @tf.function
    def step():
        return strategy.run(lambda: network(pictures(1, 8, 8, 3))[0])

    one, two = strategy.experimental_local_results(step())
    np.testing.assert_allclose(one, two, atol=1e-6)


# === Whether they are the networks that they are called ===
def test_random_conv_is_the_extractor_of_that_name():
    extractor, network = features.extractor("random_conv"), perceptual_network("random_conv:conv_0,conv_1,conv_2")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    maps = network(images / np.float32(127.5) - 1)
    np.testing.assert_allclose(extractor(images), np.concatenate([np.mean(x, (1, 2)) for x in maps], 1), atol=1e-5)
    assert network.sha256 == extractor.sha256


def test_cifar_cnn_is_the_extractor_of_that_name():
    extractor, network = features.extractor("cifar_cnn"), perceptual_network("cifar_cnn:conv_6")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    (last,) = network(images / np.float32(127.5) - 1)
    np.testing.assert_allclose(extractor(images), np.max(last, (1, 2)), atol=1e-4)
    assert network.sha256 == extractor.sha256


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_vgg_is_that_of_keras_applications(network, no_weights):
    keras.utils.set_random_seed(0)
    whole = getattr(keras.applications, network.upper())(weights=None, include_top=False)
    wanted = ["block1_pool", "block2_conv2", "block3_conv3"]
    part = keras.Model(whole.input, [whole.get_layer(name).output for name in wanted])
    folder = no_weights / "keras" / "models"
    folder.mkdir(parents=True)
    with h5py.File(folder / f"{network}_weights_tf_dim_ordering_tf_kernels_notop.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, part)
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3)).astype(np.float32)
    expected = part(getattr(keras.applications, network).preprocess_input(images.copy()))
    maps = perceptual_network(f"{network}:{','.join(wanted)}")(images / 127.5 - 1)
    for one, other in zip(maps, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3 * np.abs(other).max())
    missing = {"vgg16": "block4_conv1", "vgg19": "block3_conv4"}[network]
    assert missing in refused(f"{network}:block5_conv3")  # this file ends before
    every = [layer.name for layer in whole.layers[1:]]
    assert list(NETWORKS[network].names) == every


def test_squeezenet_is_the_network_of_its_paper(squeezenet):
    x = image = keras.Input((None, None, 3))
    x = layers.Conv2D(64, 3, 2, activation="relu", name="conv1")(x)
    for number, squeezed, out in zip(range(2, 10), np.repeat([16, 32, 48, 64], 2), np.repeat([64, 128, 192, 256], 2)):
        x = layers.MaxPooling2D(3, 2)(x) if number in (2, 4, 6) else x
        x = layers.Conv2D(squeezed, 1, activation="relu", name=f"fire{number}_squeeze1x1")(x)
        sides = [
            layers.Conv2D(out, size, padding="same", activation="relu", name=f"fire{number}_expand{size}x{size}")(x)
            for size in (1, 3)
        ]
        x = layers.Concatenate()(sides)
    model = keras.Model(image, x)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([squeezenet[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    pixels = np.random.default_rng(1).integers(0, 256, (2, 65, 47, 3)).astype(np.float32)
    expected = model(pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32))
    (last,) = perceptual_network("squeezenet_11:fire9")(pixels / 127.5 - 1)
    np.testing.assert_allclose(last, expected, atol=1e-3 * np.abs(expected).max())


def test_inception_is_the_network_of_fid(no_weights, monkeypatch):
    random = np.random.default_rng(0)
    arrays = {
        key: (random.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)
        for key, shape in inception.layout()["192"].items()
    }
    np.savez(no_weights / "inception.npz", **arrays)
    monkeypatch.setenv("TFGAN_ZOO_INCEPTION", str(no_weights / "inception.npz"))
    images = random.integers(0, 256, (1, 299, 299, 3)).astype(np.float32)
    maps = perceptual_network("inception_2015:pool,pool_1")(images / 127.5 - 1)
    network, _ = inception.network(arrays)
    taps = network(tf.constant(images))
    for x, tap in zip(maps, ("64", "192")):
        np.testing.assert_allclose(np.mean(x, (1, 2)), taps[tap], atol=1e-4)
    assert "mixed_conv/kernel" in refused("inception_2015:mixed")


def test_real_squeezenet_tells_a_blurred_picture_from_a_sharp_one(shared, monkeypatch):
    """Maps of trained weights change more by a blur of 4 pixels than by one of 2."""
    path, folder = shared / "weights" / "squeezenet_11_imagenet.npz", shared / "data" / "sr" / "Set5"
    if not path.is_file() or not folder.is_dir():
        pytest.skip(f"no weights {path} or pictures {folder}")
    monkeypatch.setenv("TFGAN_ZOO_SQUEEZENET", str(path))
    picture = images.decode(folder / "butterfly.png")[None] / np.float32(127.5) - 1
    network = perceptual_network("squeezenet_11:fire4")
    (sharp,) = network(picture)
    distances = []
    for size in (2, 4):
        small = tf.nn.avg_pool2d(picture, size, size, "VALID")
        distances.append(np.mean(np.square(network(tf.repeat(tf.repeat(small, size, 1), size, 2))[0] - sharp)))
    assert 0 < distances[0] < distances[1] < 2 * np.mean(np.square(sharp))


# === Hashes ===
def test_the_hash_is_that_of_the_weights_whatever_map_is_taken(squeezenet, no_weights, monkeypatch):
    one, two = (perceptual_network(f"squeezenet_11:{name}") for name in ("conv1", "fire2"))
    assert one.sha256 == two.sha256 == files.sha256(no_weights / "squeezenet.npz") and len(one.sha256) == 64
    np.savez(no_weights / "other.npz", **{key: value * 2 for key, value in squeezenet.items()})
    monkeypatch.setenv("TFGAN_ZOO_SQUEEZENET", str(no_weights / "other.npz"))
    assert perceptual_network("squeezenet_11:conv1").sha256 != one.sha256


# === Bad input ===
def test_names_are_refused_in_one_line_before_weights_are_looked_for():
    require_network("vgg19:block5_conv4")
    for name, told in (
        ("vgg20:block1_conv1", "did you mean 'vgg19'"),
        ("vgg19:block5_conv5", "did you mean 'block5_conv"),
        ("squeezenet_11:fire10", "fire9"),
    ):
        with pytest.raises(ZooError, match="Allowed") as caught:
            require_network(name)
        assert told in str(caught.value) and "\n" not in str(caught.value)


def test_missing_weights_say_what_to_do(no_weights, monkeypatch):
    told = refused("vgg19:block5_conv4")
    assert "TFGAN_ZOO_DOWNLOAD=1" in told and "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5" in told
    told = refused("squeezenet_11:fire8")
    assert "set TFGAN_ZOO_SQUEEZENET" in told and str(no_weights / "cache" / "squeezenet_11.npz") in told
    monkeypatch.setenv("TFGAN_ZOO_SQUEEZENET", str(no_weights / "nowhere.npz"))
    assert "nowhere.npz" in refused("squeezenet_11:fire8")
    assert "TFGAN_ZOO_INCEPTION" in refused("inception_2015:conv_4")


@pytest.mark.parametrize("damage", ["text", "shape", "absent"])
def test_damaged_weights_say_what_to_do(squeezenet, no_weights, damage):
    path = no_weights / "squeezenet.npz"
    if damage == "text":
        path.write_text("no archive")
    elif damage == "shape":
        np.savez(path, **{**squeezenet, "conv1/kernel": squeezenet["conv1/kernel"][:, :, :2]})
    else:
        np.savez(path, **{key: value for key, value in squeezenet.items() if key != "fire2_squeeze1x1/bias"})
    told = refused("squeezenet_11:fire2")
    assert "copy it again" in told and "squeezenet" in told


def test_a_download_that_fails_says_what_to_do(no_weights, monkeypatch):
    def no_network(**_):
        raise OSError("URL fetch failure on https://storage.googleapis.com\nNone")

    monkeypatch.setenv("TFGAN_ZOO_DOWNLOAD", "1")
    monkeypatch.setattr(keras.applications, "VGG19", no_network)
    told = refused("vgg19:block5_conv4")
    assert "URL fetch failure" in told and "copy them to" in told


def test_a_damaged_vgg_file_says_what_to_do(no_weights):
    path = no_weights / "keras" / "models" / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut short")
    assert "delete it and fetch it again" in refused("vgg19:block5_conv4")
