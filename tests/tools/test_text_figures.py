"""The figures of texts, from models that have not learnt anything."""

import gzip
import json

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import untrained_run

from tfgan_zoo import zoo
from tfgan_zoo.runs import Run
from tools.figures import iterations, measured, swaps, temperature

SIDES = (("x", "en"), ("y", "fr"))


def test_swaps_change_places_and_keep_words():
    texts = np.array([[2, 3, 4, 5, 0], [6, 0, 0, 0, 0]])
    once = swaps.swapped(texts, 1)
    assert (once[0] != texts[0]).sum() == 2 and sorted(once[0]) == sorted(texts[0]) and once[0, 4] == 0
    np.testing.assert_array_equal(once[1], texts[1])
    np.testing.assert_array_equal(swaps.swapped(texts, 0), texts)


def test_costs_and_blends_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "RESULTS", tmp_path)
    for split in ("train", "test"):
        with gzip.open(tmp_path / f"{split}.en.gz", "wt") as file:
            file.write("a dog runs\na dog\nruns a a dog\n")
    settings = ["data.source=sentences", f"data.path={tmp_path}/{{split}}.en.gz"]
    run = untrained_run(tmp_path / "run", "arae_multi30k", *settings)
    done = CliRunner().invoke(swaps.main, ["found", str(run), "--num", "3", "--out", str(tmp_path / "blends.txt")])
    assert done.exit_code == 0, done.output
    values = json.loads((tmp_path / "found.json").read_text())["mean"]
    assert list(values) == [f"cost after {count} swaps" for count in range(5)]
    assert values["cost after 0 swaps"] == pytest.approx(np.log(5), rel=0.2)  # of an untrained model of five tokens
    assert (tmp_path / "blends.txt").read_text().startswith("= a dog runs\n")
    other = untrained_run(tmp_path / "other", "gan_mnist")
    refused = CliRunner().invoke(swaps.main, ["found", str(other)])
    assert refused.exit_code == 2 and "give runs of arae_multi30k" in refused.output


def test_temperatures_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "RESULTS", tmp_path)
    settings = ["data.source=oracle", "data.words=3", "data.size=20"]
    run = untrained_run(tmp_path / "run", "seqgan_oracle", *settings)
    done = CliRunner().invoke(temperature.main, ["found", str(run), "--temperatures", "0.01,1", "--num", "30"])
    assert done.exit_code == 0, done.output
    values = json.loads((tmp_path / "found.json").read_text())["mean"]
    assert values["self_bleu at 0.01"] > values["self_bleu at 1"]
    assert np.isfinite(values["oracle_nll at 1"])
    other = untrained_run(tmp_path / "other", "gan_mnist")
    refused = CliRunner().invoke(temperature.main, ["found", str(other)])
    assert refused.exit_code == 2 and "give runs of seqgan_oracle" in refused.output


def test_iterations_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "RESULTS", tmp_path)
    for split in ("train", "test"):
        (tmp_path / f"{split}.en").write_text("a dog runs a dog\na dog runs\n")
        (tmp_path / f"{split}.fr").write_text("un chien court un chien\nun chien court\n")
    sides = [f'data.{side}={{ source = "sentences", path = "{tmp_path}/{{split}}.{name}" }}' for side, name in SIDES]
    words = ['model.dictionary_xy=["a un", "dog chien", "runs court"]', "data.source=domains"]
    run = untrained_run(tmp_path / "run", "unsupervised_translation_multi30k", *words, *sides)
    model = zoo.loaded(run).model
    model.compile()
    for step in (1, 2):
        model.step.assign(step)
        Run(run).save(model, 2)
    done = CliRunner().invoke(iterations.main, ["found", str(run), "--num", "2"])
    assert done.exit_code == 0, done.output
    values = json.loads((tmp_path / "found.json").read_text())["mean"]
    assert values["xy word by word"] == pytest.approx(100) and values["yx word by word"] < 50
    assert len(values) == 2 + 2 * 4 and 0 <= values["y there and back, step 2"] < 50
    other = untrained_run(tmp_path / "other", "gan_mnist")
    refused = CliRunner().invoke(iterations.main, ["found", str(other)])
    assert refused.exit_code == 2 and "give runs of unsupervised_translation" in refused.output
