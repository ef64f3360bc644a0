"""Presets, overlays, overrides, and what bad ones are answered with."""

import json
from functools import cache

import keras
import numpy as np
import pytest
from helpers import source

from tfgan_zoo import config, index, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import assess

PRESETS = list(index.presets())
BASE = 'family = "dcgan"\n[data]\nsource = "synthetic"\n'


def refusal(*arguments, **options):
    """The one line that `config.load` refuses with."""
    with pytest.raises(ZooError) as caught:
        config.load(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message and ".." not in message.replace("...", ""), message
    return message


def built(*overrides, preset="dcgan_glyphs"):
    """The model's arguments of a preset, validated as for building."""
    experiment = config.load(preset, overrides)
    return zoo.model_arguments(zoo.family_class(experiment.family), experiment)


@cache
def model_of(family):
    """A small model of the family."""
    return zoo.build(config.load(index.listing(family)[0]["preset"], smoke=True))


@pytest.fixture
def preset(tmp_path):
    """Writes a preset file; returns its path."""

    def write(text):
        path = tmp_path / "mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


# === Presets ===
@pytest.mark.parametrize("smoke", [False, True], ids=["preset", "smoke"])
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_valid(name, smoke):
    experiment = config.load(name, smoke=smoke)
    assert experiment.preset == name and name.startswith(experiment.family)
    arguments = zoo.model_arguments(zoo.family_class(experiment.family), experiment)
    assert arguments.keys() == experiment.model.keys()
    if smoke:  # nothing that is not embedded, and no network that takes long
        assert experiment.data.source == "synthetic" and experiment.train.steps <= 10
        assert experiment.data.size and experiment.data.size <= 1000 and not experiment.train.jit
    assess.by_endpoint(model_of(experiment.family), experiment.evaluate.metrics + experiment.evaluate.monitor)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_names_the_paper_of_its_family(name):
    first = index.preset_path(name).read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ") and index.family_facts(config.load(name).family)["paper"] in first


@pytest.mark.parametrize("name", PRESETS)
def test_round_trip(name):
    for smoke in (False, True):
        experiment = config.load(name, ["train.optimizers.generator.name=adam"], smoke=smoke)
        stored = json.loads(json.dumps(experiment.as_dict()))
        again = config.Experiment.from_dict(stored, origin="config.json")
        assert again.as_dict() == experiment.as_dict()
        assert (again.data, again.train, again.evaluate, again.model) == (
            experiment.data,
            experiment.train,
            experiment.evaluate,
            experiment.model,
        )
        assert config.override(again, []).as_dict() == experiment.as_dict()


def test_an_experiment_cannot_be_changed():
    experiment = config.load("dcgan_glyphs")
    with pytest.raises(ValueError):
        experiment.train.steps = 3


# === Overrides ===
def test_overrides_keep_their_types():
    train = config.load(
        "dcgan_glyphs",
        [
            "train.steps=1_000",
            "train.jit=true",
            "train.precision=mixed_float16",
            "train.seed = 7 ",
        ],
    ).train
    assert (train.steps, train.jit, train.precision, train.seed) == (1000, True, "mixed_float16", 7)
    model = built("model.image_shape=[16, 16, 3]", "model.ema_decay=0.5", "model.filters=8")
    assert model["image_shape"] == (16, 16, 3) and model["ema_decay"] == 0.5 and model["filters"] == 8
    assert type(model["filters"]) is int
    whole = built("model.gp_weight=5", preset="wgan_gp_glyphs")["gp_weight"]
    assert whole == 5 and isinstance(whole, float)  # a whole number is a number
    evaluate = config.load("dcgan_glyphs", ['evaluate.metrics=["fd_mnist", "fid768"]']).evaluate
    assert evaluate.metrics == ["fd_mnist", "fid768"]


@pytest.mark.parametrize("text", ["123", "007", "1_000", "1e5", "true", "a=b", "with blanks", "[x", "'"])
def test_text_stays_text(text):
    data = config.load("dcgan_celeba", ["data.source=folder", f"data.path={text}"]).data
    assert data.path == text
    assert config.load("dcgan_mnist", [f'data.data_dir="{text}"']).data.data_dir == text
    assert (
        config.load("dcgan_mnist", config.data_options(text, True)).data.model_dump().items()
        >= {"data_dir": text, "download": True}.items()
    )


def test_dotted_keys_reach_into_tables():
    learning_rate = {"name": "adam", "learning_rate": 1e-4}
    overrides = ["train.optimizers.generator.name=adam", "train.optimizers.generator.learning_rate=1e-4"]
    assert config.load("dcgan_glyphs", overrides).train.optimizers == {"generator": learning_rate}
    before = config.load("wgan_gp_fashion_mnist").train.optimizers
    after = config.load("wgan_gp_fashion_mnist", ["train.optimizers.generator.learning_rate=3e-4"]).train.optimizers
    assert after == {**before, "generator": {**before["generator"], "learning_rate": 3e-4}}
    schedule = "train.optimizers.generator.learning_rate.decay_steps=5"
    before = config.load("wgan_gp_cifar10").train.optimizers["generator"]["learning_rate"]
    after = config.load("wgan_gp_cifar10", [schedule]).train.optimizers["generator"]["learning_rate"]
    assert after == {**before, "decay_steps": 5}


def test_another_source_keeps_only_what_all_sources_know():
    before = config.load("dcgan_celeba").data
    data = config.load("dcgan_celeba", ["data.source=folder", "data.path=pictures"]).data
    plain = source("folder", path="pictures", batch_size=before.batch_size)
    assert before.transforms and data == plain and data.split == "train" and data.transforms == []
    kept = config.load("dcgan_mnist", ["data.where.label=3", "data.derive.mask=random_mask", "data.split=test"])
    assert (kept.data.where, kept.data.derive, kept.data.split) == ({"label": 3}, {"mask": "random_mask"}, "test")
    assert config.load("dcgan_celeba", ["data.source=tfds", "data.split=test"]).data.name == "celeb_a"  # the same one
    with pytest.raises(ZooError, match="data.path is missing"):
        config.load("dcgan_celeba", ["data.source=folder"])


def test_what_was_made_for_another_source_is_left_out_and_said(preset):
    path = preset(BASE + 'split = "train[:80%]"\ntransforms = ["random_flip"]\n[evaluate]\nsplit = "train[80%:]"')
    folder = ["data.source=folder", "data.path=p"]
    experiment = config.load(path, folder)
    assert (experiment.data.split, experiment.data.transforms, experiment.evaluate.split) == ("train", [], None)
    assert experiment.notes == (
        'data.source=folder: data.transforms=["random_flip"], data.split=train[:80%], evaluate.split=train[80%:] left '
        "out, made for synthetic data",
    )
    own = ["data.split=test", 'data.transforms=["invert"]', "evaluate.split=dev"]
    experiment = config.load(path, [*folder, *own])
    assert (experiment.data.split, experiment.data.transforms, experiment.evaluate.split) == ("test", ["invert"], "dev")
    assert not experiment.notes
    assert not config.load(path, ["data.size=8"]).notes and not config.load("dcgan_celeba", smoke=True).notes
    again = config.override(config.load(path), folder)  # as `evaluate` of a run on other data
    assert again.data.transforms == [] and len(again.notes) == 1
    assert not config.override(again, ["data.batch_size=8"]).notes


def test_overrides_come_after_the_overlay():
    experiment = config.load("dcgan_celeba", ["train.steps=5", "data.source=folder", "data.path=p"], smoke=True)
    assert experiment.train.steps == 5 and experiment.model["filters"] == 4
    assert experiment.data.source == "folder" and experiment.data.batch_size == 8


def test_override_of_a_loaded_experiment():
    experiment = config.override(config.load("dcgan_glyphs"), ["data.size=32", "data.size=33"])
    assert experiment.data.size == 33
    with pytest.raises(ZooError, match="^command line: data.size = 0: should be greater than 0.$"):
        config.override(experiment, ["data.size=0"])


# === Refusals: one line with the place, the key, the value and what is allowed ===
@pytest.mark.parametrize(
    "override, said",
    [
        ("train.stepz=5", ["unknown key 'train.stepz'", "did you mean 'train.steps'", "Allowed: train."]),
        ("data.path=x", ["unknown key 'data.path'", "Allowed: data.batch_size"]),
        ("train.steps=abc", ["train.steps = 'abc'", "a whole number"]),
        ("train.steps=1.5", ["train.steps = 1.5", "a whole number"]),
        ("train.steps=true", ["train.steps = True", "a whole number"]),
        ("train.steps=", ["train.steps = ''", "a whole number"]),
        ("train.steps=0", ["train.steps = 0", "greater than or equal to 1"]),
        ("train.seed=-1", ["train.seed = -1", "greater than or equal to 0"]),
        ("train.jit=no", ["train.jit = 'no'", "true or false"]),
        ("train.precision=float64", ["train.precision = 'float64'", "'float32', 'mixed_float16' or 'mixed_bfloat16'"]),
        ("train.optimizers.generator=3", ["train.optimizers.generator = 3", "a table"]),
        ("evaluate.metrics=fd_mnist", ["evaluate.metrics = 'fd_mnist'", "a list"]),
        ('evaluate.metrics=["fd_mnist", 3]', ["evaluate.metrics.1 = 3", "text"]),
        ("data.name=glyfs", ["data.name = 'glyfs'", "should be 'glyphs', 'ring', "]),
        ("data.size=0", ["data.size = 0", "greater than 0"]),
        ("data.cache=maybe", ["data.cache = 'maybe'", "should be 'auto' or true or false."]),
        ("data.characters=aab", ["data.characters 'aab'", "each once"]),
        ('data.transforms=["random_flop"]', ["unknown transform 'random_flop'", "did you mean 'random_flip'"]),
        ('data.transforms=[{ center_crop = "a" }]', ["center_crop", "size = 'a'", "valid integer"]),
        ("data.transforms=[{}]", ["data.transforms", "one name"]),
        ("data.transforms=[3]", ["data.transforms.0 = 3", "text or a table"]),
        ("data.source=foldr", ["data.source 'foldr'", "did you mean 'folder'", "Allowed: arrays, audio"]),
        ("data.source=3", ["data.source 3", "Allowed: arrays, audio"]),
        ("train.steps.x=3", ["train.steps.x", "train.steps = 3000 is no table"]),
        ("model.filters.x=3", ["model.filters.x", "model.filters = 20 is no table"]),
        ("traim.steps=3", ["unknown section 'traim'", "did you mean 'train'", "Allowed: data, evaluate, model, train"]),
        ("train=3", ["'train=3'", "section.key=value"]),
        ("train.steps", ["'train.steps'", "section.key=value"]),
        ("family=gan", ["'family=gan'", "section.key=value"]),
    ],
)
def test_an_override_that_cannot_be(override, said):
    message = refusal("dcgan_glyphs", [override])
    assert message.startswith("command line: ")
    for part in said:
        assert part in message


@pytest.mark.parametrize(
    "text, said",
    [
        ("family = ", ["not a TOML file"]),
        (b"\xff\xfe", ["not a TOML file"]),
        ('family = "dcgam"', ["unknown family 'dcgam'", "did you mean 'dcgan'"]),
        ("[data]\nsource = 'synthetic'", ["unknown family None", "Allowed: ", "next_frame", "more"]),
        ('family = "dcgan"', ["data.source is missing", "Allowed: arrays"]),
        ('family = "dcgan"\n[data]\nsource = "tdfs"', ["data.source 'tdfs'", "did you mean 'tfds'"]),
        ('family = "dcgan"\n[data]\nsource = ["tfds"]', ["data.source ['tfds']"]),
        ('family = "dcgan"\n[data]\nsource = "tfds"', ["data.name is missing"]),
        (BASE + "[train]\nstep = 3", ["unknown key 'train.step'", "did you mean 'train.steps'"]),
        (BASE + "[train]\nsteps = '3'", ["train.steps = '3'", "a whole number"]),
        (BASE + "[train]\nsteps = 2026-01-01", ["train.steps = '2026-01-01'", "a whole number"]),
        (BASE + "size = '12'", ["data.size = '12'", "a whole number"]),
        (BASE + "size = '12'\nseed = 1.5", ["data.size = '12'", "(and 1 more)"]),
        (BASE + "transforms = ['flap']", ["unknown transform 'flap'", "Allowed: center_crop"]),
        (BASE + "[trainn]\nsteps = 3", ["unknown key 'trainn'", "did you mean 'train'"]),
        ("train = 3\n" + BASE, ["train must be a table, got 3"]),
        ("preset = 3\n" + BASE, ["preset must be text, got 3"]),
    ],
)
def test_a_file_that_cannot_be(preset, text, said):
    path = preset(text)
    message = refusal(path)
    assert message.startswith(f"{path}: ")
    for part in said:
        assert part in message


def test_a_table_that_is_none_is_refused_whatever_is_laid_over_it(preset):
    assert "data must be a table" in refusal(preset("data = 3\nfamily = 'gan'"), ["data.source=folder"])
    assert "train must be a table" in refusal(preset("smoke = { train = 3 }\n" + BASE), smoke=True)
    assert "smoke must be a table, got 3" in refusal(preset("smoke = 3\n" + BASE), smoke=True)


def test_every_preset_can_be_made_small(preset):
    small = config.load(preset(BASE), smoke=True)
    assert small.train.steps == 2 and small.data.size == 64


def test_the_place_named_is_where_the_value_stands(preset):
    path = preset(BASE + "size = 0")
    assert refusal(path, ["train.steps=5"]).startswith(f"{path}: data.size = 0")
    assert refusal(path, ["data.size=-1"]).startswith("command line: data.size = -1")
    assert config.load(path, ["data.size=1"]).data.size == 1


def test_a_preset_that_is_not_there():
    message = refusal("dcgan_glyph")
    assert message.startswith("unknown preset 'dcgan_glyph': did you mean 'dcgan_glyphs'") and "Allowed: " in message
    assert "no such file: nowhere/x.toml" in refusal("nowhere/x.toml")


# === The model's arguments ===
@pytest.mark.parametrize(
    "override, said",
    [
        ("model.filters=0", ["model.filters = 0", "greater than or equal to 1"]),
        ("model.filters=4.0", ["model.filters = 4.0", "a whole number"]),
        ("model.filters=many", ["model.filters = 'many'", "a whole number"]),
        ("model.filtres=4", ["unknown key 'model.filtres'", "did you mean 'model.filters'"]),
        ("model.kwargs=4", ["unknown key 'model.kwargs'"]),
        ("model.image_shape=[32, 32]", ["model.image_shape = [32, 32]", "a list of 3"]),
        ("model.image_shape=[32, 32, 3, 1]", ["model.image_shape = [32, 32, 3, 1]", "a list of 3"]),
        ("model.image_shape=32", ["model.image_shape = 32", "a list"]),
        ("model.image_shape=[32, 32, 0]", ["model.image_shape.2 = 0", "greater than or equal to 1"]),
        ('model.image_shape=[32, "a", 3]', ["model.image_shape.1 = 'a'", "a whole number"]),
        ("model.ema_decay=1.0", ["model.ema_decay = 1.0", "less than 1"]),
        ("model.updates=both", ["model.updates = 'both'", "'alternating' or 'simultaneous'"]),
    ],
)
def test_model_arguments_that_cannot_be(override, said):
    with pytest.raises(ZooError) as caught:
        built(override)
    message = str(caught.value)
    assert message.startswith("command line: ") and "\n" not in message
    for part in said:
        assert part in message


def test_a_shape_the_network_cannot_make_is_refused_in_one_line():
    with pytest.raises(ZooError, match=r"model.image_shape=\[30, 30, 3\]: .*Choose the nearest") as caught:
        zoo.build(config.load("dcgan_glyphs", ["model.image_shape=[30, 30, 3]"], smoke=True))
    assert "\n" not in str(caught.value)


def test_arguments_given_in_python_are_checked_too():
    with pytest.raises(ZooError, match="model.filters = 0: should be"):
        zoo.build("dcgan_glyphs", filters=0)
    assert zoo.build("dcgan_glyphs", filters=4, image_shape=(8, 8, 1)).image_shape == (8, 8, 1)


@pytest.fixture
def policy():
    """Sets Keras' global dtype policy for the test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


def test_the_global_dtype_policy_holds_unless_the_preset_has_its_own(policy):
    policy("mixed_bfloat16")
    small = {"filters": 4, "image_shape": (8, 8, 1), "latent_dim": 4}
    model = zoo.build("dcgan_glyphs", **small)
    assert model.dtype_policy.name == "mixed_bfloat16" and model.generator.layers[1].compute_dtype == "bfloat16"
    own = zoo.build(config.load("dcgan_glyphs", ["train.precision=mixed_float16"]), **small)
    assert own.generator.layers[1].compute_dtype == "float16"
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    model.compile()
    losses = model.fit(np.zeros((4, 8, 8, 1), "uint8"), verbose=0).history
    assert np.isfinite(list(losses.values())).all()
    assert model.sample([0, 1]).dtype == "uint8"


def test_equal_experiments_have_equal_first_weights():
    def weights(*overrides):
        model = zoo.build(config.load("dcgan_glyphs", overrides, smoke=True))
        return [weight.numpy() for weight in model.weights]

    keras.utils.set_random_seed(1)
    one = weights()
    keras.utils.set_random_seed(2)
    for first, second in zip(one, weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert any((first != second).any() for first, second in zip(one, weights("train.seed=1"), strict=True))
