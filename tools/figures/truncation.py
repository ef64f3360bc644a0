"""Truncation against diversity: the numbers of one model at several truncations.

    python -m tools.figures.truncation biggan_truncation runs/biggan_cifar10 --metrics prdc,fid768 --data-dir DIR

For each truncation the generator's normalization is fitted to it first (standing statistics). Writes
tools/reproduced/NAME.json, whose numbers are called `precision at 0.5` and so on.
"""

from pathlib import Path

import click

from tfgan_zoo import verbs, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.standing import standing_statistics
from tools.figures import measured


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--metrics", default="prdc,fid768", show_default=True, help="What to measure.")
@click.option("--at", default="2,1,0.7,0.5,0.3", show_default=True, help="The truncations.")
@click.option("--num", default=2_000, show_default=True, type=click.IntRange(2), help="Samples at each truncation.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(name, run, metrics, at, num, data_dir):
    try:
        truncations = [float(part) for part in at.split(",")]
        what = {"figure": "truncation", "metrics": metrics, "at": truncations, "samples": num}
        place = measured.write(name, what, [run], lambda loaded: curve(loaded, metrics, truncations, num, data_dir))
    except (ZooError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def curve(loaded: zoo.Loaded, metrics: str, truncations: list[float], num: int, data_dir: str | None):
    """{"<metric> at <truncation>": its value}."""
    found = {}
    for truncation in truncations:
        standing_statistics(loaded.model, truncation)
        results = verbs.evaluate(loaded, metrics=metrics, samples=num, truncation=truncation, data_dir=data_dir)
        found |= {f"{result.metric} at {truncation:g}": result.value for result in results}
    return found


if __name__ == "__main__":
    main()
