"""Bad input of every kind becomes one line that names it: settings, presets, files of runs, weights, data."""

import json
import re
import shutil
import zipfile

import numpy as np
import pytest
from helpers import one_line, refused, source, spec, untrained_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tfgan_zoo import config, data, devices, index, resources, training, weights, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run

WRONG = ["[]", "{}", "true", "-1", "0", "1e400", "nan", "''", "[[1]]", "1979-05-27", "99999999999999999999", "{a=[1]}"]
fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def answered(call, *arguments):
    """Whether a call works; it may also end in a ZooError of one line, and in nothing else."""
    try:
        call(*arguments)
    except ZooError as error:
        assert str(error) and "\n" not in str(error), str(error)
        return False
    return True


def torn(content: bytes):
    """Truncations and flipped bytes of a file."""
    cut = st.integers(0, max(len(content) - 1, 0)).map(lambda end: content[:end])
    flips = st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(1, 255)), min_size=1, max_size=4)

    def flipped(places):
        changed = bytearray(content)
        for place, bits in places:
            changed[place] ^= bits
        return bytes(changed)

    return cut | flips.map(flipped)


# === Settings ===
def all_settings():
    """Every section.key of every source and section, with the source that has it."""
    for name in data.source_names():
        for key in data.source_class(name).model_fields:
            yield name, f"data.{key}"
    for section, schema in {"train": config.Train, "evaluate": config.Evaluate}.items():
        for key in schema.model_fields:
            yield "synthetic", f"{section}.{key}"


def test_wrong_values_of_every_setting():
    tried, refused = 0, 0
    for name, key in all_settings():
        if key == "data.source":
            continue
        for value in WRONG:
            overrides = [f"data.source={name}", f"{key}={value}"]
            tried += 1
            refused += not answered(config.load, "dcgan_glyphs", overrides)
    assert tried > 700 and refused > 500  # some values suit some settings


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.steps=many", "train.steps"),
        ("train.steps=10.5", "train.steps = 10.5"),
        ("train.seed=-1", "train.seed = -1"),
        ("train.seed=4294967296", "train.seed = 4294967296"),
        ("train.stepps=3", "did you mean 'train.steps'"),
        ("trian.steps=3", "did you mean 'train'"),
        ("steps=3", "write train.steps=3"),
        ("train.samples=1000000", "10000"),
        ("data.batch_size=0", "data.batch_size = 0"),
        ("data.source=foldr", "did you mean 'folder'"),
        ("train.optimizers=fast", "train.optimizers"),
        ("evaluate.metrics=fid", "evaluate.metrics"),
        ("train.precision=float8", "float32"),
    ],
)
def test_what_is_said(override, said):
    with pytest.raises(ZooError) as caught:
        config.load("dcgan_glyphs", [override])
    one_line(caught)
    assert said in str(caught.value)


# === Sizes ===
HUGE = 10**12
TOO_LARGE = [  # for weights
    ("adda_mnist_usps", "units", HUGE),
    ("arae_mnist", "code_dim", HUGE),
    ("biggan_cifar10", "latent_dim", 10**9),
    ("bigan_mnist", "image_shape", [2**20, 2**20, 1]),
    ("cgan_glyphs", "num_classes", HUGE),
    ("cyclegan_glyphs", "filters", HUGE),
    ("cyclegan_glyphs", "pool_size", HUGE),
    ("dcgan_glyphs", "filters", HUGE),
    ("dcgan_glyphs", "latent_dim", 10**9),
    ("gan3d_chairs", "filters", HUGE),
    ("gan_glyphs", "image_shape", [2**20, 2**20, 1]),
    ("gan_glyphs", "maxout_units", HUGE),
    ("infogan_mnist", "categories", HUGE),
    ("pix2pix_facades", "filters", HUGE),
    ("sgan_texture_bricks", "periodic_dim", HUGE),
    ("specgan_digits", "samples", HUGE),
    ("srgan_t91", "image_shape", [2**20, 2**20, 3]),
    ("unsupervised_translation_multi30k", "units", HUGE),
    ("wgan_mnist", "latent_dim", 10**9),
]


@pytest.fixture
def small_machine(monkeypatch):
    """One with 500 MB of free memory, on which no test takes more."""
    monkeypatch.setattr(resources, "free_memory", lambda: 500_000_000)


@pytest.mark.parametrize(("preset", "name", "value"), TOO_LARGE)
def test_weights_that_memory_cannot_hold(small_machine, preset, name, value):
    with pytest.raises(ZooError) as caught:
        zoo.build(preset, **{name: value})
    one_line(caught)
    assert f"model.{name}={value}" in str(caught.value)
    size = re.search(r": takes ([\d.,]+) GB of memory, and 0.5 GB are free; choose less.$", str(caught.value))
    assert float(size[1].replace(",", "")) > 0.5


@pytest.mark.parametrize(
    ("preset", "name", "value"),
    [
        ("cyclegan_glyphs", "blocks", HUGE),
        ("cyclegan_glyphs", "discriminator_halvings", HUGE),
        ("sgan_texture_bricks", "halvings", HUGE),
        ("partial_conv_facades", "halvings", HUGE),
        ("seqgan_oracle", "text_length", HUGE),
        ("dcgan_glyphs", "latent_dim", -1),
        ("dcgan_glyphs", "filters", "many"),
        ("dcgan_glyphs", "image_shape", [10**6, 10**6, 3]),
    ],
)
def test_numbers_of_which_no_network_can_be_built(small_machine, monkeypatch, preset, name, value):
    monkeypatch.setattr(resources, "ARRAYS", 100)
    with pytest.raises(ZooError, match=rf"model\.{name} ?= ?") as caught:
        zoo.build(preset, **{name: value})
    one_line(caught)


@pytest.mark.parametrize("option", [(), ("--dry-run",), ("--replicas", 2)])
def test_training_refuses_weights_that_memory_cannot_hold(tmp_path, option):
    said = refused("train", "dcgan_glyphs", f"model.filters={HUGE}", "--out", tmp_path / "run", *option)
    assert f"model.filters={HUGE}, " in said and "GB are free" in said
    assert not (tmp_path / "run").exists()


def test_optimizers_are_counted_too(monkeypatch):
    model = zoo.build("gan_glyphs", image_shape=(8, 8, 1), latent_dim=4, hidden_units=256, maxout_units=64)
    size = sum(variable.numpy().nbytes for variable in model.trainable_variables)
    monkeypatch.setattr(resources, "free_memory", lambda: int(1.5 * size))
    model.compile(optimizer="sgd")
    with pytest.raises(ZooError, match="hidden_units=256, .* choose less"):
        model.compile(optimizer="adam")


def test_a_batch_is_refused_before_data_of_its_size_are_made(monkeypatch, small_machine):
    settings = ["data.source=synthetic", "data.name=examples", "model.image_shape=[65536, 65536, 3]", "model.filters=1"]
    with pytest.raises(ZooError, match="a batch of 4 .* GB are free"):
        training.prepare(config.load("pix2pix_facades", [*settings, "data.batch_size=4"]), devices.strategy(1))


def test_files_with_sizes_that_cannot_be(tmp_path, run, small_machine):
    shutil.copytree(run, tmp_path / "run")
    file = tmp_path / "run" / "config.json"
    found = json.loads(file.read_text())
    file.write_text(json.dumps({**found, "model": {**found["model"], "hidden_units": HUGE}}))
    with pytest.raises(ZooError, match=f"model.hidden_units={HUGE}, .* GB are free") as caught:
        zoo.loaded(tmp_path / "run")
    one_line(caught)
    with zipfile.ZipFile(run / "model.keras") as whole, zipfile.ZipFile(tmp_path / "model.keras", "w") as damaged:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "config.json":
                saved = json.loads(content)
                saved["config"]["hidden_units"] = HUGE
                content = json.dumps(saved).encode()
            damaged.writestr(name, content)
    with pytest.raises(ZooError, match=f"model.keras: cannot be loaded: .*hidden_units={HUGE}, ") as caught:
        zoo.loaded(tmp_path / "model.keras")
    one_line(caught)


# === Files ===
@fuzz
@given(content=torn((index.preset_path("dcgan_mnist")).read_bytes()))
def test_presets_that_are_damaged(tmp_path, content):
    file = tmp_path / "mine.toml"
    file.write_bytes(content)
    answered(config.load, str(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return untrained_run(tmp_path_factory.mktemp("runs") / "run", "gan_glyphs")


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"null", b"{}", b'{"preset": 3}', b"\xff\xfe", b"[" * 100_000])
def test_the_configuration_of_a_run_that_is_something_else(tmp_path, run, content):
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "config.json").write_bytes(content)
    assert not answered(lambda: Run(tmp_path / "run").experiment())


def test_the_configuration_of_a_run_that_is_damaged(tmp_path, run):
    shutil.copytree(run, tmp_path / "run")
    file = tmp_path / "run" / "config.json"

    @fuzz
    @given(content=torn(file.read_bytes()))
    def check(content):
        file.write_bytes(content)
        answered(lambda: Run(tmp_path / "run").experiment())

    check()


def test_weights_that_are_damaged(tmp_path):
    model = zoo.build("gan_glyphs", image_shape=(4, 4, 1), latent_dim=2, hidden_units=2, maxout_units=2)
    weights.save(model, tmp_path / "whole.npz")

    @fuzz
    @given(content=torn((tmp_path / "whole.npz").read_bytes()))
    def check(content):
        (tmp_path / "torn.npz").write_bytes(content)
        answered(weights.load, model, tmp_path / "torn.npz", "here")

    check()


LINES = b'{"file_name": "0.png", "label": 1, "text": "a cat"}\n{"file_name": "1.png", "label": 2, "text": "a dog"}\n'


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for place in range(2):
        Image.fromarray(np.full((8, 8), 90 * place, "uint8")).save(folder / f"{place}.png")
    return folder


@pytest.mark.parametrize("content", [b"[]", b"7\n8", b"null", b"{}", b"\xff\xfe", b'{"file_name": 3}', b"[" * 100_000])
def test_metadata_that_are_something_else(pictures, content):
    (pictures / "metadata.jsonl").write_bytes(content)
    assert not answered(lambda: source("folder", path=str(pictures)).open(spec()))


def test_metadata_that_are_damaged(pictures):
    @fuzz
    @given(content=torn(LINES))
    def check(content):
        (pictures / "metadata.jsonl").write_bytes(content)
        answered(lambda: source("folder", path=str(pictures)).open(spec()))

    check()


def test_arrays_that_are_damaged(tmp_path):
    np.savez(tmp_path / "whole.npz", image=np.zeros((4, 8, 8, 1), "uint8"), label=np.arange(4))

    @fuzz
    @given(content=torn((tmp_path / "whole.npz").read_bytes()))
    def check(content):
        (tmp_path / "torn.npz").write_bytes(content)
        answered(lambda: source("arrays", path=str(tmp_path / "torn.npz")).open(spec()))

    check()


def test_folders_of_tfds_that_are_damaged(tmp_path):
    for number, content in enumerate([None, b"", b"[]", b"{}", b'{"name": 3}', b"\xff\xfe", b'{"splits": [1]}']):
        folder = tmp_path / str(number) / "mnist" / "3.0.1"
        folder.mkdir(parents=True)
        if content is not None:
            (folder / "dataset_info.json").write_bytes(content)
            (folder / "features.json").write_bytes(content)
        opened = source("tfds", name="mnist", data_dir=str(tmp_path / str(number)))
        assert not answered(opened.open, spec((28, 28, 1))), content
