"""Truncation against diversity: the numbers of one model at several truncations.

    python -m tools.figures.truncation biggan_truncation runs/biggan_cifar10 --data-dir DIR --out docs/figures

For each truncation the generator's normalization is fitted to it first (standing statistics). Writes
tools/reproduced/NAME.json, whose numbers are called `recall768 at 0.5` and so on, and the picture OUT/NAME.png of two
of them: one point for each truncation, like figure 17 of Brock et al. 2019, https://arxiv.org/abs/1809.11096.
"""

import json
import os
from pathlib import Path

import click

from tfgan_zoo import files, verbs, zoo
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.standing import standing_statistics
from tools.figures import measured


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--metrics", default="prdc768,fid768", show_default=True, help="What to measure.")
@click.option("--at", default="2,1,0.7,0.5,0.3", show_default=True, help="The truncations.")
@click.option("--num", default=2_000, show_default=True, type=click.IntRange(2), help="Samples at each truncation.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder for the picture. Default: none.")
@click.option("--axes", default="recall768,fid768", show_default=True, help="The two numbers in the picture.")
def main(name, run, metrics, at, num, data_dir, out, axes):
    try:
        truncations = parsed(at)
        what = {"figure": "truncation", "metrics": metrics, "at": truncations, "samples": num}
        place = measured.write(name, what, [run], lambda loaded: curve(loaded, metrics, truncations, num, data_dir))
        click.echo(place)
        if out:
            found = json.loads(place.read_text(encoding="utf-8"))["mean"]
            plot(out / f"{name}.png", found, truncations, axes)
            click.echo(out / f"{name}.png")
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def parsed(at: str) -> list[float]:
    """ "2,0.5" -> [2.0, 0.5]. Raises ZooError for anything but numbers above 0."""
    try:
        found = [float(part) for part in at.split(",")]
    except ValueError:
        found = [0.0]
    if not all(0 < part < float("inf") for part in found):
        raise ZooError(f"--at {at!r}: give numbers above 0, separated by commas, such as 2,1,0.5.")
    return found


def curve(loaded: zoo.Loaded, metrics: str, truncations: list[float], num: int, data_dir: str | None):
    """{"<metric> at <truncation>": its value}."""
    found = {}
    for truncation in truncations:
        standing_statistics(loaded.model, truncation)
        results = verbs.evaluate(loaded, metrics=metrics, samples=num, truncation=truncation, data_dir=data_dir)
        found |= {f"{result.metric} at {truncation:g}": result.value for result in results}
    return found


def plot(path: Path, found: dict[str, float], truncations: list[float], axes: str) -> None:
    """One measured number over another along the truncations, which stand beside the points.

    Raises:
        ZooError: `axes` does not name two numbers that were measured.
    """
    known = list(dict.fromkeys(key.partition(" at ")[0] for key in found))
    names = axes.split(",")
    if len(names) != 2:
        raise ZooError(f"--axes {axes!r}: give two of {', '.join(known)}, separated by a comma.")
    for name in names:
        if name not in known:
            raise unknown("number", name, known, where="--axes")
    x, y = ([found[f"{name} at {truncation:g}"] for truncation in truncations] for name in names)
    os.environ.setdefault("MPLBACKEND", "Agg")
    from matplotlib.figure import Figure

    figure = Figure((5, 3.5), layout="constrained")
    panel = figure.subplots()
    panel.plot(x, y, "o-", linewidth=1)
    for truncation, *point in zip(truncations, x, y, strict=True):
        panel.annotate(f"{truncation:g}", point, xytext=(4, 4), textcoords="offset points")
    panel.set_xlabel(names[0])
    panel.set_ylabel(names[1])
    panel.grid(alpha=0.3)
    with files.atomic(path) as temporary:
        figure.savefig(temporary, dpi=100)


if __name__ == "__main__":
    main()
