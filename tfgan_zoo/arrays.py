"""Data given to plain `fit()`, checked against what the model trains on: shapes, value ranges, classes."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import console
from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Mask, Modality, Video, Voxels

Spec = Mapping[str, Modality]


def checked(spec: Spec, x: Any, y: Any = None) -> tuple[Any, Any]:
    """`x` and `y` of `fit()` as the model takes them.

    Arrays of pictures in [0, 1] or [0, 255], of any dtype, are brought to [-1, 1], with a note; grey ones get their
    last axis. Data sets and generators are left alone, but their first batch must hold what the model takes.

    Raises:
        ZooError: values, shapes or classes that the model cannot be meant to train on.
    """
    if isinstance(x, tf.data.Dataset):
        if any(_doubtful(kind, tensor) for kind, tensor in _matched(spec, x.element_spec).values()):
            _check_batch(spec, next(iter(x), {}))
    elif isinstance(x, keras.utils.PyDataset):
        _check_batch(spec, x[0])
    elif inspect.isgenerator(x):
        if (first := next(x, None)) is None:
            raise ZooError("the generator yields no batch; give a new one.")
        _check_batch(spec, first)
        x = _put_back(first, x)
    elif isinstance(x, Mapping):
        x = {key: _ready(key, spec[key], value) if key in spec else value for key, value in x.items()}
    else:
        keys = list(spec)
        x = _ready(keys[0], spec[keys[0]], x) if _is_array(x) else x
        y = _ready(keys[1], spec[keys[1]], y) if _is_array(y) and len(keys) > 1 else y
    return x, y


def checked_pair(spec: Spec, data: Any) -> Any:
    """`validation_data` of `fit()` as the model takes it."""
    if isinstance(data, tuple):
        return checked(spec, *data[:2]) if len(data) > 1 else checked(spec, *data)[:1]
    return checked(spec, data)[0]


def check_last_batch(x: Any, batch_size: int | None, replicas: int, held_out: float = 0.0) -> None:
    """Refuse arrays whose last batch leaves a replica without data.

    Args:
        held_out: the share of the arrays that `fit(validation_split=)` leaves out.

    Raises:
        ZooError: another batch size is needed.
    """
    arrays = [value for value in (x.values() if isinstance(x, Mapping) else [x]) if _is_array(value)]
    count, size = math.floor(len(arrays[0]) * (1 - held_out)) if arrays else 0, batch_size or 32
    if 0 < count % size < replicas:
        raise ZooError(
            f"batch_size={size}: the last batch of {count_of(count, 'element')} has {count % size}, too few for "
            f"{replicas} replicas; choose another batch_size."
        )


def in_model_form(key: str, kind: Modality, value: tf.Tensor) -> tf.Tensor:
    """A batch of one key as networks see it.

    Raises:
        ZooError: a dtype or a shape that `kind` has in neither form.
    """
    value = tf.convert_to_tensor(value)
    if not value.shape[1:].is_compatible_with(kind.shape):
        raise ZooError(f"{key}: got a batch of shape {tuple(value.shape)}; the model takes (n, {_sides(kind)}).")
    made = kind.to_model(value)
    if tf.as_dtype(kind.model).is_floating and not made.dtype.is_floating:
        raise ZooError(f"{key}: got {value.dtype.name} values; give {_wanted(kind)}.")
    return tf.cast(made, kind.model)


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, list)) or tf.is_tensor(value)


# === Arrays ===
def _ready(key: str, kind: Modality, value: Any) -> Any:
    value = np.asarray(value)
    if isinstance(kind, ClassLabel):
        return _labels(key, kind, value)
    missing_axis = value.ndim == len(kind.shape) and kind.shape[-1:] == (1,)
    value = value[..., None] if missing_axis else value
    if not tf.TensorShape(value.shape[1:]).is_compatible_with(kind.shape) or not value.ndim:
        raise ZooError(f"{key}: got an array of shape {value.shape}; the model takes (n, {_sides(kind)}).")
    if value.dtype.kind not in "biuf":
        raise ZooError(f"{key}: got {value.dtype} values; give {_wanted(kind)}.")
    for kinds, ready in READY:
        if isinstance(kind, kinds):
            return ready(key, kind, value)
    return value.astype(kind.stored)


def _labels(key: str, kind: ClassLabel, value: np.ndarray) -> np.ndarray:
    value = value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value
    if value.ndim != 1 or value.dtype.kind not in "iu":
        raise ZooError(
            f"{key}: got {value.dtype} values of shape {value.shape}; the model takes whole numbers (n,), the classes."
        )
    low, high = _range(value)
    if kind.num_classes is not None and not 0 <= low <= high < kind.num_classes:
        last = kind.num_classes - 1
        raise ZooError(f"{key}: classes from {low:g} to {high:g}; the model has those from 0 to {last}.")
    return value.astype(np.int32)


def _pictures(key: str, kind: Modality, value: np.ndarray) -> np.ndarray:
    """Pictures of any dtype as uint8 or as floats in [-1, 1]."""
    if value.dtype == bool:
        console.note(f"{key}: true is taken for white, false for black")
        return value.astype(np.uint8) * np.uint8(255)
    low, high = _range(value)
    if value.dtype.kind in "iu":
        return _within(key, kind, value, 0, 255).astype(np.uint8)
    if 0 <= low and high <= 255:
        top = 1 if high <= 1 else 255
        console.note(f"{key}: values from {low:.3g} to {high:.3g} are taken for pictures in [0, {top}]")
        return (value * (2 / top) - 1).astype(np.float32)
    return _within(key, kind, value, -1, 1)


def _masks(key: str, kind: Modality, value: np.ndarray) -> np.ndarray:
    """Masks of any dtype as uint8 in {0, 255}, or as floats in [0, 1]."""
    if value.dtype.kind == "f":
        return _within(key, kind, value, 0, 1)
    if _range(value)[1] <= 1:  # whole numbers 0 and 1, or false and true
        value = value * np.int32(255)
    return _within(key, kind, value, 0, 255).astype(np.uint8)


def _solids(key: str, kind: Modality, value: np.ndarray) -> np.ndarray:
    """Solids of any dtype as uint8 in {0, 1}, or as floats in [0, 1]."""
    value = _within(key, kind, value, 0, 1)
    return value if value.dtype.kind == "f" else value.astype(np.uint8)


def _sounds(key: str, kind: Modality, value: np.ndarray) -> np.ndarray:
    """Sounds as int16, or as floats in [-1, 1]."""
    if value.dtype == np.int16:
        return value
    if value.dtype.kind != "f":
        raise ZooError(f"{key}: got {value.dtype} values; give {_wanted(kind)}.")
    return _within(key, kind, value, -1, 1)


READY: tuple[tuple[Any, Callable], ...] = (
    (Mask, _masks),
    ((Image, Video), _pictures),
    (Voxels, _solids),
    (Audio, _sounds),
)


def _range(value: np.ndarray) -> tuple[float, float]:
    return (float(value.min()), float(value.max())) if value.size else (0.0, 0.0)


def _within(key: str, kind: Modality, value: np.ndarray, lowest: int, highest: int) -> np.ndarray:
    low, high = _range(value)
    if not (lowest <= low and high <= highest):
        raise ZooError(f"{key}: {value.dtype} values from {low:.4g} to {high:.4g}; give {_wanted(kind)}.")
    return value


def _wanted(kind: Modality) -> str:
    """What arrays of a kind may hold, in words."""
    if isinstance(kind, Mask | Voxels):
        return "uint8, bool, or floats in [0, 1]"
    if isinstance(kind, Image | Video):
        return "uint8, or floats in [-1, 1]"
    return "int16, or floats in [-1, 1]" if isinstance(kind, Audio) else kind.model


def _sides(kind: Modality) -> str:
    return ", ".join("any" if side is None else str(side) for side in kind.shape)


# === Data sets and generators ===
def _matched(spec: Spec, batch: Any) -> dict[str, tuple[Modality, Any]]:
    """{key: its kind, its part of `batch`} of a batch, or of a data set's element specification."""
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    parts = x if isinstance(x, Mapping) else dict(zip(spec, (x, y), strict=False))
    return {key: (kind, parts[key]) for key, kind in spec.items() if hasattr(parts.get(key), "dtype")}


def _doubtful(kind: Modality, value: Any) -> bool:
    """Whether pictures are in another dtype than the stored one: their values may have any range."""
    return type(kind) in (Image, Video) and keras.backend.standardize_dtype(value.dtype) != kind.stored


def _check_batch(spec: Spec, batch: Any) -> None:
    """Refuse pictures that are not in [-1, 1]."""
    for key, (kind, value) in _matched(spec, batch).items():
        if _doubtful(kind, value):
            value = np.asarray(value)
            low, high = _range(value)
            if not (-1 <= low and high <= 1 and (low < 0 or low == high)):
                raise ZooError(
                    f"{key}: the first batch has {value.dtype} values from {low:.4g} to {high:.4g}; map them to "
                    "[-1, 1], or give uint8 pictures."
                )


def _put_back(first: Any, rest: Iterator) -> Iterator:
    """A generator of `first` and then of what is left of `rest`."""
    yield first
    yield from rest
