"""Does a SavedModel give what the model gives, in a process that knows neither Keras nor this package?"""

import base64
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import examples

COUNT = 3
PATIENCE = 600  # seconds

# The child: TensorFlow and NumPy alone. Keras cannot be imported in it, so nothing in the files can need it.
CHILD = """
import base64, sys
sys.modules.update(dict.fromkeys(["keras", "tf_keras", "tfgan_zoo"]))  # None: importing them is an error now
import numpy as np
import tensorflow as tf
folder, request, answer = sys.argv[1:]
loaded = tf.saved_model.load(folder)
given, answers = np.load(request), {}
def sent(value):
    return value if value.dtype.kind != "S" else np.vectorize(base64.b64decode, [object])(value)
def read(value):
    if value.dtype != tf.string:
        return value.numpy()
    if value[0].numpy().startswith(b"RIFF"):
        return np.stack([np.round(tf.audio.decode_wav(file)[0] * 32768) for file in value]).astype(np.int16)
    return np.stack([tf.io.decode_png(file) for file in value])
for name, signature in loaded.signatures.items():
    inputs = {k.partition("/")[2]: tf.constant(sent(given[k])) for k in given.files if k.startswith(name + "/")}
    answers |= {f"{name} {key}": read(value) for key, value in signature(**inputs).items()}
foreign = sorted(name for name, module in sys.modules.items()
                 if module is not None and name.split(".")[0] in ("keras", "tf_keras", "tfgan_zoo"))
assert not foreign, foreign
np.savez(answer, **answers)
"""


def verify(path: str | os.PathLike, model: AdversarialModel) -> dict[str, float]:
    """Load the SavedModel at `path` in a new process and compare every signature with `model`.

    Inputs that are not drawn from seeds are made up by their kind of data. Where the model computes in float32 no value
    may differ by more than 1e-5 (of the largest one, where that is above 1), in uint8 by more than 1, as rounding may
    fall on either side. In half precision the rewriting of a graph moves single values much further (0.1 was seen
    between two traces of one function): there the mean difference is held to 0.02.

    Returns:
        The difference found for each answer: {"generate images": ..., "sample images": ...}.

    Raises:
        ZooError: where it does not load or run, or its answers have other names, shapes, types or values.
    """
    request, expected = ask(model)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "request.npz", **request)
        answer = run(Path(path), Path(folder))
    half = model.compute_dtype != "float32"
    return compare(expected, answer, path, atol=0.02 if half else 1e-5, measure=np.mean if half else np.max)


def ask(model: AdversarialModel) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The request to the child and the model's own answers, computed on the CPU as the child's are."""
    request, expected = {}, {}
    with tf.device("/CPU:0"):
        for example in examples.examples(model, COUNT):
            name = example.signature
            request |= {f"{name}/{key}": as_numbers(value) for key, value in example.inputs.items()}
            expected |= {f"{name} {key}": value for key, value in example.answers().items()}
    return request, expected


def as_numbers(value: np.ndarray) -> np.ndarray:
    """Strings in base64, which a `.npz` file holds without pickle and without cutting off zeros at their ends."""
    if value.dtype != object:
        return value
    return np.array([base64.b64encode(text) for text in value.flat]).reshape(value.shape)


def run(
    path: Path, folder: Path, code: str = CHILD, where: str = "plain TensorFlow", advice: str = " Export it again."
) -> dict[str, np.ndarray]:
    """The child's answer to `request.npz` in `folder`.

    Args:
        path: what the child is to load.
        code: the child's program; its arguments are `path`, the file of the request and the file of the answer.
        where: what runs it, in words.
        advice: what a reader of its errors is to do.
    """
    arguments = [str(path.resolve()), str(folder / "request.npz"), str(folder / "answer.npz")]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("PYTHONPATH", None)
    try:
        child = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise ZooError(f"{path}: {where} gave no answer in {PATIENCE} s.{advice}") from None
    if child.returncode:
        lines = [line.strip() for line in child.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if "Error" in line] or lines or ["no message."]
        reason = errors[-1]
        raise ZooError(f"{path}: does not load and run in {where}: {reason[:300]}{advice}")
    with np.load(folder / "answer.npz", allow_pickle=False) as answer:
        return dict(answer)


def compare(
    expected: dict[str, np.ndarray], answer: dict[str, np.ndarray], path, atol: float = 1e-5, measure: Callable = np.max
) -> dict[str, float]:
    """The differences by `measure`, each at most `atol`; of uint8 at most 1, or `atol` in its steps."""
    if set(answer) != set(expected):
        raise ZooError(f"{path}: answers {sorted(answer)}, the model {sorted(expected)}. Export it again.")
    differences = {}
    for name, here in expected.items():
        there = answer[name]
        if there.shape != here.shape or there.dtype != here.dtype:
            raise ZooError(
                f"{path}: {name} are {there.dtype} {there.shape}, the model's {here.dtype} {here.shape}. "
                "Export it again."
            )
        largest = max(1.0, float(np.abs(here).max(initial=0))) if here.dtype.kind == "f" else 1.0
        allowed = max(1.0, atol * 127.5) if here.dtype.kind in "iu" and here.dtype != np.int32 else atol * largest
        differences[name] = float(measure(np.abs(there.astype(np.float64) - here)))
        if not differences[name] <= allowed:  # nan is a failure too
            raise ZooError(
                f"{path}: {name} differ from the model's by {differences[name]:.3g}, over {allowed:.3g}. "
                "Export it again from these weights."
            )
    return differences
