"""Measuring: one pass over each side serves every metric.

    features of images (metrics/features.py) -> statistics of features -> numbers (metrics/scores)

Every number comes out as a `Result`, which carries where it comes from.
"""

import functools
import inspect
import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfgan_zoo import __version__, console, devices
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import cache as caches
from tfgan_zoo.evaluation.asked import Asked, asked_for
from tfgan_zoo.evaluation.streams import Generated, Pictures, Selected, Stream
from tfgan_zoo.files import cache_folder
from tfgan_zoo.metrics import registry
from tfgan_zoo.metrics.base import Value
from tfgan_zoo.metrics.frechet import FrechetDistance
from tfgan_zoo.stamps import Result


@dataclass
class Statistics:
    """Ready statistics of the reference, which another tool has written: `mu` (dim,) and `sigma` (dim, dim).

    Attributes:
        line, fingerprint: for the results.
        value: a `metrics.frechet.Statistics`.
    """

    line: str
    fingerprint: str
    value: Any
    count: None = None
    split: None = None


def evaluate(
    generated: Any,
    reference: Any,
    metrics: Sequence[str] = ("fd_mnist",),
    *,
    samples: int = 10_000,
    seed: int = 0,
    truncation: float | None = None,
    held_out: Any = None,
    reference_samples: int | None = None,
    features: str | None = None,
    resize: str | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    inception_weights: str | os.PathLike | None = None,
    cache: str | os.PathLike | None = None,
    name: str | None = None,
) -> list[Result]:
    """Measure generated images against real ones.

    Args:
        generated: a model that gives `sample_images(seeds, truncation)`, uint8 (n, h, w, c), as an AdversarialModel
            does; or any `Stream` (then samples, seed, truncation and name are its own).
        reference: the real images compared with: opened data (`Data`), a `Stream` or ready `Statistics`. None for
            metrics of generated images alone.
        metrics: names as `tfgan_zoo.metrics.registry` tells them.
        samples: images to generate, those of seeds `seed` to `seed + samples - 1`.
        truncation: for models that take it.
        held_out: real images of another split, for the floor (as many as `samples`, if there are) and for the metrics
            that need the training data (all of them).
        reference_samples: real images of `reference` to compare with; default as many as `samples`. They are drawn
            from the whole split by a fixed seed, so a folder sorted by class does no harm.
        features: "EXTRACTOR" or "EXTRACTOR:TAP" for metrics whose name does not say theirs.
        resize: "tf1", "clean" or "antialiased", for all extractors but "pixels"; default the extractor's own.
        settings: {metric's own name: {keyword of its constructor: value}}, such as {"psnr": {"border": 4}}.
        inception_weights: the .npz file of Inception; default what TFGAN_ZOO_INCEPTION names.
        cache: folder for statistics of real images; default $TFGAN_ZOO_CACHE or ~/.cache/tfgan_zoo.
        name: what the results call the model; default `model.name`.

    Returns:
        One `Result` per number, in the order of the metrics.

    Raises:
        ZooError: an unknown metric, missing weights, too few images, a side that a metric needs and that is not
            there, NaN in generated images, data without images.
    """
    fake = generated if isinstance(generated, Stream) else Generated(generated, samples, seed, truncation, name)
    if fake.count < 2 or (reference_samples is not None and reference_samples < 2):
        raise ZooError(f"samples {fake.count}, reference_samples {reference_samples}: give 2 or more images.")
    real = (
        reference
        if reference is None or isinstance(reference, (Stream, Statistics))
        else Selected(reference, reference_samples or fake.count)
    )
    rest = held_out if held_out is None or isinstance(held_out, Stream) else Selected(held_out, fake.count)
    if rest is not None and real is not None and same(real, rest):
        raise ZooError(f"the held-out data is the reference itself ({real.line}); give another split.")
    tasks = asked_for(metrics, features, resize, settings, inception_weights, getattr(real, "data_facts", {}))
    if any(len(task.metric.labelled) > 1 for task in tasks):
        agree_on_classes(fake, real)
    training = held_out if held_out is None or isinstance(held_out, Stream) else Selected(held_out)
    with console.progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        numbers = measure(
            [task for task in tasks if not task.metric.paired],
            fake,
            real,
            rest,
            training,
            Path(cache) if cache else cache_folder(),
            progress,
        )
        numbers |= {task.text: (of_pairs(task, fake, real, progress), {}) for task in tasks if task.metric.paired}
    return [
        result(task, name, numbers[task.text][0][name], numbers[task.text][1].get(name), fake, real, rest)
        for task in tasks
        for name in task.values
    ]


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
            isinstance(real, Statistics)
            and "real" in task.metric.sides
            and not isinstance(task.metric, FrechetDistance)
        ):
            raise ZooError(
                f"{task.text} needs images, and {real.line} holds a mean and a covariance; they serve fd and fid."
            )

    def of(side: str) -> list[Asked]:
        return [task for task in tasks if side in task.metric.sides]

    floors = [task for task in tasks if task.metric.floor and rest is not None and "fake" in task.metric.sides]
    if isinstance(real, Statistics):
        known = {task.key: real.value for task in of("real")}
    else:
        known = cached(real, of("real"), store, progress, "real") if of("real") else {}
    whole = cached(training, of("held_out"), store, progress, "training") if of("held_out") else {}
    best = cached(rest, floors, store, progress, "held out") if floors else {}
    made = gather(fake, of("fake"), progress, "generated") if of("fake") else {}

    numbers = {}
    for task in tasks:
        sides = {"real": known, "held_out": whole, "fake": made}
        sides = {side: sides[side][task.key] for side in task.metric.sides}
        floor = task.metric.measure(**{**sides, "fake": best[task.key]}) if task in floors else {}
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
    return Result(
        metric=registry.label(name, type(task.metric), extractor and extractor.name, task.tap),
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
        features=f"{extractor.name}/{task.tap}" if extractor else None,
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


def same(stream: Stream | Statistics, other: Stream) -> bool:
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
