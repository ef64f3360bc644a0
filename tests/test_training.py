"""Runs: artifacts, resuming to the same weights, refusals."""

import json
import shutil
import signal
import subprocess
import sys
import textwrap

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from tfgan_zoo import config, rehearsal, training, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run

SMALL = [
    "data.batch_size=8",
    "train.samples=4",
    "train.jit=false",
    "train.log_every=5",
    "model.image_shape=[8, 8, 1]",
    "model.latent_dim=4",
    "model.hidden_units=16",
    "model.maxout_units=8",
]
GAN = [*SMALL, "data.size=64"]
BROKEN = [*GAN, "train.steps=12", "train.checkpoint_every=5", "train.log_every=2"]  # of the runs that are cut short


def weights_of(run):
    model = zoo.build(run.experiment())
    model.compile()
    assert run.restore(model) == run.step
    return [v.numpy() for v in model.variables] + [v.numpy() for v in model.optimizer.variables]


def assert_same(a, b):
    for one, two in zip(weights_of(a), weights_of(b), strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)


class PressCtrlC(keras.callbacks.Callback):
    """Sends the signal of Ctrl-C at a step."""

    def __init__(self, step):
        super().__init__()
        self.at = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.numpy()) == self.at:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing cut short."""
    return training.train(
        "gan_glyphs", [*BROKEN, "train.sample_every=6"], run_dir=tmp_path_factory.mktemp("whole") / "run"
    )


@pytest.fixture
def pictures(tmp_path):
    """A folder of eight pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for place in range(8):
        Image.fromarray(np.full((8, 8), place * 30, "uint8")).save(folder / f"{place}.png")
    return folder


def test_a_run_leaves_what_it_promises(whole):
    names = {path.relative_to(whole.path).as_posix() for path in whole.path.rglob("*") if path.is_file()}
    assert {
        "config.json",
        "environment.json",
        "metrics.jsonl",
        "model.keras",
        "losses.png",
        "finished.json",
        "checkpoints/step-00000012.weights.h5",
        *(f"samples/step-{i:08d}.png" for i in (0, 6, 12)),
    } <= names
    assert any(name.startswith("tensorboard/events") for name in names)
    assert not [name for name in names if ".tmp" in name]
    rows = whole.metrics()
    assert [row["step"] for row in rows] == [2, 4, 6, 8, 10, 12]
    assert {"d_loss", "g_loss", "images_per_second", "seconds"} <= set(rows[0])
    assert json.loads((whole.path / "finished.json").read_text())["steps"] == 12
    assert [session["from_step"] for session in whole.sessions] == [0]
    assert whole.sessions[0]["versions"]["tensorflow"]
    assert np.asarray(Image.open(whole.path / "samples" / "step-00000012.png")).std() > 0
    assert whole.finished and whole.experiment().train.steps == 12


def test_checkpoints_hold_no_pickles(whole):
    with h5py.File(whole.checkpoints[12]) as file:
        kinds = []
        file.visititems(lambda name, item: kinds.append(item.dtype.kind) if isinstance(item, h5py.Dataset) else None)
    assert kinds and set(kinds) <= set("fiu")


# === Cut short ===
def test_killed_training_resumes_to_the_weights_of_an_uninterrupted_one(whole, tmp_path):
    script = """
        import os, signal, sys
        import keras
        from tfgan_zoo import training

        class Kill(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if int(self.model.step.numpy()) == 8:
                    os.kill(os.getpid(), signal.SIGKILL)

        training.train("gan_glyphs", sys.argv[2:], run_dir=sys.argv[1], callbacks=[Kill()])
    """
    settings = [*BROKEN, "train.sample_every=6"]
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "killed"), *settings]
    process = subprocess.run(command, capture_output=True, text=True)
    killed = Run(tmp_path / "killed")
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert killed.step == 5 and [row["step"] for row in killed.metrics()] == [2, 4, 6, 8] and not killed.finished
    # In this process: the same experiment, resumed.
    resumed = training.train("gan_glyphs", settings, run_dir=tmp_path / "killed")
    assert resumed.finished
    assert_same(resumed, whole)
    assert [row["step"] for row in resumed.metrics()] == [row["step"] for row in whole.metrics()]


def test_interrupted_training_saves_and_goes_on(whole, tmp_path):
    settings = [*BROKEN, "train.sample_every=6"]
    with pytest.raises(KeyboardInterrupt, match="stopped at step 7 of 12; saved in"):
        training.train("gan_glyphs", settings, run_dir=tmp_path / "run", callbacks=[PressCtrlC(7)])
    assert Run(tmp_path / "run").step == 7
    resumed = training.train("gan_glyphs", settings, run_dir=tmp_path / "run")
    assert_same(resumed, whole)
    assert [row["step"] for row in resumed.metrics()] == [row["step"] for row in whole.metrics()]


def test_a_damaged_checkpoint_falls_back_to_the_one_before(whole, tmp_path):
    shutil.copytree(whole.path, tmp_path / "run")
    run = Run(tmp_path / "run")
    newest = run.checkpoints[12]
    newest.write_bytes(newest.read_bytes()[:1000])
    model = zoo.build(run.experiment())
    model.compile()
    assert run.restore(model) == 10
    run.checkpoints[10].write_bytes(b"")
    with pytest.raises(ZooError, match="no checkpoint can be read"):
        run.restore(model)


def test_a_run_whose_checkpoints_were_deleted_is_not_overwritten(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "gan_glyphs"
    settings = [*BROKEN, "train.sample_every=6"]
    for finished in (True, False):
        shutil.copytree(whole.path, folder)
        shutil.rmtree(folder / "checkpoints")
        if not finished:
            (folder / "finished.json").unlink()
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        with pytest.raises(ZooError, match="its checkpoints are gone, so it cannot go on. Name another directory"):
            training.train("gan_glyphs", [*settings, "train.steps=14"], run_dir=folder)
        assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert Run.place(whole.experiment(), None).path.name == "gan_glyphs-2"
        shutil.rmtree(tmp_path / "runs")


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(whole, tmp_path):
    shutil.copytree(whole.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    for name in ("finished.json", "model.keras"):
        (tmp_path / "run" / name).unlink()
    run = Run(tmp_path / "run")
    run.forget_after(4)
    assert Run.place(whole.experiment(), tmp_path / "run").path == run.path and not run.lost


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


# === Optimizers ===
def optimizers(preset, *overrides):
    """The optimizers that a small model of the preset gets, by player."""
    experiment = config.load(preset, ["model.image_shape=[8, 8, 3]", *overrides], smoke=True)
    model = zoo.build(experiment)
    model.compile(training.optimizers(model, experiment))
    return model.optimizer.by_player


def test_optimizers_of_a_preset():
    table = (
        'train.optimizers.generator={name="adam", beta_1=0.25, learning_rate={name="polynomial_decay", '
        "initial_learning_rate=2e-4, decay_steps=10, end_learning_rate=0.0}}"
    )
    chosen = optimizers("dcgan_glyphs", table)["generator"]
    assert chosen.beta_1 == 0.25
    assert chosen.get_config()["learning_rate"]["class_name"] == "PolynomialDecay"
    for override, message in (
        ("train.optimizers.generatr.name=adam", "did you mean 'generator'"),
        ("train.optimizers.generator.name=adm", "did you mean 'adam'"),
        ("train.optimizers.generator.rate=1", "train.optimizers.generator: .*rate"),
        ("train.optimizers.generator.learning_rate.decay_steps=1", "unknown schedule ''"),
    ):
        with pytest.raises(ZooError, match=message) as caught:
            optimizers("dcgan_glyphs", override)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [[], ["train.optimizers.generator.name=adam"]], ids=["rate alone", "same name"])
def test_what_an_override_of_the_optimizer_leaves_out_stays_as_in_the_paper(name):
    chosen = optimizers("dcgan_glyphs", "train.optimizers.generator.learning_rate=1e-5", *name)
    generator, discriminator = chosen["generator"], chosen["discriminator"]
    assert float(generator.learning_rate) == pytest.approx(1e-5) and generator.beta_1 == 0.5
    assert float(discriminator.learning_rate) == pytest.approx(2e-4) and discriminator.beta_1 == 0.5


def test_another_optimizer_has_its_own_defaults():
    chosen = optimizers("dcgan_glyphs", "train.optimizers.generator={name='rmsprop', learning_rate=1e-5}")["generator"]
    assert type(chosen) is keras.optimizers.RMSprop and chosen.rho == keras.optimizers.RMSprop().rho


def test_the_schedule_of_the_paper_stays_too():
    paper = optimizers("gan_glyphs")["generator"].get_config()
    assert paper["momentum"] == 0.5 and paper["learning_rate"]["class_name"] == "ExponentialDecay"
    chosen = optimizers("gan_glyphs", "train.optimizers.generator.momentum=0.75")["generator"].get_config()
    assert chosen == {**paper, "momentum": 0.75}
    rate = "train.optimizers.generator.learning_rate"
    chosen = optimizers("gan_glyphs", f"{rate}.decay_rate=0.5")["generator"].get_config()["learning_rate"]["config"]
    assert chosen == {**paper["learning_rate"]["config"], "decay_rate": 0.5}
    chosen = optimizers("gan_glyphs", f"{rate}=0.25")["generator"].get_config()
    assert chosen == {**paper, "learning_rate": 0.25}


# === Data ===
def of_pictures(path, *more):
    return [*SMALL, "data.source=folder", f"data.path={path}", "train.steps=1", *more]


def test_the_run_finds_its_data_from_any_directory(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = training.train("gan_glyphs", of_pictures("pictures"), run_dir="run")
    assert run.config()["data"]["path"] == str(pictures)
    experiment = training.resolved("gan_glyphs", of_pictures("pictures"), str(tmp_path), False, False)
    assert experiment.data.path == str(pictures) and experiment.data.data_dir == str(tmp_path)


def test_data_that_changed_are_said(pictures, tmp_path, capsys):
    training.train("gan_glyphs", of_pictures(pictures), run_dir=tmp_path / "run")
    moved = pictures.rename(tmp_path / "moved")
    training.train("gan_glyphs", of_pictures(moved, "train.steps=2"), run_dir=tmp_path / "run")
    assert "the data have changed" not in capsys.readouterr().err  # they were moved, no more
    assert Run(tmp_path / "run").config()["data"]["path"] == str(moved)
    shutil.copy(moved / "0.png", moved / "8.png")
    training.train("gan_glyphs", of_pictures(moved, "train.steps=3"), run_dir=tmp_path / "run")
    assert "the data have changed since the run began: 8 examples then, 9 now" in capsys.readouterr().err


def test_what_was_made_for_other_data_is_left_out_and_said_once(pictures, tmp_path, capsys):
    preset = tmp_path / "mine.toml"
    preset.write_text('family = "gan"\n[data]\nsource = "synthetic"\ntransforms = [{ center_crop = 4 }]\n')
    plan = rehearsal.dry_run(str(preset), of_pictures(pictures))
    assert plan["experiment"].data.transforms == []
    said = capsys.readouterr().err
    assert said.count('data.source=folder: data.transforms=[{"center_crop": 4}] left out, made for synthetic data') == 1


# === Refused before anything is written ===
@pytest.mark.parametrize(
    "settings, message",
    [
        (['evaluate.metrics=["fd_mnst"]'], "unknown metric 'fd_mnst'.*did you mean"),
        (
            ['evaluate.metrics=["fd@random_conc"]'],
            "unknown feature extractor 'random_conc': did you mean 'random_conv'",
        ),
        (['evaluate.metrics=["psnr"]'], "psnr compares pairs, and GAN answers no picture"),
        (['evaluate.monitor=["fdd"]'], "unknown metric 'fdd'"),
        (["evaluate.every=1", 'evaluate.monitor=["fd@random_conv:tip"]'], "'tip'"),
        (["evaluate.every=1", 'evaluate.monitor=["fd_mnist"]', "evaluate.monitor_samples=1"], "2 or more"),
        (
            ["evaluate.every=1", 'evaluate.monitor=["fd_mnist"]', "evaluate.split=dev"],
            "evaluate.split: unknown split 'dev'",
        ),
        (["evaluate.evry=1"], "did you mean 'evaluate.every'"),
    ],
)
def test_a_mistake_in_what_to_measure_is_found_before_the_run_is_made(tmp_path, settings, message):
    with pytest.raises(ZooError, match=message):
        training.train("gan_glyphs", [*GAN, "train.steps=2", *settings], run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_measurements_that_never_come_are_said(capsys):
    training.prepare(
        config.load("gan_glyphs", [*GAN, "train.steps=2", "evaluate.every=3"]), training.devices.strategy(1)
    )
    said = capsys.readouterr().err
    assert "evaluate.every=3 is beyond train.steps=2: nothing is measured in training" in said


def test_a_global_dtype_policy_is_said(capsys):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        _, model, _ = training.prepare(config.load("gan_glyphs", GAN), training.devices.strategy(1))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.dtype_policy.name == "mixed_bfloat16"
    assert "computing in mixed_bfloat16, Keras' global dtype policy" in capsys.readouterr().err


def test_dry_run_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = rehearsal.dry_run("gan_glyphs", [*GAN, "train.steps=1000"])
    assert plan["seconds"] == pytest.approx(1000 * plan["seconds_per_step"])
    assert plan["networks"]["generator"] == 4 * 16 + 16 + 16 * 16 + 16 + 16 * 64 + 64
    assert plan["data"]["examples"] == 64
    assert not list(tmp_path.iterdir())
