"""How well translated facades show what their label maps ask for, in the manner of the FCN score of Isola et al. 2017.

    python -m tools.figures.facades pix2pix_labels_l1 runs/reproduce/pix2pix_l1/seed-0 --data-dir DIR

A segmenter, a small U-Net, learns from the real photographs of the training split which of 12 classes a pixel shows.
It then names the pixels of the held-out photographs, which gives the ceilings `real_...`, and of the translations of
their label maps: `pixel_accuracy`, `class_accuracy` (the mean over classes) and `mean_iou` against the maps. Beside
them stand L1, sharpness and the FID768 of the translations; `--metrics ""` leaves out what needs Inception's weights.
Writes tools/reproduced/NAME.json in the form of tools/reproduce.py, one seed per run.
"""

from pathlib import Path
from typing import Any

import click
import keras
import numpy as np

from tfgan_zoo import config, console, data, evaluation, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import instance_norm
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks.translators import unet
from tools.figures import measured

MAP = 256  # side of the label maps in the files
COLOURS = np.array(
    [
        (0, 0, 221), (0, 51, 255), (0, 125, 255), (0, 204, 255), (34, 255, 221), (115, 255, 140),
        (187, 255, 68), (255, 238, 0), (255, 157, 0), (255, 81, 0), (255, 0, 0), (172, 0, 0),
    ]
)  # fmt: skip


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--segmenter", type=click.Path(path_type=Path), help="A .keras file: read where it exists, else written.")
@click.option("--steps", default=3_000, show_default=True, type=click.IntRange(1), help="Of the segmenter's training.")
@click.option("--metrics", default="fid768", show_default=True, help="Further metrics, of translations against real.")
def main(name, runs, data_dir, segmenter, steps, metrics):
    try:
        first = zoo.loaded(runs[0])
        source, shape = source_of(first, data_dir), first.model.image_shape
        judge = segmenter_of(source, shape, segmenter, steps)
        what = {"figure": "facades", "metrics": metrics, "segmenter_steps": steps, "image_shape": list(shape)}
        place = measured.write(name, what, runs, lambda loaded: scores_of_run(loaded, source, judge, metrics))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def source_of(loaded: zoo.Loaded, data_dir: str | None) -> data.BaseSource:
    """The pairs that a run was trained on, as they are. Raises ZooError for a run of other data."""
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    if source.source != "paired" or set(loaded.model.element_spec) != {"source", "target"}:
        raise ZooError(
            f"{loaded.name}: is no translation of pairs `source` and `target`; give runs of pix2pix_facades."
        )
    return source.model_copy(update={"transforms": []})


def pairs(source: data.BaseSource, split: str, shape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a split: label maps and photographs at the model's size, uint8 (n, *shape), and classes int (n, h, w)."""
    opened = source.open({"source": Image((MAP, MAP, 3)), "target": Image(shape)}, split=split)
    rows = opened.rows(range(opened.num_examples))
    maps = np.stack([Image(shape).fit(picture) for picture in rows["source"]])
    return maps, rows["target"], np.stack([classes(picture, shape[0]) for picture in rows["source"]])


def classes(picture: np.ndarray, side: int) -> np.ndarray:
    """Label map, uint8 (MAP, MAP, 3) -> the class of each pixel of a map of `side`: the most frequent one within."""
    distances = np.square(picture[:, :, None].astype(int) - COLOURS).sum(-1)  # JPEG blurs colours
    named = distances.argmin(-1)[..., None] == np.arange(len(COLOURS))
    block = MAP // side
    return named.reshape(side, block, side, block, -1).sum((1, 3)).argmax(-1)


def segmenter_of(source: data.BaseSource, shape, file: Path | None, steps: int) -> keras.Model:
    """The segmenter: pictures float (n, *shape) in [-1, 1] -> logits (n, h, w, classes)."""
    if shape[0] != shape[1] or MAP % shape[0]:
        raise ZooError(f"image_shape={list(shape)}: the label maps are judged at sides that divide {MAP}.")
    if file is not None and file.is_file():
        return keras.models.load_model(file)
    console.note(f"training a segmenter, {steps} steps")
    _, photographs, labels = pairs(source, "train", shape)
    keras.utils.set_random_seed(0)
    picture = keras.Input(shape)
    model = keras.Model(picture, unet(picture, len(COLOURS), 32, instance_norm, dropout=0.5))
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(Shifted(photographs, labels, steps), epochs=1, verbose=0, shuffle=False)
    if file is not None:
        model.save(file)
    return model


class Shifted(keras.utils.PyDataset):
    """Batches of pictures in [-1, 1] and their classes, both shifted and mirrored alike at random."""

    def __init__(self, photographs: np.ndarray, labels: np.ndarray, steps: int, batch_size: int = 8):
        super().__init__()
        self.photographs, self.labels, self.steps, self.batch_size = photographs, labels, steps, batch_size

    def __len__(self):
        return self.steps

    def __getitem__(self, step):
        random = np.random.default_rng(step)
        rows = random.integers(0, len(self.labels), self.batch_size)
        down, right = random.integers(-8, 9, 2)
        way = random.choice([-1, 1])
        parts = (np.roll(part[rows], (down, right), (1, 2))[:, :, ::way] for part in (self.photographs, self.labels))
        photographs, labels = parts
        return photographs / np.float32(127.5) - 1, labels


def named(judge: keras.Model, photographs: np.ndarray) -> np.ndarray:
    """The classes that the segmenter sees in uint8 pictures: int (n, h, w)."""
    return judge.predict(photographs / np.float32(127.5) - 1, batch_size=16, verbose=0).argmax(-1)


def agreement(seen: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """How far two maps of classes agree, as for the FCN score; classes that are not in `wanted` do not count."""
    count = len(COLOURS)
    table = np.bincount(wanted.ravel() * count + seen.ravel(), minlength=count**2).reshape(count, count)
    right, of_class, called = np.diag(table), table.sum(1), table.sum(0)
    there = of_class > 0
    return {
        "pixel_accuracy": float(right.sum() / table.sum()),
        "class_accuracy": float(np.mean(right[there] / of_class[there])),
        "mean_iou": float(np.mean(right[there] / (of_class + called - right)[there])),
    }


def scores_of_run(loaded: zoo.Loaded, source: Any, judge: keras.Model, metrics: str) -> dict[str, float]:
    """All numbers of a run."""
    maps, photographs, wanted = pairs(source, "test", loaded.model.image_shape)
    made = loaded.model.sample(range(len(maps)), endpoint="translate", source=maps).numpy()
    found = agreement(named(judge, made), wanted)
    found |= {f"real_{name}": value for name, value in agreement(named(judge, photographs), wanted).items()}
    asked = ["l1", "sharpness", *(name for name in metrics.split(",") if name)]
    results = evaluation.evaluate(made, photographs, evaluation.Protocol(metrics=tuple(asked)))
    return found | {result.metric: result.value for result in results}


if __name__ == "__main__":
    main()
