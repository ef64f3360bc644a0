"""Networks that describe data: found by name, frozen, identified by a hash. Families and metrics use the same ones."""

from tfgan_zoo.features.any_model import of_model
from tfgan_zoo.features.by_name import AS_THEY_ARE, EXTRACTORS, INCEPTION_VARIABLE, WEIGHTS, extractor, require
from tfgan_zoo.features.extractor import Extractor
from tfgan_zoo.features.resize import RESIZES

__all__ = [
    "AS_THEY_ARE",
    "EXTRACTORS",
    "INCEPTION_VARIABLE",
    "RESIZES",
    "WEIGHTS",
    "Extractor",
    "extractor",
    "of_model",
    "require",
]
