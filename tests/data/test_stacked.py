"""Three pictures of a TFDS data set as the channels of one."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from helpers import everything, one_line, resumes, source, spec

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel

CLASSES = 4


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    """Twenty grey 6 x 6 pictures, each filled with ten times its number; the class is the number mod 4."""
    folder = tmp_path_factory.mktemp("stacked")
    number = np.arange(20, dtype=np.uint8)
    image = np.array(np.broadcast_to(10 * number[:, None, None, None], (20, 6, 6, 1)))
    rows = tf.data.Dataset.from_tensor_slices({"image": image, "label": number.astype(np.int64) % CLASSES})
    features = {"image": tfds.features.Image(shape=(6, 6, 1)), "label": tfds.features.ClassLabel(num_classes=CLASSES)}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="zoo_grey",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": rows.take(20), "test": rows.take(5)},
        data_dir=str(folder),
        disable_shuffling=True,
    )
    return lambda **more: source("stacked", name="zoo_grey", data_dir=str(folder), **{"size": 500, **more})


def classes_of(pictures):
    """The classes that the channels have."""
    return pictures[:, 0, 0].astype(int) // 10 % CLASSES


def test_labels_are_the_number_that_the_channels_write(stacks):
    here = stacks()
    opened = here.open(spec((6, 6, 3)))
    pictures, labels = everything(opened), everything(opened, "label")
    assert pictures.shape == (500, 6, 6, 3) and labels.dtype == np.int32
    red, green, blue = classes_of(pictures).T
    np.testing.assert_array_equal(labels, red * 16 + green * 4 + blue)
    assert opened.num_classes == here.knows()["num_classes"] == 64 and here.splits() == ["train", "test"]
    assert len(set(labels.tolist())) == 64  # every mode
    assert len({tuple(row) for row in pictures[:, 0, 0]}) > 450  # the channels are drawn apart
    assert everything(stacks(transforms=["invert"]).open(spec((6, 6, 3))))[0, 0, 0, 0] == 255 - pictures[0, 0, 0, 0]


def test_two_places_of_one_number_agree(stacks):
    opened = stacks().open(spec((6, 6, 3)))
    rows = opened.rows([7, 3, 7])
    for values in rows.values():
        np.testing.assert_array_equal(values[0], values[2])
    np.testing.assert_array_equal(rows["image"], everything(opened)[[7, 3, 7]])
    few = stacks(size=20).open(spec((6, 6, 3)))  # stack i does not depend on how many there are
    np.testing.assert_array_equal(everything(few), everything(opened)[:20])
    other = everything(stacks(seed=1).open(spec((6, 6, 3))))
    assert (other[:20] != everything(few)).any()


def test_runs_resume_and_every_epoch_shows_each_stack_once(stacks):
    opened = stacks(size=30, transforms=["random_flip"]).open(spec((6, 6, 3)))
    resumes(opened)
    seen = np.concatenate([batch["image"][:, 0, 0] for batch in opened.batches(10).take(3).as_numpy_iterator()])
    assert sorted(map(tuple, seen.tolist())) == sorted(map(tuple, everything(opened)[:, 0, 0].tolist()))
    assert opened.facts["fingerprint"] != stacks(size=30, seed=1).open(spec((6, 6, 3))).facts["fingerprint"]


def test_where_chooses_among_single_pictures(stacks):
    pictures = everything(stacks(where={"label": [0, 3]}).open(spec((6, 6, 3), label=False)))
    assert set(classes_of(pictures).ravel().tolist()) == {0, 3}
    only = stacks().open({"label": ClassLabel()})
    np.testing.assert_array_equal(everything(only, "label"), everything(stacks().open(spec((6, 6, 3))), "label"))


def test_stacks_that_cannot_be_made(stacks):
    for settings, wanted, message in [
        ({}, spec((6, 6, 1)), r"the model wants Image \(6, 6, 1\); stacks have 3 channels"),
        ({"cache": False}, spec((6, 6, 3)), "does not fit in memory"),
        ({"transforms": ["random_crop"]}, spec((6, 6, 3)), "stacked pictures have no random_crop"),
        ({}, {**spec((6, 6, 3)), "audio": Audio((4, 1))}, "stacked has no 'audio'"),
        ({"split": "tran"}, spec((6, 6, 3)), "did you mean 'train'"),
    ]:
        with pytest.raises(ZooError, match=message) as caught:
            stacks(**settings).open(wanted)
        one_line(caught)


def test_stacked_mnist(shared):
    here = source("stacked", name="mnist", data_dir=str(shared / "data"), split="test", size=3000)
    opened = here.open(spec((28, 28, 3)))
    assert opened.num_classes == 1000 and len(np.unique(everything(opened, "label"))) > 900
