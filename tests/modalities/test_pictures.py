"""Pictures, masks, moving pictures and solids: forms, files, pictures for people."""

import numpy as np
import pytest
import tensorflow as tf
from modalities.checks import check_example, check_files, check_forms, check_picture, made_up, refusal
from PIL import Image as Pillow

from tfgan_zoo.modalities import Image, Mask, Video, Voxels

ALL_BYTES = np.arange(256, dtype=np.uint8)


# === Pictures ===
@pytest.mark.parametrize("shape", [(8, 6, 1), (8, 6, 3), (28, 28, 1), (5, 7, 3)])
def test_images(shape, tmp_path):
    kind = Image(shape)
    check_example(kind, shape)
    check_files(kind, made_up(kind), tmp_path)
    np.testing.assert_array_equal(check_picture(kind, made_up(kind)), made_up(kind))
    for suffix in (".bmp", ".tiff", ".webp") if shape[2] == 3 else (".bmp", ".tiff"):
        assert suffix in kind.suffixes


def test_every_byte_comes_back():
    check_forms(Image((16, 16, 1)), ALL_BYTES.reshape(1, 16, 16, 1), low=-1, high=1)


def test_what_networks_overdo_is_clipped():
    made = tf.constant([-3.0, -1.0, 0.0, 1.0, 3.0], shape=(1, 5, 1, 1))
    assert Image((5, 1, 1)).to_stored(made).numpy().ravel().tolist() == [0, 0, 128, 255, 255]
    half = tf.cast(made, tf.bfloat16)
    assert Image((5, 1, 1)).to_stored(half).dtype == tf.uint8


def test_pictures_are_brought_to_the_shape(tmp_path):
    Pillow.fromarray(np.full((40, 20, 3), (255, 0, 0), np.uint8)).save(tmp_path / "red.png")
    (picture,) = Image((8, 8, 3)).read(tmp_path / "red.png")
    assert picture.shape == (40, 20, 3)
    assert (Image((8, 8, 3)).fit(picture) == (255, 0, 0)).all()
    grey = Image((8, 4, 1)).fit(picture)
    assert grey.shape == (8, 4, 1) and (grey == 76).all()  # 0.299 of 255
    assert Image((None, None, 3)).fit(picture).shape == (40, 20, 3)
    assert made_up(Image((None, None, 1)), 2).shape == (2, 16, 16, 1)


def test_other_pictures_are_refused(tmp_path):
    kind = Image((8, 8, 3))
    (tmp_path / "a.png").write_bytes(b"no picture")
    assert "a.png: cannot be read as a picture" in refusal(kind.read, tmp_path / "a.png")
    assert "missing.png: cannot be read" in refusal(kind.read, tmp_path / "missing.png")
    assert "got an array of shape (8, 8, 1) where Image (8, 8, 3) is wanted" in refusal(kind.given, np.zeros((8, 8, 1)))
    for wrong in (np.full((8, 8, 3), 0.5), np.full((8, 8, 3), 256), np.full((8, 8, 3), -1), np.full((8, 8, 3), np.nan)):
        assert "where uint8 without fractions are wanted" in refusal(kind.given, wrong)
    assert kind.given(np.full((2, 8, 8, 3), 7)).dtype == np.uint8
    for shape in ((8, 8), (8, 8, 2), (8, 8, 3, 1)):
        assert f"an image has shape {shape}: it must be (height, width, 1 or 3)" in refusal(Image, shape)


# === Masks ===
def test_masks(tmp_path):
    kind, shape = Mask((8, 6, 1)), (8, 6, 1)
    check_example(kind, shape)
    check_forms(kind, made_up(kind), low=0, high=1)
    check_files(kind, made_up(kind), tmp_path)
    check_picture(kind, made_up(kind))
    assert set(np.unique(made_up(kind))) == {0, 255}


def test_what_is_inside_a_mask():
    grey = np.uint8([0, 127, 128, 255]).reshape(1, 4, 1, 1)
    assert Mask((4, 1, 1)).to_model(tf.constant(grey)).numpy().ravel().tolist() == [0, 0, 1, 1]
    made = tf.constant([0.0, 0.49, 0.5, 1.0], shape=(1, 4, 1, 1))
    assert Mask((4, 1, 1)).to_stored(made).numpy().ravel().tolist() == [0, 0, 255, 255]
    given = Mask((4, 1, 1)).given(np.array([True, False, True, True]).reshape(4, 1, 1))
    assert given.ravel().tolist() == [255, 0, 255, 255] and given.dtype == np.uint8
    assert "a mask of 0 and 1" in refusal(Mask((4, 1, 1)).given, np.ones((4, 1, 1)))  # which would be all outside


# === Moving pictures ===
@pytest.mark.parametrize("channels", [1, 3])
def test_videos(channels, tmp_path):
    kind, shape = Video((5, 8, 6, channels)), (5, 8, 6, channels)
    check_example(kind, shape)
    check_files(kind, made_up(kind), tmp_path)
    assert check_picture(kind, made_up(kind)).shape == (3, 8, 5 * 6, channels)
    with Pillow.open(tmp_path / "all.gif") as together:
        assert together.n_frames == 5


def test_every_byte_of_a_video_comes_back():
    check_forms(Video((4, 8, 8, 1)), ALL_BYTES.reshape(1, 4, 8, 8, 1), low=-1, high=1)


def test_a_film_strip_runs_from_the_first_frame_to_the_last():
    frames = np.arange(20, dtype=np.uint8)[None, :, None, None, None] * np.ones((1, 20, 2, 2, 1), np.uint8)
    strip = Video((20, 2, 2, 1)).picture(frames)
    assert strip.shape == (1, 2, 8 * 2, 1)
    shown = strip[0, 0, ::2, 0].tolist()
    assert shown[0] == 0 and shown[-1] == 19 and shown == sorted(set(shown))


def test_videos_are_brought_to_their_length_and_size():
    frames = made_up(Video((5, 8, 6, 3)), 1)[0]
    short = Video((3, 8, 6, 3)).fit(frames)
    np.testing.assert_array_equal(short, frames[:3])
    long = Video((7, 8, 6, 3)).fit(frames)
    np.testing.assert_array_equal(long[:5], frames)
    assert (long[5:] == frames[-1]).all()
    assert Video((5, 4, 4, 1)).fit(frames).shape == (5, 4, 4, 1)
    assert Video((None, 8, 6, 3)).fit(frames).shape == frames.shape


def test_other_videos_are_refused(tmp_path):
    kind = Video((5, 8, 6, 3))
    (tmp_path / "a.gif").write_bytes(b"GIF89a and no more")
    assert "a.gif: cannot be read as an animation" in refusal(kind.read, tmp_path / "a.gif")
    assert "where Video (5, 8, 6, 3) is wanted" in refusal(kind.given, np.zeros((8, 6, 3), np.uint8))
    assert "without fractions" in refusal(kind.given, np.full((5, 8, 6, 3), 0.5))


# === Solids ===
def test_voxels(tmp_path):
    kind, shape = Voxels((4, 6, 5, 1)), (4, 6, 5, 1)
    check_example(kind, shape)
    check_forms(kind, made_up(kind), low=0, high=1)
    check_files(kind, made_up(kind), tmp_path)
    assert check_picture(kind, made_up(kind)).shape == (3, 6, 5 + 5 + 6, 1)
    made = tf.constant([0.4, 0.6], shape=(1, 1, 1, 2, 1))
    assert Voxels((1, 1, 2, 1)).to_stored(made).numpy().ravel().tolist() == [0, 1]


def test_a_solid_is_seen_from_three_sides():
    solid = np.zeros((1, 4, 4, 4, 1), np.uint8)
    solid[0, 0, 1, 2] = 1  # near in depth, so white from the front
    solid[0, 3, 1, 3] = 1
    views = Voxels((4, 4, 4, 1)).picture(solid)[0, :, :, 0]
    front, top, side = views[:, :4], views[:, 4:8], views[:, 8:]
    assert front[1, 2] == 255 and 0 < front[1, 3] < 255 and (front > 0).sum() == 2
    assert (top > 0).sum() == 2 and (side > 0).sum() == 2 and side[0, 1] > 0 and top[0, 2] > 0


def test_other_voxels_are_refused(tmp_path):
    kind = Voxels((2, 2, 2, 1))
    assert "where Voxels (2, 2, 2, 1) is wanted" in refusal(kind.given, np.zeros((2, 2, 1)))
    assert "voxels up to 255 where 0 and 1 are wanted" in refusal(kind.given, np.full((2, 2, 2, 1), 255))
    assert kind.given(np.ones((2, 2, 2, 1), bool)).dtype == np.uint8
    np.save(tmp_path / "a.npy", np.zeros((3, 2, 2, 1), np.uint8))
    assert "a.npy" in refusal(kind.read, tmp_path / "a.npy")
