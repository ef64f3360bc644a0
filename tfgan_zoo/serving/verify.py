"""Does a SavedModel give what the model gives, in a process that knows neither Keras nor this package?"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_zoo import sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError

COUNT, SEED = 3, 20_151_119
PATIENCE = 600  # seconds

# The child: TensorFlow and NumPy alone. Keras cannot be imported in it, so nothing in the files can need it.
CHILD = """
import sys
sys.modules.update(dict.fromkeys(["keras", "tf_keras", "tfgan_zoo"]))  # None: importing them is an error now
import numpy as np
import tensorflow as tf
folder, request, answer = sys.argv[1:]
loaded = tf.saved_model.load(folder)
given, answers = np.load(request), {}
for name, signature in loaded.signatures.items():
    inputs = {key.partition("/")[2]: tf.constant(given[key]) for key in given.files if key.startswith(name + "/")}
    answers |= {f"{name} {key}": value for key, value in signature(**inputs).items()}
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
    seeds, random = tf.range(COUNT, dtype=tf.int64) + SEED, np.random.default_rng(SEED)
    request, expected = {}, {}
    endpoints = {name: endpoint for name, endpoint in model.endpoints.items() if endpoint.exported}
    with tf.device("/CPU:0"):
        for name, endpoint in endpoints.items():
            made_up = {key: tf.constant(kind.example(COUNT, random)) for key, kind in endpoint.conditions.items()}
            inputs = sampling.draw(model, name, seeds, made_up)
            answers = tf.function(lambda inputs, name=name: sampling.ask(model, name, inputs))(inputs)
            sampling.refuse_broken(int(sampling.broken_in(answers)), COUNT, f"{model.name}.{name}")
            named = [name, "serving_default"] if name == next(iter(endpoints)) else [name]
            request |= {f"{each}/{key}": inputs[key].numpy() for each in named for key in endpoint.inputs}
            expected |= {f"{each} {endpoint.output.plural}": answers.numpy() for each in named}
        if "generate" in endpoints and endpoints["generate"].from_seeds:
            classes = endpoints["generate"].conditions
            request |= {"sample/count": np.int32(COUNT), "sample/seed": np.int64(SEED)}
            request |= {f"sample/{key}": np.int32(-1) for key in classes}
            drawn = sampling.draw(model, "generate", seeds)
            expected[f"sample {endpoints['generate'].output.plural}"] = model.sample(seeds).numpy()
            expected |= {f"sample {key}": drawn[key].numpy() for key in classes}
    return request, expected


def run(path: Path, folder: Path) -> dict[str, np.ndarray]:
    """The child's answer to `request.npz` in `folder`."""
    arguments = [str(path.resolve()), str(folder / "request.npz"), str(folder / "answer.npz")]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("PYTHONPATH", None)
    try:
        child = subprocess.run(
            [sys.executable, "-c", CHILD, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise ZooError(f"{path}: plain TensorFlow gave no answer in {PATIENCE} s. Export it again.") from None
    if child.returncode:
        lines = [line.strip() for line in child.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if "Error" in line] or lines or ["no message."]
        reason = errors[-1]
        raise ZooError(f"{path}: does not load and run in plain TensorFlow: {reason[:300]} Export it again.")
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
