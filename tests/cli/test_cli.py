"""The command line: what it answers, how it teaches and how it refuses."""

import ast
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import refused, run
from PIL import Image

from tfgan_zoo import cli, config, data, index, weights
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.runs import Run

COMMANDS = list(cli.main.commands)
ON_TARGETS = ("evaluate", "generate", "interpolate", "translate", "export")
UNTRAINED = next(name for name in index.presets() if name not in weights.names())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# === Commands without TensorFlow ===
def test_what_looks_things_up_never_imports_tensorflow():
    code = f"""
import sys
from click.testing import CliRunner
from tfgan_zoo.cli import main
for arguments in {
        [
            ["list"],
            ["info", UNTRAINED],
            ["info", "gan"],
            ["--help"],
            ["train", "--help"],
            ["train", "dcgn"],
            ["train", UNTRAINED, "train.steps=x"],
            ["evaluate", "nothing"],
            ["generate", UNTRAINED],
        ]
    }:
    CliRunner().invoke(main, arguments)
    slow = {{"tensorflow", "keras", "pydantic_core", "numpy"}} & set(sys.modules)
    fast = arguments[0] in ("list", "info", "--help")
    assert not slow & {{"tensorflow", "keras"}} and not (fast and slow), (arguments, slow)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def listed(*arguments):
    """{task: the rows of its presets} of what `list` prints."""
    groups = {}
    for row in run("list", *arguments).stdout.splitlines()[1:]:
        assert row == row.rstrip(), "no blanks at the end where nobody looks at columns"
        if not row.startswith("  "):
            task = groups[row] = []
        else:
            task.append(row.split())
    return groups


def test_presets_are_listed_by_task():
    groups = listed()
    names = [row[0] for rows in groups.values() for row in rows]
    assert sorted(names) == list(index.presets()) and list(groups) == sorted(groups)
    of = {row[0]: task for task, rows in groups.items() for row in rows}
    assert (of["dcgan_mnist"], of["cgan_mnist"]) == ("generate", "generate by class")
    assert (of["wavegan_sc09"], of["cyclegan_glyphs"], of["srgan_t91"]) == ("generate sounds", "translate", "upscale")
    assert of["speech_synthesis_digits"] == "synthesize"


def test_a_list_of_some_presets():
    assert {row[1] for row in listed("--family", "gan")["generate"]} == {"gan"}
    assert sum(map(len, listed("--pretrained").values())) == len(weights.names())
    assert set(listed("--task", "translate")) == {"generate", "translate"}, "MGAN translates too"
    assert {row[1] for row in listed("--task", "upscale")["upscale"]} == {"srgan"}
    assert set(listed("--task", "generate")) > set(listed("--task", "generate by class")) == {"generate by class"}
    encoders = {row[1] for rows in listed("--task", "encode").values() for row in rows}
    assert encoders >= {"bigan", "vae_gan", "gan3d"} and "dcgan" not in encoders
    assert not listed("--task", "upscale", "--pretrained", "--family", "gan")


def test_facts_as_json(here):
    everything = json.loads(run("list", "--json").stdout)
    assert everything == index.listing() and json.loads(run("list", "--json", "-").stdout) == everything
    some = json.loads(run("list", "--json", "--family", "gan", "--pretrained").stdout)
    assert some == [f for f in everything if f["family"] == "gan" and f["pretrained"]] and some
    assert not run("list", "--json", "all.json").stdout and json.loads((here / "all.json").read_text()) == everything
    preset, family = (json.loads(run("info", name, "--json").stdout) for name in ("gan_mnist", "gan"))
    assert preset["card"]["sha256"] == weights.card("gan_mnist")["sha256"] and "gan_mnist" in family["presets"]


@pytest.mark.parametrize("name", list(index.presets()))
def test_info_of_a_preset(name):
    shown = run("info", name).stdout
    assert index.preset_path(name).read_text(encoding="utf-8").rstrip() in shown
    facts = index.family_facts(config.load(name).family)
    assert facts["paper"] in shown and all(argument in shown for argument in facts["arguments"])
    if name in weights.names():
        assert weights.card(name)["sha256"] in shown


def test_info_tells_what_every_endpoint_takes():
    shown = run("info", "speech_synthesis_digits", "--inputs").stdout.splitlines()
    assert [line.split()[:5] for line in shown if "ClassLabel" in line] == [
        ["synthesize", "word", "ClassLabel", "0", "to"],
        ["speaker", "ClassLabel", "0", "to", "5;"],
        ["label", "ClassLabel", "0", "to", "59;"],
    ]
    told = json.loads(run("info", "cgan", "--inputs", "--json").stdout)
    assert list(told) == ["generate"] and set(told["generate"]) == {"z", "label"}
    assert told["generate"]["z"] == {"kind": "Noise", "shape": "100", "range": "any number; drawn where it is left out"}
    words = json.loads(run("info", "seqgan_oracle", "--inputs", "--json").stdout)
    assert words["generate"]["z"]["range"] == "0 to 1; drawn where it is left out"
    assert "--inputs" in run("info", "gan_mnist").stdout and "endpoints: generate;" in run("info", "gan_mnist").stdout
    video = json.loads(run("info", "next_frame_moving", "--inputs", "--json").stdout)["predict"]["video"]
    assert video == {"kind": "Video", "shape": "any x 32 x 32 x 1", "range": "a file: .gif"}


@pytest.mark.parametrize("name", index.families())
def test_info_of_a_family(name):
    shown = run("info", name).stdout
    assert index.family_facts(name)["class"] in shown
    assert all(f["preset"] in shown for f in index.listing() if f["family"] == name)


# === Help ===
def test_help_names_every_command_and_a_first_step():
    shown = run("--help").stdout
    assert all(f"\n  {command} " in shown for command in COMMANDS)
    assert "python -m tfgan_zoo train dcgan_glyphs" in shown
    assert run("-h").stdout == shown and "0.1" in run("--version").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(command):
    result = run(command, "--help")
    assert result.exit_code == 0 and len(cli.main.commands[command].help) > 20
    for parameter in cli.main.commands[command].params:
        assert parameter.param_type_name == "argument" or parameter.help, f"{command} {parameter.name} says nothing"
    if command in ON_TARGETS:
        assert "run directory" in " ".join(result.stdout.split())


@pytest.mark.parametrize("command", ["train", "evaluate", "generate", "translate", "build", "compare"])
def test_help_shows_commands_that_can_be_copied(command):
    shown = run(command, "--help").stdout.splitlines()
    examples = [shlex.split(line)[3:] for line in shown if " -m tfgan_zoo " in line]
    assert examples
    known = {option for parameter in cli.main.commands[command].params for option in parameter.opts}
    for name, target, *arguments in examples:
        folder = command == "evaluate" and target in ("my_samples", "restored", "answers")
        preset = target.removeprefix("runs/").removesuffix("-2")
        assert name == command and (folder or preset in index.presets()), target
        assert {word for word in arguments if word.startswith("--")} <= known
        if command in ("train", "build"):
            config.load(preset, [word for word in arguments if "=" in word])


def test_help_of_train_tells_every_setting_with_its_meaning():
    shown = "".join(run("train", "--help").stdout.split())  # lines may break anywhere
    sources = [data.source_class(name) for name in data.source_names()]
    for section, schemas in {"train": [config.Train], "evaluate": [config.Evaluate], "data": sources}.items():
        for schema in schemas:
            for key, field in schema.model_fields.items():
                meaning = "".join((field.description or "").split())
                assert f"{section}.{key}" in shown and (meaning or key == "source"), f"{section}.{key} says nothing"
                assert meaning in shown
    assert "train[:80%]" in shown and "infoPRESET" in shown


# === Refusals ===
@pytest.mark.parametrize(
    "arguments, said",
    [
        (["trian"], ["'trian'", "did you mean 'train'"]),
        (["train", "dcgan_glyph"], ["'dcgan_glyph'", "did you mean 'dcgan_glyphs'"]),
        (["info", "wgan_pg"], ["'wgan_pg'", "did you mean 'wgan_gp'"]),
        (["list", "--family", "dcgn"], ["'dcgn'", "did you mean 'dcgan'"]),
        (["list", "--task", "encod"], ["'encod'", "did you mean 'encode'"]),
        (["build", "dcgan_glyph"], ["did you mean 'dcgan_glyphs'"]),
        (["build", "dcgan_glyphs", "model.filters=0"], ["command line: model.filters = 0"]),
        (["train", "dcgan_glyphs", "train.stpes=3"], ["'train.stpes'", "did you mean 'train.steps'"]),
        (["train", "dcgan_glyphs", "data.path=x"], ["'data.path'"]),
        (["train", "dcgan_glyphs", "train.seed=4294967296"], ["train.seed = 4294967296: should be less than"]),
        (["train", "dcgan_glyphs", "train.samples=1000000"], ["train.samples = 1000000: should be less than"]),
        (["train", "nowhere.toml"], ["no such file: nowhere.toml"]),
        (["train", "dcgan_glyphs", "steps=9"], ["write train.steps=9"]),
        (["train", "dcgan_glyphs", "batch_size=9"], ["write data.batch_size=9"]),
        (["train", "dcgan_glyphs", "samples=9"], ["write train.samples=9 or evaluate.samples=9"]),
        (["train", "dcgan_glyphs", "init=gan_mnist"], ["write --init gan_mnist"]),
    ],
)
def test_a_mistake_gets_one_line_that_helps(here, arguments, said):
    line = refused(*arguments)
    for part in said:
        assert part in line
    assert not list(here.iterdir())


@pytest.mark.parametrize("command", [*ON_TARGETS, "get"])
def test_a_target_that_is_nothing(here, command):
    (here / "empty").mkdir()
    assert "did you mean 'dcgan_glyphs'" in refused(command, "dcgan_glyph")
    assert "'nowhere/at_all'" in refused(command, "nowhere/at_all")
    assert f"python -m tfgan_zoo train {UNTRAINED}" in refused(command, UNTRAINED)
    if command != "get":
        assert "empty: not a run directory" in refused(command, "empty")
    assert [path.name for path in here.iterdir()] == ["empty"]


def test_seeds_that_are_no_numbers(here):
    Run.place(config.load("dcgan_glyphs", smoke=True), here / "mine")
    assert "--seeds 1,b: give whole numbers" in refused("interpolate", "mine", "--seeds", "1,b")


def test_stopping_says_so_and_ends_with_130(monkeypatch):
    from tfgan_zoo import training

    def train(*arguments, **options):
        raise KeyboardInterrupt("stopped at step 5 of 10; saved in runs/x.")

    monkeypatch.setattr(training, "train", train)
    result = run("train", "dcgan_glyphs")
    assert result.exit_code == 130 and result.stderr == "stopped at step 5 of 10; saved in runs/x.\n"


def test_training_without_the_data_names_three_ways_on(here):
    environment = {k: v for k, v in os.environ.items() if k != "TFDS_DATA_DIR"} | {"HOME": str(here)}
    done = subprocess.run(
        [sys.executable, "-m", "tfgan_zoo", "train", "dcgan_celeba", "model.filters=4"],
        check=False,
        capture_output=True,
        text=True,
        cwd=here,
        env=environment,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    for part in ("celeb_a is not in", "--download", "data.source=folder data.path=", "--smoke"):
        assert part in line
    assert not (here / "runs").exists()
    assert not done.stdout


@pytest.mark.parametrize(
    "overrides, said",
    [
        (["data.source=folder", "data.path=nowhere"], ["nowhere' does not exist", "give a folder"]),
        (["data.source=arrays", "data.path=nowhere.npz"], ["nowhere.npz' is not a file"]),
        (["data.split=trian"], ["unknown split 'trian'", "did you mean 'train'"]),
        (["train.optimizers.critic.name=adam"], ["unknown player 'critic'", "Allowed: discriminator, generator"]),
        (["train.optimizers.generator.name=adm"], ["unknown optimizer 'adm'", "'adam'"]),
        (
            ["train.optimizers.generator.name=adam", "train.optimizers.generator.learn=1"],
            ["train.optimizers.generator", "learn"],
        ),
    ],
)
def test_what_cannot_be_prepared(here, overrides, said):
    line = refused("train", "dcgan_glyphs", "--smoke", *overrides)
    for part in said:
        assert part in line
    assert not list(here.iterdir())


def test_a_batch_that_replicas_cannot_share(here):
    line = refused("train", "dcgan_glyphs", "--smoke", "data.batch_size=7", "--replicas", "2")
    assert "data.batch_size=7" in line and "multiple of 2" in line and not list(here.iterdir())


# === Training ===
def test_dry_run_writes_nothing(here):
    rate = "train.optimizers.generator.learning_rate=1e-4"
    result = run("train", "dcgan_glyphs", "--smoke", "--dry-run", rate, "data.transforms=[{center_crop=12}]")
    assert result.exit_code == 0, result.output
    shown = dict(line.split(None, 1) for line in result.stdout.splitlines() if len(line.split(None, 1)) == 2)
    assert shown["family"] == "dcgan" and shown["model.filters"] == "4" and shown["data.source"] == "synthetic"
    assert shown["train.optimizers.generator.learning_rate"] == "0.0001"
    assert shown["data.transforms"] == "[{ center_crop = 12 }]" and shown["examples"] == "64"
    assert int(shown["discriminator"].replace(",", "")) > 0 and "s a step" in result.stdout
    assert not any(mark in result.stdout for mark in ("{'", '{"', "None", "skipped")), "no raw dicts"
    assert not list(here.iterdir())


def test_a_damaged_picture_is_named_and_training_goes_on(here, caplog):
    random = np.random.default_rng(0)
    (here / "pictures").mkdir()
    for i in range(9):
        picture = Image.fromarray(random.integers(0, 256, (20, 20, 3)).astype("uint8"))
        picture.save(here / "pictures" / f"{i}.png")
    whole = (here / "pictures" / "5.png").read_bytes()
    (here / "pictures" / "5.png").write_bytes(whole[: len(whole) // 2])
    result = run("train", "dcgan_celeba", "--smoke", "data.source=folder", "data.path=pictures")
    assert result.exit_code == 0, result.output
    assert "skipped 1 file that cannot be decoded: 5.png" in caplog.text
    done = Run(here / "runs" / "dcgan_celeba")
    assert done.finished and done.step == 2 and done.experiment().data.path == str(here / "pictures")
    facts = json.loads((done.path / "finished.json").read_text())["data"]
    assert facts["examples"] == 8 and facts["skipped"] == {"count": 1, "names": ["5.png"]}
    assert (here / "pictures" / "5.png").read_bytes() == whole[: len(whole) // 2]
    assert (done.path / "samples" / "step-00000002.png").is_file()
    for step in ("evaluate", "generate", "export"):
        assert f"python -m tfgan_zoo {step} {done.path.relative_to(here)}" in result.stdout


def test_a_run_directory_of_something_else_is_refused(here):
    Run.place(config.load("dcgan_glyphs", smoke=True), here / "mine")
    before = (here / "mine" / "config.json").read_text()
    line = refused("train", "dcgan_glyphs", "--smoke", "--run-dir", "mine", "train.seed=3")
    assert "mine: holds another experiment: train.seed is 0 there and 3 here" in line
    (here / "notes").mkdir()
    (here / "notes" / "a.txt").write_text("mine")
    assert "notes: not a run directory" in refused("train", "dcgan_glyphs", "--smoke", "--run-dir", "notes")
    assert "is a file" in refused("train", "dcgan_glyphs", "--smoke", "--run-dir", "notes/a.txt")
    assert (here / "mine" / "config.json").read_text() == before
    assert sorted(p.name for p in here.rglob("*")) == ["a.txt", "config.json", "mine", "notes"]


def test_the_error_names_the_first_setting_that_differs(tmp_path):
    run_ = Run.place(config.load("dcgan_glyphs", smoke=True), tmp_path / "mine")
    more = config.load("dcgan_glyphs", ["train.steps=9"], smoke=True)
    assert Run.place(more, run_.path).path == run_.path  # more steps are the same experiment
    with pytest.raises(ZooError, match="data.size is 64 there and 65 here"):
        Run.place(config.load("dcgan_glyphs", ["data.size=65"], smoke=True), run_.path)


# === What an installed package says ===
def test_messages_name_no_file_that_only_the_checkout_has():
    for path in Path(index.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        loose = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]  # docstrings and the like
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in loose:
                for place in ("tools/", "docs/", "tests/", "README", "CONTRIBUTING"):
                    written = node.value == "README.md"  # into the folder of a shared model
                    assert written or place not in node.value, f"{path.name}, line {node.lineno}: {node.value!r}"


def test_of_many_allowed_names_the_nearest_are_told():
    names = [f"preset_{place:03d}" for place in range(100)]
    line = str(unknown("preset", "preset_0420", names))
    assert "did you mean 'preset_042'" in line and line.endswith(" and 90 more.") and line.count("preset_0") < 15
    assert str(unknown("preset", "x", names[:40])).endswith(f"Allowed: {', '.join(names[:40])}.")
