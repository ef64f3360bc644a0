"""Pairs of pictures, side by side or in two folders."""

import numpy as np
import pytest
from helpers import everything, one_line, resumes, source
from PIL import Image as Pillow

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image, Mask

PAIR = {"source": Image((16, 16, 3)), "target": Image((16, 16, 3))}


def photograph(number, height=20, width=24):
    """A picture whose pixels tell their row, their column and their number."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.stack([rows, columns, np.full_like(rows, 10 * number)], axis=-1).astype(np.uint8)


@pytest.fixture
def beside(tmp_path):
    """Five training and two test pairs: a photograph on the left, on the right the same with 100 added."""
    for split, count in [("train", 5), ("test", 2)]:
        (tmp_path / split).mkdir()
        for number in range(count):
            left = photograph(number)
            Pillow.fromarray(np.concatenate([left, left + 100], axis=1)).save(tmp_path / split / f"{number}.png")
    return lambda **more: source("paired", path=str(tmp_path), **more)


def test_halves(beside):
    here = beside(side="right")
    opened, test = here.open(PAIR), here.open(PAIR, split="test")
    assert (opened.num_examples, test.num_examples, here.splits()) == (5, 2, ["train", "test"])
    rows, other = opened.rows([3]), beside().open(PAIR).rows([3])
    np.testing.assert_array_equal(rows["target"][0], images.bend(photograph(3), (16, 16, 3)))
    np.testing.assert_array_equal(rows["source"][0], images.bend(photograph(3) + 100, (16, 16, 3)))
    np.testing.assert_array_equal(rows["source"], other["target"])
    assert opened.facts["fingerprint"] != beside().open(PAIR).facts["fingerprint"]
    assert opened.facts["image_shape"] == [20, 24, 3]


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("entries", [["random_crop", "random_flip"], ["random_flip", {"random_shift": 3}]])
def test_both_are_cut_and_flipped_alike(beside, entries, cache):
    opened = beside(transforms=entries, cache=cache).open(PAIR)
    for batch in resumes(opened):
        np.testing.assert_array_equal(batch["source"] + 100, batch["target"])
    assert opened.facts["cached"] is cache


def test_a_part_of_the_enlarged_pair(beside):
    for batch in resumes(beside(transforms=[{"random_crop": 18}, "random_flip"]).open(PAIR)):
        off = batch["target"].astype(int) - batch["source"] - 100
        assert np.abs(off).max() <= 2  # the edges of the left half blend with nothing of the right half


@pytest.fixture
def folders(tmp_path):
    """Three pairs in two folders: pictures of 48 x 64, and at a quarter of that size."""
    for name in ("big", "small"):
        (tmp_path / name).mkdir()
    for number in range(3):
        big = np.repeat(np.repeat(photograph(number, 12, 16) * 4, 4, 0), 4, 1)
        Pillow.fromarray(big).save(tmp_path / "big" / f"{number}.png")
        Pillow.fromarray(big[::4, ::4]).save(tmp_path / "small" / f"{number}.bmp")
    return lambda **more: source("paired", path=str(tmp_path / "small"), target_path=str(tmp_path / "big"), **more)


def test_two_folders_of_unlike_sizes(folders):
    wanted = {"high_res": Image((32, 32, 3)), "low_res": Image((8, 8, 3))}
    opened = folders(keys=["low_res", "high_res"], transforms=["random_crop", "random_flip"]).open(wanted)
    assert "derived" not in opened.facts  # the files hold it
    places = set()
    for batch in resumes(opened):
        np.testing.assert_array_equal(batch["high_res"][:, ::4, ::4], batch["low_res"])
        places |= {(int(low[0, 0, 0]), int(low[0, 0, 1])) for low in batch["low_res"]}
    assert len(places) > 10


def test_pictures_with_masks_in_a_second_folder(folders, tmp_path):
    wanted = {"image": Image((12, 16, 3)), "mask": Mask((12, 16, 1))}
    for number in range(3):
        mask = np.where(photograph(number, 12, 16)[..., 1] < 8, 255, 0).astype(np.uint8)
        Pillow.fromarray(mask).save(tmp_path / "big" / f"{number}.png")
    for batch in resumes(folders(keys=["image", "mask"], transforms=["random_flip"]).open(wanted)):
        np.testing.assert_array_equal(batch["mask"][..., 0] == 255, batch["image"][..., 1] < 32)


def test_one_of_the_two_is_enough(beside):
    opened = beside().open({"target": PAIR["target"]})
    assert list(opened.rows([0])) == ["target"]


def test_what_cannot_be_decoded_leaves_its_partner_out(folders, tmp_path):
    (tmp_path / "big" / "1.png").write_bytes(b"nothing")
    opened = folders().open(PAIR)
    assert opened.num_examples == 2 and opened.facts["skipped"] == {"count": 1, "names": ["1.bmp"]}
    assert everything(opened, "source")[:, 0, 0, 2].tolist() == [0, 80]
    np.testing.assert_array_equal(everything(opened, "target")[:, 0, 0, 2], [0, 80])


def test_pairs_that_cannot_be_used(beside, folders, tmp_path):
    with pytest.raises(ZooError, match="transforms count pixels, and the two of 0.bmp are 12 x 16 and 48 x 64"):
        folders(transforms=[{"center_crop": 8}]).open(PAIR)
    (tmp_path / "big" / "2.png").unlink()
    with pytest.raises(ZooError, match="lacks 1 picture of data.path, such as 2.bmp") as caught:
        folders().open(PAIR)
    one_line(caught)
    Pillow.new("L", (7, 4)).save(tmp_path / "train" / "odd.png")
    with pytest.raises(ZooError, match="odd.png is 7 pixels wide") as caught:
        beside().open(PAIR)
    one_line(caught)
    with pytest.raises(ZooError, match="has no 'x'"):
        beside().open({"x": PAIR["source"]})
    with pytest.raises(ZooError, match="no labels"):
        beside().open({**PAIR, "label": ClassLabel()})
    with pytest.raises(ZooError, match="does not exist"):
        source("paired", path=str(tmp_path / "no")).open(PAIR)
    for keys, message in [(["a", "target"], "unknown key 'a'"), (["target", "target"], "must differ")]:
        with pytest.raises(ValueError, match=message):
            beside(keys=keys)
