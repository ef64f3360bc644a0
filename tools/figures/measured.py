"""What tools of this folder write of trained runs: numbers in the form of tools/reproduce.py, one seed per run."""

import json
import shlex
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tfgan_zoo import files, zoo
from tfgan_zoo.evaluation.measure import provenance
from tfgan_zoo.runs import Run
from tools.reproduce import RESULTS, Outcome


def write(
    name: str, what: dict[str, Any], runs: Iterable[Path], measure: Callable[[zoo.Loaded], dict[str, float]]
) -> Path:
    """Measure each run and write tools/reproduced/NAME.json; for the commands of this folder, which it names there.

    Args:
        what: what is measured and how, for the file.
        measure: a run's model -> its numbers by name.

    Raises:
        ZooError: a path that is no run, or whatever `measure` raises.
    """
    seeds = []
    for path in runs:
        run, loaded = Run(path), zoo.loaded(path)
        about = {"seed": loaded.experiment.train.seed, "minutes": round(run.seconds / 60, 1)}
        facts = {key: provenance()[key] for key in ("commit", "hardware")}
        began = time.perf_counter()
        about["values"] = measure(loaded)
        about["seconds"] = round(time.perf_counter() - began, 1)
        seeds.append({**about, "protocol": what, **facts})
    place = RESULTS / f"{name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    found = {"figure": figure(click.get_current_context()), **Outcome(what, seeds).as_dict()}
    files.write_text(place, json.dumps(found, indent=1) + "\n")
    return place


def figure(context: click.Context) -> dict[str, str]:
    """What the running command shows (`title`), and how to run it again (`command`)."""
    words = []
    for parameter in context.command.params:
        value = context.params[parameter.name]
        if context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE:
            words += [parameter.opts[0]] if isinstance(parameter, click.Option) else []
            words += map(str, value if isinstance(value, tuple) else [value])
    module = context.command.callback.__globals__["__spec__"].name  # also where it is run as __main__
    title = " ".join(context.command.help.split()).rstrip(".")
    return {"title": title, "command": f"python -m {module} {shlex.join(words)}"}
