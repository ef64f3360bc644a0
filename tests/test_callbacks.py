"""Measuring while training: val_* in the logs, the best model kept, its cost told."""

import json
import shutil
import signal
from dataclasses import replace

import keras
import numpy as np
import pytest

from tfgan_zoo import evaluation, training, verbs, zoo
from tfgan_zoo.callbacks import Quality
from tfgan_zoo.data import source_class
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run

METRIC = "fd@random_conv"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def model():
    model = zoo.build("dcgan_glyphs", image_shape=(16, 16, 1), latent_dim=8, filters=4)
    model.compile()
    return model


@pytest.fixture
def data(model):
    return source_class("synthetic")(source="synthetic", size=130).open(model.element_spec)


def test_fit_with_keras_own_checkpoint(model, data, tmp_path, capsys):
    history = model.fit(
        data.batches(8),
        steps_per_epoch=1,
        epochs=4,
        verbose=0,
        callbacks=[
            Quality(data, [METRIC], every=2, samples=120),
            keras.callbacks.ModelCheckpoint(
                tmp_path / "best.keras", monitor=f"val_{METRIC}", mode="min", save_best_only=True
            ),
        ],
    ).history
    assert len(history[f"val_{METRIC}"]) == 2 and np.isfinite(history[f"val_{METRIC}"]).all()
    assert (tmp_path / "best.keras").is_file()
    said = capsys.readouterr().err
    assert f"step 2  val_{METRIC}" in said and "step 4" in said and "% of the time" in said


def test_the_best_is_kept_and_found_again(model, data, tmp_path, monkeypatch):
    numbers = iter([5.0, 3.0, 4.0, 3.5, 2.0])

    def measured(stream, reference, metrics, **options):
        (result,) = original(stream, reference, metrics, **options)
        return [replace(result, value=next(numbers))]

    original = evaluation.evaluate
    monkeypatch.setattr(evaluation, "evaluate", measured)
    best = tmp_path / "best.keras"

    def fit(epochs, keep=1):
        quality = Quality(data, [METRIC], samples=120, best=best, keep=keep)
        model.fit(data.batches(8), steps_per_epoch=1, epochs=epochs, verbose=0, callbacks=[quality])
        return json.loads((tmp_path / "best.json").read_text())

    kept = fit(3)
    assert (kept["step"], kept["value"]) == (2, 3.0)
    assert fit(1)["step"] == 2  # a later fit knows what is kept
    assert fit(1)["step"] == 5
    again = keras.models.load_model(best)
    assert int(again.step.numpy()) == 5
    assert {file.name for file in tmp_path.glob("best*")} == {"best.keras", "best.json"}

    numbers = iter([2.5, 4.0, 2.2, 1.0, 2.3])
    assert fit(5, keep=2)["step"] == 9
    steps = {"best-8", "best-9"}  # 2.2 and 1.0; step 5 was kept alone
    assert {file.stem for file in tmp_path.glob("best-*.keras")} == steps
    assert {file.stem for file in tmp_path.glob("best-*.json")} == steps
    assert int(keras.models.load_model(tmp_path / "best-8.keras").step.numpy()) == 8


MEASURED = [
    "train.checkpoint_every=2",
    "evaluate.every=3",
    f'evaluate.monitor=["{METRIC}"]',
    "evaluate.monitor_samples=120",
    "data.size=130",
]


def train(folder, *settings, **options):
    """Train at smoke size; returns the run and {step: value} of what was measured, in order."""
    run = training.train("dcgan_glyphs", [*MEASURED, *settings], smoke=True, run_dir=folder, **options)
    return run, measured_in(folder)


def measured_in(folder):
    rows = [json.loads(line) for line in lines_of(folder)]
    return [(row["model"].rpartition(" at ")[2], pytest.approx(row["value"], rel=1e-3)) for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing cut short, and what was measured in it."""
    return train(tmp_path_factory.mktemp("whole") / "run", "train.steps=7")


def test_train_measures_at_intervals(whole):
    run, measured = whole
    assert [step for step, _ in measured] == ["step 3", "step 6"]
    assert (run.path / "best.keras").is_file() and Run(run.path).finished


def test_measurements_fall_on_the_same_steps_after_ctrl_c(whole, tmp_path):
    class PressCtrlC(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.step.numpy()) == 4:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped at step 4 of 7"):
        train(tmp_path / "run", "train.steps=7", callbacks=[PressCtrlC()])
    assert [step for step, _ in measured_in(tmp_path / "run")] == ["step 3"]
    assert train(tmp_path / "run", "train.steps=7")[1] == whole[1]


def test_a_measurement_that_a_kill_prevented_is_made_up_for(whole, tmp_path):
    shutil.copytree(whole[0].path, tmp_path / "run")
    run = Run(tmp_path / "run")
    (run.path / "finished.json").unlink()
    run.checkpoints[7].unlink()
    lines = (run.path / "evaluations.jsonl").read_text().splitlines()
    (run.path / "evaluations.jsonl").write_text(lines[0] + "\n")
    assert train(run.path, "train.steps=7")[1] == whole[1]
    run.checkpoints[7].unlink()
    assert train(run.path, "train.steps=8")[1] == whole[1]  # what has been measured is not measured again


# === Families that do not generate ===
def test_a_restorer_is_measured_as_evaluate_measures_it(tmp_path):
    place = tmp_path / "run"
    settings = ["train.steps=4", "evaluate.every=2", "evaluate.monitor_samples=20"]
    monitor = ['evaluate.monitor=["psnr@restore", "fd@random_conv"]']  # of what its only endpoint answers, too
    training.train("context_encoder_facades", [*settings, *monitor], smoke=True, run_dir=place)
    rows = [json.loads(line) for line in lines_of(place)]
    told = [(row["model"].rpartition(" at ")[2], row["metric"], row["samples"]) for row in rows]
    names = ["psnr@restore", "fd@random_conv@restore"]
    assert told == [(step, name, 20) for step in ("step 2", "step 4") for name in names]
    assert json.loads((place / "best.json").read_text())["metric"] == "psnr@restore"
    for row, after in zip(rows[2:], verbs.evaluate(place, metrics=names, samples=20), strict=True):
        assert row["value"] == pytest.approx(after.value, rel=1e-4) and row["settings"] == after.settings
    assert rows[2]["settings"]["border"] == 5  # the preset's


def test_what_no_answer_can_stand_for_is_refused_before_training(tmp_path):
    settings = ["train.steps=2", "evaluate.every=2", 'evaluate.monitor=["fd_mnist"]']
    with pytest.raises(
        ZooError, match="fd_mnist is of generated data, and ADDA makes none; it can classify, .* name one"
    ):
        training.train("adda_mnist_usps", settings, smoke=True, run_dir=tmp_path / "run")


def test_plain_fit_measures_endpoints_too(tmp_path):
    model = zoo.build("vae_gan_emoji", image_shape=(8, 8, 3), latent_dim=4, filters=4, units=16)
    model.compile()
    data = source_class("synthetic")(source="synthetic", size=30).open(model.element_spec)
    watch = Quality(data, ["psnr@reconstruct", METRIC], samples=20, best=tmp_path / "best.keras")
    logs = model.fit(data.batches(8), steps_per_epoch=1, verbose=0, callbacks=[watch]).history
    assert np.isfinite([logs["val_psnr@reconstruct"], logs[f"val_{METRIC}"]]).all()
    assert json.loads((tmp_path / "best.json").read_text())["metric"] == "psnr@reconstruct"
    with pytest.raises(ZooError, match="reconstruct takes image; name a preset, a data set or a folder"):
        watch = Quality({"point": np.zeros((30, 2), np.float32)}, ["psnr@reconstruct"], samples=20)
        watch.set_model(model)
        watch.on_train_begin()
        watch.measure(1)


def lines_of(folder):
    return (folder / "evaluations.jsonl").read_text().splitlines()


def test_what_to_measure_must_be_named(tmp_path):
    with pytest.raises(ZooError, match="name what to measure"):
        train(tmp_path / "run", "evaluate.monitor=[]", "evaluate.metrics=[]")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("metric, message", [("fdd", "unknown metric"), ("fid768", "needs its weights")])
def test_what_cannot_be_measured_is_refused_before_training(tmp_path, monkeypatch, metric, message):
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION", raising=False)
    with pytest.raises(ZooError, match=message):
        training.train(
            "dcgan_glyphs",
            ["train.steps=4", "train.checkpoint_every=2", "evaluate.every=2", f'evaluate.monitor=["{metric}"]'],
            smoke=True,
            run_dir=tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()
