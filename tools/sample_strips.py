"""Strips of samples: docs/samples/PRESET.png for each pretrained preset, docs/samples.png for all.

    python tools/sample_strips.py             # those that are missing
    python tools/sample_strips.py --again     # all

Pictures are those of seeds 0, 1, 2 ...; nothing is picked by hand.
"""

from pathlib import Path

import click
import numpy as np

import tfgan_zoo
from tfgan_zoo import images, index

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "samples"
COUNT, SIDE = 16, 56  # pictures in a strip, their height in pixels


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--again", is_flag=True, help="Also those that are there.")
def main(again):
    FOLDER.mkdir(parents=True, exist_ok=True)
    for preset in (facts["preset"] for facts in index.listing(pretrained=True)):
        path = FOLDER / f"{preset}.png"
        if again or not path.is_file():
            if (strip := strip_of(preset)) is None:
                click.echo(f"{preset}: its answers are not one picture each")
                continue
            images.save_image(path, strip)
            click.echo(path)
    strips = [images.decode(path) for path in sorted(FOLDER.glob("*.png"))]
    rows = [np.broadcast_to(strip, (*strip.shape[:2], 3)) for strip in strips if strip is not None]
    images.save_image(FOLDER.with_suffix(".png"), np.concatenate(rows, axis=0))


def strip_of(preset: str) -> np.ndarray | None:
    """The first samples side by side, uint8 (SIDE, COUNT * SIDE, 3); None where an answer has no picture."""
    model = tfgan_zoo.get(preset)
    endpoint = model.endpoints.get("generate")
    if endpoint is None or not endpoint.from_seeds or not endpoint.output.visible or endpoint.output.crowd:
        return None
    labels = {key: np.arange(COUNT) % kind.num_classes for key, kind in endpoint.conditions.items()}
    pictures = endpoint.output.picture(model.sample(range(COUNT), **labels).numpy())
    times = max(1, SIDE // pictures.shape[1])
    pictures = pictures.repeat(times, axis=1).repeat(times, axis=2)
    return np.broadcast_to(np.concatenate(pictures, axis=1), (pictures.shape[1], COUNT * pictures.shape[2], 3))


if __name__ == "__main__":
    main()
