"""Where answers are written: what a suffix means, what is refused before the work, what is never overwritten."""

import os
from pathlib import Path

import numpy as np
import pytest
from helpers import run
from PIL import Image as Pillow
from toys import MODELS, full_disk, lively

from tfgan_zoo import files, generation, output, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Points, Text, Video, Voxels

KINDS = {
    "image": (Image((8, 8, 3)), (".png", ".jpg", ".jpeg", ".npy")),
    "points": (Points((2,)), (".png", ".jpg", ".jpeg", ".npy")),
    "voxels": (Voxels((4, 4, 4, 1)), (".png", ".jpg", ".jpeg", ".npy")),
    "video": (Video((3, 8, 8, 1)), (".png", ".jpg", ".jpeg", ".gif", ".npy")),
    "audio": (Audio((600, 1)), (".png", ".jpg", ".jpeg", ".wav", ".npy")),
    "text": (Text((4,), ("a", "b")), (".txt", ".npy")),
    "class": (ClassLabel(5), (".txt", ".npy")),
}


@pytest.fixture(scope="module")
def model():
    return lively(MODELS["gan"]())


def refusal(call, *arguments, **keywords):
    """The one line that `call` refuses with."""
    with pytest.raises(ZooError) as error:
        call(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


# === What a suffix means ===
@pytest.mark.parametrize("name", KINDS)
def test_every_suffix_that_is_offered_is_written(name, tmp_path):
    kind, suffixes = KINDS[name]
    assert output.suffixes_of(kind) == suffixes
    stored = kind.example(5, np.random.default_rng(0))
    for suffix in suffixes:
        path = output.destination(tmp_path / f"all{suffix}", suffixes)
        assert output.is_file(path, kind)
        output.write_all(kind, path, stored)
        assert path.stat().st_size >= 10
    np.testing.assert_array_equal(np.load(tmp_path / "all.npy"), stored)
    assert len(list(tmp_path.iterdir())) == len(suffixes)  # nothing temporary


def test_a_picture_of_all(tmp_path):
    stored = KINDS["image"][0].example(4, np.random.default_rng(0))
    output.write_all(Image((8, 8, 3)), tmp_path / "a.png", stored, padding=0, scale=1)
    with Pillow.open(tmp_path / "a.png") as read:
        np.testing.assert_array_equal(np.asarray(read)[8:, 8:], stored[3])


@pytest.mark.parametrize(
    "out, is_folder", [("a", True), ("a/", True), ("v1.2/", True), ("a.png", False), ("A.PNG", False)]
)
def test_files_and_folders(out, is_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = output.destination(out, output.suffixes_of(Image((8, 8, 3))))
    assert path == Path(out) and output.is_file(path, Image((8, 8, 3))) is not is_folder
    assert not list(tmp_path.iterdir())


def test_none_is_nowhere():
    assert output.destination(None, (".png",)) is None


# === Refused before the work ===
def test_places_that_cannot_be_written(tmp_path, monkeypatch):
    suffixes = (".png", ".npy")
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for out, said in [
        (tmp_path / "a.txt", "cannot write .txt; choose one of .png, .npy, a folder"),
        (tmp_path / "file" / "a.png", "is a file, not a folder"),
        (f"{tmp_path}/file/", "is a file, not a folder"),
        ("x" * 300 + ".png/" + "y" * 300 + ".gif", "cannot write .gif"),
    ]:
        assert said in refusal(output.destination, out, suffixes)
    assert "cannot write a folder" in refusal(output.destination, tmp_path / "new", suffixes, folders=False)
    assert "is a folder; name a file" in refusal(output.destination, tmp_path / "folder.png", suffixes, folders=False)
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    line = refusal(output.destination, tmp_path / "new" / "a.png", suffixes)
    assert f"no permission in {tmp_path}" in line and "Choose a place" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission(tmp_path, model):
    (tmp_path / "locked").mkdir(mode=0o500)
    (tmp_path / "closed").mkdir(mode=0o000)
    for place in ("locked/a.png", "locked/new/a.png", "locked/new", "closed/a.png", "closed/new"):
        assert "no permission in" in refusal(generation.generate, model, 2, out=tmp_path / place)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".npy", ""])
def test_a_disk_that_is_full(suffix, model, tmp_path):
    with full_disk():
        line = refusal(generation.generate, model, 20, out=tmp_path / f"a{suffix}")
    assert "cannot write" in line and "File too large" in line and "Choose a place you may write to" in line
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]  # no part of a file


@pytest.mark.parametrize("name", KINDS)
def test_a_disk_that_is_full_for_every_kind(name, tmp_path):
    kind = KINDS[name][0]
    datum = kind.example(1, np.random.default_rng(0))[0]
    with full_disk(size=1):
        assert "cannot write" in refusal(kind.write, tmp_path / f"a{kind.suffixes[0]}", datum)
        assert "cannot write" in refusal(kind.write, tmp_path / "new" / f"a{kind.suffixes[0]}", datum)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert "cannot write" in refusal(kind.write, Path(__file__) / f"a{kind.suffixes[0]}", datum)


def test_the_whole_file_or_the_old_one(tmp_path):
    (tmp_path / "a.png").write_text("old")
    with pytest.raises(ZooError), files.written(tmp_path / "a.png") as temporary:
        temporary.write_text("half")
        raise OSError("broken")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


# === Never overwritten, never mixed ===
def test_a_folder_with_other_files_is_refused(model, tmp_path):
    generation.generate(model, 3, seed=7, out=tmp_path / "mix")
    before = {path: files.sha256(path) for path in (tmp_path / "mix").iterdir()}
    line = refusal(generation.generate, model, 2, out=tmp_path / "mix")
    assert "mix: holds seed00000007.png and 2 more already: name an empty folder" in line
    generation.generate(model, 3, seed=7, out=tmp_path / "mix")  # the same again
    assert {path: files.sha256(path) for path in (tmp_path / "mix").iterdir()} == before
    (tmp_path / "mix" / "photo.jpg").touch()
    assert "mix: holds photo.jpg already" in refusal(generation.generate, model, 3, seed=7, out=tmp_path / "mix")
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / ".DS_Store").touch()
    generation.generate(model, 1, out=tmp_path / "hidden")
    assert (tmp_path / "hidden" / "seed00000000.png").is_file()


def test_free_names(tmp_path):
    assert output.free_name(tmp_path / "a.png") == tmp_path / "a.png"
    (tmp_path / "a.png").touch()
    (tmp_path / "a-2.png").mkdir()
    assert output.free_name(tmp_path / "a.png") == tmp_path / "a-3.png"
    assert output.free_name(tmp_path / "a") == tmp_path / "a"
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere")
    assert output.free_name(tmp_path / "b.png") == tmp_path / "b-2.png"  # writing would replace the link


def test_names_by_default_are_free(tmp_path, monkeypatch, model):
    """`generate`, `generate --arith` and `interpolate` twice, beside a file of the same name: nothing is lost."""
    monkeypatch.chdir(tmp_path)
    model.save("mine.keras")
    (tmp_path / "mine.png").write_text("a picture of my own")
    commands = [
        ["generate", "mine.keras", "--num", 1],
        ["generate", "mine.keras", "--arith", "1 - 2"],
        ["interpolate", "mine.keras", "--seeds", "0,1", "--steps", 2],
    ]
    written = []
    monkeypatch.setattr(zoo, "from_file", lambda path: model)
    for arguments in commands * 2:
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        written.append(result.stdout.strip())
    assert len(set(written)) == 6 and "mine.png" not in written
    assert (tmp_path / "mine.png").read_text() == "a picture of my own"
    for name in written:
        with Pillow.open(tmp_path / name) as picture:
            picture.verify()
