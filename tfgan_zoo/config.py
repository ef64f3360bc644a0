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

SMOKE = {  # what --smoke changes in every preset; its own [smoke] table goes on top
    "data": {"source": "synthetic", "name": "examples", "size": 64, "batch_size": 8},
    "train": {"steps": 2, "samples": 4, "jit": False},
    "evaluate": {"samples": 32, "every": 0},
}
SECTIONS = ("model", "data", "train", "evaluate")
# Another source needs others.
OF_THE_SOURCE = (
    ("data", "transforms"),
    ("data", "split"),
    ("data", "where"),
    ("evaluate", "split"),
    ("evaluate", "against"),
)


class Section(BaseModel):
    """Plain data: no unknown keys, no silent conversions, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PhaseSettings(Section):
    """What a preset says of one phase of a game that has a course."""

    steps: Positive | None = Field(None, description="how long it lasts; default as the family says")
    batch_size: Positive | None = Field(None, description="in place of data.batch_size")


class Train(Section):
    """How a run goes. Steps are generator turns."""

    steps: Positive = Field(10_000, description="generator turns; a finished run goes on where they are raised")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        0, description="of the first weights, the order of the data and the noise"
    )
    optimizers: dict[str, dict[str, Any]] = Field(
        {},
        description="as train.optimizers.generator.learning_rate=1e-4: name and arguments of a player's Keras "
        "optimizer; what is left out is as in the paper",
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32", description="what it computes in: float32, mixed_float16 or mixed_bfloat16; --dry-run times them"
    )
    accumulate: Positive = Field(
        1, description="parts of a batch whose gradients are summed before a step: less memory, the same step"
    )
    jit: bool = Field(False, description="compile the step with XLA; pays for small networks on a CPU")
    phases: dict[str, PhaseSettings] = Field(
        {}, description="as train.phases.NAME.steps=1000 (or .batch_size), for families whose game has phases"
    )
    log_every: Positive = Field(50, description="steps between lines of metrics.jsonl")
    sample_every: Positive = Field(500, description="steps between sample grids")
    checkpoint_every: Positive = Field(500, description="steps between checkpoints")
    keep_checkpoints: Positive = Field(2, description="the newest so many stay; older ones are deleted")
    rollbacks: Annotated[int, Field(ge=0, le=100)] = Field(
        2, description="times that a run whose losses or weights are no numbers any more goes back to its checkpoint"
    )
    watch: bool | list[Literal["collapse", "exploding", "won"]] = Field(
        True, description='warn of a game that goes wrong: true, false, or a list of "collapse", "exploding", "won"'
    )
    samples: Annotated[int, Field(ge=1, le=10_000)] = Field(64, description="images in the sample grids")


class Evaluate(Section):
    """What `evaluate` measures by default."""

    metrics: list[str] = Field([], description='names, such as ["fid768", "kid"]; `evaluate --help` lists them')
    samples: Positive = Field(10_000, description="generated images to measure")
    split: str | None = Field(None, description="the split compared with; default test where there is one, else train")
    against: str | None = Field(
        None, description="in place of a split: a folder, another preset or a data set, as `evaluate --against`"
    )
    settings: dict[str, dict[str, Any]] = Field(
        {}, description="of the metrics, as evaluate.settings.psnr.border=4: keywords of their constructors"
    )
    every: Annotated[int, Field(ge=0)] = Field(0, description="steps between measurements while training; 0 for none")
    monitor: list[str] = Field(
        [], description="what is measured while training; the first decides the best; default metrics[0]"
    )
    keep_best: Positive = Field(1, description="the best so many models stay: best.keras, and best-STEP.keras of each")
    monitor_samples: Positive = Field(2_000, description="images for a measurement while training")


SCHEMAS = {
    "data": data.BaseSource.model_fields,
    "train": Train.model_fields,
    "evaluate": Evaluate.model_fields,
}


class Experiment(Section):
    """A resolved experiment: what `config.json` of a run holds."""

    preset: str
    family: str
    model: dict[str, Any] = {}
    data: Any
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    origin: str = Field("", exclude=True, description="the file it came from, for messages")
    overrides: dict[str, Any] = Field({}, exclude=True, description="what was changed by hand, for messages")
    overridden_in: str = Field("command line", exclude=True, description="where that was written, for messages")
    notes: tuple[str, ...] = Field((), exclude=True, description="what to say before the experiment is used")

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
        smoke: make it tiny, by `SMOKE` and the preset's `[smoke]` table, before the overrides.

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
        if not isinstance(overlay, Mapping):
            raise ZooError(f"{origin}: smoke must be a table, got {overlay!r}.")
        _merge(tables, SMOKE)
        _merge(tables, overlay)
    texts = _texts(overrides)
    notes = _apply(tables, texts)
    return _validate(tables, origin, texts, notes)


def override(experiment: Experiment, overrides: Iterable[str]) -> Experiment:
    """The experiment with `overrides` applied to it.

    Raises:
        ZooError: an unknown key, a wrong type, an impossible value.
    """
    texts = _texts(overrides)
    tables = experiment.as_dict()
    notes = _apply(tables, texts)
    return _validate(tables, experiment.origin, {**experiment.overrides, **texts}, notes)


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
    if equals and not dot and (homes := [f"{home}.{override}" for home, table in SCHEMAS.items() if key in table]):
        raise ZooError(f"command line: {override!r} names no section: write {' or '.join(homes)}.")
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


def _apply(tables: dict[str, Any], texts: Mapping[str, str]) -> list[str]:
    """Lay what the command line says over `tables`; returns what people should know of it."""
    changes: dict[str, dict[str, Any]] = {}
    for key, text in texts.items():
        section, name = key.split(".", 1)
        changes.setdefault(section, {})[name] = _parse(text)
    before = tables.get("data", {}).get("source")
    if left := _merge(tables, changes):
        return [f"data.source={tables['data']['source']}: {', '.join(left)} left out, made for {before} data"]
    return []


def _merge(tables: dict[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """Lay `changes` over `tables`. Where the data's source changes, what belongs to the old one does not stay.

    Returns:
        The settings of the old source that stay behind, as "section.key=value"; defaults are not worth a word.
    """
    left = []
    source, other = (table.get("source") for table in (tables.get("data", {}), _table(changes, "data")))
    if other not in (None, source):
        for section, key in OF_THE_SOURCE:
            value = tables.get(section, {}).get(key)
            if value not in (None, [], "train") and key not in _table(changes, section):
                left.append(f"{section}.{key}={_text(value)}")
            tables[section] = {name: value for name, value in tables.get(section, {}).items() if name != key}
        own = data.BaseSource.model_fields
        tables["data"] = {key: value for key, value in tables["data"].items() if key in own}
    for section, values in changes.items():
        if isinstance(values, Mapping):
            before = tables.get(section, {})
            tables[section] = {**before, **_nested(before, values, section)}
        else:
            tables[section] = values
    return left


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return tables[name] if isinstance(tables.get(name), Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


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


def _validate(tables: dict[str, Any], origin: str, texts: Mapping[str, str], notes: Iterable[str] = ()) -> Experiment:
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
    return Experiment(**tables, origin=origin, overrides=dict(texts), notes=tuple(notes))


def _require_tables(tables: Mapping[str, Any], origin: str) -> None:
    if not isinstance(tables.get("preset", ""), str):
        raise ZooError(f"{origin}: preset must be text, got {tables['preset']!r}.")
    for section in SECTIONS:
        if not isinstance(tables.get(section, {}), Mapping):
            raise ZooError(f"{origin}: {section} must be a table, got {tables[section]!r}.")
