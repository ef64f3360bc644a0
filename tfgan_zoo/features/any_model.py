"""Extractors of any model: a Keras model, a function of TensorFlow, a `.keras` file, a SavedModel folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import files
from tfgan_zoo.errors import ZooError
from tfgan_zoo.features.extractor import GREY, RGB, Extractor, Shape, digest


def of_model(
    model: Callable[[tf.Tensor], Any],
    *,
    name: str,
    image_shape: Shape | None = None,
    sha256: str | None = None,
    resize: str | None = None,
    batch_size: int = 32,
) -> Extractor:
    """An extractor of any model.

    Args:
        model: a Keras model, or a function of TensorFlow: float32 (n, *image_shape) in [-1, 1] -> (n, ..., d), which
            becomes the tap "features", or a dict of such, whose keys are the taps. Spatial outputs are averaged over
            space. Of several taps "features" is the default, if there is one, else the first; "logits" is the one
            that metrics of classes use.
        name: what its numbers are stamped with.
        image_shape: (height, width, 1 or 3). Default: the Keras model's input.
        sha256: of its weights. Default: computed of a Keras model's; "" for a function, whose weights are unknown.
        resize: one of `RESIZES`; default "antialiased".
        batch_size: images it works on at a time.

    Raises:
        ZooError: no such input or outputs, or an unknown resize.
    """
    is_keras = isinstance(model, keras.Model)
    if image_shape is None:
        image_shape = getattr(model, "input_shape", None)
        image_shape = image_shape[1:] if isinstance(image_shape, tuple) else None
    if image_shape is None or len(image_shape) != 3 or None in image_shape or image_shape[2] not in (GREY, RGB):
        raise ZooError(
            f"{name}: its input is {image_shape}; an extractor takes (height, width, 1 or 3) of fixed size. "
            "Give image_shape, or a model with such an input."
        )
    if sha256 is None:
        sha256 = digest(np.asarray(v).tobytes() for v in model.get_weights()) if is_keras else ""

    def network(x: tf.Tensor) -> dict[str, tf.Tensor]:
        x = x / 127.5 - 1
        return _averaged(name, model(x, training=False) if is_keras else model(x))

    spec = tf.TensorSpec((None, *image_shape))
    try:
        outputs = tf.function(network, autograph=False).get_concrete_function(spec).structured_outputs
    except ZooError:
        raise
    except Exception as error:  # a model's own code may raise anything
        raise ZooError(f"{name}: the model does not take float32 {tuple(spec.shape)}: {_first_line(error)}") from None
    taps = {tap: x.shape[-1] for tap, x in outputs.items()}
    return Extractor(
        name,
        network,
        taps={tap: taps[tap] for tap in sorted(taps, key=lambda tap: tap != "features")},
        logits="logits" if "logits" in taps else None,
        image_shape=tuple(image_shape),
        resize=resize or "antialiased",
        sha256=sha256,
        batch_size=batch_size,
    )


def _averaged(name: str, outputs: Any) -> dict[str, tf.Tensor]:
    """A model's outputs as {tap: float32 (n, d)}."""
    if isinstance(outputs, (list, tuple)) and len(outputs) == 1:
        outputs = outputs[0]
    if not isinstance(outputs, Mapping):
        outputs = {"features": outputs}
    taps = {}
    for tap, x in outputs.items():
        rank = x.shape.rank if tf.is_tensor(x) else None
        if rank is None or rank < 2:
            raise ZooError(
                f"{name}: its output {tap} is {getattr(x, 'shape', type(x).__name__)}; an extractor gives "
                "(n, ..., features), or a dict of these."
            )
        taps[str(tap)] = tf.reduce_mean(tf.cast(x, tf.float32), range(1, rank - 1))
    return taps


def saved(name: str, resize: str | None = None) -> Extractor:
    """`of_model` of the `.keras` file or the SavedModel folder called `name`; of the latter, its serving signature.

    Raises:
        ZooError: there is no such model, it cannot be loaded, or as `of_model`.
    """
    path = Path(name)
    if not (path / "saved_model.pb" if path.is_dir() else path).is_file():
        raise ZooError(f"{name}: there is no model; give a .keras file or a SavedModel folder.")
    try:
        if path.is_dir():
            parts = sorted(part for part in path.rglob("*") if part.is_file())
            sha256 = digest(f"{part.relative_to(path).as_posix()} {files.sha256(part)}\n".encode() for part in parts)
            model, shape = _served(tf.saved_model.load(str(path)))
        else:
            sha256 = files.sha256(path)
            model, shape = keras.models.load_model(path, compile=False, safe_mode=True), None
    except Exception as error:  # broken files and unknown layers raise nearly anything
        raise ZooError(f"{name}: the model cannot be loaded: {_first_line(error)}") from None
    return of_model(model, name=name, image_shape=shape, sha256=sha256, resize=resize)


def _served(loaded: Any) -> tuple[Callable[[tf.Tensor], Any], tuple[int | None, ...]]:
    """A SavedModel's serving signature as a function of one tensor, and the shape of an image it takes."""
    if "serving_default" not in loaded.signatures:
        raise ValueError("it has no signature serving_default; export it with model.export(folder)")
    signature = loaded.signatures["serving_default"]
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise ValueError(f"its serving signature takes {', '.join(inputs)}; an extractor takes images alone")
    key, spec = next(iter(inputs.items()))

    def model(x: tf.Tensor) -> Any:
        outputs = signature(**{key: x})  # in no certain order
        return dict(sorted(outputs.items())) if len(outputs) > 1 else next(iter(outputs.values()))

    model.keep = loaded  # its variables live as long as it does
    return model, tuple(spec.shape)[1:]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
