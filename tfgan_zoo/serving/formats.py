"""A trained model as LiteRT or ONNX files, each compared with the model by its runtime alone.

    <folder>/<name>/litert/1/generate.tflite     one file for each exported endpoint, and card.json
    <folder>/<name>/litert_int8/1/ ...           quantized; `litert_float16` likewise
    <folder>/<name>/onnx/1/generate.onnx

They lie beside the versions of the SavedModel, where servers do not look for one.
"""

import contextlib
import dataclasses
import importlib.util
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfgan_zoo import files
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.serving import examples, places, savedmodel, verify
from tfgan_zoo.serving.examples import Example
from tfgan_zoo.serving.signatures import asking, exported

CARD = "card.json"
CALIBRATION = 64  # requests from which int8 takes the ranges of its numbers
OPSET = 18  # the newest that tf2onnx is tested with

# The children ask one file with the runtime alone: nothing in it can need TensorFlow or Keras.
CHILD = """
import sys
sys.modules.update(dict.fromkeys(["keras", "tensorflow", "tfgan_zoo"]))  # None: importing them is an error now
import numpy as np
path, request, answer = sys.argv[1:]
given = dict(np.load(request))
{ask}
np.savez(answer, **answers)
"""
ASK_LITERT = """
from ai_edge_litert.interpreter import Interpreter
answers = Interpreter(path).get_signature_runner()(**given)
"""
ASK_ONNX = """
import onnxruntime
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
answers = dict(zip([output.name for output in session.get_outputs()], session.run(None, given)))
"""


class Bound(NamedTuple):
    """How far answers may lie from the model's: `measure` of the differences, as a part of the largest answer."""

    measure: Callable
    most: float


# Kernels of other runtimes add up in another order. Fewer bits move single values far, so their mean is held.
ROUNDING = 1e-6  # of float32 in numbers around 1, from which small answers may come by subtraction
BOUNDS = {None: Bound(np.max, 1e-4), "float16": Bound(np.mean, 0.01), "int8": Bound(np.mean, 0.1)}


@dataclasses.dataclass(frozen=True)
class Format:
    """How files of a format are made and asked.

    Attributes:
        convert: (the endpoint's function, its example requests, the holder of its variables, quantize) -> the file.
        suffix: of its files.
        runtime: what asks them, in words.
        ask: the part of the child that asks.
        modules: what must be installed, by the extra of the format's name.
        quantize: the ways to use fewer bits.
    """

    convert: Callable[[Any, Example, tf.Module, str | None], bytes]
    suffix: str
    runtime: str
    ask: str
    modules: tuple[str, ...]
    quantize: tuple[str, ...] = ()


def to_litert(function, example: Example, holder: tf.Module, quantize: str | None) -> bytes:
    """A `.tflite` file. Inputs and outputs are as in the SavedModel, also where it computes in fewer bits."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    if quantize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        converter.representative_dataset = lambda: rows(example)
    return converter.convert()


def rows(example: Example) -> Iterator[dict[str, np.ndarray]]:
    """The requests of an example one by one."""
    for i in range(CALIBRATION):
        yield {key: value[i : i + 1] for key, value in example.inputs.items()}


def to_onnx(function, example: Example, holder: tf.Module, quantize: str | None) -> bytes:
    """An `.onnx` file."""
    import onnx
    import tf2onnx

    specs = list(function.structured_input_signature[0])
    made, _ = tf2onnx.convert.from_function(tf.function(lambda *values: function(*values)), specs, opset=OPSET)
    onnx.checker.check_model(made)  # tf2onnx leaves operations in that it has no translation for
    return made.SerializeToString()


FORMATS = {
    "litert": Format(to_litert, ".tflite", "LiteRT", ASK_LITERT, ("ai_edge_litert",), ("float16", "int8")),
    "onnx": Format(to_onnx, ".onnx", "onnxruntime", ASK_ONNX, ("tf2onnx", "onnx", "onnxruntime")),
}


def export(
    model: AdversarialModel,
    folder: str | os.PathLike,
    *,
    name: str,
    format: str,
    quantize: str | None = None,
    version: int | None = None,
    facts: dict[str, Any] | None = None,
) -> Path:
    """Write `<folder>/<name>/<format>/<version>/`: a file for each exported endpoint that the format can hold.

    A file takes and gives what the SavedModel's signature of that name does, under the same names: the model form,
    with any number of rows. It is asked by the format's runtime in a process without TensorFlow, and is left out
    where its answers are not the model's. `card.json` tells of the files, their differences, and of those left out.

    Args:
        folder: where served models live, such as `export/models`.
        name: the model's folder there.
        format: "litert" or "onnx".
        quantize: of LiteRT: "float16" for weights of half the size, "int8" for weights and computations of a quarter,
            whose ranges are those of made-up requests; None for float32.
        version: a whole number of 1 or more; None for the next free one. An existing one is refused.
        facts: more facts (JSON) for the card.

    Returns:
        The version's folder.

    Raises:
        ZooError: an unknown format or quantization, a library that is not installed, a bad name or version, a folder
            that cannot be written, or a model of which no endpoint can be converted; nothing is left behind then.
    """
    check(format, quantize)
    places.check_name(name)
    savedmodel.check_weights(model)

    def fill(path: Path) -> None:
        card = write(model, path, format, quantize)
        if not card["files"]:
            raise ZooError(f"{name}: {format} can hold none of its endpoints: {text_of(card['refused'])}.")
        files.write_json(path / CARD, (facts or {}) | {"name": name} | card)

    home = Path(folder).expanduser() / name
    try:
        return places.publish(home / folder_of(format, quantize), version, fill)
    finally:
        with contextlib.suppress(OSError):
            home.rmdir()  # only where it is empty


def check(format: str, quantize: str | None) -> None:
    """Raise where there is no such format, or its libraries are not installed."""
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if quantize and quantize not in FORMATS[format].quantize:
        can = [name for name, made in FORMATS.items() if quantize in made.quantize]
        if can:
            raise ZooError(f"{format} files are not quantized here; {quantize} is for {', '.join(can)}.")
        raise unknown("quantization", quantize, FORMATS["litert"].quantize)
    missing = [module for module in FORMATS[format].modules if importlib.util.find_spec(module) is None]
    if missing:
        raise ZooError(f"{format} needs {', '.join(missing)}: pip install 'tfgan_zoo[{format}]'.")


def folder_of(format: str, quantize: str | None) -> str:
    """What the folder of a format's versions is called."""
    return f"{format}_{quantize}" if quantize else format


def text_of(refused: dict[str, str]) -> str:
    """The endpoints that a format cannot hold, and why, in one line."""
    return "; ".join(f"{name}: {reason}" for name, reason in refused.items())


def write(model: AdversarialModel, path: Path, format: str, quantize: str | None = None) -> dict[str, Any]:
    """Write the files of a model's endpoints into the folder `path`; those that do not agree with it are left out.

    Returns:
        What its card says: `files`, {endpoint: its file, SHA-256, bytes, inputs, outputs, and what `compare` found},
        and `refused`, {endpoint: why there is no file}.
    """
    found, refused = {}, {}
    many = {e.signature: e for e in examples.examples(model, CALIBRATION)}
    few = {e.signature: e for e in examples.examples(model, verify.COUNT)}
    holder = savedmodel.holder(model)
    for name in exported(model):
        signature, file = asking(model, name), path / f"{name}{FORMATS[format].suffix}"
        try:
            with quiet():
                file.write_bytes(FORMATS[format].convert(signature.function, many[name], holder, quantize))
            compared = compare(model, file, few[name], format, quantize)
        except OSError:
            raise  # a full disk is no fault of the network
        except Exception as error:  # converters raise nearly anything
            file.unlink(missing_ok=True)
            refused[name] = reason(error).replace(f"{file}: ", "")
            continue
        found[name] = {
            "file": file.name,
            "sha256": files.sha256(file),
            "bytes": file.stat().st_size,
            "inputs": signature.inputs,
            "outputs": signature.outputs,
            **compared,
        }
    return savedmodel.about(model) | {"format": format, "quantize": quantize, "files": found, "refused": refused}


def compare(
    model: AdversarialModel, file: Path, example: Example, format: str, quantize: str | None
) -> dict[str, float]:
    """How far a file's answers lie from the model's: the largest `difference`, beside the `largest` answer.

    Raises:
        ZooError: where they are too far apart, of other shapes or names, or where there are none.
    """
    with tf.device("/CPU:0"):
        expected = example.answers()
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "request.npz", **example.inputs)
        code = CHILD.replace("{ask}", FORMATS[format].ask)
        answer = verify.run(file, Path(folder), code, FORMATS[format].runtime, advice="")
    shapes = [{key: (value.shape, value.dtype) for key, value in values.items()} for values in (expected, answer)]
    if shapes[0] != shapes[1]:
        raise ZooError(f"{file}: answers {shapes[1]}, the model {shapes[0]}.")
    half = model.compute_dtype != "float32"
    bound = BOUNDS[quantize or ("float16" if half else None)]
    found = {"difference": 0.0, "largest": 0.0}
    for key, here in expected.items():
        differences, largest = np.abs(answer[key] - here), float(np.abs(here).max())
        allowed = bound.most * largest + ROUNDING
        if not bound.measure(differences) <= allowed:  # nan is a failure too
            raise ZooError(
                f"{file}: {key} differ from the model's by {bound.measure(differences):.2g} "
                f"({bound.measure.__name__}), over {allowed:.2g}."
            )
        found = {
            "difference": max(found["difference"], float(differences.max())),
            "largest": max(found["largest"], largest),
        }
    return found


def reason(error: Exception) -> str:
    """What a converter complains of, in one line: the operations that it does not know where it names some."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    telling = [line for line in lines if line.startswith(("Flex ops:", "Custom ops:"))]
    line = (telling or [line for line in lines if "error: " in line] or lines)[0]
    return line.rpartition("error: ")[2][:300].rstrip(".")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the notes of converters to their own developers from the terminal; TF_CPP_MIN_LOG_LEVEL=0 shows them."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        yield
        return
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    sys.stderr.flush()
    stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)  # the C++ parts write past Python's streams
    os.dup2(nothing, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)
        logging.disable(level)
