"""Data given to plain `fit()`, checked against what the model trains on: shapes, value ranges, classes."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import console
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image, Mask, Modality, Video

Spec = Mapping[str, Modality]


def checked(spec: Spec, x: Any, y: Any = None) -> tuple[Any, Any]:
    """`x` and `y` of `fit()` as the model takes them.

    Arrays of pictures in [0, 1] or [0, 255], of any dtype, are brought to [-1, 1], with a note; grey ones get their
    last axis. Data sets are left alone, but their first batch must hold pictures in uint8 or in [-1, 1].

    Raises:
        ZooError: values, shapes or classes that the model cannot be meant to train on.
    """
    if isinstance(x, tf.data.Dataset):
        _check_first_batch(spec, x)
        return x, y
    if isinstance(x, Mapping):
        return {key: _ready(key, spec[key], value) if key in spec else value for key, value in x.items()}, y
    keys = list(spec)
    if _is_array(x):
        x = _ready(keys[0], spec[keys[0]], x)
    if _is_array(y) and len(keys) > 1:
        y = _ready(keys[1], spec[keys[1]], y)
    return x, y


def checked_pair(spec: Spec, data: Any) -> Any:
    """`validation_data` of `fit()` as the model takes it."""
    if isinstance(data, tuple):
        return checked(spec, *data[:2]) if len(data) > 1 else checked(spec, *data)[:1]
    return checked(spec, data)[0]


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, list)) or tf.is_tensor(value)


def _ready(key: str, kind: Modality, value: Any) -> Any:
    value = np.asarray(value) if isinstance(value, list) else value
    if isinstance(kind, ClassLabel):
        return kind.given(np.asarray(value))
    missing_axis = len(value.shape) == len(kind.shape) and kind.shape[-1:] == (1,)
    value = value[..., None] if missing_axis else value
    if len(value.shape) != len(kind.shape) + 1 or any(
        want not in (None, have) for want, have in zip(kind.shape, value.shape[1:], strict=True)
    ):
        raise ZooError(f"{key}: got an array of shape {tuple(value.shape)}; the model takes (n, {_sides(kind)}).")
    if isinstance(kind, (Image, Video)) and not isinstance(kind, Mask):
        return _pictures(key, value)
    return value


def _sides(kind: Modality) -> str:
    return ", ".join("any" if side is None else str(side) for side in kind.shape)


def _pictures(key: str, value: Any) -> Any:
    """Pictures of any dtype as uint8 or as floats in [-1, 1]."""
    dtype = keras.backend.standardize_dtype(value.dtype)
    if dtype == "uint8":
        return value
    value = np.asarray(value)
    if dtype == "bool":
        console.note(f"{key}: true is taken for white, false for black")
        return value.astype(np.uint8) * np.uint8(255)
    low, high = (float(value.min()), float(value.max())) if value.size else (0.0, 0.0)
    if value.dtype.kind in "iu" and 0 <= low and high <= 255:
        return value.astype(np.uint8)
    if -1 <= low < 0 and high <= 1:
        return value
    if 0 <= low and high <= 255 and value.dtype.kind == "f":
        top = 1 if high <= 1 else 255
        console.note(f"{key}: values from {low:.3g} to {high:.3g} are taken for pictures in [0, {top}]")
        return (value * (2 / top) - 1).astype(np.float32)
    raise ZooError(f"{key}: {dtype} values from {low:.4g} to {high:.4g}; give uint8, or floats in [-1, 1] or [0, 1].")


def _check_first_batch(spec: Spec, dataset: tf.data.Dataset) -> None:
    """Refuse a data set whose float pictures are not in [-1, 1]."""
    first_key = next(iter(spec))
    element = dataset.element_spec
    element = element[0] if isinstance(element, tuple) else element
    element = element if isinstance(element, Mapping) else {first_key: element}
    doubtful = [
        key
        for key, kind in spec.items()
        if type(kind) in (Image, Video) and hasattr(element.get(key), "dtype") and element[key].dtype != tf.uint8
    ]
    if not doubtful:
        return
    batch = next(iter(dataset), None)
    batch = batch[0] if isinstance(batch, tuple) else batch
    batch = batch if isinstance(batch, Mapping) else {first_key: batch}
    for key in doubtful if batch[first_key] is not None else ():
        value = batch[key].numpy()
        low, high = (float(value.min()), float(value.max())) if value.size else (-1.0, 1.0)
        if not (-1 <= low and high <= 1 and (low < 0 or low == high)):
            raise ZooError(
                f"{key}: the data set's first batch has {value.dtype} values from {low:.4g} to {high:.4g}; map them to "
                "[-1, 1], or give uint8 pictures."
            )
