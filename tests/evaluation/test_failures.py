"""One metric that cannot be measured does not take the others along, and nothing that was measured is lost."""

import json

import numpy as np
import pytest
from helpers import run

from tfgan_zoo import config, evaluation, images, stamps, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, evaluate
from tfgan_zoo.runs import Run
from tfgan_zoo.verbs import evaluate as evaluate_target


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Two folders of 120 pictures: `plain`, and `mixed`, whose last three have another size."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for i in range(120):
        for name, size in (("plain", 16), ("mixed", 16 if i < 117 else 20)):
            images.save_image(tmp_path / name / f"{i:04d}.png", rng.integers(0, 256, (size, size, 3)).astype(np.uint8))
    return tmp_path


METRICS = "swd,fd@random_conv,ms_ssim,precision@random_conv"


def test_swd_of_mixed_sizes_names_metric_folder_and_file():
    with pytest.warns(UserWarning, match="left out: swd: folder mixed, from 0117.png on: images of shape"):
        results = evaluate_target("mixed", against="plain", metrics=METRICS)
    assert [result.metric for result in results] == ["fd@random_conv", "precision@random_conv"]
    assert list(results.failures) == ["swd", "ms_ssim"]
    for text, reason in results.failures.items():
        assert reason.startswith(f"{text}: folder mixed, from 0117.png on: ") and "\n" not in reason
        assert "(3, 20, 20, 3)" in reason and "give uint8 (n, 16, 16, 3), all of one size" in reason


def test_the_others_are_the_numbers_that_they_are_alone():
    with pytest.warns(UserWarning):
        together = evaluate_target("mixed", against="plain", metrics=METRICS)
    alone = evaluate_target("mixed", against="plain", metrics="fd@random_conv")
    assert together[0].value == alone[0].value


def test_a_failure_of_the_real_side_costs_only_those_that_need_it():
    with pytest.warns(UserWarning, match="left out: swd: folder mixed"):
        results = evaluate_target("plain", against="mixed", metrics="swd,ms_ssim,fd@random_conv")
    assert [result.metric for result in results] == ["ms_ssim", "fd@random_conv"]


def test_a_folder_that_no_metric_can_be_measured_on_is_one_line():
    with pytest.raises(ZooError, match="swd: folder mixed.*; ms_ssim: folder mixed") as caught:
        evaluate_target("mixed", against="plain", metrics="swd,ms_ssim")
    assert "\n" not in str(caught.value)


def test_the_command_prints_the_others_and_ends_with_status_2():
    done = run("evaluate", "mixed", "--against", "plain", "--metrics", METRICS, "--json", "out.jsonl")
    assert done.exit_code == 2
    assert "fd@random_conv (120)" in done.stdout and "precision@random_conv" in done.stdout
    assert [row["metric"] for row in stamps.read("out.jsonl")] == ["fd@random_conv", "precision@random_conv"]
    said = done.stderr.splitlines()
    assert sum(line.startswith("warning: left out: ") and "0117.png" in line for line in said) == 2
    assert said[-1] == "error: not measured: swd, ms_ssim; the reasons stand above."


def test_pairs_that_fail_leave_the_others(here):
    (here / "plain" / "0119.png").unlink()
    with pytest.warns(UserWarning, match="left out: psnr: compares picture by picture: mixed has 0119.png"):
        results = evaluate_target("mixed", against="plain", metrics="psnr,fd@random_conv")
    assert [result.metric for result in results] == ["fd@random_conv"]


def test_a_floor_that_cannot_be_measured_costs_the_floor_alone():
    rng = np.random.default_rng(1)
    fake, real, rest = (rng.integers(0, 256, (120, side, side, 3)).astype(np.uint8) for side in (16, 16, 20))
    with pytest.warns(UserWarning, match="swd: no floor: .*20x20"):
        results = evaluate(fake, real, Protocol("swd,fd@random_conv"), held_out=evaluation.Arrays(rest))
    found = {result.metric: result.floor for result in results}
    assert found["swd"] is None and found["fd@random_conv"] > 0


# === What is noted ===
@pytest.fixture
def trained(here):
    """A run of one step."""
    experiment = config.load("dcgan_glyphs", ["model.image_shape=[16, 16, 1]", "evaluate.samples=40"], smoke=True)
    place = Run.place(experiment, here / "runs" / "tiny")
    model = zoo.build(experiment)
    model.step.assign(1)
    place.save(model, keep=1)
    return place


def test_results_are_noted_in_the_run(trained):
    with pytest.warns(UserWarning, match="40 samples for"):
        results = evaluate_target(trained.path, metrics="fd@random_conv,ms_ssim")
    rows = stamps.read(trained.path / "evaluations.jsonl")
    assert [row["metric"] for row in rows] == ["fd@random_conv", "ms_ssim"]
    assert rows[0]["value"] == results[0].value and results[0].floor is not None


def test_results_of_a_run_in_a_read_only_place_are_printed_first(trained):
    (trained.path / "evaluations.jsonl").mkdir()  # which nobody can append to, root included
    done = run("evaluate", trained.path, "--metrics", "ms_ssim")
    assert done.exit_code == 0, done.output
    assert "ms_ssim (40)" in done.stdout
    (line,) = [line for line in done.stderr.splitlines() if "evaluations.jsonl" in line]
    assert "the results are not noted in" in line
    assert done.output.index("ms_ssim (40)") < done.output.index("not noted")


def test_a_half_line_neither_glues_nor_loses_results(trained):
    path = trained.path / "evaluations.jsonl"
    evaluate_target(trained.path, metrics="ms_ssim")
    whole = path.read_text()
    path.write_text(whole + whole[:50])  # killed while writing the next
    with pytest.warns(UserWarning):
        evaluate_target(trained.path, metrics="fd@random_conv")
    assert [row["metric"] for row in stamps.read(path)] == ["ms_ssim", "fd@random_conv"]
    assert [json.loads(line)["metric"] for line in path.read_text().splitlines() if line.endswith("}")]


def test_a_half_line_of_any_bytes_is_left_out(trained, capsys):
    evaluate_target(trained.path, metrics="ms_ssim")
    with open(trained.path / "evaluations.jsonl", "ab") as file:
        file.write(b'{"metric": "\xc3')
    assert [row["metric"] for row in stamps.read(trained.path / "evaluations.jsonl")] == ["ms_ssim"]
    assert "line 2: is no result" in capsys.readouterr().err


def test_json_lines_are_not_glued_to_a_half_line_either(here):
    (here / "out.jsonl").write_text('{"metric": "fd')
    done = run("evaluate", "plain", "--metrics", "ms_ssim", "--json", "out.jsonl")
    assert done.exit_code == 0, done.output
    assert [row["metric"] for row in stamps.read("out.jsonl")] == ["ms_ssim"]
