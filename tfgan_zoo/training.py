"""Run an experiment: strategy -> model -> data -> compile -> fit -> artifacts."""

import os
import time
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfgan_zoo import callbacks as zoo_callbacks
from tfgan_zoo import config, console, devices, files, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError, unknown
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
        callbacks: further Keras callbacks.

    Raises:
        ZooError: anything the user can mend, before training starts; a divergence.
        KeyboardInterrupt: after Ctrl-C or SIGTERM, when the checkpoint is written.
    """
    experiment = config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)
    strategy = devices.strategy(replicas)
    model, data = prepare(experiment, strategy)
    run = Run.place(experiment, run_dir)
    start = run.restore(model)
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
    """The compiled model and the opened data of an experiment.

    Raises:
        ZooError: whatever is wrong with the model's or the data's settings.
    """
    settings, batch = experiment.train, experiment.data.batch_size
    replicas = strategy.num_replicas_in_sync
    if batch % replicas:
        raise ZooError(
            f"data.batch_size={batch} cannot be shared by {replicas} replicas: choose a multiple of {replicas}."
        )
    if settings.precision == "mixed_bfloat16" and not tf.config.list_physical_devices("GPU"):
        console.note("train.precision=mixed_bfloat16 is several times slower than float32 on most CPUs")
    jit = settings.jit
    if jit and replicas > 1:
        console.note(f"train.jit is off: XLA does not work over {replicas} replicas")
        jit = False
    keras.utils.set_random_seed(settings.seed)
    with strategy.scope():
        model = zoo.build(experiment)
        model.compile(optimizer=optimizers(model, settings.optimizers, experiment.origin), jit_compile=jit)
    data = experiment.data.open(model.element_spec)
    return model, data


def optimizers(model: AdversarialModel, tables: dict[str, dict[str, Any]], origin: str = "") -> dict[str, Any]:
    """Keras optimizers from a preset's `train.optimizers` tables, by player.

    A table holds a Keras optimizer's `name` and arguments; a `learning_rate` may be a table with the `name` and the
    arguments of a Keras schedule.
    """
    chosen = {}
    for player, table in tables.items():
        where = f"{origin}: train.optimizers.{player}"
        if player not in [p.name for p in model.players]:
            raise unknown("player", player, [p.name for p in model.players], where=where)
        arguments = dict(table)
        if isinstance(arguments.get("learning_rate"), dict):
            arguments["learning_rate"] = _keras_object(
                keras.optimizers.schedules, dict(arguments["learning_rate"]), "schedule", where
            )
        chosen[player] = _keras_object(keras.optimizers, arguments, "optimizer", where)
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
    interrupt = zoo_callbacks.Interrupt()
    progress = zoo_callbacks.Progress(experiment.preset, steps, start, batch)
    stack = [
        zoo_callbacks.StopAt(steps, start),
        interrupt,
        # The log before the checkpoint: a kill between them leaves a line too many, which resuming drops.
        zoo_callbacks.Log(run, settings.log_every, steps, start, batch),
        zoo_callbacks.Checkpoint(run, settings.checkpoint_every, start, settings.keep_checkpoints),
        zoo_callbacks.SampleGrid(run, settings.sample_every, steps, start, settings.samples),
        progress,
        *quality(model, experiment, run),
        *extra,
    ]
    epoch = settings.checkpoint_every
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`shuffle=True` was passed")  # the data shuffle themselves
            model.fit(
                data.batches(batch, seed=settings.seed, start=start),
                initial_epoch=start // epoch,
                epochs=start // epoch + -(-(steps - start) // epoch),
                steps_per_epoch=epoch,
                callbacks=stack,
                verbose=0,
            )
    finally:
        interrupt.restore_handlers()
        progress.close()
    if interrupt.received is not None and int(model.step.numpy()) < steps:
        raise KeyboardInterrupt(
            f"stopped at step {int(model.step.numpy()):,} of {steps:,}; saved in {run.path}. "
            "The same command goes on from there."
        )


def quality(model, experiment, run: Run) -> list[keras.callbacks.Callback]:
    """The measurements while training that an experiment asks for (`evaluate.every`); the best model is `best.keras`.

    Raises:
        ZooError: an interval that is no multiple of the checkpoints', or no metric.
    """
    from tfgan_zoo import verbs

    wanted, epoch = experiment.evaluate, experiment.train.checkpoint_every
    if not wanted.every:
        return []
    if wanted.every % epoch:
        raise ZooError(f"evaluate.every={wanted.every}: must be a multiple of train.checkpoint_every={epoch}.")
    metrics = wanted.monitor or wanted.metrics[:1]
    if not metrics:
        raise ZooError('evaluate.every: name what to measure, such as evaluate.monitor=["fd_mnist"].')

    def report(step, results):
        for result in results:
            run.append("evaluations.jsonl", result.as_dict())

    return [
        zoo_callbacks.Quality(
            verbs.reference_of(model, experiment),
            metrics,
            every=wanted.every // epoch,
            samples=wanted.monitor_samples,
            best=run.path / "best.keras",
            report=report,
        )
    ]


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
    if not rows:
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
    """What `train` would do: the resolved experiment, networks, data and the time left by three real steps.

    Nothing is written. Returns `experiment`, `networks` {name: parameters}, `data`, `seconds_per_step`, `seconds`.
    """
    experiment = config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)
    strategy = devices.strategy(replicas)
    model, data = prepare(experiment, strategy)
    batches = data.batches(experiment.data.batch_size * model.data_steps, seed=experiment.train.seed)
    model.fit(batches, steps_per_epoch=1, verbose=0)  # tracing and compiling are not part of a step
    began = time.perf_counter()
    model.fit(batches, steps_per_epoch=3, verbose=0)
    seconds = (time.perf_counter() - began) / 3
    return {
        "experiment": experiment,
        "model": model,
        "networks": {name: network.count_params() for name, network in model.networks_by_name.items()},
        "data": data.facts,
        "seconds_per_step": seconds,
        "seconds": seconds * experiment.train.steps,
    }
