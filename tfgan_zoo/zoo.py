"""The zoo's models: build an experiment's model, get a pretrained one, load one from a run."""

import importlib
from functools import cache
from pathlib import Path
from typing import Literal

import keras

from tfgan_zoo import config, index, weights
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError, unknown

Start = Literal["live", "ema"]


@cache
def family_class(name: str) -> type[AdversarialModel]:
    """The model class of a family's file.

    Raises:
        ZooError: no such family.
    """
    facts = index.family_facts(name)
    return getattr(importlib.import_module(f"tfgan_zoo.families.{name}"), facts["class"])


def build(experiment: "str | config.Experiment", **model) -> AdversarialModel:
    """An untrained, uncompiled model of a preset (its name or `.toml` file) or a resolved experiment.

    Args:
        model: constructor arguments that replace the preset's.

    Raises:
        ZooError: an unknown preset or argument, or a value the family refuses.
    """
    if not isinstance(experiment, config.Experiment):
        experiment = config.load(experiment)
    family = family_class(experiment.family)
    wanted = experiment.model_copy(update={"model": {"seed": experiment.train.seed, **experiment.model, **model}})
    policy = keras.DTypePolicy(experiment.train.precision)
    arguments = config.model_arguments(family, wanted)
    try:
        return family(**arguments, dtype=policy)
    except ZooError as error:
        given = any(key.startswith("model.") for key in experiment.overrides)
        raise ZooError(
            f"{'command line' if given else experiment.origin or experiment.preset}: model.{error}"
        ) from None


def get(name: str, start: Start = "live") -> AdversarialModel:
    """A pretrained model. Its weights are packaged, in the cache, or (only where the card says so) behind a URL.

    Args:
        name: a preset with pretrained weights (`python -m tfgan_zoo list` marks them).
        start: where fine-tuning starts from: "live", the generator as it was last trained, or "ema", its averaged
            twin. Samples come from the twin either way, where there is one.

    Returns:
        The model, not compiled: `compile()` (the paper's optimizers) and `fit()` continue its training.

    Raises:
        ZooError: no such model, or a file whose SHA-256 is not the card's.
    """
    card = weights.card(name)
    experiment = config.Experiment.from_dict(card["experiment"], origin=f"card of {name}")
    model = build(experiment)
    weights.load(model, weights.find(name, card), f"pretrained {name}")
    if start == "ema":
        use_average(model)
    elif start != "live":
        raise ZooError(f"start must be 'live' or 'ema', got {start!r}.")
    return model


def use_average(model: AdversarialModel) -> None:
    """Let the networks continue from their averaged twins."""
    if not model.ema_decay:
        raise ZooError("start='ema': this model keeps no averaged twin (ema_decay is 0); use start='live'.")
    for name in model.ema_networks:
        getattr(model, name).set_weights(getattr(model, f"{name}_ema").get_weights())


def load(target: "str | Path") -> "tuple[AdversarialModel, config.Experiment, str]":
    """The model of a preset (pretrained) or of a run directory, with its experiment and a line that says which it is.

    Raises:
        ZooError: neither a run directory nor a preset with pretrained weights.
    """
    from tfgan_zoo.runs import Run

    if Path(target).is_dir():
        run = Run(target)
        experiment = run.experiment()
        model = build(experiment)
        step = run.restore(model)
        return model, experiment, f"{target} at step {step:,}"
    if str(target) in index.presets() or str(target) in weights.names():
        card = weights.card(str(target))
        return (
            get(str(target)),
            config.Experiment.from_dict(card["experiment"], f"card of {target}"),
            f"pretrained {target}",
        )
    raise unknown("run directory or preset", str(target), index.presets())
