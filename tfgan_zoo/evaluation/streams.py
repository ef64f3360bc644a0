"""Where the data of one side of a comparison come from. Each stream can be read again and gives the same data.

    Generated   a model's samples
    Answers     what an endpoint answers to the rows of a data set, or of a folder (`own_sizes`)
    Served      the samples of an exported SavedModel
    Selected    a data set, or a fixed random part of it; `Arrays` are one in memory
    Pictures    a folder of pictures as they are, of any sizes

A stream has
    description    what it is, in words
    count          how many it gives
    split          of a data set, or None
    fingerprint    equal where the data are equal; None if unknown
    class_names    of its labels; None without labels
    data_facts     what opened data say of themselves
    facts          what a result says of generated data: ema, truncation, seed
    batches()      -> (stored data (n, ...), labels int (n,) or None), all pictures of a batch of one size
    file_of(i)     the file that datum i comes from; None where it comes from none
"""

import dataclasses
import functools
import hashlib
import itertools
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfgan_zoo import console, files, generation, images, sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.data import memory
from tfgan_zoo.data.keyed import bits
from tfgan_zoo.data.sources.folder import SUFFIXES, listing
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation.protocol import BATCH_SIZE
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Modality, Points

SELECTION_SEED = 0  # which real images make up a part of a data set: always the same ones
Batch = tuple[np.ndarray, np.ndarray | None]


class Stream:
    """A side's data; what is not set in a subclass is unknown."""

    description: str
    count: int
    split: str | None = None
    fingerprint: str | None = None
    class_names: tuple[str, ...] | None = None
    kind: Modality | None = None
    data_facts: ClassVar[dict[str, Any]] = {}
    facts: ClassVar[dict[str, Any]] = {"ema": None, "truncation": None, "seed": None}

    def batches(self) -> Iterator[Batch]:
        """The data in order."""
        raise NotImplementedError

    def file_of(self, place: int) -> str | None:
        """The file that the datum at `place` comes from; None where it comes from none."""
        return None


class Generated(Stream):
    """What a model generates for seeds `seed` to `seed + count - 1`.

    Args:
        model: an AdversarialModel, or anything with `sample_images(seeds, truncation)` -> uint8 (n, h, w, c).
        data: opened data whose rows give the conditions, chosen by seed. Where it has none, classes are drawn.
        batch_size: how many are computed at once.

    Class labels among the conditions are the labels of the stream.
    """

    def __init__(
        self,
        model: Any,
        count: int,
        seed: int = 0,
        truncation: float | None = None,
        description: str | None = None,
        data=None,
        batch_size: int = BATCH_SIZE,
    ):
        self.model, self.count, self.seed, self.truncation = model, count, seed, truncation
        self.batch_size = batch_size
        self.description = description or getattr(model, "name", type(model).__name__)
        ema = any(network.endswith("_ema") for network in getattr(model, "networks_by_name", {}))
        self.facts = {"ema": ema, "truncation": truncation, "seed": seed}
        self.kind, self.data, self.label = None, None, None
        if isinstance(model, AdversarialModel):
            self.kind = generation.output_of(model)
            conditions = model.endpoints["generate"].conditions
            self.label = next((key for key, kind in conditions.items() if isinstance(kind, ClassLabel)), None)
            self.data = data if conditions and conditions.keys() <= getattr(data, "spec", {}).keys() else None
            self.keys = tuple(conditions)
            if self.data is None and not model.endpoints["generate"].from_seeds:
                raise ZooError(
                    f"{self.description}: needs {', '.join(self.keys)} to generate: measure it with its data."
                )
            self.class_names = getattr(self.data, "class_names", None) if self.label else None

    def batches(self):
        for first in range(self.seed, self.seed + self.count, self.batch_size):
            seeds = np.arange(first, min(first + self.batch_size, self.seed + self.count))
            made, labels, broken = self._traced(tf.constant(seeds, tf.int64), self._given(seeds))
            sampling.refuse_broken(int(broken), len(seeds), self.description)
            yield made.numpy(), None if labels is None else labels.numpy()

    def _given(self, seeds: np.ndarray) -> dict[str, tf.Tensor]:
        """The conditions of the rows that the seeds choose."""
        if self.data is None:
            return {}
        rows = self.data.rows((bits(SELECTION_SEED, 7, seeds) % np.uint64(self.data.num_examples)).astype(np.int64))
        return {key: tf.constant(rows[key]) for key in self.keys}

    @functools.cached_property
    def _traced(self):
        return tf.function(self._sample, reduce_retracing=True)

    def _sample(self, seeds, given):
        if self.kind is None:
            return self.model.sample_images(seeds, truncation=self.truncation), None, 0
        inputs = sampling.draw(self.model, "generate", seeds, given, self.truncation)
        made = sampling.ask(self.model, "generate", inputs)
        return self.kind.to_stored(made), inputs.get(self.label), sampling.broken_in(made)

    def paths(self, epsilon: float) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
        """Float images (n, h, w, c) in [0, 255] at two places `epsilon` apart on the ways between the noise of seeds.

        Way i leads from the noise of seed + i to that of seed + count + i and is left at a place drawn for i.
        """
        places = np.random.default_rng(self.seed).uniform(0, 1, self.count).astype(np.float32)
        noise = self.model.endpoints["generate"].noise

        @tf.function(reduce_retracing=True)
        def step(first, second, place):
            ends = [sampling.draw(self.model, "generate", seeds, {}, self.truncation) for seeds in (first, second)]
            at = [
                ends[0] | {key: generation.slerp(ends[0][key], ends[1][key], t) for key in noise}
                for t in (place, place + epsilon)
            ]
            return [(sampling.ask(self.model, "generate", inputs) + 1.0) * 127.5 for inputs in at]

        for first in range(0, self.count, self.batch_size):
            last = min(first + self.batch_size, self.count)
            seeds = tf.range(self.seed + first, self.seed + last, dtype=tf.int64)
            yield step(seeds, seeds + self.count, tf.constant(places[first:last]))


class Selected(Stream):
    """`count` rows of an opened data set: all in order, or a fixed random choice from the whole split.

    Drawn from the whole split, so that a folder sorted by class does no harm.

    Args:
        key: which of a row's data; default the first that is no label.
    """

    def __init__(self, data: Any, count: int | None = None, key: str | None = None):
        self.data, self.count, self.key = data, min(count or data.num_examples, data.num_examples), key
        self.description, self.split = str(data.facts.get("source", type(data).__name__)), data.facts.get("split")
        self.fingerprint = data.facts.get("fingerprint")
        self.class_names, self.data_facts = getattr(data, "class_names", None), data.facts
        spec = getattr(data, "spec", {})
        self.kind = spec.get(self._main(spec))
        if count and count > data.num_examples:
            console.note(
                f"{self.description}: has {data.num_examples:,} examples where {count:,} are wanted; all are used"
            )
        if self.fingerprint:
            # What cropping and resizing, in their present version, make of the first images is part of the identity.
            probe = self._of(next(iter(data.examples(8, limit=8))))[0]
            parts = [self.fingerprint, self.split, probe.shape[1:], probe.tobytes().hex(), self.count, SELECTION_SEED]
            self.fingerprint = hashlib.sha256(repr(parts).encode()).hexdigest()[:20]

    def chosen(self) -> np.ndarray:
        """The places in the data set of the rows that are used, ascending."""
        return np.sort(np.random.default_rng(SELECTION_SEED).permutation(self.data.num_examples)[: self.count])

    def rows(self) -> Iterator[dict[str, np.ndarray]]:
        """The rows in order, as batches {key: stored (n, ...)} of `BATCH_SIZE` or less."""
        selected = np.zeros(self.data.num_examples, bool)
        selected[self.chosen()] = True
        first, waiting = 0, []
        for batch in self.data.examples(BATCH_SIZE, limit=int(np.flatnonzero(selected)[-1]) + 1):
            batch = {key: np.asarray(value) for key, value in batch.items()}
            size = len(next(iter(batch.values())))
            wanted = selected[first : first + size]
            waiting.append({key: value[wanted] for key, value in batch.items()})
            first += size
            joined = _joined(waiting)
            waiting = [joined]
            if len(next(iter(joined.values()))) >= BATCH_SIZE:  # small pieces would waste the extractor's batch
                yield {key: value[:BATCH_SIZE] for key, value in joined.items()}
                waiting = [{key: value[BATCH_SIZE:] for key, value in joined.items()}]
        rest = _joined(waiting)
        if len(next(iter(rest.values()))):
            yield rest

    def batches(self):
        yield from map(self._of, self.rows())

    def _main(self, batch: Mapping[str, Any]) -> str | None:
        return self.key or next((key for key in batch if key != "label"), None)

    def _of(self, batch) -> Batch:
        key = self._main(batch)
        if key not in batch:
            raise ZooError(
                f"{self.description}: its batches hold {', '.join(batch)}, and no {key or 'data beside them'}."
            )
        return np.asarray(batch[key]), np.asarray(batch["label"]) if "label" in batch else None


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return parts[0] if len(parts) == 1 else {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


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


class Answers(Stream):
    """What an endpoint of a model answers to the rows of a data set: pictures and sounds in stored form, codes, logits.

    Args:
        model: an AdversarialModel.
        name: the endpoint.
        selected: the rows, `Selected` or another stream with `rows()`.
    """

    def __init__(self, model: AdversarialModel, name: str, selected: Any, description: str, seed: int = 0):
        self.model, self.name, self.selected, self.seed = model, name, selected, seed
        self.endpoint = sampling.endpoint_of(model, name)
        self.description, self.count, self.split = description, selected.count, selected.split
        self.class_names, self.data_facts = selected.class_names, selected.data_facts
        self.kind = self.endpoint.output
        ema = any(f"{network}_ema" in model.networks_by_name for network in self.endpoint.networks)
        self.facts = {"ema": ema, "truncation": None, "seed": None}

    def asked(self) -> Iterator[tuple[tf.Tensor, dict[str, np.ndarray]]]:
        """(answers in model form, the rows they answer to)."""
        first = self.seed
        for rows in self.selected.rows():
            given = {key: tf.constant(rows[key]) for key in self.endpoint.conditions}
            size = len(next(iter(rows.values())))
            answers, broken = self._traced(tf.range(first, first + size, dtype=tf.int64), given)
            sampling.refuse_broken(int(broken), size, self.description)
            first += size
            yield answers, rows

    @functools.cached_property
    def _traced(self):
        def ask(seeds, given):
            answers = sampling.ask(self.model, self.name, sampling.draw(self.model, self.name, seeds, given))
            return answers, sampling.broken_in(answers)

        return tf.function(ask, reduce_retracing=True)

    def batches(self):
        for answers, rows in self.asked():
            pictures = isinstance(self.kind, Image | Audio)
            yield (self.kind.to_stored(answers) if pictures else answers).numpy(), rows.get("label")

    def pairs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(the data's own answer, the model's), both stored (n, ...)."""
        if not self.endpoint.target:
            raise ZooError(f"{self.name}: the data hold no answer to compare with.")
        for answers, rows in self.asked():
            theirs, ours = rows[self.endpoint.target], self.endpoint.output.to_stored(answers).numpy()
            if isinstance(self.endpoint.output, Image) and theirs.shape[1:3] == ours.shape[1:3]:
                ours = np.stack([images.bend(picture, theirs.shape[1:]) for picture in ours])  # grey where they are
            yield theirs, ours


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
