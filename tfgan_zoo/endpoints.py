"""Endpoints: what a model can be asked. Verbs, sample pictures, exports and measurements follow from them."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Modality
from tfgan_zoo.modalities.base import as_array


@dataclasses.dataclass(frozen=True)
class Noise:
    """An input that is drawn from seeds: float32 `shape`, between `low` and `high` where it is bounded.

    Sides of `shape` that are None may be given in any length; drawn ones have the model's own.
    """

    shape: tuple[int | None, ...]
    low: float | None = None
    high: float | None = None
    model: ClassVar[str] = "float32"

    def given(self, value: Any) -> np.ndarray:
        """What a caller gave for this input: float32 (n, ...), or one (...) for all rows. Raises ZooError."""
        array = as_array(value)
        if array.dtype.kind not in "biuf" or not (self._fits(array.shape) or self._fits(array.shape[1:])):
            raise ZooError(f"got {str(value)[:60]!r} of shape {array.shape}; it takes numbers of shape {self.shape}.")
        array = array.astype(np.float32)
        low, high = -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high
        if array.size and not low <= array.min() <= array.max() <= high:
            raise ZooError(f"got numbers from {array.min():g} to {array.max():g}; it takes {low:g} to {high:g}.")
        return array

    def _fits(self, sides: tuple[int, ...]) -> bool:
        return len(sides) == len(self.shape) and all(
            want in (None, have) for want, have in zip(self.shape, sides, strict=True)
        )

    def to_model(self, x):
        """As it is."""
        return x


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One question that a model answers: the model's method of the same name in the dict of endpoints.

    The method takes a dict of the inputs in model form and returns the answer in model form, float32.

    Attributes:
        inputs: {name: what it takes}; `Noise` is drawn from seeds, the rest is given (class labels may be drawn).
        output: what it answers.
        networks: the attributes whose weights it needs; an export holds these alone, averaged twins preferred.
        target: the key of the data that answers ought to resemble or to equal; "" where the data hold no such key.
        exported: whether it can be exported; False where it takes gradients.
    """

    inputs: Mapping[str, Modality | Noise]
    output: Modality
    networks: tuple[str, ...]
    target: str = ""
    exported: bool = True

    def __post_init__(self):
        object.__setattr__(self, "inputs", MappingProxyType(dict(self.inputs)))

    @property
    def noise(self) -> dict[str, Noise]:
        """The inputs that are drawn."""
        return {name: kind for name, kind in self.inputs.items() if isinstance(kind, Noise)}

    @property
    def conditions(self) -> dict[str, Modality]:
        """The inputs that are given."""
        return {name: kind for name, kind in self.inputs.items() if not isinstance(kind, Noise)}

    @property
    def from_seeds(self) -> bool:
        """Whether seeds are enough: its inputs are noise and class labels."""
        return bool(self.noise) and all(isinstance(kind, ClassLabel) for kind in self.conditions.values())
