import numpy as np
import pytest
from helpers import everything, one_line, resumes, source

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image, Video

SHAPE = (6, 24, 32, 1)
SPEC = {"video": Video(SHAPE), "mask": Video(SHAPE), "label": ClassLabel(10)}


def opened(spec=SPEC, split="train", **settings):
    return source("moving", **{"size": 12, "side": 10, **settings}).open(spec, split=split)


def test_only_what_the_mask_covers_moves():
    data = opened(SPEC | {"video": Video((6, 24, 32, 3))})
    video, mask = everything(data, "video").astype(int), everything(data, "mask")
    assert video.shape == (12, 6, 24, 32, 3) and set(np.unique(mask)) == {0, 255}
    near = mask.astype(bool)
    for axis in (2, 3):  # characters have soft margins
        near = near | np.roll(near, 1, axis) | np.roll(near, -1, axis)
    still = ~near.any(axis=1)[..., 0]
    assert 0.2 < still.mean() < 0.95
    spread = video.std(axis=1)
    assert np.median(spread[still]) == 0 and (spread[still] > 8).mean() < 0.05
    assert (spread[~still] > 8).mean() > 0.5
    assert mask.any(axis=(2, 3, 4)).all(), "something is there in every frame"


def test_what_moves_stays_inside_and_keeps_its_pace():
    mask = everything(opened(speed=3.0, textured=False, size=20), "mask")[..., 0] > 0
    sizes = mask.sum(axis=(2, 3))
    np.testing.assert_array_equal(sizes, sizes[:, :1].repeat(6, 1), "nothing leaves the clip")
    rows, columns = np.arange(24)[:, None], np.arange(32)
    middles = np.stack([(mask * axis).sum((2, 3)) / sizes for axis in (rows, columns)], -1)
    steps = np.linalg.norm(np.diff(middles, axis=1), axis=2)
    assert steps.max() <= 3 + 2**0.5 and 1 < steps.mean() < 3


def test_backgrounds_are_textured_or_black():
    corner = everything(opened(textured=False), "video")[:, :, :2, :2]
    assert np.median(corner) == 0
    assert everything(opened(), "video")[:, 0].reshape(12, -1).std(1).min() > 5


def test_a_clip_depends_on_its_place_alone():
    few, many = opened(size=5), opened(size=12)
    np.testing.assert_array_equal(everything(few, "video"), everything(many, "video")[:5])
    np.testing.assert_array_equal(everything(opened(split="train[3:5]"), "video"), everything(many, "video")[3:5])
    assert (everything(opened(split="test"), "video") != everything(many, "video")).any()
    resumes(many)


def test_classes_are_those_of_the_characters_and_can_be_chosen():
    data = opened(characters="AB", where={"label": "B"}, size=40)
    assert set(everything(data, "label")) == {1} and data.class_names == ("A", "B") and 5 < data.num_examples < 35


@pytest.mark.parametrize(
    "spec, settings, message",
    [
        (SPEC, {"side": 25}, "data.side=25: the model's clips are 24x32; give 24"),
        ({"image": Image((8, 8, 1))}, {}, "moving data has no 'image'"),
        ({**SPEC, "mask": Video((6, 24, 24, 1))}, {}, "video and mask are Video of one size"),
        (SPEC, {"faces": ["Nowhere"]}, "Nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(spec, settings, message):
    with pytest.raises(ZooError, match=message) as caught:
        opened(spec, **settings)
    one_line(caught)


def test_a_clip_that_jumps_has_two_futures():
    settings = {"size": 40, "textured": False, "jump": 6.0}
    either, left, right = (
        everything(opened(**settings, jump_to=side), "video") for side in ("either", "left", "right")
    )
    plain = everything(opened(size=40, textured=False), "video")
    for other in (either, left, right):
        np.testing.assert_array_equal(other[:, :-1], plain[:, :-1])
    went_left = (either[:, -1] == left[:, -1]).all((1, 2, 3))
    assert (went_left | (either[:, -1] == right[:, -1]).all((1, 2, 3))).all() and 10 < went_left.sum() < 30
    columns = np.arange(32)
    middle = [(clip * columns[:, None]).sum((1, 2, 3)) / clip.sum((1, 2, 3)) for clip in (left[:, -1], right[:, -1])]
    apart = np.round(middle[1] - middle[0])
    assert apart.max() == 12 and (apart == 12).sum() > 15, "twice 6 pixels, where no margin is in the way"
    assert (apart >= 0).all(), "no clip has them the wrong way round"


def test_data_without_a_jump_are_those_of_old():
    """The fingerprint tells that what presets were trained on has not changed."""
    told = [opened(**more).facts["fingerprint"] for more in ({}, {"jump_to": "left"}, {"jump": 1.0})]
    assert told[0] == told[1] != told[2]
