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
GENERATED = {"Audio": "sounds", "Voxels": "solids", "ClassLabel": "by class", "Text": "from text"}  # beside pictures


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
    """What a family's file says of itself.

    `class`, `title`, `paper` (URL), `doc`, `class_doc`; `arguments`, {name: default as text, "" where it must be
    given}, those that are handed on to another family behind its own; `endpoints`, the names of all that its models can
    be asked, the main one first, some of which may depend on the arguments; `kinds`, the modalities that its data have
    whatever the arguments are.

    Args:
        name: a file in `families`, or the dotted module of a family of one's own.

    Raises:
        ZooError: no such family, or a file without the class that its name asks for.
    """
    tree = _tree(_family_file(name).read_text(encoding="utf-8"))
    model, doc = _model_class(tree, name), ast.get_docstring(tree) or ""
    link = re.search(r"https?://\S+", doc)
    return {
        "class": model.name,
        "title": doc.split("\n")[0].rstrip("."),
        "paper": link.group().rstrip(".") if link else "",
        "doc": doc,
        "class_doc": ast.get_docstring(model) or "",
        "arguments": _arguments(tree, model),
        "endpoints": _endpoints(tree, model),
        "kinds": _kinds(tree, model),
    }


@cache
def _tree(text: str) -> ast.Module:
    """The syntax tree of a file's text: a list of presets asks for each family's several times."""
    return ast.parse(text)


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
        folder = name.partition(".")[0]
        raise ZooError(f"family {name!r}: there is no such module; put the folder that holds {folder} on PYTHONPATH.")
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
    constructor = _method(model, "__init__")
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


def _endpoints(tree: ast.Module, model: ast.ClassDef) -> list[str]:
    """The endpoints that the property of that name lists, known by their methods' docstrings; or those of the base."""
    base = _base_family(tree, model)
    inherited = family_facts(base)["endpoints"] if base else ["generate"]
    listed = _method(model, "endpoints")
    if listed is None:
        return inherited
    methods = [node for node in model.body if isinstance(node, ast.FunctionDef)]
    known = {*inherited, *(node.name for node in methods if (ast.get_docstring(node) or "").startswith("Endpoint:"))}
    named = [node.value for node in ast.walk(listed) if isinstance(node, ast.Constant) and node.value in known]
    extended = any(isinstance(node, ast.Attribute) and node.attr == "endpoints" for node in ast.walk(listed))
    return list(dict.fromkeys([*(inherited if extended else []), *named]))


def _kinds(tree: ast.Module, model: ast.ClassDef) -> list[str]:
    """The modalities that `element_spec` names where it is one dict, or those of the base; [] where it depends."""
    spec = _method(model, "element_spec")
    if spec is None:
        base = _base_family(tree, model)
        return family_facts(base)["kinds"] if base else []
    answer = spec.body[-1]
    if len(spec.body) > 1 or not isinstance(answer, ast.Return) or not isinstance(answer.value, ast.Dict):
        return []
    return [node.func.id for node in answer.value.values if isinstance(node, ast.Call)]


def _method(model: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((node for node in model.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def _base_family(tree: ast.Module, model: ast.ClassDef) -> str | None:
    """The family whose class this one extends; None where it extends none."""
    for base in model.bases:
        if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name) and base.value.id in families():
            return base.value.id  # dcgan.DCGAN
        if isinstance(base, ast.Name) and (module := _imported_from(tree, base.id)):
            return module
    return None


def _imported_from(tree: ast.Module, name: str) -> str | None:
    """The family that a file imports the class `name` from; None where it is no family's."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            package, _, module = (node.module or "").rpartition(".")
            return module if package == "tfgan_zoo.families" and module in families() else None
    return None


def preset_facts(name: str) -> dict[str, Any]:
    """A preset at a glance: `preset`, `family`, `task`, `title`, `data`, `shape`, `steps`, `pretrained`."""
    path = preset_path(name)
    text = path.read_text(encoding="utf-8")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ZooError(f"{path}: not a TOML file: {error}.") from None
    source = tables.get("data", {})
    return {
        "preset": path.stem,
        "family": (family := tables.get("family", "")),
        "task": task_of(family) if family in families() else "",
        "title": text.split("\n")[0].lstrip("# ").rstrip("."),
        "data": " ".join(str(source[key]) for key in ("source", "name", "path") if key in source),
        "shape": _shape(tables),
        "steps": tables.get("train", {}).get("steps"),
        "pretrained": (PRETRAINED / f"{path.stem}.json").is_file(),
    }


def task_of(family: str) -> str:
    """What a family is for: the first word of its main endpoint, and what else than a picture it makes or is given."""
    facts = family_facts(family)
    main = facts["endpoints"][0].partition("_")[0]
    if main == "generate" and facts["kinds"] == ["Text"]:  # its texts are what it makes
        return "generate texts"
    more = [words for kind, words in GENERATED.items() if kind in facts["kinds"]] if main == "generate" else []
    return " ".join([main, *more])


def _shape(tables: dict[str, Any]) -> str:
    """The shape that a preset's model says, or else its family's default."""
    shape = tables.get("model", {}).get("image_shape")
    if shape is None and tables.get("family") in families():
        default = family_facts(tables["family"])["arguments"].get("image_shape", "()")
        shape = ast.literal_eval(default or "()")
    return "x".join(map(str, shape or []))


def listing(family: str | None = None, pretrained: bool = False, task: str | None = None) -> list[dict[str, Any]]:
    """The facts of every preset, by name; only those of `family`, only those with pretrained weights, only for `task`.

    Args:
        task: a task as the facts name it, such as "generate by class", its first word, or an endpoint, such as
            "encode".

    Raises:
        ZooError: no such family; nothing that can be asked so.
    """
    if family:
        family_facts(family)
    asked = {name: {task_of(name), task_of(name).split()[0], *family_facts(name)["endpoints"]} for name in families()}
    if task and not any(task in known for known in asked.values()):
        raise unknown("task", task, sorted(set().union(*asked.values())))
    facts = [preset_facts(name) for name in presets()]
    return [
        f
        for f in facts
        if (not family or f["family"] == family)
        and (not pretrained or f["pretrained"])
        and (not task or task in asked.get(f["family"], ()))
    ]


def first_presets() -> dict[str, str]:
    """{family: its first preset by name}."""
    return {facts["family"]: facts["preset"] for facts in reversed(listing())}


def info(name: str) -> dict[str, Any]:
    """All that is known of a preset: its facts, its TOML text, its family's facts, and its card where it is pretrained.

    A family's name, or the dotted module of a family of one's own, gives the family's facts and presets.

    Raises:
        ZooError: neither a preset nor a family.
    """
    dotted = "." in name and all(map(str.isidentifier, name.split("."))) and not name.endswith((".toml", ".keras"))
    if name in families() or dotted:
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
