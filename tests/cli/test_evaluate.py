"""`evaluate` and `compare`: pictures nobody's model made, stamps in JSON, rankings that are refused."""

import json

import numpy as np
import pytest
from helpers import refused, run

from tfgan_zoo import images, stamps, weights


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty current directory with two folders of 120 pictures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    for name, bright in (("made", 60), ("real", 0)):
        rng = np.random.default_rng(bright)
        for i in range(120):
            picture = rng.integers(0, 190, (12, 12, 3)) + bright
            images.save_image(tmp_path / name / f"{i}.png", picture.astype(np.uint8))
    return tmp_path


def test_folder_against_folder_with_its_stamp():
    done = run(
        "evaluate",
        "made",
        "--against",
        "real",
        "--metrics",
        "fd@random_conv,precision@random_conv",
        "--json",
        "out.jsonl",
    )
    assert done.exit_code == 0, done.output
    assert (
        "120 samples of folder made" in done.stdout
        and "fd@random_conv" in done.stdout
        and "higher is better" in done.stdout
    )
    assert "against 120 of folder real" in done.stdout and "recall" not in done.stdout
    rows = stamps.read("out.jsonl")
    assert [row["metric"] for row in rows] == ["fd@random_conv", "precision@random_conv"]
    assert {
        "features",
        "features_sha256",
        "resize",
        "samples",
        "reference_samples",
        "ema",
        "truncation",
        "seed",
        "commit",
        "version",
        "tensorflow",
        "keras",
        "hardware",
        "settings",
    } <= set(rows[0])
    for more in (["--json", "-"], ["--json"]):
        alone = run("evaluate", "made", "--against", "real", "--metrics", "fd@random_conv", *more)
        assert json.loads(alone.stdout)["value"] == rows[0]["value"]
    beside = run("evaluate", "made", "real", "--metrics", "fd@random_conv", "--json", "-")  # as other tools have it
    assert json.loads(beside.stdout)["value"] == rows[0]["value"]
    assert "two references: real and --against real" in refused("evaluate", "made", "real", "--against", "real")


def test_a_pretrained_preset_is_measured_as_its_preset_says(monkeypatch, shared):
    if not (shared / "data" / "tfds" / "mnist").is_dir():
        pytest.skip(f"no MNIST in {shared / 'data' / 'tfds'}")
    monkeypatch.delenv("TFGAN_ZOO_INCEPTION", raising=False)
    done = run("evaluate", "dcgan_mnist", "--data-dir", shared / "data" / "tfds", "--num", 130, "--json", "-")
    assert done.exit_code == 0, done.output
    measured = [json.loads(line)["metric"] for line in done.stdout.splitlines()]
    assert measured == [f"{name}_mnist" for name in ("fd", "kid", "precision", "recall", "density", "coverage")]


def test_settings_of_a_metric():
    done = run(
        "evaluate", "made", "--against", "real", "--metrics", "kid@random_conv", "kid.subsets=7", "kid.subset_size=50"
    )
    assert done.exit_code == 0 and "subsets 7" in done.stdout and "±" in done.stdout


def test_statistics_file_and_count():
    rows = np.random.default_rng(0).normal(size=(200, 112))
    np.savez("stats.npz", mu=rows.mean(0), sigma=np.cov(rows, rowvar=False))
    done = run("evaluate", "made", "--against", "stats.npz", "--metrics", "fd@random_conv", "--num", 115)
    assert done.exit_code == 0 and "115 samples of folder made" in done.stdout


def test_neighbours_are_drawn():
    done = run("evaluate", "made", "--against", "real", "--metrics", "fd@random_conv", "--neighbours", "beside.png")
    assert done.exit_code == 0, done.output
    assert images.Image.open("beside.png").size[0] > 8 * 12


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["made"], "made: not a run directory, so say what to measure"),
        (["made", "--metrics", "fd@random_conv"], "needs real images"),
        (["made", "--metrics", "fdd@random_conv"], "unknown metric 'fdd@random_conv'"),
        (["made", "--metrics", "fid_mnist"], "write fd_mnist"),
        (["made", "--against", "nowhere.npz", "--metrics", "fd_mnist"], "no such file"),
        (["made", "--against", "dcgan_glyps", "--metrics", "fd_mnist"], "did you mean 'dcgan_glyphs'"),
        (["made", "--against", "real", "--metrics", "fd_mnist", "train.steps=3"], "train.steps=3 has no meaning"),
        (["made", "--against", "real", "--metrics", "fd_mnist", "fdd.x=3"], "unknown section 'fdd'"),
        (["dcgan_glyphs"], "dcgan_glyphs"),
        (["empty", "--against", "real", "--metrics", "fd_mnist"], "holds no picture"),
        (["file.png", "--against", "real", "--metrics", "fd_mnist"], "is a file"),
        (["made", "--against", "real", "--metrics", "fd@model.keras"], "model.keras"),
    ],
)
def test_bad_input_is_one_line(here, arguments, message):
    (here / "empty").mkdir()
    (here / "file.png").touch()
    assert message in refused("evaluate", *arguments)


@pytest.mark.parametrize(
    "option, place, said",
    [
        ("--json", "no/such/folder.jsonl", "there is no folder no/such"),
        ("--json", "made", "is a folder; name a file"),
        ("--json", "made/0.png/x.jsonl", "there is no folder"),
        ("--neighbours", "made", "is a folder; name a file"),
        ("--neighbours", "made/0.png/x.png", "there is no folder"),
        ("--save-stats", "made/0.png/x.npz", "there is no folder"),
    ],
)
def test_results_that_cannot_be_written_are_not_measured(monkeypatch, option, place, said):
    from tfgan_zoo import verbs

    monkeypatch.setattr(verbs, "evaluate", lambda *arguments, **options: pytest.fail("it was measured"))
    line = refused("evaluate", "made", "--against", "real", "--metrics", "fd@random_conv", option, place)
    assert f"{option} {place}: " in line and said in line


def test_statistics_are_saved_for_other_tools():
    done = run("evaluate", "real", "made", "--metrics", "fd@random_conv", "--save-stats", "new/real.npz", "--json", "-")
    assert done.exit_code == 0 and "statistics: new/real.npz" in done.stderr
    with np.load("new/real.npz", allow_pickle=False) as stored:
        assert stored["mu"].shape == (112,) and stored["sigma"].shape == (112, 112)
    again = run("evaluate", "made", "new/real.npz", "--metrics", "fd@random_conv", "--json", "-")
    assert json.loads(again.stdout)["value"] == pytest.approx(json.loads(done.stdout)["value"], rel=1e-4)


def test_text_that_is_called_npz(here):
    (here / "notes.npz").write_text("mu sigma")
    line = refused("evaluate", "made", "notes.npz", "--metrics", "fd@random_conv")
    assert "notes.npz: is not a readable .npz file" in line and "pickle" not in line


def test_missing_data_name_ways_that_evaluate_has(here):
    line = refused("evaluate", "dcgan_mnist", "--data-dir", here)
    assert "mnist is not in" in line and "--data-dir DIR" in line and "--against" in line
    assert "--smoke" not in line and "data.source" not in line


def test_weights_of_inception_may_come_as_published(here, monkeypatch):
    line = refused("evaluate", "made", "real", "--metrics", "fid768", "--inception-weights", "nowhere.pth")
    assert "nowhere.pth: there is no such file" in line
    (here / "a.pth").write_bytes(b"x")
    line = refused("evaluate", "made", "real", "--metrics", "fid768", "--inception-weights", "a.pth")
    assert "a.pth" in line


# === compare ===
ROW = {
    "metric": "fd_mnist",
    "value": 3.0,
    "higher": False,
    "best": None,
    "floor": None,
    "floor_samples": None,
    "deviation": None,
    "model": "a",
    "samples": 100,
    "settings": {},
    "features": "mnist_cnn/features",
    "features_sha256": "0" * 64,
    "resize": "none",
    "reference": "mnist",
    "reference_split": "test",
    "reference_samples": 100,
    "reference_fingerprint": "f",
    "truncation": None,
    "seed": 0,
    "ema": False,
    "commit": "c",
    "version": "1",
    "tensorflow": "2",
    "keras": "3",
    "hardware": "h",
}


def stored(name, **changes):
    with open(name, "a", encoding="utf-8") as file:
        file.write(json.dumps(ROW | changes) + "\n")
    return name


def test_ranking():
    done = run("compare", stored("a.jsonl"), stored("b.jsonl", model="b", value=2.0, seed=1))
    assert done.exit_code == 0, done.output
    places = [line.split() for line in done.stdout.splitlines()]
    assert ["1", "b", "2.000"] in places and ["2", "a", "3.000"] in places and "seed differs: 0, 1" in done.stdout


@pytest.mark.parametrize("changes, order", [({"higher": True}, "a b"), ({"best": 2.9}, "a b"), ({}, "b a")])
def test_what_is_best(changes, order):
    rows = [ROW | changes, ROW | changes | {"model": "b", "value": 2.0}]
    assert " ".join(row["model"] for row in stamps.rank(rows, "fd_mnist")[0]) == order


@pytest.mark.parametrize(
    "change",
    [
        {"samples": 50},
        {"resize": "clean"},
        {"features_sha256": "1" * 64},
        {"truncation": 0.5},
        {"reference_fingerprint": "g"},
        {"settings": {"k": 3}},
    ],
)
def test_other_protocols_are_not_ranked(change):
    ((field, value),) = change.items()
    line = refused("compare", stored("a.jsonl"), stored("b.jsonl", model="b", **change))
    assert (
        f"they differ in {field}: {json.dumps(ROW[field])} and {json.dumps(value)}" in line
        and f"--ignore {field}" in line
    )
    assert run("compare", "a.jsonl", "b.jsonl", "--ignore", field).exit_code == 0


def test_the_newest_of_equal_measurements_counts():
    (row,) = stamps.read(stored(stored("a.jsonl"), value=1.0))
    assert row["value"] == 1.0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nothing"], "unknown run, preset or file of results 'nothing'"),
        (["bad.jsonl"], "bad.jsonl: line 1: is no result"),
        (["a.jsonl"], "no two models were measured by the same metric"),
        (["a.jsonl", "b.jsonl", "--metrics", "kid"], "unknown metric 'kid'"),
        (["a.jsonl", "b.jsonl", "--ignore", "sample"], "did you mean 'samples'"),
    ],
)
def test_bad_sources(here, arguments, message):
    stored("a.jsonl")
    stored("b.jsonl", model="b")
    (here / "bad.jsonl").write_text("[1]\n")
    assert message in refused("compare", *arguments)


def test_cards_can_be_compared():
    first, *_ = weights.names()
    assert run("compare", first, first).exit_code == 2  # one model is no ranking
