"""Answers to files: which endpoint, which files, where the answers go, what is never overwritten."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from helpers import refused, run
from PIL import Image as Pillow
from toys import MODELS, lively, spoiled

from tfgan_zoo import files, images, sampling, translation, verbs, zoo
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.partial_conv import PartialConv
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Mask, Points, Text


@pytest.fixture(scope="module")
def model():
    return lively(MODELS["encoding"]())


@pytest.fixture
def pictures(tmp_path):
    """Five pictures of other sizes than the model's, in a folder with a file of another kind."""
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for number in range(5):
        picture = random.integers(0, 256, (20, 16 + 8 * number, 3), np.uint8)
        Pillow.fromarray(picture).save(tmp_path / "in" / f"{number}.{'png' if number % 2 else 'jpg'}")
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    return tmp_path / "in"


def refusal(call, *arguments, **keywords):
    """The one line that `call` refuses with."""
    with pytest.raises(ZooError) as error:
        call(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


def asked(model, path, endpoint):
    """The model's answer in stored form to the picture at `path`."""
    datum = Image((8, 8, 1)).fit(images.decode(path))
    return model.sample([0], endpoint, image=datum).numpy()[0]


# === What to ask ===
@pytest.mark.parametrize(
    "inputs, command",
    [
        ({"generate": {"z": Noise((4,)), "label": ClassLabel(3)}}, "generate RUN --num 64 --out samples.png"),
        ({"generate": {"z": Noise((4,)), "text": Text((8,))}}, 'generate RUN --text "..." --num 64 --out samples.png'),
        (
            {"generate": {"z": Noise((4,)), "x": Image((8, 8, 1))}},
            "generate RUN --given FILE --num 64 --out samples.png",
        ),
        ({"upscale": {"low_res": Image((None, None, 3))}}, "translate RUN my_files answers"),
        ({"xy": {"x": Image((8, 8, 1))}, "yx": {"y": Audio((8,), 8)}}, "translate RUN my_files answers --endpoint xy"),
        ({"restore": {"mask": Mask((8, 8, 1)), "x": Image((8, 8, 1))}}, "translate RUN my_files answers --mask masks"),
        ({"name": {"z": Noise((4,))}}, None),
    ],
)
def test_a_model_tells_the_command_that_asks_it(inputs, command):
    endpoints = {name: Endpoint(taken, Image((8, 8, 1)), ()) for name, taken in inputs.items()}
    assert translation.question(SimpleNamespace(endpoints=endpoints)) == command


# === Answers ===
def test_a_file_for_a_file(model, pictures, tmp_path):
    source = pictures / "1.png"
    for out in ("out.png", "new/out.jpg", "out.npy"):
        assert translation.translate(model, source, tmp_path / out, "reconstruct") == [tmp_path / out]
    expected = asked(model, source, "reconstruct")
    np.testing.assert_array_equal(images.decode(tmp_path / "out.png"), expected)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy")[0], expected)


def test_a_file_for_each_of_a_folder(model, pictures, tmp_path):
    written = translation.translate(model, pictures, tmp_path / "out", "reconstruct")
    assert [path.name for path in written] == [f"{number}.png" for number in range(5)]
    assert sorted((tmp_path / "out").iterdir()) == written
    for source, path in zip(sorted(pictures.glob("[0-9]*")), written):
        np.testing.assert_array_equal(images.decode(path), asked(model, source, "reconstruct"))
    codes = translation.translate(model, pictures, tmp_path / "codes", "encode")
    assert [path.name for path in codes] == [f"{number}.npy" for number in range(5)]
    np.testing.assert_allclose(np.load(codes[1]), asked(model, pictures / "1.png", "encode"), atol=1e-5)
    classes = translation.translate(model, pictures, tmp_path / "classes", "classify")
    assert classes[1].read_text() == f"{asked(model, pictures / '1.png', 'classify')}\n"


def test_a_file_of_many(model, tmp_path):
    codes = np.random.default_rng(0).normal(size=(3, 4))
    np.save(tmp_path / "codes.npy", codes)
    expected = model.sample(range(3), "paint", code=codes).numpy()
    translation.translate(model, tmp_path / "codes.npy", tmp_path / "all.png", "paint")
    side_by_side = images.decode(tmp_path / "all.png")  # pixel for pixel
    np.testing.assert_array_equal(side_by_side, images.grid(expected, padding=0, scale=1))
    translation.translate(model, tmp_path / "codes.npy", tmp_path / "all.npy", "paint")
    np.testing.assert_array_equal(np.load(tmp_path / "all.npy"), expected)
    assert len({picture.tobytes() for picture in expected}) == 3


def test_answers_in_the_model_form_agree(model, pictures, tmp_path):
    """The way by hand: decode, bring to the shape, scale, ask the networks."""
    (path,) = translation.translate(model, pictures / "3.png", tmp_path / "code.npy", "encode")
    picture = Image((8, 8, 1)).fit(images.decode(pictures / "3.png"))
    code = model.encoder(picture[None].astype(np.float32) / 127.5 - 1)
    np.testing.assert_allclose(np.load(path), code[0], atol=1e-5)


# === Endpoints ===
def test_the_endpoint_is_told_or_the_only_one(model, pictures, tmp_path):
    assert translation.endpoint_for_files(model, "encode") == "encode"
    assert translation.endpoint_for_files(model, "struct") == "reconstruct"
    line = refusal(translation.translate, model, pictures, tmp_path / "out")
    assert "can encode and reconstruct and classify and paint: say which (--endpoint encode)" in line
    line = refusal(translation.translate, model, pictures, tmp_path / "out", "encod")
    assert "Encoding: unknown endpoint 'encod': did you mean 'encode'" in line
    assert "unknown endpoint 'generate'" in refusal(
        translation.translate, model, pictures, tmp_path / "out", "generate"
    )
    line = refusal(translation.translate, MODELS["gan"](), pictures, tmp_path / "out")
    assert line == "GAN takes no files; it can generate."
    assert not (tmp_path / "out").exists()


class Describing:
    """A stand-in for a model: one endpoint, `describe`, with a class beside the data."""

    def __init__(self, kind, answer):
        self.endpoints = {"describe": Endpoint({"label": ClassLabel(3), "data": kind}, answer, ())}
        self.name = "describing"


def test_the_data_of_an_endpoint():
    kind = Audio((10, 1))
    model = Describing(kind, Text((2,), ("a",)))
    assert translation.datum_of(model.endpoints["describe"]) == ("data", kind)
    assert translation.endpoint_for_files(model, None) == "describe"
    assert translation.datum_of(Endpoint({"label": ClassLabel(3)}, kind, ())) is None
    describe = model.endpoints["describe"]
    model.endpoints |= {"repair_y": describe, "restore_y": describe}
    assert translation.endpoint_for_files(model, "restore_y") == "restore_y"
    assert "unknown endpoint 'y'" in refusal(translation.endpoint_for_files, model, "y")  # which of the two?
    model.endpoints |= {"translate_xy": describe}
    assert translation.endpoint_for_files(model, "y") == "translate_xy"  # `--to y`


# === What is told of an input ===
def test_what_is_told_is_made_ready_for_its_kind(pictures, tmp_path):
    np.save(tmp_path / "code.npy", np.arange(4, dtype=np.float32))
    for value, kind, wanted in [
        ("2", ClassLabel(3), 2),
        (2, ClassLabel(3), 2),
        ("cat", ClassLabel(3), 1),
        ("a red fox", Text((3,), ("red",)), "a red fox"),
        ("0.5,-1", Points((2,)), [0.5, -1]),
        ("3", Noise((1,)), [3]),
        (0.4, Points((1,)), [0.4]),
        ([1, 2], Points((2,)), [1, 2]),
        (str(tmp_path / "code.npy"), Points((4,)), [0, 1, 2, 3]),
        (tmp_path / "code.npy", Noise((4,)), [0, 1, 2, 3]),
        ("mask.png", Mask((8, 8, 1)), "mask.png"),
    ]:
        assert np.array_equal(translation.told("x", value, kind, ["dog", "cat", "fox"]), wanted), (value, kind)
    picture = translation.told("x", str(pictures / "1.png"), Image((8, 8, 1)))
    np.testing.assert_array_equal(picture, Image((8, 8, 1)).fit(images.decode(pictures / "1.png")))


@pytest.mark.parametrize(
    "value, kind, names, said",
    [
        ("cow", ClassLabel(3), ["dog", "cat", "fox"], "x: unknown class 'cow'"),
        ("cow", ClassLabel(3), None, "x=cow: its classes have no names; give a number from 0 to 2."),
        ("long", Points((1,)), None, "x=long: give numbers separated by commas, such as 0.5,-1, or a file."),
        ("no.png", Image((8, 8, 1)), None, "x=no.png: there is no such file; give Image (8, 8, 1)."),
    ],
)
def test_what_cannot_be_told(value, kind, names, said):
    assert said in refusal(translation.told, "x", value, kind, names)


def test_what_the_file_holds_is_not_given_again(model, pictures, tmp_path):
    line = refusal(
        translation.translate,
        model,
        pictures / "1.png",
        tmp_path / "a.npy",
        "encode",
        image=np.zeros((8, 8, 1), np.uint8),
    )
    assert "image is read from" in line and "leave it out" in line


# === Refused ===
def test_sources_that_cannot_be_read(model, pictures, tmp_path):
    out = tmp_path / "out"
    assert "no such file or folder" in refusal(translation.translate, model, tmp_path / "x.png", out, "encode")
    (tmp_path / "empty").mkdir()
    line = refusal(translation.translate, model, tmp_path / "empty", out, "encode")
    assert "holds no file of the kind that is wanted (.png .jpg" in line
    (pictures / "2.jpg").write_bytes(b"no picture")
    assert "2.jpg: cannot be read as a picture" in refusal(translation.translate, model, pictures, out, "encode")
    line = refusal(translation.translate, model, pictures / "notes.txt", tmp_path / "a.npy", "encode")
    assert "notes.txt: cannot be read as a picture" in line
    for seed in (-1, 2**63, 1.5):
        assert "a seed must be" in refusal(translation.translate, model, pictures, out, "encode", seed=seed)


def test_a_file_that_does_not_fit_is_named(tmp_path):
    class Solid(Image):
        def fit(self, datum):
            raise ZooError("data of shape (1,) where Solid is wanted.")

    Pillow.new("L", (8, 8)).save(tmp_path / "a.png")
    line = refusal(translation.read, tmp_path / "a.png", Solid((8, 8, 1)))
    assert line == f"{tmp_path / 'a.png'}: data of shape (1,) where Solid is wanted."


def test_places_that_do_not_fit(model, pictures, tmp_path):
    line = refusal(translation.translate, model, pictures, tmp_path / "all.png", "reconstruct")
    assert "is one file, and there are 5 to answer; name a folder" in line
    assert "cannot write .gif" in refusal(
        translation.translate, model, pictures / "1.png", tmp_path / "a.gif", "encode"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_nothing_is_overwritten(model, pictures, tmp_path):
    before = {path: files.sha256(path) for path in pictures.iterdir()}
    ask = translation.translate
    assert "1.png is to be answered and would be overwritten" in refusal(
        ask, model, pictures / "1.png", pictures / "1.png", "reconstruct"
    )
    assert "holds" in refusal(ask, model, pictures, pictures, "reconstruct")
    for path in pictures.glob("*.[jt]*"):
        path.unlink()
    assert "would be overwritten" in refusal(ask, model, pictures, pictures, "reconstruct")
    Pillow.new("L", (8, 8)).save(pictures / "1.jpg")
    line = refusal(ask, model, pictures, tmp_path / "out", "reconstruct")
    assert "1.png and 1.jpg: both answers would be" in line
    (pictures / "1.jpg").unlink()
    (tmp_path / "mix").mkdir()
    (tmp_path / "mix" / "old.png").touch()
    assert "mix: holds old.png already" in refusal(ask, model, pictures, tmp_path / "mix", "reconstruct")
    assert all(files.sha256(path) == before[path] for path in pictures.iterdir())
    assert not (tmp_path / "out").exists()


def test_broken_weights_answer_nothing(pictures, tmp_path):
    model = spoiled(MODELS["encoding"]())
    line = refusal(translation.translate, model, pictures, tmp_path / "out", "reconstruct")
    assert "NaN or infinity in 1 answer of 1" in line and not (tmp_path / "out").exists()


def test_conditions_that_do_not_fit(model, pictures, tmp_path):
    line = refusal(translation.translate, model, pictures, tmp_path / "out", "encode", label=3)
    assert "Encoding.encode: unknown input 'label': Allowed: image" in line
    with pytest.raises(ZooError, match=r"Encoding.encode needs image \(Image \(8, 8, 1\)\)"):
        sampling.draw(model, "encode", tf.range(2))


# === The verb and the command ===
def test_the_verb_and_the_command(model, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save("mine.keras")
    expected = asked(model, pictures / "1.png", "encode")
    verbs.translate("mine.keras", pictures / "1.png", "verb.npy", "encode")
    monkeypatch.setattr(zoo, "from_file", lambda path: model)
    result = run("translate", "mine.keras", "in/1.png", "--endpoint", "encode", "--out", "command.npy")
    assert result.exit_code == 0 and result.stdout == "command.npy\n"
    for name in ("verb", "command"):
        np.testing.assert_allclose(np.load(f"{name}.npy"), expected, atol=1e-5)
    result = run("translate", "mine.keras", "in", "--endpoint", "encode", "--out", "codes")
    assert result.exit_code == 0 and "5 files" in result.stdout and len(list((tmp_path / "codes").iterdir())) == 5
    assert "nothing: there is no such file or folder" in refused("translate", "mine.keras", "nothing", "--out", "a.npy")


# === Masks ===
@pytest.fixture(scope="module")
def filling():
    """A model that fills holes in pictures of any size."""
    return PartialConv((16, 16, 3), filters=2, halvings=2, perceptual="random_conv")


@pytest.fixture
def torn(tmp_path):
    """Pictures of two sizes, transparent where `holes` says; the same pictures whole, and masks as files."""
    random, holes = np.random.default_rng(0), {}
    for name, size in (("a", (20, 12)), ("b", (9, 21))):
        colours = random.integers(0, 256, (*size, 3), np.uint8)
        holes[name] = random.random(size) < 0.3
        alpha = np.where(holes[name], random.integers(0, 255, size), 255).astype(np.uint8)  # half transparent is a hole
        mask = np.where(holes[name], 255, 0).astype(np.uint8)
        for folder, picture in (("torn", np.dstack([colours, alpha])), ("whole", colours), ("masks", mask)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Pillow.fromarray(picture).save(tmp_path / folder / f"{name}.png")
    return holes


def filled(model, tmp_path, name, hole):
    picture = images.decode(tmp_path / "whole" / f"{name}.png")
    mask = np.where(hole, 255, 0).astype(np.uint8)[..., None]
    return model.sample([0], "restore", image=picture, mask=mask).numpy()[0]


def test_a_folder_is_filled_by_masks_of_the_same_names(filling, torn, tmp_path):
    ask = translation.translate
    by_masks = ask(filling, tmp_path / "whole", tmp_path / "one", mask=tmp_path / "masks")
    by_transparency = ask(filling, tmp_path / "torn", tmp_path / "two")
    for name, one, two in zip("ab", by_masks, by_transparency):
        expected = filled(filling, tmp_path, name, torn[name])
        np.testing.assert_array_equal(images.decode(one), expected)
        np.testing.assert_array_equal(images.decode(two), expected)
        known = images.decode(tmp_path / "whole" / f"{name}.png")[~torn[name]]
        np.testing.assert_array_equal(expected[~torn[name]], known)


def test_one_mask_serves_all_pictures_of_its_size(filling, torn, tmp_path):
    mask, whole = tmp_path / "masks" / "a.png", tmp_path / "whole"
    (whole / "b.png").write_bytes((whole / "a.png").read_bytes())
    written = translation.translate(filling, whole, tmp_path / "out", mask=mask)
    assert images.decode(written[0]).tobytes() == images.decode(written[1]).tobytes()
    expected = filled(filling, tmp_path, "a", torn["a"])
    np.testing.assert_array_equal(images.decode(written[1]), expected)
    array = np.where(torn["a"], 255, 0).astype(np.uint8)[..., None]
    translation.translate(filling, whole / "a.png", tmp_path / "array.png", mask=array)
    np.testing.assert_array_equal(images.decode(tmp_path / "array.png"), expected)


def test_masks_that_do_not_fit_are_refused(filling, model, torn, tmp_path):
    def line(source, **given):
        return refusal(translation.translate, filling, tmp_path / source, tmp_path / "out", **given)

    assert "whole/a.png: has no transparent part to fill; give a mask that is white there (--mask)." in line("whole")
    assert "is 9 x 21, and" in (said := line("whole/a.png", mask=tmp_path / "masks" / "b.png")) and "20 x 12" in said
    (tmp_path / "masks" / "a.png").unlink()
    assert "masks: holds none for a.png; name masks as the pictures" in line("whole", mask=tmp_path / "masks")
    assert "mask nothing.png: there is no such file or folder" in line("whole", mask="nothing.png")
    (tmp_path / "masks" / "b.png").write_bytes(b"no picture")
    assert "b.png: cannot be read as a picture" in line("whole/b.png", mask=tmp_path / "masks" / "b.png")
    said = refusal(translation.translate, model, tmp_path / "whole/a.png", tmp_path / "c.npy", "encode", mask="a.png")
    assert "unknown input 'mask': Allowed: image" in said
    assert not (tmp_path / "out").exists()


def test_the_picture_of_an_endpoint_is_its_datum_and_a_lone_mask_too():
    picture, mask = Image((None, None, 3)), Mask((None, None, 1))
    assert translation.datum_of(Endpoint({"mask": mask, "image": picture}, picture, ())) == ("image", picture)
    assert translation.datum_of(Endpoint({"mask": mask}, picture, ())) == ("mask", mask)


def test_the_command_fills_holes(filling, torn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    filling.save("mine.keras")
    monkeypatch.setattr(zoo, "from_file", lambda path: filling)
    result = run("translate", "mine.keras", "whole/a.png", "out.png", "--mask", "masks/a.png")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(images.decode("out.png"), filled(filling, tmp_path, "a", torn["a"]))
    assert "--mask nothing: there is no such" in refused("translate", "mine.keras", "whole", "x", "--mask", "nothing")
