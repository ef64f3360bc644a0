"""The zoo's models: build an experiment's model, get a pretrained one, load one from a run or a file.

Importing this module registers every family and schedule with Keras, so that `keras.models.load_model` reads their
`.keras` files; `import keras, tfgan_zoo` in this order imports it.
"""

import contextlib
import importlib
import json
import os
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import pydantic

from tfgan_zoo import config, index, sharing, targets, translation, weights
from tfgan_zoo import schedules as _schedules  # noqa: F401, it registers them
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.config_errors import check
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run

Start = Literal["live", "ema"]


@cache
def family_class(name: str) -> type[AdversarialModel]:
    """The model class of a family: the name of its file, or a module of one's own, such as `my_package.my_gan`.

    Raises:
        ZooError: no such family.
    """
    facts = index.family_facts(name)
    return getattr(importlib.import_module(name if "." in name else f"tfgan_zoo.families.{name}"), facts["class"])


for _name in index.families():
    family_class(_name)


def build(experiment: "str | config.Experiment", **model) -> AdversarialModel:
    """An untrained, uncompiled model of a preset (its name or `.toml` file) or a resolved experiment.

    Equal experiments have equal first weights. Arguments that the data know, such as the number of classes, are taken
    from the data where the preset leaves them out and the data are there.

    Args:
        model: constructor arguments that replace the preset's.

    Raises:
        ZooError: an unknown preset or argument, or a value the family refuses.
    """
    if not isinstance(experiment, config.Experiment):
        experiment = config.load(experiment)
    if model:
        given = {f"model.{name}": value for name, value in model.items()}
        update = {"model": {**experiment.model, **model}, "overrides": {**experiment.overrides, **given}}
        experiment = experiment.model_copy(update={**update, "overridden_in": "build()"})
    with contextlib.suppress(ZooError):  # training says what is wrong with the data; here they are a convenience
        experiment = completed(experiment)
    family = family_class(experiment.family)
    wanted = experiment.model_copy(update={"model": {"seed": experiment.train.seed, **experiment.model}})
    arguments = model_arguments(family, wanted)
    precision = experiment.train.precision
    policy = keras.config.dtype_policy() if precision == "float32" else keras.DTypePolicy(precision)
    try:
        return family(**arguments, dtype=policy)
    except ZooError as error:
        given = any(key.startswith("model.") for key in experiment.overrides)
        where = experiment.overridden_in if given else experiment.origin or experiment.preset
        raise ZooError(f"{where}: model.{error}") from None


def completed(experiment: config.Experiment) -> config.Experiment:
    """The experiment with the model's arguments that only its data know (`from_data` of the family).

    Raises:
        ZooError: the data that must tell cannot be read.
    """
    missing = [name for name in family_class(experiment.family).from_data if name not in experiment.model]
    known = experiment.data.knows() if missing else {}
    found = {name: known[name] for name in missing if name in known}
    return experiment.model_copy(update={"model": {**experiment.model, **found}}) if found else experiment


def model_arguments(family: type[AdversarialModel], experiment: config.Experiment) -> dict[str, Any]:
    """The `[model]` table as arguments of the family's constructor, validated against its annotations.

    Raises:
        ZooError: an unknown argument, a wrong type, an impossible value.
    """
    settings = experiment.origin or experiment.preset, experiment.overrides, experiment.overridden_in
    return checked_arguments(family, experiment.model, *settings)


def checked_arguments(family: type[AdversarialModel], values: dict[str, Any], *settings) -> dict[str, Any]:
    """Arguments of a family's constructor, validated against its annotations; `settings` are those of `check`."""
    fields = {name: (argument.annotation, argument.default) for name, argument in family.arguments().items()}
    schema = pydantic.create_model(family.__name__, __base__=config.Section, **fields)
    checked = check(schema, values, "model", *settings)
    return {name: getattr(checked, name) for name in values}


def get(name: str, start: Start = "live", precision: str | None = None) -> AdversarialModel:
    """A pretrained or a shared model, whose weights are those that its card names.

    Pretrained weights are packaged, in the cache, or (only where the card says so) behind a URL.

    Args:
        name: a preset with pretrained weights (`python -m tfgan_zoo list` marks them), a folder that was pushed, what
            was pulled under that name, or `hf://user/model[@revision]`.
        start: where fine-tuning starts from: "live", the generator as it was last trained, or "ema", its averaged
            twin. Samples come from the twin either way, where there is one.
        precision: of its computation, such as "mixed_bfloat16"; default Keras' global policy.

    Returns:
        The model, not compiled: `compile()` (the paper's optimizers) and `fit()` continue its training.

    Raises:
        ZooError: no such model, or a file whose SHA-256 is not the card's.
    """
    folder = sharing.find(str(name))
    model = _pretrained(name, precision) if folder is None else _shared(folder, sharing.read(folder), precision)
    if start == "ema":
        use_average(model)
    elif start != "live":
        raise ZooError(f"start must be 'live' or 'ema', got {start!r}.")
    return model


def _pretrained(name: str, precision: str | None) -> AdversarialModel:
    card = weights.card(name)
    experiment = config.Experiment.from_dict(card["experiment"], origin=f"card of {name}")
    train = experiment.train.model_copy(update={"precision": precision or "float32"})
    model = build(experiment.model_copy(update={"train": train}))
    weights.load(model, weights.find(name, card), f"pretrained {name}")
    return model


def _shared(folder: Path, card: dict[str, Any], precision: str | None = None) -> AdversarialModel:
    where, family = f"card of {folder}", family_class(card["family"])
    try:
        arguments = checked_arguments(family, card["model"], where, {}, "card")
        model = family(**arguments, dtype=keras.DTypePolicy(precision) if precision else keras.config.dtype_policy())
    except ZooError as error:
        raise ZooError(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None
    weights.load(model, folder / sharing.WEIGHTS, where)
    return model


def use_average(model: AdversarialModel) -> None:
    """Let the networks continue from their averaged twins."""
    if not model.ema_decay:
        raise ZooError("start='ema': this model keeps no averaged twin (ema_decay is 0); use start='live'.")
    for name in model.ema_networks:
        getattr(model, name).set_weights(getattr(model, f"{name}_ema").get_weights())


def start_from(model: AdversarialModel, target: "str | os.PathLike | AdversarialModel") -> None:
    """Give a model the weights of another one's networks of the same names.

    Raises:
        ZooError: no such model, or networks of other shapes.
    """
    other = loaded(target)
    for name, network in model.networks_by_name.items():
        networks = other.model.networks_by_name
        source = networks.get(name) or networks.get(name.removesuffix("_ema"))
        shapes = [tuple(weight.shape) for weight in network.weights]
        if source is None or [tuple(weight.shape) for weight in source.weights] != shapes:
            raise ZooError(
                f"{other.description}: its {name} is another network; give a model with equal [model] settings."
            )
        network.set_weights(source.get_weights())


class Loaded(NamedTuple):
    """A model ready to be asked.

    Attributes:
        model: the model, not compiled.
        experiment: what it was trained by; None where only a file is known.
        description: what it is, in words.
        name: what to call it: the run's folder, the preset or the file.
        class_names: of its labels, where they are known.
        sha256: of its weights file, where it has been published.
        folder: of its run; None where it comes from no run.
    """

    model: AdversarialModel
    experiment: config.Experiment | None
    description: str
    name: str
    class_names: list[str] | None = None
    sha256: str | None = None
    folder: Path | None = None

    def conditions(self, given: dict[str, Any], endpoint: str = "generate") -> dict[str, Any]:
        """What a caller gave, ready for the model: classes by their number, numbers for text, data for files.

        `given` (a file) is the datum of the endpoint that comes from a file.

        Raises:
            ZooError: as `translation.told`.
        """
        given = {key: value for key, value in given.items() if value is not None}
        asked = self.model.endpoints.get(endpoint, Endpoint({}, None, ()))
        if "given" in given:
            found = translation.datum_of(asked)
            if found is None:
                raise ZooError(f"{self.name} {endpoint}s from nothing that a file holds; leave `given` out.")
            key, kind = found
            given[key] = translation.read(Path(given.pop("given")), kind)[0]
        for key, value in given.items():
            kind = asked.inputs.get(key)
            if kind is not None:
                named = key == "label" or getattr(kind, "num_classes", None) == len(self.class_names or ())
                given[key] = translation.told(key, value, kind, self.class_names if named else None)
        return given


def loaded(target: "str | os.PathLike | AdversarialModel", step: int | None = None) -> Loaded:
    """The model of a preset (pretrained), a run directory, a `.keras` file or a shared model, and what is known of it.

    Args:
        step: of a run: the checkpoint to take; default the newest that can be read.

    Raises:
        ZooError: nothing of that name; a run that has no checkpoint yet; a file that holds no model of the zoo.
    """
    if isinstance(target, Loaded):
        return target
    if isinstance(target, AdversarialModel):
        return Loaded(target, None, target.name, target.name)
    found = targets.resolve(target)
    if step is not None and found.kind != "run":
        raise ZooError(f"step {step}: {target} is no run directory, so it has no checkpoints.")
    if found.kind == "pretrained":
        card = weights.card(found.text)
        experiment = config.Experiment.from_dict(card["experiment"], f"card of {found.text}")
        names = card.get("data", {}).get("class_names")
        return Loaded(get(found.text), experiment, f"pretrained {found.text}", found.text, names, card["sha256"])
    if found.kind == "shared":
        return _of_shared(sharing.find(found.text))
    return _of_file(found.path) if found.kind == "keras" else _of_run(Run(found.path), str(target), step)


load = loaded


def _of_shared(folder: Path) -> Loaded:
    card = sharing.read(folder)
    known, name = card.get("experiment"), card["name"]
    experiment = known and config.Experiment.from_dict(known, f"card of {folder}")
    return Loaded(_shared(folder, card), experiment, f"shared {name}", name, card.get("class_names"), card["sha256"])


def _of_file(path: Path) -> Loaded:
    """The model in a `.keras` file; one in a run directory, such as `best.keras`, shares what is known of the run."""
    model, folder = from_file(path), path.resolve().parent
    try:
        run = Run(folder)
        return Loaded(model, run.experiment(), str(path), f"{folder.name}-{path.stem}", run.class_names)
    except ZooError:  # it lies elsewhere
        return Loaded(model, None, str(path), path.stem)


def _of_run(run: Run, target: str, step: int | None) -> Loaded:
    """The model of a run: of a checkpoint, or of `model.keras` where the checkpoints are gone."""
    experiment, final_model = run.experiment(), run.path / "model.keras"
    kept = step is not None or run.checkpoints
    if not kept and not final_model.is_file():
        raise ZooError(f"{target}: has no checkpoint yet, so there is nothing to use; train it first.")
    plain = experiment.train.model_copy(update={"precision": "float32"})  # what is measured and exported is float32
    model = build(experiment.model_copy(update={"train": plain}))
    if kept:
        description = f"{target} at step {run.restore(model, step):,}"
    else:
        start_from(model, final_model)
        description = f"{target} (model.keras)"
    return Loaded(model, experiment, description, run.path.resolve().name, run.class_names, folder=run.path)


def from_file(path: Path) -> AdversarialModel:
    """The model in a `.keras` file. Raises ZooError where it cannot be read or is none of the zoo's."""
    outside = _outside_family(path)
    try:
        with keras.saving.custom_object_scope(outside):
            model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # broken files and unknown layers raise nearly anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ZooError(f"{path}: cannot be loaded: {reason[:200]}") from None
    if not isinstance(model, AdversarialModel):
        raise ZooError(f"{path}: holds a {type(model).__name__}, no model of the zoo.")
    return model


def _outside_family(path: Path) -> dict[str, type[AdversarialModel]]:
    """The class that a `.keras` file needs from outside the package, by the name that the file calls it.

    Raises:
        ZooError: its module cannot be imported here.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            saved = json.loads(archive.read("config.json"))
        module, name, registered = saved["module"], saved["class_name"], saved["registered_name"]
    except (OSError, ValueError, LookupError, TypeError, zipfile.BadZipFile):
        return {}  # Keras says what is wrong with it
    known = keras.saving.get_registered_object(registered)
    if module.partition(".")[0] in (__package__, "keras") or getattr(known, "__module__", None) == module:
        return {}
    if "." not in module:
        raise ZooError(
            f"{path}: its class {name} was defined in {module}, where it cannot be found again; define it in a module "
            f"of a package, such as my_gans/{name.lower()}.py, and save it anew."
        )
    try:
        family = family_class(module)
    except ZooError as error:
        raise ZooError(f"{path}: {error}") from None
    if not issubclass(family, AdversarialModel):
        raise ZooError(f"{path}: its class {module}.{name} is no AdversarialModel.")
    return {registered: family}
