"""Random parts, flips and shifts that treat the pictures of a row alike, and keys that are derived of them."""

import numpy as np
import pytest
from helpers import one_line, resumes, source, spec
from PIL import Image as Pillow
from pydantic import ValidationError

from tfgan_zoo import images
from tfgan_zoo.data import crops, keyed, transforms
from tfgan_zoo.data.making import Making
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image, Mask, Text


def coordinates(height, width, channels=3):
    """A picture whose pixels tell where they are: red the row, green the column."""
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    return np.stack([rows, columns, np.full_like(rows, 7)], axis=-1)[..., :channels].astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Six pictures of unlike sizes, all larger than 40 pixels, whose pixels tell where they are."""
    for number, (height, width) in enumerate([(40, 60), (60, 44), (48, 48), (50, 41), (90, 80), (43, 120)]):
        Pillow.fromarray(coordinates(height, width)).save(tmp_path / f"{number}.png")
    return lambda **more: source("folder", path=str(tmp_path), **more)


# === Random parts ===
def test_parts_are_cut_at_the_pictures_own_resolution(folder):
    opened = folder(transforms=["random_crop"]).open(spec((32, 32, 3), label=False))
    batches = resumes(opened)
    pictures = np.concatenate([batch["image"] for batch in batches])
    steps = np.diff(pictures[..., 0].astype(int), axis=1)
    assert (steps == 1).all() and (np.diff(pictures[..., 1].astype(int), axis=2) == 1).all()  # not one pixel resampled
    corners = {(int(picture[0, 0, 0]), int(picture[0, 0, 1])) for picture in pictures}
    assert len(corners) > 15 and max(row for row, _ in corners) > 30
    middle = opened.rows([4])["image"][0]  # evaluation sees the middle
    np.testing.assert_array_equal(middle, coordinates(90, 80)[29:61, 24:56])


def test_every_place_of_a_part_is_drawn(folder):
    opened = folder(transforms=["random_crop"], split="train[2:3]").open(spec((45, 45, 3), label=False))
    pictures = np.concatenate([batch["image"] for batch in opened.batches(40).take(5).as_numpy_iterator()])
    assert {tuple(p[0, 0, :2]) for p in pictures} == {(y, x) for y in range(4) for x in range(4)}


def test_pictures_that_are_too_small_are_enlarged(folder):
    opened = folder(transforms=["random_crop"], split="train[:1]").open(spec((80, 80, 3), label=False))
    [batch] = opened.batches(8).take(1).as_numpy_iterator()
    assert batch["image"].shape == (8, 80, 80, 3)
    rows, columns = np.ptp(batch["image"][..., 0], axis=(1, 2)), np.ptp(batch["image"][..., 1], axis=(1, 2))
    assert (rows >= 37).all() and ((columns >= 37) & (columns <= 43)).all()  # all 40 rows, 40 of the 60 columns
    assert len({int(first) for first in batch["image"][:, 40, 0, 1]}) > 1


def test_parts_of_enlarged_pictures_are_those_of_the_whole():
    """`random_crop = 24` of 16 x 16 is the same as enlarging to 24 x 24 and cutting there."""
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    whole = images.scale(noise, 24, 24)
    for place in [(0, 0), (0.99, 0.5), (0.3, 0.99)]:
        [part] = crops.cut([noise], [(20, 20, 3)], (24, 24), place)
        top, left = (int(fraction * 5) for fraction in place)
        assert np.abs(part.astype(int) - whole[top : top + 20, left : left + 20]).max() <= 1
    np.testing.assert_array_equal(
        crops.cut([noise], [(20, 20, 3)], (24, 24), None)[0], images.bend(noise, (20, 20, 3))
    )  # evaluation sees all of it
    wide = np.concatenate([np.zeros((16, 8, 3), np.uint8), noise, np.zeros((16, 8, 3), np.uint8)], axis=1)
    [part] = crops.cut([wide], [(24, 24, 3)], (24, 24), (0.5, 0.5))  # the proportions of the size: the middle
    assert np.abs(part.astype(int) - whole)[:, 4:-4].max() <= 1  # its border blends with what lies beside it


@pytest.mark.parametrize("cache", [True, False])
def test_parts_with_and_without_cache_are_the_same(folder, cache):
    opened = folder(transforms=[{"random_crop": 40}, "random_flip"], cache=cache).open(spec((32, 32, 1), label=False))
    assert opened.facts["cached"] is cache
    [batch] = opened.batches(6, seed=2).take(1).as_numpy_iterator()
    first = folder(transforms=[{"random_crop": 40}, "random_flip"]).open(spec((32, 32, 1), label=False))
    np.testing.assert_array_equal(batch["image"], next(first.batches(6, seed=2).as_numpy_iterator())["image"])


def test_parts_of_arrays_and_of_drawn_pictures(tmp_path):
    np.savez(tmp_path / "x.npz", image=np.stack([coordinates(20, 20)] * 3))
    for opened in (
        source("arrays", path=str(tmp_path / "x.npz"), transforms=["random_crop"]).open(spec((16, 16, 3), label=False)),
        source("synthetic", size=5, transforms=[{"random_crop": 20}]).open(spec((16, 16, 3), label=False)),
    ):
        resumes(opened)
        assert opened.rows([0, 2])["image"].shape == (2, 16, 16, 3)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"random_crop": 10}], "data.transforms: random_crop of 10 x 10 pixels: the model wants 32 x 32"),
        ([{"random_crop": [40, 20]}], "random_crop of 40 x 20 pixels"),
        ([{"random_shift": 32}], "data.transforms: random_shift by 32 pixels of 32 x 32"),
    ],
)
def test_parts_that_cannot_be_cut_are_told_before_training(folder, entries, message):
    with pytest.raises(ZooError, match=message) as caught:
        folder(transforms=entries).open(spec((32, 32, 3), label=False))
    one_line(caught)


def test_one_random_crop_is_enough(folder):
    with pytest.raises(ValidationError, match="random_crop stands there twice"):
        folder(transforms=["random_crop", {"random_crop": 40}])


# === All pictures of a row alike ===
def test_the_pictures_of_a_row_are_flipped_and_shifted_alike():
    """A mask and a picture at a quarter of the size show the same part as the picture."""
    big = np.stack([coordinates(32, 32)] * 50)
    mask = (big[..., 1:2] < 16).astype(np.uint8) * 255
    small = np.ascontiguousarray(big[:, ::4, ::4])

    def random(i):
        return keyed.uniform(5, np.arange(50), i)

    for transform in (
        transforms.random_flip,
        transforms.random_turn,
        lambda stacks, r: transforms.random_shift(stacks, r, 2),
    ):
        a, m, s = transform([big.copy(), mask.copy(), small.copy()], random)
        np.testing.assert_array_equal(m[..., 0] == 255, a[..., 1] < 16)
        assert (a != big).any((1, 2, 3)).sum() > 15
        centres = s[:, 2:-2, 2:-2].astype(int), a[:, 8:-8:4, 8:-8:4].astype(int)
        assert np.abs(centres[0] - centres[1]).max() <= 3  # within one pixel of the small one


def test_parts_of_unlike_sizes_are_one_place():
    """A part of 4 x 4 at a quarter of the size is the same place as 16 x 16 in the whole."""
    whole, quarter = coordinates(60, 80), coordinates(15, 20) * 4
    for place in keyed.uniform(1, np.arange(30)[:, None], np.arange(2)):
        low, high = crops.cut([quarter, whole], [(4, 4, 3), (16, 16, 3)], None, tuple(place))
        np.testing.assert_array_equal(low[..., :2], high[::4, ::4, :2])
        low, high = crops.cut([quarter, whole], [(4, 4, 3), (16, 16, 3)], (24, 24), tuple(place))
        assert np.abs(low[1:-1, 1:-1, :2].astype(int) - high[4:-4:4, 4:-4:4, :2]).max() <= 3
    with pytest.raises(ZooError, match="30 x 40 and 15 x 20 pixels do not stand") as caught:
        crops.cut([coordinates(15, 20), coordinates(30, 40)], [(4, 4, 3), (16, 16, 3)], None, (0, 0))
    one_line(caught)


def test_colours_of_masks_stay():
    entries = ["invert", {"center_crop": 4}]
    wanted = {"image": Image((4, 4, 1)), "mask": Mask((4, 4, 1))}
    made = Making(wanted, entries, {}, lambda key: True)
    picture = np.full((8, 8, 1), 255, np.uint8)
    assert made.view("image").base(picture).max() == 0
    assert made.view("mask").base(picture).min() == 255 and made.view("mask").base(picture).shape == (4, 4, 1)


# === Derived keys ===
def test_derived_keys_agree_with_the_part_that_is_seen(folder):
    wanted = {"high_res": Image((32, 32, 3)), "low_res": Image((8, 8, 3))}
    opened = folder(transforms=["random_crop", "random_flip"]).open(wanted)
    assert opened.facts["derived"] == {"low_res": "low_res"}
    for batch in resumes(opened):
        assert list(batch) == ["high_res", "low_res"]
        for high, low in zip(batch["high_res"], batch["low_res"], strict=True):
            np.testing.assert_array_equal(low, images.scale(high, 8, 8))
    rows = opened.rows([1, 3])
    np.testing.assert_array_equal(rows["low_res"][1], images.scale(rows["high_res"][1], 8, 8))
    for batch in opened.examples(4).as_numpy_iterator():
        np.testing.assert_array_equal(batch["low_res"][0], images.scale(batch["high_res"][0], 8, 8))


def test_a_derived_key_by_another_name(folder):
    wanted = {"source": Image((16, 16, 1)), "target": Image((16, 16, 3))}
    rows = folder(derive={"source": "grey"}).open(wanted).rows([0])
    np.testing.assert_array_equal(rows["source"][0], images.bend(rows["target"][0], (16, 16, 1)))
    with pytest.raises(ZooError, match="one picture a row; the model wants source and target"):
        folder().open(wanted)


def test_random_masks_depend_on_the_place_in_the_run_and_in_evaluation_on_the_row(folder):
    wanted = {"image": Image((32, 32, 3)), "mask": Mask((32, 32, 1))}
    opened = folder(derive={"mask": "random_mask"}).open(wanted)
    masks = np.concatenate([batch["mask"] for batch in resumes(opened)])
    assert len({mask.tobytes() for mask in masks}) == len(masks)
    np.testing.assert_array_equal(opened.rows([3, 1])["mask"][0], opened.rows([3])["mask"][0])
    in_order = np.concatenate([batch["mask"] for batch in opened.examples(4).as_numpy_iterator()])
    np.testing.assert_array_equal(in_order[[3, 1]], opened.rows([3, 1])["mask"])
    centre = folder().open(wanted).rows([0])["mask"]  # by its own name: the square in the middle
    assert (centre[0, 8:24, 8:24] == 255).all() and centre.sum() == 255 * 16 * 16


def test_a_key_that_the_data_hold_is_not_derived(tmp_path):
    image, mask = np.zeros((3, 8, 8, 3), np.uint8), np.full((3, 8, 8), 255, np.uint8)
    np.savez(tmp_path / "x.npz", image=image, mask=mask)
    wanted = {"image": Image((8, 8, 3)), "mask": Mask((8, 8, 1))}
    here = source("arrays", path=str(tmp_path / "x.npz"))
    assert (here.open(wanted).rows([0])["mask"] == 255).all() and "derived" not in here.open(wanted).facts


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        ({"msk": "mask"}, "data.derive: unknown key 'msk': did you mean 'mask'"),
        ({"mask": "maks"}, "data.derive.mask: unknown derivation 'maks': did you mean 'mask'"),
        ({"mask": {"mask": 2.0}}, "mask: part = 2.0: Input should be less than 1"),
        ({"mask": {"mask": {"prt": 1}}}, r"mask does not take {'prt': 1}; it is mask\(part\)"),
        ({"mask": {"mask": 0.5, "edges": 1}}, "must have one name"),
    ],
)
def test_wrong_derivations_are_told_in_one_line(folder, derive, message):
    with pytest.raises(ValidationError, match=message) as caught:
        folder(derive=derive)
    assert isinstance(caught.value.errors()[0]["ctx"]["error"], ZooError)


def test_derivations_that_cannot_work_are_told_before_training(folder):
    with pytest.raises(ZooError, match="data.derive: low_res of 10 x 10: is no whole part of the picture of 32 x 32"):
        folder().open({"high_res": Image((32, 32, 3)), "low_res": Image((10, 10, 3))})
    with pytest.raises(ZooError, match="data.derive: random_mask: least = 0.6 is above most"):
        folder(derive={"mask": {"random_mask": {"least": 0.6}}}).open(
            {"image": Image((8, 8, 3)), "mask": Mask((8, 8, 1))}
        )
    with pytest.raises(ZooError, match="mask is made of a picture, and the model wants no other"):
        folder().open({"mask": Mask((8, 8, 1))})


def test_what_is_derived_and_cut_tells_data_apart(folder):
    wanted = {"image": Image((8, 8, 3)), "mask": Mask((8, 8, 1))}

    def of(**more):
        return folder(**more).open(wanted).facts["fingerprint"]

    assert of() == of(derive={}) == of(transforms=["random_flip"])
    assert len({of(), of(derive={"mask": "random_mask"}), of(transforms=["random_crop"])}) == 3


def test_made_up_examples_need_no_derivation():
    wanted = {"x": Image((8, 8, 3)), "mask": Mask((8, 8, 1)), "label": ClassLabel(3), "text": Text((4,), ("a",))}
    opened = source("synthetic", name="examples", size=6).open(wanted)
    assert "derived" not in opened.facts and set(opened.rows([0])) == set(wanted)
