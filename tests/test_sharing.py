"""Models that are given on: pushed to a folder or a Hub, pulled, asked; damaged ones refused."""

import json
import shutil
import subprocess
import sys
import types

import numpy as np
import pytest
from helpers import refused, run
from toys import MODELS, lively

from tfgan_zoo import config, sharing, targets, verbs, zoo
from tfgan_zoo.errors import ZooError


@pytest.fixture(scope="module")
def model():
    """A model of a family of the zoo, with weights that no seed gives and other ones in its averaged twin."""
    return lively(MODELS["dcgan_ema"]())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current directory, and a cache of its own."""
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def samples(model):
    return verbs.generate(model, 3, seed=5)


def refusal(call, *arguments, **keywords):
    with pytest.raises(ZooError) as error:
        call(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


class Hub(types.ModuleType):
    """What is used of `huggingface_hub`, as files in a folder; it knows its own calls and refuses others."""

    def __init__(self, folder):
        super().__init__("huggingface_hub")
        self.folder, self.calls = folder, []

    def HfApi(self):
        return self

    def create_repo(self, repo_id, *, private=None, exist_ok=False):
        self.calls.append(("create_repo", repo_id, private, exist_ok))
        (self.folder / repo_id).mkdir(parents=True, exist_ok=exist_ok)

    def upload_folder(self, *, repo_id, folder_path, commit_message=None):
        self.calls.append(("upload_folder", repo_id, commit_message))
        shutil.copytree(folder_path, self.folder / repo_id, dirs_exist_ok=True)

    def snapshot_download(self, repo_id, *, revision=None, local_dir=None, allow_patterns=None):
        self.calls.append(("snapshot_download", repo_id, revision))
        if not (self.folder / repo_id).is_dir():
            raise OSError("404 Client Error\nRepository Not Found for url")
        for name in allow_patterns:
            shutil.copy(self.folder / repo_id / name, local_dir)


@pytest.fixture
def hub(here, monkeypatch):
    made = Hub(here / "the_hub")
    monkeypatch.setitem(sys.modules, "huggingface_hub", made)
    return made


def test_pushed_to_a_folder_and_used_from_there(here, model):
    assert verbs.push(model, "shared/mine") == "shared/mine"
    assert {file.name for file in (here / "shared" / "mine").iterdir()} == {"card.json", "weights.npz", "README.md"}
    assert [place.name for place in (here / "shared").iterdir()] == ["mine"]
    card = json.loads((here / "shared/mine/card.json").read_text())
    assert card["family"] == "dcgan" and card["model"]["latent_dim"] == 8 and card["experiment"] is None
    readme = (here / "shared/mine/README.md").read_text()
    assert readme.startswith("---\nlibrary_name: tfgan_zoo") and card["sha256"] in readme and "1511.06434" in readme

    got = zoo.get("shared/mine")
    for name, network in model.networks_by_name.items():  # the discriminator and the averaged twin too
        for here_, there in zip(network.get_weights(), got.networks_by_name[name].get_weights()):
            np.testing.assert_array_equal(here_, there)
    loaded = zoo.loaded("shared/mine")
    assert loaded.name == "mine" and loaded.sha256 == card["sha256"] and loaded.description == "shared mine"
    np.testing.assert_array_equal(samples(loaded), samples(model))
    assert targets.resolve("shared/mine").kind == "shared"


def test_pulled_under_a_name(here, model):
    verbs.push(model, "shared/mine", storage="float16")
    folder = verbs.pull("shared/mine", name="yours")
    assert folder == here / "cache/models/yours" and verbs.pull("shared/mine", name="yours") == folder
    shutil.rmtree("shared")
    assert targets.resolve("yours").kind == "shared" and zoo.loaded("yours").model.latent_dim == 8
    assert np.abs(samples("yours").astype(int) - samples(model)).max() <= 2  # float16
    assert not list((here / "cache/models").glob(".tmp*"))
    other = lively(MODELS["dcgan_ema"]())
    other.generator.weights[0].assign_add(other.generator.weights[0] * 0 + 1)
    verbs.push(other, "other")
    assert "holds other weights; say another --name" in refusal(verbs.pull, "other", name="yours")
    for name in ("../up", "a/b", ".hidden"):
        assert "--name" in refusal(verbs.pull, "other", name=name)
    assert "is a preset's name" in refusal(verbs.pull, "other", name="dcgan_mnist")
    assert sorted(place.name for place in (here / "cache/models").iterdir()) == ["yours"]


def test_the_experiment_comes_along(here):
    experiment = config.load("dcgan_glyphs", ["data.data_dir=/home/me/data"], smoke=True)
    loaded = zoo.Loaded(zoo.build(experiment), experiment, "/home/me/run at step 1", "run", ["a", "b"])
    verbs.push(loaded, "run")
    found = zoo.loaded("run")
    assert found.experiment.preset == "dcgan_glyphs" and found.class_names == ["a", "b"]
    assert "/home/me" not in (here / "run/card.json").read_text()


def test_what_is_damaged_is_refused(here, model):
    verbs.push(model, "mine")
    weights, card = here / "mine/weights.npz", here / "mine/card.json"
    whole, text = weights.read_bytes(), card.read_text()
    weights.write_bytes(whole[:-1] + b"x")
    for call in (zoo.get, zoo.loaded, verbs.pull):
        assert "weights.npz is damaged: SHA-256" in refusal(call, "mine")
    weights.write_bytes(whole)
    for broken, says in [
        ("{", "holds no shared model"),
        ("[]", "holds no shared model"),
        (json.dumps({**json.loads(text), "model": []}), "model a table"),
        (json.dumps({**json.loads(text), "family": "nope"}), "unknown family 'nope'"),
        (json.dumps({**json.loads(text), "model": {"filters": "many"}}), "model.filters"),
        (json.dumps({**json.loads(text), "model": {"surprise": 1}}), "surprise"),
        (json.dumps({**json.loads(text), "model": {"filters": 5}}), "which has shape"),
        (text + " " * sharing.LONGEST, "it is no card"),
    ]:
        card.write_text(broken)
        assert says in refusal(zoo.get, "mine")
    assert not (here / "cache").exists() or not any((here / "cache/models").iterdir())


def test_nothing_is_unpickled(here, model):
    verbs.push(model, "mine")
    np.savez(here / "mine/weights.npz", **{"generator/000": np.array([print], object)})
    card = json.loads((here / "mine/card.json").read_text())
    card["sha256"] = sharing.files.sha256(here / "mine/weights.npz")
    (here / "mine/card.json").write_text(json.dumps(card))
    assert "cannot be read (Object arrays cannot be loaded" in refusal(zoo.get, "mine")


def test_places_that_cannot_be_written(here, model):
    (here / "there").mkdir()
    assert "exists; name a folder that does not" in refusal(verbs.push, model, "there")
    (here / "file").touch()
    assert "cannot write" in refusal(verbs.push, model, "file/mine")
    assert "holds no shared model" in refusal(verbs.pull, "there")
    assert sorted(place.name for place in here.iterdir()) == ["file", "there"]


def test_the_hub(here, hub, model):
    assert verbs.push(model, "hf://me/mine", private=True) == "hf://me/mine"
    assert hub.calls == [
        ("create_repo", "me/mine", True, True),
        ("upload_folder", "me/mine", f"tfgan_zoo: {model.name}"),
    ]
    assert (here / "the_hub/me/mine/README.md").is_file() and not list((here / "cache/push").iterdir())
    np.testing.assert_array_equal(samples(zoo.get("hf://me/mine@v1")), samples(model))
    assert hub.calls[-1] == ("snapshot_download", "me/mine", "v1")
    shutil.rmtree(here / "the_hub")
    np.testing.assert_array_equal(samples("hf://me/mine@v1"), samples(model))  # from the cache
    assert verbs.pull(here / "cache/models/me--mine--v1", name="mine").name == "mine"
    assert "404 Client Error. Is the name right" in refusal(verbs.pull, "hf://me/other")
    for wrong in ("hf://mine", "hf://a/b/c", "hf://../x@", "hf://me/mine@"):
        assert "write hf://user/model" in refusal(verbs.pull, wrong)
    assert "leave @v1 out" in refusal(verbs.push, model, "hf://me/mine@v1")


def test_the_hub_needs_its_library(here, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert "pip install 'tfgan_zoo[hub]'" in refusal(verbs.pull, "hf://me/mine")


def test_from_the_command_line(here, model):
    model.save("mine.keras")
    result = run("push", "mine.keras", "shared")
    assert result.exit_code == 0 and "generate shared" in result.output, result.output
    result = run("pull", "shared", "--name", "yours")
    assert result.exit_code == 0 and "yours: dcgan" in result.output and "verified" in result.output, result.output
    result = run("generate", "yours", "--num", 2, "--out", "grid.png")
    assert result.exit_code == 0 and (here / "grid.png").is_file(), result.output
    assert "weights.npz verified" in run("get", "yours").output
    assert "exists" in refused("push", "mine.keras", "shared")


def test_pulling_needs_no_tensorflow(here, model):
    verbs.push(model, "mine")
    code = "import sys; from tfgan_zoo import sharing; sharing.pull('mine'); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
