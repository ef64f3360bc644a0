"""Measured numbers with where they come from, and which of them may stand in one ranking. Without TensorFlow."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tfgan_zoo import console, weights
from tfgan_zoo.errors import ZooError, unknown

PROTOCOL = (
    "metric",
    "settings",
    "features",
    "features_sha256",
    "resize",
    "samples",
    "reference",
    "reference_split",
    "reference_samples",
    "reference_fingerprint",
    "truncation",
)
"""What two numbers must share to be compared."""

COMPUTED_BY = ("seed", "ema", "version", "commit", "tensorflow", "keras", "hardware")
"""What may differ between them, and is said."""

UNSAID = {"ema": None, "seed": None}
"""Overrides that hide model-specific fields when a ranking's protocol is printed."""


@dataclasses.dataclass(frozen=True)
class Result:
    """A number and where it comes from.

    Attributes:
        metric, value: what was measured; a Fréchet distance is the squared one.
        deviation: its standard deviation over subsets, splits, classes or samples, where the metric has one.
        higher: whether higher is better; meaningless where `best` is given.
        best: the number that is best, for metrics that can be too high and too low; else None.
        floor: the same of held-out real images in place of the generated ones: what a perfect model would get.
            None without held-out data.
        model: what made the images.
        samples, floor_samples: generated and held-out images; few make a Fréchet distance too large.
        reference, reference_split, reference_samples, reference_fingerprint: the real images compared with.
            Samples are None for statistics that do not tell; all are None for a metric of generated images alone.
        features, features_sha256, resize: the extractor's name and tap, its weights, how it resizes the uint8
            images; None for a metric of the images themselves.
        settings: the metric's other settings.
        ema: whether the samples come from an averaged twin; None where that is not known.
        truncation: as given to `sample_images`.
        seed: the images are those of seeds seed, seed + 1, ..., seed + samples - 1; None for images from files.
        version, commit, tensorflow, keras, hardware: what computed it; commit is None outside a git checkout.
    """

    metric: str
    value: float
    deviation: float | None
    higher: bool
    best: float | None
    floor: float | None
    model: str
    samples: int
    floor_samples: int | None
    reference: str | None
    reference_split: str | None
    reference_samples: int | None
    reference_fingerprint: str | None
    features: str | None
    features_sha256: str | None
    resize: str | None
    settings: dict[str, Any]
    ema: bool | None
    truncation: float | None
    seed: int | None
    version: str
    commit: str | None
    tensorflow: str
    keras: str
    hardware: str

    def as_dict(self) -> dict[str, Any]:
        """Every field, JSON-able: one line of a JSON-lines file. An infinite value (a PSNR) is the text "inf"."""
        return {
            key: str(v) if isinstance(v, float) and not math.isfinite(v) else v
            for key, v in dataclasses.asdict(self).items()
        }

    def __str__(self) -> str:
        r = self.as_dict()
        return (
            f"{self.metric} {number(r)} ({floor(r)}; {self.samples:,} images of {self.model}; {protocol(r)}; "
            f"{provenance(r)})"
        )


class Results(list[Result]):
    """The numbers that could be measured, and why others could not.

    Attributes:
        failures: {metric as it was asked for: one line}.
    """

    def __init__(self, results: Iterable[Result] = (), failures: Mapping[str, str] = MappingProxyType({})):
        super().__init__(results)
        self.failures = dict(failures)


def digits(value: float) -> str:
    """A number with the digits that a reader compares: 12.720, 0.4157, 0.000312."""
    value = float(value)
    if not math.isfinite(value) or value == 0:
        return f"{value:g}"
    size = math.floor(math.log10(abs(value)))
    decimals = 3 - size if size < 0 else 3 if size < 2 else max(4 - size, 0)
    return f"{value:,.{decimals}f}"


def number(r: dict[str, Any]) -> str:
    """A stored result's value, with its deviation where it has one."""
    deviation = r.get("deviation")
    return digits(r["value"]) + ("" if deviation is None else f" ± {deviation:.2g}")


def name(r: dict[str, Any]) -> str:
    """The metric with the number of samples, which people quote together: `fid768 (10k)`."""
    count = r["samples"]
    return f"{r['metric']} ({count // 1000}k)" if count % 1000 == 0 else f"{r['metric']} ({count:,})"


def direction(r: dict[str, Any]) -> str:
    """What is good, in words."""
    if r.get("best") is not None:
        return f"{r['best']:g} is best"
    return "higher is better" if r.get("higher") else "lower is better"


def floor(r: dict[str, Any]) -> str:
    """What real images get, in words."""
    if r["floor"] is None:
        return "no floor"
    counted = f" ({r['floor_samples']:,} images)" if r["floor_samples"] not in (None, r["samples"]) else ""
    return f"floor {digits(r['floor'])}, real against real{counted}"


def protocol(r: dict[str, Any]) -> str:
    """How a stored result was measured, in one line, but for its images."""
    return "; ".join(filter(None, [sides(r), taken(r)]))


def sides(r: dict[str, Any]) -> str:
    """How the generated images were drawn and what they are compared with."""
    parts = []
    if r["ema"] is not None:
        parts.append("EMA" if r["ema"] else "no EMA")
    if r["truncation"] is not None:
        parts.append(f"truncation {r['truncation']:g}")
    if r["seed"] is not None:
        parts.append(f"seed {r['seed']}")
    if r["reference"] is not None:
        split = r["reference_split"] or ""
        count = "" if r["reference_samples"] is None else f"{r['reference_samples']:,} of "
        parts.append(f"against {count}{r['reference']}" + (f" {split}" if split not in r["reference"] else ""))
    return "; ".join(parts)


def taken(r: dict[str, Any]) -> str:
    """The features and the metric's settings."""
    parts = [r["features"]] if r["features"] is not None else []  # an endpoint of the model's own has nothing to add
    if r["features_sha256"]:
        parts = [f"{r['features']} {r['features_sha256'][:8]}, {r['resize']}"]
    return "; ".join(parts + [f"{key} {value}" for key, value in r.get("settings", {}).items()])


def provenance(r: dict[str, Any]) -> str:
    """What computed a stored result."""
    commit = r["commit"][:8] if r["commit"] else "no commit"
    return f"tfgan_zoo {r['version']} {commit}, TensorFlow {r['tensorflow']}, Keras {r['keras']}, {r['hardware']}"


# === Comparing ===
def gathered(sources: Iterable[str]) -> list[dict[str, Any]]:
    """The stored results of presets (their cards), runs (`evaluations.jsonl`) and JSON-lines files.

    Raises:
        ZooError: a source that is none of these, or that holds no results.
    """
    rows = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found = read(path / "evaluations.jsonl") if (path / "evaluations.jsonl").is_file() else []
        elif path.is_file():
            found = read(path)
        elif source in weights.names():
            found = weights.card(source)["metrics"]
        else:
            raise unknown("run, preset or file of results", source, weights.names())
        if not found:
            raise ZooError(f"{source}: has not been measured; `python -m tfgan_zoo evaluate {source}` does it.")
        rows += found
    return rows


def read(path: str | Path) -> list[dict[str, Any]]:
    """The results in a JSON-lines file; of those with equal protocol and model, the last one.

    Raises:
        ZooError: no such file, or a line that is no result.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ZooError(f"{path}: cannot be read ({error.strerror or error}).") from None
    found, broken = {}, []
    for place, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = _row(line, f"{path}: line {place}")
            except ZooError as error:
                broken.append(error)
                continue
            found[json.dumps([row["model"], *(row.get(key) for key in PROTOCOL)], sort_keys=True)] = row
    if broken and not found:
        raise broken[0]
    for error in broken:
        console.note(f"{error} It is left out.")
    return list(found.values())


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or not {"metric", "value", "model", "samples"} <= set(row):
        raise ZooError(f"{where}: is no result of `evaluate --json FILE`.")
    return row


def common(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The metrics that two or more models have, in order of appearance. Raises ZooError where there is none."""
    models: dict[str, set[str]] = {}
    for row in rows:
        models.setdefault(row["metric"], set()).add(row["model"])
    found = [metric for metric, having in models.items() if len(having) > 1]
    if not found:
        listed = "; ".join(f"{metric}: {', '.join(sorted(having))}" for metric, having in models.items())
        raise ZooError(f"no two models were measured by the same metric ({listed}); evaluate them alike first.")
    return found


def rank(
    rows: Iterable[dict[str, Any]], metric: str, ignore: Iterable[str] = ()
) -> tuple[list[dict[str, Any]], list[str]]:
    """(results of `metric`, best first; what differs among them without forbidding a ranking, a line each).

    Args:
        ignore: fields of the protocol that may differ.

    Raises:
        ZooError: no result of that metric, or protocols that differ: the message names every field that does, and its
            values.
    """
    ignored = list(ignore)
    for field in ignored:
        if field not in PROTOCOL:
            raise unknown("field", field, PROTOCOL)
    rows = list(rows)
    entrants = [row for row in rows if row["metric"] == metric]
    if not entrants:
        raise unknown("metric", metric, {row["metric"] for row in rows})
    differing = {key: _values(entrants, key) for key in PROTOCOL if key not in ignored}
    differing = {key: values for key, values in differing.items() if len(values) > 1}
    if differing:
        listed = "; ".join(f"{key}: {' and '.join(values)}" for key, values in differing.items())
        raise ZooError(
            f"{metric} is not comparable, they differ in {listed}. Measure again alike, or ignore "
            f"{', '.join(differing)} (--ignore {','.join(differing)})."
        )
    best = entrants[0].get("best")
    if best is None:
        ranked = sorted(entrants, key=lambda row: float(row["value"]), reverse=bool(entrants[0].get("higher")))
    else:
        ranked = sorted(entrants, key=lambda row: abs(float(row["value"]) - best))
    remarks = [
        f"{key} differs: {', '.join(_values(entrants, key))}" for key in COMPUTED_BY if len(_values(entrants, key)) > 1
    ]
    return ranked, remarks


def _values(rows: Sequence[dict[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(json.dumps(row.get(key), sort_keys=True) for row in rows))
