"""Feature extractors: frozen networks found by name, whose outputs the quality metrics compare.

An extractor's identity is its name, the SHA-256 of its weights, the output taken (a "tap") and how it resizes
(resize.py): a number computed with another of these is another number. Grey images given to a colour network
are repeated over the three channels; colour images given to a grey network become luma (ITU-R 601: 0.2989 R +
0.5870 G + 0.1140 B, as `tf.image.rgb_to_grayscale`).

| name                | weights                      | input     | resize      | taps                                 |
|---------------------|------------------------------|-----------|-------------|--------------------------------------|
| mnist_cnn           | shipped                      | 28x28x1   | antialiased | features 128, logits 10              |
| fashion_cnn         | shipped                      | 28x28x1   | antialiased | features 128, logits 10              |
| cifar_cnn           | shipped                      | 32x32x3   | antialiased | features 192, logits 10              |
| spoken_cnn          | shipped                      | sound     | none        | features 64, logits 10               |
| inception_2015      | option, variable or download | 299x299x3 | tf1         | 2048, 768, 192, 64 and two of logits |
| log_mel             | none                         | sound     | none        | features 4096: decibels              |
| random_conv         | drawn from a fixed seed      | 32x32x3   | antialiased | features 112, for smoke tests        |
| pixels              | none                         | any       | none        | features: pixels in [0, 1], in a row |
| raw                 | none                         | any data  | none        | features: the numbers as they are    |
| FILE.keras, folder  | its own                      | its own   | antialiased | its own: `of_model`                  |

Sounds of 8 kHz are described by their spectrograms (sound.py). The shipped ones are made by
tools/train_classifier.py; a card beside the weights says how. Inception's weights are made by
tools/convert_inception.py.
"""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_zoo import files
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.features import inception, inception_weights, sound
from tfgan_zoo.features.any_model import of_model, saved
from tfgan_zoo.features.classifiers import CLASSIFIERS, OF_SOUND
from tfgan_zoo.features.extractor import Extractor, Raw, digest
from tfgan_zoo.features.resize import RESIZES
from tfgan_zoo.features.sound import OfSound

AS_THEY_ARE = ("pixels", "raw")
"""Extractors that never resize."""

__all__ = [
    "AS_THEY_ARE",
    "EXTRACTORS",
    "INCEPTION_VARIABLE",
    "RESIZES",
    "WEIGHTS",
    "Extractor",
    "extractor",
    "of_model",
    "require",
]

WEIGHTS = Path(__file__).parent / "weights"
INCEPTION_VARIABLE = "TFGAN_ZOO_INCEPTION"


def extractor(name: str, *, weights: str | os.PathLike | None = None, resize: str | None = None) -> Extractor:
    """The extractor called `name`.

    Args:
        name: one of `EXTRACTORS`, or the path of a model: a `.keras` file or a SavedModel folder (see `of_model`).
        weights: its weights file. Default: the shipped one; for Inception, what TFGAN_ZOO_INCEPTION names, or else
            what has been downloaded.
        resize: one of `RESIZES`. Default: the extractor's own, with which its published numbers are made.

    Raises:
        ZooError: an unknown name or resize; a weights file that is absent, truncated or not this network's.
    """
    require(name)
    if name in EXTRACTORS:
        return EXTRACTORS[name](name, weights, resize)
    _no_weights(name, weights)
    return saved(name, resize)


def require(name: str) -> None:
    """Raise ZooError where `name` can be no extractor, without opening one."""
    if name not in EXTRACTORS and not name.endswith(".keras") and not Path(name).is_dir():
        raise unknown("feature extractor", name, [*EXTRACTORS, "a .keras file", "a SavedModel folder"])


def _shipped(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """One of `CLASSIFIERS`."""
    stored, card = shipped(name, weights)
    model = CLASSIFIERS[name](card["classes"])
    for variable in model.weights:
        variable.assign(stored[variable.path])
    return (OfSound if name in OF_SOUND else Extractor)(
        name,
        lambda x: model(x / 255.0, training=False),
        taps={tap: model.output[tap].shape[-1] for tap in ("features", "logits")},
        logits="logits",
        image_shape=model.input_shape[1:],
        resize=resize or "antialiased",
        sha256=card["sha256"],
        batch_size=250,
    )


def shipped(name: str, weights: str | os.PathLike | None = None) -> tuple[dict[str, np.ndarray], dict]:
    """The float16 weights of `<name>.npz` as float32, checked against the SHA-256 on their card; and the card.

    Raises:
        ZooError: files that cannot be read, or are not those of the card.
    """
    path = Path(weights) if weights else WEIGHTS / f"{name}.npz"
    remedy = "Install tfgan_zoo again."
    try:
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        sha256 = files.sha256(path)
    except (OSError, ValueError) as error:
        raise ZooError(f"{name}: cannot read {path} with its card ({error}). {remedy}") from None
    if sha256 != card.get("sha256"):
        raise ZooError(
            f"{name}: {path} has SHA-256 {sha256[:12]}..., its card says "
            f"{str(card.get('sha256'))[:12]}... (truncated or changed). {remedy}"
        )
    return {key: value.astype(np.float32) for key, value in arrays(name, path).items()}, card


def _inception(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """The Inception of 2015-12-05, from an .npz file in the layout described in inception.py."""
    path = inception_file(name, weights)
    network, missing = inception.network(arrays(name, path))
    taps = {tap: dim for tap, dim in inception.TAPS.items() if tap not in missing}
    return Extractor(
        name,
        network,
        taps=taps,
        logits="logits_unbiased" if "logits_unbiased" in taps else None,
        missing={
            tap: f"{name}: {path} lacks {array}, so it does not give {tap}; it gives {', '.join(taps)}. Ask for one of "
            "these, or fetch the whole file with evaluate --download-inception."
            for tap, array in missing.items()
        },
        image_shape=inception.IMAGE_SHAPE,
        resize=resize or "tf1",
        sha256=files.sha256(path),
        batch_size=32,
    )


def inception_file(name: str, weights: str | os.PathLike | None = None) -> Path:
    """Where Inception's weights are: `weights`, what TFGAN_ZOO_INCEPTION names, or what has been downloaded.

    Raises:
        ZooError: there is no such file.
    """
    path, cached = weights or os.environ.get(INCEPTION_VARIABLE), inception_weights.cached()
    if not path and not cached.is_file():
        raise ZooError(
            f"{name} needs its weights: give --inception-weights FILE or set {INCEPTION_VARIABLE} to the "
            ".npz file, or fetch it once with evaluate --download-inception; the metrics named "
            "fd_* come with theirs."
        )
    path = Path(path or cached)
    if not path.is_file():
        raise ZooError(f"{name}: no weights file {path}; give --inception-weights FILE or set {INCEPTION_VARIABLE}.")
    return path


def _random_conv(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """Three strided convolutions whose weights are drawn from a fixed seed; the means of each, side by side."""
    _no_weights(name, weights)
    kernels = random_kernels()

    def network(x: tf.Tensor) -> dict[str, tf.Tensor]:
        x = x / 127.5 - 1
        means = []
        for kernel in kernels:
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME"))
            means.append(tf.reduce_mean(x, (1, 2)))
        return {"features": tf.concat(means, axis=-1)}

    return Extractor(
        name,
        network,
        taps={"features": sum(kernel.shape[-1] for kernel in kernels)},
        image_shape=(32, 32, 3),
        resize=resize or "antialiased",
        sha256=digest(kernel.tobytes() for kernel in kernels),
        batch_size=250,
    )


def random_kernels() -> list[np.ndarray]:
    """Kernels (3, 3, in, out) of convolutions in a row, drawn from a fixed seed."""
    random = np.random.RandomState(0)  # NumPy has frozen its stream, unlike that of default_rng
    return [
        (random.standard_normal((3, 3, before, after)) * np.sqrt(2 / (9 * before))).astype(np.float32)
        for before, after in ((3, 16), (16, 32), (32, 64))
    ]


def _pixels(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """The image itself: h * w * c values in [0, 1]."""
    _as_it_is(name, weights, resize)
    return Extractor(
        name,
        lambda x: {"features": tf.reshape(x / 255.0, (tf.shape(x)[0], tf.reduce_prod(tf.shape(x)[1:])))},
        taps={"features": None},
        image_shape=None,
        resize=None,
        sha256="none",
        batch_size=250,
    )


def _log_mel(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """The spectrogram that the classifier of sounds sees, in decibels: 64 mel bands at each of 64 moments, in a row."""
    _as_it_is(name, weights, resize)
    size = int(np.prod(sound.SHAPE))
    return OfSound(
        name,
        lambda x: {"features": tf.reshape(x * (sound.RANGE / 255), (-1, size))},
        taps={"features": size},
        image_shape=None,
        resize=None,
        sha256=digest([repr(sound.SETTINGS).encode()]),
        batch_size=250,
    )


def _raw(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """The data themselves: points, codes, sounds, solids, pictures."""
    _as_it_is(name, weights, resize)
    return Raw(name)


def _as_it_is(name: str, weights: str | os.PathLike | None, resize: str | None) -> None:
    _no_weights(name, weights)
    if resize:
        raise ZooError(f"{name} takes data as they are and does not resize them ({resize!r}); leave the resize out.")


def _no_weights(name: str, weights: str | os.PathLike | None) -> None:
    if weights:
        raise ZooError(f"{name} takes no weights file ({weights}); leave it out.")


def arrays(name: str, path: Path) -> dict[str, np.ndarray]:
    """Every array of an .npz file (never pickled objects)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ZooError(f"{name}: {path} is not a readable .npz file ({error}); copy it again.") from None


EXTRACTORS: dict[str, Callable[[str, str | os.PathLike | None, str | None], Extractor]] = {
    **dict.fromkeys(CLASSIFIERS, _shipped),
    "inception_2015": _inception,
    "log_mel": _log_mel,
    "random_conv": _random_conv,
    "pixels": _pixels,
    "raw": _raw,
}
