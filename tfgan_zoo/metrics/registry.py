"""Metrics by name: which equation, on which features.

    fd, kid, prdc ...        on the metric's own extractor, mostly the deepest output in Inception's weights file
    fid768, kid768           on an Inception output by its width
    fd_mnist, prdc_cifar     on a shipped classifier (mnist_cnn, cifar_cnn)
    fd@random_conv           on any extractor, a .keras file or a SavedModel; `@EXTRACTOR:TAP` names an output of it

`fid`, `is` and `intra_fid` are what `fd`, `score` and `intra_fd` are called on Inception, and only there.
Nothing here imports TensorFlow.
"""

import contextlib
import functools
import importlib
import pkgutil
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tfgan_zoo import metrics as package
from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric

INCEPTION = "inception_2015"
ON_INCEPTION = {"fd": "fid", "score": "is", "intra_fd": "intra_fid", "intra_fd_worst": "intra_fid_worst"}
WIDEST = ("2048", "logits_unbiased")  # what a name without a number stands for


@functools.cache
def metrics() -> dict[str, type[Metric]]:
    """Every metric by its name: the `Metric` classes of this package's modules."""
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        for value in vars(importlib.import_module(f"{package.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Metric) and "name" in vars(value):
                found[value.name] = value
    return dict(sorted(found.items()))


@functools.cache
def classifiers() -> tuple[str, ...]:
    """The shipped classifiers' short names: "mnist" for mnist_cnn."""
    return tuple(
        sorted(
            p.stem.removesuffix("_cnn") for p in (Path(__file__).parents[1] / "features" / "weights").glob("*_cnn.json")
        )
    )


@dataclass(frozen=True)
class Choice:
    """What a name asks for.

    Attributes:
        text: the name as it was given.
        metric: the class.
        extractor: its features' extractor; None for a metric of the images themselves.
        tap: the extractor's output; None for its usual one.
        values: which of the metric's numbers: all, or the one that was named.
    """

    text: str
    metric: type[Metric]
    extractor: str | None
    tap: str | None
    values: tuple[str, ...]


def parse(text: str, features: str | None = None) -> Choice:
    """Resolve a metric's name; `features`, "EXTRACTOR" or "EXTRACTOR:TAP", is for names that do not say theirs.

    Raises:
        ZooError: no such metric, or features for a metric that takes none.
    """
    name, at, spec = text.partition("@")
    known = {**metrics(), **{plain: metrics()[own] for own, plain in ON_INCEPTION.items() if own in metrics()}}
    single = {value: metric for metric in metrics().values() for value in metric.values if value not in known}
    known |= single
    if at:
        if spec.partition(":")[0] != INCEPTION:
            _refuse_inceptions_name(text, name, f"@{spec}")
        extractor, tap = _split(spec)
    elif name in known:
        metric = known[name]
        if name in ON_INCEPTION.values():  # a name that is defined on one output of one network
            extractor, tap = INCEPTION, WIDEST[0] if metric.takes == "features" else None
        else:
            extractor, tap = _split(features or metric.extractor)
        if metric.extractor != INCEPTION:  # made for its own, such as a likelihood of pixels
            extractor, tap = metric.extractor, None
    else:
        name, extractor, tap = _suffixed(text, known)
    if name not in known:
        raise _unknown(text)
    metric = known[name]
    if metric.takes in ("images", "points"):
        if at:
            raise ZooError(f"metric {text!r}: {metric.name} is of the data themselves; write {metric.name}.")
        extractor, tap = None, None
    if tap is not None and metric.takes != "features" and tap.isdecimal():
        raise ZooError(f"metric {text!r}: {metric.name} is of a classifier's logits; write {name}, or {name}_mnist.")
    return Choice(text, metric, extractor, tap, (name,) if name in single else metric.values)


def _unknown(text: str) -> ZooError:
    """The error for a name that is none, with the nearest of all those that there are."""
    of_features = [name for name, metric in metrics().items() if metric.takes in ("features", "logits")]
    names = [
        *metrics(),
        *ON_INCEPTION.values(),
        "fid64",
        "fid192",
        "fid768",
        *(f"{n}768" for n in of_features),
        *(f"{n}_{c}" for n in of_features for c in classifiers()),
    ]
    near = get_close_matches(text, names, n=3, cutoff=0.5)
    hint = f" did you mean {' or '.join(map(repr, near))}?" if near else ""
    return ZooError(
        f"unknown metric {text!r}:{hint} Allowed: {', '.join(metrics())}; those of features also as fid768, "
        f"kid_{classifiers()[0]}, fd@EXTRACTOR."
    )


def _split(spec: str) -> tuple[str, str | None]:
    """ "EXTRACTOR:TAP" -> (extractor, tap); a drive letter is no extractor."""
    match = re.fullmatch(r"(.{2,}):(\w+)", spec)
    return (match[1], match[2]) if match else (spec, None)


def _suffixed(text: str, known) -> tuple[str, str | None, str | None]:
    if (match := re.fullmatch(r"([a-z_]+?)(\d+)", text)) and match[1] in known:
        return match[1], INCEPTION, match[2]
    name, _, domain = text.rpartition("_")
    if domain in classifiers():
        _refuse_inceptions_name(text, name, f"_{domain}")
        return name, f"{domain}_cnn", None
    return text, None, None


def _refuse_inceptions_name(text: str, name: str, suffix: str) -> None:
    """A distance under other features is never called FID."""
    for own, plain in ON_INCEPTION.items():
        if name == plain:
            raise ZooError(f"metric {text!r}: only Inception's features make it {plain}; write {own}{suffix}.")


def label(value: str, metric: type[Metric], extractor: str | None, tap: str | None) -> str:
    """What a number is called: `value` is its name in the metric, `tap` the output it was taken from."""
    if extractor is None:
        return value
    if extractor == INCEPTION:
        return ON_INCEPTION.get(value, value) + ("" if tap in WIDEST else f"{tap}" if tap.isdecimal() else f":{tap}")
    if extractor == metric.extractor:
        return value
    short = extractor.removesuffix("_cnn")
    if short != extractor and short in classifiers():
        return f"{value}_{short}"
    return f"{value}@{extractor}"


def of_endpoint(text: str) -> bool:
    """Whether what follows the @ can only be a model's endpoint: the name before it needs no features, or has them.

    As in `psnr@upscale`, `auroc@score` and `fid768@translate`.
    """
    name, spec = apart(text)
    if name in metrics():
        return bool(spec) and metrics()[name].takes in ("images", "points")
    if not spec.isidentifier() or any(name in metric.values for metric in metrics().values()):
        return False
    with contextlib.suppress(ZooError):
        return bool(parse(name))
    return False


def apart(text: str) -> tuple[str, str]:
    """What a name measures and the last @ in it: ("fd@random_conv", "encode"); ("fd", "") for "fd"."""
    name, at, spec = text.rpartition("@")
    return (name, spec) if at else (spec, "")


def labelled(names: Iterable[str]) -> bool:
    """Whether any of the metrics needs labels; `@ENDPOINT` in a name may be a model's own."""
    return any(parse(apart(name)[0]).metric.labelled for name in names)


def describe() -> list[tuple[str, str]]:
    """(name, first line of its docstring) of every metric, for `--help`."""
    return [(name, (metric.__doc__ or "").strip().splitlines()[0]) for name, metric in metrics().items()]
