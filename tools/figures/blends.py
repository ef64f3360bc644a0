"""Pictures on the way from one text to another, in one row for each pair.

    python -m tools.figures.blends runs/gan_cls_emoji "red apple > green apple" "sun > moon" --out blends.png

For models that `blend` texts, such as gan_cls and stackgan (Reed et al. 2016, figure 8, https://arxiv.org/abs/1605.05396).
The noise of a row is held.
"""

import click
import numpy as np

from tfgan_zoo import images, sampling, zoo
from tfgan_zoo.errors import ZooError


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("target")
@click.argument("pairs", nargs=-1, required=True, metavar="'TEXT > TEXT'...")
@click.option("--steps", default=8, show_default=True, type=click.IntRange(2), help="Pictures in a row.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the first row's noise.")
@click.option("--out", required=True, help="The picture to write.")
def main(target, pairs, steps, seed, out):
    try:
        rows = blended(zoo.loaded(target).model, pairs, steps, seed)
        images.save_image(out, images.grid(np.concatenate(rows), columns=steps))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(out)


def blended(model, pairs, steps: int, seed: int) -> list[np.ndarray]:
    """uint8 (steps, height, width, c) for each pair of texts, "one > other". Raises ZooError."""
    sampling.endpoint_of(model, "blend")
    share, found = np.linspace(0, 1, steps, dtype=np.float32)[:, None], []
    for number, pair in enumerate(pairs):
        texts = [text.strip() for text in pair.split(">")]
        if len(texts) != 2 or not all(texts):
            raise ZooError(f"{pair!r}: write two texts with > between them, such as 'red apple > green apple'.")
        one, other = texts
        found.append(
            model.sample([seed + number] * steps, endpoint="blend", text=one, other=other, share=share).numpy()
        )
    return found


if __name__ == "__main__":
    main()
