"""How to measure: the options of `evaluate`, the first half of a result's stamp."""

import dataclasses
import numbers
import os
from collections.abc import Mapping
from typing import Any

from tfgan_zoo.errors import ZooError

DEFAULT_SAMPLES = 10_000
BATCH_SIZE = 128  # generated or read at a time; extractors split it further as suits them


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What is measured and how.

    Attributes:
        metrics: names as `tfgan_zoo.metrics.registry` tells them; one text may hold several, separated by commas.
        samples: generated images, those of seeds `seed` to `seed + samples - 1`; None for the preset's, all of a folder
            or data set, 10,000 of a SavedModel.
        reference_samples: real images to compare with; None for as many as `samples`. They are drawn from the whole
            split by a fixed seed, so a folder sorted by class does no harm.
        seed, truncation: of generated images.
        batch_size: how many samples are computed at once; fewer take less memory.
        features: "EXTRACTOR" or "EXTRACTOR:TAP" for metrics whose name does not say theirs.
        resize: "tf1", "clean" or "antialiased", for extractors that resize; None for the extractor's own.
        settings: {metric's own name: {keyword of its constructor: value}}, such as {"psnr": {"border": 4}}.
        inception_weights: the .npz file of Inception; None for what TFGAN_ZOO_INCEPTION names.
        cache: folder for statistics of real images; None for $TFGAN_ZOO_CACHE or ~/.cache/tfgan_zoo.

    Raises:
        ZooError: fewer than two samples, or none at once.
    """

    metrics: tuple[str, ...] = ()
    samples: int | None = None
    reference_samples: int | None = None
    seed: int = 0
    truncation: float | None = None
    batch_size: int = BATCH_SIZE
    features: str | None = None
    resize: str | None = None
    settings: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    inception_weights: str | os.PathLike | None = None
    cache: str | os.PathLike | None = None

    def __post_init__(self):
        names = [self.metrics] if isinstance(self.metrics, str) else self.metrics
        names = [name.strip() for text in names for name in str(text).split(",")]
        object.__setattr__(self, "metrics", tuple(dict.fromkeys(filter(None, names))))
        for name in ("samples", "reference_samples"):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 2:
                raise ZooError(f"{name} = {value!r}: give a whole number of 2 or more.")
            object.__setattr__(self, name, int(value))  # NumPy's cannot be written as JSON
        if not isinstance(self.batch_size, numbers.Integral) or self.batch_size < 1:
            raise ZooError(f"batch_size = {self.batch_size!r}: give a whole number of 1 or more.")

    def but(self, **changes: Any) -> "Protocol":
        """The same with some options changed."""
        return dataclasses.replace(self, **changes)
