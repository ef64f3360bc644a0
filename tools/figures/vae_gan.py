"""An attribute added to reconstructions: pictures, and how often a classifier sees it in them.

    python -m tools.figures.vae_gan vae_gan_emoji_dark runs/reproduce/vae_gan_emoji/seed-0 --out dark.png --data-dir D

The vector is the mean code of training pictures whose text fits `--attribute`, minus that of those that fit
`--without` (Larsen et al. 2016, section 4.2). It is added to the codes of held-out pictures that fit `--without`. A
linear classifier of pixels, taught both kinds of training pictures, then says which share has the attribute: `real` of
held-out pictures that have it and `real_without` of those that have not (how good the classifier is), `again` of
reconstructions without the vector, and `added` with it. In the picture: held-out pictures, their reconstructions,
those with the vector.
"""

import re
from pathlib import Path

import click
import numpy as np

from tfgan_zoo import config, images, sheets, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Text
from tools.domain_accuracy import classifier
from tools.figures import measured

WORDS = 40  # of a text that are looked at


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--attribute", default=r"\bdark skin tone", show_default=True, help="A regular expression of texts.")
@click.option("--without", default=r"\blight skin tone", show_default=True, help="Of texts of pictures that lack it.")
@click.option("--out", type=click.Path(path_type=Path), help="A picture of the first run's answers.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(name, runs, attribute, without, out, data_dir):
    what = {"figure": "vae_gan", "attribute": attribute, "without": without}
    try:
        if out is not None:
            images.save_image(out, sheets.paired(added(zoo.loaded(runs[0]), attribute, without, data_dir)[1]))
        click.echo(measured.write(name, what, runs, lambda run: added(run, attribute, without, data_dir)[0]))
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def added(loaded: zoo.Loaded, attribute: str, without: str, data_dir: str | None):
    """({what was looked at: the share that has the attribute}, [pictures, reconstructions, those with the vector]).

    Raises:
        ZooError: data without texts, or no picture of one of the kinds.
    """
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    has, lacks = (
        [of_texts(source, loaded.model.element_spec["image"], split, pattern) for split in (source.split, "test")]
        for pattern in (attribute, without)
    )
    ask = loaded.model.sample

    def encoded(pictures):
        return ask(range(len(pictures)), endpoint="encode", image=pictures).numpy()

    def decoded(codes):
        return ask(range(len(codes)), z=codes).numpy()

    def pixels(pictures):
        return pictures.reshape(len(pictures), -1) / 255

    vector, codes = encoded(has[0]).mean(0) - encoded(lacks[0]).mean(0), encoded(lacks[1])
    again, changed = decoded(codes), decoded(codes + vector)
    share = classifier(pixels(lacks[0]), pixels(has[0]))
    seen = {"real": has[1], "real_without": lacks[1], "again": again, "added": changed}
    return {name: float(share(pixels(pictures))) for name, pictures in seen.items()}, [lacks[1], again, changed]


def of_texts(source, kind, split: str, pattern: str) -> np.ndarray:
    """The pictures of a split whose text fits: uint8 (n, h, w, c)."""
    words = source.knows().get("vocabulary")
    if words is None:
        raise ZooError(f"{source.source} data have no texts, by which attributes are told; give runs of vae_gan_emoji.")
    text = Text((WORDS,), words)
    opened = source.open({"image": kind, "text": text}, split=split)
    rows = opened.rows(range(opened.num_examples))
    fits = [place for place, line in enumerate(text.decode(rows["text"])) if re.search(pattern, line)]
    if not fits:
        raise ZooError(f"no text of {split} fits {pattern!r}; texts have small letters and no punctuation.")
    return rows["image"][fits]


if __name__ == "__main__":
    main()
