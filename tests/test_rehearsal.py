"""What a dry run says beside its numbers."""

import numpy as np
import pytest
from PIL import Image

from tfgan_zoo import devices, rehearsal, training

LEFT_OUT = "left out", "skipped"


@pytest.fixture
def videos(tmp_path):
    """A folder of two videos, one that is too short and one that cannot be decoded."""
    folder = tmp_path / "videos"
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, count in (("long", 12), ("longer", 20), ("short", 3)):
        first, *others = (Image.fromarray(random.integers(0, 255, (16, 16), dtype="uint8")) for _ in range(count))
        first.save(folder / f"{name}.gif", save_all=True, append_images=others)
    (folder / "broken.gif").write_bytes(b"nothing")
    return folder


def test_what_is_left_out_is_told_once_as_training_tells_it(tmp_path, videos, capsys, caplog, monkeypatch):
    monkeypatch.setattr(devices, "fast_bfloat16", lambda: True)  # so that a second precision is timed
    settings = ["data.source=video", f"data.path={videos}", "data.batch_size=2", "train.steps=1"]

    def said():
        lines = [*capsys.readouterr().err.splitlines(), *(record.getMessage() for record in caplog.records)]
        caplog.clear()
        return [line for line in lines if any(word in line for word in LEFT_OUT)]

    plan = rehearsal.dry_run("vgan_moving", settings, smoke=True)
    rehearsed = said()
    training.train("vgan_moving", settings, smoke=True, run_dir=tmp_path / "run")
    assert rehearsed == said()
    assert len(plan["precisions"]) == 2
    assert len(rehearsed) == 2 and "short.gif (3)" in rehearsed[0] and "broken.gif" in rehearsed[1]
