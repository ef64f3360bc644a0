"""The sources that need no tfds: a folder of pictures, arrays, synthetic data."""

import json
import logging

import numpy as np
import pytest
import tensorflow as tf
from helpers import everything, source, spec
from PIL import Image
from pydantic import ValidationError

from tfgan_zoo import images
from tfgan_zoo.data import glyphs, memory
from tfgan_zoo.data.sources import synthetic
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Points, Text

# === Folder ===


@pytest.fixture
def zoo_of_pictures(tmp_path):
    """One picture of every kind, all of which are red (or its luma, 76), 6 x 4 pixels."""
    red, size = (255, 0, 0), (6, 4)
    Image.new("RGB", size, red).save(tmp_path / "a.png")
    Image.new("RGB", size, red).save(tmp_path / "b.bmp")
    Image.new("RGB", size, red).save(tmp_path / "c.jpeg", quality=100)
    Image.new("L", size, 76).save(tmp_path / "d.png")
    palette = Image.new("P", size, 1)
    palette.putpalette([0, 0, 0, *red])
    palette.save(tmp_path / "e.gif", save_all=True, append_images=[Image.new("RGB", size, (0, 0, 255))])
    palette.save(tmp_path / "f.png")
    Image.new("RGBA", size, (*red, 255)).save(tmp_path / "g.PNG")
    Image.fromarray(np.full((4, 6), 76 * 257, np.uint16)).save(tmp_path / "h.png")
    Image.new("LA", size, (76, 255)).save(tmp_path / "i.png")
    Image.new("RGB", size, red).save(tmp_path / "j.webp", lossless=True)
    Image.new("CMYK", size, (0, 255, 255, 0)).save(tmp_path / "k.jpg", quality=100)
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden.png").write_bytes(b"not a picture")
    return tmp_path


def test_every_kind_of_picture_is_read(zoo_of_pictures):
    opened = source("folder", path=str(zoo_of_pictures)).open(spec((4, 6, 3), label=False))
    assert opened.num_examples == 11 and opened.facts["skipped"] == {"count": 0, "names": []}
    pictures = everything(opened)
    for place, picture in enumerate(pictures):
        wanted = (76, 76, 76) if place in (3, 7, 8) else (255, 0, 0)
        np.testing.assert_allclose(picture, np.broadcast_to(wanted, (4, 6, 3)), atol=3)
    grey = everything(source("folder", path=str(zoo_of_pictures)).open(spec((4, 6, 1), label=False)))
    np.testing.assert_allclose(grey, 76, atol=3)
    assert opened.facts["image_shape"] == [4, 6, None]


def test_transparency_is_white_and_exif_turns(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    half = Image.new("RGBA", (4, 4), (0, 0, 0, 128))
    half.save(tmp_path / "b.png")
    turned = Image.new("L", (6, 4))
    turned.paste(255, (0, 0, 6, 1))  # the top row is white; tag 6 says: turn a quarter clockwise
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(tmp_path / "c.png", exif=exif)
    assert images.decode(tmp_path / "a.png").tolist() == np.full((4, 4, 3), 255).tolist()
    assert abs(int(images.decode(tmp_path / "b.png")[0, 0, 0]) - 127) <= 1
    picture = images.decode(tmp_path / "c.png")
    assert picture.shape == (6, 4, 1) and (picture[:, 3] == 255).all() and (picture[:, :3] == 0).all()


@pytest.mark.parametrize("cache", [True, False])
def test_what_cannot_be_decoded_is_named_counted_and_skipped(zoo_of_pictures, caplog, cache):
    whole = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(whole).save(zoo_of_pictures / "z.jpg", quality=95)
    half = (zoo_of_pictures / "z.jpg").read_bytes()
    (zoo_of_pictures / "z.jpg").write_bytes(half[: len(half) // 2])
    (zoo_of_pictures / "aa.png").write_bytes(b"nothing")
    with caplog.at_level(logging.WARNING, "tfgan_zoo"):
        opened = source("folder", path=str(zoo_of_pictures), cache=cache).open(spec((4, 6, 3), label=False))
    assert "skipped 2 files that cannot be decoded: aa.png, z.jpg" in caplog.text
    assert opened.facts["skipped"] == {"count": 2, "names": ["aa.png", "z.jpg"]}
    assert opened.num_examples == 11 and opened.facts["cached"] is cache
    assert everything(opened).shape == (11, 4, 6, 3)


def test_cached_or_not_the_batches_are_the_same(zoo_of_pictures):
    first, second = (
        source("folder", path=str(zoo_of_pictures), cache=cache, transforms=["random_flip"]).open(spec(label=False))
        for cache in (True, False)
    )
    assert first.facts["fingerprint"] == second.facts["fingerprint"]
    for a, b in zip(first.batches(4).take(5), second.batches(4).take(5), strict=True):
        np.testing.assert_array_equal(a["image"], b["image"])


def test_class_subfolders_are_labels(tmp_path):
    for place, name in enumerate(["dog", "cat", "cat", "emu"]):
        (tmp_path / name).mkdir(exist_ok=True)
        Image.new("L", (8, 8), 10 * place).save(tmp_path / name / f"{place}.png")
    opened = source("folder", path=str(tmp_path)).open(spec())
    assert opened.class_names == ("cat", "dog", "emu") and opened.num_classes == opened.facts["classes"] == 3
    assert everything(opened, "label").tolist() == [0, 0, 1, 2]
    assert everything(opened)[:, 0, 0, 0].tolist() == [10, 20, 0, 30]
    part = source("folder", path=str(tmp_path), split="train[1:3]").open(spec())
    assert part.num_classes == 3 and everything(part, "label").tolist() == [0, 1]


def test_split_subfolders(tmp_path):
    for split, count in [("train", 3), ("test", 2)]:
        for place in range(count):
            folder = tmp_path / split / f"class{place % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8)).save(folder / f"{place}.png")
    here = source("folder", path=str(tmp_path))
    assert here.open(spec()).num_examples == 3 and here.open(spec(), split="test").num_examples == 2
    with pytest.raises(ZooError, match="unknown split 'validation'.*Allowed: test, train"):
        here.open(spec(), split="validation")


def test_split_subfolders_of_domains(tmp_path):
    for split, count in [("trainA", 1), ("trainB", 2), ("testA", 3), ("testB", 4)]:
        (tmp_path / split).mkdir()
        for place in range(count):
            Image.new("L", (8, 8)).save(tmp_path / split / f"{place}.png")
    here = source("folder", path=str(tmp_path))
    assert here.splits() == ["trainA", "trainB", "testA", "testB"]
    assert here.open(spec(label=False), split="testB[:3]").num_examples == 3
    with pytest.raises(ZooError, match="unknown split 'train': did you mean 'train[AB]'"):
        here.open(spec(label=False))


def metadata(folder, *rows):
    for row in rows:
        Image.new("L", (8, 8)).save(folder / row["file_name"])
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_metadata_gives_labels_and_text(tmp_path):
    rows = [{"file_name": f"{i}.png", "text": f"number {i}", "group": "ab"[i % 2], "size": i} for i in (2, 0, 1)]
    metadata(tmp_path, *rows)
    Image.new("L", (8, 8)).save(tmp_path / "unlisted.png")
    words = Text((3,), ("number", "0", "1", "2"))
    wanted = spec() | {"text": words}
    opened = source("folder", path=str(tmp_path), label="group").open(wanted)
    assert opened.class_names == ("a", "b") and everything(opened, "label").tolist() == [0, 0, 1]
    assert words.decode(everything(opened, "text")) == ["number 2", "number 0", "number 1"]
    batch = next(iter(opened.batches(2)))
    assert batch["text"].dtype == tf.int32 and batch["text"].shape == (2, 3)
    numbers = source("folder", path=str(tmp_path), label="size").open(spec())
    assert numbers.class_names == ("0", "1", "2") and everything(numbers, "label").tolist() == [2, 0, 1]
    with pytest.raises(ZooError, match="no labels.*metadata key as data.label: group, size, text"):
        source("folder", path=str(tmp_path)).open(spec())
    with pytest.raises(ZooError, match="unknown metadata key 'grup': did you mean 'group'"):
        source("folder", path=str(tmp_path), label="grup").open(spec())


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(ZooError, match="does not exist"):
        source("folder", path=str(tmp_path / "no")).open(spec())
    with pytest.raises(ZooError, match="holds no picture"):
        source("folder", path=str(tmp_path)).open(spec())
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(ZooError, match="none of its 1 picture can be decoded"):
        source("folder", path=str(tmp_path)).open(spec(label=False))
    with pytest.raises(ZooError, match="is not a folder"):
        source("folder", path=str(tmp_path / "a.png")).open(spec())
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ZooError, match="no labels.*subfolder"):
        source("folder", path=str(tmp_path)).open(spec())
    with pytest.raises(ZooError, match="has no 'point'"):
        source("folder", path=str(tmp_path)).open(spec(label=False) | {"point": Points((2,))})
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png"}\n{"file_nam')
    with pytest.raises(ZooError, match="line 2 is no JSON object"):
        source("folder", path=str(tmp_path)).open(spec())
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "../a.png"}')
    with pytest.raises(ZooError, match="not inside the folder"):
        source("folder", path=str(tmp_path)).open(spec())


def test_emoji(shared):
    opened = source("folder", path=str(shared / "data/emoji_3d"), label="group", split="train[:200]").open(
        spec((64, 64, 3))
    )
    assert opened.num_examples == 200 and opened.num_classes > 5 and opened.facts["image_shape"] == [128, 128, 3]
    assert next(iter(opened.batches(8)))["image"].shape == (8, 64, 64, 3)


# === Arrays ===


def arrays(tmp_path, **content):
    np.savez(tmp_path / "x.npz", **content)
    return source("arrays", path=str(tmp_path / "x.npz"))


def test_arrays_of_several_splits(tmp_path):
    image = np.arange(6 * 64, dtype=np.uint8).reshape(6, 8, 8)
    here = arrays(tmp_path, train_image=image, train_label=np.arange(6), test_image=image[:2], test_label=[0, 5])
    opened = here.open(spec())
    np.testing.assert_array_equal(everything(opened), image[..., None])
    assert opened.num_classes == 6 and opened.facts["image_shape"] == [8, 8, 1] and opened.facts["cached"]
    assert everything(here.open(spec(), split="test"), "label").tolist() == [0, 5]
    assert everything(here.open(spec((4, 4, 3)))).shape == (6, 4, 4, 3)
    with pytest.raises(ZooError, match="Allowed: test, train"):
        here.open(spec(), split="dev")


def test_arrays_without_cache_are_the_same(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    opened = [
        source("arrays", path=str(tmp_path / "x.npz"), cache=cache).open(spec((4, 4, 1)))
        for cache in (True, False)
        if arrays(tmp_path, image=image, label=np.arange(6))
    ]
    np.testing.assert_array_equal(*(everything(one) for one in opened))
    assert [type(one.columns["image"]) for one in opened] == [np.ndarray, memory.Lazy]


def test_arrays_of_other_keys(tmp_path):
    point = np.random.default_rng(0).normal(size=(6, 2))
    opened = arrays(tmp_path, point=point).open({"point": Points((2,))})
    np.testing.assert_allclose(everything(opened, "point"), point, rtol=1e-6)
    with pytest.raises(ZooError, match=r"rows are \(2,\), not \(3,\)"):
        arrays(tmp_path, point=point).open({"point": Points((3,))})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"picture": np.zeros((3, 8, 8), np.uint8)},
            "no 'image' or '<split>_image'; its keys: label, picture",
        ),
        ({"image": np.zeros((3, 8, 8), np.uint8)}, "no 'label' for the model; its keys: image"),
        ({"image": np.zeros((3, 8, 8))}, "images are float64; they must be uint8"),
        ({"image": np.zeros((3, 8), np.uint8)}, "images have shape"),
        ({"image": np.zeros((3, 8, 8, 2), np.uint8)}, "images have shape"),
        ({"label": np.arange(2)}, "label has 2 rows, image has 3"),
        ({"label": np.ones(3)}, "whole numbers"),
        ({"label": np.ones((3, 1), int)}, "whole numbers"),
        ({"label": np.arange(3) - 1}, "classes count from 0"),
        ({"label": np.array([{}, {}, {}])}, "cannot be read as .npz"),
    ],
)
def test_wrong_arrays(tmp_path, content, message):
    good = {"image": np.zeros((3, 8, 8), np.uint8)} if "picture" not in content else {}
    labels = {} if "no 'label'" in message else {"label": np.arange(3)}
    with pytest.raises(ZooError, match=message) as caught:
        arrays(tmp_path, **(good | labels | content)).open(spec())
    assert "\n" not in str(caught.value)


def test_damaged_arrays(tmp_path):
    with pytest.raises(ZooError, match="is not a file"):
        source("arrays", path=str(tmp_path / "no.npz")).open(spec())
    noise = np.random.default_rng(0).integers(0, 256, (30, 8, 8), np.uint8)
    np.savez_compressed(tmp_path / "x.npz", image=noise, label=np.arange(30))
    good = (tmp_path / "x.npz").read_bytes()
    flipped = bytearray(good)
    flipped[200] ^= 255
    for bad in (good[: len(good) // 2], good[:3], b"", b"text", bytes(flipped)):
        (tmp_path / "x.npz").write_bytes(bad)
        with pytest.raises(ZooError, match="cannot be read as .npz") as caught:
            source("arrays", path=str(tmp_path / "x.npz")).open(spec())
        assert "\n" not in str(caught.value)
    np.save(tmp_path / "x.npy", noise)
    with pytest.raises(ZooError, match="single array"):
        source("arrays", path=str(tmp_path / "x.npy")).open(spec())


def test_usps(shared):
    here = source("arrays", path=str(shared / "data/usps/usps.npz"))
    opened, test = here.open(spec((16, 16, 1))), here.open(spec((16, 16, 1)), split="test")
    assert (opened.num_examples, test.num_examples, opened.num_classes) == (7291, 2007, 10)


# === Synthetic ===


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (24, 40, 3)])
def test_glyphs(shape):
    words = Text((1,), tuple(synthetic.CHARACTERS.lower()))
    opened = source("synthetic", size=300).open(spec(shape) | {"text": words})
    assert opened.num_classes == 62 and opened.num_examples == 300 and opened.class_names[10] == "A"
    batch = next(iter(opened.batches(64)))
    assert batch["image"].shape == (64, *shape)
    luma = batch["image"].numpy() @ np.array([0.299, 0.587, 0.114] if shape[2] == 3 else [1.0])
    contrast = np.ptp(luma, axis=(1, 2))
    assert contrast.min() > 40  # there is something to see in each
    assert len({image.tobytes() for image in everything(opened)}) == 300
    for label, text in zip(everything(opened, "label"), words.decode(everything(opened, "text")), strict=True):
        assert opened.class_names[label].lower() == text
    assert len(glyphs.faces(synthetic.CHARACTERS)) > 10


def test_glyph_i_depends_on_seed_and_i_only():
    def draw(**settings):
        return everything(source("synthetic", **settings).open(spec((16, 16, 1))))

    few, many = draw(size=20), draw(size=40)
    np.testing.assert_array_equal(few, many[:20])
    assert not (draw(size=20, seed=1) == few).all() and not (draw(size=20, split="test") == few).all()
    np.testing.assert_array_equal(draw(size=40, split="train[10:20]"), many[10:20])
    np.testing.assert_array_equal(draw(size=20, cache=False), few)
    np.testing.assert_array_equal(draw(size=20, transforms=["invert"]), 255 - few)


def test_glyphs_can_be_told_apart():
    """Nearest class mean on upright-enough digits is far above chance: labels belong to the pictures."""
    opened = source("synthetic", size=600, characters="0147X").open(spec((16, 16, 1)))
    image, label = everything(opened).reshape(600, -1) / 255.0, everything(opened, "label")
    means = np.stack([image[:450][label[:450] == k].mean(0) for k in range(5)])
    guess = np.argmin(((image[450:, None] - means) ** 2).sum(-1), axis=1)
    assert (guess == label[450:]).mean() > 0.4


def test_typefaces():
    """A face draws other pictures of the same characters, and two together are both there."""
    faces = [["DejaVuSans-Bold"], ["cmtt10"], ["cmtt10", "DejaVuSans-Bold"]]
    opened = [source("synthetic", size=60, faces=names).open(spec((24, 24, 1))) for names in faces]
    bold, thin, both = (everything(one) for one in opened)
    np.testing.assert_array_equal(everything(opened[0], "label"), everything(opened[1], "label"))
    alike = [sum((a == b).all() for a, b in zip(both, one)) for one in (bold, thin)]
    assert min(alike) > 15 and sum(alike) == 60
    assert len({one.facts["fingerprint"] for one in opened}) == 3
    with pytest.raises(ZooError, match="data.faces: unknown typeface with these characters 'DejaVuSan'.*'DejaVuSans'"):
        source("synthetic", faces=["DejaVuSan"]).open(spec())
    assert source("synthetic", characters="Aab").knows()["vocabulary"] == ["a", "b"]


def test_wrong_glyphs():
    for characters in ("", "aa", "a b"):
        with pytest.raises(ValidationError, match="each once"):
            source("synthetic", characters=characters)
    with pytest.raises(ZooError, match="no typeface"):
        source("synthetic", characters="\U0001f600\u4e2d").open(spec())
    with pytest.raises(ZooError, match="has no 'audio'"):
        source("synthetic").open({"audio": Audio((9, 1))})


@pytest.mark.parametrize(("name", "modes", "sigma"), [("ring", 8, 0.01), ("grid", 25, 0.05)])
def test_mixtures(name, modes, sigma):
    wanted = {"point": Points((2,)), "label": ClassLabel()}
    opened = source("synthetic", name=name).open(wanted)
    assert opened.num_examples == 100_000 and opened.num_classes == modes
    batch = next(opened.examples(100_000).as_numpy_iterator())
    centres = np.array(opened.facts["modes"])
    assert batch["point"].dtype == np.float32 and len(np.unique(centres.round(6), axis=0)) == modes
    counts = np.bincount(batch["label"], minlength=modes)
    assert counts.min() > 0.93 * 100_000 / modes and counts.max() < 1.07 * 100_000 / modes
    off = batch["point"] - centres[batch["label"]]
    assert abs(off.std() / sigma - 1) < 0.01 and abs(np.corrcoef(off.T)[0, 1]) < 0.01
    distances = np.linalg.norm(off, axis=1)
    assert abs((distances < 3 * sigma).mean() - (1 - np.exp(-4.5))) < 0.002
    nearest = np.linalg.norm(batch["point"][:500, None] - centres, axis=-1).argmin(1)
    np.testing.assert_array_equal(nearest, batch["label"][:500])
    if name == "ring":
        np.testing.assert_allclose(np.linalg.norm(synthetic.mixture("ring")[0], axis=1), 1)
    with pytest.raises(ZooError, match="has no 'image'"):
        source("synthetic", name=name).open(spec())
