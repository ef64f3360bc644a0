"""Parts of one large picture; solids in packed bits; both are sources of few lines."""

import numpy as np
import pytest
from helpers import everything, one_line, resumes, source, spec
from PIL import Image as Pillow

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Voxels


@pytest.fixture
def texture(tmp_path):
    """A 40 x 60 picture whose pixels tell where they are."""
    rows, columns = np.meshgrid(np.arange(40), np.arange(60), indexing="ij")
    picture = np.stack([rows, columns, rows * 0], axis=-1).astype(np.uint8)
    Pillow.fromarray(picture).save(tmp_path / "a.png")
    return lambda **more: source("texture", path=str(tmp_path / "a.png"), **{"size": 300, **more})


def corners(pictures):
    return {(int(picture[0, 0, 0]), int(picture[0, 0, 1])) for picture in pictures}


def test_parts_are_cut_at_the_picture_s_own_resolution(texture):
    opened = texture().open(spec((16, 16, 3), label=False))
    resumes(opened)
    parts = everything(opened)
    assert parts.shape == (300, 16, 16, 3) and opened.facts["image_shape"] == [40, 60, 3]
    assert (np.diff(parts[..., 0].astype(int), axis=1) == 1).all()
    assert (np.diff(parts[..., 1].astype(int), axis=2) == 1).all()
    found = corners(parts)
    assert len(found) > 230 and max(y for y, _ in found) == 24 and max(x for _, x in found) == 44
    np.testing.assert_array_equal(everything(texture(size=20).open(spec((16, 16, 3), label=False))), parts[:20])
    assert corners(everything(texture(size=20, seed=1).open(spec((16, 16, 3), label=False)))) != corners(parts[:20])
    assert everything(texture().open(spec((16, 16, 1), label=False))).shape == (300, 16, 16, 1)


def test_transforms_come_before_the_parts(texture):
    opened = texture(transforms=[{"center_crop": 20}, "invert", "random_flip"]).open(spec((16, 16, 3), label=False))
    assert corners(255 - everything(opened)) <= {(y, x) for y in range(10, 15) for x in range(20, 25)}


def test_parts_hold_no_transparent_pixel(texture, tmp_path):
    picture = np.asarray(Pillow.open(tmp_path / "a.png").convert("RGBA")).copy()
    picture[10:20, 20:30, 3] = 0
    Pillow.fromarray(picture).save(tmp_path / "a.png")
    opened = texture(size=3000, transforms=[{"center_crop": [30, 50]}]).open(spec((16, 16, 3), label=False))
    parts = everything(opened)
    inside = (parts[..., 0] >= 10) & (parts[..., 0] < 20) & (parts[..., 1] >= 20) & (parts[..., 1] < 30)
    assert not inside.any()
    possible = {
        (y, x) for y in range(5, 20) for x in range(5, 40) if y + 16 <= 10 or y >= 20 or x + 16 <= 20 or x >= 30
    }
    assert corners(parts) == possible and opened.facts["places"] == len(possible)
    with pytest.raises(ZooError, match="no part of it is 30 x 40 without transparent pixels") as caught:
        texture().open(spec((30, 40, 3), label=False))
    one_line(caught)


def test_textures_that_cannot_be_used(texture, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"nothing")
    image = spec((16, 16, 3), label=False)
    for settings, wanted, message in [
        ({}, spec((64, 64, 3), label=False), "is 40 x 60, and no part of it is 64 x 64"),
        ({"transforms": ["random_crop"]}, image, "leave random_crop out"),
        ({}, spec((16, 16, 3)), "a texture has no 'label'"),
        ({"where": {"label": 1}}, image, "nothing to choose by"),
        ({"split": "test"}, image, "all of it train"),
        ({"path": str(tmp_path / "no.png")}, image, "is not a file"),
        ({"path": str(tmp_path / "broken.png")}, image, "cannot be read as a picture"),
    ]:
        with pytest.raises(ZooError, match=message) as caught:
            (source("texture", **settings) if "path" in settings else texture(**settings)).open(wanted)
        one_line(caught)
    assert texture().splits() == ["train"]


# === Solids ===
def solids(tmp_path, **content):
    np.savez(tmp_path / "x.npz", **content)
    return source("arrays", path=str(tmp_path / "x.npz"))


SHAPES = np.random.default_rng(0).integers(0, 2, (5, 4, 6, 12), np.uint8)
SOLID = {"voxels": Voxels((4, 6, 12, 1))}


def test_packed_and_plain_solids(tmp_path):
    packed = solids(tmp_path, voxels=np.packbits(SHAPES, axis=-1), shape=SHAPES.shape).open(SOLID)
    np.testing.assert_array_equal(everything(packed, "voxels"), SHAPES[..., None])
    resumes(packed)
    for plain in (SHAPES, SHAPES[..., None], SHAPES.astype(bool)):
        np.testing.assert_array_equal(
            everything(solids(tmp_path, voxels=plain).open(SOLID), "voxels"), SHAPES[..., None]
        )
    labelled = solids(tmp_path, test_voxels=SHAPES, test_label=np.arange(5) % 2)
    opened = labelled.model_copy(update={"where": {"label": 1}}).open({**SOLID, "label": ClassLabel()}, split="test")
    np.testing.assert_array_equal(everything(opened, "voxels"), SHAPES[[1, 3], ..., None])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"voxels": SHAPES * 1.0}, "voxels is float64; solids are uint8"),
        ({"voxels": SHAPES * 3}, "voxels holds 3; solids are 0 and 1"),
        ({"voxels": np.packbits(SHAPES, axis=-1)}, "solids are 0 and 1, or packed bits beside an array `shape`"),
        ({"voxels": np.packbits(SHAPES, axis=-1), "shape": [5, 4, 6, 20]}, "its bits are .* and `shape` says"),
        ({"voxels": SHAPES[:, :2]}, r"rows are \(2, 6, 12, 1\), not \(4, 6, 12, 1\)"),
        ({"image": SHAPES}, "no 'voxels'"),
    ],
)
def test_wrong_solids(tmp_path, content, message):
    with pytest.raises(ZooError, match=message) as caught:
        solids(tmp_path, **content).open(SOLID)
    one_line(caught)


def test_a_key_is_found_by_the_usual_name_of_its_kind(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    here = solids(tmp_path, train_image=image)
    np.testing.assert_array_equal(everything(here.open({"high_res": Image((8, 8, 3))}), "high_res"), image)
    with pytest.raises(ZooError, match="no 'source'"):  # which of the two it is, nothing tells
        here.open({"source": Image((8, 8, 3)), "target": Image((8, 8, 3))})
    with pytest.raises(ZooError, match="no 'audio'"):
        here.open({"audio": Audio((8, 1))})
