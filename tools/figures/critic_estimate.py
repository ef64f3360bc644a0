"""How well the critic's estimate ranks checkpoints, as a distance between features ranks them.

    python -m tools.figures.critic_estimate wgan_mnist_estimate runs/reproduce/wgan_mnist/seed-0

Spearman's rank correlation of the estimate (the log's median over the 101 entries before each measurement, as Arjovsky
et al. 2017 plot it) with the distance that the run measured on the way; `evaluate.every` and `evaluate.monitor` decide
on what it measured. With it the largest absolute weight of the critic and the share of weights at the clip.
"""

from pathlib import Path

import click
import numpy as np

from tfgan_zoo import zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run
from tools.figures import measured

WINDOW = 101


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--distance", default="fd_mnist", show_default=True, help="The measured distance, as metrics.jsonl calls it."
)
@click.option(
    "--estimate", default="wasserstein", show_default=True, help="The logged estimate; `d_loss` of other games."
)
def main(name, runs, distance, estimate):
    try:
        what = {"figure": "critic_estimate", "distance": distance, "estimate": estimate}
        place = measured.write(name, what, runs, lambda loaded: scores(loaded, distance, estimate))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def scores(loaded: zoo.Loaded, distance: str, estimate: str) -> dict[str, float]:
    """The figures of one run."""
    rows = Run(loaded.folder).metrics()
    estimates, pairs = [], []
    for row in rows:
        if estimate in row:
            estimates.append(row[estimate])
        elif distance in row and estimates:
            pairs.append((np.median(estimates[-WINDOW:]), row[distance]))
    if len(pairs) < 3:
        raise ZooError(
            f"{loaded.folder}: {len(pairs)} measurements of {distance}; train with evaluate.every and evaluate.monitor."
        )
    found = {"rank_correlation": rank_correlation(*np.transpose(pairs)), "measurements": len(pairs)}
    clip = getattr(loaded.model, "clip", None)
    if clip:
        weights = np.concatenate([w.numpy().ravel() for w in loaded.model.discriminator.trainable_weights])
        found["largest_weight"] = float(np.abs(weights).max())
        found["share_at_the_clip"] = float(np.mean(np.abs(weights) >= clip * (1 - 1e-6)))
    return found


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rho of two rows of numbers without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (x, y)]
    return float(np.corrcoef(*ranks)[0, 1])


if __name__ == "__main__":
    main()
