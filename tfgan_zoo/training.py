"""Run an experiment: strategy -> model -> data -> compile -> fit -> artifacts."""

import itertools
import os
import statistics
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfgan_zoo import callbacks as zoo_callbacks
from tfgan_zoo import config, console, devices, files, sheets, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.evaluation import references
from tfgan_zoo.metrics import registry
from tfgan_zoo.modalities import ClassLabel
from tfgan_zoo.runs import Run


def train(
    preset: str,
    overrides: Iterable[str] = (),
    *,
    data_dir: "str | None" = None,
    run_dir: "str | Path | None" = None,
    smoke: bool = False,
    download: bool = False,
    replicas: "int | None" = None,
    init: "str | Path | AdversarialModel | None" = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Train a preset and leave everything in a run directory; continue where an unfinished run of it stopped.

    Args:
        preset: its name, or a `.toml` file.
        overrides: "section.key=value" strings.
        data_dir: where TFDS data lie or are put (`data.data_dir`).
        run_dir: default `runs/<preset>`.
        smoke: apply the preset's `[smoke]` overlay.
        download: let TFDS download what is missing (`data.download`).
        replicas: devices to train on; default all GPUs, or the CPU. On CPUs, this many logical devices are made.
        init: a pretrained preset, a run, a `.keras` file or a model, whose weights a new run starts from.
        callbacks: further Keras callbacks.

    Raises:
        ZooError: anything the user can mend, before training starts; a divergence.
        KeyboardInterrupt: after Ctrl-C or SIGTERM, when the checkpoint is written.
    """
    experiment = config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)
    strategy = devices.strategy(replicas)
    experiment, model, data = prepare(experiment, strategy)
    run = Run.place(experiment, run_dir)
    start = run.restore(model)
    if init is not None and not start:
        zoo.start_from(model, init)
    run.note_data(data.facts)
    steps = experiment.train.steps
    console.note(
        f"{experiment.preset}: {'resuming at step ' + format(start, ',') if start else 'training'} in {run.path}, "
        f"{data.facts['source']}, {strategy.num_replicas_in_sync} replica(s)"
    )
    run.note_session(start, devices.environment())
    run.forget_after(start)
    if start < steps:
        _fit(model, data, run, experiment, start, callbacks)
    _finish(model, run, experiment, data)
    return run


def prepare(experiment: config.Experiment, strategy: tf.distribute.Strategy):
    """(experiment with the arguments that its data know, its compiled model, its opened data).

    Raises:
        ZooError: whatever is wrong with the model's or the data's settings, or where they do not agree.
    """
    settings, batch = experiment.train, experiment.data.batch_size
    replicas = strategy.num_replicas_in_sync
    if batch % replicas:
        raise ZooError(
            f"data.batch_size={batch} cannot be shared by {replicas} replicas: choose a multiple of {replicas}."
        )
    if settings.precision == "mixed_bfloat16" and not devices.fast_bfloat16():
        console.note("train.precision=mixed_bfloat16 is several times slower than float32 on this processor")
    jit = settings.jit
    if jit and replicas > 1:
        console.note(f"train.jit is off: XLA does not work over {replicas} replicas")
        jit = False
    experiment = zoo.completed(experiment)
    check_metrics(experiment)
    keras.utils.set_random_seed(settings.seed)
    with strategy.scope():
        model = zoo.build(experiment)
        model.compile(optimizer=optimizers(model, experiment), jit_compile=jit)
    data = experiment.data.open(model.element_spec)
    check_classes(model, data)
    return experiment, model, data


def check_metrics(experiment: config.Experiment) -> None:
    """Refuse a preset's metrics that do not exist, and measurements that never happen, before training.

    Raises:
        ZooError: an unknown metric, `evaluate.every` without metrics or beyond the last step.
    """
    wanted = experiment.evaluate
    for name in (*wanted.metrics, *wanted.monitor):
        registry.parse(name.partition("@")[0] if "@" in name else name)
    if wanted.every and not (wanted.monitor or wanted.metrics):
        raise ZooError('evaluate.every: name what to measure, such as evaluate.monitor=["fd_mnist"].')
    if wanted.every > experiment.train.steps:
        steps = experiment.train.steps
        console.note(
            f"evaluate.every={wanted.every:,} is beyond train.steps={steps:,}: nothing is measured in training"
        )


def check_classes(model: AdversarialModel, data) -> None:
    """Refuse data whose classes are not the model's.

    Raises:
        ZooError: another number of classes, or one class alone for a conditional model.
    """
    for key, kind in model.element_spec.items():
        if isinstance(kind, ClassLabel) and data.num_classes is not None:
            source = data.facts["source"]
            if kind.num_classes != data.num_classes:
                raise ZooError(
                    f"model.num_classes = {kind.num_classes}, and {source} has {data.num_classes} classes: leave "
                    "model.num_classes out, and it is taken from the data."
                )
            if data.num_classes < 2:
                raise ZooError(f"{source}: its labels ({key}) are all equal; a conditional family needs two classes.")


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
        told = any(key.startswith("train.optimizers") for key in experiment.overrides)
        where = f"{'command line' if told else experiment.origin}: train.optimizers.{name}"
        players = {player.name: player for player in model.players}
        if name not in players:
            raise unknown("player", name, players, where=where)
        arguments = dict(table)
        if isinstance(arguments.get("learning_rate"), dict):
            schedule = dict(arguments["learning_rate"])
            arguments["learning_rate"] = _keras_object(keras.optimizers.schedules, schedule, "schedule", where)
        paper = players[name].optimizer()
        own = type(paper).__name__
        if str(arguments.get("name", own)).replace("_", "").lower() == own.lower():
            kept = {
                key: value for key, value in paper.get_config().items() if key not in ("name", "is_legacy_optimizer")
            }
            if isinstance(kept["learning_rate"], dict):
                kept["learning_rate"] = keras.saving.deserialize_keras_object(kept["learning_rate"])
            arguments = {**kept, **arguments, "name": own}
        chosen[name] = _keras_object(keras.optimizers, arguments, "optimizer", where)
    return chosen


def _keras_object(module, arguments: dict[str, Any], kind: str, where: str):
    classes = {name.lower(): value for name, value in vars(module).items() if isinstance(value, type)}
    name = str(arguments.pop("name", "")).replace("_", "").lower()
    if name not in classes:
        raise unknown(kind, name, classes, where=where)
    try:
        return classes[name](**arguments)
    except (TypeError, ValueError) as error:
        raise ZooError(f"{where}: {str(error).splitlines()[0]}") from None


def _fit(model, data, run: Run, experiment, start: int, extra) -> None:
    settings = experiment.train
    steps = settings.steps
    batch = experiment.data.batch_size * model.data_steps
    clock, interrupt = zoo_callbacks.Clock(start, steps), zoo_callbacks.Interrupt()
    progress = zoo_callbacks.Progress(clock, experiment.preset, batch)
    rows = shown_rows(model, experiment, data, settings.samples)
    sheets.real(run.path / "samples" / "real.png", model.element_spec, rows["training"])
    stack = [
        clock,
        interrupt,
        # The log before the checkpoint: a kill between them leaves a line too many, which resuming drops.
        zoo_callbacks.Log(clock, run, settings.log_every, batch),
        zoo_callbacks.Checkpoint(clock, run, settings.checkpoint_every, settings.keep_checkpoints),
        zoo_callbacks.Samples(
            clock, run, settings.sample_every, sheets.sheets_of(model, settings.samples, rows["held_out"])
        ),
        progress,
        *quality(model, experiment, run, clock),
        *extra,
    ]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`shuffle=True` was passed")  # the data shuffle themselves
            model.fit(
                data.batches(batch, seed=settings.seed, start=start),
                epochs=-(-(steps - start) // settings.checkpoint_every),
                steps_per_epoch=settings.checkpoint_every,
                callbacks=stack,
                verbose=0,
            )
    finally:
        interrupt.restore_handlers()
        progress.close()
    if interrupt.received is not None and not clock.done:
        raise KeyboardInterrupt(
            f"stopped at step {clock.step:,} of {steps:,}; saved in {run.path}. The same command goes on from there."
        )


def shown_rows(model, experiment, data, count: int) -> dict[str, dict[str, Any]]:
    """Rows to show in pictures: of the training data, and of held-out data where there are some."""
    training = data.rows(range(min(count, data.num_examples)))
    if not any(endpoint.conditions for endpoint in model.endpoints.values()):
        return {"training": training, "held_out": training}
    held_out = references.held_out(experiment.data, model.element_spec, experiment.evaluate.split, quiet=True)
    rows = held_out.rows(range(min(count, held_out.num_examples))) if held_out else training
    return {"training": training, "held_out": rows}


def quality(model, experiment, run: Run, clock: zoo_callbacks.Clock) -> list[keras.callbacks.Callback]:
    """The measurements while training that an experiment asks for (`evaluate.every`); the best is `best.keras`."""
    wanted = experiment.evaluate
    if not wanted.every:
        return []
    held_out = references.held_out(experiment.data, model.element_spec, wanted.split)
    half = model.dtype_policy.compute_dtype != "float32"
    measured = zoo_callbacks.Quality(
        held_out or experiment.data.open(model.element_spec),
        wanted.monitor or wanted.metrics[:1],
        samples=wanted.monitor_samples,
        best=run.path / "best.keras",
        stand_in=(lambda model: type(model)(**{**model.get_config(), "dtype": "float32"})) if half else None,
    )
    return [zoo_callbacks.Measure(clock, run, wanted.every, measured)]


def _finish(model, run: Run, experiment, data) -> None:
    with files.atomic(run.path / "model.keras") as temporary:
        model.save(temporary)
    plot_losses(run)
    files.write_json(
        run.path / "finished.json",
        {
            "steps": int(model.step.numpy()),
            "seconds": run.seconds,
            "data": data.facts,
            "batch_size": experiment.data.batch_size,
        },
    )


def plot_losses(run: Run) -> None:
    """`losses.png`: every logged loss and term over the steps."""
    rows = run.metrics()
    if len(rows) < 2:
        return
    os.environ.setdefault("MPLBACKEND", "Agg")
    from matplotlib.figure import Figure

    figure = Figure((8, 4), layout="constrained")
    axes = figure.subplots()
    for key in rows[-1]:
        if key not in ("step", "images_per_second", "seconds"):
            axes.plot([row["step"] for row in rows], [row[key] for row in rows], label=key, linewidth=1)
    axes.set_xlabel("step")
    axes.set_title(run.path.name)
    axes.grid(alpha=0.3)
    axes.legend()
    with files.atomic(run.path / "losses.png") as temporary:
        figure.savefig(temporary, dpi=120)


def dry_run(
    preset: str,
    overrides: Iterable[str] = (),
    *,
    smoke: bool = False,
    replicas: "int | None" = None,
    data_dir: "str | None" = None,
    download: bool = False,
) -> dict[str, Any]:
    """What `train` would do: the resolved experiment, networks, data, and the time it takes at each precision.

    Nothing is written.

    Returns:
        `experiment`, `networks` {name: parameters}, `data`, `seconds_per_step` (of the preset's own precision),
        `seconds`, `precisions` {precision: seconds per step}, `fastest`.
    """
    experiment = config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)
    strategy = devices.strategy(replicas)
    experiment, model, data = prepare(experiment, strategy)
    own, timed = experiment.train.precision, {}
    timed[own] = seconds_per_step(model, data, experiment)
    if devices.fast_bfloat16():
        for other in {"float32", "mixed_bfloat16"} - {own}:
            train = experiment.train.model_copy(update={"precision": other})
            _, changed, _ = prepare(experiment.model_copy(update={"train": train}), strategy)
            timed[other] = seconds_per_step(changed, data, experiment)
    return {
        "experiment": experiment,
        "model": model,
        "networks": {name: network.count_params() for name, network in model.networks_by_name.items()},
        "data": data.facts,
        "seconds_per_step": timed[own],
        "seconds": timed[own] * experiment.train.steps,
        "precisions": timed,
        "fastest": min(timed, key=timed.get),
    }


def seconds_per_step(model, data, experiment: config.Experiment, steps: int = 5) -> float:
    """Seconds that a step takes, the median of a few; tracing and compiling are not part of it."""
    batches = data.batches(experiment.data.batch_size * model.data_steps, seed=experiment.train.seed)
    marks = []
    timer = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: marks.append(time.perf_counter()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`shuffle=True` was passed")
        model.fit(batches, steps_per_epoch=steps + 1, verbose=0, callbacks=[timer])
    return statistics.median(after - before for before, after in itertools.pairwise(marks))
