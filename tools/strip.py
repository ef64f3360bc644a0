"""Parts of pictures side by side: enlarged by bicubic interpolation, by each model, and as they are.

    python -m tools.strip sr/Set5 runs/restored runs/deceived --data-dir DATA --out strip.png

One row for each picture of the folder, of its part with the most detail. For models whose endpoint makes small pictures
large, such as SRGAN: bicubic, SRResNet, SRGAN and the original tell at a glance what adversarial training adds.
"""

import click
import numpy as np

from tfgan_zoo import console, images, sampling, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import assess, references
from tfgan_zoo.evaluation.own_sizes import OwnSizes, any_size
from tfgan_zoo.metrics.maths.pictures import detail
from tfgan_zoo.modalities import Image


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("folder")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--out", required=True, help="The picture to write.")
@click.option("--side", default=96, show_default=True, type=click.IntRange(8), help="Of the parts, in pixels.")
@click.option("--scale", default=2, show_default=True, type=click.IntRange(1), help="How large a pixel is shown.")
@click.option("--num", type=click.IntRange(1), help="How many pictures. Default: all.")
@click.option("--data-dir", metavar="DIR", help="The folder below which FOLDER lies.")
def main(folder, models, out, side, scale, num, data_dir):
    try:
        strips = rows(folder, models, side, num, data_dir)
        images.save_image(out, images.grid(np.concatenate(strips), columns=len(strips[0]), scale=scale))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    console.note(f"{out}: bicubic, {', '.join(models)}, original")


def rows(folder: str, targets: tuple[str, ...], side: int, num: int | None, data_dir: str | None) -> list[np.ndarray]:
    """uint8 (2 + models, side, side, 3) of each picture: bicubic, the models' answers, the original.

    Raises:
        ZooError: a folder or a model that is not there, models that do not enlarge pictures of any size by one factor,
            pictures smaller than the parts.
    """
    models = [zoo.loaded(target).model for target in targets]
    names = [assess.restoring(model, "a strip", Image) for model in models]
    found = references.folder(folder, data_dir, None)
    if found is None:
        raise ZooError(f"{folder}: there is no such folder.")
    spec, endpoint = models[0].element_spec, models[0].endpoints[names[0]]
    for model, name, target in zip(models, names, targets, strict=True):
        if not any_size(model.endpoints[name]):
            raise ZooError(f"{target}: its {name} takes pictures of one size alone.")
    (small,) = endpoint.conditions
    strips = []
    for row in list(OwnSizes(found, endpoint, spec, {}).rows())[:num]:
        truth = images.bend(row[endpoint.target][0], (None, None, 3))
        answers = [
            sampling.sampler(model, name)([0], **{small: row[small]}).numpy()[0]
            for model, name in zip(models, names, strict=True)
        ]
        whole = [images.scale(row[small][0], *truth.shape[:2]), *answers, truth]
        if len({picture.shape for picture in whole}) > 1 or min(truth.shape[:2]) < side:
            raise ZooError(
                f"pictures of {[picture.shape for picture in whole]}: give larger ones, or models of one scale."
            )
        top, left = busiest(truth, side)
        strips.append(np.stack([picture[top : top + side, left : left + side] for picture in whole]))
    return strips


def busiest(picture: np.ndarray, side: int) -> tuple[int, int]:
    """Where the square with the most detail begins, of those that half overlap: (top, left)."""
    step = max(1, side // 2)
    places = [
        (top, left)
        for top in range(0, picture.shape[0] - side + 1, step)
        for left in range(0, picture.shape[1] - side + 1, step)
    ]
    return max(places, key=lambda place: detail(picture[place[0] : place[0] + side, place[1] : place[1] + side]))


if __name__ == "__main__":
    main()
