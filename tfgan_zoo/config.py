"""An experiment: a preset in TOML, with its `[smoke]` overlay and `key=value` overrides, validated into typed objects.

Nothing here imports TensorFlow. The `[model]` table is checked against the family's constructor when the model is built
(`zoo.model_arguments`), all other tables at once.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tfgan_zoo import data, index
from tfgan_zoo.config_errors import check
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.types import Positive

SECTIONS = ("model", "data", "train", "evaluate")


class Section(BaseModel):
    """Plain data: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Train(Section):
    """How a run goes. Steps are generator turns."""

    steps: Positive = 10_000
    seed: Annotated[int, Field(ge=0)] = 0
    optimizers: dict[str, dict[str, Any]] = Field(
        {}, description="player -> {name = Keras optimizer, ...its arguments}; a player left out keeps the paper's"
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = "float32"
    jit: bool = Field(False, description="compile the step with XLA; pays for small networks on a CPU")
    log_every: Positive = 50
    sample_every: Positive = 500
    checkpoint_every: Positive = 500
    keep_checkpoints: Positive = 2
    samples: Positive = Field(64, description="images in the sample grids")


class Evaluate(Section):
    """What `evaluate` measures unless it is told otherwise."""

    metrics: list[str] = []
    samples: Positive = 10_000
    split: str | None = Field(None, description="the split compared with; default test where there is one, else train")
    every: Annotated[int, Field(ge=0)] = Field(0, description="steps between measurements while training; 0 for none")
    monitor: list[str] = Field(
        [], description="what is measured while training; the first decides the best; default metrics[0]"
    )
    monitor_samples: Positive = Field(2_000, description="images for a measurement while training")


class Experiment(Section):
    """A resolved experiment: what `config.json` of a run holds."""

    preset: str
    family: str
    model: dict[str, Any] = {}
    data: Any
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    origin: str = Field("", exclude=True, description="the file it came from, for messages")
    overrides: dict[str, str] = Field({}, exclude=True, description="what the command line changed, for messages")

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data; `from_dict` reads it back."""
        return {**self.model_dump(mode="json"), "data": self.data.model_dump(mode="json")}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], origin: str = "") -> "Experiment":
        """Validate what `as_dict` made or a TOML file holds."""
        return _validate(dict(value), origin, {})


def load(preset: str, overrides: Iterable[str] = (), *, smoke: bool = False) -> Experiment:
    """The experiment of a preset's name or of a `.toml` file.

    Args:
        overrides: "section.key=value" strings; values are TOML ("64", "[16, 16, 3]", "true"), other text is a string.
        smoke: apply the preset's `[smoke]` overlay, before the overrides.

    Raises:
        ZooError: an unknown preset or key, a wrong type, an impossible value.
    """
    path = index.preset_path(preset)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ZooError(f"{path}: not a TOML file: {error}.") from None
    overlay = tables.pop("smoke", {})
    origin = str(path)
    tables.setdefault("preset", path.stem)
    _require_tables(tables, origin)
    if smoke:
        if not overlay or not isinstance(overlay, Mapping):
            raise ZooError(f"{origin}: has no [smoke] table, so --smoke has nothing to apply.")
        _merge(tables, overlay)
    texts = _texts(overrides)
    _apply(tables, texts)
    return _validate(tables, origin, texts)


def override(experiment: Experiment, overrides: Iterable[str]) -> Experiment:
    """The experiment with `overrides` applied to it.

    Raises:
        ZooError: an unknown key, a wrong type, an impossible value.
    """
    texts = _texts(overrides)
    tables = experiment.as_dict()
    _apply(tables, texts)
    return _validate(tables, experiment.origin, {**experiment.overrides, **texts})


def data_options(data_dir: str | None, download: bool) -> list[str]:
    """The options --data-dir and --download as overrides."""
    quoted = [f"data.data_dir={json.dumps(str(data_dir))}"] if data_dir else []
    return quoted + (["data.download=true"] if download else [])


def split(override: str, sections: Iterable[str] = SECTIONS) -> tuple[str, str, Any]:
    """ "section.key=value" as (section, key, value); the value is TOML, or else a string.

    Raises:
        ZooError: text of another form, or a section that is not among `sections`.
    """
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not equals or not dot or not name:
        raise ZooError(
            f"command line: cannot read {override!r}: write section.key=value, for example train.steps=1000."
        )
    if section not in sections:
        raise unknown("section", section, sections, where=f"command line: {override}")
    return section, name, _parse(text.strip())


def _texts(overrides: Iterable[str]) -> dict[str, str]:
    """{"section.key": text of the value}."""
    texts = {}
    for override in overrides:
        section, name, _ = split(override)
        texts[f"{section}.{name}"] = override.partition("=")[2].strip()
    return texts


def _parse(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _apply(tables: dict[str, Any], texts: Mapping[str, str]) -> None:
    changes: dict[str, dict[str, Any]] = {}
    for key, text in texts.items():
        section, name = key.split(".", 1)
        changes.setdefault(section, {})[name] = _parse(text)
    _merge(tables, changes)


def _merge(tables: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Lay `changes` over `tables`. Where the data's source changes, only the keys that all sources know are kept."""
    for section, values in changes.items():
        if not isinstance(values, Mapping):
            tables[section] = values
            continue
        before = tables.get(section, {})
        if section == "data" and values.get("source", before.get("source")) != before.get("source"):
            before = {key: value for key, value in before.items() if key in data.BaseSource.model_fields}
        tables[section] = {**before, **_nested(before, values, section)}


def _nested(before: Mapping[str, Any], values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`values` with dotted names ("optimizers.generator") put into the tables that they name."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        head, dot, rest = name.partition(".")
        if dot:
            inner = result.get(head, before.get(head, {}))
            if not isinstance(inner, Mapping):
                raise ZooError(
                    f"command line: {path}.{name}: {path}.{head} = {inner!r} is no table; write {path}.{head}=VALUE."
                )
            result[head] = {**inner, **_nested(inner, {rest: value}, f"{path}.{head}")}
        else:
            result[name] = value
    return result


def _validate(tables: dict[str, Any], origin: str, texts: Mapping[str, str]) -> Experiment:
    for key in tables:
        if key not in ("preset", "family", *SECTIONS):
            raise unknown("key", key, ["family", *SECTIONS], where=origin)
    family = tables.get("family")
    if family not in index.families() and not (isinstance(family, str) and "." in family):
        raise unknown("family", family, index.families(), where=origin)
    _require_tables(tables, origin)
    tables = dict(tables)
    if "source" not in tables.get("data", {}):
        raise ZooError(f"{origin}: data.source is missing. Allowed: {', '.join(data.source_names())}.")
    name, names = tables["data"]["source"], data.source_names()
    if name not in names:
        raise unknown("data.source", name, names, where="command line" if "data.source" in texts else origin)
    source = data.source_class(name)
    for section, schema in {"data": source, "train": Train, "evaluate": Evaluate}.items():
        tables[section] = check(schema, tables.get(section, {}), section, origin, texts)
    return Experiment(**tables, origin=origin, overrides=dict(texts))


def _require_tables(tables: Mapping[str, Any], origin: str) -> None:
    if not isinstance(tables.get("preset", ""), str):
        raise ZooError(f"{origin}: preset must be text, got {tables['preset']!r}.")
    for section in SECTIONS:
        if not isinstance(tables.get(section, {}), Mapping):
            raise ZooError(f"{origin}: {section} must be a table, got {tables[section]!r}.")
