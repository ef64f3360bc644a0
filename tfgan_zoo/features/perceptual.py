"""Perceptual networks: frozen networks whose maps families compare in their losses.

A name is a network and a map of it, or several: "vgg19:block5_conv4", "vgg16:block1_pool,block2_pool". A family keeps
this text alone as a constructor argument. The name and the SHA-256 of the weights, which runs and cards state, identify
what is compared.

| network        | weights                                   | maps                                             |
|----------------|-------------------------------------------|--------------------------------------------------|
| vgg16, vgg19   | those of keras.applications, ImageNet     | block1_conv1 ... block5_conv4, block1_pool ...   |
| squeezenet_11  | variable TFGAN_ZOO_SQUEEZENET, or cache   | conv1, fire2 ... fire9                           |
| inception_2015 | variable TFGAN_ZOO_INCEPTION, or download | conv ... conv_4, pool, pool_1, mixed ... mixed_10 |
| cifar_cnn      | shipped                                   | conv_0 ... conv_6                                |
| random_conv    | drawn from a fixed seed                   | conv_0, conv_1, conv_2                           |

All maps are after their ReLU. Weights are constants, not variables: no gradient reaches them, no optimizer moves them,
and Keras does not see them, so that a model that holds such a network has no weights more.

The file of SqueezeNet v1.1 (Iandola et al. 2016, https://arxiv.org/abs/1602.07360) is an .npz: `<layer>/kernel` in
(height, width, in, out) and `<layer>/bias`, for `conv1` and, of each fire module, `fire2_squeeze1x1`,
`fire2_expand1x1`, `fire2_expand3x3`; its pictures are BGR from 0 to 255 minus ImageNet's mean, as VGG's.
"""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import files
from tfgan_zoo.assembly import first_weights
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.features import by_name, inception
from tfgan_zoo.features.classifiers import OBJECTS
from tfgan_zoo.features.extractor import digest

SQUEEZENET_VARIABLE = "TFGAN_ZOO_SQUEEZENET"
DOWNLOAD_VARIABLE = "TFGAN_ZOO_DOWNLOAD"
IMAGENET_MEAN = (103.939, 116.779, 123.68)  # of blue, green and red
CIFAR_EPSILON = 1e-3  # of its normalizations, Keras' default

Weights = dict[str, Any]
Maps = Iterator[tuple[str, tf.Tensor]]


class PerceptualNetwork:
    """`network(images)` -> its maps, as a list; differentiable in the images.

    Attributes:
        name: "NETWORK:MAP,MAP".
        sha256: of the weights.
    """

    def __init__(self, name: str, maps: Callable[[tf.Tensor], Maps], sha256: str):
        self.name, self.sha256 = name, sha256
        self._maps, self._wanted = maps, _parsed(name)[1]

    def __call__(self, images: tf.Tensor) -> list[tf.Tensor]:
        """Float (n, height, width, 1 or 3) in [-1, 1] -> [float32 (n, h, w, channels)], the first map first."""
        images = tf.cast(images, tf.float32)
        images = tf.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
        found = {}
        for name, x in self._maps(images):
            found[name] = x
            if name == self._wanted[-1]:
                break
        return [found[name] for name in self._wanted]


def perceptual_network(name: str) -> PerceptualNetwork:
    """The network called `name`. It is kept: asking for it again costs nothing.

    Raises:
        ZooError: an unknown name; weights that are absent or not this network's.
    """
    network, _ = _parsed(name)
    path = NETWORKS[network].find and NETWORKS[network].find(network)
    return _opened(name, path, path and path.stat().st_mtime_ns)


def require_network(name: str) -> None:
    """Raise ZooError where `name` names no network or no map of it; its weights are not looked for."""
    _parsed(name)


def held_by(model: Any) -> dict[str, str]:
    """The networks that a model keeps as attributes: {name: SHA-256 of the weights}."""
    return {held.name: held.sha256 for held in vars(model).values() if isinstance(held, PerceptualNetwork)}


@functools.lru_cache(maxsize=8)
def _opened(name: str, path: Path | None, stamp: int | None) -> PerceptualNetwork:
    """`stamp` tells files that have changed."""
    network, _ = _parsed(name)
    kind = NETWORKS[network]
    arrays, sha256 = kind.read(network, path)
    with tf.init_scope():  # tensors that every later graph may use, whoever asks first
        weights = {key: tf.constant(value, tf.float32) for key, value in arrays.items()}
    opened = PerceptualNetwork(name, lambda images: kind.maps(images, weights), sha256)
    try:
        tf.function(opened, autograph=False).get_concrete_function(tf.TensorSpec((None, None, None, 3)))
    except (KeyError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ZooError(f"{name}: {path} does not hold this network's weights ({reason}); copy it again.") from None
    return opened


def _parsed(name: str) -> tuple[str, list[str]]:
    """ "vgg19:block1_pool" -> ("vgg19", ["block1_pool"]), the first map first; a network alone means its last map."""
    network, _, wanted = name.partition(":")
    if network not in NETWORKS:
        raise unknown("perceptual network", network, NETWORKS)
    known = NETWORKS[network].names
    chosen = wanted.split(",") if wanted else [known[-1]]
    for one in chosen:
        if one not in known:
            raise unknown("map", one, known, where=network)
    return network, sorted(chosen, key=known.index)


# === The networks ===
def _relu(x: tf.Tensor, weights: Weights, layer: str, strides: int = 1, padding: str = "SAME") -> tf.Tensor:
    """A convolution with its bias and ReLU."""
    x = tf.nn.conv2d(x, weights[f"{layer}/kernel"], strides, padding)
    return tf.nn.relu(tf.nn.bias_add(x, weights[f"{layer}/bias"]))


def _caffe(images: tf.Tensor) -> tf.Tensor:
    """Pictures as Caffe's networks see them."""
    return (images[..., ::-1] + 1.0) * 127.5 - IMAGENET_MEAN


def _vgg_names(convolutions: Sequence[int]) -> list[str]:
    """The maps of VGG, whose blocks have so many convolutions."""
    return [
        f"block{block}_{layer}"
        for block, count in enumerate(convolutions, start=1)
        for layer in (*(f"conv{number}" for number in range(1, count + 1)), "pool")
    ]


def _vgg(names: Sequence[str], images: tf.Tensor, weights: Weights) -> Maps:
    """Simonyan & Zisserman 2015, https://arxiv.org/abs/1409.1556, as keras.applications has it."""
    x = _caffe(images)
    for name in names:
        x = tf.nn.max_pool2d(x, 2, 2, "VALID") if name.endswith("pool") else _relu(x, weights, name)
        yield name, x


def _squeezenet(images: tf.Tensor, weights: Weights) -> Maps:
    x = _relu(_caffe(images), weights, "conv1", 2, "VALID")
    yield "conv1", x
    for number in range(2, 10):
        if number in (2, 4, 6):
            x = tf.nn.max_pool2d(x, 3, 2, "VALID")
        squeezed = _relu(x, weights, f"fire{number}_squeeze1x1")
        sides = [_relu(squeezed, weights, f"fire{number}_expand{size}") for size in ("1x1", "3x3")]
        x = tf.concat(sides, axis=-1)
        yield f"fire{number}", x


def _inception(images: tf.Tensor, weights: Weights) -> Maps:
    def convolve(x, scope, filters, size, strides, padding):
        return _relu(x, weights, scope, strides, padding)

    return inception.maps(((images + 1.0) * 127.5 - 128.0) / 128.0, convolve)


def _cifar(images: tf.Tensor, weights: Weights) -> Maps:
    x = (images + 1.0) / 2
    for index, (_, pooled) in enumerate(OBJECTS):
        x = tf.nn.conv2d(x, weights[f"conv_{index}/kernel"], 1, "SAME")
        x = tf.nn.max_pool2d(x, 2, 2, "VALID") if pooled else x
        norm = [weights[f"norm_{index}/{part}"] for part in ("moving_mean", "moving_variance", "beta", "gamma")]
        x = tf.nn.relu(tf.nn.batch_normalization(x, *norm, CIFAR_EPSILON))
        yield f"conv_{index}", x


def _random(images: tf.Tensor, weights: Weights) -> Maps:
    x = images
    for name, kernel in weights.items():
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME"))
        yield name, x


# === Their weights ===
def _vgg_file(network: str) -> Path:
    """The file that keras.applications keeps; fetched by it where $TFGAN_ZOO_DOWNLOAD allows."""
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    path = home / "models" / f"{network}_weights_tf_dim_ordering_tf_kernels_notop.h5"
    if path.is_file():
        return path
    if os.environ.get(DOWNLOAD_VARIABLE, "").lower() not in ("1", "true", "yes"):
        raise ZooError(
            f"{network} needs its weights, {path}: set {DOWNLOAD_VARIABLE}=1 to let Keras fetch them once (80 MB), "
            f"copy the file there, or choose another of {', '.join(NETWORKS)}."
        )
    try:
        with first_weights(0):  # which draws no one else's numbers
            getattr(keras.applications, network.upper())(weights="imagenet", include_top=False)
    except Exception as error:  # the network, the disk, a damaged file: Keras raises nearly anything
        reason = str(error).strip().splitlines()[0]
        raise ZooError(f"{network}: its weights cannot be fetched ({reason}); copy them to {path}.") from None
    return path


def _vgg_arrays(network: str, path: Path) -> tuple[Weights, str]:
    """The file holds a group for each layer, whose kernel and bias its attribute names, as Keras 1 and 2 wrote them."""
    import h5py

    arrays = {}
    try:
        with h5py.File(path) as file:
            for name in NETWORKS[network].names:
                stored = file[name].attrs["weight_names"] if name in file else ()
                values = [np.asarray(file[name][key]) for key in stored]
                arrays |= dict(zip((f"{name}/kernel", f"{name}/bias"), values, strict=False))
    except (OSError, KeyError) as error:
        raise ZooError(f"{network}: {path} cannot be read ({error}); delete it and fetch it again.") from None
    return arrays, files.sha256(path)


def _squeezenet_file(network: str) -> Path:
    named, cached = os.environ.get(SQUEEZENET_VARIABLE), files.cache_folder() / f"{network}.npz"
    path = Path(named) if named else cached
    if not path.is_file():
        wrong = (
            f"there is no {named}" if named else f"set {SQUEEZENET_VARIABLE} to its .npz file, or copy it to {cached}"
        )
        raise ZooError(
            f"{network} needs its weights: {wrong}; or choose a network that needs none, such as cifar_cnn:conv_3."
        )
    return path


def _npz(network: str, path: Path) -> tuple[Weights, str]:
    return by_name.arrays(network, path), files.sha256(path)


def _shipped(network: str, path: None) -> tuple[Weights, str]:
    arrays, card = by_name.shipped(network)
    return arrays, card["sha256"]


def _drawn(network: str, path: None) -> tuple[Weights, str]:
    kernels = by_name.random_kernels()
    arrays = {f"conv_{index}": kernel for index, kernel in enumerate(kernels)}
    return arrays, digest(kernel.tobytes() for kernel in kernels)


class Kind(NamedTuple):
    """How a network is found and what it computes.

    Attributes:
        names: of its maps, from the input on.
        maps: (images in [-1, 1], weights) -> (name, map), one after the other, up to where the caller stops.
        read: (network, file) -> (weights, SHA-256).
        find: network -> the file of its weights, raises ZooError; None where it has none of its own.
    """

    names: Sequence[str]
    maps: Callable[[tf.Tensor, Weights], Maps]
    read: Callable[[str, Path | None], tuple[Weights, str]]
    find: Callable[[str], Path] | None = None


def _vgg_kind(convolutions: Sequence[int]) -> Kind:
    names = _vgg_names(convolutions)
    return Kind(names, functools.partial(_vgg, names), _vgg_arrays, _vgg_file)


NETWORKS: dict[str, Kind] = {
    "vgg16": _vgg_kind((2, 2, 3, 3, 3)),
    "vgg19": _vgg_kind((2, 2, 4, 4, 4)),
    "squeezenet_11": Kind(["conv1", *(f"fire{n}" for n in range(2, 10))], _squeezenet, _npz, _squeezenet_file),
    "inception_2015": Kind(inception.MAPS, _inception, _npz, by_name.inception_file),
    "cifar_cnn": Kind([f"conv_{index}" for index in range(len(OBJECTS))], _cifar, _shipped),
    "random_conv": Kind(["conv_0", "conv_1", "conv_2"], _random, _drawn),
}
