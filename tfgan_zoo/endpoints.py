"""Endpoints: what a model can be asked. Verbs, sample pictures, exports and measurements follow from them."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Modality


@dataclasses.dataclass(frozen=True)
class Noise:
    """An input that is drawn from seeds: float32 `shape`, between `low` and `high` where it is bounded."""

    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None
    model: ClassVar[str] = "float32"

    def given(self, value: Any) -> np.ndarray:
        """What a caller gave for this input: float32 (n, ...), or one (...) for all rows. Raises ZooError."""
        value = np.asarray(value, np.float32)
        if value.shape not in (self.shape, (*value.shape[:1], *self.shape)):
            raise ZooError(f"got numbers of shape {value.shape}; it takes {self.shape}.")
        if (self.low is not None and value.min() < self.low) or (self.high is not None and value.max() > self.high):
            raise ZooError(f"got {value.min():g} to {value.max():g}; it takes {self.low:g} to {self.high:g}.")
        return value

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
