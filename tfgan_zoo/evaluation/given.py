"""What people give to be compared: arrays, statistics of another tool, an exported SavedModel, a folder of pictures."""

import dataclasses
import functools
import hashlib
import itertools
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo import console, files, images
from tfgan_zoo.data import memory
from tfgan_zoo.data.sources.folder import SUFFIXES, listing
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation.protocol import BATCH_SIZE
from tfgan_zoo.evaluation.streams import SELECTION_SEED, Batch, Stream
from tfgan_zoo.modalities import ClassLabel, Image, Points


class Arrays:
    """Data in memory as opened data.

    Args:
        given: an array, or {key: array} of several that belong together row by row, of which "label" holds classes.
            uint8 (n, height, width, 1 or 3) or (n, height, width) are pictures, rows of numbers, float (n, d), points.

    Raises:
        ZooError: arrays of other kinds or of different lengths; float pictures, whose range nothing tells.
    """

    def __init__(self, given: Any):
        columns = given if isinstance(given, Mapping) else {None: given}
        self.columns = {key: self._column(key, np.asarray(column)) for key, column in columns.items()}
        main = next((column for key, column in self.columns.items() if key != "label"), None)
        if main is None:
            raise ZooError('data in memory: give an array, or {"image": array, "label": classes}.')
        pictures = main.dtype == np.uint8
        if None in self.columns:
            self.columns = {"image" if pictures else "point": main}
        for key, column in self.columns.items():
            if len(column) != len(main):
                raise ZooError(f"data in memory: {len(column):,} of {key} beside {len(main):,}; give equally many.")
        self.num_examples, self.class_names = len(main), None
        self.spec = {
            key: ClassLabel() if key == "label" else (Image if pictures else Points)(column.shape[1:])
            for key, column in self.columns.items()
        }
        digest = hashlib.sha256()
        for key, column in self.columns.items():
            digest.update(f"{key} {column.dtype} {column.shape}\n".encode() + np.ascontiguousarray(column).tobytes())
        description = f"{len(main):,} given {'pictures' if pictures else 'points'}"
        self.facts = {"source": description, "split": None, "fingerprint": digest.hexdigest()}

    @staticmethod
    def _column(key: str | None, column: np.ndarray) -> np.ndarray:
        if key == "label":
            return ClassLabel().given(column)
        if column.dtype == np.uint8 and column.ndim == 3:
            column = column[..., None]
        pictures = column.dtype == np.uint8 and column.ndim == 4 and column.shape[-1] in (1, 3)
        if not pictures and (column.dtype.kind != "f" or column.ndim != 2):
            raise ZooError(
                f"data in memory are {column.dtype} {column.shape}; give pictures, uint8 (n, height, width, 1 or 3), "
                "or points, float (n, numbers)."
            )
        return column

    def examples(self, batch_size: int, limit: int | None = None) -> Iterator[dict[str, np.ndarray]]:
        """One pass in order: batches {key: stored}."""
        total = self.num_examples if limit is None else min(limit, self.num_examples)
        for first in range(0, total, batch_size):
            yield self.rows(slice(first, min(first + batch_size, total)))

    def rows(self, places: Any) -> dict[str, np.ndarray]:
        """The examples at `places`: {key: stored (n, ...)}."""
        return {key: column[places] for key, column in self.columns.items()}


def in_memory(value: Any) -> bool:
    """Whether `value` is data in memory, such as `Arrays` takes."""
    return isinstance(value, np.ndarray | Mapping) or tf.is_tensor(value)


@dataclasses.dataclass
class GivenStatistics:
    """Ready statistics of the reference, which another tool has written: `mu` (dim,) and `sigma` (dim, dim).

    Attributes:
        description, fingerprint: for the results.
        value: a `metrics.maths.frechet.Statistics`.
    """

    description: str
    fingerprint: str
    value: Any
    count: None = None
    split: None = None


class Served(Stream):
    """What the `sample` signature of an exported SavedModel answers for seeds `seed` to `seed + count - 1`.

    Classes are drawn by the seeds.
    """

    def __init__(self, path: Path, count: int, seed: int = 0):
        self.path, self.count, self.seed, self.description = path, count, seed, f"SavedModel {path}"
        self.facts = {"ema": None, "truncation": None, "seed": seed}
        try:
            self._module = tf.saved_model.load(str(path))  # kept: its signatures do not keep it alive
            self._sample = self._module.signatures["sample"]
        except (OSError, KeyError, ValueError, AttributeError) as error:
            raise ZooError(
                f"{path}: is no SavedModel with a `sample` signature ({str(error).splitlines()[0]}); "
                "`python -m tfgan_zoo export` writes one, or give a folder of its pictures."
            ) from None
        inputs = self._sample.structured_input_signature[1].items()
        self._drawn = {name: tf.constant(-1, spec.dtype) for name, spec in inputs if name not in ("count", "seed")}

    def batches(self):
        for first in range(0, self.count, BATCH_SIZE):
            count = min(BATCH_SIZE, self.count - first)
            seed = tf.constant(self.seed + first, tf.int64)
            answer = self._sample(count=tf.constant(count), seed=seed, **self._drawn)
            labels = answer.pop("label", None)
            (made,) = answer.values()
            yield made.numpy(), None if labels is None else labels.numpy()


class Pictures(Stream):
    """The pictures in a folder and its subfolders, in the order of their names, at the sizes they have.

    Class subfolders (all pictures inside one) give labels, in the order of the subfolders' names. Transparency is
    composited on white; 16 bits become 8; a file that cannot be decoded is an error, since it would change the count.
    """

    def __init__(self, path: str | os.PathLike, count: int | None = None):
        self.path, self.description = Path(path).expanduser(), f"folder {path}"
        if not self.path.is_dir():
            raise ZooError(f"{path}: there is no such folder.")
        names = [entry["file_name"] for entry in listing(self.path)]
        if not names:
            raise ZooError(f"{path}: holds no picture ({' '.join(SUFFIXES)}).")
        if count and count > len(names):
            console.note(f"{path}: holds {len(names):,} pictures where {count:,} are wanted; all are used")
        if count and count < len(names):
            places = np.sort(np.random.default_rng(SELECTION_SEED).permutation(len(names))[:count])
            names = [names[place] for place in places]
        self.names, self.count = names, len(names)
        classes = [Path(name).parts[:-1] for name in names]
        if all(classes):
            self.class_names = tuple(sorted({parts[0] for parts in classes}))

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of file names and contents; cheap next to feature extraction."""
        digest = hashlib.sha256()
        for name in self.names:
            digest.update(f"{name} {files.sha256(self.path / name)}\n".encode())
        return digest.hexdigest()[:20]

    def batches(self):
        decoded = memory.in_order(self._read, self.names)
        for _, group in itertools.groupby(decoded, key=lambda entry: entry[0].shape):
            while part := list(itertools.islice(group, BATCH_SIZE)):
                stacked = np.stack([image for image, _ in part])
                yield stacked, np.array([label for _, label in part]) if self.class_names else None

    def file_of(self, place):
        return self.names[place]

    def singles(self) -> Iterator[Batch]:
        """The images one by one, as (1, h, w, c)."""
        for stacked, labels in self.batches():
            for place in range(len(stacked)):
                yield stacked[place : place + 1], None if labels is None else labels[place : place + 1]

    def _read(self, name: str) -> tuple[np.ndarray, int | None]:
        image = images.decode(self.path / name)
        if image is None:
            raise ZooError(f"{self.path / name}: cannot be decoded; repair it or take it out of the folder.")
        return image, self.class_names.index(Path(name).parts[0]) if self.class_names else None


def saved_model(path: Path) -> Path | None:
    """The folder with saved_model.pb: `path` itself or its newest numbered version; None where there is none."""
    if (path / "saved_model.pb").is_file():
        return path
    versions = [
        entry for entry in path.iterdir() if re.fullmatch(r"\d+", entry.name) and (entry / "saved_model.pb").is_file()
    ]
    return max(versions, key=lambda entry: int(entry.name), default=None)
