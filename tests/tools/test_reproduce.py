"""A recipe is trained, measured and written down; what is there already is not done again."""

import json

import pytest
from helpers import run

from tools import reproduce

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
    reproduce.reproduce("letters", 1, None, place / "runs")
    assert asked == ["train", "evaluate"]
    outcome = json.loads((place / "RESULTS" / "letters.json").read_text())
    assert set(outcome["mean"]) == {"kid_mnist", "fd_mnist"}
    assert outcome["seeds"][0]["protocol"]["fd_mnist"]["samples"] == 16
    assert "| fd_mnist | 0.5 |" in reproduce.page()
    reproduce.reproduce("letters", 1, None, place / "runs")  # nothing is missing
    assert asked == ["train", "evaluate"]
    (place / "RESULTS" / "letters.json").unlink()
    reproduce.reproduce("letters", 1, None, place / "runs")  # the run is there and is measured anew
    assert asked == ["train", "evaluate", "evaluate"]
