"""Translated facades judged by a segmenter of real ones."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import source

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image
from tools.figures import facades


def labels(count, side=64, seed=0):
    """Maps of classes in squares of 4 pixels: int (n, side, side)."""
    return np.random.default_rng(seed).integers(0, 12, (count, side // 4, side // 4)).repeat(4, 1).repeat(4, 2)


def drawn(classes):
    """A map of classes (64, 64) as a label map that JPEG has blurred: uint8 (256, 256, 3)."""
    noise = np.random.default_rng(1).integers(-12, 13, (256, 256, 3))
    return np.clip(facades.COLOURS[classes].repeat(4, 0).repeat(4, 1) + noise, 0, 255).astype(np.uint8)


PLAIN = np.array([2, 0, 9])[:, None, None] + np.zeros((3, 64, 64), int)


@pytest.fixture
def folder(tmp_path):
    """Three pairs of one class each, which the photograph's grey tells."""
    for number, classes in enumerate(PLAIN):
        photograph = (classes * 20).astype(np.uint8).repeat(4, 0).repeat(4, 1)[..., None].repeat(3, 2)
        pair = np.concatenate([photograph, drawn(classes)], axis=1)
        images.save_image(tmp_path / "test" / f"{number}.png", pair)
        images.save_image(tmp_path / "train" / f"{number}.png", pair)
    return tmp_path


def test_classes_are_the_nearest_colours():
    for classes in labels(2):
        np.testing.assert_array_equal(facades.classes(drawn(classes), 64), classes)
        np.testing.assert_array_equal(facades.classes(drawn(classes), 16), classes[::4, ::4])


def test_agreement_is_that_of_the_fcn_score():
    wanted, seen = np.array([0, 0, 0, 3, 3, 7]), np.array([0, 0, 3, 3, 7, 7])
    found = facades.agreement(seen, wanted)
    assert found["pixel_accuracy"] == pytest.approx(4 / 6)
    assert found["class_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found["mean_iou"] == pytest.approx((2 / 3 + 1 / 3 + 1 / 2) / 3)


class Judge:
    """Reads the class off the grey."""

    def predict(self, pictures, **_):
        grey = np.rint((pictures[..., :1] + 1) * 127.5 / 20)
        return -np.abs(grey - np.arange(12))


class Loaded:
    """A run whose model answers in one grey."""

    class model:
        image_shape = (64, 64, 3)

        @staticmethod
        def sample(seeds, endpoint, source):
            return tf.zeros_like(source)


def test_a_run_is_measured_beside_the_real_photographs(folder):
    pairs = source("paired", path=str(folder), side="right")
    found = facades.scores_of_run(Loaded, pairs, Judge(), "")
    assert found["real_pixel_accuracy"] == found["real_mean_iou"] == 1
    assert found["l1"] == pytest.approx((PLAIN * 20).mean() / 2.55)
    assert found["pixel_accuracy"] == found["class_accuracy"] == pytest.approx(1 / 3)
    assert found["mean_iou"] == pytest.approx(1 / 9)


def test_the_segmenter_learns_and_is_kept(folder, tmp_path):
    pairs = source("paired", path=str(folder), side="right")
    file = tmp_path / "segmenter.keras"
    first, second = (facades.segmenter_of(pairs, (16, 16, 3), file, 1) for _ in range(2))
    pictures = np.zeros((1, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(facades.named(first, pictures), facades.named(second, pictures))
    with pytest.raises(ZooError, match="sides that divide 256"):
        facades.segmenter_of(pairs, (24, 24, 3), None, 1)


def test_maps_and_photographs_belong_together(folder):
    pairs = source("paired", path=str(folder), side="right")
    maps, photographs, classes = facades.pairs(pairs, "test", Image((64, 64, 3)).shape)
    np.testing.assert_array_equal(classes, PLAIN)
    np.testing.assert_array_equal(photographs[..., 0], PLAIN * 20)
    assert maps.shape == photographs.shape
