"""Where the images of one side of a comparison come from. Each stream can be read again and gives the same images.

    Generated   a model's samples
    Served      the samples of an exported SavedModel
    Selected    a data set, or a fixed random part of it
    Pictures    a folder of pictures as they are, of any sizes

A stream has
    line           what it is, in words
    count          how many images it gives
    split          of a data set, or None
    fingerprint    equal where the images are equal; None where that cannot be told
    class_names    of its labels; None without labels
    data_facts     what opened data say of themselves
    facts          what a result says of generated images: ema, truncation, seed
    batches()      -> (images uint8 (n, h, w, c), labels int (n,) or None), all images of a batch of one size; models
                   and data of points give those, float32 (n, dim), in place of images
"""

import functools
import hashlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfgan_zoo import adversarial, files
from tfgan_zoo.data import images as pictures
from tfgan_zoo.data.sources.folder import SUFFIXES, listing
from tfgan_zoo.errors import ZooError, count_of

BATCH_SIZE = 128  # images generated or read at a time; extractors split it further as suits them
SELECTION_SEED = 0  # which real images make up a part of a data set: always the same ones
Batch = tuple[np.ndarray, np.ndarray | None]


class Stream:
    """A side's images; what is not set in a subclass is unknown."""

    line: str
    count: int
    split: str | None = None
    fingerprint: str | None = None
    class_names: tuple[str, ...] | None = None
    data_facts: ClassVar[dict[str, Any]] = {}
    facts: ClassVar[dict[str, Any]] = {"ema": None, "truncation": None, "seed": None}

    def batches(self) -> Iterator[Batch]:
        """The images in order."""
        raise NotImplementedError


class Generated(Stream):
    """The images of seeds `seed` to `seed + count - 1` of a model.

    `model` is an AdversarialModel, or anything with `sample_images(seeds, truncation)` -> uint8 (n, h, w, c). Latents
    that are a dict with a `label` give labels.
    """

    def __init__(self, model: Any, count: int, seed: int = 0, truncation: float | None = None, line: str | None = None):
        self.model, self.count, self.seed, self.truncation = model, count, seed, truncation
        self.line = line or getattr(model, "name", type(model).__name__)
        ema = any(network.endswith("_ema") for network in getattr(model, "networks_by_name", {}))
        self.facts = {"ema": ema, "truncation": truncation, "seed": seed}

    def batches(self):
        for first in range(self.seed, self.seed + self.count, BATCH_SIZE):
            images, labels, broken = self._traced(
                tf.range(first, min(first + BATCH_SIZE, self.seed + self.count), dtype=tf.int64)
            )
            refuse_broken(int(broken), len(images), self.line)
            yield images.numpy(), None if labels is None else labels.numpy()

    @functools.cached_property
    def _traced(self):
        return tf.function(self._sample, input_signature=[tf.TensorSpec([None], tf.int64)])

    def _sample(self, seeds):
        if not isinstance(self.model, adversarial.AdversarialModel):
            return self.model.sample_images(seeds, truncation=self.truncation), None, 0
        latents = self.model.latents_for(seeds, self.truncation)
        made = self.model.call(latents)
        labels = latents.get("label") if isinstance(latents, dict) else None
        return adversarial.to_uint8(made) if self.model.data_key == "image" else made, labels, broken_in(made)

    def paths(self, epsilon: float) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Float images (n, h, w, c) in [0, 255] at two places `epsilon` apart on the ways between latents of seeds.

        Way i leads from the latents of seed + i to those of seed + count + i and is left at a place drawn for i.
        """
        places = np.random.default_rng(self.seed).uniform(0, 1, self.count).astype(np.float32)

        @tf.function(reduce_retracing=True)
        def step(first, second, place):
            ends = [self.model.latents_for(seeds, self.truncation) for seeds in (first, second)]
            at = [tf.nest.map_structure(lambda a, b, t=t: _between(a, b, t), *ends) for t in (place, place + epsilon)]
            return [(self.model.call(latents) + 1.0) * 127.5 for latents in at]

        for first in range(0, self.count, BATCH_SIZE):
            last = min(first + BATCH_SIZE, self.count)
            seeds = tf.range(self.seed + first, self.seed + last, dtype=tf.int64)
            yield step(seeds, seeds + self.count, tf.constant(places[first:last]))


def _between(a: tf.Tensor, b: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
    """Row i at `place[i]` on the arc from a[i] to b[i], as Karras et al. 2019 walk through z; labels stay."""
    if not a.dtype.is_floating:
        return a
    axes = list(range(1, len(a.shape)))
    place = tf.reshape(place, [-1, *[1] * len(axes)])
    dot, aa, bb = (tf.reduce_sum(product, axes, keepdims=True) for product in (a * b, a * a, b * b))
    cosine = dot / tf.sqrt(aa * bb)
    angle = tf.acos(tf.clip_by_value(cosine, -1.0 + 1e-6, 1.0 - 1e-6))
    return (tf.sin((1.0 - place) * angle) * a + tf.sin(place * angle) * b) / tf.sin(angle)


class Served(Stream):
    """What the `sample` signature of an exported SavedModel answers for seeds `seed` to `seed + count - 1`."""

    def __init__(self, path: Path, count: int, seed: int = 0):
        self.path, self.count, self.seed, self.line = path, count, seed, f"SavedModel {path}"
        self.facts = {"ema": None, "truncation": None, "seed": seed}
        try:
            self._module = tf.saved_model.load(str(path))  # kept: its signatures do not keep it alive
            self._sample = self._module.signatures["sample"]
        except (OSError, KeyError, ValueError, AttributeError) as error:
            raise ZooError(
                f"{path}: is no SavedModel with a `sample` signature ({str(error).splitlines()[0]}); "
                "`python -m tfgan_zoo export` writes one, or give a folder of its pictures."
            ) from None

    def batches(self):
        for first in range(0, self.count, BATCH_SIZE):
            count = min(BATCH_SIZE, self.count - first)
            answer = self._sample(count=tf.constant(count), seed=tf.constant(self.seed + first, tf.int64))
            (made,) = answer.values()
            if made.dtype != tf.uint8:
                raise ZooError(
                    f"{self.path}: answers {made.dtype.name} of shape {made.shape}; these metrics are of images."
                )
            yield made.numpy(), None


class Selected(Stream):
    """`count` images of an opened data set: all in order, or a fixed random choice from the whole split.

    Drawn from the whole split, so that a folder sorted by class does no harm.
    """

    def __init__(self, data: Any, count: int | None = None):
        self.data, self.count = data, min(count or data.num_examples, data.num_examples)
        self.line, self.split = str(data.facts.get("source", type(data).__name__)), data.facts.get("split")
        self.fingerprint = data.facts.get("fingerprint")
        self.class_names, self.data_facts = getattr(data, "class_names", None), data.facts
        if self.fingerprint:
            # What cropping and resizing, in their present version, make of the first images is part of the identity.
            probe = self._of(next(iter(data.examples(8, limit=8))))[0]
            parts = [self.fingerprint, self.split, probe.shape[1:], probe.tobytes().hex(), self.count, SELECTION_SEED]
            self.fingerprint = hashlib.sha256(repr(parts).encode()).hexdigest()[:20]

    def chosen(self) -> np.ndarray:
        """The places in the data set of the images that are used, ascending."""
        return np.sort(np.random.default_rng(SELECTION_SEED).permutation(self.data.num_examples)[: self.count])

    def batches(self):
        selected = np.zeros(self.data.num_examples, bool)
        selected[self.chosen()] = True
        first, waiting = 0, []
        for batch in self.data.examples(BATCH_SIZE, limit=int(np.flatnonzero(selected)[-1]) + 1):
            images, labels = self._of(batch)
            wanted = selected[first : first + len(images)]
            waiting.append((images[wanted], None if labels is None else labels[wanted]))
            first += len(images)
            if sum(len(part) for part, _ in waiting) >= BATCH_SIZE:  # small pieces would waste the extractor's batch
                images, labels = _joined(waiting)
                yield images[:BATCH_SIZE], None if labels is None else labels[:BATCH_SIZE]
                waiting = [(images[BATCH_SIZE:], None if labels is None else labels[BATCH_SIZE:])]
        images, labels = _joined(waiting)
        if len(images):
            yield images, labels

    def _of(self, batch) -> Batch:
        key = next((key for key in ("image", "point") if key in batch), None)
        if key is None:
            raise ZooError(f"{self.line}: its batches hold {', '.join(batch)}, and neither image nor point.")
        return np.asarray(batch[key]), np.asarray(batch["label"]) if "label" in batch else None


def _joined(parts: list[Batch]) -> Batch:
    images, labels = zip(*parts, strict=True)
    return np.concatenate(images), None if labels[0] is None else np.concatenate(labels)


class Pictures(Stream):
    """The pictures in a folder and its subfolders, in the order of their names, at the sizes they have.

    Class subfolders (all pictures inside one) give labels, in the order of the subfolders' names. Transparency is
    composited on white; 16 bits become 8; a file that cannot be decoded is an error, since it would change the count.
    """

    def __init__(self, path: str | Path, count: int | None = None):
        self.path, self.line = Path(path), f"folder {path}"
        names = [entry["file_name"] for entry in listing(self.path)]
        if not names:
            raise ZooError(f"{path}: holds no picture ({' '.join(SUFFIXES)}).")
        if count and count < len(names):
            places = np.sort(np.random.default_rng(SELECTION_SEED).permutation(len(names))[:count])
            names = [names[place] for place in places]
        self.names, self.count = names, len(names)
        classes = [Path(name).parts[:-1] for name in names]
        if all(classes):
            self.class_names = tuple(sorted({parts[0] for parts in classes}))

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the names and the bytes of the files: reading them takes little beside measuring them."""
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(f"{name} {files.sha256(self.path / name)}\n".encode())
        return digest.hexdigest()[:20]

    def batches(self):
        decoded = pictures.in_order(self._read, self.names)
        for _, group in itertools.groupby(decoded, key=lambda entry: entry[0].shape):
            while part := list(itertools.islice(group, BATCH_SIZE)):
                images = np.stack([image for image, _ in part])
                yield images, np.array([label for _, label in part]) if self.class_names else None

    def singles(self) -> Iterator[Batch]:
        """The images one by one, as (1, h, w, c)."""
        for images, labels in self.batches():
            for place in range(len(images)):
                yield images[place : place + 1], None if labels is None else labels[place : place + 1]

    def _read(self, name: str) -> tuple[np.ndarray, int | None]:
        image = pictures.decode(self.path / name)
        if image is None:
            raise ZooError(f"{self.path / name}: cannot be decoded; mend it or take it out of the folder.")
        return image, self.class_names.index(Path(name).parts[0]) if self.class_names else None


def saved_model(path: Path) -> Path | None:
    """The folder with saved_model.pb: `path` itself or its newest numbered version; None where there is none."""
    if (path / "saved_model.pb").is_file():
        return path
    versions = [
        entry for entry in path.iterdir() if re.fullmatch(r"\d+", entry.name) and (entry / "saved_model.pb").is_file()
    ]
    return max(versions, key=lambda entry: int(entry.name), default=None)


def broken_in(images: tf.Tensor) -> tf.Tensor:
    """How many of float images (n, ...) hold NaN or infinity."""
    finite = tf.reduce_all(tf.math.is_finite(tf.cast(images, tf.float32)), axis=tf.range(1, tf.rank(images)))
    return tf.reduce_sum(tf.cast(~finite, tf.int32))


def refuse_broken(broken: int, of: int, line: str) -> None:
    """Raise ZooError where images hold NaN: as bytes they would pass for pictures."""
    if broken:
        raise ZooError(
            f"{line}: NaN or infinity in {count_of(broken, 'image')} of {of:,}; its weights are broken or its "
            "training diverged: evaluate an earlier checkpoint."
        )
