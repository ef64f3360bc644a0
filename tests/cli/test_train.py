"""`train` on the command line: hints, starting points, what it refuses before it works, what it leaves behind."""

import json
import os
import threading

import numpy as np
import pytest
from helpers import refused, run
from PIL import Image

from tfgan_zoo import devices, images, resources, training, zoo
from tfgan_zoo.runs import Run

SMOKE = ("train", "dcgan_glyphs", "--smoke")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A finished run to start from."""
    return training.train("dcgan_glyphs", ["train.seed=5"], smoke=True, run_dir=tmp_path_factory.mktemp("runs") / "old")


# === Options ===
@pytest.mark.parametrize(
    "option, setting",
    [
        ("--steps", "train.steps=N"),
        ("--epochs", "train.steps=N"),
        ("--batch-size", "data.batch_size=N"),
        ("--lr", "train.optimizers.generator.learning_rate=X"),
        ("--resume", "the same command again"),
        ("--seed", "train.seed=N"),
        ("--samples", "train.samples=N"),
        ("--gpus", "--replicas N"),
        ("--output", "--out DIR"),
        ("--finetune", "--init TARGET"),
    ],
)
def test_options_of_other_tools_are_answered_with_what_to_write(here, option, setting):
    for arguments in ([option, "3"], [f"{option}=3"]):
        assert refused(*SMOKE, *arguments).startswith(f"error: no option {option}: write {setting}")


def test_out_and_run_dir_are_one_option(here):
    assert run(*SMOKE, "--out", "mine").exit_code == 0
    assert Run(here / "mine").finished
    for option in ("--out", "--run-dir"):
        assert "mine: is finished at step 2" in refused(*SMOKE, option, "mine")
        assert "--out -: name a file or a folder" in refused(*SMOKE, option, "-")


# === Fine-tuning ===
def test_init_starts_from_the_weights_of_a_model(here, before):
    started = {}

    def note_weights(model, target):
        start_from(model, target)
        started.update({name: network.get_weights() for name, network in model.networks_by_name.items()})

    start_from = zoo.start_from
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zoo, "start_from", note_weights)
        assert run(*SMOKE, "--init", before.path, "--out", "new").exit_code == 0
    old = zoo.loaded(before.path).model.networks_by_name
    for name, weights in started.items():
        for mine, theirs in zip(weights, old[name].get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert Run(here / "new").sessions[0]["init"] == str(before.path)
    assert "init" not in before.sessions[0]


def test_init_that_does_not_fit_leaves_nothing(here, before):
    line = refused(*SMOKE, "--init", before.path, "model.filters=5")
    assert "is another network; give a model with equal [model] settings" in line
    assert "did you mean 'dcgan_mnist'" in refused(*SMOKE, "--init", "dcgan_mnst")
    assert not list(here.iterdir())


# === Mistakes are put down to where they were made ===
def test_mistakes_are_put_down_to_where_they_were_made(here):
    preset = here / "mine.toml"
    preset.write_text(
        'family = "dcgan"\n[model]\nimage_shape = [16, 16, 1]\n[data]\nsource = "synthetic"\n'
        '[train.optimizers.generator]\nname = "adm"\n'
    )
    assert refused("train", "mine.toml", "--smoke").startswith("error: mine.toml: train.optimizers.generator: unknown")
    rate = "train.optimizers.discriminator.learning_rate=1e-3"
    assert refused("train", "mine.toml", "--smoke", rate).startswith("error: mine.toml: train.optimizers.generator: ")
    name = "train.optimizers.generator.name=adn"
    assert refused("train", "mine.toml", "--smoke", name).startswith("error: command line: train.optimizers.generator:")
    with pytest.raises(ValueError, match=r"^build\(\): model.filters = 0: should be greater"):
        zoo.build("dcgan_glyphs", filters=0)
    with pytest.raises(ValueError, match=r"^build\(\): model.image_shape=\[?\(?9"):
        zoo.build("dcgan_glyphs", image_shape=(9, 9, 1))


# === What the machine cannot do ===
@pytest.mark.parametrize(
    "arguments, said",
    [
        (["data.batch_size=100000000"], "a batch of 100,000,000 (data.batch_size): takes "),
        (["--replicas", "100000"], "replicas=100000: "),
        (["data.size=10000000000"], "data.size=10000000000: takes "),
    ],
)
def test_what_no_machine_can_do_is_one_line(here, arguments, said):
    assert said in refused(*SMOKE, *arguments)
    assert not list(here.iterdir())


def test_running_out_of_memory_is_one_line(monkeypatch):
    def train(*arguments, **options):
        raise MemoryError("Unable to allocate 7 TiB\nfor an array")

    monkeypatch.setattr(training, "train", train)
    assert "out of memory: Unable to allocate 7 TiB. Make the model" in refused(*SMOKE)


def test_places_that_cannot_be_written_are_one_line(here):
    (here / "file").touch()
    assert "file" in refused(*SMOKE, "--out", "file/run")
    assert "--out file/new.keras: there is no folder file" in refused("get", "dcgan_mnist", "--out", "file/new.keras")
    (here / "a.keras").mkdir()
    assert "--out a.keras: is a folder" in refused("get", "dcgan_mnist", "--out", "a.keras")


def test_lacks_of_the_machine_are_told_and_no_others():
    assert resources.failure(MemoryError("Unable to allocate 7 GiB")).startswith("out of memory: Unable to allocate")
    assert resources.failure(OSError(28, "No space left on device", "a.png")).startswith("the disk is full")
    assert resources.failure(PermissionError(13, "Permission denied", "a.png")) == "a.png: Permission denied."
    assert resources.failure(BrokenPipeError(32, "Broken pipe")) is None
    assert resources.failure(ValueError("a bug")) is None
    with pytest.raises(ValueError, match=r"^num=3: takes 10,000,000,000.0 GB of memory, and .* free; choose less"):
        resources.require_memory(10**19, "num=3")


def test_tensorflows_out_of_memory_is_told():
    import tensorflow as tf

    text = (
        "{{function_node __wrapped__A}} OOM when allocating tensor with shape[5,5] and type float on /job:localhost/x"
    )
    error = tf.errors.ResourceExhaustedError(None, None, f"{text} [Op:A] name: \nmore")
    told = "out of memory: OOM when allocating tensor with shape[5,5] and type float. Make the model"
    assert resources.failure(error).startswith(told)


# === Data ===
def test_a_named_pipe_among_pictures_is_no_picture(here):
    (here / "pictures").mkdir()
    for i in range(8):
        Image.fromarray(np.full((9, 9, 3), i * 20, np.uint8)).save(here / "pictures" / f"{i}.png")
    os.mkfifo(here / "pictures" / "pipe.png")
    done = []
    folder = ["data.source=folder", "data.path=pictures"]
    worker = threading.Thread(target=lambda: done.append(run(*SMOKE, "--dry-run", *folder)), daemon=True)
    worker.start()
    worker.join(120)
    assert done and done[0].exit_code == 0 and images.decode(here / "pictures" / "pipe.png") is None


# === A run that was damaged ===
def test_a_damaged_run_is_told_in_one_line(here, before):
    for text in ("[]", "{", "\xff"):
        place = here / "damaged"
        place.mkdir(exist_ok=True)
        (place / "config.json").write_text(text, encoding="latin-1")
        line = refused("generate", place)
        assert "damaged/config.json: " in line
    good = Run(before.path)
    (place / "config.json").write_text(json.dumps(good.config()))
    (place / "metrics.jsonl").write_bytes(b'{"step": 1, "d_loss": 1.0, "seconds": 2.0}\n\xff\xfe\n{"step": 2, "d')
    (place / "environment.json").write_text('[{"from_step"')
    mended = Run(place)
    assert mended.metrics() == [{"step": 1, "d_loss": 1.0, "seconds": 2.0}] and mended.sessions == []
    mended.forget_after(1)
    assert (place / "metrics.jsonl").read_text() == '{"step": 1, "d_loss": 1.0, "seconds": 2.0}\n'


# === What training leaves ===
def test_one_logged_step_is_seen_in_losses(before):
    assert len(before.metrics()) == 1
    picture = images.decode(before.path / "losses.png")
    colours = picture.reshape(-1, 3).astype(int)
    coloured = (colours.max(1) - colours.min(1) > 60).sum()
    # Two lines of the legend have about 100 pixels each; a marker adds as many.
    training.plot_losses(before)
    assert coloured > 300


def test_what_comes_next_is_a_command_that_the_model_answers(here, monkeypatch):
    monkeypatch.setattr(training, "_fit", lambda *_: None)  # an untrained model is asked in the same way
    done = run("train", "pix2pix_facades_64", "--smoke")
    assert done.exit_code == 0, done.output
    after = done.stdout.partition("next:")[2].splitlines()
    (line,) = [line for line in after if " translate " in line]
    assert not any(" generate " in line for line in after)
    (here / "my_files").mkdir()
    Image.new("RGB", (16, 16)).save(here / "my_files" / "a.png")
    asked = run(*line.split()[3:])
    assert asked.exit_code == 0 and (here / "answers" / "a.png").is_file(), asked.output


def test_keras_remarks_about_shuffling_are_not_shown(here, recwarn):
    assert run(*SMOKE, "--dry-run").exit_code == 0
    assert not [w for w in recwarn if "shuffle" in str(w.message)]


def test_on_cpus_no_more_devices_are_made_than_could_help():
    most = max(os.cpu_count(), devices.MOST_ON_CPU)
    with pytest.raises(ValueError, match=f"replicas={most + 1}: .* at most {most}"):
        devices.strategy(most + 1)
