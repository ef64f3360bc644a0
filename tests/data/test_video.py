"""Folders of videos: animated files and folders of frames, cut to clips."""

import json
import logging
import os

import numpy as np
import pytest
from helpers import everything, one_line, resumes, source
from PIL import Image as Pillow

from tfgan_zoo import images
from tfgan_zoo.data import memory, videos
from tfgan_zoo.data.clips import Cut
from tfgan_zoo.data.sources import video as module
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image, Text, Video

CLIP = {"video": Video((4, 6, 8, 1))}


def shades(count, first=0, size=(6, 8)):
    """Frames of one grey each: first, first + 1, ..."""
    return [np.full((*size, 1), first + place, np.uint8) for place in range(count)]


def save(path, frames):
    """An animated file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = map(images.picture, frames)
    first.save(path, save_all=True, append_images=rest, **({"lossless": True} if path.suffix == ".webp" else {}))


def save_frames(folder, frames, name="{}.png"):
    folder.mkdir(parents=True)
    for place, frame in enumerate(frames):
        images.picture(frame).save(folder / name.format(place))


@pytest.fixture
def few(tmp_path):
    """Videos of 6, 9, 5 and 12 frames, of four kinds; the first frame of each tells it: 0, 50, 100, 150."""
    save(tmp_path / "a.gif", shades(6))
    save(tmp_path / "b.webp", shades(9, 50))
    save(tmp_path / "c.png", shades(5, 100))
    save_frames(tmp_path / "d", shades(12, 150))
    return lambda **more: source("video", path=str(tmp_path), **more)


def greys(clips):
    """The grey of each frame: [[...], ...]."""
    return np.asarray(clips)[:, :, 3, 4, 0].tolist()


# === Reading ===
def test_animated_files_and_folders_of_frames_are_videos(few):
    opened = few().open(CLIP)
    assert opened.num_examples == 4 and opened.facts["skipped"]["count"] == 0
    assert (opened.facts["shortest"], opened.facts["longest"]) == (5, 12)
    assert greys(everything(opened, "video")) == [  # from the middle
        [1, 2, 3, 4],
        [52, 53, 54, 55],
        [100, 101, 102, 103],
        [154, 155, 156, 157],
    ]


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    for name in ("frame9.png", "frame10.png", "frame1.jpg", "frame2.png", "Frame0.bmp"):
        (tmp_path / "walk").mkdir(exist_ok=True)
        images.picture(np.full((6, 8, 1), int("".join(filter(str.isdigit, name))), np.uint8)).save(
            tmp_path / "walk" / name
        )
    (tmp_path / "walk" / "notes.txt").write_text("no frame")
    opened = source("video", path=str(tmp_path), long="first").open({"video": Video((5, 6, 8, 1))})
    assert greys(everything(opened, "video")) == [[0, 1, 2, 9, 10]]


def test_palettes_transparency_and_frames_of_other_sizes(tmp_path):
    sprite = [Pillow.new("RGBA", (8, 6)) for _ in range(2)]  # red on the left, then on the right; the rest is clear
    for place, frame in enumerate(sprite):
        frame.paste((255, 0, 0, 255), (4 * place, 0, 4 * place + 4, 6))
    sprite[0].save(tmp_path / "a.gif", save_all=True, append_images=sprite[1:], disposal=2)
    sprite[0].save(tmp_path / "b.png", save_all=True, append_images=sprite[1:])
    save_frames(tmp_path / "c", [np.full((6 + place, 8, 3), (255, 0, 0), np.uint8) for place in range(2)])
    Pillow.new("L", (30, 40), 255).save(tmp_path / "c" / "2.png")
    opened = source("video", path=str(tmp_path), long="first").open({"video": Video((2, 6, 8, 3))})
    for clip in everything(opened, "video")[:2]:
        assert clip[:, 3, [1, 6]].tolist() == [[[255, 0, 0], [255] * 3], [[255] * 3, [255, 0, 0]]]  # nothing is white
    crop = source("video", path=str(tmp_path), transforms=["random_crop"], short="repeat")
    clips = everything(crop.open({"video": Video((3, 5, 5, 3))}), "video")
    assert clips[2, :, 2, 2].tolist() == [[255, 0, 0], [255, 0, 0], [255, 255, 255]]


def test_what_no_frame_of_a_webp_file_covers_is_white(tmp_path):
    """Where its frames are opaque parts of the picture, the file does not say that it is transparent."""
    sprite = [Pillow.new("RGBA", (8, 6)) for _ in range(3)]
    for place, frame in enumerate(sprite):
        frame.paste((255, 0, 0, 255), (2 * place, 0, 2 * place + 2, 6))
    file = tmp_path / "a.webp"
    sprite[0].save(file, save_all=True, append_images=sprite[1:], lossless=True)
    assert not file.read_bytes()[20] & 0b10000
    red, white = [255, 0, 0], [255, 255, 255]
    wanted = [[red if x // 2 == place else white for x in range(8)] for place in range(3)]
    opened = source("video", path=str(tmp_path)).open({"video": Video((3, 6, 8, 3))})
    assert everything(opened, "video")[0, :, 3].tolist() == wanted
    assert images.decode_frames(file)[:, 3].tolist() == wanted and images.decode(file)[3].tolist() == wanted[0]


# === Time ===
@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_frames_are_as_many_as_they_are_shown_long(tmp_path, suffix):
    first, *rest = map(images.picture, shades(4))
    lossless = {"lossless": True} if suffix == ".webp" else {}
    times = [90, 200, 50, 460]
    first.save(tmp_path / f"a{suffix}", save_all=True, append_images=rest, duration=times, **lossless)
    assert videos.at_rate(tmp_path / f"a{suffix}", 20).tolist() == np.repeat(range(4), [2, 4, 1, 9]).tolist()
    for more, wanted in [
        ({"fps": 10}, [0, 1, 1, 3, 3, 3, 3, 3]),
        ({"fps": 5}, [1, 2, 3, 3]),
        ({"fps": 10, "cache": False}, [0, 1, 1, 3, 3, 3, 3, 3]),
    ]:
        kind = {"video": Video((len(wanted), 6, 8, 1))}
        opened = source("video", path=str(tmp_path), **more).open(kind)
        assert greys(everything(opened, "video")) == [wanted] and opened.facts["longest"] == len(wanted)
        beginning = source("video", path=str(tmp_path), long="first", **more).open({"video": Video((3, 6, 8, 1))})
        assert greys(everything(beginning, "video")) == [wanted[:3]]


def test_without_times_of_their_own_frames_are_shown_as_browsers_do(tmp_path):
    save(tmp_path / "a.gif", shades(3))
    save_frames(tmp_path / "b", shades(12, 50))
    assert videos.at_rate(tmp_path / "a.gif", 20).tolist() == [0, 0, 1, 1, 2, 2]
    opened = source("video", path=str(tmp_path), fps=20, long="first").open(CLIP)
    assert greys(everything(opened, "video")) == [[0, 0, 1, 1], [50, 51, 52, 53]]


def test_a_rate_is_checked_and_tells_data_apart(few, tmp_path):
    assert few(fps=10).open(CLIP).facts["fingerprint"] != few().open(CLIP).facts["fingerprint"]
    (tmp_path / "y.gif").write_bytes(b"nothing")
    assert few(fps=10).open(CLIP).facts["skipped"]["names"] == ["y.gif"]
    with pytest.raises(ValueError, match="fps"):
        few(fps=0)


@pytest.mark.parametrize("cache", [True, False])
def test_what_cannot_be_decoded_is_named_counted_and_skipped(few, tmp_path, caplog, cache):
    noise = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
    save(tmp_path / "x.gif", noise)
    (tmp_path / "x.gif").write_bytes((tmp_path / "x.gif").read_bytes()[:9000])
    (tmp_path / "y.gif").write_bytes(b"nothing")
    save_frames(tmp_path / "z", shades(6))
    (tmp_path / "z" / "3.png").write_bytes(b"nothing")
    os.mkfifo(tmp_path / "pipe.gif")  # would be waited for
    with caplog.at_level(logging.WARNING, "tfgan_zoo"):
        opened = few(cache=cache).open(CLIP)
    assert "skipped 3 files that cannot be decoded: x.gif, y.gif, z/3.png" in caplog.text
    assert opened.facts["skipped"] == {"count": 3, "names": ["x.gif", "y.gif", "z/3.png"]}
    assert opened.num_examples == 4 and opened.facts["cached"] is cache


def test_a_picture_that_would_fill_the_memory_is_skipped(few, tmp_path, monkeypatch):
    save(tmp_path / "x.gif", shades(5, size=(60, 80)))
    monkeypatch.setattr(Pillow, "MAX_IMAGE_PIXELS", 1000)
    assert few().open(CLIP).facts["skipped"] == {"count": 1, "names": ["x.gif"]}


# === Clips ===
def test_places_of_a_clip():
    cut = Cut(frames=3, stride=2, anywhere=True)
    assert cut.span == 5
    for length, draw, wanted in [
        (5, 0.99, [0, 2, 4]),
        (8, 0.0, [0, 2, 4]),
        (8, 0.99, [3, 5, 7]),
        (8, None, [1, 3, 5]),
        (4, 0.5, [0, 2, 3]),
        (1, None, [0, 0, 0]),
    ]:
        assert cut.places(length, draw).tolist() == wanted
    assert Cut(3, 2, anywhere=False).places(8, 0.99).tolist() == [0, 2, 4]


@pytest.mark.parametrize("cache", [True, False])
def test_clips_begin_elsewhere_in_every_epoch(few, cache):
    opened = few(cache=cache, transforms=["random_flip"]).open(CLIP)
    seen = np.concatenate([greys(batch["video"]) for batch in opened.batches(4, seed=3).take(40).as_numpy_iterator()])
    assert (np.diff(seen) == 1).all()
    for first, count in [(0, 6), (50, 9), (100, 5), (150, 12)]:
        starts = seen[(seen[:, 0] >= first) & (seen[:, 0] < first + 50), 0]
        assert set(starts - first) == set(range(count - 3)) and len(starts) == 40  # once in each epoch
    resumes(opened)


def test_cached_or_not_the_batches_are_the_same(few, monkeypatch):
    entries = [{"center_crop": 6}, {"random_crop": [7, 7]}, "random_shift"]
    small = {"video": Video((3, 5, 5, 3))}

    def batches(cache):
        opened = few(cache=cache, transforms=entries, stride=2).open(small)
        taken = opened.batches(4, seed=1).take(3).as_numpy_iterator()
        return opened, np.stack([batch["video"] for batch in taken] + [everything(opened, "video")])

    (kept, first), (read, second) = batches(True), batches(False)
    np.testing.assert_array_equal(first, second)
    assert kept.facts["cached"] and not read.facts["cached"]
    assert kept.facts["fingerprint"] == read.facts["fingerprint"]
    monkeypatch.setattr(memory, "free_memory", lambda: 2000)  # found out when some are read already
    monkeypatch.setattr(module, "free_memory", lambda: 2000)
    full, third = batches("auto")
    np.testing.assert_array_equal(first, third)
    assert not full.facts["cached"]


def test_all_frames_of_a_clip_are_cut_and_flipped_alike(tmp_path):
    columns = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None] * 6, (40, 40, 1))
    save_frames(tmp_path / "a", [columns] * 6)
    opened = source("video", path=str(tmp_path), transforms=["random_crop", "random_flip"]).open(CLIP)
    clips = np.concatenate([batch["video"] for batch in opened.batches(4).take(10).as_numpy_iterator()])
    assert (clips == clips[:, :1]).all()
    assert len({clip.tobytes() for clip in clips}) > 20
    assert set(np.sign(np.diff(clips[:, 0, 0, :, 0].astype(int))).ravel()) == {-1, 1}


def test_short_videos_are_left_out_or_their_last_frame_repeated(few, capsys):
    opened = few(stride=2).open(CLIP)
    assert opened.num_examples == 2 and opened.facts["left_out"] == 2 and opened.facts["skipped"]["count"] == 0
    assert "left out 2 videos of fewer than 7 frames: a.gif (6), c.png (5)" in capsys.readouterr().err
    repeated = few(stride=2, short="repeat").open(CLIP)
    assert greys(everything(repeated, "video"))[2] == [100, 102, 104, 104]
    with pytest.raises(
        ZooError,
        match=r"none of its 4 videos can be used; 4 have fewer than the 91 frames of a clip, such as a.gif \(6\)",
    ) as caught:
        few(stride=30).open(CLIP)
    one_line(caught)


def test_the_settings_tell_data_apart(few):
    opened = [few(**more).open(CLIP) for more in ({}, {"stride": 2}, {"long": "first"}, {"short": "repeat"})]
    opened.append(few(transforms=["random_crop"]).open(CLIP))
    assert len({one.facts["fingerprint"] for one in opened}) == 5
    assert greys(everything(opened[2], "video")) == [list(range(first, first + 4)) for first in (0, 50, 100, 150)]


def test_another_frame_makes_other_data(few, tmp_path):
    before = few().open(CLIP).facts["fingerprint"]
    images.picture(np.random.default_rng(0).integers(0, 256, (6, 8, 1), np.uint8)).save(tmp_path / "d" / "5.png")
    assert few().open(CLIP).facts["fingerprint"] != before


# === Classes, splits, captions ===
def test_folders_of_folders_are_classes_and_splits(tmp_path):
    for split, count in [("train", 3), ("test", 1)]:
        for place in range(count):
            save(tmp_path / split / "cats" / f"{place}.gif", shades(5))
            save_frames(tmp_path / split / "dogs" / f"clip{place}", shades(5, 100))
    here, labelled = source("video", path=str(tmp_path)), CLIP | {"label": ClassLabel()}
    assert here.splits() == ["train", "test"] and here.knows()["class_names"] == ["cats", "dogs"]
    opened = here.open(labelled)
    np.testing.assert_array_equal(everything(opened, "video")[:, 0, 0, 0, 0] >= 100, everything(opened, "label"))
    assert opened.num_examples == 6 and here.open(labelled, split="test").num_examples == 2
    only = source("video", path=str(tmp_path), where={"label": "dogs"}).open(labelled)
    assert everything(only, "label").tolist() == [1, 1, 1]
    part = source("video", path=str(tmp_path / "train" / "dogs"), split="train[:2]").open(CLIP)
    assert part.num_examples == 2


def test_metadata_names_files_and_folders(tmp_path):
    save(tmp_path / "a.gif", shades(5))
    save_frames(tmp_path / "b", shades(5))
    rows = [{"file_name": "b", "text": "a walk"}, {"file_name": "a.gif", "text": "a run"}, {"file_name": "no.gif"}]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps({"kind": "x", **row}) + "\n" for row in rows[:2]))
    words = Text((2,), ("a", "run", "walk"))
    opened = source("video", path=str(tmp_path), label="kind").open(CLIP | {"label": ClassLabel(), "text": words})
    assert words.decode(everything(opened, "text")) == ["a walk", "a run"] and opened.class_names == ("x",)
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert source("video", path=str(tmp_path)).open(CLIP).facts["skipped"]["names"] == ["no.gif"]


def test_pictures_beside_videos_are_told(tmp_path, capsys):
    save_frames(tmp_path / "cats" / "one", shades(5))
    images.save_image(tmp_path / "cats" / "cover.png", shades(1)[0])
    assert videos.listing(tmp_path) == ["cats/one"]
    assert "cats: 1 picture beside folders of frames left out" in capsys.readouterr().err


# === Refused ===
def test_folders_that_cannot_be_used(few, tmp_path):
    empty, loose = tmp_path / "empty", tmp_path / "loose"
    empty.mkdir()
    save_frames(loose, shades(5))
    for wanted, settings, message in [
        (CLIP | {"label": ClassLabel()}, {}, "no labels for the model; put each class in a subfolder"),
        ({"image": Image((8, 8, 1))}, {}, "has no 'image', which the model wants; it has video."),
        (CLIP, {"path": str(empty)}, r"holds no video \(.gif .webp .apng, or folders of frames\)"),
        (CLIP, {"path": str(tmp_path / "no")}, "does not exist; give a folder of videos"),
        (CLIP, {"path": str(loose)}, "holds single pictures; put the frames of each video in a folder of its own"),
        (CLIP, {"transforms": [{"random_crop": 4}]}, "data.transforms: random_crop of 4 x 4 pixels: the model wants"),
        (CLIP, {"transforms": ["random_turn"]}, "random_turn of 6 x 8 images"),
    ]:
        with pytest.raises(ZooError, match=message) as caught:
            (source("video", **settings) if "path" in settings else few(**settings)).open(wanted)
        one_line(caught)
    (empty / "a.gif").write_bytes(b"nothing")
    with pytest.raises(ZooError, match="none of its 1 video can be decoded"):
        source("video", path=str(empty)).open(CLIP)


def test_a_video_that_vanishes_is_told(few, tmp_path):
    opened = few(cache=False).open(CLIP)
    (tmp_path / "a.gif").unlink()
    with pytest.raises(ZooError, match="a.gif: could be read when training began and cannot any more") as caught:
        opened.rows([0])
    one_line(caught)


def test_clips_made_on_the_spot_are_not_cut():
    for kind in ("moving", "balls"):
        with pytest.raises(ZooError, match="random_flip, random_turn and random_shift") as caught:
            source(kind, transforms=["random_crop"]).open({"video": Video((4, 16, 16, 1))})
        one_line(caught)
    plain, flipped = (
        source("moving", size=4, transforms=more).open({"video": Video((4, 16, 16, 1)), "mask": Video((4, 16, 16, 1))})
        for more in ([], ["random_flip"])
    )
    before, after = (next(one.batches(4).as_numpy_iterator()) for one in (plain, flipped))
    mirrored = [bool((a != b).any()) for a, b in zip(before["video"], after["video"], strict=True)]
    assert any(mirrored) and not all(mirrored)
    for key in ("video", "mask"):
        for row, turned in enumerate(mirrored):
            np.testing.assert_array_equal(after[key][row], before[key][row][:, :, :: -1 if turned else 1])
