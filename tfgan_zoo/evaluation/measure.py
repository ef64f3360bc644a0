"""Measuring: one pass over each side serves every metric.

    features of images (features/) -> statistics of features -> numbers (metrics/)

Every number comes out as a `Result`, which carries where it comes from.
"""

import dataclasses
import functools
import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import __version__, console, devices, files
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references
from tfgan_zoo.evaluation.asked import Asked, asked_for
from tfgan_zoo.evaluation.gathering import FAILURES, cached, gather
from tfgan_zoo.evaluation.given import Arrays, GivenStatistics, Pictures, in_memory
from tfgan_zoo.evaluation.protocol import DEFAULT_SAMPLES, Protocol
from tfgan_zoo.evaluation.streams import Answers, Generated, Selected, Stream
from tfgan_zoo.files import cache_folder
from tfgan_zoo.metrics import registry
from tfgan_zoo.metrics.base import Value
from tfgan_zoo.metrics.frechet import FrechetDistance
from tfgan_zoo.modalities import Audio, Image
from tfgan_zoo.stamps import Result, Results


def evaluate(
    generated: Any,
    reference: Any,
    protocol: Protocol,
    *,
    held_out: Any = None,
    name: str | None = None,
    key: str | None = None,
) -> Results:
    """Measure generated data against real ones.

    Args:
        generated: a model that gives `sample_images(seeds, truncation)`, uint8 (n, h, w, c), as an AdversarialModel
            does; data in memory (`Arrays`); a folder of pictures; or any `Stream` (then samples, seed, truncation and
            name are its own).
        reference: the real data compared with: opened data (`Data`), data in memory, a `Stream`, `GivenStatistics`, or
            the name of something (`references.against`). None for metrics of generated data alone.
        protocol: what to measure and how.
        held_out: real data of another split, for the floor (as many as the samples, if there are) and for the metrics
            that need the training data (all of them).
        name: what the results call the model; default `model.name`.
        key: which of the real data's keys is compared; default the first that is no label.

    Returns:
        One `Result` per number, in the order of the metrics. A metric that fails on these data is among the `failures`,
        with a warning, and does not take the others along.

    Raises:
        ZooError: an unknown metric, missing weights, a side that a metric needs and that is not there, NaN in generated
            data, data that no metric could be measured on.
    """
    fake = as_generated(generated, protocol, name)
    if fake.count < 2:
        raise ZooError(f"{fake.description}: {fake.count} to measure; give 2 or more.")
    reference = references.as_reference(reference, protocol)
    ready = reference is None or isinstance(reference, (Stream, GivenStatistics))
    wanted = protocol.reference_samples or (None if ready else min(fake.count, reference.num_examples))
    real = reference if ready else Selected(reference, wanted, key)
    own = held_out is None or isinstance(held_out, Stream)
    rest = held_out if own else Selected(held_out, min(fake.count, held_out.num_examples), key)
    if rest is not None and real is not None and same(real, rest):
        raise ZooError(f"the held-out data is the reference itself ({real.description}); give another split.")
    pictures = isinstance(fake.kind, Image | Audio)
    asked = asked_for(protocol, getattr(real, "data_facts", {}), getattr(fake, "name", None), pictures)
    if any(len(one.metric.labelled) > 1 for one in asked):
        agree_on_classes(fake, real)
    training = held_out if own else Selected(held_out, None, key)
    store = Path(protocol.cache) if protocol.cache else cache_folder()
    with console.progress(transient=True) as progress:
        measured = measure([one for one in asked if not one.metric.paired], fake, real, rest, training, store, progress)
        measured |= {one.text: attempt(of_pairs, one, fake, real, progress) for one in asked if one.metric.paired}
    failures = {text: found for text, found in measured.items() if isinstance(found, str)}
    if len(failures) == len(measured):
        raise ZooError("; ".join(dict.fromkeys(failures.values())))
    for reason in failures.values():
        warnings.warn(f"left out: {reason}")
    rows = [
        result(one, value, measured[one.text], fake, real, rest)
        for one in asked
        if one.text not in failures
        for value in one.values
    ]
    return Results(rows, failures)


def as_generated(given: Any, protocol: Protocol, name: str | None = None) -> Stream:
    """What is measured: the samples of a model, data in memory, the pictures of a folder."""
    if isinstance(given, Stream):
        return given
    if in_memory(given):
        stream = Selected(Arrays(given), protocol.samples)
    elif isinstance(given, str | os.PathLike):
        stream = Pictures(given, protocol.samples)
    else:
        drawn = protocol.samples or DEFAULT_SAMPLES, protocol.seed, protocol.truncation
        stream = Generated(given, *drawn, batch_size=protocol.batch_size)
    stream.description = name or stream.description
    return stream


# === Measuring ===
@dataclasses.dataclass
class Measured:
    """What a metric found.

    Attributes:
        numbers: {value's name: Value}.
        settings: those that it was measured with.
        floor: the numbers of real data in place of the generated ones; {} without.
    """

    numbers: dict[str, Value]
    settings: dict[str, Any]
    floor: dict[str, Value] = dataclasses.field(default_factory=dict)


def attempt(measure: Callable[..., Measured], task: Asked, *arguments: Any) -> Measured | str:
    """`measure(task, ...)`, or one line that says why it cannot be."""
    try:
        return measure(task, *arguments)
    except FAILURES as error:
        return f"{task.text}: {error or 'out of memory; take fewer samples.'}"


def measure(tasks: list[Asked], fake, real, rest, training, store, progress) -> dict[str, Measured | str]:
    """{task's text: what was measured, or one line that says why it cannot be}. One pass over a side serves all."""
    check_sides(tasks, real, training)
    floors = [task for task in tasks if task.metric.floor and rest is not None and "fake" in task.metric.sides]
    kept = {}  # {side: {task's key: statistics, or the error that they ended with}}

    def of(side: str) -> list[Asked]:
        """The tasks that need a side, but for those that have failed on another."""
        return [
            task
            for task in tasks
            if side in task.metric.sides
            and not any(isinstance(kept[s].get(task.key), FAILURES) for s in kept if s in task.metric.sides)
        ]

    if isinstance(real, GivenStatistics):
        kept["real"] = {task.key: real.value for task in of("real")}
    else:
        kept["real"] = cached(real, of("real"), store, progress, "real")
    kept["held_out"] = cached(training, of("held_out"), store, progress, "training")
    kept["fake"] = gather(fake, of("fake"), progress, "generated")
    alive = of("fake")
    floor = cached(rest, [task for task in floors if task in alive], store, progress, "held out")
    return {task.text: attempt(number, task, kept, floor) for task in tasks}


def check_sides(tasks: Sequence[Asked], real: Any, training: Stream | None) -> None:
    """Raise ZooError where a metric needs a side that is not there, before anything is read."""
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
                f"{task.text} needs images; {real.description} holds a mean and a covariance, which serve fd and fid."
            )


def number(task: Asked, kept: dict[str, dict[tuple, Any]], floor: dict[tuple, Any]) -> Measured:
    """The metric of what has been kept of its sides. Raises what one of these ended with."""
    order = [side for side in kept if side in task.metric.sides]  # a side that failed leaves the later ones unread
    sides = {side: whole(kept[side][task.key]) for side in order}
    measured = Measured(task.metric.measure(**sides), task.metric.used(**sides))
    if task.key in floor:
        try:
            measured.floor = task.metric.measure(**{**sides, "fake": shuffled(task, whole(floor[task.key]))})
        except FAILURES as error:
            warnings.warn(f"{task.text}: no floor: {error}")
    return measured


def shuffled(task: Asked, statistics: Any) -> Any:
    """Logits of real data in random order, as those of generated data are: on the disk classes may lie in a row."""
    if task.metric.takes != "logits" or not isinstance(statistics, np.ndarray):
        return statistics
    return statistics[np.random.default_rng(0).permutation(len(statistics))]


def whole(statistics: Any) -> Any:
    """Statistics, unless they are the error that they ended with."""
    if isinstance(statistics, FAILURES):
        raise statistics
    return statistics


# === Metrics of pairs ===
def of_pairs(task: Asked, fake: Stream, real: Stream | None, progress: Any) -> Measured:
    """A metric whose sides belong together, row by row."""
    bar = progress.add_task(task.metric.name, total=fake.count, text="")
    for theirs, ours in pairs(task, fake, real):
        task.metric.update(theirs, ours)
        progress.advance(bar, len(ours))
    return Measured(task.metric.result(), task.metric.settings)


def pairs(task: Asked, fake: Stream, real: Stream | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What the metric compares, batch by batch. Raises ZooError where the two sides do not belong together."""
    if task.extractor is not None:  # two places on a way between latents
        if not isinstance(fake, Generated):
            raise ZooError(f"walks between a model's latents; {fake.description} has none.")
        for images in fake.paths(task.metric.epsilon):
            yield tuple(task.extractor.outputs(side, [task.tap], unrounded=True)[task.tap] for side in images)
    elif isinstance(fake, Answers):
        yield from fake.pairs()
    elif isinstance(fake, Pictures) and isinstance(real, Pictures):
        for one, other in itertools.zip_longest(fake.names, real.names):
            if one is None or other is None or Path(one).with_suffix("") != Path(other).with_suffix(""):
                raise ZooError(
                    f"compares picture by picture: {fake.path} has {one or 'no more'} where {real.path} has "
                    f"{other or 'no more'}; the names must be the same."
                )
        for (theirs, _), (ours, _) in zip(real.singles(), fake.singles(), strict=True):
            yield theirs, ours
    elif all(isinstance(getattr(side, "data", None), Arrays) and side.count == fake.count for side in (fake, real)):
        for (theirs, _), (ours, _) in zip(real.batches(), fake.batches(), strict=True):
            yield theirs, ours
    else:
        raise ZooError("compares picture by picture: give two folders with the same file names, or two equal arrays.")


# === For other tools ===
def save_statistics(path: str | os.PathLike, stream: Stream, protocol: Protocol) -> None:
    """Write mean and covariance of a stream's features as `mu` and `sigma`, which pytorch-fid and others read.

    The features are those of the first metric that has some.

    Raises:
        ZooError: no metric with features; a place that cannot be written.
    """
    asked = [one for one in asked_for(protocol) if one.extractor is not None and one.metric.takes == "features"]
    if not asked:
        raise ZooError(
            f"statistics are of features, and {', '.join(protocol.metrics)} has none: add one, such as fid768."
        )
    gaussian = dataclasses.replace(asked[0], metric=FrechetDistance(asked[0].extractor.taps[asked[0].tap]))
    with console.progress(transient=True) as progress:
        (found,) = map(whole, gather(stream, [gaussian], progress, "statistics").values())
    with files.written(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, mu=found.mean, sigma=found.cov)


# === What is said of it ===
def result(task: Asked, name: str, measured: Measured, fake: Stream, real, rest) -> Result:
    """The number called `name` with its stamp."""
    value, floor = measured.numbers[name], measured.floor.get(name)
    extractor, compared = task.extractor, real if "real" in task.metric.sides and not walks(task) else None
    label = registry.label(name, type(task.metric), extractor and extractor.name, task.tap)
    return Result(
        metric=f"{label}@{task.endpoint}" if task.endpoint else label,
        value=value.value,
        deviation=value.deviation,
        higher=name in task.metric.higher,
        best=task.metric.best.get(name),
        floor=floor.value if floor else None,
        model=fake.description,
        samples=fake.count,
        floor_samples=rest.count if floor else None,
        reference=compared.description if compared else None,
        reference_split=compared.split if compared else None,
        reference_samples=compared.count if compared else None,
        reference_fingerprint=compared.fingerprint if compared else None,
        features=f"{extractor.name}/{task.tap}" if extractor else task.endpoint,
        features_sha256=extractor.sha256 if extractor else None,
        resize=extractor.resize if extractor else None,
        settings=measured.settings,
        **fake.facts,
        **provenance(),
    )


def agree_on_classes(fake: Stream, real: Any) -> None:
    """Raise ZooError where labels of the two sides cannot mean the same."""
    one, other = fake.class_names, getattr(real, "class_names", None)
    if one is not None and other is not None and tuple(one) != tuple(other):
        differing = next(pair for pair in itertools.zip_longest(one, other) if pair[0] != pair[1])
        raise ZooError(
            f"classes differ: {fake.description} has {differing[0]!r} where {real.description} has {differing[1]!r}; "
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
