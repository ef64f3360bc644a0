"""Run an experiment: strategy -> model -> data -> compile -> fit -> artifacts."""

import functools
import math
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfgan_zoo import callbacks as zoo_callbacks
from tfgan_zoo import checks, config, console, devices, files, guards, sheets, translation, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, assess, references
from tfgan_zoo.features.perceptual import held_by
from tfgan_zoo.interrupts import Stopped, stoppable
from tfgan_zoo.optimizers import optimizers
from tfgan_zoo.phases import Span, spans
from tfgan_zoo.runs import Run
from tfgan_zoo.workers import Workers


@stoppable()
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
) -> Run | None:
    """Train a preset and leave everything in a run directory; continue where an unfinished run of it stopped.

    Where TF_CONFIG names several workers, all call it with the same arguments, and the first one writes the run.

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

    Returns:
        The run; None in a worker that is not the chief.

    Raises:
        ZooError: anything the user can mend, before training starts; a divergence; another worker that is lost.
        KeyboardInterrupt: after Ctrl-C or SIGTERM, when the checkpoint is written.
    """
    team = Workers.configured()
    if team.count > 1 and replicas is not None:
        raise ZooError(f"replicas={replicas}: each of several workers (TF_CONFIG) uses all its GPUs; leave it out.")
    strategy = team.strategy() if team.count > 1 else devices.strategy(replicas)
    experiment = resolved(preset, overrides, data_dir, download, smoke)
    experiment, model, data = prepare(experiment, strategy)
    if init is not None:
        zoo.start_from(model, init)
    if not team.chief:
        with team.together():
            _train(model, data, None, experiment, team, callbacks)
        return None
    run = Run.place(experiment, run_dir)
    with run.locked(), team.together():
        start = _begin(model, data, run, experiment, init)
        _train(model, data, run, experiment, team, callbacks, start)
        run.forget_after(experiment.train.steps)
        _finish(model, run, experiment, data)
    return run


def _begin(model, data, run: Run, experiment: config.Experiment, init) -> int:
    """A session on a run that is ours alone. Returns the step from where it goes on, whose weights the model has."""
    files.write_json(run.path / "config.json", experiment.as_dict())  # train.steps may have grown
    start = run.restore(model)
    run.note_data(data.facts)
    console.note(
        f"{experiment.preset}: {'resuming at step ' + format(start, ',') if start else 'training'} in {run.path}, "
        f"{data.facts['source']}, {model.replicas} replica(s)"
    )
    began_from = {} if init is None or start else {"init": str(getattr(init, "name", init))}
    frozen = {"perceptual": held} if (held := held_by(model)) else {}
    run.note_session(start, devices.environment() | began_from | frozen)
    return start


def _train(model, data, run: Run | None, experiment: config.Experiment, team: Workers, callbacks, start=0) -> None:
    """Train to the end, also where training diverges on the way; the chief alone has a run."""
    while True:
        start, attempt = team.follow(model, [start, len(run.rollbacks) if run else 0])
        if run:
            run.forget_after(start)
        try:
            return _fit(model, data, run, experiment, team, start, attempt, callbacks)
        except guards.Diverged as diverged:
            if run:
                start = guards.roll_back(model, run, diverged, experiment.train.rollbacks)


def resolved(
    preset: str, overrides: Iterable[str], data_dir: "str | None", download: bool, smoke: bool
) -> config.Experiment:
    """The experiment as a run records it, with absolute data paths. Prints its notes."""
    experiment = config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)
    for line in experiment.notes:
        console.note(line)
    return experiment.model_copy(update={"data": experiment.data.located()})


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
    if (batch // replicas) % settings.accumulate:
        raise ZooError(
            f"train.accumulate={settings.accumulate} does not divide a replica's batch of {batch // replicas}: choose "
            "a divisor of it."
        )
    experiment = zoo.completed(experiment)
    model = compiled(experiment, strategy)
    checks.metrics(model, experiment)
    for span in spans_of(model, experiment):  # before data of such sizes are made
        checks.batch(model, span.batch_size * model.data_steps)
    data = experiment.data.open(model.element_spec)
    checks.classes(model, data)
    if experiment.evaluate.every:
        checks.monitoring(model, monitored(experiment), experiment, data)
    return experiment, model, data


def compiled(experiment: config.Experiment, strategy: tf.distribute.Strategy) -> AdversarialModel:
    """The model of an experiment with its optimizers, ready to train on the devices of `strategy`.

    Raises:
        ZooError: settings of the model or the optimizers that cannot be, or weights that memory cannot hold.
    """
    settings, replicas = experiment.train, strategy.num_replicas_in_sync
    if settings.precision == "mixed_bfloat16" and not devices.fast_bfloat16():
        console.note("train.precision=mixed_bfloat16 is several times slower than float32 on this processor")
    jit = settings.jit
    if jit and replicas > 1:
        console.note(f"train.jit is off: XLA does not work over {replicas} replicas")
        jit = False
    keras.utils.set_random_seed(settings.seed)
    with strategy.scope():
        model = zoo.build(experiment)
        model.compile(optimizer=optimizers(model, experiment), jit_compile=jit, accumulate=settings.accumulate)
    if model.dtype_policy.name != settings.precision:
        console.note(f"computing in {model.dtype_policy.name}, Keras' global dtype policy")
    return model


def _fit(model, data, run: Run | None, experiment, team: Workers, start: int, attempt: int, extra) -> None:
    settings = experiment.train
    clock = zoo_callbacks.Clock(start, settings.steps)
    interrupt = team.interrupt(clock)
    stack = [clock, interrupt]
    if run:
        stack += recording(model, data, run, experiment, clock, interrupt)
    else:
        stack += [
            zoo_callbacks.CheckLosses(clock, settings.log_every),
            zoo_callbacks.CheckWeights(clock, settings.checkpoint_every),
        ]
    stack += extra
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`shuffle=True` was passed")  # the data shuffle themselves
            if clock.done:  # a kill came between the last step and its picture or its measurement
                keras.callbacks.CallbackList(stack, model=model).on_train_begin()
            for number, span in enumerate(spans_of(model, experiment)):
                if clock.step >= span.stop or interrupt.received is not None:
                    continue
                if span.phase:
                    model.enter(span.phase, span.length)
                clock.stop, clock.images = span.stop, span.batch_size * model.data_steps
                batches = functools.partial(
                    batches_of, data, clock.images, experiment, number, clock.step - span.start, attempt
                )
                model.fit(
                    team.share_out(model.distribute_strategy, batches),
                    epochs=-(-(span.stop - clock.step) // settings.checkpoint_every),
                    steps_per_epoch=settings.checkpoint_every,
                    callbacks=stack,
                    verbose=0,
                )
    finally:
        interrupt.restore_handlers()
        for progress in stack:
            if isinstance(progress, zoo_callbacks.Progress):
                progress.close()
    if interrupt.received is not None:  # also after the last step: its measurement may have been left
        saved = f"saved in {run.path}" if run else "saved by the chief"
        raise Stopped(
            f"stopped at step {clock.step:,} of {clock.steps:,}; {saved}. The same command goes on from there.",
            interrupt.received,
        )


def recording(model, data, run: Run, experiment: config.Experiment, clock, interrupt) -> list[keras.callbacks.Callback]:
    """What writes a run, shows and watches it."""
    settings = experiment.train
    rows = shown_rows(model, experiment, data, settings.samples)
    sheets.real(run.path / "samples" / "real.png", model.element_spec, rows["training"])
    return [
        # The log before the checkpoint: a kill between them leaves a line too many, which resuming drops.
        zoo_callbacks.Log(clock, run, settings.log_every),
        zoo_callbacks.Checkpoint(clock, run, settings.checkpoint_every, settings.keep_checkpoints),
        zoo_callbacks.Samples(
            clock, run, settings.sample_every, sheets.sheets_of(model, settings.samples, rows["held_out"]), interrupt
        ),
        zoo_callbacks.Progress(clock, experiment.preset),
        *watching(model, settings, clock, rows["training"]),
        *quality(model, experiment, run, clock, interrupt),
    ]


def watching(model, settings: config.Train, clock: zoo_callbacks.Clock, real) -> list[keras.callbacks.Callback]:
    """The warnings of a game that goes wrong, where they are wanted (`train.watch`)."""
    if not settings.watch:
        return []
    watch = guards.Watch(model, real, guards.KINDS if settings.watch is True else settings.watch)
    return [zoo_callbacks.Watching(clock, watch, settings.log_every, settings.sample_every)]


def spans_of(model, experiment: config.Experiment) -> list[Span]:
    """The phases of a run on its count of steps; one that is all of it where the game has no phases."""
    settings = experiment.train
    return spans(model.phases, settings.steps, experiment.data.batch_size, settings.phases)


def batches_of(
    data,
    size: int,
    experiment: config.Experiment,
    number: int,
    start: int = 0,
    attempt: int = 0,
    shard: tuple[int, int] = (0, 1),
):
    """The batches of phase `number` from its step `start` on; each phase and attempt draws an order of its own.

    `shard`: (i, m) for part i of m of each batch.
    """
    seed = experiment.train.seed + (number << 40) + (attempt << 48)
    return data.batches(size, seed=seed, start=start, shard=shard)


def shown_rows(model, experiment, data, count: int) -> dict[str, dict[str, Any]]:
    """Rows to show in pictures: of the training data, and of held-out data where there are some."""
    training = data.rows(range(min(count, data.num_examples)))
    if not any(endpoint.conditions for endpoint in model.endpoints.values()):
        return {"training": training, "held_out": training}
    held_out = references.held_out(experiment.data, model.element_spec, experiment.evaluate.split, quiet=True)
    rows = held_out.rows(range(min(count, held_out.num_examples))) if held_out else training
    return {"training": training, "held_out": rows}


def monitored(experiment: config.Experiment) -> Protocol:
    """What is measured in training; the first metric decides which model is the best."""
    wanted = experiment.evaluate
    return Protocol(tuple(wanted.monitor or wanted.metrics[:1]), wanted.monitor_samples, settings=wanted.settings)


def quality(model, experiment, run: Run, clock, interrupt) -> list[keras.callbacks.Callback]:
    """The measurements while training that an experiment asks for (`evaluate.every`); the best is `best.keras`."""
    wanted = experiment.evaluate
    if not wanted.every:
        return []
    protocol, reference, half = monitored(experiment), None, model.dtype_policy.compute_dtype != "float32"
    if None in assess.by_endpoint(model, protocol.metrics):
        held_out = references.held_out(experiment.data, model.element_spec, wanted.split)
        reference = held_out or experiment.data.open(model.element_spec)
    how = {"samples": protocol.samples, "settings": protocol.settings, "experiment": experiment}
    measured = zoo_callbacks.Quality(
        reference,
        protocol.metrics,
        best=run.path / "best.keras",
        keep=wanted.keep_best,
        name=run.path.resolve().name,
        stand_in=(lambda model: type(model)(**{**model.get_config(), "dtype": "float32"})) if half else None,
        **how,
    )
    return [zoo_callbacks.Measure(clock, run, wanted.every, measured, interrupt)]


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
            "question": translation.question(model),
        },
    )


def plot_losses(run: Run) -> None:
    """`losses.png`: every logged loss and term over the steps."""
    rows = run.metrics()
    if not rows:
        return
    marks = "o-" if len(rows) < 20 else "-"  # a line needs two points, and few are better seen
    os.environ.setdefault("MPLBACKEND", "Agg")
    from matplotlib.figure import Figure

    figure = Figure((8, 4), layout="constrained")
    axes = figure.subplots()
    steps = [row["step"] for row in rows]
    for key in dict.fromkeys(key for row in rows for key in row):
        if key not in ("step", "images_per_second", "seconds"):
            axes.plot(steps, [row.get(key, math.nan) for row in rows], marks, label=key, linewidth=1)
    axes.set_xlabel("step")
    axes.set_title(run.path.name)
    axes.grid(alpha=0.3)
    axes.legend()
    with files.atomic(run.path / "losses.png") as temporary:
        figure.savefig(temporary, dpi=120)
