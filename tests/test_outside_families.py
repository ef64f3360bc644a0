"""A family that lies outside the package, the one of CONTRIBUTING.md: its facts, and its `.keras` file anywhere."""

import json
import sys
import zipfile
from pathlib import Path

import keras
import pytest
from helpers import refused, run

from tfgan_zoo import config, zoo
from tfgan_zoo.families.lsgan import LSGAN

GUIDE = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"
MODULE = "my_gans.lsgan"


def block(language):
    """The example in that language of the guide."""
    (_, found, *_) = GUIDE.read_text(encoding="utf-8").split(f"```{language}\n")
    return found.partition("```")[0]


def forget():
    """What a new process has not seen."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_gans"]:
        del sys.modules[name]
    keras.saving.get_custom_objects().pop(f"{MODULE}>LSGAN", None)
    zoo.family_class.cache_clear()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the example's two files and a model of it, `mine.keras`."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / "my_gans").mkdir()
    (folder / "my_gans" / "lsgan.py").write_text(block("python"))
    (folder / "lsgan_glyphs.toml").write_text(block("toml"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        zoo.build(config.load(str(folder / "lsgan_glyphs.toml"), smoke=True)).save(folder / "mine.keras")
    return folder


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Another folder, in a process that has not seen the family."""
    monkeypatch.chdir(tmp_path)
    forget()
    yield tmp_path
    forget()


@pytest.fixture
def found(home, elsewhere, monkeypatch):
    """The same, with the family on PYTHONPATH."""
    monkeypatch.syspath_prepend(home)
    return elsewhere


def test_info_tells_its_facts(found):
    done = run("info", MODULE)
    assert done.exit_code == 0, done.output
    assert f"family {MODULE}: LSGAN" in done.stdout and "latent_dim" in done.stdout
    assert json.loads(run("info", MODULE, "--json").stdout)["paper"] == "https://arxiv.org/abs/1611.04076"


def test_info_of_what_is_not_there_says_what_to_do(elsewhere):
    assert "no such module; put the folder that holds my_gans on PYTHONPATH" in refused("info", MODULE)
    assert "unknown preset or family 'mine.keras'" in refused("info", "mine.keras")


def test_its_file_generates_and_is_measured(found, home):
    done = run("generate", home / "mine.keras", "--num", 8, "--out", "made")
    assert done.exit_code == 0, done.output
    assert len(list((found / "made").glob("*.png"))) == 8
    done = run("evaluate", home / "mine.keras", "made", "--metrics", "fd@random_conv", "--num", 8)
    assert done.exit_code == 0, done.output
    assert "fd@random_conv" in done.stdout


def test_its_file_where_the_family_is_not_found_is_one_line(elsewhere, home):
    for command in (("generate",), ("evaluate", "--against", "dcgan_glyphs", "--metrics", "fd@random_conv")):
        said = refused(command[0], home / "mine.keras", *command[1:])
        assert "mine.keras: family 'my_gans.lsgan': there is no such module" in said


def test_a_class_of_a_script_says_where_it_belongs(elsewhere, home):
    with zipfile.ZipFile(home / "mine.keras") as archive, zipfile.ZipFile("script.keras", "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            changed.writestr(name, content.replace(b"my_gans.lsgan", b"__main__") if name == "config.json" else content)
    assert "script.keras: its class LSGAN was defined in __main__" in refused("generate", "script.keras")


def test_a_class_called_as_one_of_ours_does_not_take_its_place(found, home):
    ours = zoo.build("lsgan_ring", filters=4)
    ours.save("ours.keras")
    assert type(zoo.from_file(home / "mine.keras")) is not LSGAN
    assert type(zoo.from_file(found / "ours.keras")) is LSGAN
