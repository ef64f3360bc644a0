"""Keras optimizers from the `train.optimizers` tables of an experiment."""

from collections.abc import Mapping
from typing import Any

import keras

from tfgan_zoo import config, schedules
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError, unknown

SCHEDULES = {**vars(keras.optimizers.schedules), **vars(schedules)}  # learning rates, by the names of their classes


def optimizers(model: AdversarialModel, experiment: config.Experiment) -> dict[str, Any]:
    """Keras optimizers from an experiment's `train.optimizers` tables, by player.

    A table holds a Keras optimizer's `name` and arguments; a `learning_rate` may be a table with the `name` and the
    arguments of a Keras schedule. Without a `name`, or with the name of the paper's own optimizer, what the table
    leaves out stays as in the paper.

    Raises:
        ZooError: an unknown player, optimizer or argument.
    """
    chosen = {}
    for name, table in experiment.train.optimizers.items():
        where = f"train.optimizers.{name}"
        told = any(f"{where}.".startswith(f"{key}.") or key.startswith(f"{where}.") for key in experiment.overrides)
        where = f"{experiment.overridden_in if told else experiment.origin}: {where}"
        players = {player.name: player for player in model.players}
        if name not in players:
            raise unknown("player", name, players, where=where)
        paper = players[name].optimizer()
        arguments, rate = _completed(table, paper), paper.get_config()["learning_rate"]
        rate = keras.saving.deserialize_keras_object(rate) if isinstance(rate, dict) else None
        if isinstance(table.get("learning_rate"), dict):
            schedule = _completed(table["learning_rate"], rate)
            arguments["learning_rate"] = _keras_object(SCHEDULES, schedule, "schedule", where)
        elif "learning_rate" in arguments and "learning_rate" not in table:
            arguments["learning_rate"] = rate or arguments["learning_rate"]
        chosen[name] = _keras_object(vars(keras.optimizers), arguments, "optimizer", where)
    return chosen


def _completed(table: dict[str, Any], paper: Any) -> dict[str, Any]:
    """The table, completed from the paper's optimizer or schedule where it names no other one."""
    own = type(paper).__name__
    if paper is None or _plain(table.get("name", own)) != _plain(own):
        return dict(table)
    kept = {key: value for key, value in paper.get_config().items() if key not in ("name", "is_legacy_optimizer")}
    return {**kept, **table, "name": own}


def _plain(name: Any) -> str:
    """A class name without what spellings differ in: "PolynomialDecay" and "polynomial_decay" are one."""
    return str(name).replace("_", "").lower()


def _keras_object(known: Mapping[str, Any], arguments: dict[str, Any], kind: str, where: str):
    classes = {name.lower(): value for name, value in known.items() if isinstance(value, type)}
    name = _plain(arguments.pop("name", ""))
    if name not in classes:
        raise unknown(kind, name, classes, where=where)
    try:
        return classes[name](**arguments)
    except (TypeError, ValueError) as error:
        raise ZooError(f"{where}: {str(error).splitlines()[0]}") from None
