"""What tools of this folder write of trained runs: numbers in the form of tools/reproduce.py, one seed per run."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tfgan_zoo import files, zoo
from tfgan_zoo.evaluation.measure import provenance
from tfgan_zoo.runs import Run
from tools.reproduce import RESULTS, Outcome


def write(
    name: str, what: dict[str, Any], runs: Iterable[Path], measure: Callable[[zoo.Loaded], dict[str, float]]
) -> Path:
    """Measure each run and write tools/reproduced/NAME.json.

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
        seeds.append({**about, "values": measure(loaded), "protocol": what, **facts})
    place = RESULTS / f"{name}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(place, json.dumps(Outcome(what, seeds).as_dict(), indent=1) + "\n")
    return place
