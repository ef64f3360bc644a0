"""Feature extractors: frozen networks found by name, whose outputs the quality metrics compare.

An extractor's identity is its name, the SHA-256 of its weights file, the output taken (a "tap") and how it
resizes: a number computed with another of these is another number. Grey images given to a colour network are
repeated over the three channels; colour images given to a grey network become luma (ITU-R 601: 0.2989 R +
0.5870 G + 0.1140 B, as `tf.image.rgb_to_grayscale`).

| name           | weights                      | input     | resize               | taps                    |
|----------------|------------------------------|-----------|----------------------|-------------------------|
| mnist_cnn      | shipped                      | 28x28x1   | antialiased bilinear | features 128, logits 10 |
| fashion_cnn    | shipped                      | 28x28x1   | antialiased bilinear | features 128, logits 10 |
| inception_2015 | option, $TFGAN_ZOO_INCEPTION | 299x299x3 | tf1 bilinear         | 768, 192, 64            |

The shipped ones are made by tools/train_classifier.py; a card beside the weights says how.

`tf1` is the resize inside the original Inception graph that the FID of Heusel et al. 2017 is defined on:
bilinear, align_corners=False, half_pixel_centers=False, no antialiasing. torch-fidelity does the same;
pytorch-fid resizes with half-pixel centres, so its numbers differ slightly where images are not 299x299.
"""

import json
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .. import files
from ..errors import ZooError, unknown
from . import inception

WEIGHTS = Path(__file__).parent / "weights"
INCEPTION_VARIABLE = "TFGAN_ZOO_INCEPTION"
GREY, RGB = 1, 3


class Extractor:
    """A frozen network from images to feature vectors.

    Attributes:
        name: the name it is found by.
        taps: `{tap: features}`, its named outputs; the first one is the default.
        dim: features of the default tap.
        sha256: of the weights file.
        resize: how images of another size are brought to the network's input, in words.
        batch_size: images it works on at a time, chosen for speed and less than 1 GB of memory.
    """

    def __init__(
        self,
        name: str,
        network: Callable[[tf.Tensor], Mapping[str, tf.Tensor]],
        *,
        taps: Mapping[str, int],
        image_shape: tuple[int, int, int],
        resize: str,
        sha256: str,
        batch_size: int,
    ):
        height, width, self._channels = image_shape
        self._size, self._resize, self._network = (height, width), RESIZES[resize], network
        self.name, self.sha256, self.batch_size = name, sha256, batch_size
        self.taps = dict(taps)
        self.dim = next(iter(self.taps.values()))
        self.resize = f"{resize} to {height}x{width}"
        self._compiled: dict[tuple, Callable] = {}

    def __call__(self, images: Any) -> np.ndarray:
        """Features of the default tap: uint8 (n, h, w, 1 or 3) -> float32 (n, dim). Raises as `outputs`."""
        tap = next(iter(self.taps))
        return self.outputs(images, [tap])[tap]

    def outputs(self, images: Any, taps: Sequence[str]) -> dict[str, np.ndarray]:
        """Several taps from one pass: uint8 (n, h, w, 1 or 3), array or tensor -> {tap: float32 (n, d)}.

        Raises:
            ZooError: an unknown tap, or images that are not uint8 or not of that shape.
        """
        for tap in taps:
            if tap not in self.taps:
                raise unknown("tap", tap, self.taps, where=self.name)
        dtype, shape = tf.as_dtype(images.dtype), tuple(images.shape)
        if dtype != tf.uint8 or len(shape) != 4 or shape[-1] not in (GREY, RGB):
            raise ZooError(f"{self.name}: images of shape {shape} and dtype {dtype.name}; "
                           "give uint8 (n, height, width, 1 or 3).")
        if not shape[0]:
            return {tap: np.zeros((0, self.taps[tap]), np.float32) for tap in taps}
        key = (*taps, shape[1:])
        if key not in self._compiled:
            signature = [tf.TensorSpec((None, *shape[1:]), tf.uint8)]
            self._compiled[key] = tf.function(
                lambda x: self._taps(x, taps), input_signature=signature, autograph=False
            )
        images = tf.convert_to_tensor(images)
        parts = [
            self._compiled[key](images[first : first + self.batch_size])
            for first in range(0, shape[0], self.batch_size)
        ]
        return {tap: np.concatenate([part[tap].numpy() for part in parts]) for tap in taps}

    def _taps(self, images: tf.Tensor, taps: Sequence[str]) -> dict[str, tf.Tensor]:
        """What one traced call computes; taps that are not asked for are pruned from the graph."""
        x = tf.cast(images, tf.float32)
        if x.shape[-1] == RGB and self._channels == GREY:
            x = tf.image.rgb_to_grayscale(x)
        elif x.shape[-1] == GREY and self._channels == RGB:
            x = tf.repeat(x, RGB, axis=-1)
        if tuple(x.shape[1:3]) != self._size:
            x = self._resize(x, self._size)
        outputs = self._network(x)
        return {tap: outputs[tap] for tap in taps}


def _tf1_bilinear(x: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    return tf.raw_ops.ResizeBilinear(images=x, size=size, align_corners=False, half_pixel_centers=False)


def _antialiased(x: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    return tf.image.resize(x, size, "bilinear", antialias=True)


RESIZES = {"tf1 bilinear": _tf1_bilinear, "antialiased bilinear": _antialiased}


def extractor(name: str, *, weights: str | os.PathLike | None = None) -> Extractor:
    """The extractor called `name`.

    Args:
        name: one of `EXTRACTORS`.
        weights: its weights file. Default: the shipped one; for Inception, what TFGAN_ZOO_INCEPTION names.

    Raises:
        ZooError: an unknown name; a weights file that is absent, truncated or not this network's.
    """
    if name not in EXTRACTORS:
        raise unknown("feature extractor", name, EXTRACTORS)
    return EXTRACTORS[name](name, weights)


def classifier(num_classes: int = 10) -> keras.Model:
    """A small classifier: float32 (n, 28, 28, 1) in [0, 1] -> {"features": (n, 128), "logits": (n, 10)}.

    Three 3x3 convolutions (32, 64, 128 filters) with batch normalization, then a 128-unit ReLU layer: 0.9
    million weights, 1.8 MB as float16.
    """
    x = image = keras.Input((28, 28, 1), name="image")
    for index, filters in enumerate((32, 64, 128)):
        x = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{index}")(x)
        if index < 2:
            x = keras.layers.MaxPooling2D()(x)  # before the normalization, which then costs a quarter
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9, name=f"norm_{index}")(x))
    x = keras.layers.Dense(128, use_bias=False, name="dense")(keras.layers.Flatten()(x))
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm_dense")(x)
    x = features = keras.layers.ReLU(name="features")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(keras.layers.Dropout(0.3)(x))
    return keras.Model(image, {"features": features, "logits": logits})


def _shipped(name: str, weights: str | os.PathLike | None) -> Extractor:
    """A `classifier` with the float16 weights of `<name>.npz`, checked against the SHA-256 on its card."""
    path = Path(weights) if weights else WEIGHTS / f"{name}.npz"
    remedy = "Reinstall the package, or make the file again with tools/train_classifier.py."
    try:
        card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        sha256 = files.sha256(path)
    except (OSError, ValueError) as error:
        raise ZooError(f"{name}: cannot read {path} with its card ({error}). {remedy}") from None
    if sha256 != card.get("sha256"):
        raise ZooError(f"{name}: {path} has SHA-256 {sha256[:12]}..., its card says "
                       f"{str(card.get('sha256'))[:12]}... (truncated or changed). {remedy}")
    model = classifier(card["classes"])
    stored = _arrays(name, path)
    for variable in model.weights:
        variable.assign(stored[variable.path].astype(np.float32))
    return Extractor(
        name,
        lambda x: model(x / 255.0, training=False),
        taps={"features": 128, "logits": card["classes"]},
        image_shape=(28, 28, 1),
        resize="antialiased bilinear",
        sha256=sha256,
        batch_size=250,
    )


def _inception(name: str, weights: str | os.PathLike | None) -> Extractor:
    """The Inception of 2015-12-05 up to mixed_7, from an .npz file of the layout told in `inception.py`."""
    path = weights or os.environ.get(INCEPTION_VARIABLE)
    if not path:
        raise ZooError(f"{name} needs its weights: give --inception-weights FILE or set {INCEPTION_VARIABLE} "
                       "to the .npz file; the metrics named fd_* come with theirs.")
    path = Path(path)
    if not path.is_file():
        raise ZooError(f"{name}: no weights file {path}; give --inception-weights FILE or set "
                       f"{INCEPTION_VARIABLE}.")
    return Extractor(
        name,
        inception.network(_arrays(name, path)),
        taps=inception.TAPS,
        image_shape=(299, 299, 3),
        resize="tf1 bilinear",
        sha256=files.sha256(path),
        batch_size=32,
    )


def _arrays(name: str, path: Path) -> dict[str, np.ndarray]:
    """Every array of an .npz file (never pickled objects)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ZooError(f"{name}: {path} is not a readable .npz file ({error}); copy it again.") from None


EXTRACTORS: dict[str, Callable[[str, str | os.PathLike | None], Extractor]] = {
    "mnist_cnn": _shipped,
    "fashion_cnn": _shipped,
    "inception_2015": _inception,
}
