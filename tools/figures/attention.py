"""Where a network looks: attention maps of chosen points over its samples, like figure 5 of Zhang et al. 2019.

    python -m tools.figures.attention runs/sagan_fashion_mnist --out docs/figures/attention.png

A row is one sample: first with the points marked, then, point by point, what the attention layer weighs at that point
(https://arxiv.org/abs/1805.08318): in the point's colour is what it looks at most, dark what it looks at least. The
layer is the generator's; `--network discriminator` shows where the discriminator looks in the same sample.
"""

from pathlib import Path

import click
import keras
import numpy as np

from tfgan_zoo import images, sampling, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import SelfAttention

COLOURS = ((255, 60, 60), (60, 220, 60), (90, 130, 255), (255, 200, 0), (255, 80, 255))  # of the points, in turn
POINTS = "0.5,0.5 0.25,0.5 0.75,0.5 0.5,0.25"
SIDE = 96  # pixels of a cell at least


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("target")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The picture to write.")
@click.option("--num", default=4, show_default=True, type=click.IntRange(1), help="How many samples.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the first sample.")
@click.option("--points", default=POINTS, show_default=True, help="DOWN,RIGHT of each point, as shares of the picture.")
@click.option("--network", default="generator", show_default=True, help="Whose attention.")
def main(target, out, num, seed, points, network):
    try:
        model, chosen = zoo.loaded(target).model, parsed(points)
        pictures, weights = looked_at(model, network, seed + np.arange(num))
        images.save_image(out, images.grid(cells(pictures, weights, chosen), 1 + len(chosen), scale=1))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{out}: gamma is {float(attention_of(model, network).gamma):.3g}; at 0 attention changes nothing")


def parsed(points: str) -> list[tuple[float, float]]:
    """ "0.5,0.5 0.25,0.5" -> [(0.5, 0.5), (0.25, 0.5)]. Raises ZooError for anything but numbers in [0, 1)."""
    try:
        found = [(float(down), float(right)) for down, right in (point.split(",") for point in points.split())]
    except ValueError:
        found = []
    if not found or not all(0 <= share < 1 for point in found for share in point):
        raise ZooError(f"--points {points!r}: give DOWN,RIGHT of each point, from 0 to below 1, as in {POINTS!r}.")
    return found


def attention_of(model, network: str) -> SelfAttention:
    """The first attention layer of a network. Raises ZooError where there is none."""
    networks = model.networks_by_name
    if network not in networks:
        raise ZooError(f"--network {network}: {model.name} has {', '.join(networks)}.")
    found = [layer for layer in model.best(network).layers if isinstance(layer, SelfAttention)]
    if not found:
        raise ZooError(f"{model.name}: its {network} has no attention; train sagan or biggan with model.attention=16.")
    return found[0]


def looked_at(model, network: str, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples, and how much each place looks at each.

    Returns:
        uint8 (n, h, w, c); float (n, rows, columns, rows, columns), of which the first two are the places that look and
        the last two those that are looked at, half as many a side.

    Raises:
        ZooError: a model without attention, or one whose samples are no pictures made of noise.
    """
    layer, kind = attention_of(model, network), sampling.endpoint_of(model, "generate").output
    drawn = sampling.draw(model, "generate", seeds)
    made = sampling.ask(model, "generate", drawn)
    whole = model.best(network)
    maps = model.feed(keras.Model(whole.inputs, layer.input), drawn | {"image": made}, training=False)
    _, rows, columns, _ = maps.shape
    weights = layer.attention(maps).numpy()
    return kind.to_stored(made).numpy(), weights.reshape(-1, rows, columns, rows // 2, columns // 2)


def cells(pictures: np.ndarray, weights: np.ndarray, points: list[tuple[float, float]]) -> np.ndarray:
    """The cells of the picture row by row, uint8 RGB (n (1 + points), h, w, 3)."""
    times = max(1, -(-SIDE // pictures.shape[1]))
    shown = []
    for picture, own in zip(pictures, weights, strict=True):
        large = np.broadcast_to(picture, (*picture.shape[:2], 3)).repeat(times, 0).repeat(times, 1)
        height, width = large.shape[:2]
        colours = [np.array(COLOURS[place % len(COLOURS)]) for place in range(len(points))]
        marked, maps = large.copy(), []
        for (down, right), colour in zip(points, colours, strict=True):
            top, left, reach = int(down * height), int(right * width), max(2, height // 32)
            marked[max(0, top - reach) : top + reach, max(0, left - reach) : left + reach] = colour
            seen = own[int(down * own.shape[0]), int(right * own.shape[1])]
            relative = (seen - seen.min()) / max(seen.max() - seen.min(), 1e-12)
            grey = np.rint(255 * relative).astype(np.uint8)[..., None]
            share = images.scale(grey, height, width) / 255
            maps.append(np.rint((1 - share) * large * 0.4 + share * colour).astype(np.uint8))
        shown += [marked, *maps]
    return np.stack(shown)


if __name__ == "__main__":
    main()
