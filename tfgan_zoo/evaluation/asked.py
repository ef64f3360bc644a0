"""A metric as it was asked for: the equation, the features it is taken on, what it keeps of a side."""

import functools
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import features as extractors
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.evaluation.protocol import Protocol
from tfgan_zoo.features import inception_weights as fetched
from tfgan_zoo.metrics import registry
from tfgan_zoo.metrics.base import Metric


@dataclass(frozen=True)
class Asked:
    """A metric as it was asked for, with its extractor and the output of it that the metric takes."""

    text: str
    metric: Metric
    extractor: Any
    tap: str | None
    values: tuple[str, ...]
    endpoint: str | None = None  # the model's own, whose answers the metric takes

    @property
    def key(self) -> tuple:
        """Equal for tasks that keep the same of a side: (extractor, output, what of it, statistic)."""
        statistic = self.metric.statistic if inspect.isclass(self.metric.statistic) else self.metric.name
        return getattr(self.extractor, "name", None), self.tap, self.metric.takes, statistic

    def rows(self, images: np.ndarray, outputs: dict[str, dict[str, np.ndarray]]) -> np.ndarray:
        """What the metric takes of a batch; `outputs`: {extractor: {tap: features}, or the error that it raised}."""
        if self.extractor is None:
            return images
        if self.metric.takes == "channel_logits":
            channels = np.split(images, images.shape[-1], axis=-1)
            return np.stack([self.extractor.outputs(grey, [self.tap])[self.tap] for grey in channels], axis=1)
        found = outputs[self.extractor.name]
        if isinstance(found, BaseException):
            raise found
        return found[self.tap]

    def add(self, statistic: Any, rows: np.ndarray, labels: np.ndarray | None) -> None:
        """Feed a batch to this task's statistic."""
        if not self.metric.labelled:
            statistic.update(rows)
        elif labels is None:
            raise ZooError("it needs labels, and there are none: give class subfolders or labelled data.")
        else:
            statistic.update(rows, labels)


def asked_for(
    protocol: Protocol, facts: Mapping[str, Any] | None = None, endpoint: str | None = None, pictures: bool = False
) -> list[Asked]:
    """The metrics of a protocol, with their extractors opened.

    Args:
        facts: what the reference's data say of themselves.
        endpoint: the model's endpoint whose answers are measured, by the metrics that name it.
        pictures: whether it answers pictures or sounds, which are seen by the metrics' features; other answers stand
            for these.

    Raises:
        ZooError: an unknown name or setting, or an extractor that cannot be opened.
    """
    settings, facts = protocol.settings, facts or {}
    if not protocol.metrics:
        raise ZooError("no metrics: name at least one, such as fd_mnist.")
    for name in settings:
        if name not in registry.metrics():
            raise unknown("metric", name, registry.metrics(), where="settings")
    asked = []
    for text in protocol.metrics:
        plain, spec = registry.apart(text)
        own = bool(spec) and spec == endpoint
        choice = registry.parse(plain if own else text, protocol.features)
        if choice.metric.endpoint and not own:
            raise ZooError(f"metric {text!r}: is of a model's answers: evaluate a run, a preset or a .keras file.")
        as_it_is = own and not pictures
        kind, name, tap = choice.metric, None if as_it_is else choice.extractor, None if as_it_is else choice.tap
        extractor = None
        if name is not None:
            weights = _inception_weights(protocol.inception_weights) if name == registry.INCEPTION else None
            resize = None if name in extractors.AS_THEY_ARE else protocol.resize
            extractor = opened(name, _stamp(weights or name), weights, resize)
            tap = tap or (extractor.features if kind.takes == "features" else extractor.logits)
            if tap is None:
                raise ZooError(f"metric {text!r}: {name} has no logits; use a classifier, such as mnist_cnn.")
            extractor.require([tap])
        known = {key: facts[key] for key in kind.from_data if key in facts}
        metric = made(kind, extractor.taps[tap] if extractor else None, {**known, **settings.get(kind.name, {})})
        asked.append(Asked(text, metric, extractor, tap, choice.values, spec if own else None))
    return asked


@functools.lru_cache(maxsize=4)
def opened(name: str, stamp: Any, weights: str | None = None, resize: str | None = None) -> Any:
    """The extractor; kept, so that measuring during training traces its network once. `stamp` tells changed files."""
    return extractors.extractor(name, weights=weights, resize=resize)


def _stamp(path: str) -> int | None:
    return Path(path).stat().st_mtime_ns if Path(path).exists() else None


def _inception_weights(given: Any) -> str | None:
    """The weights file to use: the argument, else $TFGAN_ZOO_INCEPTION, else the cache; None if there is none."""
    named, cached = given or os.environ.get(extractors.INCEPTION_VARIABLE), fetched.cached()
    return str(named) if named else str(cached) if cached.is_file() else None


def made(kind: type[Metric], dim: int | None, settings: Mapping[str, Any]) -> Metric:
    """The metric with its settings. Raises ZooError for one that it does not have."""
    parameters = inspect.signature(kind.__init__).parameters
    allowed = [name for name in parameters if name not in ("self", "dim")]
    for name in settings:
        if name not in allowed:
            raise unknown("setting", name, allowed, where=kind.name)
    missing = [name for name in allowed if parameters[name].default is inspect.Parameter.empty and name not in settings]
    if missing:
        raise ZooError(
            f"{kind.name} needs {' and '.join(missing)}, which these data do not tell; compare with data that do, such "
            f"as a ring or a grid, or give {', '.join(f'{kind.name}.{name}' for name in missing)}."
        )
    try:
        return kind(dim, **settings)
    except TypeError as error:
        raise ZooError(f"{kind.name} {dict(settings)}: {error}.") from None
