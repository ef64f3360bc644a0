"""Balls that bounce: the laws of motion that they keep, and the clips made of them."""

import numpy as np
import pytest
from helpers import everything, one_line, resumes, source

from tfgan_zoo.data.sources import balls
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image, Video

SPEC = {"video": Video((12, 30, 30, 1))}


def test_speed_is_kept_and_nothing_leaves_the_box():
    seen = balls.ways(np.arange(40), 0, 60, 3)
    slack = balls.SPEED / balls.PARTS  # how far a ball may get into a wall before it is seen
    assert seen.min() > balls.RADIUS - slack and seen.max() < balls.BOX - balls.RADIUS + slack
    steps = np.linalg.norm(np.diff(seen, axis=1), axis=(2, 3))
    assert steps.max() < balls.SPEED + 1e-9 and np.median(steps) == pytest.approx(balls.SPEED)
    apart = [np.linalg.norm(seen[:, :, i] - seen[:, :, j], axis=-1) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert np.min(apart) > 2 * balls.RADIUS - 2 * slack and (np.min(apart, axis=(0, 2)) < 2 * balls.RADIUS).sum() > 5


def test_momentum_and_energy_outlast_a_collision():
    position = np.array([[[3.0, 3.0], [5.0, 4.0], [8.0, 8.0]]])
    velocity = np.array([[[0.3, 0.1], [-0.2, 0.0], [0.0, 0.1]]])
    after = balls.bounced(position, velocity)
    np.testing.assert_allclose(after.sum(axis=1), velocity.sum(axis=1))
    np.testing.assert_allclose((after**2).sum(), (velocity**2).sum())
    assert (after[0, :2] != velocity[0, :2]).all() and (after[0, 2] == velocity[0, 2]).all()
    wall = balls.bounced(np.array([[[0.5, 9.5]]]), np.array([[[-0.3, 0.4]]]))
    np.testing.assert_allclose(wall, [[[0.3, -0.4]]])


def test_clips_show_the_balls():
    opened = source("balls", size=6).open(SPEC)
    video = everything(opened, "video")
    assert video.shape == (6, 12, 30, 30, 1) and video.dtype == np.uint8
    inside = np.pi * balls.RADIUS**2 * 9 * 3  # pixels: three to a length
    np.testing.assert_allclose((video / 255).sum((2, 3, 4)), inside, rtol=0.15)
    down, right = balls.ways(np.array([4]), 0, 12, 3)[0, 7, 0] * 3  # 30 pixels for 10 lengths
    assert video[4, 7, round(down), round(right)] == 255
    still = np.abs(np.diff(video.astype(int), axis=1)).sum((2, 3, 4))
    assert (still > 0).all(), "something moves from each frame to the next"


def test_a_clip_depends_on_its_place_alone():
    few, many = source("balls", size=3).open(SPEC), source("balls", size=9).open(SPEC)
    np.testing.assert_array_equal(everything(few, "video"), everything(many, "video")[:3])
    part = source("balls", size=9, split="train[4:6]").open(SPEC)
    np.testing.assert_array_equal(everything(part, "video"), everything(many, "video")[4:6])
    assert (everything(source("balls", size=3).open(SPEC, split="test"), "video") != everything(few, "video")).any()
    resumes(many)
    facts = [source("balls", **more).open(SPEC).facts["fingerprint"] for more in ({}, {"objects": 2}, {"seed": 1})]
    assert len(set(facts)) == 3


def test_five_balls_find_room_and_other_data_are_refused():
    assert everything(source("balls", size=4, objects=5).open(SPEC), "video").shape == (4, 12, 30, 30, 1)
    with pytest.raises(ZooError, match="balls data has no 'image'") as caught:
        source("balls").open({"image": Image((8, 8, 1))})
    one_line(caught)
