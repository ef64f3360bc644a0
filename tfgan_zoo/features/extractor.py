"""An extractor: a frozen network from uint8 images to feature vectors, and the identity its numbers bear."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.features.resize import RESIZES

GREY, RGB = 1, 3
Network = Callable[[tf.Tensor], Mapping[str, tf.Tensor]]
Shape = tuple[int, int, int]


class Extractor:
    """A frozen network from images to feature vectors.

    Attributes:
        name: the name it is found by.
        taps: `{tap: features}`, its named outputs; None where their number depends on the image's size.
        features: the tap that feature metrics use by default: the first.
        logits: the tap that metrics of classes use; None where it is no classifier.
        sha256: of the weights; "none" where there are none, "" where they are unknown (a Python function), so that
            nothing computed with them may be kept for another process.
        resize: how images of another size are brought to the network's input, in words.
        batch_size: images it works on at a time, chosen for speed and less than 1 GB of memory.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        *,
        taps: Mapping[str, int | None],
        image_shape: Shape | None,
        resize: str | None,
        sha256: str,
        batch_size: int,
        logits: str | None = None,
        missing: Mapping[str, str] | None = None,
    ):
        """Arguments that are not attributes:

        network: float32 (n, *image_shape) in [0, 255] -> {tap: float32 (n, d)}.
        image_shape: (height, width, 1 or 3); None if the network takes images of any shape as they are.
        resize: one of `RESIZES`; None with an `image_shape` of None.
        missing: taps this network has in principle, each with one line on why it cannot give them.
        """
        self._network, self._size, self._channels, self._missing = network, None, None, missing or {}
        self.resize = "none"
        if image_shape:
            if resize not in RESIZES:
                raise unknown("resize", resize, RESIZES, where=name)
            height, width, self._channels = image_shape
            self._size, self._resize = (height, width), RESIZES[resize]
            self.resize = f"{self._resize.label} to {height}x{width}"
        self.name, self.sha256, self.batch_size = name, sha256, batch_size
        self.taps = dict(taps)
        self.features, self.logits = next(iter(self.taps)), logits
        self._compiled: dict[tuple, Callable] = {}

    def check(self, kind: Any) -> None:
        """Raise ZooError for a modality that this network cannot describe."""

    def require(self, taps: Iterable[str]) -> None:
        """Raise ZooError unless it gives all of `taps`."""
        for tap in taps:
            if tap in self._missing:
                raise ZooError(self._missing[tap])
            if tap not in self.taps:
                raise unknown("tap", tap, self.taps, where=self.name)

    def __call__(self, images: Any) -> np.ndarray:
        """Features of the default tap: uint8 (n, h, w, 1 or 3) -> float32 (n, d). Raises as `outputs`."""
        return self.outputs(images, [self.features])[self.features]

    def outputs(self, images: Any, taps: Sequence[str], *, unrounded: bool = False) -> dict[str, np.ndarray]:
        """Several taps from one pass: uint8 (n, h, w, 1 or 3), array or tensor -> {tap: float32 (n, d)}.

        Images of one call have one size; the next call's may have another. With `unrounded` they are float32 in
        [0, 255]: for differences between images that uint8 would hide.

        Raises:
            ZooError: an unknown tap, or images that are not uint8 or not of that shape.
        """
        self.require(taps)
        dtype, shape = tf.as_dtype(images.dtype), tuple(images.shape)
        if dtype != (tf.float32 if unrounded else tf.uint8) or len(shape) != 4 or shape[-1] not in (GREY, RGB):
            raise ZooError(
                f"{self.name}: images of shape {shape} and dtype {dtype.name}; give uint8 (n, height, width, 1 or 3). "
                "Metrics of other data take them as they are: fd@raw, prdc@raw."
            )
        if not shape[0]:  # oneDNN fails on empty batches
            one = self.outputs(np.zeros((1, *shape[1:]), np.uint8), taps)
            return {tap: rows[:0] for tap, rows in one.items()}
        parts = [
            self._batch(images[first : first + self.batch_size], tuple(taps))
            for first in range(0, shape[0], self.batch_size)
        ]
        return {tap: np.concatenate([part[tap].numpy() for part in parts]) for tap in taps}

    def _batch(self, images: Any, taps: tuple[str, ...]) -> dict[str, tf.Tensor]:
        as_is = self._size is None or tuple(images.shape[1:3]) == self._size
        if not as_is and not self._resize.traced:
            images, as_is = self._resize.apply(np.asarray(images), self._size), True
        images = tf.convert_to_tensor(images)
        # One graph for all sizes that have to be resized: a folder of a thousand sizes must not make a thousand.
        height_width = (self._size if as_is else None) or (None, None)
        spec = tf.TensorSpec((None, *height_width, images.shape[-1]), images.dtype)
        key = (taps, spec.shape, spec.dtype)
        if key not in self._compiled:
            self._compiled[key] = tf.function(
                lambda x: self._taps(x, taps, as_is), input_signature=[spec], autograph=False
            ).get_concrete_function()
        return self._compiled[key](images)

    def _taps(self, images: tf.Tensor, taps: Sequence[str], as_is: bool) -> dict[str, tf.Tensor]:
        """What one traced call computes; taps that are not asked for are pruned from the graph."""
        x = tf.cast(images, tf.float32)
        if x.shape[-1] == RGB and self._channels == GREY:
            x = tf.image.rgb_to_grayscale(x)
        elif x.shape[-1] == GREY and self._channels == RGB:
            x = tf.repeat(x, RGB, axis=-1)
        if not as_is:
            x = tf.ensure_shape(self._resize.apply(x, self._size), (None, *self._size, self._channels))
        outputs = self._network(x)
        return {tap: outputs[tap] for tap in taps}


class Raw(Extractor):
    """The data themselves, of any kind: the numbers of each in a row, as they are stored."""

    def __init__(self, name: str):
        super().__init__(
            name, lambda x: x, taps={"features": None}, image_shape=None, resize=None, sha256="none", batch_size=1
        )

    def outputs(self, images, taps, *, unrounded=False):
        self.require(taps)
        rows = np.asarray(images)
        return {tap: rows.reshape(len(rows), -1).astype(np.float32) for tap in taps}


def digest(parts: Iterable[bytes]) -> str:
    """The SHA-256 of all `parts` in a row."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
