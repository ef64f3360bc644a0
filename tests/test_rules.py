"""The rules of the house, read from the syntax trees of the package."""

import ast
from functools import cache
from pathlib import Path

import pytest

import tfgan_zoo

PACKAGE = Path(tfgan_zoo.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# What a family file is written in. It knows nothing of data sets, training, measuring or serving.
FAMILY_WORDS = (
    "adversarial attacked augment batches endpoints errors features layers losses modalities networks penalties "
    "phases play players pool real_or_fake types "
).split()

# What the modules of each row may not import, because they are imported there. A dotted name stands for its package.
ONE_WAY = {
    ("errors", "types", "files"): ["adversarial", "cli", "data", "evaluation", "families", "training", "verbs", "zoo"],
    ("modalities", "endpoints", "noise", "images"): [
        "adversarial",
        "data",
        "evaluation",
        "families",
        "training",
        "zoo",
    ],
    ("layers", "networks", "losses", "penalties", "features"): ["adversarial", "data", "evaluation", "metrics", "zoo"],
    ("adversarial", "attacked", "players", "real_or_fake", "sampling"): [
        "data",
        "evaluation",
        "families",
        "metrics",
        "serving",
        "training",
        "zoo",
    ],
    ("data",): ["adversarial", "evaluation", "families", "metrics", "training", "zoo"],
    ("metrics",): ["adversarial", "data", "evaluation", "families", "training", "zoo"],
    ("zoo", "generation", "translation", "serving"): ["cli", "training", "verbs"],
    ("evaluation", "training", "callbacks"): ["cli", "verbs"],
    ("verbs",): ["cli"],
}


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path):
    """`data.base` for tfgan_zoo/data/base.py."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path):
    """The modules of the package that a file imports while it is itself imported, and those within functions."""
    early = {id(node) for node in _at_import(tree_of(path))}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tfgan_zoo":
            base = node.module.removeprefix("tfgan_zoo").lstrip(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                yield (full if full in NAMES else base), id(node) in early


def _at_import(tree):
    """The nodes that run while the file is imported: all but those in functions and behind TYPE_CHECKING."""
    for node in tree.body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if not isinstance(node, ast.FunctionDef):
            yield node


NAMES = {name_of(path): path for path in MODULES}


def within(name, package):
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("packages", ONE_WAY, ids=lambda packages: packages[0])
def test_imports_point_one_way(packages):
    for name, path in NAMES.items():
        if any(within(name, package) for package in packages):
            for imported, _ in imports_of(path):
                assert not any(within(imported, banned) for banned in ONE_WAY[packages]), f"{name} imports {imported}"


def test_no_module_imports_itself_over_others():
    graph = {name: {to for to, early in imports_of(path) if early and to} for name, path in NAMES.items()}
    done, open_ = set(), []

    def visit(name):
        assert name not in open_, f"imports run in a circle: {' -> '.join([*open_[open_.index(name) :], name])}"
        if name not in done:
            open_.append(name)
            for to in sorted(graph.get(name, ())):
                visit(to)
            open_.pop()
            done.add(name)

    for name in sorted(graph):
        visit(name)


def test_families_are_written_in_the_words_of_games():
    for path in (PACKAGE / "families").glob("*.py"):
        for imported, _ in imports_of(path):
            allowed = [*FAMILY_WORDS, "families"]
            assert any(within(imported, word) for word in allowed), f"{path.name} imports {imported}"


def test_gradients_are_taken_in_the_base_and_in_penalties_alone():
    allowed = {"adversarial", "play", "penalties", "networks.attacks", "networks.inversion", "metrics.path_length"}
    for name, path in NAMES.items():
        calls = [node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        if any(isinstance(f, ast.Attribute) and f.attr in ("gradient", "jacobian", "batch_jacobian") for f in calls):
            assert name in allowed, f"{name} takes gradients; a loss method leaves that to the base"


def test_losses_are_ours():
    for name, path in NAMES.items():
        assert "keras.losses" not in ast.unparse(tree_of(path)), f"{name}: reductions of keras.losses differ by replica"


def test_nothing_unsafe_is_read():
    for name, path in NAMES.items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                assert not {alias.name for alias in node.names} & {"pickle", "marshal", "shelve"}, name
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("eval", "exec"), name
                if called == "np.load":
                    assert "allow_pickle=False" in ast.unparse(node), f"{name}: np.load without allow_pickle=False"


def test_one_strategy_per_count_of_devices():
    """A second MirroredStrategy over the same devices mixes up the collectives of the first, in tests too."""
    for path in [*MODULES, *Path(__file__).parent.rglob("*.py")]:
        calls = [ast.unparse(node.func) for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
        assert path.name == "devices.py" or "tf.distribute.MirroredStrategy" not in calls, f"{path}: devices.strategy"


def test_the_base_fits_on_a_few_screens():
    assert len((PACKAGE / "adversarial.py").read_text().splitlines()) <= 350
