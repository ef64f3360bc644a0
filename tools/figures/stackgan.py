"""Whether a second stage is better than the first one's pictures enlarged, and how many pictures a text has.

    python -m tools.figures.stackgan stackgan_emoji_stages runs/stackgan_emoji --data-dir DATA --out docs/figures/x.png

Writes tools/reproduced/NAME.json, one seed per run, of the held-out texts, and of the first run a picture with a row
for each of some texts: the sketch enlarged, the picture made of it, then others of the text. The numbers:

    METRIC sketch, METRIC picture   what `evaluate` has for both, and `retrieval` by the model's own codes
    spread                          how much pictures of one text differ: deviation of a pixel, mean over texts
    spread_conditions, spread_z     the same where only the conditions c vary, z held; only z, c its mean
"""

from pathlib import Path

import click
import numpy as np

from tfgan_zoo import config, evaluation, images, sampling, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references
from tfgan_zoo.metrics.retrieval import Retrieval
from tools.figures import measured

PART = 64  # pictures computed at once


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--num", default=1000, show_default=True, type=click.IntRange(2), help="Texts, if there are so many.")
@click.option("--metrics", default="fid768,kid768", show_default=True, help="Of the pictures.")
@click.option("--candidates", default=100, show_default=True, type=click.IntRange(2), help="Of retrieval.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--out", type=click.Path(path_type=Path), help="The picture to write. Default: none.")
def main(name, runs, num, metrics, candidates, data_dir, out):
    def measure(loaded):
        rows = held_out(loaded, num, data_dir)
        return stages(loaded.model, rows, metrics, candidates) | spreads(loaded.model, rows["text"][:32])

    try:
        click.echo(measured.write(name, {"num": num, "candidates": candidates}, runs, measure))
        if out:
            loaded = zoo.loaded(runs[0])
            images.save_image(out, strip(loaded.model, held_out(loaded, 6, data_dir)["text"]))
            click.echo(out)
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def held_out(loaded: zoo.Loaded, num: int, data_dir: str | None) -> dict[str, np.ndarray]:
    """Up to `num` held-out pictures with their texts. Raises ZooError for a model that makes no sketches."""
    sampling.endpoint_of(loaded.model, "sketch")
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    data = references.held_out(source, loaded.model.element_spec, "test")
    return data.rows(range(min(num, data.num_examples)))


def asked(model, name: str, count: int, **given) -> np.ndarray:
    """An endpoint's answers to seeds 0, 1 ... and what is given, in stored form."""
    parts = [range(first, min(first + PART, count)) for first in range(0, count, PART)]
    inputs = [{key: value[part.start : part.stop] for key, value in given.items()} for part in parts]
    return np.concatenate(
        [model.sample(part, endpoint=name, **rows).numpy() for part, rows in zip(parts, inputs, strict=True)]
    )


def sketches(model, texts: np.ndarray) -> np.ndarray:
    """The small pictures of texts, enlarged by bicubic interpolation to the size of the large ones."""
    sides = model.image_shape[:2]
    return np.stack([images.scale(picture, *sides) for picture in asked(model, "sketch", len(texts), text=texts)])


def stages(model, rows, metrics: str, candidates: int) -> dict[str, float]:
    """{"fid768 sketch": ...}: of the sketches, enlarged, and of the pictures, from the same texts and seeds."""
    texts, found = rows["text"], {}
    made = {"sketch": sketches(model, texts), "picture": asked(model, "generate", len(texts), text=texts)}
    for stage, pictures in made.items():
        results = evaluation.evaluate(pictures, rows["image"], evaluation.Protocol(metrics))
        found |= {f"{result.metric} {stage}": result.value for result in results}
        retrieval = Retrieval(candidates=candidates)
        retrieval.update(fake=asked(model, "match_data", len(texts), text=texts, image=pictures))
        found |= {f"{name} {stage}": value.value for name, value in retrieval.result().items()}
    return found


def spreads(model, texts: np.ndarray, each: int = 16) -> dict[str, float]:
    """How much the pictures of one text differ, in [-1, 1]: by all noise, by c alone, by z alone."""
    noise = {key: kind.shape for key, kind in model.endpoints["generate"].noise.items()}
    z = np.random.default_rng(0).standard_normal(noise["z"]).astype(np.float32)
    held = {
        "spread": {},
        "spread_conditions": {"z": z},
        "spread_z": {key: np.zeros(shape, np.float32) for key, shape in noise.items() if key != "z"},
    }
    repeated, found = np.repeat(texts, each, axis=0), {}
    for name, values in held.items():
        given = {key: np.broadcast_to(value, (len(repeated), *value.shape)) for key, value in values.items()}
        pictures = asked(model, "generate", len(repeated), text=repeated, **given) / 127.5
        found[name] = float(pictures.reshape(len(texts), each, -1).std(axis=1).mean())
    return found


def strip(model, texts: np.ndarray, each: int = 6) -> np.ndarray:
    """A row for each text: the sketch of its first picture, enlarged, then pictures: uint8 (height, width, c)."""
    repeated = np.repeat(texts, each, axis=0)
    pictures = asked(model, "generate", len(repeated), text=repeated)
    sketched = sketches(model, repeated)
    rows = [[sketched[i], *pictures[i : i + each]] for i in range(0, len(repeated), each)]
    return images.grid(np.concatenate(rows), columns=each + 1)


if __name__ == "__main__":
    main()
