"""The tables of families, presets and their quality, made from the index and the cards.

    python tools/zoo_table.py           # print them
    python tools/zoo_table.py --write   # the short table between the markers of README.md, docs/zoo.md

The numbers are those of the cards in tfgan_zoo/pretrained; tests/tools/test_tools.py fails while the files are behind.
"""

import json
import re
from pathlib import Path

import click

from tfgan_zoo import files, index
from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics import registry

SHOWN = ("fd", "fid", "kid", "precision", "recall")  # of the numbers on a card; the rest is for those who open it
ROOT = Path(__file__).resolve().parents[1]
README, PAGE, STRIPS = ROOT / "README.md", ROOT / "docs" / "zoo.md", ROOT / "docs" / "strips"
BEGIN, END = "<!-- zoo:begin -->", "<!-- zoo:end -->"


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--write", is_flag=True, help="Write them into README.md and docs/zoo.md instead of printing them.")
@click.option("--readme", default=README, type=click.Path(path_type=Path), help="The file. Default: this checkout's.")
@click.option("--page", default=PAGE, type=click.Path(path_type=Path), help="The file. Default: this checkout's.")
def main(write, readme, page):
    if not write:
        return click.echo(f"{families()}\n\n{zoo()}")
    try:
        text = replaced(readme.read_text(encoding="utf-8"), families(), readme)
        files.write_text(readme, text)
        files.write_text(page, zoo())
    except (OSError, ZooError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{readme}\n{page}")


def families() -> str:
    """The families by what they are for, each with a link to its paper: a row for each task."""
    tasks: dict[str, list[str]] = {}
    for name in index.families():
        tasks.setdefault(index.task_of(name), []).append(f"[`{name}`]({index.family_facts(name)['paper']})")
    return markdown(("to", "families"), [(task, ", ".join(tasks[task])) for task in sorted(tasks)])


def explained(presets: list[dict]) -> str:
    """The families: what each is about, which of `presets` are its own, and all that its models answer."""
    rows = []
    for name in index.families():
        facts = index.family_facts(name)
        own = ", ".join(f"`{preset['preset']}`" for preset in presets if preset["family"] == name)
        file, asked = f"[`{name}`](../tfgan_zoo/families/{name}.py)", ", ".join(f"`{e}`" for e in facts["endpoints"])
        rows.append((file, facts["title"], f"[paper]({facts['paper']})", own, asked))
    return markdown(("family", "title", "paper", "presets", "can be asked to"), rows)


def zoo() -> str:
    """The page of all families and presets: what they train, for how long, what was measured of their weights."""
    presets = index.listing()
    rows = [
        (
            f"[`{f['preset']}`](../zoo_configs/{f['preset']}.toml)",
            f["data"],
            f["shape"].replace("x", "×"),
            f"{f['steps']:,}",
            pretrained(f["preset"], f["steps"]),
        )
        for f in presets
    ]
    table = markdown(("preset", "data", "shape", "steps", "pretrained"), rows)
    heading = "# The zoo\n\n`python tools/zoo_table.py --write` makes this page."
    parts = [heading, "## Families", explained(presets), "## Presets", table, strips(), measured(presets)]
    return "\n\n".join(filter(None, parts)) + "\n"


def strips() -> str:
    """The strips of samples that tools/sample_strips.py made: whichever are there."""
    shown = [f"`{path.stem}`\n\n![samples of {path.stem}](strips/{path.name})" for path in sorted(STRIPS.glob("*.png"))]
    words = "Answers to seeds 0, 1, 2 ..., or to held-out data, which stand above them; nothing is picked by hand."
    return "\n\n".join(["## Samples", words, *shown]) if shown else ""


def pretrained(preset: str, steps: int) -> str:
    """The size of a preset's weights; empty where it has none. `steps`: what the preset trains for."""
    card = card_of(preset)
    if card is None:
        return ""
    taken = card["training"]["steps"]
    return f"{card['bytes'] / 1e6:.1f} MB" + (f", after {taken:,} steps" if taken != steps else "")


def card_of(preset: str) -> dict | None:
    """The card of a preset's weights; None where it has none."""
    path = index.PRETRAINED / f"{preset}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def measured(presets: list[dict]) -> str:
    """What the cards say of quality: a row for each preset, a column for each metric, and how to measure it again."""
    cards = {f["preset"]: card for f in presets if (card := card_of(f["preset"]))}
    shown = {
        preset: [m for m in card["metrics"] if re.split(r"[_\d]", m["metric"])[0] in SHOWN and "@" not in m["metric"]]
        for preset, card in cards.items()
    }
    others = {preset: cards[preset]["metrics"] for preset, results in shown.items() if not results}
    shown = {preset: results for preset, results in shown.items() if results}
    columns = list(dict.fromkeys(column(m["metric"]) for results in shown.values() for m in results))
    rows = []
    for preset, results in shown.items():
        cells = {column(m["metric"]): cell(m) for m in results}
        rows.append((f"`{preset}`", *(cells.get(name, "") for name in columns)))
    if not rows:
        return ""
    counts = sorted({f"{m['samples']:,}" for results in shown.values() for m in results})
    preset, results = next(iter(shown.items()))
    names = ",".join(dict.fromkeys(asked(m["metric"]) for m in results))
    weights = (
        " --inception-weights FILE" if any(str(m["features"]).startswith(registry.INCEPTION) for m in results) else ""
    )
    rest = [
        (f"`{preset}`", ", ".join(f"{m['metric']} {cell(m)}" for m in results)) for preset, results in others.items()
    ]
    return "\n\n".join(
        [
            "## Quality",
            f"{' or '.join(counts)} samples against the test split; in brackets what training images get in "
            "their place. `..._own` is on the classifier of the preset's own data.",
            markdown(("preset", *columns), rows),
            f"Each row by one command: `python -m tfgan_zoo evaluate {preset} --data-dir DIR --metrics {names}"
            f"{weights}`; the whole protocol is on the card, `python -m tfgan_zoo info {preset}`.",
            *([markdown(("preset", "other numbers, on its card"), rest)] if rest else []),
        ]
    )


def column(metric: str) -> str:
    """A metric's heading: `fd_mnist` and `fd_fashion` share `fd_own`."""
    name, _, domain = metric.rpartition("_")
    return f"{name}_own" if domain in registry.classifiers() else metric


def cell(result: dict) -> str:
    """A stored result: its value, and its floor in brackets."""
    floor = "" if result["floor"] is None else f" ({result['floor']:.3g})"
    return f"{float(result['value']):.4g}{floor}"


def asked(metric: str) -> str:
    """The name that measures a metric along with those that come with it: prdc_mnist for recall_mnist."""
    choice = registry.parse(metric)
    (value,) = choice.values if len(choice.values) == 1 else (choice.metric.name,)
    return metric.replace(value, choice.metric.name, 1) if value != choice.metric.name else metric


def markdown(columns, rows) -> str:
    """A table; a bar inside a cell is escaped."""
    lines = [columns, ["---"] * len(columns), *([str(cell).replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replaced(text: str, new: str, where: object = "README.md") -> str:
    """`text` with `new` between the markers.

    Raises:
        ZooError: the markers are not there, once each and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ZooError(f"{where}: must hold {BEGIN} and then {END}, once each.")
    return f"{before}{BEGIN}\n{new}\n{END}{after}"


if __name__ == "__main__":
    main()
