"""What the commands print: plans, results, stored numbers."""

import json

import click

from tfgan_zoo import console, stamps


def stored(result) -> str:
    """A stored result in one line."""
    floor = stamps.floor(result)
    return f"{stamps.number(result)} ({floor}); {result['samples']:,} samples, {stamps.protocol(result)}"


def show_plan(plan) -> None:
    """Print what a dry run found out."""
    experiment = plan["experiment"]
    settings = [
        (f"{section}.{key}", _plain(value))
        for section, table in experiment.as_dict().items()
        if isinstance(table, dict)
        for key, value in table.items()
        if value not in (None, [], {}, "")
    ]
    console.table("settings", ("", ""), [("family", experiment.family), *settings])
    console.table("\nnetworks", ("network", "parameters"), [(k, f"{v:,}") for k, v in plan["networks"].items()])
    console.table(
        "\ndata", ("", ""), [(key, _plain(value)) for key, value in plan["data"].items() if _told(key, value)]
    )
    steps, timed = experiment.train.steps, plan["precisions"]
    click.echo(
        f"\n{plan['seconds_per_step']:.3g} s a step (median of 5): {steps:,} steps take about "
        f"{console.duration(plan['seconds'])}. Nothing was written."
    )
    if len(timed) > 1:
        each = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in timed.items())
        click.echo(f"precision, a step here: {each}; the fastest is train.precision={plan['fastest']}")


def _plain(value) -> str:
    return json.dumps(value) if isinstance(value, dict | list | bool) else str(value)


def _told(key: str, value) -> bool:
    empty = value in (None, [], {}) or (key == "skipped" and not value["count"])
    return not empty and key not in ("fingerprint", "class_names")


def show_results(results, seconds: float, out: str | None) -> None:
    """The results as a table with its protocol below, and as JSON lines where these are wanted."""
    rows = [result.as_dict() for result in results]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if out == "-":
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
    if out:
        with open(out, "a", encoding="utf-8") as file:
            file.write(lines)
