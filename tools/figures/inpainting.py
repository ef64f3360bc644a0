"""How well holes are filled, by their size: PSNR, L1 and sharpness in the hole alone.

    python -m tools.figures.inpainting partial_conv_holes runs/reproduce/partial_conv_facades/seed-0 --data-dir DIR

Each held-out picture is given once for every bin of sizes, with a hole of strokes or of regions; to a model whose hole
is always in the middle, once. `psnr` (dB) and `l1` (percent of the range) are means over pictures, `sharpness` is the
sum of squares of the Laplacian in all holes over that of the true pictures. `mean_...` are those of holes that are
filled with the mean colour around them. Writes tools/reproduced/NAME.json in the form of tools/reproduce.py.
"""

from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from tfgan_zoo import config, sampling, zoo
from tfgan_zoo.data import derived, keyed
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image, Mask
from tools.figures import measured

MASKS = {
    "strokes": lambda pictures, kind, draw, low, high: derived.random_mask(pictures, kind, draw, low, high),
    "regions": lambda pictures, kind, draw, low, high: derived.random_regions(pictures, kind, draw, (low + high) / 2),
}


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--masks", type=click.Choice(list(MASKS)), default="strokes", show_default=True, help="Of what form.")
@click.option("--bins", default="0.01,0.1,0.2,0.3,0.4,0.5,0.6", show_default=True, help="Shares of the picture.")
@click.option("--split", default="test", show_default=True, help="Of the data.")
def main(name, runs, data_dir, masks, bins, split):
    try:
        edges = [float(edge) for edge in bins.split(",")]
    except ValueError:
        raise click.UsageError(f"--bins {bins}: give shares separated by commas, such as 0.1,0.3.") from None
    try:
        what = {"figure": "inpainting", "masks": masks, "bins": edges, "split": split}
        place = measured.write(name, what, runs, lambda loaded: numbers(loaded, data_dir, masks, edges, split))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def numbers(loaded: zoo.Loaded, data_dir: str | None, masks: str, edges: list[float], split: str) -> dict[str, float]:
    """All numbers of a run. Raises ZooError for a model that restores nothing."""
    model = loaded.model
    kind = model.element_spec.get("image")
    if "restore" not in model.endpoints or not isinstance(kind, Image):
        raise ZooError(f"{loaded.name}: restores no pictures; it can {', '.join(model.endpoints)}.")
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    opened = source.open({"image": kind}, split=split)
    pictures = opened.rows(range(opened.num_examples))["image"]
    found = {}
    for called, holes in holes_of(model, pictures, masks, edges).items():
        given = {"image": pictures} | ({"mask": holes} if "mask" in model.element_spec else {})
        made = answers(model, given)
        inside = holes[..., 0] > 0
        for prefix, filled in (("", made), ("mean_", with_mean(pictures, inside))):
            found |= {f"{prefix}{key}_{called}": v for key, v in in_holes(pictures, filled, inside).items()}
    return found


def holes_of(model, pictures: np.ndarray, masks: str, edges: list[float]) -> dict[str, np.ndarray]:
    """{"0.1_0.2": masks, uint8 (n, h, w, 1)} for each bin, or {"center": masks}."""
    count, kind = len(pictures), Mask((*pictures.shape[1:3], 1))
    if "mask" not in model.element_spec:
        hole = np.broadcast_to(np.asarray(model.hole({})), (count, *kind.shape))
        return {"center": np.where(hole > 0, 255, 0).astype(np.uint8)}
    found = {}
    for place, (low, high) in enumerate(pairwise(edges)):
        draw = lambda i, place=place: keyed.uniform(place, np.arange(count), i)  # noqa: E731
        found[f"{low:g}_{high:g}"] = MASKS[masks](pictures, kind, draw, low, high)
    return found


def answers(model, given: dict[str, np.ndarray], batch: int = 32) -> np.ndarray:
    """What `restore` makes of the pictures: uint8."""
    count, ask = len(given["image"]), sampling.sampler(model, "restore")
    parts = [{key: x[first : first + batch] for key, x in given.items()} for first in range(0, count, batch)]
    return np.concatenate([ask(np.arange(len(part["image"])), **part).numpy() for part in parts])


def with_mean(pictures: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The holes filled with the mean colour of what is around them."""
    filled = pictures.copy()
    for picture, hole in zip(filled, inside, strict=True):
        picture[hole] = np.rint(picture[~hole].mean(0))
    return filled


def in_holes(true: np.ndarray, made: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """The three numbers of uint8 pictures (n, h, w, c) where `inside`, bool (n, h, w), holds."""
    difference = made.astype(np.float64) - true
    errors = [np.mean(np.square(d[hole])) for d, hole in zip(difference, inside, strict=True)]
    l1 = [np.mean(np.abs(d[hole])) / 2.55 for d, hole in zip(difference, inside, strict=True)]
    fine = [np.square(laplacian(side))[inside[:, 1:-1, 1:-1]].sum() for side in (made, true)]
    return {
        "psnr": float(np.mean(10 * np.log10(255**2 / np.maximum(errors, 1e-12)))),
        "l1": float(np.mean(l1)),
        "sharpness": float(fine[0] / fine[1]),
    }


def laplacian(pictures: np.ndarray) -> np.ndarray:
    """Each pixel's four neighbours minus four times itself: (n, h, w, c) -> (n, h - 2, w - 2, c)."""
    x = pictures.astype(np.float64)
    return x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:] - 4 * x[:, 1:-1, 1:-1]


if __name__ == "__main__":
    main()
