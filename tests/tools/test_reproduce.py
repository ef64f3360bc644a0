"""A recipe is trained, measured and written down; what is there already is not done again."""

import json
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner
from helpers import run

from tfgan_zoo.cli import measuring
from tools import reproduce
from tools.figures import measured

RECIPE = """
title = "letters"
preset = "gan_glyphs"
metrics = ["kid_mnist", "fd_mnist"]
samples = 16
source = "none"
[published]
fd_mnist = 0.5
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("RECIPES", "RESULTS"):
        monkeypatch.setattr(reproduce, name, tmp_path / name)
        (tmp_path / name).mkdir()
    monkeypatch.setattr(reproduce, "PAGE", tmp_path / "page.md")
    (tmp_path / "RECIPES" / "letters.toml").write_text(RECIPE)
    asked = []

    def command(verb, *arguments):
        asked.append(verb)
        done = run(verb, *arguments, *(["--smoke"] if verb == "train" else []))
        assert done.exit_code == 0, done.output

    monkeypatch.setattr(reproduce, "_zoo", command)
    return tmp_path, asked


def test_a_recipe_is_trained_measured_and_written_down(folder):
    place, asked = folder
    assert reproduce.page().endswith("\n- `letters`: letters\n")  # what is not measured yet
    reproduce.reproduce("letters", 1, None, place / "runs")
    assert asked == ["train", "evaluate"] and "Not measured yet" not in reproduce.page()
    outcome = json.loads((place / "RESULTS" / "letters.json").read_text())
    assert set(outcome["mean"]) == {"kid_mnist", "fd_mnist"}
    assert outcome["seeds"][0]["protocol"]["fd_mnist"]["samples"] == 16
    assert "| fd_mnist | 0.5 |" in reproduce.page()
    reproduce.reproduce("letters", 1, None, place / "runs")  # nothing is missing
    assert asked == ["train", "evaluate"]
    (place / "RESULTS" / "letters.json").unlink()
    reproduce.reproduce("letters", 1, None, place / "runs")  # the run is there and is measured anew
    assert asked == ["train", "evaluate", "evaluate"]


def test_missing_weights_of_inception_are_told_before_training(folder, monkeypatch, tmp_path):
    place, asked = folder
    monkeypatch.setenv("TFGAN_ZOO_INCEPTION", str(tmp_path / "none.npz"))
    for metrics in ('["fd_mnist", "kid768"]', '["psnr@repeat", "fid768@repeat"]'):
        (place / "RECIPES" / "letters.toml").write_text(RECIPE.replace('["kid_mnist", "fd_mnist"]', metrics))
        refused = CliRunner().invoke(reproduce.main, ["letters"])
        assert refused.exit_code == 2 and "inception_2015: no weights file" in refused.output
    assert not asked
    monkeypatch.setattr(reproduce, "RECIPES", reproduce.ROOT / "tools" / "recipes")
    for name in ("seqgan_oracle_500", "anogan_mnist_0", "speech_synthesis_digits", "cyclegan_glyphs"):
        reproduce._require_weights(reproduce.recipe_of(name))  # which need none


@pytest.mark.parametrize("name", reproduce.names())
def test_evaluate_takes_the_metrics_of_every_recipe(name):
    asked = {"metrics": ",".join(reproduce.recipe_of(name).metrics), "features": None, "against": None}
    measuring.check_measured("dcgan_mnist", asked)


@click.command(help="What noise is worth,\nand why.")
@click.argument("name")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@click.option("--num", default=10)
@click.option("--data-dir")
def figure(name, runs, num, data_dir):
    measured.write(name, {"num": num}, runs, lambda loaded: {"mse": loaded.experiment.train.seed + 0.25})


def test_what_figures_measured_is_on_the_page(folder, monkeypatch):
    place, _ = folder
    monkeypatch.setattr(measured, "RESULTS", place / "RESULTS")
    monkeypatch.setattr(measured, "Run", lambda path: SimpleNamespace(seconds=120))
    train = [SimpleNamespace(seed=seed) for seed in (0, 1)]
    loaded = {Path(f"run {t.seed}"): SimpleNamespace(experiment=SimpleNamespace(train=t)) for t in train}
    monkeypatch.setattr(measured.zoo, "loaded", loaded.get)
    done = CliRunner().invoke(figure, ["noise", "run 0", "run 1", "--data-dir", "DATA"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    section = reproduce.page().partition("## `noise`: ")[2]
    assert section.startswith(
        f"What noise is worth, and why\n\n`python -m {__name__} noise 'run 0' 'run 1' --data-dir DATA`"
    )
    assert "| mse | 0.75 ± 0.5 |" in section
    machine = json.loads((place / "RESULTS" / "noise.json").read_text())["seeds"][0]["hardware"]
    assert f"2 runs, measured in 0 seconds on {machine}." in section
