"""What a training would do and take, without doing it: `train --dry-run`."""

import itertools
import statistics
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from tfgan_zoo import config, devices, resources, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.training import batches_of, compiled, prepare, resolved, spans_of


def dry_run(
    preset: str,
    overrides: Iterable[str] = (),
    *,
    smoke: bool = False,
    replicas: "int | None" = None,
    data_dir: "str | None" = None,
    download: bool = False,
    init: "str | Path | AdversarialModel | None" = None,
) -> dict[str, Any]:
    """What `train` would do: the resolved experiment, networks, data, memory, and the time it takes at each precision.

    Nothing is written.

    Returns:
        `experiment`, `networks` {name: parameters}, `data`, `seconds_per_step` (of the preset's own precision),
        `seconds`, `memory` (bytes that this process, or the busiest GPU, has held at most; None where unknown),
        `phases` (name, steps, batch_size, seconds_per_step of each, where the game has some), `precisions`
        {precision: seconds per step}, `fastest`.
    """
    experiment = resolved(preset, overrides, data_dir, download, smoke)
    strategy = devices.strategy(replicas)
    experiment, model, data = prepare(experiment, strategy)
    if init is not None:
        zoo.start_from(model, init)
    own, timed = experiment.train.precision, {}
    timed[own] = times = seconds_per_step(model, data, experiment)
    memory = resources.peak_memory()
    if devices.fast_bfloat16():
        for other in {"float32", "mixed_bfloat16"} - {own}:
            train = experiment.train.model_copy(update={"precision": other})
            changed = compiled(experiment.model_copy(update={"train": train}), strategy)
            timed[other] = seconds_per_step(changed, data, experiment)
    plan = spans_of(model, experiment)
    totals = {name: sum(t * span.steps for t, span in zip(ts, plan, strict=True)) for name, ts in timed.items()}
    steps = experiment.train.steps
    return {
        "experiment": experiment,
        "model": model,
        "networks": {name: network.count_params() for name, network in model.networks_by_name.items()},
        "data": data.facts,
        "memory": memory,
        "phases": [
            {"phase": span.phase.name, "steps": span.steps, "batch_size": span.batch_size, "seconds_per_step": seconds}
            for span, seconds in zip(plan, times, strict=True)
            if span.phase
        ],
        "seconds_per_step": totals[own] / steps,
        "seconds": totals[own],
        "precisions": {name: total / steps for name, total in totals.items()},
        "fastest": min(totals, key=totals.get),
    }


def seconds_per_step(model, data, experiment: config.Experiment, steps: int = 5) -> list[float]:
    """Seconds that a step of each phase takes, the median of a few; tracing and compiling are not part of it."""
    found = []
    for number, span in enumerate(spans_of(model, experiment)):
        if span.phase:
            model.enter(span.phase, span.length)
        batches, marks = batches_of(data, span.batch_size * model.data_steps, experiment, number), []
        timer = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, marks=marks: marks.append(time.perf_counter())
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`shuffle=True` was passed")
            model.fit(batches, steps_per_epoch=steps + 1, verbose=0, callbacks=[timer])
        found.append(statistics.median(after - before for before, after in itertools.pairwise(marks)))
    return found
