"""What every quality metric has in common: two sides, `update(real, fake)`, `merge(other)`, `result()`.

A metric is an equation over what it keeps of each side (its `statistic`). Statistics are apart from metrics so that
metrics can share them: one pass over the images serves all, and those of real images can be cached.

Metrics work on arrays; only `restoration` needs TensorFlow, for SSIM.
"""

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tfgan_zoo.errors import ZooError, count_of


class Value(NamedTuple):
    """A number, with its standard deviation over subsets, splits or samples where the metric has one."""

    value: float
    deviation: float | None = None


class Metric:
    """A measurement of generated ("fake") against real data.

    Attributes:
        name: what it is asked for by, such as "kid".
        values: the names of the numbers that `result()` holds, in order; default just `name`.
        higher: those of `values` that are better when higher; the others are better when lower.
        best: {value: the number it is best at} of those for which neither is true.
        takes: what its rows are: "features" or "logits" of an extractor, both float32 (n, dim); "channel_logits",
            float32 (n, channels, dim), of each channel as a picture of its own; or "images", uint8 (n, h, w, c), all of
            one size.
        extractor: the one that its name alone stands for; with another one its numbers carry another name.
        sides: what it cannot do without, of "real", "fake" and "held_out" (real data of another split).
        labelled: the sides whose rows need labels, int (n,).
        paired: row i of `real` belongs to row i of `fake`, and `update` takes both at once.
        floor: whether real data in place of the fake give a meaningful best value.
        endpoint: the model's endpoint whose answers it takes; its name alone stands for NAME@ENDPOINT.
        from_data: arguments of its constructor that the reference data know (`Data.facts`), unless they are given.
        statistic: dim -> what is kept of a side: an object with `update(rows)` (`update(rows, labels)` where
            labelled), `merge(other)` and `result()`. Metrics with the same `takes` and `statistic` share it.
    """

    name: ClassVar[str]
    values: ClassVar[tuple[str, ...]] = ()
    higher: ClassVar[tuple[str, ...]] = ()
    best: ClassVar[Mapping[str, float]] = MappingProxyType({})
    takes: ClassVar[str] = "features"
    extractor: ClassVar[str] = "inception_2015"
    sides: ClassVar[tuple[str, ...]] = ("real", "fake")
    labelled: ClassVar[tuple[str, ...]] = ()
    paired: ClassVar[bool] = False
    floor: ClassVar[bool] = True
    endpoint: ClassVar[str] = ""
    from_data: ClassVar[tuple[str, ...]] = ()
    statistic: ClassVar[Callable[[int | None], Any]]

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "name" in vars(cls) and "values" not in vars(cls):
            cls.values = (cls.name,)

    def __init__(self, dim: int | None = None):
        self.real, self.fake, self.held_out = (self.statistic(dim) for _ in range(3))

    @property
    def settings(self) -> dict[str, Any]:
        """What the constructor was given or takes by default, but for `dim`: JSON-able, part of a result's stamp."""
        names = [name for name in inspect.signature(type(self).__init__).parameters if name not in ("self", "dim")]
        return {name: plain(getattr(self, name)) for name in names if getattr(self, name) is not None}

    def update(self, real=None, fake=None, held_out=None, *, real_labels=None, fake_labels=None) -> None:
        """Add a batch of any side; a side that the metric does not take is left alone.

        Raises:
            ZooError: rows of another shape than before, or NaN and infinity, with a count; labels that are missing.
        """
        given = {"real": (real, real_labels), "fake": (fake, fake_labels), "held_out": (held_out, None)}
        for side in self.sides:
            rows, labels = given[side]
            if rows is None:
                continue
            if side in self.labelled and labels is None:
                raise ZooError(f"{self.name} needs labels of the {side} data, and there are none.")
            self._side(side).update(*((rows, labels) if side in self.labelled else (rows,)))

    def merge(self, other: "Metric") -> None:
        """Add all that `other`, a metric of the same kind, has seen (on another replica or part of the data)."""
        for side in ("real", "fake", "held_out"):
            self._side(side).merge(other._side(side))

    def result(self) -> dict[str, Value]:
        """{value's name: Value} over all data so far. Raises ZooError where they are too few."""
        return self.measure(**{side: self._side(side).result() for side in self.sides})

    def measure(self, **sides: Any) -> dict[str, Value]:
        """`compare` with all its numbers as `Value`."""
        return {name: v if isinstance(v, Value) else Value(float(v)) for name, v in self.compare(**sides).items()}

    def used(self, **sides: Any) -> dict[str, Any]:
        """The `settings` that these statistics were measured with: what there are too few of is said as it was."""
        return self.settings

    def compare(self, **sides: Any) -> dict[str, float | Value]:
        """The equation: statistics of each of `sides`, by name -> its numbers, by name."""
        raise NotImplementedError

    def _side(self, side: str) -> Any:
        return getattr(self, side)


class Rows:
    """Keeps every row of a side: float32 (n, dim), in the order they came."""

    def __init__(self, dim: int | None = None):
        self.dim, self._parts = dim, []

    def update(self, rows: np.ndarray) -> None:
        """Add (n, dim). Raises ZooError for another shape, and for NaN or infinity with a count."""
        rows = np.asarray(rows)
        check(rows, self.dim)
        self.dim = rows.shape[1]
        self._parts.append(rows.astype(np.float32))

    def merge(self, other: "Rows") -> None:
        """Add the rows of `other` after these."""
        self._parts += other._parts

    def result(self) -> np.ndarray:
        """float32 (n, dim). Raises ZooError where there are no rows."""
        if not self._parts:
            raise ZooError("no data have come yet: update() first.")
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]


def plain(value: Any) -> Any:
    """A setting as JSON writes it, numbers rounded to 6 digits for the eye."""
    if isinstance(value, (np.ndarray, list, tuple)):
        return [plain(item) for item in np.asarray(value).tolist()]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def check(rows: np.ndarray, dim: int | None) -> None:
    """Raise ZooError unless `rows` is a finite (n, dim)."""
    if rows.ndim != 2 or (dim is not None and rows.shape[1] != dim):
        raise ZooError(f"features of shape {rows.shape}; this metric takes (n, {'features' if dim is None else dim}).")
    broken = int(np.sum(~np.isfinite(rows).all(axis=1)))
    if broken:
        raise ZooError(
            f"NaN or infinity in {count_of(broken, 'feature vector')} of {len(rows):,}; "
            "look for NaN in the images or the weights that made them."
        )


def check_labels(labels: np.ndarray, count: int) -> None:
    """Raise ZooError unless `labels` are `count` integers."""
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ZooError(
            f"labels of shape {labels.shape} and type {labels.dtype} for {count_of(count, 'row')}; "
            "give one integer per row."
        )
