"""Statistics of real images kept on the disk, under a key of everything they depend on."""

import dataclasses
import hashlib
import json
import typing
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import files


class Entry:
    """One cached statistic: what `statistic(...).result()` returned, an array or a record of arrays and numbers.

    Args:
        store: the cache's folder.
        name: begins the file's name, for people.
        key: JSON-able: everything that the statistic depends on.
        statistic: its class; the annotation of its `result` says what to rebuild.
    """

    def __init__(self, store: Path, name: str, key: dict[str, Any], statistic: Callable):
        self.kind = typing.get_type_hints(statistic.result)["return"]
        self.key = json.dumps({**key, "statistic": statistic.__name__}, sort_keys=True)
        self.path = store / "reference" / f"{name}-{hashlib.sha256(self.key.encode()).hexdigest()[:20]}.npz"

    def load(self) -> Any | None:
        """The statistic; None when absent, damaged or of another key."""
        if not self.path.is_file():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                if str(stored["key"]) != self.key:
                    return None
                values = {name: stored[name] for name in _names(self.kind)}
        except Exception:
            return None
        if self.kind is np.ndarray:
            return values["rows"]
        return self.kind(**{name: value if value.ndim else value.item() for name, value in values.items()})

    def save(self, value: Any) -> None:
        """Write the statistic atomically; a folder that cannot be written to only warns."""
        values = (
            {"rows": value} if self.kind is np.ndarray else {name: getattr(value, name) for name in _names(self.kind)}
        )
        if any(part is None for part in values.values()):
            return  # it has nothing to write for that part
        try:
            with files.atomic(self.path) as temporary:
                np.savez(temporary, key=np.array(self.key), **values)
        except OSError as error:
            warnings.warn(
                f"reference statistics are not kept: {error}; set TFGAN_ZOO_CACHE to a writable folder.", stacklevel=2
            )


def cacheable(statistic: Any) -> bool:
    """Whether the statistic's `result` is annotated as an array, a named tuple or a dataclass."""
    kind = typing.get_type_hints(getattr(statistic, "result", None) or object).get("return")
    return kind is np.ndarray or bool(_names(kind))


def _names(kind: Any) -> tuple[str, ...]:
    if kind is np.ndarray:
        return ("rows",)
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return tuple(getattr(kind, "_fields", ()))
