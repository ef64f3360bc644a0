"""The README's tables of families and presets, made from the index.

    python tools/zoo_table.py           # print them
    python tools/zoo_table.py --write   # put them between the markers of README.md

The numbers are those of the cards in tfgan_zoo/pretrained; tests/test_tools.py fails while the README is behind.
"""

import json
from pathlib import Path

import click

from tfgan_zoo import files, index
from tfgan_zoo.errors import ZooError

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- zoo:begin -->", "<!-- zoo:end -->"


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--write", is_flag=True, help="Put the tables into README.md instead of printing them.")
@click.option("--readme", default=README, type=click.Path(path_type=Path), help="The file. Default: this checkout's.")
def main(write, readme):
    if not write:
        return click.echo(tables())
    try:
        text = readme.read_text(encoding="utf-8")
        files.write_text(readme, replaced(text, tables(), readme))
    except (OSError, ZooError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(readme)


def tables() -> str:
    """Both tables as Markdown."""
    presets = index.listing()
    families = []
    for name in index.families():
        facts = index.family_facts(name)
        own = [f"`{preset['preset']}`" for preset in presets if preset["family"] == name]
        families.append((f"`{name}`", facts["title"], f"[paper]({facts['paper']})", ", ".join(own)))
    return "\n\n".join([
        markdown(("family", "title", "paper", "presets"), families),
        markdown(("preset", "data", "shape", "steps", "pretrained"), [
            (f"[`{f['preset']}`](zoo_configs/{f['preset']}.toml)", f["data"], f["shape"].replace("x", "×"),
             f"{f['steps']:,}", pretrained(f["preset"], f["steps"]))
            for f in presets
        ]),
    ])


def pretrained(preset: str, steps: int) -> str:
    """Size and metrics of a preset's card; empty where it has none. `steps`: what the preset trains for."""
    path = index.PRETRAINED / f"{preset}.json"
    if not path.is_file():
        return ""
    card = json.loads(path.read_text(encoding="utf-8"))
    taken = card["training"]["steps"]
    other = f", after {taken:,} steps" if taken != steps else ""
    return "<br>".join([f"{card['bytes'] / 1e6:.1f} MB{other}", *map(metric, card["metrics"])])


def metric(result: dict) -> str:
    """A stored result: its value, the floor and the sample count."""
    floor = "no floor" if result["floor"] is None else f"floor {result['floor']:.4g}"
    return f"{result['metric']} **{result['value']:.4g}** ({floor}; {result['samples']:,} samples)"


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
