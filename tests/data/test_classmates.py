"""Pairs of pictures of one class of a TFDS data set."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from helpers import everything, one_line, resumes, source

from tfgan_zoo.data.sources.classmates import mates
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image

CLASSES = 4
PAIR = {"source": Image((6, 6, 1)), "target": Image((6, 6, 1))}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Twenty grey 6 x 6 pictures, each with its number at the top left corner; the class is the number mod 4."""
    folder = tmp_path_factory.mktemp("classmates")
    image = np.zeros((20, 6, 6, 1), np.uint8)
    image[:, 0, 0, 0] = np.arange(20)
    rows = tf.data.Dataset.from_tensor_slices({"image": image, "label": np.arange(20) % CLASSES})
    features = {"image": tfds.features.Image(shape=(6, 6, 1)), "label": tfds.features.ClassLabel(num_classes=CLASSES)}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="zoo_mates",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": rows.take(20), "test": rows.take(9)},
        data_dir=str(folder),
        disable_shuffling=True,
    )
    return lambda **more: source("classmates", name="zoo_mates", data_dir=str(folder), **more)


def numbers(opened, key):
    return everything(opened, key)[:, 0, 0, 0].astype(int)


def test_partners_are_all_others_of_the_class(pairs):
    opened = pairs(partners=4).open({**PAIR, "label": ClassLabel()})
    first, second = numbers(opened, "source"), numbers(opened, "target")
    expected = {(a, b) for a in range(20) for b in range(20) if a != b and (a - b) % CLASSES == 0}
    assert len(first) == opened.num_examples == 80 and set(zip(first, second)) == expected
    np.testing.assert_array_equal(everything(opened, "label"), first % CLASSES)
    assert opened.num_classes == CLASSES and pairs().splits() == ["train", "test"]
    few = pairs(partners=2).open(PAIR)
    assert few.num_examples == 40 and set(zip(numbers(few, "source"), numbers(few, "target"))) < expected
    assert few.facts["fingerprint"] != opened.facts["fingerprint"]


def test_mates_of_classes_of_unlike_size():
    labels = np.array([7, 3, 7, 3, 3, 7, 7])
    found = mates(labels, 3, "x")
    for place, partners in enumerate(found):
        others = set(np.flatnonzero(labels == labels[place])) - {place}
        assert set(partners) == others  # of two others one comes twice
    with pytest.raises(ZooError, match="class 5 of x has one picture"):
        mates(np.array([1, 1, 5]), 2, "x")


def test_runs_resume_and_both_pictures_are_turned_alike(pairs):
    resumes(pairs(transforms=["random_turn"]).open(PAIR))
    opened = pairs(transforms=[{"random_turn": 0.5}], partners=4).open(PAIR)
    corners = set()
    for batch in opened.batches(16).take(5).as_numpy_iterator():
        for one, other in zip(batch["source"], batch["target"]):
            places = [tuple(np.argwhere(picture[..., 0])[0]) for picture in (one, other) if picture.any()]
            assert len(set(places)) <= 1
            corners |= set(places)
    assert corners == {(0, 0), (0, 5), (5, 0), (5, 5)}
    plain = pairs(transforms=["invert", {"random_turn": 0.5}], partners=1).open(PAIR)
    assert (everything(plain, "source")[:, 5, 5] == 255).all(), "evaluation turns nothing"


def test_pairs_that_cannot_be_made(pairs):
    for settings, wanted, message in [
        ({}, {"image": Image((6, 6, 1))}, "classmates has no 'image'"),
        ({}, {**PAIR, "target": Image((8, 8, 1))}, "both pictures have one size"),
        ({"transforms": ["random_crop"]}, PAIR, "there is no random_crop"),
        ({"cache": False}, PAIR, "does not fit in memory"),
        ({"where": {"label": [0, 1]}, "split": "test[:2]"}, PAIR, "has one picture, which has no partner"),
    ]:
        with pytest.raises(ZooError, match=message) as caught:
            pairs(**settings).open(wanted)
        one_line(caught)


def test_omniglot(shared):
    here = source("classmates", name="omniglot", data_dir=str(shared / "data"), transforms=["invert"])
    opened = here.open({"source": Image((28, 28, 1)), "target": Image((28, 28, 1))}, split="test")
    assert opened.num_examples == 13_180 * 19
    rows = opened.rows([0, 13_180, 1])
    assert (rows["source"][0] == rows["source"][1]).all() and (rows["source"][1] != rows["source"][2]).any()
    assert (rows["target"][0] != rows["target"][1]).any()
    assert rows["source"].mean() < 60, "ink is white on black"
