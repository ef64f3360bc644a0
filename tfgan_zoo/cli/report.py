"""What the commands print: plans, results, stored numbers."""

import json
from collections.abc import Iterator

import click

from tfgan_zoo import console, files, stamps


def stored(result) -> str:
    """A stored result in one line."""
    floor = stamps.floor(result)
    return f"{stamps.number(result)} ({floor}); {result['samples']:,} samples, {stamps.protocol(result)}"


def show_plan(plan) -> None:
    """Print what a dry run found out."""
    experiment = plan["experiment"]
    tables = {section: table for section, table in experiment.as_dict().items() if isinstance(table, dict)}
    settings = [(key, as_toml(value)) for key, value in _flat(tables) if value not in (None, [], {}, "")]
    console.table("settings", ("", ""), [("family", experiment.family), *settings])
    console.table("\nnetworks", ("network", "parameters"), [(k, f"{v:,}") for k, v in plan["networks"].items()])
    console.table("\ndata", ("", ""), list(_of_data(plan["data"])))
    steps, timed = experiment.train.steps, plan["precisions"]
    click.echo(
        f"\n{plan['seconds_per_step']:.3g} s a step (median of 5): {steps:,} steps take about "
        f"{console.duration(plan['seconds'])}. Nothing was written."
    )
    if plan["memory"]:
        click.echo(f"memory: {plan['memory'] / 1e9:.1f} GB at most; train.accumulate=2 computes half a batch at a time")
    if len(timed) > 1:
        each = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in timed.items())
        click.echo(f"precision, a step here: {each}; the fastest is train.precision={plan['fastest']}")


def as_toml(value) -> str:
    """A setting's value as a preset has it; text stands bare."""
    return value if isinstance(value, str) else _toml(value)


def _toml(value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(inner)}' for key, inner in value.items())} }}"
    return json.dumps(value)


def _flat(table: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    """("section.key", value) of nested tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _of_data(facts: dict) -> Iterator[tuple[str, str]]:
    """What opened data say of themselves, in words."""
    names = facts.get("class_names") or ()
    yield "source", facts["source"]
    yield "examples", f"{facts['examples']:,}"
    if facts["classes"]:
        yield (
            "classes",
            f"{facts['classes']:,}" + (f": {', '.join(names[:10])}{' ...' * bool(names[10:])}" if names else ""),
        )
    if facts["image_shape"]:
        yield "pictures", "x".join("any" if side is None else str(side) for side in facts["image_shape"])
    if facts["skipped"]["count"]:
        left_out = ", ".join(facts["skipped"]["names"])
        yield "cannot be read", f"{facts['skipped']['count']:,}: {left_out}"
    yield "kept in memory", f"{facts['cached_bytes'] / 1e6:,.1f} MB" if facts["cached"] else "no"


def show_results(results, seconds: float, json_out: str | None) -> None:
    """The results as a table with its protocol below, and as JSON lines where these are wanted."""
    rows = [result.as_dict() for result in results]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if json_out == "-":
        click.echo(lines, nl=False)
        return
    first = next((row for row in rows if row["reference"] is not None), rows[0])
    click.echo("; ".join(filter(None, [f"{first['samples']:,} samples of {first['model']}", stamps.sides(first)])))
    console.table(
        "",
        ("metric", "value", "", "floor", "protocol"),
        [
            (
                stamps.name(r),
                stamps.number(r),
                stamps.direction(r),
                "" if r["floor"] is None else stamps.digits(r["floor"]),
                stamps.taken(r),
            )
            for r in rows
        ],
    )
    click.echo(f"\n{stamps.provenance(first)}; {console.duration(seconds)}")
    if json_out:
        files.append(json_out, lines)
