"""Statistics of one side: gathered in one pass for all metrics, or found in the cache."""

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import __version__
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import cache as caches
from tfgan_zoo.evaluation.asked import Asked
from tfgan_zoo.evaluation.streams import Stream
from tfgan_zoo.modalities import Modality

FAILURES = (ZooError, MemoryError, np.linalg.LinAlgError)
"""What one metric may fail with without taking the others along."""


def gather(stream: Stream, tasks: Sequence[Asked], progress: Any, title: str) -> dict[tuple, Any]:
    """One pass, in which every extractor sees every batch once. -> {task's key: statistics, or what went wrong}."""
    reading = {task.key: task for task in reversed(tasks)}  # one of those that share a statistic
    statistics = {
        key: task.metric.statistic(task.extractor.taps[task.tap] if task.extractor else None)
        for key, task in reading.items()
    }
    errors, place = {}, 0
    bar = progress.add_task(title, total=stream.count, text="") if reading else None
    for data, labels in stream.batches() if reading else ():
        outputs = described(data, stream.kind, reading.values())
        for key, task in list(reading.items()):
            try:
                task.add(statistics[key], task.rows(data, outputs), labels)
            except FAILURES as error:
                errors[key] = ZooError(f"{_where(stream, place)}: {error}")
                del reading[key]
        if not reading:
            break
        place += len(data)
        progress.advance(bar, len(data))
    for key in reading:
        try:
            errors[key] = statistics[key].result()
        except FAILURES as error:
            errors[key] = ZooError(f"{stream.description}: {error}")
    return errors


def described(data: np.ndarray, kind: Modality | None, tasks: Iterable[Asked]) -> dict[str, Any]:
    """{extractor's name: {tap: features of a batch}, or what went wrong}: every extractor works once for all tasks.

    Args:
        kind: of the data; None where that is not known.
    """
    taps: dict[Any, list[str]] = {}
    for task in tasks:
        if task.metric.takes in ("features", "logits") and task.extractor is not None:
            taps.setdefault(task.extractor, []).append(task.tap)
    outputs = {}
    for extractor, wanted in taps.items():
        try:
            extractor.check(kind)
            outputs[extractor.name] = extractor.outputs(data, list(dict.fromkeys(wanted)))
        except FAILURES as error:
            outputs[extractor.name] = error
    return outputs


def _where(stream: Stream, place: int) -> str:
    """Which data: the stream, and the file where a later batch begins."""
    file = stream.file_of(place) if place else None
    return f"{stream.description}, from {file} on" if file else stream.description


def cached(stream: Any, tasks: Sequence[Asked], store: Path, progress: Any, title: str) -> dict[tuple, Any]:
    """`gather`, but from the cache what it has; reads the data once, and only if it lacks something."""
    entries = {task.key: entry(stream, task, store) for task in tasks}
    found = {key: value for key, entry in entries.items() if entry and (value := entry.load()) is not None}
    missing = [task for task in tasks if task.key not in found]
    made = gather(stream, missing, progress, title)
    for key, value in made.items():
        if entries[key] and not isinstance(value, FAILURES):
            entries[key].save(value)
    return found | made


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
