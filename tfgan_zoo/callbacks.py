"""What a run does beside training: progress, logs, pictures, checkpoints, measurements. All plain Keras callbacks."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf

from tfgan_zoo import console, evaluation, files, guards
from tfgan_zoo.evaluation import Protocol, assess
from tfgan_zoo.interrupts import Interrupt
from tfgan_zoo.runs import Run
from tfgan_zoo.sheets import Sheet


class Clock(keras.callbacks.Callback):
    """The one that counts: `step` is how many steps the model has taken; training ends at `steps`.

    Stands first, so that the other callbacks read the step that has just been taken.

    Attributes:
        start, step, steps: where this session began, where it is, where it is to end.
        stop: where the present phase ends.
        images: rows of data that a step takes.
        means: of the logs since they were last read; the sums stay on the device until `read`.
    """

    def __init__(self, start: int, steps: int, images: int = 1):
        super().__init__()
        self.start, self.step, self.steps, self.stop, self.images = start, start, steps, steps, images
        self._before = 0

    @property
    def done(self) -> bool:
        """Whether the last step has been taken."""
        return self.step >= self.steps

    def due(self, every: int) -> bool:
        """Whether something that happens every `every` steps, and at the end, happens now."""
        return self.step % every == 0 or self.done

    def on_epoch_begin(self, epoch, logs=None):
        self._before = self.step

    def on_train_batch_end(self, batch, logs=None):
        self.step = self._before + batch + 1  # with several steps per execution `batch` is the last of them
        if self.step >= self.stop:
            self.model.stop_training = True


class Timed(keras.callbacks.Callback):
    """Base of what acts every `every` steps of the clock and at the end."""

    def __init__(self, clock: Clock, every: int):
        super().__init__()
        self.clock, self.every = clock, every

    def on_train_batch_end(self, batch, logs=None):
        if self.clock.due(self.every):
            self.act(self.clock.step)

    def act(self, step: int) -> None:
        """What happens at `step`."""
        raise NotImplementedError


class Means(Timed):
    """Base of what looks at the means of the logs since it last looked. The sums stay on the device in between."""

    def __init__(self, clock: Clock, every: int):
        super().__init__(clock, every)
        self._sums, self._count, self._since = {}, 0, time.perf_counter()

    def on_train_begin(self, logs=None):
        self._since, self._from = time.perf_counter(), self.clock.step

    def on_train_batch_end(self, batch, logs=None):
        self._count += 1
        for key, value in (logs or {}).items():
            self._sums[key] = self._sums[key] + value if key in self._sums else value
        super().on_train_batch_end(batch, logs)

    def act(self, step):
        now, taken = time.perf_counter(), step - self._from
        means = {key: float(value) / self._count for key, value in self._sums.items()}
        self.look(means, taken, max(now - self._since, 1e-9))
        self._sums, self._count, self._since, self._from = {}, 0, now, step

    def look(self, means: dict[str, float], count: int, seconds: float) -> None:
        """Act on the means over the last `count` steps, which took `seconds`."""
        raise NotImplementedError


class CheckLosses(Means):
    """Stop where a loss is no longer a number."""

    def look(self, means, count, seconds):
        guards.check_losses(means, self.clock.step)


class CheckWeights(Timed):
    """Stop where a weight is no longer a number."""

    def act(self, step):
        guards.check_weights(self.model, step)


class Log(CheckLosses):
    """Write losses and speed to `metrics.jsonl` and TensorBoard."""

    def __init__(self, clock: Clock, run: Run, every: int):
        super().__init__(clock, every)
        self.run, self.seconds = run, run.seconds
        self.writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))

    def look(self, means, count, seconds):
        self.seconds += seconds
        step = self.clock.step
        row = {**means, "images_per_second": round(count * self.clock.images / seconds, 1)}
        super().look(means, count, seconds)
        self.run.append("metrics.jsonl", {"step": step, **row, "seconds": round(self.seconds, 1)})
        with self.writer.as_default(step=step):
            for key, value in row.items():
                tf.summary.scalar(key, value)
        self.writer.flush()


class Progress(Means):
    """A bar with time left, losses and images/s on a terminal; a line now and then elsewhere."""

    def __init__(self, clock: Clock, name: str):
        self.live = console.live()
        every = (1 if clock.steps < 100 else 10) if self.live else max(1, clock.steps // 20)
        super().__init__(clock, every)
        self.name, self._began = name, None

    def on_train_begin(self, logs=None):
        super().on_train_begin()
        self._began = self._began or time.perf_counter()
        name = " ".join(filter(None, [self.name, self.model.phase]))
        if self.live:
            self.bar = console.progress(refresh_per_second=4)
            self.task = self.bar.add_task(name, total=self.clock.steps, completed=self.clock.step, text="")
            self.bar.start()

    def look(self, means, count, seconds):
        clock = self.clock
        text = "  ".join(f"{key} {value:.3f}" for key, value in means.items())
        text += f"  {count * self.clock.images / seconds:,.0f} images/s"
        if self.live:
            self.bar.update(self.task, completed=clock.step, text=text)
        else:
            left = (time.perf_counter() - self._began) / (clock.step - clock.start) * (clock.steps - clock.step)
            left = console.duration(left)
            phase = f" {self.model.phase}" if self.model.phase else ""
            console.note(f"{self.name}{phase}  step {clock.step:,}/{clock.steps:,}  {text}  left {left}")

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Close the progress bar, also after an exception."""
        if self.live and hasattr(self, "bar"):
            self.bar.stop()


class Samples(Timed):
    """Answers to the same noise and the same conditions at the start, every `every` steps and at the end.

    In `samples/`, and in TensorBoard, which plays sounds.
    """

    def __init__(self, clock: Clock, run: Run, every: int, sheets: list[Sheet], interrupt: Interrupt):
        super().__init__(clock, every)
        self.run, self.sheets, self.interrupt = run, sheets, interrupt
        self.writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))

    def on_train_begin(self, logs=None):
        self.act(self.clock.step)

    def act(self, step):
        with self.interrupt.aside(), self.writer.as_default(step=step):
            for sheet in self.sheets:
                sheet.draw(self.run.path / "samples", step)
        self.writer.flush()


class Watching(Means):
    """Warn of a game that goes wrong: by the logs, and by samples every `sample_every` steps."""

    def __init__(self, clock: Clock, watch: guards.Watch, every: int, sample_every: int):
        super().__init__(clock, every)
        self.watch, self.sample_every = watch, sample_every

    def look(self, means, count, seconds):
        self.watch.look(means, self.clock.step)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if self.clock.due(self.sample_every):
            self.watch.look_at_samples(self.clock.step)


class Checkpoint(CheckWeights):
    """Save everything every `every` steps, and whenever training stops without an error."""

    def __init__(self, clock: Clock, run: Run, every: int, keep: int):
        super().__init__(clock, every)
        self.run, self.keep, self.saved = run, keep, clock.step

    def on_train_end(self, logs=None):
        if self.clock.step != self.saved:
            self.act(self.clock.step)

    def act(self, step):
        super().act(step)  # so that the newest checkpoint is always a good one
        self.run.save(self.model, self.keep)
        self.saved = step


class Measure(Timed):
    """Measure a run while it trains; the best model so far is `best.keras`."""

    def __init__(self, clock: Clock, run: Run, every: int, quality: "Quality", interrupt: Interrupt):
        super().__init__(clock, every)
        self.run, self.quality, self.interrupt = run, quality, interrupt

    def set_model(self, model):
        super().set_model(model)
        self.quality.set_model(model)

    def on_train_begin(self, logs=None):
        self.quality.on_train_begin(logs)
        if self.clock.step and not self.run.has_results(self.quality.description(self.clock.step)):
            self.act(self.clock.step)  # a kill came between the checkpoint and its measurement

    def act(self, step):
        if step % self.every == 0:
            with self.interrupt.aside():
                self.run.note_results(self.quality.measure(step))


class Quality(keras.callbacks.Callback):
    """Measure the model while it trains: `val_<metric>` in the logs of an epoch, and the best model kept.

    Stands before the callbacks that look at these logs:

        model.fit(data, epochs=10, callbacks=[
            Quality(reference, ["fd_mnist"]),
            keras.callbacks.ModelCheckpoint("best.keras", monitor="val_fd_mnist", mode="min", save_best_only=True),
        ])

    (Keras asks for `mode` where it does not compute the number itself: "min" for distances, "max" for precision.)

    Args:
        reference: real data, best of a split that is not trained on: opened data, a stream, uint8 pictures (n, h, w, c)
            or {"image": pictures, "label": classes}, a folder, or what else `tfgan_zoo.evaluate` compares against.
        metrics: names, or one name; the first one decides which model is the best. Those of an endpoint
            (`psnr@upscale`) are of its answers to the reference.
        every: epochs between measurements.
        samples, seed: of the generated data; equal ones each time, so that the numbers differ by the model alone.
        best: a `.keras` file for the best model so far, with its number in a `.json` beside it, where a later
            `fit` finds it again.
        keep: how many of the best models stay; if more than 1, each is `best-STEP.keras` too.
        name: what the results call the model; default its Keras name.
        stand_in: makes the model that is measured in place of the one that trains, such as a copy in float32.
        experiment: a run's, whose data endpoints are asked with, as `evaluate` does after training.
        options: more options of `tfgan_zoo.evaluation.Protocol`.
    """

    def __init__(
        self,
        reference,
        metrics,
        *,
        every: int = 1,
        samples: int = 2_000,
        seed: int = 0,
        best: str | Path | None = None,
        keep: int = 1,
        name: str | None = None,
        stand_in: Callable | None = None,
        experiment=None,
        **options,
    ):
        super().__init__()
        self.protocol, self.every = Protocol(metrics=metrics, samples=samples, seed=seed, **options), every
        self.reference = evaluation.as_reference(reference, self.protocol)
        self.best, self.keep, self.name, self.stand_in = best and Path(best), keep, name, stand_in
        self.experiment, self._spent, self._stream = experiment, 0.0, None

    def on_train_begin(self, logs=None):
        conditions = getattr(self.reference, "data", self.reference)
        self._measured = self.stand_in(self.model) if self.stand_in else self.model
        self._groups = assess.checked(self._measured, self.protocol, getattr(conditions, "facts", {}))  # or fail now
        against = self.experiment.evaluate.against if self.experiment else self.reference
        self._sides = assess.Sides(self._measured, self.experiment, self.protocol, against, {})
        self._began = time.perf_counter()
        if None in self._groups:
            drawn = self.protocol.samples, self.protocol.seed
            self._stream = evaluation.Generated(self._measured, *drawn, data=conditions)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            results = self.measure(int(self.model.step.numpy()))
            if logs is not None:
                logs.update({f"val_{result.metric}": result.value for result in results})

    def description(self, step: int) -> str:
        """What the results call the model at `step`."""
        return f"{self.name or self.model.name} at step {step:,}"

    def measure(self, step: int) -> list[evaluation.Result]:
        """Measure now, keep the model where it is the best so far, and say so."""
        began = time.perf_counter()
        if self._measured is not self.model:
            for name, network in self.model.networks_by_name.items():
                getattr(self._measured, name).set_weights(network.get_weights())
        results = []
        for endpoint, protocol in self._groups.items():
            if endpoint:
                results += self._sides.answers(endpoint, self.description(step), protocol)
            else:
                self._stream.description = self.description(step)
                results += evaluation.evaluate(self._stream, self.reference, protocol)
        better = self._keep(results[0], step) if self.best else False
        now = time.perf_counter()
        self._spent += now - began
        numbers = "  ".join(f"val_{result.metric} {result.value:.4g}" for result in results)
        console.note(
            f"step {step:,}  {numbers}{'  the best so far' if better else ''}  measured in "
            f"{console.duration(now - began)}, {self._spent / (now - self._began):.0%} of the time"
        )
        return results

    def _keep(self, result, step: int) -> bool:
        """Save the model where `result` is among the best; whether it is the best of all."""
        sign = 1 if result.higher else -1

        def gain(file):  # what `result` has over a kept model; all where there is none to compare with
            facts = files.read_json(file.with_suffix(".json"), dict, {}) if file.is_file() else {}
            return sign * (result.value - facts["value"]) if facts.get("metric") == result.metric else math.inf

        better = gain(self.best) > 0
        others = sorted(self.best.parent.glob(f"{self.best.stem}-*.keras"), key=gain)  # the best first
        if self.keep > 1 and (len(others) < self.keep or gain(others[self.keep - 1]) > 0):
            self._save(self.best.with_stem(f"{self.best.stem}-{step}"), result, step)
            for file in others[self.keep - 1 :]:
                file.unlink()
                file.with_suffix(".json").unlink(missing_ok=True)
        if better:
            self._save(self.best, result, step)
        return better

    def _save(self, file: Path, result, step: int) -> None:
        with files.atomic(file) as temporary:
            self.model.save(temporary)
        files.write_json(file.with_suffix(".json"), {"step": step, **result.as_dict()})
