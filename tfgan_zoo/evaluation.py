"""Quality of a model's samples against real data: one pass over the generated images serves every metric.

A metric is three exchangeable parts: features of images (metrics/features.py), statistics of features, and
the number made of two statistics. Every number comes out as a `Result`, which carries where it comes from.
"""

import dataclasses
import functools
import hashlib
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from . import __version__, console, devices, files
from .errors import ZooError, unknown
from .metrics import features, frechet

BATCH_SIZE = 128       # images generated or read at a time; extractors split it further as suits them
SELECTION_SEED = 0     # which real images make up a reference smaller than its split: always the same ones
CACHE_VARIABLE = "TFGAN_ZOO_CACHE"


@dataclasses.dataclass(frozen=True)
class Metric:
    """How a metric's name turns into a number.

    Attributes:
        features: the extractor's name.
        tap: which of its outputs.
        gather: feature count -> an object with `update((n, features))` and `result()`.
        statistics: what `result()` returns: a dataclass of arrays and integers, so that it can be cached.
        compare: (statistics of the generated, of the real) -> float.
    """

    features: str
    tap: str
    gather: Callable[[int], Any] = frechet.RunningGaussian
    statistics: type = frechet.Statistics
    compare: Callable[[Any, Any], float] = frechet.frechet_distance


METRICS = {
    "fd_mnist": Metric("mnist_cnn", "features"),
    "fd_fashion": Metric("fashion_cnn", "features"),
    "fid64": Metric("inception_2015", "64"),
    "fid192": Metric("inception_2015", "192"),
    "fid768": Metric("inception_2015", "768"),
}


@dataclasses.dataclass(frozen=True)
class Result:
    """A number and where it comes from.

    Attributes:
        metric, value: what was measured; for Fréchet distances the squared one, smaller is better.
        floor: the same metric between held-out real images and the reference: what a perfect model would get.
            None without held-out data.
        model: the model's name.
        samples, floor_samples: generated and held-out images; few make a Fréchet distance too large.
        reference, reference_split, reference_samples: the real images compared with.
        features, features_sha256, resize: the extractor's name and tap, its weights file, how it resizes.
        ema: whether the samples come from an averaged twin.
        truncation: as given to `sample_images`.
        seed: the images are those of seeds seed, seed + 1, ..., seed + samples - 1.
        version, commit, tensorflow, keras, hardware: what computed it; commit is None outside a git checkout.
    """

    metric: str
    value: float
    floor: float | None
    model: str
    samples: int
    floor_samples: int | None
    reference: str
    reference_split: str | None
    reference_samples: int
    features: str
    features_sha256: str
    resize: str
    ema: bool
    truncation: float | None
    seed: int
    version: str
    commit: str | None
    tensorflow: str
    keras: str
    hardware: str

    def as_dict(self) -> dict[str, Any]:
        """Every field, JSON-able: one line of a JSON-lines file."""
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        floor = "no floor" if self.floor is None else f"floor {self.floor:.4g}, real against real"
        fewer = self.floor_samples not in (None, self.samples)
        counted = f" ({self.floor_samples:,} images)" if fewer else ""
        split = f" {self.reference_split}" if (self.reference_split or "") not in self.reference else ""
        truncated = "" if self.truncation is None else f"truncation {self.truncation:g}; "
        return (
            f"{self.metric} {self.value:.4g} ({floor}{counted}; {self.samples:,} samples of {self.model}, "
            f"{'EMA' if self.ema else 'no EMA'}, {truncated}seed {self.seed}; {self.reference_samples:,} of "
            f"{self.reference}{split}; "
            f"{self.features} {self.features_sha256[:8]}, {self.resize}; tfgan_zoo {self.version} "
            f"{(self.commit or 'no commit')[:8]}, TensorFlow {self.tensorflow}, Keras {self.keras}, "
            f"{self.hardware})"
        )


def evaluate(
    model: Any,
    data: Any,
    metrics: Sequence[str] = ("fd_mnist", "fid768"),
    *,
    samples: int = 10_000,
    seed: int = 0,
    truncation: float | None = None,
    held_out: Any = None,
    reference_samples: int | None = None,
    inception_weights: str | os.PathLike | None = None,
    cache: str | os.PathLike | None = None,
    name: str | None = None,
) -> list[Result]:
    """Measure `model` against real images.

    Args:
        model: gives `sample_images(seeds, truncation)`, uint8 (n, h, w, c); an AdversarialModel does.
        data: the real images compared with, opened with `model.element_spec`.
        metrics: names from `METRICS`.
        samples: images to generate, those of seeds `seed` to `seed + samples - 1`.
        truncation: for models that take it.
        held_out: real images of another split, for the floor; as many as `samples`, if there are.
        reference_samples: real images of `data` to compare with; default as many as `samples`. They are drawn
            from the whole split by a fixed seed, so a folder sorted by class does no harm.
        inception_weights: the .npz file of the fid* metrics; default what TFGAN_ZOO_INCEPTION names.
        cache: folder for statistics of real images; default $TFGAN_ZOO_CACHE or ~/.cache/tfgan_zoo.
        name: what the results call the model; default `model.name`.

    Returns:
        One `Result` per metric, in the order given.

    Raises:
        ZooError: an unknown metric, missing weights, fewer than two images on a side, or data without images.
    """
    for metric in metrics:
        if metric not in METRICS:
            raise unknown("metric", metric, METRICS)
    if samples < 2 or (reference_samples is not None and reference_samples < 2):
        raise ZooError(f"samples {samples}, reference_samples {reference_samples}: give 2 or more images.")
    if held_out is not None and _same(data, held_out):
        raise ZooError(f"the held-out data is the reference itself ({_line(data)}); give another split.")
    called = name or getattr(model, "name", type(model).__name__)
    chosen = {metric: METRICS[metric] for metric in metrics}
    weights = {"inception_2015": inception_weights}
    extractors = {
        extractor: features.extractor(extractor, weights=weights.get(extractor))
        for extractor in dict.fromkeys(metric.features for metric in chosen.values())
    }
    store = Path(cache or os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "tfgan_zoo")

    with console.progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        reference = _Reals(data, reference_samples or samples, chosen, extractors, store)
        reals = reference.statistics(progress)
        outside = _Reals(held_out, samples, chosen, extractors, store) if held_out is not None else None
        others = outside.statistics(progress) if outside else {}
        generated = _generated(model, samples, seed, truncation)
        fakes = _gather(generated, samples, "generated", chosen, extractors, progress)

    results = []
    for key, metric in chosen.items():
        extractor = extractors[metric.features]
        results.append(Result(
            metric=key,
            value=metric.compare(fakes[key], reals[key]),
            floor=metric.compare(others[key], reals[key]) if outside else None,
            model=called,
            samples=samples,
            floor_samples=outside.count if outside else None,
            reference=_line(data),
            reference_split=data.facts.get("split"),
            reference_samples=reference.count,
            features=f"{extractor.name}/{metric.tap}",
            features_sha256=extractor.sha256,
            resize=extractor.resize,
            ema=any(network.endswith("_ema") for network in model.networks_by_name),
            truncation=truncation,
            seed=seed,
            **provenance(),
        ))
    return results


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


def _line(data: Any) -> str:
    return str(data.facts.get("source", type(data).__name__))


def _same(data: Any, other: Any) -> bool:
    print_ = data.facts.get("fingerprint")
    return data is other or (print_ is not None and print_ == other.facts.get("fingerprint"))


def _generated(model: Any, samples: int, seed: int, truncation: float | None) -> Iterator[tf.Tensor]:
    """Batches of the images of seeds seed ... seed + samples - 1."""
    sample = tf.function(
        lambda seeds: model.sample_images(seeds, truncation=truncation),
        input_signature=[tf.TensorSpec([None], tf.int64)],
    )
    for first in range(seed, seed + samples, BATCH_SIZE):
        yield sample(tf.range(first, min(first + BATCH_SIZE, seed + samples), dtype=tf.int64))


def _gather(
    batches: Iterable[Any],
    count: int,
    title: str,
    metrics: Mapping[str, Metric],
    extractors: Mapping[str, features.Extractor],
    progress: Any,
) -> dict[str, Any]:
    """One pass, in which every extractor sees every batch once. -> {metric: statistics}."""
    gatherers = {name: m.gather(extractors[m.features].taps[m.tap]) for name, m in metrics.items()}
    taps: dict[str, list[str]] = {}
    for metric in metrics.values():
        taps.setdefault(metric.features, []).append(metric.tap)
    task = progress.add_task(title, total=count, text="")
    for images in batches:
        for extractor, wanted in taps.items():
            outputs = extractors[extractor].outputs(images, list(dict.fromkeys(wanted)))
            for name, metric in metrics.items():
                if metric.features == extractor:
                    gatherers[name].update(outputs[metric.tap])
        progress.advance(task, len(images))
    return {name: gatherer.result() for name, gatherer in gatherers.items()}


class _Reals:
    """Statistics of `count` images of a data set, from the cache where it has them."""

    def __init__(self, data, count: int, metrics, extractors, store: Path):
        self.data, self.metrics, self.extractors, self.store = data, metrics, extractors, store
        self.count = min(count, data.num_examples)

    def statistics(self, progress: Any) -> dict[str, Any]:
        """{metric: statistics}; reads the images once, and only if the cache lacks one of them."""
        entries = {name: self._entry(name, metric) for name, metric in self.metrics.items()}
        found = {}
        for name, entry in entries.items():
            value = _load(*entry, self.metrics[name].statistics) if entry else None
            if value is not None:
                found[name] = value
        missing = {name: metric for name, metric in self.metrics.items() if name not in found}
        if missing:
            title = f"real, {self.data.facts.get('split', 'data')}"
            made = _gather(self._images(), self.count, title, missing, self.extractors, progress)
            for name, value in made.items():
                if entries[name]:
                    _save(*entries[name], value)
            found |= made
        return found

    def _images(self) -> Iterator[np.ndarray]:
        """Batches of the selected images: all in order, or a fixed random choice from the whole split."""
        total = self.data.num_examples
        selected = np.zeros(total, bool)
        selected[np.random.default_rng(SELECTION_SEED).permutation(total)[: self.count]] = True
        last, first, waiting = int(np.flatnonzero(selected)[-1]) + 1, 0, []
        for batch in self.data.examples(BATCH_SIZE, limit=last):
            images = self._of(batch)
            waiting.append(images[selected[first : first + len(images)]])
            first += len(images)
            if sum(map(len, waiting)) >= BATCH_SIZE:  # small pieces would waste the extractor's batch
                together = np.concatenate(waiting)
                yield together[:BATCH_SIZE]
                waiting = [together[BATCH_SIZE:]]
        rest = np.concatenate(waiting)
        if len(rest):
            yield rest

    def _of(self, batch: Mapping[str, Any]) -> np.ndarray:
        if "image" not in batch:
            raise ZooError(f"{_line(self.data)}: its batches hold {', '.join(batch)} and no image; "
                           "these metrics are of images.")
        return np.asarray(batch["image"])

    def _entry(self, name: str, metric: Metric) -> tuple[Path, str] | None:
        """Where the statistics are kept and their key; None for data without a fingerprint."""
        if not self.data.facts.get("fingerprint"):
            return None
        extractor = self.extractors[metric.features]
        key = json.dumps({
            "data": self.data.facts["fingerprint"],
            "split": self.data.facts.get("split"),
            "images": self._probe,
            "samples": self.count,
            "selection": SELECTION_SEED,
            "features": [extractor.name, metric.tap, extractor.sha256, extractor.resize],
            "statistics": metric.statistics.__name__,
        }, sort_keys=True)
        digest = hashlib.sha256(key.encode()).hexdigest()[:20]
        return self.store / "reference" / f"{extractor.name}-{metric.tap}-{digest}.npz", key

    @functools.cached_property
    def _probe(self) -> str:
        """What resizing and cropping, in their present version, make of the first images."""
        images = self._of(next(iter(self.data.examples(8, limit=8))))
        return f"{images.shape[1:]} {hashlib.sha256(images.tobytes()).hexdigest()}"


def _load(path: Path, key: str, kind: type) -> Any | None:
    """The statistics cached at `path` under `key`; None when absent, damaged or of another key."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            values = {field.name: stored[field.name] for field in dataclasses.fields(kind)}
    except Exception:  # noqa: BLE001  a damaged file fails in a dozen ways; all of them mean: measure again
        return None
    return kind(**{name: value if value.ndim else value.item() for name, value in values.items()})


def _save(path: Path, key: str, statistics: Any) -> None:
    values = {field.name: getattr(statistics, field.name) for field in dataclasses.fields(statistics)}
    try:
        with files.atomic(path) as temporary:
            np.savez(temporary, key=np.array(key), **values)
    except OSError as error:
        warnings.warn(
            f"reference statistics are not kept: {error}; set {CACHE_VARIABLE} to a writable folder.",
            stacklevel=2,
        )
