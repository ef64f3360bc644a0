"""The tools: a new family from nothing, a run published as weights, and the README's tables."""

import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tfgan_zoo import cli, config, families, files, index, sharing, training, weights, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run

TOOLS = Path(__file__).resolve().parents[2] / "tools"
PRESET = "dcgan_glyphs"


def load(path):
    """A Python file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


new_family = load(TOOLS / "new_family.py")
publish_weights = load(TOOLS / "publish_weights.py")
zoo_table = load(TOOLS / "zoo_table.py")


def run(tool, *arguments):
    """The result of a tool's command."""
    return CliRunner().invoke(tool.main, [str(argument) for argument in arguments])


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# === new_family ===
@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """An empty checkout that the index and Python's imports look into."""
    for folder in ("tfgan_zoo/families", "zoo_configs", "tests/families"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(index, "FAMILIES", tmp_path / "tfgan_zoo" / "families")
    monkeypatch.setattr(index, "families", lambda: sorted(path.stem for path in index.FAMILIES.glob("*.py")))
    configs = tmp_path / "zoo_configs"
    monkeypatch.setattr(index, "presets", lambda: {path.stem: path for path in configs.glob("*.toml")})
    monkeypatch.setattr(families, "__path__", [*families.__path__, str(index.FAMILIES)])
    return tmp_path


def test_a_new_family_trains_from_the_first_minute(checkout):
    paper = "https://arxiv.org/abs/1611.04076"
    done = run(new_family, "scratch_gan", "--title", "Least squares GAN", "--paper", paper, "--root", checkout)
    assert done.exit_code == 0, done.output
    assert set(contents(checkout)) == {
        Path("tfgan_zoo/families/scratch_gan.py"),
        Path("zoo_configs/scratch_gan_glyphs.toml"),
        Path("tests/families/test_scratch_gan.py"),
    }
    facts = index.family_facts("scratch_gan")
    assert (facts["class"], facts["title"], facts["paper"]) == ("ScratchGAN", "Least squares GAN", paper)
    assert all(argument in facts["class_doc"] for argument in facts["arguments"])
    assert index.preset_facts("scratch_gan_glyphs")["family"] == "scratch_gan"
    assert "2016" in facts["doc"], "an arXiv number begins with the year"
    for smoke in (False, True):
        experiment = config.load("scratch_gan_glyphs", smoke=smoke)
        assert experiment.preset == "scratch_gan_glyphs" and experiment.data.source == "synthetic"
    model = zoo.build(experiment)
    model.compile()
    before = {name: network.get_weights() for name, network in model.networks_by_name.items()}
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1)).astype("uint8")
    history = model.fit(images, batch_size=8, epochs=1, verbose=0).history
    assert np.isfinite([*history["d_loss"], *history["g_loss"]]).all()
    for name, network in model.networks_by_name.items():
        assert any((a != b).any() for a, b in zip(before[name], network.get_weights())), name
    written = load(checkout / "tests" / "families" / "test_scratch_gan.py")
    tests = [value for name, value in vars(written).items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


@pytest.mark.parametrize("title", ["GAN", "T" * new_family.LONGEST_TITLE])
def test_a_new_family_is_in_the_houses_style(checkout, title):
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    paper = f"https://example.org/{'a' * 150}"
    assert run(new_family, "scratch_gan", "--title", title, "--paper", paper, "--root", checkout).exit_code == 0
    (checkout / "pyproject.toml").write_text((TOOLS.parent / "pyproject.toml").read_text())
    for package in (checkout / "tfgan_zoo", index.FAMILIES):
        (package / "__init__.py").write_text('"""A package."""\n')
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
        done = subprocess.run(ruff, check=False, capture_output=True, text=True, cwd=checkout)
        assert done.returncode == 0, done.stdout


def test_a_new_family_passes_the_contracts_that_its_advice_names(checkout, monkeypatch, tmp_path):
    from families import contracts, test_contracts

    done = run(new_family, "fresh_gan", "--paper", "https://arxiv.org/abs/1611.04076", "--root", checkout)
    assert done.stderr.endswith("fresh_gan_glyphs --smoke && python -m pytest tests/families -k fresh_gan\n")
    monkeypatch.setitem(contracts.PRESET, "fresh_gan", "fresh_gan_glyphs")
    model = contracts.make("fresh_gan")
    given = {"family": "fresh_gan", "model_of": lambda family: model, "tmp_path": tmp_path}
    passed = []
    for name, test in vars(test_contracts).items():
        wanted = inspect.signature(test).parameters if name.startswith("test_") else ()
        if "family" in wanted and given.keys() >= set(wanted):
            test(**{argument: given[argument] for argument in wanted})
            passed.append(name)
    assert len(passed) >= 8


@pytest.mark.parametrize(
    "option",
    [("--title", 'the "best" GAN'), ("--title", "T" * 101), ("--paper", "http://arxiv.org"), ("--paper", "")],
)
def test_words_that_do_not_fit_into_a_file_write_nothing(checkout, option):
    done = run(new_family, "fresh", *option, "--root", checkout)
    assert done.exit_code == 2 and repr(option[1]) in done.output and not contents(checkout)


@pytest.mark.parametrize("name", ["LSGAN", "ls-gan", "2gan", "_gan", "", "ls gan", "../gan", "gan.py"])
def test_a_name_that_cannot_be_a_module_writes_nothing(checkout, name):
    done = run(new_family, "--root", checkout, "--", name)
    assert done.exit_code == 2 and repr(name) in done.output and "snake case" in done.output
    assert not contents(checkout)


@pytest.mark.parametrize(
    "place", ["tfgan_zoo/families/taken.py", "zoo_configs/taken_glyphs.toml", "tests/families/test_taken.py"]
)
def test_a_name_that_is_taken_writes_nothing(checkout, place):
    (checkout / place).write_text("mine")
    done = run(new_family, "taken", "--root", checkout)
    assert done.exit_code == 2 and "exists; nothing was written" in done.output
    assert contents(checkout) == {Path(place): b"mine"}


def test_a_root_that_is_no_checkout_is_refused(tmp_path):
    done = run(new_family, "fresh", "--root", tmp_path)
    assert done.exit_code == 2 and "nothing was written" in done.output and not contents(tmp_path)


# === publish_weights ===
@pytest.fixture
def places(tmp_path, monkeypatch):
    """An empty folder of pretrained weights, an empty cache and an empty current directory."""
    monkeypatch.setattr(index, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    index.PRETRAINED.mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of two steps."""
    return training.train(PRESET, smoke=True, run_dir=tmp_path_factory.mktemp("runs") / "tiny")


def test_an_unfinished_run_is_not_published(places):
    unfinished = Run.place(config.load(PRESET, smoke=True), places / "run")
    done = run(publish_weights, unfinished.path, "--licence", "none")
    assert done.exit_code == 2 and f"{unfinished.path}: is not finished" in done.output
    assert run(publish_weights, places, "--licence", "none").exit_code == 2  # no run at all
    assert not contents(index.PRETRAINED)


def test_weights_over_the_limit_leave_nothing(places, finished, monkeypatch):
    monkeypatch.setattr(publish_weights, "LIMIT", 1000)
    done = run(publish_weights, finished.path, "--licence", "none")
    assert done.exit_code == 2 and "over the limit of 1,000" in done.output and not contents(index.PRETRAINED)


def test_weights_that_cannot_be_measured_leave_nothing(places, finished, monkeypatch):
    def fail(*arguments, **options):
        raise ZooError("no such metric")

    monkeypatch.setattr(publish_weights.assess, "assess", fail)
    done = run(publish_weights, finished.path, "--licence", "none")
    assert done.exit_code == 2 and "no such metric" in done.output and not contents(index.PRETRAINED)


@pytest.mark.filterwarnings("ignore:16 samples for 128 features")
def test_a_run_is_published_and_works_everywhere(places, finished):
    done = run(publish_weights, finished.path, "--licence", "made here", "--storage", "int8", "--num", 16)
    assert done.exit_code == 0, done.output
    assert sorted(map(str, contents(index.PRETRAINED))) == [f"{PRESET}.json", f"{PRESET}.npz"]
    card = weights.card(PRESET)
    assert (card["name"], card["storage"], card["data"]["licence"]) == (PRESET, "int8", "made here")
    assert card["data"]["class_names"] == finished.class_names
    assert card["sha256"] == files.sha256(index.PRETRAINED / card["file"])
    assert card["bytes"] == (index.PRETRAINED / card["file"]).stat().st_size
    step = card["training"]
    assert step["steps"] == 2 and step["seed"] == 0 and step["batch_size"] == 8 and step["seconds"] >= 0
    environment = finished.sessions[0]
    assert step["commit"] == (environment["commit"] or "none") and step["versions"]["keras"]
    (metric,) = card["metrics"]
    assert (metric["metric"], metric["samples"], metric["model"]) == ("fd_mnist", 16, f"pretrained {PRESET}")

    model = zoo.get(PRESET)
    assert model.sample_images([0, 1]).shape == (2, 16, 16, 3)
    assert "after" not in zoo_table.pretrained(PRESET, 2)
    table = zoo_table.measured(index.listing())
    assert f"| `{PRESET}` | {metric['value']:.4g} ({metric['floor']:.3g}) |" in table and "16 samples" in table
    assert f"evaluate {PRESET} --data-dir DIR --metrics fd_mnist`" in table
    assert ", after 2 steps" in zoo_table.pretrained(PRESET, 3000)
    commands = CliRunner()
    assert "yes" in commands.invoke(cli.main, ["list", "--pretrained"]).stdout
    shown = commands.invoke(cli.main, ["info", PRESET]).stdout
    assert card["sha256"] in shown and "made here" in shown and "fd_mnist" in shown
    result = commands.invoke(cli.main, ["generate", PRESET, "--num", "4", "--out", "grid.png"])
    assert result.exit_code == 0 and (places / "grid.png").is_file(), result.output
    result = commands.invoke(cli.main, ["get", PRESET, "--out", "model.keras"])
    assert result.exit_code == 0 and (places / "model.keras").is_file(), result.output


def test_a_card_names_no_place_of_the_machine():
    folder = config.load("dcgan_celeba", ["data.source=folder", "data.path=/home/me/pictures"]).as_dict()
    assert sharing.portable(folder)["data"]["path"] == "pictures"
    tfds = config.load("dcgan_mnist", ["data.data_dir=/home/me/tfds"]).as_dict()
    assert sharing.portable(tfds)["data"]["data_dir"] is None
    assert tfds["data"]["data_dir"] == "/home/me/tfds"  # the run's own settings are not touched
    synthetic = config.load(PRESET).as_dict()
    assert sharing.portable(synthetic) == synthetic


# === zoo_table ===
def test_the_tables_hold_the_whole_index():
    text = run(zoo_table).stdout
    for name in index.families():
        facts = index.family_facts(name)
        assert f"[`{name}`]({facts['paper']})" in text and f" | {facts['title']} | [paper](" in text
        assert f"| {', '.join(f'`{endpoint}`' for endpoint in facts['endpoints'])} |" in text
    for facts in index.listing():
        assert f"`{facts['preset']}`" in text and f"| {facts['steps']:,} |" in text
    for name in weights.names():
        for result in weights.card(name)["metrics"]:
            if zoo_table.column(result["metric"]) in text:
                assert zoo_table.cell(result) in text
    widths = {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")}
    assert {3, 6} < widths and len(widths) == 3


def test_every_strip_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(zoo_table, "STRIPS", tmp_path)
    assert zoo_table.strips() == ""
    for name in ("gan_mnist", "dcgan_mnist"):
        (tmp_path / f"{name}.png").touch()
    assert zoo_table.strips().index("(strips/dcgan_mnist.png)") < zoo_table.strips().index("(strips/gan_mnist.png)")
    shown = {path.name for path in (TOOLS.parent / "docs" / "strips").iterdir()}
    assert shown and all(f"(strips/{name})" in zoo_table.PAGE.read_text(encoding="utf-8") for name in shown)


def test_names_that_measure_again():
    names = ["fd_mnist", "precision_mnist", "recall_mnist", "fid768", "coverage768", "is", "nearest_ratio_fashion"]
    asked = ["fd_mnist", "prdc_mnist", "prdc_mnist", "fid768", "prdc768", "is", "memorisation_fashion"]
    assert [zoo_table.asked(name) for name in names] == asked
    assert [zoo_table.column(name) for name in names[:4]] == ["fd_own", "precision_own", "recall_own", "fid768"]


def test_published_weights_are_measured_again(places, finished):
    assert run(publish_weights, finished.path, "--licence", "made here", "--num", 16).exit_code == 0
    before = weights.card(PRESET)
    done = run(publish_weights, PRESET, "--metrics", "fd@random_conv", "--num", 20)
    assert done.exit_code == 0, done.output
    after = weights.card(PRESET)
    assert [(m["metric"], m["samples"]) for m in after["metrics"]] == [("fd@random_conv", 20)]
    assert {**after, "metrics": None} == {**before, "metrics": None}


def test_write_touches_only_what_is_between_the_markers(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{zoo_table.BEGIN}\nold\n{zoo_table.END}\nafter\n")
    places = ("--readme", readme, "--page", tmp_path / "docs" / "zoo.md")
    assert run(zoo_table, "--write", *places).exit_code == 0
    text = readme.read_text()
    assert text == f"before\n{zoo_table.BEGIN}\n{zoo_table.families()}\n{zoo_table.END}\nafter\n"
    assert (tmp_path / "docs" / "zoo.md").read_text() == zoo_table.zoo()
    assert run(zoo_table, "--write", *places).exit_code == 0 and readme.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!-- zoo:begin -->",
        "<!-- zoo:end --> <!-- zoo:begin -->",
        "<!-- zoo:begin --> <!-- zoo:begin --> <!-- zoo:end -->",
    ],
)
def test_a_readme_without_markers_is_left_alone(tmp_path, text):
    (tmp_path / "README.md").write_text(text)
    done = run(zoo_table, "--write", "--readme", tmp_path / "README.md", "--page", tmp_path / "zoo.md")
    assert done.exit_code == 2 and "once each" in done.output and (tmp_path / "README.md").read_text() == text
    assert not (tmp_path / "zoo.md").exists()


# === README ===
def test_the_readme_is_up_to_date():
    text = zoo_table.README.read_text(encoding="utf-8")
    assert zoo_table.replaced(text, zoo_table.families()) == text, "run: python tools/zoo_table.py --write"
    assert zoo_table.PAGE.read_text(encoding="utf-8") == zoo_table.zoo(), "run: python tools/zoo_table.py --write"
    assert len(text.splitlines()) <= 120, "a newcomer's page is short"


def test_the_readme_names_each_family_once_and_the_page_explains_it():
    listed = re.findall(r"\[`(\w+)`\]\((https?://\S+?)\)", zoo_table.families())
    assert sorted(name for name, _ in listed) == index.families()
    rows = zoo_table.explained(index.listing()).splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == index.families()
    (row,) = [row for row in rows if "[`cgan`]" in row]
    assert index.family_facts("cgan")["title"] in row and "`cgan_mnist`" in row


def readme_commands():
    """The commands of README.md that begin with `python -m tfgan_zoo`, continued lines joined."""
    lines = zoo_table.README.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[3:] for line in lines if line.startswith("python -m tfgan_zoo ")]


def test_the_readmes_commands_exist():
    import click

    commands = readme_commands()
    used = {command for command, *_ in commands}
    assert {"train", "evaluate", "generate", "interpolate", "export", "list", "info"} <= used
    for name, *arguments in commands:
        command = cli.main.commands[name]
        known = {"--help"} | {option for p in command.params for option in p.opts if isinstance(p, click.Option)}
        assert {a for a in arguments if a.startswith("--")} <= known, (name, arguments)
        if name in ("train", "info") and arguments != ["--help"]:
            preset = arguments[0]
            overrides = [a for a in arguments[1:] if "=" in a]
            assert preset in index.presets()
            config.load(preset, overrides, smoke="--smoke" in arguments)


def test_the_readmes_presets_and_settings_are_valid(tmp_path):
    text = zoo_table.README.read_text(encoding="utf-8")
    presets = [block.partition("```")[0] for block in text.split("```toml\n")[1:]]
    assert presets
    for block in presets:
        tomllib.loads(block)
        (tmp_path / "mine.toml").write_text(block)
        assert config.load(str(tmp_path / "mine.toml")).preset == "mine"
