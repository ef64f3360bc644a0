"""What looks after a training: divergence and the way back, warnings, the lock, damaged checkpoints, a full disk."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections import namedtuple
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import callbacks, guards, resources, training, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.interrupts import Stopped
from tfgan_zoo.runs import Run

TINY = [
    "data.batch_size=8",
    "data.size=64",
    "train.samples=4",
    "train.jit=false",
    "train.log_every=2",
    "train.checkpoint_every=5",
    "train.steps=12",
    "model.image_shape=[8, 8, 1]",
    "model.latent_dim=4",
    "model.hidden_units=16",
    "model.maxout_units=8",
]


class Break(keras.callbacks.Callback):
    """Makes the generator's first weights NaN at a step, so many times."""

    def __init__(self, step, times):
        super().__init__()
        self.at, self.left = step, times

    def on_train_batch_end(self, batch, logs=None):
        if self.left and int(self.model.step.numpy()) == self.at:
            self.left -= 1
            weights = self.model.generator.trainable_variables[0]
            weights.assign(weights * np.nan)


class Send(keras.callbacks.Callback):
    """Sends this process a signal at step 3."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.numpy()) == 3:
            signal.raise_signal(self.number)


# === Divergence ===
def test_a_run_that_diverges_goes_back_to_its_checkpoint(tmp_path, capsys):
    run = training.train("gan_glyphs", TINY, run_dir=tmp_path / "run", callbacks=[Break(7, times=1)])
    assert [(row["step"], row["back_to"]) for row in run.rollbacks] == [
        (10, 5)
    ]  # the losses of this family do not show it
    assert run.step == 12 and [row["step"] for row in run.metrics()] == [2, 4, 6, 8, 10, 12]
    model = zoo.build(run.experiment())
    model.compile()
    run.restore(model)
    guards.check_weights(model, 12)
    assert "back to step 5" in capsys.readouterr().err


def test_a_run_that_diverges_again_and_again_says_what_was(tmp_path):
    with pytest.raises(ZooError, match="after going back to a checkpoint 1 times") as error:
        settings = [*TINY, "train.rollbacks=1"]
        training.train("gan_glyphs", settings, run_dir=tmp_path / "run", callbacks=[Break(7, times=2)])
    assert (
        "step 5 is kept" in str(error.value)
        and "d_loss" in str(error.value)
        and "rates: discriminator 0.1" in str(error.value)
    )


def test_a_checkpoint_never_holds_what_is_no_number(tmp_path):
    settings = [*TINY, "train.log_every=12", "train.rollbacks=0"]
    with pytest.raises(ZooError, match="generator's .* is not finite at step 10"):
        training.train("gan_glyphs", settings, run_dir=tmp_path / "run", callbacks=[Break(9, times=1)])
    assert list(Run(tmp_path / "run").checkpoints) == [5]


def test_the_data_come_in_another_order_after_a_rollback():
    from tfgan_zoo import config

    experiment = config.load("gan_glyphs", TINY)
    data = experiment.data.open(zoo.build(experiment).element_spec)
    first, again, other = (
        next(iter(training.batches_of(data, 8, experiment, 0, 3, attempt)))["image"] for attempt in (0, 0, 1)
    )
    assert (first == again).numpy().all() and (first != other).numpy().any()


# === Warnings ===
def watched(samples, real):
    """What looks after a game of two that draws `samples`."""
    Player = namedtuple("Player", "name log_name networks")
    endpoint = SimpleNamespace(conditions={}, noise=("z",), target="image", networks=("generator",))
    optimizers = {name: keras.optimizers.SGD() for name in ("discriminator", "generator")}  # tell nothing of gradients
    model = SimpleNamespace(
        endpoints={"generate": endpoint},
        optimizer=SimpleNamespace(by_player=optimizers),
        playing=[Player("discriminator", "d_loss", ("discriminator",)), Player("generator", "g_loss", ("generator",))],
    )
    watch = guards.Watch(model, {"image": real})
    watch.samples = samples
    return watch


def test_what_is_watched_is_told_once_with_its_numbers(capsys, monkeypatch):
    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (16, 8, 8, 1), dtype=np.uint8)
    watch = watched(np.full_like(real, 7), real)
    monkeypatch.setattr(guards.sampling, "sampler", lambda model, endpoint: lambda seeds: watch.samples)
    for step in range(1000, 1006):
        watch.look({"d_loss": 1e-5, "g_loss": 0.0}, step)  # a generator's loss may well be 0
        watch.look_at_samples(step)
    watch.look({"d_loss": 1e-5, "g_loss": 5e4}, 1006)
    lines = capsys.readouterr().err.strip().splitlines()
    assert len([line for line in lines if line]) == 3
    assert "discriminator has won: its loss is 1e-05" in lines[0] + lines[2] + lines[4]
    assert any("mode collapse: 16 samples differ by 0 " in line for line in lines)
    assert any("generator's loss is 5e+04 and was 0" in line for line in lines)


def test_a_healthy_game_is_not_warned_of(capsys, monkeypatch):
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 256, (2, 16, 8, 8, 1), dtype=np.uint8)
    watch = watched(fake, real)
    monkeypatch.setattr(guards.sampling, "sampler", lambda model, endpoint: lambda seeds: watch.samples)
    for step in range(1000, 1040):
        watch.look({"d_loss": rng.uniform(-3, 1.4), "g_loss": rng.uniform(0.5, 6)}, step)
        watch.look_at_samples(step)
    assert not capsys.readouterr().err


class Blow(keras.callbacks.Callback):
    """Makes the discriminator's weights ten thousand times what they are, at one step."""

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.numpy()) == 9:
            for variable in self.model.discriminator.trainable_variables:
                variable.assign(variable * 10_000)


BLOWN = [
    *("data.batch_size=8", "data.size=64", "train.samples=4", "train.log_every=2", "train.steps=12"),
    *("model.image_shape=[8, 8, 1]", "model.latent_dim=4", "model.filters=4"),
]


@pytest.mark.parametrize("watch", ["true", '["exploding"]', "false", '["collapse", "won"]'])
def test_gradients_that_explode_are_told_with_their_norm(tmp_path, capsys, watch):
    settings = [*BLOWN, f"train.watch={watch}"]
    training.train("dcgan_glyphs", settings, run_dir=tmp_path / "run", callbacks=[Blow()])
    said = [line for line in capsys.readouterr().err.splitlines() if "gradients explode" in line]
    assert len(said) == (1 if watch in ("true", '["exploding"]') else 0)
    for line in said:
        found = re.match(
            r"warning: step (\d+): (\w+)'s gradients explode: their norm is (\S+) and was usually (\S+)\. ", line
        )
        step, player, norm, usual = found.groups()
        assert step in ("10", "12") and player in line.partition("train.optimizers.")[2]
        assert float(norm) > 1000 * float(usual) > 0


def test_gradients_that_come_back_are_no_explosion(capsys):
    """A player whose gradients were nothing for a while: they may be again what they were."""
    watch = watched(np.zeros((1, 2)), np.zeros((1, 2)))
    norms = iter([5.0, 4.0, 3.0, *[1e-9] * 30, 6e-6, 4.5])
    watch.norms = SimpleNamespace(since=lambda: {"discriminator": next(norms)})
    for step in range(35):
        watch.look({"d_loss": 1.0}, step)
    assert not capsys.readouterr().err


# === Alone in the folder ===
def test_a_run_that_is_being_trained_is_not_trained_twice(tmp_path):
    run = training.train("gan_glyphs", [*TINY, "train.steps=2"], run_dir=tmp_path / "run")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
            import time
            from tfgan_zoo.runs import Run
            with Run({str(run.path)!r}).locked():
                print("held", flush=True)
                time.sleep(60)
        """),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ZooError, match=f"process {holder.pid} on .* is training it"):
            training.train("gan_glyphs", [*TINY, "train.steps=4"], run_dir=run.path)
    finally:
        holder.kill()
        holder.wait()
    assert training.train("gan_glyphs", [*TINY, "train.steps=4"], run_dir=run.path).step == 4  # a dead one holds none


class SendEarly(keras.callbacks.Callback):
    """Sends this process a signal before the first step."""

    def on_train_batch_begin(self, batch, logs=None):
        signal.raise_signal(signal.SIGTERM)


def test_before_the_first_step_there_is_nothing_to_wait_for(tmp_path):
    with pytest.raises(Stopped, match="stopped before a step was taken; the same command goes on") as stop:
        training.train("gan_glyphs", TINY, run_dir=tmp_path / "run", callbacks=[SendEarly()])
    assert stop.value.status == 128 + signal.SIGTERM and Run(tmp_path / "run").step == 0
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert training.train("gan_glyphs", TINY, run_dir=tmp_path / "run").step == 12


@pytest.mark.parametrize("place", ["prepare", "plot_losses"])
def test_signals_before_and_after_training(tmp_path, monkeypatch, place):
    before = getattr(training, place)

    def stopped(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return before(*arguments)

    monkeypatch.setattr(training, place, stopped)
    with pytest.raises(Stopped, match="the same command goes on") as stop:
        training.train("gan_glyphs", TINY, run_dir=tmp_path / "run")
    assert stop.value.status == 128 + signal.SIGTERM
    monkeypatch.setattr(training, place, before)
    assert training.train("gan_glyphs", TINY, run_dir=tmp_path / "run").finished


def test_a_second_signal_ends_at_once_with_its_status(tmp_path):
    class Twice(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.step.numpy()) == 7:
                signal.raise_signal(signal.SIGTERM)
                signal.raise_signal(signal.SIGHUP)

    with pytest.raises(Stopped, match="stopped at once") as stop:
        training.train("gan_glyphs", TINY, run_dir=tmp_path / "run", callbacks=[Twice()])
    assert stop.value.status == 128 + signal.SIGHUP and Run(tmp_path / "run").step == 5


def test_signals_that_are_ignored_stay_so(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        run = training.train("gan_glyphs", TINY, run_dir=tmp_path / "run", callbacks=[Send(signal.SIGHUP)])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert run.step == 12


def test_a_kill_in_the_last_measurement_loses_none(tmp_path, monkeypatch):
    measured = [*TINY, "evaluate.every=12", 'evaluate.monitor=["fd@random_conv"]', "evaluate.monitor_samples=16"]

    def killed(self, step):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Measure, "act", killed)
        with pytest.raises(RuntimeError, match="killed"):
            training.train("gan_glyphs", measured, run_dir=tmp_path / "run")
    assert Run(tmp_path / "run").step == 12 and not (tmp_path / "run" / "best.keras").exists()
    run = training.train("gan_glyphs", measured, run_dir=tmp_path / "run")
    assert run.finished and (run.path / "best.keras").exists() and run.has_results("run at step 12")


def test_a_signal_in_the_last_measurement_loses_none(tmp_path, monkeypatch):
    measured = [*TINY, "evaluate.every=12", 'evaluate.monitor=["fd@random_conv"]', "evaluate.monitor_samples=16"]
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Quality, "measure", lambda self, step: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(Stopped, match="stopped at step 12 of 12"):
            training.train("gan_glyphs", measured, run_dir=tmp_path / "run")
    run = training.train("gan_glyphs", measured, run_dir=tmp_path / "run")
    assert run.finished and run.has_results("run at step 12")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_save_and_have_a_status_of_their_own(tmp_path, name):
    number = getattr(signal, name)
    with pytest.raises(Stopped, match="stopped at step 3 of 12; saved") as stop:
        training.train("gan_glyphs", TINY, run_dir=tmp_path / "run", callbacks=[Send(number)])
    assert stop.value.status == 128 + number and Run(tmp_path / "run").step == 3


def test_a_picture_is_left_at_once_when_a_signal_comes(tmp_path, monkeypatch):
    from tfgan_zoo import sheets

    drawn = []

    def draw(self, folder, step):
        drawn.append(step)
        if step:
            signal.raise_signal(signal.SIGTERM)
            drawn.append("went on")

    monkeypatch.setattr(sheets.Sheet, "draw", draw)
    with pytest.raises(Stopped, match="at step 6"):
        training.train("gan_glyphs", [*TINY, "train.sample_every=6"], run_dir=tmp_path / "run")
    assert set(drawn) == {0, 6} and Run(tmp_path / "run").step == 6


# === Memory ===
@pytest.mark.parametrize(("most", "free"), [("1000000000", 700_000_000), ("max", None), ("100000000", 0)])
def test_files_that_a_container_has_read_leave_memory_free(tmp_path, monkeypatch, most, free):
    machine = resources.free_memory()
    monkeypatch.setattr(resources, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text(f"{most}\n")
    (tmp_path / "memory.current").write_text("900000000\n")
    (tmp_path / "memory.stat").write_text("anon 300000000\ninactive_file 400000000\nactive_file 200000000\n")
    found = resources.free_memory()
    assert found == free if free is not None else found > machine / 2


# === Checkpoints ===
def test_a_flipped_byte_is_found_by_the_checksum(tmp_path, capsys):
    run = training.train("gan_glyphs", TINY, run_dir=tmp_path / "run")
    newest = run.checkpoints[12]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1  # in the middle of the weights: HDF5 reads it without a word
    newest.write_bytes(content)
    model = zoo.build(run.experiment())
    model.compile()
    assert run.restore(model) == 10 and "damaged: its SHA-256" in capsys.readouterr().err
    newest.with_name("step-00000012.sha256").unlink()
    assert run.restore(model) == 12  # runs of earlier versions have no checksums


def test_checksums_go_with_their_checkpoints(tmp_path):
    run = training.train("gan_glyphs", [*TINY, "train.keep_checkpoints=1"], run_dir=tmp_path / "run")
    assert sorted(path.name for path in (run.path / "checkpoints").iterdir()) == [
        "step-00000012.sha256",
        "step-00000012.weights.h5",
    ]


def test_a_full_disk_stops_with_a_line_and_leaves_the_checkpoint(tmp_path, monkeypatch):
    def usage(folder):
        return SimpleNamespace(free=10**9 if not Run(tmp_path / "run").step else 1000)

    monkeypatch.setattr(resources.shutil, "disk_usage", usage)
    with pytest.raises(ZooError, match=r"the disk is full: a checkpoint of step 10 takes 0\.\d MB"):
        training.train("gan_glyphs", TINY, run_dir=tmp_path / "run")
    assert list(Run(tmp_path / "run").checkpoints) == [5]


@pytest.mark.parametrize("name", ["environment.json", "data.json", "finished.json", "rollbacks.json", "metrics.jsonl"])
@pytest.mark.parametrize(
    "content",
    [b"", b"[1, 2]", b"{}", b"7", b'{"a": [', b"\xff\xfe\x00", b"null", b"[" * 100_000],
    ids=["empty", "list", "dict", "number", "cut", "bytes", "null", "deep"],
)
def test_files_of_a_run_may_be_damaged(damaged, name, content):
    before = (damaged.path / name).read_bytes() if (damaged.path / name).exists() else None
    (damaged.path / name).write_bytes(content)
    try:
        assert damaged.sessions is not None and damaged.data is not None and damaged.metrics() is not None
        assert damaged.rollbacks is not None and damaged.seconds >= 0
        assert damaged.question is None or isinstance(damaged.question, str)
        damaged.class_names  # noqa: B018
    finally:
        if before is None:
            os.unlink(damaged.path / name)
        else:
            (damaged.path / name).write_bytes(before)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged") / "run"
    from helpers import untrained_run

    untrained_run(path, "gan_glyphs")
    (path / "data.json").write_text(json.dumps({"class_names": ["a"]}))
    return Run(path)


def test_sums_find_one_bad_weight():
    model = zoo.build("gan_glyphs", image_shape=(8, 8, 1), hidden_units=16, maxout_units=8)
    guards.check_weights(model, 1)
    variable = model.discriminator.trainable_variables[0]
    values = variable.numpy()
    values.flat[-1] = np.inf
    variable.assign(tf.constant(values))
    with pytest.raises(guards.Diverged, match="discriminator's .* is not finite at step 7"):
        guards.check_weights(model, 7)
