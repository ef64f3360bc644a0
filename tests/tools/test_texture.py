"""Numbers of textures of several sizes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tfgan_zoo import images, training
from tfgan_zoo.errors import ZooError
from tools.figures import measured, texture


def stripes(count, side, period=8):
    rows = (127 + 90 * np.sin(2 * np.pi * np.arange(side) / period)).astype(np.uint8)
    return np.broadcast_to(rows[None, :, None, None], (count, side, side, 3)).copy()


def test_parts_lie_side_by_side():
    picture = np.random.default_rng(0).integers(0, 256, (2, 21, 32, 3), np.uint8)
    cut = texture.parts(picture, (10, 16))
    assert cut.shape == (8, 10, 16, 3)
    np.testing.assert_array_equal(cut[1], picture[0, :10, 16:])
    np.testing.assert_array_equal(cut[6], picture[1, 10:20, :16])
    with pytest.raises(ZooError, match="no period"):
        texture.repetition(np.full((2, 8, 8, 1), 3, np.uint8), picture)


def test_repetition_far_away():
    kept = texture.repetition(stripes(2, 32), stripes(1, 160))
    assert kept["period_pixels"] == 8 and min(kept["period_large"], kept["period_far"]) > 0.9
    drifting = np.sin(2 * np.pi * np.arange(160) / 8 + 0.3 * np.random.default_rng(0).normal(size=160).cumsum())
    lost = np.broadcast_to((127 + 90 * drifting).astype(np.uint8)[None, :, None, None], (1, 160, 160, 3))
    assert texture.repetition(stripes(2, 32), lost)["period_far"] < 0.5


def test_a_run_is_measured_and_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "RESULTS", tmp_path / "reproduced")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)).save(tmp_path / "a.png")
    data = ["data.source=texture", f"data.path={tmp_path}/a.png"]
    training.train("sgan_texture_water", data, smoke=True, run_dir=tmp_path / "water" / "seed-0")
    arguments = ["water", "--num", "8", "--runs", str(tmp_path), "--out", str(tmp_path / "figures")]
    done = CliRunner().invoke(texture.main, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "reproduced/water_size.json").read_text())["mean"]
    assert set(found) >= {"swd_small", "swd_large", "swd_real", "swd_noise", "seam_plain", "seam_tile", "alike"}
    assert found["swd_real"] < found["swd_small"], "an untrained network makes no noise"
    assert images.decode(tmp_path / "figures/water_tiles.png").shape == (64, 64, 3)
