"""Flicker and motion of videos, against what was put into them."""

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.clips import Flicker, SquaredError


def videos(amplitude, moving, count=6):
    """Grey videos of 10 frames and 8x8 pixels: some rows jump from black to white, the others by `amplitude`."""
    made = np.full((count, 10, 8, 8, 1), 128, np.uint8)
    made[:, ::2] += np.uint8(amplitude)
    made[:, ::2, :moving], made[:, 1::2, :moving] = 255, 0
    return made


def measured(real, fake, parts=1):
    metrics = []
    for theirs, ours in zip(np.array_split(real, parts), np.array_split(fake, parts), strict=True):
        metrics.append(Flicker())
        metrics[-1].update(real=theirs, fake=ours)
    for other in metrics[1:]:
        metrics[0].merge(other)
    return {name: value.value for name, value in metrics[0].result().items()}


@pytest.mark.parametrize("parts", [1, 3])
def test_numbers_are_those_put_in(parts):
    found = measured(videos(0, moving=2), videos(8, moving=4), parts)
    assert found["flicker"] == pytest.approx(4 / 255)  # half of a jump of 8
    assert found["motion_gap"] == pytest.approx(0.25)
    assert measured(videos(0, 2), videos(0, 2)) == {"flicker": 0.0, "motion_gap": 0.0}


@pytest.mark.parametrize(
    "rows", [np.zeros((2, 8, 8, 1), np.uint8), np.zeros((2, 4, 4, 4, 1)), np.zeros((1, 1, 2, 2, 1), "uint8")]
)
def test_other_data_are_refused(rows):
    with pytest.raises(ZooError, match="takes videos"):
        Flicker().update(real=rows)


def test_squared_errors_are_summed_over_a_video():
    real, fake = videos(0, 2), videos(0, 2)
    fake[:, -1, 0, 0] += 51  # one pixel of the last frame, by a fifth of the range
    metric = SquaredError()
    metric.update(real=real[:4], fake=fake[:4])
    metric.update(real=real[4:], fake=real[4:])
    (value,) = metric.result().values()
    assert value.value == pytest.approx(0.2**2 * 4 / 6) and value.deviation > 0
    with pytest.raises(ZooError, match="takes videos"):
        metric.update(real=real / 255, fake=fake / 255)
