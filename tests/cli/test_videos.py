"""A folder of GIFs, from the command line: a model is trained on it, and continues another GIF."""

import json

import numpy as np
import pytest
from helpers import run

from tfgan_zoo import images

TINY = ["model.image_shape=[8,8,1]", "model.scales=2", "model.filters=2", "model.restore_steps=1", "model.ahead=3"]


def moving(count, speed):
    """A bright column that moves to the right."""
    frames = np.zeros((count, 8, 10, 1), np.uint8)
    frames[np.arange(count), :, np.arange(count) * speed % 10] = 200
    return list(frames)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        images.save_gif(f"gifs/{number}.gif", moving(8, number + 1))
    (tmp_path / "gifs" / "broken.gif").write_bytes(b"GIF89a")
    return tmp_path


def test_a_model_learns_from_gifs_and_continues_one(here):
    asked = ["data.source=video", "data.path=gifs", "data.batch_size=2", "train.steps=2", "train.samples=2", *TINY]
    done = run("train", "next_frame_moving", *asked, "--out", "run")
    assert done.exit_code == 0, done.output
    facts = json.loads((here / "run" / "data.json").read_text())
    assert facts["examples"] == 4 and facts["skipped"] == {"count": 1, "names": ["broken.gif"]}
    real = images.decode(here / "run" / "samples" / "real.png")
    assert np.ptp(real) > 150  # the columns are there
    done = run("translate", "run", "gifs/2.gif", "longer.gif", "--endpoint", "predict")
    assert done.exit_code == 0, done.output
    before, after = (images.decode_frames(here / name) for name in ("gifs/2.gif", "longer.gif"))
    assert len(after) == len(before) + 3
    np.testing.assert_allclose(after[:8, :, :, 0], np.stack(moving(8, 3))[:, :, 1:9, 0], atol=2)
