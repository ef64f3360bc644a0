"""Data: sources that open to endless, reproducible batches of dicts, bent to what a model wants.

`source_class("folder")` is the class `Source` of `tfgan_zoo/data/sources/folder.py`; a file put beside it
is found the same way. Nothing here imports TensorFlow until a source is opened.
"""

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING

from tfgan_zoo.errors import unknown

if TYPE_CHECKING:
    from tfgan_zoo.data.base import BaseSource, Data

__all__ = ["BaseSource", "Data", "source_class", "source_names"]


def source_names() -> list[str]:
    """The names of all sources, sorted."""
    folder = str(Path(__file__).parent / "sources")
    return sorted(module.name for module in pkgutil.iter_modules([folder]) if not module.name.startswith("_"))


def source_class(name: str) -> "type[BaseSource]":
    """The configuration class of the source called `name`. Raises: ZooError when there is none."""
    if name not in source_names():
        raise unknown("data source", name, source_names(), "data.source")
    return importlib.import_module(f"tfgan_zoo.data.sources.{name}").Source


def __getattr__(name: str):
    if name in ("BaseSource", "Data"):
        return getattr(importlib.import_module("tfgan_zoo.data.base"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
