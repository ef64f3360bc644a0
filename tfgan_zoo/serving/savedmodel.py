"""A trained model as a SavedModel for TensorFlow Serving, checked in a process without Keras.

`tf.saved_model.save` of a bare module that holds the networks' variables is used rather than
`keras.export.ExportArchive`, which writes every variable twice when a network is tracked (41.2 MB against
20.7 MB for 20.5 MB of weights).
"""

import os
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import files
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import examples, forms, places, warmup
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
    places.check_name(name)
    check_weights(model)

    def fill(path: Path) -> None:
        write(model, path, facts or {}, name)
        if verify:
            verify_saved(path, model)

    return places.publish(Path(folder).expanduser() / name, version, fill)


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


def write(model: AdversarialModel, path: Path, facts: dict[str, Any], name: str = "model") -> None:
    """Write the SavedModel, its facts and its warm-up requests into the folder `path`."""
    module = holder(model)
    found = signatures(model)
    module.tables = [table for signature in found.values() for table in signature.tables]
    functions = {key: signature.function for key, signature in found.items()}
    functions["serving_default"] = next(iter(functions.values()))
    # Gradients are of no use to a server, and without them no custom gradient of a layer need be saved.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(path), functions, options)
    files.write_json(path / "assets.extra" / "tfgan_zoo.json", facts | describe(model, found))
    warmup.write(path, name, examples.examples(model, count=1))


def holder(model: AdversarialModel) -> tf.Module:
    """A bare module that holds the variables which the exported endpoints need."""
    module = tf.Module()
    module.served_variables = [v.value for network in served_networks(model).values() for v in network.variables]
    return module


def served_networks(model: AdversarialModel) -> dict[str, keras.Model]:
    """The networks that the exported endpoints need, averaged twins where there are such."""
    names = dict.fromkeys(name for endpoint in exported(model).values() for name in endpoint.networks)
    return {name: model.best(name) for name in names}


def describe(model: AdversarialModel, found: dict[str, Signature]) -> dict[str, Any]:
    """What a reader of the files should know; written beside them, unread by servers."""
    return about(model) | {
        "serving_default": next(iter(found)),
        "endpoints": {name: forms.declared(model, name) for name in exported(model)},
        "signatures": {name: {"inputs": s.inputs, "outputs": s.outputs} for name, s in found.items()},
    }


def about(model: AdversarialModel) -> dict[str, Any]:
    """What the exported model is, and by what it was written."""
    networks = served_networks(model)
    return {
        "family": type(model).__module__.rpartition(".")[2],
        "config": model.get_config(),
        "networks": {name: network.count_params() for name, network in networks.items()},
        "averaged": any(network is not getattr(model, name) for name, network in networks.items()),
        "versions": {
            "python": sys.version.split()[0],
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
