"""Pretrained weights: one `.npz` and one card (JSON: SHA-256, experiment, provenance, metrics) per model.

The arrays are `<network>/<index>` in the order of `network.weights`, as float16 or float32, or as int8 with one float32
scale per place on the last axis under `<network>/<index>/scale`. Nothing is unpickled.
"""

import json
import urllib.request
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import console, files, index
from tfgan_zoo.errors import ZooError, unknown

STORAGES = ("float16", "int8", "float32")


def names() -> list[str]:
    """The models that have pretrained weights."""
    return sorted(path.stem for path in index.PRETRAINED.glob("*.json"))


def card(name: str) -> dict[str, Any]:
    """The card of a pretrained model.

    Raises:
        ZooError: there are no pretrained weights of that name.
    """
    if name not in names():
        if name in index.presets():
            have = ", ".join(names()) or "none yet"
            raise ZooError(
                f"{name}: has no pretrained weights (there are: {have}). Train it: python -m tfgan_zoo train {name}"
            )
        raise unknown("preset", name, index.presets())
    return json.loads((index.PRETRAINED / f"{name}.json").read_text(encoding="utf-8"))


def find(name: str, card: dict[str, Any]) -> Path:
    """The verified weights file of a model: packaged, cached, or downloaded from the card's URL.

    Raises:
        ZooError: no file, or one whose SHA-256 is not the card's.
    """
    packaged, cached = index.PRETRAINED / card["file"], files.cache_folder() / "weights" / card["file"]
    path = next((path for path in (packaged, cached) if path.is_file()), None)
    if path is None and card.get("url"):
        path = cached
        console.note(f"{name}: fetching {card['url']} ({card['bytes'] / 1e6:.1f} MB)")
        with files.atomic(path) as temporary:
            try:
                urllib.request.urlretrieve(card["url"], temporary)
            except (OSError, ValueError) as error:  # no network, no such file, a connection that breaks off
                raise ZooError(
                    f"{name}: {card['url']} cannot be fetched ({error}). Try again, or put it at {path}."
                ) from None
            _verify(name, temporary, card["sha256"])
    if path is None:
        raise ZooError(f"{name}: {packaged} is missing and its card names no URL. Install tfgan_zoo again.")
    _verify(name, path, card["sha256"])
    return path


def _verify(name: str, path: Path, expected: str) -> None:
    actual = files.sha256(path)
    if actual != expected:
        raise ZooError(
            f"{name}: {path} is damaged: SHA-256 {actual[:12]}... instead of {expected[:12]}... "
            f"{'Delete it to fetch it again' if files.cache_folder() in path.parents else 'Install tfgan_zoo again'}."
        )


def save(model, path: Path, storage: str = "float16") -> None:
    """Write all weights of a model's networks, averaged twins included, atomically."""
    if storage not in STORAGES:
        raise unknown("storage", storage, STORAGES)
    arrays = {}
    for name, network in model.networks_by_name.items():
        for i, value in enumerate(network.get_weights()):
            key = f"{name}/{i:03d}"
            if storage == "int8" and value.ndim >= 2:
                scale = np.abs(value).max(axis=tuple(range(value.ndim - 1)), keepdims=True) / 127 + 1e-12
                arrays[key] = np.round(value / scale).astype(np.int8)
                arrays[f"{key}/scale"] = scale.astype(np.float32)
            else:
                half = value.dtype.kind == "f" and storage != "float32"  # counters stay whole
                arrays[key] = value.astype(np.float16) if half else value
    with files.atomic(path) as temporary:
        np.savez_compressed(temporary, **arrays)


def load(model, path: Path, where: str) -> None:
    """Set the weights of a model's networks from a file that `save` wrote.

    Raises:
        ZooError: a file that is no archive, or whose arrays do not fit the model.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ZooError(f"{where}: {path} cannot be read ({error}).") from None
    for name, network in model.networks_by_name.items():
        values = []
        for i, weight in enumerate(network.weights):
            key = f"{name}/{i:03d}"
            if key not in arrays or arrays[key].shape != tuple(weight.shape):
                have = arrays[key].shape if key in arrays else "nothing"
                raise ZooError(
                    f"{where}: {path} holds {have} for {weight.path}, which has shape {tuple(weight.shape)}."
                )
            scale = arrays.get(f"{key}/scale")
            values.append(arrays[key] if scale is None else arrays[key] * scale)
        network.set_weights(values)
