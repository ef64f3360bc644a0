"""Few-shot accuracy with and without generated pictures."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import config
from tfgan_zoo.errors import ZooError
from tools.figures import few_shot


class Augmenting:
    """A model that turns a picture of a class into others of it: the class is the place of a square."""

    name, endpoints = "augmenting", {"augment": None}

    def sample(self, seeds, endpoint, source):
        noise = np.random.default_rng(int(seeds[0])).integers(0, 120, source.shape)
        return tf.constant(np.where(source > 150, 255, noise).astype(np.uint8))


def drawings(classes=4, each=8):
    """Squares at one of four places, among noise of another kind in every picture."""
    random = np.random.default_rng(0)
    pictures = random.integers(0, 120, (classes * each, 12, 12, 1)).astype(np.uint8)
    labels = np.arange(classes * each) % classes
    for picture, label in zip(pictures, labels):
        picture[6 * (label // 2) : 6 * (label // 2) + 4, 6 * (label % 2) : 6 * (label % 2) + 4] = 255
    return pictures, labels + 10


def test_every_arm_learns_and_gains_are_differences():
    settings = {"shots": [2], "classes": 4, "subsets": 1, "generated": 2, "steps": 50}
    found = few_shot.accuracies(Augmenting(), *drawings(), **settings)
    assert set(found) == {f"{name}_2" for name in (*few_shot.ARMS, "gain", "gain_error")}
    assert found["gain_2"] == pytest.approx(found["augment_2"] - found["real_2"])
    assert min(found["real_2"], found["augment_2"]) > 0.6, "a quarter is chance"


def test_an_arm_begins_anew_each_time():
    pictures, labels = drawings()
    learner = few_shot.Learner((12, 12, 1), 4)
    same = [learner.accuracy(pictures[:8], labels[:8] - 10, pictures[8:], labels[8:] - 10, 3, 0) for _ in range(2)]
    assert same[0] == same[1]


def test_moved_and_flagged_pictures():
    pictures = np.random.default_rng(0).integers(0, 256, (50, 9, 8, 1)).astype(np.uint8)
    moved = few_shot.moved(pictures, np.random.default_rng(0))
    assert moved.shape == pictures.shape and not all((a == b).all() for a, b in zip(moved, pictures))
    assert all(any((picture[y : y + 3, x : x + 2] == part[3:6, 3:5]).all() for y in range(7) for x in range(7))
               for picture, part in zip(pictures, moved))  # fmt: skip
    flagged = few_shot.flagged(pictures[:2], np.array([0.0, 1.0]))
    assert flagged.shape == (2, 9, 8, 2) and flagged[..., 0].max() <= 1
    assert (flagged[0, ..., 1] == 0).all() and (flagged[1, ..., 1] == 1).all()


def test_what_cannot_be_compared_is_refused():
    settings = {"classes": 4, "subsets": 1, "generated": 1, "steps": 1}
    with pytest.raises(ZooError, match="4 classes, some of 8 pictures"):
        few_shot.accuracies(Augmenting(), *drawings(), shots=[8], **settings)
    model = Augmenting()
    model.endpoints = {"generate": None}
    with pytest.raises(ZooError, match="can generate; a model that can augment"):
        few_shot.accuracies(model, *drawings(), shots=[1], **settings)
    with pytest.raises(ZooError, match="trains on synthetic data"):
        few_shot.singles(config.load("dagan_omniglot", smoke=True), None)


def test_omniglots_other_alphabets(shared):
    pictures, labels = few_shot.singles(config.load("dagan_omniglot"), str(shared / "data"))
    assert pictures.shape == (13_180, 28, 28, 1) and len(np.unique(labels)) == 659
    assert pictures.mean() < 60, "ink is white, as in training"
