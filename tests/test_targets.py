"""What people name: runs, presets, files. What it is, what is loaded from it, and what is refused in one line."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from helpers import refused, run
from toys import CLASSES, MODELS, lively, spoiled

from tfgan_zoo import config, index, targets, verbs, weights, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run
from tfgan_zoo.serving import savedmodel

PRETRAINED = weights.names()[0]
UNTRAINED = next(name for name in index.presets() if name not in weights.names())


def refusal(call, *arguments, **keywords):
    """The one line that `call` refuses with."""
    with pytest.raises(ZooError) as error:
        call(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def model():
    """A model of the run's experiment, with weights that no seed gives."""
    keras.utils.set_random_seed(1)
    return lively(zoo.build(config.load("dcgan_glyphs", smoke=True)))


@pytest.fixture
def trained(here, model):
    """A run with checkpoints of steps 1 and 2; at step 2 the weights are twice as large."""
    made = Run.place(config.load("dcgan_glyphs", smoke=True), here / "mine")
    original = {name: network.get_weights() for name, network in model.networks_by_name.items()}
    for step in (1, 2):
        model.step.assign(step)
        for name, network in model.networks_by_name.items():
            network.set_weights([value * step for value in original[name]])
        made.save(model, keep=5)
    yield made
    for name, network in model.networks_by_name.items():
        network.set_weights(original[name])


@pytest.fixture
def files_of(here):
    """Things of every kind, in the current directory."""
    Run.place(config.load("dcgan_glyphs", smoke=True), here / "mine")
    (here / "mine.keras").touch()
    (here / "notes.txt").touch()
    for folder in ("pictures", "saved", "served/3", "cats.keras"):
        (here / folder).mkdir(parents=True)
    (here / "saved" / "saved_model.pb").touch()
    (here / "served" / "3" / "saved_model.pb").touch()
    return here


# === What it is ===
EVERYTHING = tuple(targets.WORDS)


@pytest.mark.parametrize(
    "text, kind",
    [
        ("mine", "run"),
        ("mine/", "run"),
        (PRETRAINED, "pretrained"),
        ("mine.keras", "keras"),
        ("saved", "savedmodel"),
        ("served", "savedmodel"),
        ("pictures", "folder"),
        ("cats.keras", "folder"),
        ("cifar10:test", "dataset"),
    ],
)
def test_what_is_named(files_of, text, kind):
    found = targets.resolve(text, EVERYTHING)
    assert found.kind == kind and found.text == text and str(found.path) == text.rstrip("/")
    assert targets.resolve(text, (kind,)) == found
    if kind not in ("pretrained", "dataset"):  # which are no places
        assert targets.resolve(files_of / text, EVERYTHING).kind == kind
    if kind != "dataset":
        wrong = f"is {targets.WORDS[kind]}"
        if kind == "folder":
            wrong = "not a run directory (no config.json in it)"
        for other in {"run", "savedmodel", "keras"} - {kind}:
            assert refusal(targets.resolve, text, (other,)) == f"{text}: {wrong}; give {targets.WORDS[other]}."


def test_a_folder_of_that_name_comes_before_a_preset(here):
    (here / PRETRAINED).mkdir()
    assert targets.resolve(PRETRAINED, EVERYTHING).kind == "folder"


@pytest.mark.parametrize(
    "text, said",
    [
        (UNTRAINED, f"python -m tfgan_zoo train {UNTRAINED}"),
        (PRETRAINED[:-1], f"did you mean '{PRETRAINED}'"),
        ("notes.txt", "is a file; give a run directory, a preset with pretrained weights, a .keras file or a shared"),
        ("pictures", "pictures: not a run directory (no config.json in it); give a run directory, a preset"),
        ("missing.keras", "missing.keras: there is no such file"),
        ("no/such/place", "'no/such/place'"),
        ("~nobody/x", "'~nobody/x'"),
        ("a\0b", "unknown"),
        ("x" * 5000, "unknown"),
    ],
)
def test_what_is_no_model(files_of, text, said):
    assert said in refusal(targets.resolve, text)


def test_nothing_slow_is_needed_to_tell():
    code = (
        "import sys; from tfgan_zoo import targets; targets.resolve('cifar10', ('dataset',)); "
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# === Runs ===
def test_the_newest_checkpoint_of_a_run(trained, model, capfd):
    loaded = zoo.loaded("mine")
    assert loaded.description == "mine at step 2" and loaded.name == "mine"
    assert loaded.experiment.preset == "dcgan_glyphs" and not loaded.model.compiled
    np.testing.assert_array_equal(verbs.generate("mine", 2), verbs.generate(model, 2))
    first = zoo.loaded("mine", step=1)
    assert first.description == "mine at step 1"
    assert not np.array_equal(verbs.generate(first, 2), verbs.generate(model, 2))
    assert "unknown checkpoint 3" in refusal(zoo.loaded, "mine", 3)
    assert zoo.loaded(loaded) is loaded and zoo.loaded(model).model is model
    assert "warning" not in capfd.readouterr().err


def test_a_damaged_checkpoint_is_told(trained, model, capfd):
    newest = trained.checkpoints[2]
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    loaded = zoo.loaded("mine")
    assert loaded.description == "mine at step 1"
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("warning: mine: ")]
    assert len(told) == 1 and newest.name in told[0] and "step 1 is used instead" in told[0]
    result = run("generate", "mine", "--num", 1)
    assert result.exit_code == 0 and newest.name in result.stderr
    trained.checkpoints[1].write_bytes(b"")
    line = refusal(zoo.loaded, "mine")
    assert "mine: no checkpoint can be read" in line
    assert all(path.name in line for path in trained.checkpoints.values())


def test_a_run_without_checkpoint_is_refused(here):
    Run.place(config.load("dcgan_glyphs", smoke=True), here / "mine")
    before = sorted(here.rglob("*"))
    for verb, arguments in [
        (verbs.generate, {"out": "a.png"}),
        (verbs.interpolate, {"out": "a.png"}),
        (verbs.arithmetic, {"expression": "1 - 2", "out": "a.png"}),
        (verbs.translate, {"source": "a.png", "out": "b.png"}),
        (verbs.evaluate, {"metrics": ("fd@pixels",)}),
        (verbs.export, {"out": "models"}),
    ]:
        assert "mine: has no checkpoint yet" in refusal(verb, "mine", **arguments)
    assert "mine: has no checkpoint yet" in refused("generate", "mine")
    assert "mine: has no checkpoint yet" in refused("export", "mine")
    assert sorted(here.rglob("*")) == before


def test_model_keras_stands_in_for_checkpoints_that_are_gone(trained, model):
    model.save("mine/model.keras")
    for path in trained.checkpoints.values():
        path.unlink()
    loaded = zoo.loaded("mine")
    assert loaded.description == "mine (model.keras)" and loaded.name == "mine"
    np.testing.assert_array_equal(verbs.generate(loaded, 2), verbs.generate(model, 2))
    assert "unknown checkpoint 2" in refusal(zoo.loaded, "mine", 2)
    (trained.path / "model.keras").write_bytes(b"no zip")
    assert "model.keras: cannot be loaded" in refusal(zoo.loaded, "mine")


def test_a_run_in_half_precision_is_used_in_float32(here):
    experiment = config.load("dcgan_glyphs", ["train.precision=mixed_bfloat16"], smoke=True)
    made, half = Run.place(experiment, here / "half"), zoo.build(experiment)
    assert half.compute_dtype == "bfloat16"
    half.save("half/model.keras")
    assert zoo.loaded("half").model.compute_dtype == "float32"
    half.step.assign(1)
    made.save(half, keep=1)
    assert zoo.loaded("half").model.compute_dtype == "float32"


# === Files ===
def test_files_of_keras(here, model):
    model.save("mine.keras")
    loaded = zoo.loaded("mine.keras")
    assert loaded.name == "mine" and loaded.description == "mine.keras" and loaded.experiment is None
    expected = verbs.generate(model, 2)
    np.testing.assert_array_equal(verbs.generate(here / "mine.keras", 2), expected)
    assert run("generate", "mine.keras", "--num", 2, "--out", "a.npy").exit_code == 0
    np.testing.assert_array_equal(np.load("a.npy"), expected)


def test_the_best_of_a_run_knows_the_run(trained, model):
    model.save("mine/best.keras")
    trained.note_data({"class_names": ["cat", "dog"], "fingerprint": "0", "examples": 2})
    loaded = zoo.loaded("mine/best.keras")
    assert loaded.name == "mine-best" and loaded.experiment.preset == "dcgan_glyphs"
    assert loaded.class_names == ["cat", "dog"]
    np.testing.assert_array_equal(verbs.generate("mine/best.keras", 2), verbs.generate(model, 2))
    (trained.path.parent / "config.json").write_text("{}")  # of something else
    model.save("other.keras")
    assert zoo.loaded("other.keras").name == "other"


def test_files_that_hold_no_model_of_the_zoo(here):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save("plain.keras")
    assert "plain.keras: holds a Sequential, no model of the zoo" in refusal(zoo.loaded, "plain.keras")
    for content in (b"", b"text", b"PK\x03\x04"):
        (here / "broken.keras").write_bytes(content)
        assert "broken.keras: cannot be loaded" in refusal(zoo.loaded, "broken.keras")
    assert "broken.keras: cannot be loaded" in refused("generate", "broken.keras")


def test_a_new_process_reads_the_file(here):
    """`load_model` knows the zoo's classes once `tfgan_zoo` is imported."""
    saved = lively(MODELS["gan"]())
    saved.compile()
    saved.save("mine.keras")
    code = (
        "import keras, tfgan_zoo; model = keras.models.load_model('mine.keras'); "
        "import numpy; numpy.save('there.npy', model.sample([0, 1, 2]).numpy()); assert model.compiled"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert np.abs(np.load("there.npy").astype(int) - saved.sample([0, 1, 2]).numpy()).max() <= 1


# === Weights that are no numbers ===
def test_a_network_that_diverged_serves_no_verb(here):
    spoiled(MODELS["gan"]()).save("nan.keras")
    real = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), np.uint8)
    before = sorted(here.rglob("*"))
    for verb, arguments in [
        (verbs.generate, {"out": "a.png"}),
        (verbs.interpolate, {"out": "a.png"}),
        (verbs.arithmetic, {"expression": "1 - 2", "out": "a.png"}),
        (verbs.evaluate, {"metrics": ("fd@pixels",), "samples": 8, "against": real}),
        (verbs.export, {"out": "models"}),
    ]:
        line = refusal(verb, "nan.keras", **arguments)
        assert "NaN or infinity in" in line and "weights" in line and "take an earlier checkpoint" in line, verb
    assert sorted(here.rglob("*")) == before


# === Conditions ===
def test_classes_by_name_and_by_number():
    model = lively(MODELS["labelled"]())
    names = ["cat", "dog", "sea", "sky", "red car"]
    loaded = zoo.Loaded(model, None, "mine", "mine", names)
    expected = verbs.generate(model, 3, label=4)
    for label in (4, "4", "red car", np.int64(4)):
        np.testing.assert_array_equal(verbs.generate(loaded, 3, label=label), expected)
    np.testing.assert_array_equal(verbs.generate(loaded, 3, label=None), verbs.generate(model, 3))
    assert "unknown class 'sae': did you mean 'sea'" in refusal(verbs.generate, loaded, label="sae")
    for bad in ("²", "--4", "-1", str(CLASSES), "4.0", ""):
        assert f"'{bad}'" in refusal(verbs.generate, loaded, label=bad)
    assert "unknown input 'label'" in refusal(verbs.generate, MODELS["gan"](), label=3)
    assert "leave `given` out" in refusal(verbs.generate, loaded, given="a.png")


# === Exports ===
def test_exports_are_named_by_what_was_named(trained, model, monkeypatch):
    monkeypatch.setattr(savedmodel, "verify_saved", lambda path, model: None)
    model.save("mine/best.keras")
    paths = [verbs.export("mine", "models"), verbs.export("mine/", "models"), verbs.export("mine/best.keras", "models")]
    monkeypatch.chdir("mine")
    paths += [verbs.export(".", "../models"), verbs.export(".", "../models", name="other")]
    assert [path.parent.name for path in paths] == ["mine", "mine", "mine-best", "mine", "other"]
    assert [path.name for path in paths] == ["1", "2", "1", "3", "1"]
