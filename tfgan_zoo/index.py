"""The index: families and presets are found by file name and described from their text.

Nothing here imports TensorFlow: a family's facts are read from its syntax tree, a preset's from its TOML.
"""

import ast
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
    """What a family's file says of itself: `class`, `title`, `paper` (URL), `doc`, `arguments` {name: default}.

    Raises:
        ZooError: no such family.
    """
    if name not in families():
        raise unknown("family", name, families())
    tree = ast.parse((FAMILIES / f"{name}.py").read_text(encoding="utf-8"))
    doc = ast.get_docstring(tree) or ""
    model = next(node for node in tree.body if isinstance(node, ast.ClassDef) and _is_model(node))
    constructor = next((n for n in model.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    arguments = {}
    if constructor:
        names = [argument.arg for argument in constructor.args.args[1:]]
        arguments = dict(zip(names, map(ast.unparse, constructor.args.defaults), strict=False))
    link = re.search(r"https?://\S+", doc)
    return {
        "class": model.name,
        "title": doc.split("\n")[0].rstrip("."),
        "paper": link.group().rstrip(".") if link else "",
        "doc": doc,
        "class_doc": ast.get_docstring(model) or "",
        "arguments": arguments,
    }


def _is_model(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "AdversarialModel" for base in node.bases)


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
        "shape": "x".join(map(str, tables.get("model", {}).get("image_shape", []))),
        "steps": tables.get("train", {}).get("steps"),
        "pretrained": (PRETRAINED / f"{path.stem}.json").is_file(),
    }


def listing() -> list[dict[str, Any]]:
    """The facts of every preset, by name."""
    return [preset_facts(name) for name in presets()]


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
