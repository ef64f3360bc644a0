"""What each part of a code changes: `label.png`, `code_0.png`, `code_1.png` ...

    python -m tools.figures.infogan runs/infogan_mnist --out docs/figures

In `label.png` a row has one noise and one code, a column one category. In the others a row is one category, and from
left to right one number of the code goes from -2 to 2 (it was drawn between -1 and 1), all else held.
"""

from pathlib import Path

import click
import numpy as np
import tensorflow as tf

from tfgan_zoo import generation, images, sampling, zoo
from tfgan_zoo.errors import ZooError

COLUMNS = 10


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("target")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The folder for the pictures.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the first row's noise.")
@click.option("--reach", default=2.0, show_default=True, type=float, help="How far the code goes.")
def main(target, out, seed, reach):
    try:
        for name, (pictures, columns) in sweeps(zoo.loaded(target).model, seed, reach).items():
            images.save_image(out / f"{name}.png", images.grid(pictures, columns))
            click.echo(out / f"{name}.png")
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def sweeps(model, seed: int = 0, reach: float = 2.0) -> dict[str, tuple[np.ndarray, int]]:
    """{part of the code: (uint8 pictures (n, h, w, c) row by row, how many in a row)}.

    Raises:
        ZooError: a model whose generator takes no category `label`.
    """
    inputs = sampling.endpoint_of(model, "generate").inputs
    if "label" not in inputs:
        raise ZooError(f"{model.name}: generates from {', '.join(inputs)}; a sweep is of a `label` and a `code`.")
    kinds = inputs["label"].num_classes
    drawn = sampling.draw(model, "generate", seed + np.arange(kinds))

    def made(**changed):
        """Pictures of all rows, each repeated, with what is changed along it."""
        repeated = {key: tf.repeat(value, COLUMNS, 0) for key, value in drawn.items()}
        return generation.answered(model, repeated | {key: tf.constant(value) for key, value in changed.items()})

    along = np.tile(np.arange(COLUMNS, dtype=np.int32) % kinds, kinds)
    category = np.repeat(np.arange(kinds, dtype=np.int32), COLUMNS)
    found = {"label": (made(label=along), COLUMNS)}
    for place in range(inputs["code"].shape[0] if "code" in inputs else 0):
        code = np.repeat(drawn["code"].numpy(), COLUMNS, 0)
        code[:, place] = np.tile(np.linspace(-reach, reach, COLUMNS), kinds)
        found[f"code_{place}"] = made(label=category, code=code), COLUMNS
    return found


if __name__ == "__main__":
    main()
