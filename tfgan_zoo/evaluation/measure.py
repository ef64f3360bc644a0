"""Measuring: one pass over each side serves every metric.

    features of images (features/) -> statistics of features -> numbers (metrics/)

Every number comes out as a `Result`, which carries where it comes from.
"""

import functools
import hashlib
import inspect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import __version__, console, devices
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import cache as caches
from tfgan_zoo.evaluation.asked import Asked, asked_for
from tfgan_zoo.evaluation.protocol import DEFAULT_SAMPLES, Protocol
from tfgan_zoo.evaluation.streams import Answers, Generated, Pictures, Selected, Stream
from tfgan_zoo.files import cache_folder
from tfgan_zoo.metrics import registry
from tfgan_zoo.metrics.base import Value
from tfgan_zoo.metrics.frechet import FrechetDistance
from tfgan_zoo.stamps import Result


@dataclass
class GivenStatistics:
    """Ready statistics of the reference, which another tool has written: `mu` (dim,) and `sigma` (dim, dim).

    Attributes:
        line, fingerprint: for the results.
        value: a `metrics.maths.frechet.Statistics`.
    """

    line: str
    fingerprint: str
    value: Any
    count: None = None
    split: None = None


def evaluate(
    generated: Any,
    reference: Any,
    protocol: Protocol,
    *,
    held_out: Any = None,
    name: str | None = None,
    key: str | None = None,
) -> list[Result]:
    """Measure generated data against real ones.

    Args:
        generated: a model that gives `sample_images(seeds, truncation)`, uint8 (n, h, w, c), as an AdversarialModel
            does; or any `Stream` (then samples, seed, truncation and name are its own).
        reference: the real data compared with: opened data (`Data`), a `Stream` or `GivenStatistics`. None for metrics
            of generated data alone.
        protocol: what to measure and how.
        held_out: real data of another split, for the floor (as many as the samples, if there are) and for the metrics
            that need the training data (all of them).
        name: what the results call the model; default `model.name`.
        key: which of the real data's keys is compared; default the first that is no label.

    Returns:
        One `Result` per number, in the order of the metrics.

    Raises:
        ZooError: an unknown metric, missing weights, a side that a metric needs and that is not there, NaN in generated
            data, data of another kind.
    """
    samples = protocol.samples or DEFAULT_SAMPLES
    if isinstance(generated, Stream):
        fake = generated
    else:
        fake = Generated(generated, samples, protocol.seed, protocol.truncation, name)
    if fake.count < 2:
        raise ZooError(f"{fake.line}: {fake.count} to measure; give 2 or more.")
    ready = reference is None or isinstance(reference, (Stream, GivenStatistics))
    wanted = protocol.reference_samples or (None if ready else min(fake.count, reference.num_examples))
    real = reference if ready else Selected(reference, wanted, key)
    own = held_out is None or isinstance(held_out, Stream)
    rest = held_out if own else Selected(held_out, min(fake.count, held_out.num_examples), key)
    if rest is not None and real is not None and same(real, rest):
        raise ZooError(f"the held-out data is the reference itself ({real.line}); give another split.")
    asked = asked_for(protocol, getattr(real, "data_facts", {}), getattr(fake, "name", None))
    if any(len(one.metric.labelled) > 1 for one in asked):
        agree_on_classes(fake, real)
    training = held_out if own else Selected(held_out, None, key)
    store = Path(protocol.cache) if protocol.cache else cache_folder()
    with console.progress(transient=True) as progress:
        numbers = measure([one for one in asked if not one.metric.paired], fake, real, rest, training, store, progress)
        numbers |= {one.text: (of_pairs(one, fake, real, progress), {}) for one in asked if one.metric.paired}
    return [
        result(one, name, numbers[one.text][0][name], numbers[one.text][1].get(name), fake, real, rest)
        for one in asked
        for name in one.values
    ]


def as_reference(data: Any) -> Any:
    """Real data as `evaluate` takes them: an array of pictures, uint8 (n, h, w, c), is wrapped."""
    return Arrays(data) if isinstance(data, np.ndarray) else data


class Arrays:
    """Pictures in memory as opened data."""

    def __init__(self, images: np.ndarray):
        if images.dtype != np.uint8 or images.ndim != 4:
            raise ZooError(f"real pictures are {images.dtype} {images.shape}; give uint8 (n, height, width, channels).")
        self.images, self.num_examples, self.class_names = images, len(images), None
        digest = hashlib.sha256(np.ascontiguousarray(images)).hexdigest()
        self.facts = {"source": f"{len(images):,} given pictures", "split": None, "fingerprint": digest}

    def examples(self, batch_size: int, limit: int | None = None):
        """One pass in order: batches {"image": uint8}."""
        for first in range(0, len(self.images[:limit]), batch_size):
            yield {"image": self.images[:limit][first : first + batch_size]}


# === Measuring ===
def measure(tasks: list[Asked], fake, real, rest, training, store, progress) -> dict[str, tuple[dict, dict]]:
    """{task's text: (numbers, numbers of the floor)}."""
    for task in tasks:
        for side, stream in (("real", real), ("held_out", training)):
            if side in task.metric.sides and stream is None:
                what = (
                    "real images to compare with: say against what"
                    if side == "real"
                    else "the training data beside held-out images: evaluate a model against the test split of its data"
                )
                raise ZooError(f"{task.text} needs {what}.")
        if (
            isinstance(real, GivenStatistics)
            and "real" in task.metric.sides
            and not isinstance(task.metric, FrechetDistance)
        ):
            raise ZooError(
                f"{task.text} needs images, and {real.line} holds a mean and a covariance; they serve fd and fid."
            )

    def of(side: str) -> list[Asked]:
        return [task for task in tasks if side in task.metric.sides]

    floors = [task for task in tasks if task.metric.floor and rest is not None and "fake" in task.metric.sides]
    if isinstance(real, GivenStatistics):
        reference_stats = {task.key: real.value for task in of("real")}
    else:
        reference_stats = cached(real, of("real"), store, progress, "real") if of("real") else {}
    training_stats = cached(training, of("held_out"), store, progress, "training") if of("held_out") else {}
    floor_stats = cached(rest, floors, store, progress, "held out") if floors else {}
    generated_stats = gather(fake, of("fake"), progress, "generated") if of("fake") else {}

    numbers = {}
    for task in tasks:
        sides = {"real": reference_stats, "held_out": training_stats, "fake": generated_stats}
        sides = {side: sides[side][task.key] for side in task.metric.sides}
        floor = task.metric.measure(**{**sides, "fake": floor_stats[task.key]}) if task in floors else {}
        numbers[task.text] = task.metric.measure(**sides), floor
    return numbers


def gather(stream: Stream, tasks: Sequence[Asked], progress: Any, title: str) -> dict[tuple, Any]:
    """One pass, in which every extractor sees every batch once. -> {task's key: statistics}."""
    first = {task.key: task for task in reversed(tasks)}  # one of those that share a statistic
    statistics = {
        key: task.metric.statistic(task.extractor.taps[task.tap] if task.extractor else None)
        for key, task in first.items()
    }
    taps: dict[Any, list[str]] = {}
    for task in first.values():
        if task.metric.takes in ("features", "logits"):
            taps.setdefault(task.extractor, []).append(task.tap)
    bar = progress.add_task(title, total=stream.count, text="")
    for images, labels in stream.batches():
        outputs = {
            extractor.name: extractor.outputs(images, list(dict.fromkeys(wanted))) for extractor, wanted in taps.items()
        }
        for key, task in first.items():
            task.add(statistics[key], task.rows(images, outputs), labels, stream.line)
        progress.advance(bar, len(images))
    return {key: statistic.result() for key, statistic in statistics.items()}


def cached(stream: Stream, tasks: Sequence[Asked], store: Path, progress: Any, title: str) -> dict[tuple, Any]:
    """`gather`, but from the cache what it has; reads the images once, and only if it lacks something."""
    entries = {task.key: entry(stream, task, store) for task in tasks}
    found = {key: value for key, entry in entries.items() if entry and (value := entry.load()) is not None}
    missing = [task for task in tasks if task.key not in found]
    if missing:
        made = gather(stream, missing, progress, title)
        for key, value in made.items():
            if entries[key]:
                entries[key].save(value)
        found |= made
    return found


def entry(stream: Stream, task: Asked, store: Path) -> caches.Entry | None:
    """Where the statistics are kept; None for images or statistics that cannot be."""
    if task.extractor is not None and not task.extractor.sha256:
        return None  # weights that nothing identifies
    if (
        not stream.fingerprint
        or not inspect.isclass(task.metric.statistic)
        or not caches.cacheable(task.metric.statistic)
    ):
        return None
    extractor = task.extractor
    key = {
        "images": stream.fingerprint,
        "features": [extractor.name, task.tap, extractor.sha256, extractor.resize] if extractor else None,
        "takes": task.metric.takes,
        "version": __version__,  # what is kept may mean something else in another
    }
    name = f"{Path(extractor.name).name}-{task.tap}" if extractor else task.metric.takes
    return caches.Entry(store, name, key, task.metric.statistic)


# === Metrics of pairs ===
def of_pairs(task: Asked, fake: Stream, real: Stream | None, progress: Any) -> dict[str, Value]:
    """The numbers of a metric whose sides belong together, row by row."""
    bar = progress.add_task(task.metric.name, total=fake.count, text="")
    if task.extractor is not None:  # two places on a way between latents
        if not isinstance(fake, Generated):
            raise ZooError(f"{task.text} walks between a model's latents; {fake.line} has none.")
        for images in fake.paths(task.metric.epsilon):
            task.metric.update(*(task.extractor.outputs(side, [task.tap], unrounded=True)[task.tap] for side in images))
            progress.advance(bar, len(images[0]))
        return task.metric.result()
    if isinstance(fake, Answers):
        for theirs, ours in fake.pairs():
            task.metric.update(theirs, ours)
            progress.advance(bar, len(ours))
        return task.metric.result()
    if not isinstance(fake, Pictures) or not isinstance(real, Pictures):
        raise ZooError(f"{task.text} compares picture by picture: give two folders with the same file names.")
    for one, other in itertools.zip_longest(fake.names, real.names):
        if one is None or other is None or Path(one).with_suffix("") != Path(other).with_suffix(""):
            raise ZooError(
                f"{task.text} compares picture by picture: {fake.path} has {one or 'no more'} where {real.path} has "
                f"{other or 'no more'}; the names must be the same."
            )
    for (theirs, _), (ours, _) in zip(real.singles(), fake.singles(), strict=True):
        task.metric.update(theirs, ours)
        progress.advance(bar, 1)
    return task.metric.result()


# === What is said of it ===
def result(task: Asked, name: str, value: Value, floor: Value | None, fake: Stream, real, rest) -> Result:
    """The number called `name` with its stamp."""
    extractor, compared = task.extractor, real if "real" in task.metric.sides and not walks(task) else None
    own = f"{name}@{task.endpoint}" if task.endpoint else None
    return Result(
        metric=own or registry.label(name, type(task.metric), extractor and extractor.name, task.tap),
        value=value.value,
        deviation=value.deviation,
        higher=name in task.metric.higher,
        best=task.metric.best.get(name),
        floor=floor.value if floor else None,
        model=fake.line,
        samples=fake.count,
        floor_samples=rest.count if floor else None,
        reference=compared.line if compared else None,
        reference_split=compared.split if compared else None,
        reference_samples=compared.count if compared else None,
        reference_fingerprint=compared.fingerprint if compared else None,
        features=f"{extractor.name}/{task.tap}" if extractor else task.endpoint,
        features_sha256=extractor.sha256 if extractor else None,
        resize=extractor.resize if extractor else None,
        settings=task.metric.settings,
        **fake.facts,
        **provenance(),
    )


def agree_on_classes(fake: Stream, real: Any) -> None:
    """Raise ZooError where labels of the two sides cannot mean the same."""
    one, other = fake.class_names, getattr(real, "class_names", None)
    if one is not None and other is not None and tuple(one) != tuple(other):
        differing = next(pair for pair in itertools.zip_longest(one, other) if pair[0] != pair[1])
        raise ZooError(
            f"classes differ: {fake.line} has {differing[0]!r} where {real.line} has {differing[1]!r}; "
            "name the subfolders alike."
        )


def walks(task: Asked) -> bool:
    """Whether the metric's pairs are places on ways between latents; others pair pictures of two folders."""
    return task.metric.paired and task.extractor is not None


def same(stream: Stream | GivenStatistics, other: Stream) -> bool:
    """Whether both give the same images, as far as that can be told."""
    return stream is other or (stream.fingerprint is not None and stream.fingerprint == other.fingerprint)


@functools.cache
def provenance() -> dict[str, Any]:
    """What computes the numbers: {version, commit, tensorflow, keras, hardware}."""
    facts = devices.environment()
    return {
        "version": __version__,
        "commit": facts["commit"],
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "hardware": ", ".join(facts["gpus"]) or f"{facts['processor']} x{facts['cores']}",
    }
