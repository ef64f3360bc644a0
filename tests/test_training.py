"""Runs: artifacts, resuming to the same weights, refusals."""

import json
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from PIL import Image

from tfgan_zoo import training, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run

TINY = [
    "data.size=64",
    "data.batch_size=8",
    "train.samples=4",
    "train.jit=false",
    "train.log_every=5",
    "model.image_shape=[8, 8, 1]",
    "model.latent_dim=4",
]
GAN = [*TINY, "model.hidden_units=16", "model.maxout_units=8"]


def weights_of(run):
    model = zoo.build(run.experiment())
    model.compile()
    assert run.restore(model) == run.step
    return [v.numpy() for v in model.variables] + [v.numpy() for v in model.optimizer.variables]


def assert_same(a, b):
    for one, two in zip(weights_of(a), weights_of(b), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


def test_a_run_leaves_what_it_promises(tmp_path):
    run = training.train("gan_glyphs", [*GAN, "train.steps=20", "train.sample_every=10"], run_dir=tmp_path / "run")
    names = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    assert {
        "config.json",
        "environment.json",
        "metrics.jsonl",
        "model.keras",
        "losses.png",
        "finished.json",
        "checkpoints/step-00000020.weights.h5",
        *(f"samples/step-{i:08d}.png" for i in (0, 10, 20)),
    } <= names
    assert any(name.startswith("tensorboard/events") for name in names)
    assert not [name for name in names if ".tmp" in name]
    rows = run.metrics()
    assert [row["step"] for row in rows] == [5, 10, 15, 20]
    assert {"d_loss", "g_loss", "images_per_second", "seconds"} <= set(rows[0])
    assert json.loads((run.path / "finished.json").read_text())["steps"] == 20
    assert [session["from_step"] for session in run.sessions] == [0] and run.sessions[0]["versions"]["tensorflow"]
    assert np.asarray(Image.open(run.path / "samples" / "step-00000020.png")).std() > 0
    assert run.finished and run.experiment().train.steps == 20


def test_killed_training_resumes_to_the_weights_of_an_uninterrupted_one(tmp_path):
    settings = [*GAN, "train.steps=3000", "train.checkpoint_every=100", "train.log_every=50", "train.sample_every=5000"]
    command = [
        sys.executable,
        "-m",
        "tfgan_zoo",
        "train",
        "gan_glyphs",
        *settings,
        "--run-dir",
        str(tmp_path / "killed"),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    checkpoints = tmp_path / "killed" / "checkpoints"
    deadline = time.time() + 120
    while not list(checkpoints.glob("step-*.h5")) and time.time() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed = Run(tmp_path / "killed")
    assert 0 < killed.step < 3000 and not killed.finished
    # In this process: the same experiment, resumed; and another that was never interrupted.
    resumed = training.train("gan_glyphs", settings, run_dir=tmp_path / "killed")
    whole = training.train("gan_glyphs", settings, run_dir=tmp_path / "whole")
    assert resumed.finished
    assert_same(resumed, whole)
    assert [row["step"] for row in resumed.metrics()] == [row["step"] for row in whole.metrics()]


def test_interrupted_training_saves_and_goes_on(tmp_path):
    settings = [*GAN, "train.steps=12", "train.checkpoint_every=5"]

    class PressCtrlC(training.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.step.numpy()) == 7:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped at step 7 of 12; saved in"):
        training.train("gan_glyphs", settings, run_dir=tmp_path / "run", callbacks=[PressCtrlC()])
    assert Run(tmp_path / "run").step == 7
    resumed = training.train("gan_glyphs", settings, run_dir=tmp_path / "run")
    whole = training.train("gan_glyphs", settings, run_dir=tmp_path / "whole")
    assert_same(resumed, whole)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path):
    run = training.train("gan_glyphs", [*GAN, "train.steps=10", "train.checkpoint_every=5"], run_dir=tmp_path / "run")
    newest = run.checkpoints[10]
    newest.write_bytes(newest.read_bytes()[:1000])
    model = zoo.build(run.experiment())
    model.compile()
    assert run.restore(model) == 5
    run.checkpoints[5].write_bytes(b"")
    with pytest.raises(ZooError, match="no checkpoint can be read"):
        run.restore(model)


def test_default_run_directories_do_not_overwrite_each_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = training.train("gan_glyphs", [*GAN, "train.steps=2"])
    again = training.train("gan_glyphs", [*GAN, "train.steps=2"])
    assert [str(run.path) for run in (first, again)] == ["runs/gan_glyphs", "runs/gan_glyphs-2"]


def test_run_directories_are_not_mixed_up(tmp_path):
    training.train("gan_glyphs", [*GAN, "train.steps=2"], run_dir=tmp_path / "run")
    with pytest.raises(ZooError, match="another experiment: train.seed is 0 there and 1 here"):
        training.train("gan_glyphs", [*GAN, "train.steps=2", "train.seed=1"], run_dir=tmp_path / "run")
    with pytest.raises(ZooError, match="finished at step 2"):
        training.train("gan_glyphs", [*GAN, "train.steps=2"], run_dir=tmp_path / "run")
    longer = training.train("gan_glyphs", [*GAN, "train.steps=4"], run_dir=tmp_path / "run")
    assert longer.step == 4
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(ZooError, match="not a run directory"):
        training.train("gan_glyphs", [*GAN, "train.steps=2"], run_dir=tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_divergence_stops_with_the_player_and_keeps_the_checkpoint(tmp_path):
    settings = [
        *GAN,
        "train.steps=20",
        "train.checkpoint_every=5",
        "train.optimizers.generator={name='sgd', learning_rate=inf}",
    ]
    with pytest.raises(ZooError, match="diverged: ._loss is nan at step 5"):
        training.train("gan_glyphs", settings, run_dir=tmp_path / "run")


def test_two_replicas_and_batches_they_cannot_share(tmp_path):
    run = training.train("gan_glyphs", [*GAN, "train.steps=2"], run_dir=tmp_path / "run", replicas=2)
    assert run.step == 2
    with pytest.raises(ZooError, match="batch_size=7 cannot be shared by 2 replicas"):
        training.train("gan_glyphs", [*GAN, "data.batch_size=7"], run_dir=tmp_path / "other", replicas=2)
    assert not (tmp_path / "other").exists()


def test_optimizers_of_a_preset(tmp_path):
    model = zoo.build("wgan_gp_cifar10", filters=4, image_shape=(8, 8, 3))
    table = {
        "name": "adam",
        "beta_1": 0.0,
        "learning_rate": {
            "name": "polynomial_decay",
            "initial_learning_rate": 2e-4,
            "decay_steps": 10,
            "end_learning_rate": 0.0,
        },
    }
    chosen = training.optimizers(model, {"generator": table})
    assert chosen["generator"].beta_1 == 0.0
    for tables, message in (
        ({"generatr": table}, "did you mean 'generator'"),
        ({"generator": {"name": "adm"}}, "did you mean 'adam'"),
        ({"generator": {"name": "adam", "rate": 1}}, "train.optimizers.generator: .*rate"),
    ):
        with pytest.raises(ZooError, match=message):
            training.optimizers(model, tables)


def test_dry_run_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = training.dry_run("gan_glyphs", [*GAN, "train.steps=1000"])
    assert plan["seconds"] == pytest.approx(1000 * plan["seconds_per_step"])
    assert plan["networks"]["generator"] == 4 * 16 + 16 + 16 * 16 + 16 + 16 * 64 + 64
    assert plan["data"]["examples"] == 64
    assert not list(tmp_path.iterdir())


def test_checkpoints_hold_no_pickles(tmp_path):
    run = training.train("gan_glyphs", [*GAN, "train.steps=2"], run_dir=tmp_path / "run")
    with h5py.File(run.checkpoints[2]) as file:
        kinds = []
        file.visititems(lambda name, item: kinds.append(item.dtype.kind) if isinstance(item, h5py.Dataset) else None)
    assert set(kinds) <= set("fiu")
