"""JSON <-> tensors, as TensorFlow Serving's REST API documents them (https://www.tensorflow.org/tfx/serving/api_rest).

A request names a signature and holds tensors by row (`instances`) or by column (`inputs`); the answer has the same form
(`predictions`, `outputs`). Bytes are `{"b64": ...}`. NaN and Infinity may stand where numbers do.
"""

import base64
import binascii
import itertools
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson
import tensorflow as tf

from tfgan_zoo.serving.refusals import Refused

DEEPEST = 32  # dimensions of a tensor; NumPy has a limit too
SHOWN = 60  # characters of a value in a message
INTEGERS = (tf.int8, tf.int16, tf.int32, tf.int64, tf.uint8, tf.uint16, tf.uint32, tf.uint64)
KINDS = {bool: "Bool", int: "Number", float: "Number", str: "String", dict: "Object", list: "Array", type(None): "Null"}


class Request(NamedTuple):
    """A request to `:predict`: the signature's name ("" for the default), whether it is by row, its tensors as JSON."""

    signature: str
    by_row: bool
    value: Any


def invalid(message: str) -> Refused:
    """The refusal of a request that is wrong."""
    return Refused("INVALID_ARGUMENT", message)


def shown(value: Any) -> str:
    """A JSON value in a message."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


# === Requests ===
def parse(body: bytes) -> Request:
    """The request in a body. Raises Refused where it is none."""
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except RecursionError:
        raise invalid("JSON Parse error: too many lists in lists") from None
    except ValueError as error:  # no JSON, no UTF-8, a number of thousands of digits
        raise invalid(f"JSON Parse error: {str(error)[:200]}") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {shown(document)} Is not object")
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise invalid(f"JSON Value: {shown(signature)} not formatted correctly. 'signature_name' key must be a string")
    if "instances" in document and "inputs" in document:
        raise invalid("Not formatted correctly: expecting only one of 'inputs' or 'instances' keys to exist")
    if "inputs" in document:
        return Request(signature, False, document["inputs"])
    if "instances" not in document:
        raise invalid("Missing 'inputs' or 'instances' key")
    if not isinstance(document["instances"], list):
        raise invalid("Expecting 'instances' to be a list/array")
    if not document["instances"]:
        raise invalid("No values in 'instances' array")
    return Request(signature, True, document["instances"])


def tensors(request: Request, dtypes: Mapping[str, tf.DType]) -> dict[str, np.ndarray]:
    """The request's tensors under the names of the signature's inputs. Raises Refused where they do not fit."""
    columns = by_row(request.value, dtypes) if request.by_row else by_column(request.value, dtypes)
    return {name: dense(name, value, dtypes[name]) for name, value in columns.items()}


def by_row(rows: list, names: Mapping[str, Any]) -> dict[str, list]:
    """`instances`, a list of objects, or of values where there is one input, as {name: list of values}."""
    objects = [isinstance(row, dict) and not is_bytes(row) for row in rows]
    if not any(objects):
        if len(names) != 1:
            raise invalid(f"instances is a plain list, but expecting list of objects with keys: {','.join(names)}")
        return {next(iter(names)): rows}
    if not all(objects):
        raise invalid(f"Expecting object but got value/list at item {objects.index(False)} of input list")
    for place, row in enumerate(rows):
        if row.keys() != names.keys():
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. JSON object: {shown(row)} keys must be "
                f"equal to: {','.join(names)}"
            )
    return {name: [row[name] for row in rows] for name in names}


def by_column(value: Any, names: Mapping[str, Any]) -> dict[str, Any]:
    """`inputs`, an object, or a value where there is one input, as {name: value}."""
    if not isinstance(value, dict) or is_bytes(value):
        if len(names) != 1:
            raise invalid(f"inputs is a plain value/list, but expecting an object with keys: {','.join(names)}")
        return {next(iter(names)): value}
    for name in names:
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
    return {name: value[name] for name in names}  # others are overlooked, as there


def is_bytes(value: Any) -> bool:
    """Whether an object stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def dense(name: str, value: Any, dtype: tf.DType) -> np.ndarray:
    """Lists in lists -> an array of their shape. Raises Refused where they are ragged or hold another type."""
    shape, leaves = [], [value]
    while leaves and isinstance(leaves[0], list):
        size = len(leaves[0])
        if not all(isinstance(leaf, list) and len(leaf) == size for leaf in leaves):
            raise invalid(f"{name}: lists of unequal length, or values beside lists, at level {len(shape)}")
        shape.append(size)
        if len(shape) > DEEPEST:
            raise invalid(f"{name}: more than {DEEPEST} lists in one another")
        leaves = list(itertools.chain.from_iterable(leaves))
    if any(isinstance(leaf, list) for leaf in leaves):
        raise invalid(f"{name}: lists beside values at level {len(shape)}")
    return converted(name, leaves, dtype).reshape(shape)


def converted(name: str, leaves: list, dtype: tf.DType) -> np.ndarray:
    """JSON values as an array (n,) of `dtype`; no number is cut or rounded to another one but decimals."""
    if dtype == tf.string:
        return np.array([as_bytes(name, leaf) for leaf in leaves] or [b""], object)[: len(leaves)]
    allowed = {bool} if dtype == tf.bool else {int} if dtype in INTEGERS else {int, float}
    if not (dtype == tf.bool or dtype in INTEGERS or dtype in (tf.float32, tf.float64)):
        raise Refused("UNIMPLEMENTED", f"{name}: conversion of JSON to type: {dtype.name}")
    if wrong := set(map(type, leaves)) - allowed:
        leaf = next(leaf for leaf in leaves if type(leaf) in wrong)
        raise invalid(
            f"{name}: JSON Value: {shown(leaf)} Type: {KINDS[type(leaf)]} is not of expected type: {dtype.name}"
        )
    if dtype == tf.bool:
        return np.array(leaves, bool)
    if dtype in INTEGERS:
        lost = (leaf for leaf in leaves if not dtype.min <= leaf <= dtype.max)
    else:
        exact = 2**24 if dtype == tf.float32 else 2**53
        lost = (leaf for leaf in leaves if type(leaf) is int and not -exact < leaf < exact)
    if (leaf := next(lost, None)) is not None:
        raise lossy(name, leaf, dtype)
    with np.errstate(over="ignore"):
        made = np.array(leaves, dtype.as_numpy_dtype)
    if dtype not in INTEGERS:  # the largest float32 is written with a decimal that is larger, and rounds to it
        for index in np.flatnonzero(np.isinf(made)):
            if not np.isinf(leaves[index]):
                raise lossy(name, leaves[index], dtype)
    return made


def lossy(name: str, leaf: Any, dtype: tf.DType) -> Refused:
    """The refusal of a number that the tensor cannot hold."""
    return invalid(f"{name}: Cannot convert JSON value: {shown(leaf)} to {dtype.name} without loss of precision.")


def as_bytes(name: str, leaf: Any) -> bytes:
    """A JSON string, or `{"b64": ...}`, as bytes."""
    try:
        if isinstance(leaf, str):
            return leaf.encode()
        if is_bytes(leaf):
            text = "".join(leaf["b64"].split())
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise invalid(f"{name}: Unable to base64 decode, or text that is no UTF-8: {shown(leaf)}") from None
    raise invalid(f"{name}: JSON Value: {shown(leaf)} Type: {KINDS[type(leaf)]} is not of expected type: string")


# === Answers ===
def answer(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """The body of the answer. Raises Refused for rows of unequal number."""
    if not by_row:
        value = {name: jsonable(name, array) for name, array in outputs.items()}
        return dumped({"outputs": next(iter(value.values())) if len(value) == 1 else value}, outputs)
    sizes = {name: array.shape[0] if array.ndim else None for name, array in outputs.items()}
    if None in sizes.values() or len(set(sizes.values())) != 1:
        raise invalid(f"the answers have no rows, or not as many each: {sizes}. Ask with 'inputs'")
    columns = [jsonable(name, array) for name, array in outputs.items()]
    if len(columns) == 1:
        return dumped({"predictions": columns[0]}, outputs)
    rows = [dict(zip(outputs, row, strict=True)) for row in zip(*columns, strict=True)]
    return dumped({"predictions": rows}, outputs)


def jsonable(name: str, array: np.ndarray) -> Any:
    """An array as what JSON holds; numbers stay arrays, which `orjson` writes with as few digits as tell them apart."""
    if array.dtype == object:
        if name.endswith("_bytes"):
            return nested(array, lambda value: {"b64": base64.b64encode(value).decode()})
        return nested(array, lambda value: value.decode("utf-8", "replace"))
    return np.ascontiguousarray(array) if array.ndim else array.item()


def nested(array: np.ndarray, convert) -> Any:
    """An array of objects as lists in lists."""
    if array.ndim == 0:
        return convert(array.item())
    return [nested(row, convert) if isinstance(row, np.ndarray) else convert(row) for row in array]


def dumped(document: dict, outputs: Mapping[str, np.ndarray]) -> bytes:
    """JSON; by the slower library where `orjson` would write null: NaN and infinity."""
    if all(array.dtype.kind != "f" or np.isfinite(array).all() for array in outputs.values()):
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(document, default=lambda array: array.tolist(), separators=(",", ":")).encode()
