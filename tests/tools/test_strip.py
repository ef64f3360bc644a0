"""The strip of enlarged pictures beside their originals."""

import numpy as np
import pytest
from click.testing import CliRunner
from families.contracts import make

from tfgan_zoo import images
from tools import strip


@pytest.fixture
def folder(tmp_path):
    """Two grey pictures, each with one square of stripes."""
    for number, (top, left) in enumerate([(0, 16), (16, 24)]):
        picture = np.full((40, 44, 3), 90, np.uint8)
        picture[top : top + 16 : 2, left : left + 16] = 250
        images.save_image(tmp_path / "in" / f"{number}.png", picture)
    return tmp_path / "in"


def test_a_row_holds_bicubic_the_answers_and_the_original(folder, tmp_path):
    model = make("srgan")
    model.save(tmp_path / "model.keras")
    arguments = ["in", str(tmp_path / "model.keras"), "--side", "16", "--scale", "1", "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(strip.main, [*arguments, "--out", str(tmp_path / "strip.png")])
    assert result.exit_code == 0, result.output
    assert images.decode(tmp_path / "strip.png").shape == (2 * 18 + 2, 3 * 18 + 2, 3)
    rows = strip.rows(str(folder), (str(tmp_path / "model.keras"),), 16, None, None)
    for number, (top, left) in enumerate([(0, 16), (16, 24)]):
        truth = images.decode(folder / f"{number}.png")
        np.testing.assert_array_equal(rows[number][2], truth[top : top + 16, left : left + 16])
        small = images.scale(truth, 10, 11)
        bicubic = images.scale(small, 40, 44)[top : top + 16, left : left + 16]
        np.testing.assert_array_equal(rows[number][0], bicubic)
        (answer,) = model.sample([0], endpoint="upscale", low_res=small[None]).numpy()
        np.testing.assert_allclose(rows[number][1].astype(int), answer[top : top + 16, left : left + 16], atol=1)
    assert len(strip.rows(str(folder), (str(tmp_path / "model.keras"),), 16, 1, None)) == 1


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["nowhere", "model.keras"], "no such folder"),
        (["in", "model.keras", "--side", "64"], "give larger ones"),
        (["in", "other.keras"], "compares pairs"),
    ],
)
def test_refusals_are_one_line(folder, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    make("srgan").save("model.keras")
    make("gan").save("other.keras")
    result = CliRunner().invoke(strip.main, [*arguments, "--out", "strip.png"])
    assert result.exit_code == 2 and told in result.output and not (tmp_path / "strip.png").exists()
