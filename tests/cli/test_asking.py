"""Commands on a trained model: which checkpoint, which seeds, where the answers go."""

import json
import shutil
import wave

import numpy as np
import pytest
from helpers import refused, run

from tfgan_zoo import config, images, training, verbs, zoo
from tfgan_zoo.modalities import Audio


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run with checkpoints of steps 2 and 4."""
    more = ["train.steps=4", "train.checkpoint_every=2"]
    return training.train("dcgan_glyphs", more, smoke=True, run_dir=tmp_path_factory.mktemp("runs") / "tiny").path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(*arguments):
    """What a command that ends well has written, as its last line names it."""
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout.split()[-1]


def test_seeds_are_chosen_by_number_or_one_by_one(trained, here):
    made("generate", trained, "--num", 3, "--seed", 4, "--out", "row.npy")
    made("generate", trained, "--seeds", "6,4", "--out", "some.npy")
    np.testing.assert_array_equal(np.load("some.npy"), np.load("row.npy")[[2, 0]])
    made("generate", trained, "--seeds", "6,4", "--out", "folder/")
    assert sorted(path.name for path in (here / "folder").iterdir()) == ["seed00000004.png", "seed00000006.png"]
    made("generate", trained, "--num", 20, "--seed", 4, "--batch-size", 8, "--out", "many.npy")
    np.testing.assert_array_equal(np.load("many.npy")[:3], np.load("row.npy"))


def test_truncation_reaches_every_command_that_draws_noise(trained, here):
    for command, seeds in (("generate", ["--seeds", "1,2"]), ("interpolate", ["--seeds", "1,2"])):
        plain, narrow = (
            np.load(made(command, trained, *seeds, *more, "--out", f"{len(more)}.npy"))
            for more in ([], ["--truncation", 0.1])
        )
        assert np.abs(plain.astype(int) - narrow).max() > 0


def test_default_names_overwrite_nothing(trained, here):
    names = [made("generate", trained, "--num", 2) for _ in range(2)]
    names += [made("generate", trained, "--arith", "1 - 2"), made("interpolate", trained, "--steps", 2)]
    names += [made("interpolate", trained, "--steps", 2)]
    assert names == ["tiny.png", "tiny-2.png", "tiny-sum.png", "tiny-walk.png", "tiny-walk-2.png"]
    assert all(images.decode(name) is not None for name in names)


def test_a_checkpoint_is_chosen_by_its_step(trained, here):
    first, last, newest = (
        np.load(made("generate", trained, "--num", 2, *more, "--out", f"{place}.npy"))
        for place, more in enumerate((["--step", 2], ["--step", 4], []))
    )
    assert (first != last).any()
    np.testing.assert_array_equal(last, newest)
    for command in ("generate", "interpolate", "evaluate", "export"):
        line = refused(command, trained, "--step", 3)
        assert "unknown checkpoint 3:" in line and "Allowed: 2, 4" in line
    assert "step 4: dcgan_mnist is no run directory" in refused("generate", "dcgan_mnist", "--step", 4)


def test_a_checkpoint_is_measured_in_batches_of_any_size(trained, here):
    rows = []
    for size in (128, 3):
        asked = ["--step", 2, "--num", 8, "--metrics", "fd@random_conv", "--batch-size", size, "--json", "-"]
        done = run("evaluate", trained, *asked)
        assert done.exit_code == 0, done.output
        rows.append(json.loads(done.stdout))
    assert rows[0]["model"].endswith("tiny at step 2") and rows[0]["samples"] == 8
    assert rows[1]["value"] == pytest.approx(rows[0]["value"], rel=1e-3)


def test_an_export_is_called_after_its_run(trained, here):
    done = run("export", trained, "--out", "served", "--step", 2)
    assert done.exit_code == 0, done.output
    assert (here / "served" / "tiny" / "1" / "saved_model.pb").is_file() and "served/tiny/1" in done.stdout


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["generate", "--samples", 3], "no option --samples: write --num N."),
        (["generate", "--n", 3], "no option --n: write --num N."),
        (["generate", "--checkpoint", 3], "no option --checkpoint: write --step N."),
        (["generate", "--output", "x.png"], "no option --output: write --out PATH."),
        (["generate", "--out", "-"], "--out -: name a file or a folder."),
        (["generate", "--seeds", "1,2", "--num", 3], "--seeds and --num or --seed say different things"),
        (["generate", "--arith", "1 - 2", "--seeds", "3"], "--arith and --seeds say different things"),
        (["generate", "--seeds", "1,b"], "--seeds 1,b: give whole numbers"),
        (["generate", "--num", 100_000_000], "num=100000000: takes "),
        (["interpolate", "--steps", 1_000_000], "steps=1000000: too many to look at"),
        (["interpolate", "--steps", 1_000_000_000, "--out", "x.npy"], "steps=1000000000: takes "),
        (["interpolate", "--seeds", "1"], "give two or more"),
        (["evaluate", "--metrics", "fd@random_conv", "--out", "x.jsonl"], "no option --out: write --json FILE."),
    ],
)
def test_what_cannot_be_asked(trained, here, arguments, said):
    command, *rest = arguments
    assert said in refused(command, trained, *rest)
    assert not list(here.iterdir())


def test_numbers_that_cannot_be_noted_in_the_run_are_printed(trained, here):
    shutil.copytree(trained, here / "closed")
    (here / "closed" / "evaluations.jsonl").mkdir()  # as good as a place without permission
    done = run("evaluate", "closed", "--num", 8, "--metrics", "fd@random_conv")
    assert done.exit_code == 0 and "fd@random_conv" in done.stdout
    assert "warning: the results are not noted in closed/evaluations.jsonl" in done.stderr


def test_files_are_answered_in_one_place(here):
    model = zoo.build(config.load("bigan_mnist", smoke=True))
    model.compile()
    model.save("two_ways.keras")
    images.save_image("in/digit.png", np.full((8, 8, 1), 9, np.uint8))
    ask = ("translate", "two_ways.keras", "in", "--endpoint", "reconstruct")
    assert made(*ask, "--out", "first") == "first/digit.png"
    assert run(*ask, "second").exit_code == 0
    np.testing.assert_array_equal(images.decode("first/digit.png"), images.decode("second/digit.png"))
    for places in ([], ["third", "--out", "fourth"]):
        assert "name one place for the answers" in refused(*ask, *places)
    assert "OUT -: name a file or a folder" in refused(*ask, "-")
    assert "nothing.png: there is no such file" in refused("translate", "two_ways.keras", "nothing.png", "x.png")


# === Inputs by name ===
@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """A model that is asked for a word, a speaker and a length."""
    model = zoo.build(config.load("speech_synthesis_digits", smoke=True))
    model.compile()
    model.save(path := tmp_path_factory.mktemp("speech") / "speech.keras")
    return path


def told(text):
    """`word=1 seconds=0.05` as options of the command."""
    return [part for pair in text.split() for part in ("--given", pair)]


def test_inputs_are_told_by_name(speech, here):
    made("generate", speech, *told("word=1 speaker=0 seconds=0.05"), "--out", "one.wav")
    with wave.open("one.wav") as file:
        assert (file.getframerate(), file.getnframes()) == (8_000, 800)
    sound = verbs.generate(str(speech), endpoint="synthesize", word=1, speaker=0, seconds=0.05)
    made("generate", speech, "--endpoint", "synthesize", *told("word=1 speaker=0 seconds=0.05"), "--out", "one.npy")
    np.testing.assert_array_equal(np.load("one.npy"), sound)
    other = made("generate", speech, *told("word=0 speaker=0 seconds=0.1"), "--out", "two.npy")
    assert (np.load(other) != sound).any()
    many = np.load(made("generate", speech, *told("word=1 seconds=0.05"), "--out", "many.npy"))
    assert len(many) == 16 and (many == sound).all(axis=(1, 2)).any()  # speakers are drawn
    assert len(np.load(made("generate", speech, "--num", 3, "--out", "three.npy"))) == 3  # lengths too


def test_files_are_told_by_name(speech, here):
    asked = ["--endpoint", "repeat", "--given", "label=1"]
    Audio((800, 1), 8_000).write(here / "a.wav", (np.sin(np.arange(800))[:, None] * 9_000).astype(np.int16))
    first = np.load(made("generate", speech, *asked, "--given", "audio=a.wav", "--out", "first.npy"))
    second = np.load(made("translate", speech, "a.wav", "second.npy", *asked))
    np.testing.assert_array_equal(first, second)
    third = np.load(made("generate", speech, *asked, "--given", "a.wav", "--out", "third.npy"))
    np.testing.assert_array_equal(first, third)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--endpoint", "repeat", *told("label=1")], "SpeechSynthesis.repeat needs audio (Audio"),
        (told("word=7 seconds=1"), "word: label '7': must be a whole number from 0 to 1"),
        (told("wrd=1 seconds=1"), "--given of speech: unknown input 'wrd': did you mean 'word'"),
        (told("seed=1"), "unknown input 'seed'"),
        (told("word=1 word=0"), "--given word=0: word is given twice"),
        (told("nothing.wav"), "--given nothing.wav: there is no such file; or name an input, as in --given label=3"),
        (["--label", "1", *told("label=1")], "--label and --given label= say the same; give one of them"),
        (["--endpoint", "repeat", "--arith", "1 - 2"], "--arith and --endpoint say different things"),
        (["--endpoint", "repet"], "unknown endpoint 'repet': did you mean 'repeat'"),
        (told("seconds=1 audio=x.wav"), "unknown input 'audio'"),
    ],
)
def test_inputs_that_cannot_be_told(speech, here, arguments, said):
    assert said in refused("generate", speech, *arguments, "--out", "x.wav")
    assert not list(here.iterdir())
