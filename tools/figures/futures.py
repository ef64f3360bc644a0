"""Which future `next_frame` foresees where there are two: one of them, or the blurred mean of both.

    python -m tools.figures.futures next_frame_futures runs/reproduce/next_frame_moving/seed-0

On test clips of `data.source=moving` with `data.jump`, each with both of its futures. Errors are squared, of a frame's
pixels with black 0 and white 1, summed:

- `error`: to the frame that came, which nobody can know;
- `nearest`: to the nearer of the two that might have come;
- `middle`: to the mean of both, which has the least `error` on average;
- `nearest_of_middle`: the `nearest` of that mean itself, a quarter of the futures' distance;
- `sharpness`: fine detail (the mean square of the Laplacian) as a share of the true frame's, the mean over clips;
- `decided`: the share of clips in which the foreseen frame is nearer to one future than to the mean of both;
- `to_the_right`: the share of these that chose the right one.
"""

from pathlib import Path

import click
import numpy as np

from tfgan_zoo import generation, sampling, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.maths import pictures
from tools.figures import measured


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--num", default=2_000, show_default=True, type=click.IntRange(1), help="How many clips to look at.")
def main(name, runs, num):
    what = {"figure": "futures", "clips": num, "split": "test"}
    try:
        place = measured.write(name, what, runs, lambda run: scores(run, num))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def scores(loaded: zoo.Loaded, num: int) -> dict[str, float]:
    """All numbers of a run. Raises ZooError for a model that foresees no frames, or data without two futures."""
    sampling.endpoint_of(loaded.model, "foresee")
    either, left, right = (clips(loaded, side, num) for side in ("either", "left", "right"))
    made = generation.generate(loaded.model, num, endpoint="foresee", video=either)
    return compared(*(side[:, -1] for side in (made, either, left, right)))


def clips(loaded: zoo.Loaded, side: str, num: int) -> np.ndarray:
    """Test clips whose characters leap to that side: uint8 (num, frames, height, width, channels)."""
    source = loaded.experiment.data
    if not getattr(source, "jump", 0):
        raise ZooError(f"{loaded.name}: its clips have one future; train it with data.source=moving data.jump=6.")
    source = source.model_copy(update={"jump_to": side, "size": num, "cache": False})
    return source.open(loaded.model.element_spec, split="test").rows(range(num))["video"]


def compared(made: np.ndarray, came: np.ndarray, left: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """The numbers of frames, uint8 (n, height, width, channels): foreseen, those that came, and both futures."""
    made, came, left, right = (frames.astype(np.float64) / 255 for frames in (made, came, left, right))
    middle = (left + right) / 2

    def error(one, other):
        return np.square(one - other).sum(axis=(1, 2, 3))

    sides = np.stack([error(made, left), error(made, right)])
    decided = sides.min(axis=0) < error(made, middle)
    return {
        "error": error(made, came).mean(),
        "nearest": sides.min(axis=0).mean(),
        "middle": error(made, middle).mean(),
        "nearest_of_middle": error(middle, left).mean(),
        "sharpness": (pictures.detail(made) / pictures.detail(came)).mean(),
        "decided": decided.mean(),
        "to_the_right": (sides[1] < sides[0])[decided].mean() if decided.any() else 0.5,
    }


if __name__ == "__main__":
    main()
