"""Does a SavedModel give what the model gives, in a process that knows neither Keras nor this package?"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError

COUNT, SEED = 3, 20_151_119
PATIENCE = 600  # seconds

# The child: TensorFlow and NumPy alone. Keras cannot be imported in it, so nothing in the files can need it.
CHILD = """
import sys
sys.modules["keras"] = sys.modules["tf_keras"] = sys.modules["tfgan_zoo"] = None  # importing them is an error now
import numpy as np
import tensorflow as tf
folder, request, answer = sys.argv[1:]
loaded = tf.saved_model.load(folder)
given = np.load(request)
latents = {name[2:]: tf.constant(given[name]) for name in given.files if name.startswith("z/")}
images = loaded.signatures["serving_default"](**latents)["images"]
samples = loaded.signatures["sample"](count=tf.constant(given["count"]), seed=tf.constant(given["seed"]))["images"]
foreign = sorted(name for name, module in sys.modules.items()
                 if module is not None and name.split(".")[0] in ("keras", "tf_keras", "tfgan_zoo"))
assert not foreign, foreign
np.savez(answer, images=images.numpy(), samples=samples.numpy())
"""


def verify(path: str | os.PathLike, model: AdversarialModel, atol: float | None = None) -> dict[str, float]:
    """Load the SavedModel at `path` in a new process and compare both signatures with `model`.

    Args:
        path: the version's folder.
        atol: largest difference allowed between float images in [-1, 1]; None for 1e-5, or 0.05 where the model
            computes in half precision. uint8 samples may differ by 1, as rounding may fall on either side.

    Returns:
        {"images": largest difference of float images, "samples": largest difference of uint8 samples}.

    Raises:
        ZooError: where it does not load, its answers have other shapes or types, or they differ by more.
    """
    if atol is None:
        atol = 1e-5 if model.compute_dtype == "float32" else 0.05
    request, expected = ask(model)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "request.npz", **request)
        answer = run(Path(path), Path(folder))
    return compare(expected, answer, path, {"images": atol, "samples": 1 if atol < 0.004 else atol * 127.5 + 1})


def ask(model: AdversarialModel) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The request to the child and the model's own answer, computed on the CPU as the child's is."""
    with tf.device("/CPU:0"):
        latents = model.latents_for(tf.range(COUNT, dtype=tf.int64) + SEED)
        images = tf.function(model.call)(latents)
        samples = tf.function(model.sample_images)(tf.range(COUNT, dtype=tf.int64) + SEED)
    named = zip(model.sampler.inputs, tf.nest.flatten(latents), strict=True)
    request = {f"z/{tensor.name}": value.numpy() for tensor, value in named}
    request |= {"count": np.int32(COUNT), "seed": np.int64(SEED)}
    return request, {"images": tf.cast(images, tf.float32).numpy(), "samples": samples.numpy()}


def run(path: Path, folder: Path) -> dict[str, np.ndarray]:
    """The child's answer to `request.npz` in `folder`."""
    arguments = [str(path.resolve()), str(folder / "request.npz"), str(folder / "answer.npz")]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("PYTHONPATH", None)
    try:
        child = subprocess.run([sys.executable, "-c", CHILD, *arguments], cwd=folder, env=environment,
                               capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise ZooError(f"{path}: plain TensorFlow did not answer within {PATIENCE} seconds. Export it again.") from None
    if child.returncode:
        lines = [line.strip() for line in child.stderr.splitlines() if line.strip()]
        reason = next((line for line in reversed(lines) if "Error" in line), lines[-1] if lines else "no message")
        raise ZooError(f"{path}: does not load and run in plain TensorFlow: {reason[:300]} Export it again.")
    with np.load(folder / "answer.npz") as answer:
        return dict(answer)


def compare(expected: dict[str, np.ndarray], answer: dict[str, np.ndarray], path, allowed: dict[str, float]
            ) -> dict[str, float]:
    """The largest differences, each of which must be within `allowed`."""
    differences = {}
    for name, here in expected.items():
        there = answer[name]
        if there.shape != here.shape or there.dtype != here.dtype:
            raise ZooError(f"{path}: its {name} are {there.dtype} {there.shape}, the model's {here.dtype} {here.shape}. "
                           "Export it again.")
        differences[name] = float(np.abs(there.astype(np.float64) - here).max())
        if not differences[name] <= allowed[name]:  # nan is a failure too
            raise ZooError(f"{path}: its {name} differ from the model's by up to {differences[name]:.3g}, more than "
                           f"{allowed[name]:.3g}. Export it again from these weights.")
    return differences
