"""The curve of truncation against diversity."""

import json

import pytest
from click.testing import CliRunner
from helpers import untrained_run

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tools.figures import measured, truncation


def test_a_run_is_measured_at_each_truncation_and_shown(tmp_path, monkeypatch):
    fitted = []
    monkeypatch.setattr(truncation, "standing_statistics", lambda model, at: fitted.append(at))
    monkeypatch.setattr(measured, "RESULTS", tmp_path / "reproduced")
    untrained_run(tmp_path / "run", "dcgan_glyphs")
    chosen = ["--metrics", "prdc@random_conv,fd@random_conv", "--axes", "recall@random_conv,fd@random_conv"]
    arguments = ["curve", str(tmp_path / "run"), *chosen, "--at", "2,0.5", "--num", "16", "--out", str(tmp_path)]
    done = CliRunner().invoke(truncation.main, arguments)
    assert done.exit_code == 0, done.output
    assert fitted == [2, 0.5]
    found = json.loads((tmp_path / "reproduced" / "curve.json").read_text())["mean"]
    assert {"precision@random_conv at 2", "recall@random_conv at 0.5"} < set(found)
    assert found["fd@random_conv at 2"] != found["fd@random_conv at 0.5"]
    assert images.decode(tmp_path / "curve.png").shape[2] == 3


@pytest.mark.parametrize("at", ["", "2;1", "0,1", "inf", "nan"])
def test_truncations_that_are_none_are_refused(at):
    with pytest.raises(ZooError, match="numbers above 0"):
        truncation.parsed(at)


@pytest.mark.parametrize(("axes", "said"), [("fid768", "give two of fid768, recall768"), ("fid768,recal", "recall768")])
def test_axes_that_were_not_measured_are_refused(tmp_path, axes, said):
    with pytest.raises(ZooError, match=said):
        truncation.plot(tmp_path / "x.png", {"fid768 at 1": 3.0, "recall768 at 1": 0.5}, [1.0], axes)
