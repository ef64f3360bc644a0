"""A trained model as a SavedModel for TensorFlow Serving, checked in a process without Keras.

`tf.saved_model.save` of a bare module that holds the sampler's variables is used rather than
`keras.export.ExportArchive`, which writes every variable twice when a network is tracked (41.2 MB against
20.7 MB for 20.5 MB of weights).
"""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfgan_zoo import files
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving.verify import answer_name
from tfgan_zoo.serving.verify import verify as verify_saved

MOST = 1024  # images in one `sample` request: more is refused before it exhausts the server's memory


def export(
    model: AdversarialModel,
    folder: str | os.PathLike,
    *,
    name: str,
    version: int | None = None,
    verify: bool = True,
    facts: dict[str, Any] | None = None,
) -> Path:
    """Write `<folder>/<name>/<version>/`, a SavedModel with two signatures.

    `serving_default`: z float32 (n, latent_dim), under the name of the generator's own input -> images,
        float32 (n, height, width, channels) in [-1, 1].
    `sample`: count int32 (), 1 to 1024, and seed int64 () -> images, uint8 (count, height, width, channels);
        image i is `model.sample_images([seed + i])`. Stateless: equal requests have equal answers.
    Both answers of a model of points are called `points` and are float32.

    Only the sampling network is written (the averaged generator where there is one). The folder is written
    under a temporary name, which TensorFlow Serving ignores, and renamed when it is whole and has
    passed `verify`.

    Args:
        folder: where served models live, such as `export/models`.
        name: the name it is served under.
        version: a whole number of 1 or more; None for the next free one. An existing one is refused.
        verify: whether to load the result in a new process without Keras and compare it with `model`.
        facts: more facts (JSON) for `assets.extra/tfgan_zoo.json`, such as the preset and the weights' hash.

    Returns:
        The version's folder.

    Raises:
        ZooError: for a bad name or version, a version that exists, a folder that cannot be written, or where
            the result differs from the model; nothing is left behind then.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ZooError(f"name={name!r} cannot be served: use letters, digits and _ - ., such as dcgan_mnist.")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 1):
        raise ZooError(f"version must be a whole number of 1 or more, or none for the next, got {version!r}.")
    home = Path(folder).expanduser() / name
    check_free(home, version)
    temporary = home / f".tmp-{os.getpid()}"
    try:
        temporary.mkdir(parents=True)
        write(model, temporary, facts or {})
        if verify:
            verify_saved(temporary, model)
        return claim(temporary, home, version)
    except OSError as error:
        reason = error.strerror or error
        raise ZooError(f"cannot write {home}: {reason}. Choose a folder you may write to.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):
            home.rmdir()  # only where it is empty, so that a failed first export leaves nothing


def versions(home: Path) -> list[int]:
    """The versions in the folder of a served model, ascending."""
    entries = home.iterdir() if home.is_dir() else ()
    return sorted(int(entry.name) for entry in entries if entry.name.isdecimal())


def check_free(home: Path, version: int | None) -> None:
    """Raise where `version` exists already."""
    if version is not None and (home / str(version)).exists():
        raise ZooError(
            f"{home / str(version)} exists and is never overwritten: leave version out to write version "
            f"{max(versions(home), default=0) + 1}."
        )


def claim(temporary: Path, home: Path, version: int | None) -> Path:
    """Rename `temporary` to the version asked for or the next free one; renaming fails where one stands."""
    while True:
        check_free(home, version)
        target = home / str(version or max(versions(home), default=0) + 1)
        try:
            os.rename(temporary, target)
            return target
        except OSError:
            if not target.exists():
                raise  # not the other writer's doing


def write(model: AdversarialModel, path: Path, facts: dict[str, Any]) -> None:
    """Write the SavedModel and its facts into the folder `path`."""
    module = tf.Module()
    module.sampler_variables = [variable.value for variable in model.sampler.variables]
    signatures = {"serving_default": serving_default(model), "sample": sample(model)}
    # Gradients are of no use to a server, and without them no custom gradient of a layer need be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(path), signatures, options)
    files.write_json(path / "assets.extra" / "tfgan_zoo.json", facts | describe(model))
    for file in path.rglob("*"):  # the bytes must be on the disk before the name is
        if file.is_file():
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())


def input_specs(model: AdversarialModel) -> list[tf.TensorSpec]:
    """The sampler's inputs, with their own names and a free batch size."""
    return [tf.TensorSpec((None, *z.shape[1:]), z.dtype, name=z.name) for z in model.sampler.inputs]


def serving_default(model: AdversarialModel):
    """Latents -> float32 images in [-1, 1]; float32 also where the network computes in less."""
    specs = input_specs(model)

    def generate(*inputs):
        latents = inputs[0] if len(inputs) == 1 else list(inputs)
        return {answer_name(model): tf.cast(model.call(latents), tf.float32)}

    return tf.function(generate).get_concrete_function(*specs)


def sample(model: AdversarialModel):
    """(count, seed) -> uint8 images, or float32 points."""

    def generate(count, seed):
        allowed = tf.debugging.assert_equal(
            (count >= 1) & (count <= MOST), True, f"count must be a number from 1 to {MOST}."
        )
        with tf.control_dependencies([allowed]):
            seeds = seed + tf.range(tf.cast(count, tf.int64))
        if answer_name(model) == "images":
            return {"images": model.sample_images(seeds)}
        return {answer_name(model): tf.cast(model.call(model.latents_for(seeds)), tf.float32)}

    return tf.function(generate).get_concrete_function(
        tf.TensorSpec((), tf.int32, name="count"), tf.TensorSpec((), tf.int64, name="seed")
    )


def describe(model: AdversarialModel) -> dict[str, Any]:
    """What a reader of the files should know; written beside them, unread by servers."""
    name = answer_name(model)
    images = name == "images"
    inputs = {spec.name: f"{spec.dtype.name} {shape_text(spec.shape)}" for spec in input_specs(model)}
    answers = shape_text((None, *model.image_shape))
    samples = shape_text(("count", *model.image_shape))
    return {
        "family": type(model).__module__.rpartition(".")[2],
        "config": model.get_config(),
        "network": model.sampler.name,
        "averaged": model.sampler is not model.generator,
        "parameters": model.sampler.count_params(),
        "latent_dim": getattr(model, "latent_dim", None),
        "signatures": {
            "serving_default": {
                "inputs": inputs,
                "outputs": {name: f"float32 {answers}{' in [-1, 1]' * images}"},
            },
            "sample": {
                "inputs": {"count": f"int32 () from 1 to {MOST}", "seed": "int64 ()"},
                "outputs": {name: f"{'uint8' if images else 'float32'} {samples}"},
            },
        },
        "versions": {
            "python": sys.version.split()[0],
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }


def shape_text(shape: Iterable) -> str:
    """(None, 8) -> "(n, 8)"."""
    return f"({', '.join('n' if side is None else str(side) for side in shape)})"
