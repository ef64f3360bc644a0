"""Where the data of one side of a comparison come from. Each stream can be read again and gives the same data.

    Generated   a model's samples
    Answers     what an endpoint answers to the rows of a data set, or of a folder (`own_sizes`)
    Selected    a data set, or a fixed random part of it
    Served      the samples of an exported SavedModel (given.py, as the next)
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

import functools
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfgan_zoo import console, generation, images, sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.data.keyed import bits
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation.protocol import BATCH_SIZE
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Modality

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
