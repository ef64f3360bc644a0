"""The index: families and presets are found by file name and described from their text.

Nothing here imports TensorFlow: a family's facts are read from its syntax tree, a preset's from its TOML.
"""

import ast
import importlib.util
import json
import re
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from tfgan_zoo.errors import ZooError, unknown

FAMILIES = Path(__file__).parent / "families"
PRETRAINED = Path(__file__).parent / "pretrained"


@cache
def families() -> list[str]:
    """Names of all families: the modules of `tfgan_zoo.families`."""
    return sorted(path.stem for path in FAMILIES.glob("*.py") if not path.stem.startswith("_"))


@cache
def presets() -> dict[str, Path]:
    """Preset name -> its TOML file."""
    folder = Path(str(files("zoo_configs")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def preset_path(name: str) -> Path:
    """The file of a preset, or `name` itself where it is a path to a `.toml` file.

    Raises:
        ZooError: no such preset or file.
    """
    if name in presets():
        return presets()[name]
    if name.endswith(".toml"):
        if Path(name).is_file():
            return Path(name)
        raise ZooError(f"no such file: {name}. Give a preset's name (python -m tfgan_zoo list) or a .toml file.")
    raise unknown("preset", name, presets())


def family_facts(name: str) -> dict[str, Any]:
    """What a family's file says of itself: `class`, `title`, `paper` (URL), `doc`, `class_doc`, `arguments`.

    `arguments` is {name: default as text, "" where it must be given}, those that are handed on to another family behind
    its own. `name` is a file in `families`, or the dotted module of a family of one's own.

    Raises:
        ZooError: no such family, or a file without the class that its name asks for.
    """
    tree = ast.parse(_family_file(name).read_text(encoding="utf-8"))
    model, doc = _model_class(tree, name), ast.get_docstring(tree) or ""
    link = re.search(r"https?://\S+", doc)
    return {
        "class": model.name,
        "title": doc.split("\n")[0].rstrip("."),
        "paper": link.group().rstrip(".") if link else "",
        "doc": doc,
        "class_doc": ast.get_docstring(model) or "",
        "arguments": _arguments(tree, model),
    }


def _family_file(name: str) -> Path:
    if name in families():
        return FAMILIES / f"{name}.py"
    if "." in name:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is not None and spec.origin:
            return Path(spec.origin)
        raise ZooError(f"family {name!r}: there is no such module; put its folder on PYTHONPATH.")
    raise unknown("family", name, families())


def _model_class(tree: ast.Module, name: str) -> ast.ClassDef:
    """The class whose name in small letters is the file's name without `_`."""
    wanted = name.rpartition(".")[2].replace("_", "")
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.lower() == wanted:
            return node
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    raise ZooError(
        f"family {name!r}: its file holds {', '.join(classes) or 'no class'}; one must be called as the file without "
        f"_, such as {wanted.upper()}."
    )


def _arguments(tree: ast.Module, model: ast.ClassDef) -> dict[str, str]:
    found = {}
    constructor = next((n for n in model.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    if constructor:
        given = constructor.args
        names = [argument.arg for argument in given.args[1:]]
        defaults = [""] * (len(names) - len(given.defaults)) + [ast.unparse(value) for value in given.defaults]
        found = dict(zip(names, defaults, strict=True))
        for argument, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            found[argument.arg] = "" if value is None else ast.unparse(value)
        if given.kwarg is None:
            return found
    for base in model.bases:
        if isinstance(base, ast.Name) and (module := _imported_from(tree, base.id)):
            return found | {k: v for k, v in family_facts(module)["arguments"].items() if k not in found}
    return found


def _imported_from(tree: ast.Module, name: str) -> str | None:
    """The family that a file imports the class `name` from; None where it is no family's."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            package, _, module = (node.module or "").rpartition(".")
            return module if package == "tfgan_zoo.families" and module in families() else None
    return None


def preset_facts(name: str) -> dict[str, Any]:
    """A preset at a glance: `preset`, `family`, `title`, `data`, `shape`, `steps`, `pretrained`."""
    path = preset_path(name)
    text = path.read_text(encoding="utf-8")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ZooError(f"{path}: not a TOML file: {error}.") from None
    source = tables.get("data", {})
    return {
        "preset": path.stem,
        "family": tables.get("family", ""),
        "title": text.split("\n")[0].lstrip("# ").rstrip("."),
        "data": " ".join(str(source[key]) for key in ("source", "name", "path") if key in source),
        "shape": _shape(tables),
        "steps": tables.get("train", {}).get("steps"),
        "pretrained": (PRETRAINED / f"{path.stem}.json").is_file(),
    }


def _shape(tables: dict[str, Any]) -> str:
    """The shape that a preset's model says, or else its family's default."""
    shape = tables.get("model", {}).get("image_shape")
    if shape is None and tables.get("family") in families():
        default = family_facts(tables["family"])["arguments"].get("image_shape", "()")
        shape = ast.literal_eval(default or "()")
    return "x".join(map(str, shape or []))


def listing(family: str | None = None, pretrained: bool = False) -> list[dict[str, Any]]:
    """The facts of every preset, by name; only those of `family`, only those with pretrained weights.

    Raises:
        ZooError: no such family.
    """
    if family:
        family_facts(family)
    facts = [preset_facts(name) for name in presets()]
    return [f for f in facts if (not family or f["family"] == family) and (not pretrained or f["pretrained"])]


def info(name: str) -> dict[str, Any]:
    """All that is known of a preset: its facts, its TOML text, its family's facts, and its card where it is pretrained.

    A family's name works too and gives the family's facts and presets.

    Raises:
        ZooError: neither a preset nor a family.
    """
    if name in families():
        return {
            "family": name,
            **family_facts(name),
            "presets": [f["preset"] for f in listing() if f["family"] == name],
        }
    if name not in presets() and not name.endswith(".toml"):
        raise unknown("preset or family", name, [*presets(), *families()])
    facts = preset_facts(name)
    card = PRETRAINED / f"{facts['preset']}.json"
    return {
        **facts,
        "file": str(preset_path(name)),
        "text": preset_path(name).read_text(encoding="utf-8"),
        "family_facts": family_facts(facts["family"]),
        "card": json.loads(card.read_text(encoding="utf-8")) if card.is_file() else None,
    }
