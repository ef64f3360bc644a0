"""What a run does beside training: progress, logs, pictures, checkpoints, a clean stop. All plain Keras callbacks."""

import json
import math
import signal
import sys
import threading
import time
from pathlib import Path

import keras
import tensorflow as tf

from tfgan_zoo import console, files, images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run


class StopAt(keras.callbacks.Callback):
    """End training when the model has taken `steps` steps, whatever the epochs are."""

    def __init__(self, steps: int, start: int):
        super().__init__()
        self.steps, self.step = steps, start

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step >= self.steps:
            self.model.stop_training = True


class Interrupt(keras.callbacks.Callback):
    """Let Ctrl-C and SIGTERM end training after the current step; a second one ends it at once."""

    def __init__(self):
        super().__init__()
        self.received = None
        self._before = {}

    def on_train_begin(self, logs=None):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._stop)

    def _stop(self, number, frame):
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number
        console.note("\nstopping after this step; once more to stop at once")
        self.model.stop_training = True

    def restore_handlers(self):
        """Give the signals back to whom they belonged."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def on_train_end(self, logs=None):
        self.restore_handlers()


class IntervalMeans(keras.callbacks.Callback):
    """Base of callbacks that look at the mean of the logs since they last looked, every `every` steps."""

    def __init__(self, every: int, steps: int, start: int):
        super().__init__()
        self.every, self.steps, self.step = every, steps, start
        self._sums, self._count, self._since = {}, 0, time.perf_counter()

    def on_train_begin(self, logs=None):
        self._since = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self._count += 1
        for key, value in (logs or {}).items():
            self._sums[key] = self._sums.get(key, 0.0) + float(value)
        if self.step % self.every == 0 or self.step >= self.steps:
            now = time.perf_counter()
            means = {key: value / self._count for key, value in self._sums.items()}
            self.look(means, self._count, max(now - self._since, 1e-9))
            self._sums, self._count, self._since = {}, 0, now

    def look(self, means: dict[str, float], count: int, seconds: float) -> None:
        """Act on the means over the last `count` steps, which took `seconds`."""
        raise NotImplementedError


class Log(IntervalMeans):
    """Write losses and speed to `metrics.jsonl` and TensorBoard; stop where a loss is no longer a number."""

    def __init__(self, run: Run, every: int, steps: int, start: int, images_per_step: int):
        super().__init__(every, steps, start)
        self.run, self.images_per_step, self.seconds = run, images_per_step, run.seconds
        self.writer = tf.summary.create_file_writer(str(run.path / "tensorboard"))

    def look(self, means, count, seconds):
        self.seconds += seconds
        row = {**means, "images_per_second": round(count * self.images_per_step / seconds, 1)}
        for key, value in means.items():
            if not math.isfinite(value):
                raise ZooError(
                    f"training diverged: {key} is {value} at step {self.step:,}. The last checkpoint is kept in "
                    f"{self.run.path}; try a smaller learning rate (train.optimizers.<player>)."
                )
        self.run.append("metrics.jsonl", {"step": self.step, **row, "seconds": round(self.seconds, 1)})
        with self.writer.as_default(step=self.step):
            for key, value in row.items():
                tf.summary.scalar(key, value)
        self.writer.flush()


class Progress(IntervalMeans):
    """A bar with time left, losses and images/s on a terminal; a line now and then elsewhere."""

    def __init__(self, name: str, steps: int, start: int, images_per_step: int):
        self.live = sys.stderr.isatty()
        super().__init__(1 if self.live and steps < 100 else 10 if self.live else max(1, steps // 20), steps, start)
        self.name, self.start, self.images_per_step = name, start, images_per_step

    def on_train_begin(self, logs=None):
        super().on_train_begin()
        self._began = time.perf_counter()
        if self.live:
            self.bar = console.progress(refresh_per_second=4)
            self.task = self.bar.add_task(self.name, total=self.steps, completed=self.start, text="")
            self.bar.start()

    def look(self, means, count, seconds):
        text = "  ".join(f"{key} {value:.3f}" for key, value in means.items())
        text += f"  {count * self.images_per_step / seconds:,.0f} images/s"
        if self.live:
            self.bar.update(self.task, completed=self.step, text=text)
        else:
            left = (time.perf_counter() - self._began) / (self.step - self.start) * (self.steps - self.step)
            console.note(f"{self.name}  step {self.step:,}/{self.steps:,}  {text}  left {console.duration(left)}")

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Take the bar off the terminal's hands, also where training ended by an exception."""
        if self.live:
            self.bar.stop()


class SampleGrid(keras.callbacks.Callback):
    """A picture of the same latents at the start, every `every` steps and at the end."""

    def __init__(self, run: Run, every: int, steps: int, start: int, count: int):
        super().__init__()
        self.run, self.every, self.steps, self.step, self.count = run, every, steps, start, count

    def on_train_begin(self, logs=None):
        self._sample = tf.function(lambda: self.model.sample_images(tf.range(self.count)))
        self.draw()

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step % self.every == 0 or self.step >= self.steps:
            self.draw()

    def draw(self):
        """Write `samples/step-<step>.png`."""
        images.save_image(self.run.path / "samples" / f"step-{self.step:08d}.png", images.grid(self._sample().numpy()))


class Checkpoint(keras.callbacks.Callback):
    """Save everything every `every` steps, and when training stops for whatever good reason."""

    def __init__(self, run: Run, every: int, start: int, keep: int):
        super().__init__()
        self.run, self.every, self.step, self.keep, self.saved = run, every, start, keep, start

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step % self.every == 0:
            self.save()

    def on_train_end(self, logs=None):
        if self.step != self.saved:
            self.save()

    def save(self):
        """Write the checkpoint of this step."""
        self.run.save(self.model, self.keep)
        self.saved = self.step


class Quality(keras.callbacks.Callback):
    """Measure the model while it trains: `val_<metric>` in the logs of an epoch, and the best model kept.

    Stands before the callbacks that look at these logs:

        model.fit(data, epochs=10, callbacks=[
            Quality(reference, ["fd_mnist"]),
            keras.callbacks.ModelCheckpoint("best.keras", monitor="val_fd_mnist", mode="min", save_best_only=True),
        ])

    (Keras asks for `mode` where it does not compute the number itself: "min" for distances, "max" for precision.)

    Args:
        reference: real images, best of a split that is not trained on: opened data or a stream.
        metrics: names; the first one decides which model is the best.
        every: epochs between measurements.
        samples, seed: of the generated images; equal ones each time, so that the numbers differ by the model alone.
        best: a `.keras` file for the best model so far, with its number in a `.json` beside it, where a later
            `fit` finds it again.
        report: called with (step, results) after each measurement.
        options: more arguments of `tfgan_zoo.evaluation.evaluate`.
    """

    def __init__(
        self,
        reference,
        metrics,
        *,
        every: int = 1,
        samples: int = 2_000,
        seed: int = 0,
        best=None,
        report=None,
        **options,
    ):
        super().__init__()
        self.reference, self.metrics, self.every, self.samples, self.seed = (
            reference,
            list(metrics),
            every,
            samples,
            seed,
        )
        self.best, self.report, self.options = best and Path(best), report, options
        self._spent, self._stream = 0.0, None

    def on_train_begin(self, logs=None):
        from tfgan_zoo import evaluation

        evaluation.asked_for(
            self.metrics, **{k: v for k, v in self.options.items() if k in evaluation.OPENING}
        )  # or fail now
        self._began = time.perf_counter()
        self._stream = evaluation.Generated(self.model, self.samples, self.seed)

    def on_epoch_end(self, epoch, logs=None):
        from tfgan_zoo import evaluation

        if (epoch + 1) % self.every:
            return
        began, step = time.perf_counter(), int(self.model.step.numpy())
        self._stream.line = f"{self.model.name} at step {step:,}"
        results = evaluation.evaluate(self._stream, self.reference, self.metrics, **self.options)
        if logs is not None:
            logs.update({f"val_{result.metric}": result.value for result in results})
        better = self._keep(results[0], step) if self.best else None
        if self.report:
            self.report(step, results)
        now = time.perf_counter()
        self._spent += now - began
        numbers = "  ".join(f"val_{result.metric} {result.value:.4g}" for result in results)
        console.note(
            f"step {step:,}  {numbers}{'  the best so far' if better else ''}  measured in "
            f"{console.duration(now - began)}, {self._spent / (now - self._began):.0%} of the time"
        )

    def _keep(self, result, step: int) -> bool:
        """Save the model where `result` is better than what is kept."""
        facts = self.best.with_suffix(".json")
        kept = json.loads(facts.read_text(encoding="utf-8")) if facts.is_file() and self.best.is_file() else None
        if (
            kept
            and kept["metric"] == result.metric
            and (result.value - kept["value"]) * (1 if result.higher else -1) <= 0
        ):
            return False
        with files.atomic(self.best) as temporary:
            self.model.save(temporary)
        files.write_json(facts, {"step": step, **result.as_dict()})
        return True
