"""What a 3D-GAN's discriminator knows of solids, and what its generator makes.

    python -m tools.figures.gan3d gan3d_chairs_features runs/reproduce/gan3d_chairs/seed-0 --data-dir DIR

A linear classifier learns from a few labelled solids of two kinds, the held-out ones of the run's data and those of
`--other`, by the discriminator's features (Wu et al. 2016, section 4.2), by those of an untrained discriminator and by
the voxels themselves. `trained_5`, `untrained_5`, `voxels_5` ...: the share of the rest that it tells apart, both kinds
counting alike, with 5, 10 and 20 labels of each, the mean of ten draws. Of samples, and with `_data` of held-out ones:
`occupied`, the share of filled voxels, and `one_piece`, the share of solids of which 90 % or more hang together. And
`learns`, the share of steps in which the discriminator learnt.
"""

from pathlib import Path

import click
import numpy as np
from scipy import ndimage

from tfgan_zoo import config, sampling, zoo
from tfgan_zoo.data.base import BaseSource
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references
from tfgan_zoo.runs import Run
from tools.figures import measured

LABELS, DRAWS = (5, 10, 20), 10
RIDGE, PIECE = 0.1, 0.9


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--other", default="modelnet10/monitor.npz", show_default=True, help="Solids of another kind, .npz.")
@click.option("--num", default=200, show_default=True, type=click.IntRange(1), help="How many samples to look at.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(name, runs, other, num, data_dir):
    what = {"figure": "gan3d", "other": other, "samples": num, "draws": DRAWS}
    try:
        place = measured.write(name, what, runs, lambda run: scores(run, other, num, data_dir))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def scores(loaded: zoo.Loaded, other: str, num: int, data_dir: str | None) -> dict[str, float]:
    """All numbers of a run. Raises ZooError for a model that encodes no solids, or data that are not there."""
    sampling.endpoint_of(loaded.model, "encode")
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    spec = loaded.model.element_spec
    held_out = references.held_out(source, spec, loaded.experiment.evaluate.split)
    if held_out is None:
        raise ZooError(f"{loaded.name}: has no held-out solids; train it with evaluate.split, as gan3d_chairs has.")
    own, others = solids(held_out), solids(another(source, other).open(spec))
    found = probe(loaded.model, own, others)
    for name, looked_at in (("", loaded.model.sample(range(num)).numpy()), ("_data", own)):
        found[f"occupied{name}"] = float(looked_at.mean())
        found[f"one_piece{name}"] = float(np.mean(largest_piece(looked_at) >= PIECE))
    learns = [row["learns"] for row in Run(loaded.folder).metrics() if "learns" in row]
    return found | ({"learns": float(np.mean(learns))} if learns else {})


def another(source: BaseSource, path: str) -> BaseSource:
    """The source of another file, whole."""
    return source.model_copy(update={"path": path, "split": "train"})


def solids(opened) -> np.ndarray:
    """All solids of opened data: uint8 (n, depth, height, width, 1)."""
    (key,) = opened.spec
    return opened.rows(range(opened.num_examples))[key]


def probe(model, own: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """The accuracies of linear classifiers that were given few labels, 0 to 1."""
    untrained = type(model)(**model.get_config() | {"seed": model.seed + 1})
    (key,) = model.element_spec

    def encoded(model, given):
        return model.sample(range(len(given)), endpoint="encode", **{key: given}).numpy()

    features = {
        "trained": [encoded(model, side) for side in (own, others)],
        "untrained": [encoded(untrained, side) for side in (own, others)],
        "voxels": [side.reshape(len(side), -1).astype(np.float32) for side in (own, others)],
    }
    return {
        f"{name}_{labels}": float(np.mean([told_apart(*sides, labels, draw) for draw in range(DRAWS)]))
        for name, sides in features.items()
        for labels in LABELS
    }


def told_apart(x: np.ndarray, y: np.ndarray, labels: int, seed: int) -> float:
    """The share of rows that ridge regression tells right, taught by `labels` others of each side."""
    random = np.random.default_rng(seed)
    x, y = (side[random.permutation(len(side))] for side in (x, y))
    if min(len(x), len(y)) <= labels:
        raise ZooError(f"{len(x)} and {len(y)} solids: {labels} labels of each leave none to classify; give more.")
    seen, side = np.concatenate([x[:labels], y[:labels]]).astype(np.float64), np.repeat([-1.0, 1.0], labels)
    mean, spread = seen.mean(0), np.maximum(seen.std(0), 1e-3)
    seen = (seen - mean) / spread
    inner = seen @ seen.T / seen.shape[1]  # few rows of many features: solved in the space of the rows
    direction = seen.T @ np.linalg.solve(inner + RIDGE * np.eye(len(inner)), side)
    right = [np.mean(((rows[labels:] - mean) / spread @ direction > 0) == called) for rows, called in ((x, 0), (y, 1))]
    return float(np.mean(right))


def largest_piece(stored: np.ndarray) -> np.ndarray:
    """The share of each solid's voxels in its largest connected part (faces touch), float (n,); 0 of an empty one."""
    pieces = [ndimage.label(solid)[0] for solid in stored[..., 0] > 0]
    sizes = [np.bincount(names[names > 0]) for names in pieces]
    return np.array([size.max() / size.sum() if size.sum() else 0.0 for size in sizes])


if __name__ == "__main__":
    main()
