"""A trained model as a SavedModel for TensorFlow Serving, checked in a process without Keras.

`tf.saved_model.save` of a bare module that holds the networks' variables is used rather than
`keras.export.ExportArchive`, which writes every variable twice when a network is tracked (41.2 MB against
20.7 MB for 20.5 MB of weights).
"""

import contextlib
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import files
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import examples, warmup
from tfgan_zoo.serving.signatures import Signature, exported, signatures
from tfgan_zoo.serving.verify import verify as verify_saved


def export(
    model: AdversarialModel,
    folder: str | os.PathLike,
    *,
    name: str,
    version: int | None = None,
    verify: bool = True,
    facts: dict[str, Any] | None = None,
) -> Path:
    """Write `<folder>/<name>/<version>/`, a SavedModel with a signature for each of the model's exported endpoints.

    An endpoint's signature takes and gives the model form: pictures float32 (n, height, width, channels) in [-1, 1],
    classes int32 (n,) in and logits out, noise float32 (n, ...) under the name of the network's own input. The first
    one is `serving_default` too.
    `sample`, where seeds (and classes) are enough to generate: count int32 (), 1 to 1024, seed int64 () and, for each
    class input, its number or -1 -> answers in stored form, uint8 (count, height, width, channels); answer i is
    `model.sample([seed + i])`. Stateless: equal requests have equal answers.
    The same with files in place of numbers: `<endpoint>_png` where pictures come or go, `<endpoint>_wav` for sounds,
    `sample_png` and `sample_wav` (which take a truncation, and every condition, too). See `signatures`.

    Only the networks that these endpoints need are written (averaged ones where there are such). The folder is written
    under a temporary name, which TensorFlow Serving ignores, and renamed when it is whole and has passed `verify`.

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
    check_weights(model)
    home = Path(folder).expanduser() / name
    check_free(home, version)
    temporary = home / f".tmp-{os.getpid()}"
    try:
        temporary.mkdir(parents=True)
        write(model, temporary, facts or {}, name)
        if verify:
            verify_saved(temporary, model)
        return claim(temporary, home, version)
    except (OSError, tf.errors.OpError) as error:  # TensorFlow has its own for a disk that is full
        reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        raise ZooError(f"cannot write {home}: {reason}. Choose a folder you may write to.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):
            home.rmdir()  # only where it is empty, so that a failed first export leaves nothing


def check_weights(model: AdversarialModel) -> None:
    """Raise where weights that would be served are no numbers."""
    for name, network in served_networks(model).items():
        for weight in network.weights:
            value = weight.numpy()
            if value.dtype.kind not in "iub" and not np.isfinite(value.astype(np.float32)).all():
                raise ZooError(
                    f"{model.name}: NaN or infinity in the weights of its {name} ({weight.path}); its training "
                    "diverged: take an earlier checkpoint."
                )


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


def write(model: AdversarialModel, path: Path, facts: dict[str, Any], name: str = "model") -> None:
    """Write the SavedModel, its facts and its warm-up requests into the folder `path`."""
    module = tf.Module()
    module.served_variables = [v.value for network in served_networks(model).values() for v in network.variables]
    found = signatures(model)
    module.tables = [table for signature in found.values() for table in signature.tables]
    functions = {key: signature.function for key, signature in found.items()}
    functions["serving_default"] = next(iter(functions.values()))
    # Gradients are of no use to a server, and without them no custom gradient of a layer need be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(path), functions, options)
    files.write_json(path / "assets.extra" / "tfgan_zoo.json", facts | describe(model, found))
    warmup.write(path, name, examples.examples(model, count=1))
    for file in path.rglob("*"):  # the bytes must be on the disk before the name is
        if file.is_file():
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())


def served_networks(model: AdversarialModel) -> dict[str, keras.Model]:
    """The networks that the exported endpoints need, averaged twins where there are such."""
    names = dict.fromkeys(name for endpoint in exported(model).values() for name in endpoint.networks)
    return {name: model.best(name) for name in names}


def describe(model: AdversarialModel, found: dict[str, Signature]) -> dict[str, Any]:
    """What a reader of the files should know; written beside them, unread by servers."""
    networks = served_networks(model)
    return {
        "family": type(model).__module__.rpartition(".")[2],
        "config": model.get_config(),
        "networks": {name: network.count_params() for name, network in networks.items()},
        "averaged": any(network is not getattr(model, name) for name, network in networks.items()),
        "serving_default": next(iter(found)),
        "signatures": {name: {"inputs": s.inputs, "outputs": s.outputs} for name, s in found.items()},
        "versions": {
            "python": sys.version.split()[0],
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
