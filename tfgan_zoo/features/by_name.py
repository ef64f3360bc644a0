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
| inception_2015      | option, variable or download | 299x299x3 | tf1         | 2048, 768, 192, 64 and two of logits |
| random_conv         | drawn from a fixed seed      | 32x32x3   | antialiased | features 112, for smoke tests        |
| pixels              | none                         | any       | none        | features: pixels in [0, 1], in a row |
| FILE.keras, folder  | its own                      | its own   | antialiased | its own: `of_model`                  |

The shipped ones are made by tools/train_classifier.py; a card beside the weights says how. Inception's weights
are made by tools/convert_inception.py.
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
from tfgan_zoo.features import inception, inception_weights
from tfgan_zoo.features.any_model import of_model, saved
from tfgan_zoo.features.classifiers import CLASSIFIERS
from tfgan_zoo.features.extractor import Extractor, digest
from tfgan_zoo.features.resize import RESIZES

__all__ = ["EXTRACTORS", "INCEPTION_VARIABLE", "RESIZES", "WEIGHTS", "Extractor", "extractor", "of_model"]

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
    if name in EXTRACTORS:
        return EXTRACTORS[name](name, weights, resize)
    if name.endswith(".keras") or Path(name).is_dir():
        _no_weights(name, weights)
        return saved(name, resize)
    raise unknown("feature extractor", name, [*EXTRACTORS, "a .keras file", "a SavedModel folder"])


def _shipped(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """One of `CLASSIFIERS` with the float16 weights of `<name>.npz`, checked against the SHA-256 on its card."""
    path = Path(weights) if weights else WEIGHTS / f"{name}.npz"
    remedy = "Reinstall the package, or make the file again with tools/train_classifier.py."
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
    model = CLASSIFIERS[name](card["classes"])
    stored = _arrays(name, path)
    for variable in model.weights:
        variable.assign(stored[variable.path].astype(np.float32))
    return Extractor(
        name,
        lambda x: model(x / 255.0, training=False),
        taps={tap: model.output[tap].shape[-1] for tap in ("features", "logits")},
        logits="logits",
        image_shape=model.input_shape[1:],
        resize=resize or "antialiased",
        sha256=sha256,
        batch_size=250,
    )


def _inception(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """The Inception of 2015-12-05, from an .npz file of the layout told in inception.py."""
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
    network, missing = inception.network(_arrays(name, path))
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


def _random_conv(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """Three strided convolutions whose weights are drawn from a fixed seed; the means of each, side by side."""
    _no_weights(name, weights)
    random = np.random.RandomState(0)  # NumPy has frozen its stream, unlike that of default_rng
    kernels = [
        (random.standard_normal((3, 3, before, after)) * np.sqrt(2 / (9 * before))).astype(np.float32)
        for before, after in ((3, 16), (16, 32), (32, 64))
    ]

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


def _pixels(name: str, weights: str | os.PathLike | None, resize: str | None) -> Extractor:
    """The image itself: h * w * c values in [0, 1]."""
    _no_weights(name, weights)
    if resize:
        raise ZooError(f"{name} takes images as they are and does not resize them ({resize!r}); leave the resize out.")
    return Extractor(
        name,
        lambda x: {"features": tf.reshape(x / 255.0, (tf.shape(x)[0], tf.reduce_prod(tf.shape(x)[1:])))},
        taps={"features": None},
        image_shape=None,
        resize=None,
        sha256="none",
        batch_size=250,
    )


def _no_weights(name: str, weights: str | os.PathLike | None) -> None:
    if weights:
        raise ZooError(f"{name} takes no weights file ({weights}); leave it out.")


def _arrays(name: str, path: Path) -> dict[str, np.ndarray]:
    """Every array of an .npz file (never pickled objects)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ZooError(f"{name}: {path} is not a readable .npz file ({error}); copy it again.") from None


EXTRACTORS: dict[str, Callable[[str, str | os.PathLike | None, str | None], Extractor]] = {
    **dict.fromkeys(CLASSIFIERS, _shipped),
    "inception_2015": _inception,
    "random_conv": _random_conv,
    "pixels": _pixels,
}
