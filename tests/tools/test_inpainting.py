"""Pictures compared in their holes alone."""

import numpy as np
import pytest
from helpers import source

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.context_encoder import ContextEncoder
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.families.partial_conv import PartialConv
from tools.figures import inpainting


def pictures(count=3, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), np.uint8)


def test_only_what_lies_in_the_hole_counts():
    true, inside = pictures(), np.random.default_rng(1).random((3, 16, 16)) < 0.3
    made = np.where(inside[..., None], pictures(seed=2), true)
    spoilt = np.where(inside[..., None], made, 0)
    found = inpainting.in_holes(true, made, inside)
    errors = [((made[i].astype(float) - true[i]) ** 2)[inside[i]].mean() for i in range(3)]
    assert found["psnr"] == pytest.approx(np.mean([20 * np.log10(255 / e**0.5) for e in errors]))
    off = [np.abs(made[i].astype(float) - true[i])[inside[i]].mean() for i in range(3)]
    assert found["l1"] == pytest.approx(np.mean(off) / 255 * 100)
    other = inpainting.in_holes(true, spoilt, inside)
    assert (other["psnr"], other["l1"]) == (found["psnr"], found["l1"])


def test_sharpness_is_one_for_the_truth_and_none_for_a_flat_filling():
    true, inside = pictures(), np.zeros((3, 16, 16), bool)
    inside[:, 4:12, 4:12] = True
    assert inpainting.in_holes(true, true, inside)["sharpness"] == 1
    flat = inpainting.with_mean(true, inside)
    np.testing.assert_array_equal(flat[~inside], true[~inside])
    np.testing.assert_array_equal(flat[1, 5, 5], np.rint(true[1][~inside[1]].mean(0)))
    assert 0 < inpainting.in_holes(true, flat, inside)["sharpness"] < 0.7  # what is left is at its rim


class Loaded:
    name, class_names = "tiny", None

    def __init__(self, model, data):
        self.model, self.experiment = model, data


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for number, picture in enumerate(pictures()):
        images.save_image(tmp_path / "test" / f"{number}.png", picture)
        images.save_image(tmp_path / "train" / f"{number}.png", picture)
    monkeypatch.setattr(inpainting.config, "override", lambda experiment, _: experiment)
    return type("Experiment", (), {"data": source("folder", path=str(tmp_path))})


def test_holes_of_each_size_are_filled(folder):
    model = PartialConv((16, 16, 3), filters=2, halvings=2, perceptual="random_conv")
    found = inpainting.numbers(Loaded(model, folder), None, "strokes", [0.1, 0.3, 0.6], "test")
    names = [f"{mean}{key}_{size}" for size in ("0.1_0.3", "0.3_0.6") for mean in ("", "mean_") for key in KEYS]
    assert list(found) == names and all(np.isfinite(list(found.values())))
    holes = inpainting.holes_of(model, pictures(), "regions", [0.2, 0.3])["0.2_0.3"]
    np.testing.assert_allclose((holes > 0).mean((1, 2, 3)), 0.25, atol=0.01)


KEYS = ("psnr", "l1", "sharpness")


def test_a_hole_in_the_middle_is_that_of_the_model(folder):
    model = ContextEncoder((16, 16, 3), filters=2, bottleneck=4, overlap=1)
    found = inpainting.numbers(Loaded(model, folder), None, "strokes", [0.1, 0.3], "test")
    assert list(found) == [f"{mean}{key}_center" for mean in ("", "mean_") for key in KEYS]
    true, inside = pictures(), np.zeros((3, 16, 16), bool)
    inside[:, 5:11, 5:11] = True
    expected = inpainting.in_holes(true, inpainting.with_mean(true, inside), inside)
    assert found["mean_l1_center"] == pytest.approx(expected["l1"])


def test_a_model_that_restores_nothing_is_refused(folder):
    with pytest.raises(ZooError, match="tiny: restores no pictures; it can generate"):
        inpainting.numbers(Loaded(DCGAN((16, 16, 3), filters=2), folder), None, "strokes", [0.1, 0.3], "test")
