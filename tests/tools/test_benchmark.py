"""The benchmark compares like with like, and its processes talk."""

import json
import sys

import pytest

from tools.benchmark import __main__ as benchmark
from tools.benchmark import features, race


def test_ratios_are_taken_within_rounds():
    rows = [
        {"name": "zoo", "rounds": [10.0, 40.0, 9.0], "cpu_rounds": [5.0, 5.0, 5.0]},
        {"name": "bare", "rounds": [20.0, 80.0, 10.0], "cpu_rounds": [5.0, 5.0, 4.0]},
        {"name": "pytorch", "note": "not installed: pip install torch"},
    ]
    zoo, bare, pytorch = race.summarize(rows, ("bare", "pytorch"))
    assert zoo["images_per_second"] == 10.0
    assert (zoo["ratio_to_bare"], zoo["cpu_ratio_to_bare"], bare["ratio_to_bare"]) == (0.5, 1.0, 1.0)
    assert "ratio_to_pytorch" not in zoo and "images_per_second" not in pytorch


def test_a_contender_that_fails_is_a_row_with_the_reason():
    job = {"name": "bare", "module": "tools.benchmark.contenders", "contender": "bare", "batch": 2, "threads": 1}
    job |= {"jit": False, "game": "no_such_game"}
    (row,) = race.compare([job], rounds=1, seconds=0.1, peers=())
    assert "no_such_game" in row["note"] and "images_per_second" not in row


def test_bad_numbers_are_refused(capsys):
    for words in (["train", "--rounds", "0"], ["evaluate", "--seconds", "nan"], ["scaling", "--steps", "-1"]):
        with pytest.raises(SystemExit):
            benchmark.parser().parse_args(words)
        assert "must be above 0" in capsys.readouterr().err


@pytest.mark.parametrize("name", benchmark.COMMANDS)
def test_each_command_tells_what_it_measures(name, capsys):
    with pytest.raises(SystemExit):
        benchmark.parser().parse_args([name, "--help"])
    help_text = capsys.readouterr().out
    assert f"python -m tools.benchmark {name}" in help_text and "--json" in help_text


def test_a_contender_whose_library_is_absent_says_what_to_install():
    job = {"name": "theirs", "needs": ["numpy", "no_such_library"]}
    (row,) = race.compare([job], rounds=1, seconds=0.1, peers=())
    assert row["note"] == "not installed: pip install no-such-library"
    assert race.once(job)["note"] == row["note"]


def test_features_are_apart_by_their_largest_difference():
    assert features.difference([[1.0, -8.0]], [[2.0, -8.0]]) == 1 / 8


def test_all_race_on_the_same_pictures_and_differences_are_of_torch_fidelity(monkeypatch, capsys):
    def compare(jobs, rounds, seconds, peers):
        assert len({(job["side"], job["tap"], job["batch"], job["weights"]) for job in jobs}) == 1
        zoo, theirs, layout = ({**job, "rounds": [2.0], "cpu_rounds": [1.0], "start_seconds": 0.0} for job in jobs)
        layout["note"] = "ended"
        return race.summarize([zoo | {"features": [[3.0]]}, theirs | {"features": [[2.0]]}, layout], peers)

    monkeypatch.setattr(features, "compare", compare)
    arguments = benchmark.parser().parse_args(["evaluate"])
    job = {"side": 32, "tap": "768", "weights": "folder", "batch": 2, "threads": 1}
    zoo, theirs, layout = features.race(job, arguments)
    assert (zoo["difference"], theirs["difference"], "difference" in layout) == (0.5, 0.0, False)
    assert zoo["ratio_to_torch-fidelity"] == 1.0 and "ratio_to_channels-last" not in zoo
    assert "5e-01" in capsys.readouterr().out


def test_evaluate_measures_prdc_in_a_process(tmp_path, capsys, monkeypatch):
    path = tmp_path / "speed.json"
    words = f"evaluate --only prdc --prdc-rows 50 --prdc-dims 8 --threads 1 --json {path}"
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *words.split()])
    benchmark.main()
    (row,) = json.loads(path.read_text())["results"]
    assert row["seconds"] > 0 and 50 * 8 * 4 < row["peak_bytes"] < 2**20
    assert set(row["values"]) == {"precision", "recall", "density", "coverage"}
    assert "50 x 50, 8 features" in capsys.readouterr().out


def test_scaling_counts_gradients_and_what_is_left_of_the_speed():
    from tfgan_zoo import zoo
    from tools.benchmark import scaling

    model = zoo.build("dcgan_celeba")
    sent = scaling.traffic(model)
    assert sent["generator"] == 4 * sum(variable.numpy().size for variable in model.generator.trainable_variables)
    assert round(sum(sent.values()) / 1e6) == 144  # with the shares below, the example of docs/scaling.md
    kept = [scaling.efficiency(0.18, 144e6, *network) for network in scaling.NETWORKS.values()]
    assert [round(share, 2) for share in kept] == [0.99, 0.47, 0.9]
    assert round(scaling.efficiency(4 * 0.18, 144e6, 8, 1.25e9), 2) == 0.78
