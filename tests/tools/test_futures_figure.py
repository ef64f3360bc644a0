"""Two futures: known answers have known numbers, and a run is measured on the clips of both."""

import numpy as np
import pytest
from helpers import untrained_run

from tfgan_zoo import zoo
from tfgan_zoo.errors import ZooError
from tools.figures import futures


@pytest.fixture
def frames():
    """Both futures of 40 clips: a white square to the left or to the right on black."""
    left = np.zeros((40, 12, 12, 1), np.uint8)
    left[:, 4:8, 1:5] = 255
    return left, left[:, :, ::-1]


def test_the_mean_of_both_futures_has_the_least_error_and_is_near_to_none(frames):
    left, right = frames
    came = np.where(np.arange(40)[:, None, None, None] % 2, left, right)
    blurred = futures.compared(np.full_like(left, 0) + (left // 2 + right // 2), came, left, right)
    chosen = futures.compared(right, came, left, right)
    apart = 2 * 16  # pixels that differ
    assert blurred["nearest"] == pytest.approx(apart / 4, rel=0.02) == pytest.approx(blurred["error"], rel=0.02)
    assert blurred["nearest_of_middle"] == chosen["nearest_of_middle"] == apart / 4
    assert chosen["nearest"] == 0 and chosen["error"] == apart / 2 and chosen["middle"] == apart / 4
    assert blurred["middle"] < 0.01 and blurred["decided"] == 0 and blurred["to_the_right"] == 0.5
    assert chosen["decided"] == chosen["to_the_right"] == 1 and chosen["sharpness"] == 1 > blurred["sharpness"]


def test_a_run_is_measured_on_both_futures(tmp_path):
    data = ["data.source=moving", "data.textured=false", "data.side=8", "data.size=8"]
    loaded = zoo.loaded(untrained_run(tmp_path / "run", "next_frame_moving", *data, "data.jump=4"))
    either, left, right = (futures.clips(loaded, side, 30) for side in ("either", "left", "right"))
    assert either.shape == (30, 5, 16, 16, 1) and (left[:, :-1] == right[:, :-1]).all()
    found = futures.scores(loaded, 30)
    assert found["nearest"] <= found["error"] and found["nearest_of_middle"] > 1
    plain = zoo.loaded(untrained_run(tmp_path / "plain", "next_frame_moving", *data))
    with pytest.raises(ZooError, match="one future"):
        futures.scores(plain, 30)
