"""What people name on the command line and in Python: one answer to "what is this?", without TensorFlow."""

import dataclasses
import os
from pathlib import Path
from typing import Literal

from tfgan_zoo import index, sharing, weights
from tfgan_zoo.errors import ZooError, unknown

Kind = Literal["run", "pretrained", "keras", "shared", "savedmodel", "folder", "dataset"]
MODELS = ("run", "pretrained", "keras", "shared")
WORDS = {
    "run": "a run directory",
    "pretrained": "a preset with pretrained weights",
    "keras": "a .keras file",
    "shared": "a shared model",
    "savedmodel": "an exported SavedModel",
    "folder": "a folder of pictures",
    "dataset": "a TFDS data set",
}


@dataclasses.dataclass(frozen=True)
class Target:
    """A thing that has been named: what it is, as it was written, and where it lies."""

    kind: Kind
    text: str
    path: Path


def resolve(text: str | os.PathLike, allowed: tuple[str, ...] = MODELS) -> Target:
    """What `text` names, of the kinds that are allowed.

    Raises:
        ZooError: nothing of that name, or something of another kind; the message says what is wanted.
    """
    text, path = str(text), Path(os.path.expanduser(text))
    *others, last = [WORDS[kind] for kind in allowed]
    wanted = f"{', '.join(others)} or {last}" if others else last
    kind = _kind_of(text, path)
    if kind in allowed:
        return Target(kind, text, path)
    if kind == "preset":
        weights.card(text)  # says that there are none, and which there are
    if path.suffix == ".keras" and kind is None:
        raise ZooError(f"{text}: there is no such file.")
    if kind == "folder":
        raise ZooError(f"{text}: not a run directory (no config.json in it); give {wanted}.")
    if kind is not None:
        raise ZooError(f"{text}: is {WORDS.get(kind, kind)}; give {wanted}.")
    if "dataset" in allowed and not path.suffix and os.sep not in text:
        return Target("dataset", text, path)
    raise unknown("run directory or preset" if allowed == MODELS else "target", text, index.presets())


def _kind_of(text: str, path: Path) -> str | None:
    if text.startswith(sharing.HUB):
        return "shared"
    if os.path.isdir(path):  # Path.is_dir raises where it may not look
        if (path / "config.json").is_file():
            return "run"
        if sharing.is_shared(path):
            return "shared"
        saved = (path / "saved_model.pb").is_file() or any(path.glob("[0-9]*/saved_model.pb"))
        return "savedmodel" if saved else "folder"
    if text in weights.names():
        return "pretrained"
    if text in index.presets():
        return "preset"
    if os.path.isfile(path):
        return "keras" if path.suffix == ".keras" else "a file"
    return "shared" if sharing.pulled(text) else None
