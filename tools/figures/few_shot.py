"""What generated pictures are worth to a classifier that has few real ones of each class.

    python -m tools.figures.few_shot dagan_omniglot --data-dir DATA

Classes that the model has not seen (the test split: other alphabets) are told apart after k real pictures of each. For
each k and arm tools/reproduced/NAME_few_shot.json holds the accuracy on all other pictures of these classes:

    real_k     the real pictures alone
    shifted_k  moved by up to 3 pixels, at every turn anew
    augment_k  half of every batch is drawn from what the model's `augment` makes of them
    both_k     both

and gain_k, augment_k - real_k, with gain_error_k, its standard error over the subsets of classes: arms are compared on
the same classes, pictures, first weights and number of steps. Real and generated pictures carry a flag for the
classifier, as in Antoniou et al. 2017 (https://arxiv.org/abs/1711.04340); tests carry that of real ones.
"""

from pathlib import Path

import click
import keras
import numpy as np
from keras import layers

from tfgan_zoo import config, data
from tfgan_zoo.data import named
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Image
from tools.figures import measured

ARMS = ("real", "shifted", "augment", "both")
BATCH, REACH = 64, 3
SETTLE = 30  # batches that the classifier's statistics are gathered from


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name", metavar="RECIPE")
@click.option("--shots", default="1,3,5", show_default=True, help="Real pictures of each class.")
@click.option("--classes", default=100, show_default=True, type=click.IntRange(2), help="In a subset.")
@click.option("--subsets", default=10, show_default=True, type=click.IntRange(1), help="Of classes.")
@click.option("--generated", default=10, show_default=True, type=click.IntRange(1), help="Of each real picture.")
@click.option("--steps", default=400, show_default=True, type=click.IntRange(1), help="Of the classifier, batch 64.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--runs", default="runs/reproduce", type=click.Path(path_type=Path), help="Where the runs are.")
def main(name, shots, classes, subsets, generated, steps, data_dir, runs):
    paths = sorted((runs / name).glob("seed-*"))
    if not paths:
        raise click.UsageError(f"{runs / name}: holds no run; python -m tools.reproduce {name} makes them.")
    try:
        what = {"shots": [int(k) for k in shots.split(",")], "classes": classes, "subsets": subsets}
    except ValueError:
        raise click.UsageError(f"--shots {shots!r}: give whole numbers, such as 1,3,5.") from None
    what |= {"generated": generated, "steps": steps}

    def measure(loaded):
        return accuracies(loaded.model, *singles(loaded.experiment, data_dir), **what)

    try:
        click.echo(measured.write(f"{name}_few_shot", what, paths, measure))
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def singles(experiment: config.Experiment, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """The pictures of the test split, uint8 (n, h, w, c), and their classes, as the model's training data are made.

    Raises:
        ZooError: data that are no pairs of a class.
    """
    source = config.override(experiment, config.data_options(data_dir, False)).data
    if source.source != "classmates":
        raise ZooError(f"{experiment.preset}: trains on {source.source} data; give a model of pairs of a class.")
    steady = [entry for entry in source.transforms if not named.name_of(entry).startswith("random_")]
    single = data.source_class("tfds")(name=source.name, data_dir=source.data_dir, transforms=steady)
    shape = tuple(experiment.model["image_shape"])
    opened = single.open({"image": Image(shape), "label": ClassLabel()}, split="test")
    rows = opened.rows(range(opened.num_examples))
    return rows["image"], rows["label"]


def accuracies(model, pictures, labels, *, shots, classes, subsets, generated, steps) -> dict[str, float]:
    """{"ARM_k", "gain_k", "gain_error_k": its value, mean over the subsets}.

    Raises:
        ZooError: a model without `augment`, too few classes, or too few pictures of one.
    """
    if "augment" not in model.endpoints:
        raise ZooError(f"{model.name}: can {', '.join(model.endpoints)}; a model that can augment is wanted.")
    known = np.unique(labels)
    if len(known) < classes or np.bincount(labels)[known].min() <= max(shots):
        raise ZooError(f"{len(known)} classes, some of {np.bincount(labels)[known].min()} pictures: fewer, or shots.")
    learner = Learner(pictures.shape[1:], classes)
    found = {f"{arm}_{k}": [] for k in shots for arm in ARMS}
    for subset in range(subsets):
        random = np.random.default_rng(subset)
        chosen = random.permutation(known)[:classes]
        places = [random.permutation(np.flatnonzero(labels == one)) for one in chosen]
        for k in shots:
            taught = np.concatenate([rows[:k] for rows in places])
            tested = np.concatenate([rows[max(shots) :] for rows in places])  # the same ones for every k
            numbers = {one: number for number, one in enumerate(chosen)}
            classes_of = np.vectorize(numbers.get)
            real, made = pictures[taught], augmented(model, pictures[taught], generated, subset)
            test = pictures[tested], classes_of(labels[tested])
            for arm in ARMS:
                options = {"shift": arm in ("shifted", "both"), "made": made if arm in ("augment", "both") else None}
                accuracy = learner.accuracy(real, classes_of(labels[taught]), *test, steps, subset, **options)
                found[f"{arm}_{k}"].append(accuracy)
    values = {name: float(np.mean(numbers)) for name, numbers in found.items()}
    for k in shots:
        gains = np.subtract(found[f"augment_{k}"], found[f"real_{k}"])
        values[f"gain_{k}"] = float(gains.mean())
        values[f"gain_error_{k}"] = float(gains.std(ddof=1) / len(gains) ** 0.5) if len(gains) > 1 else 0.0
    return values


def augmented(model, pictures: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` pictures that the model makes of each: uint8 (count, n, h, w, c)."""
    seeds = (1 + seed) * 1_000_000 + np.arange(count * len(pictures)).reshape(count, -1)
    return np.stack([model.sample(some, endpoint="augment", source=pictures).numpy() for some in seeds])


class Learner:
    """A small classifier that begins anew each time; its graph is made once.

    Four convolutions of 64 channels, each with batch normalization and pooled: the usual network of few-shot learning.
    The statistics for the test are gathered from real pictures alone.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int):
        height, width, channels = shape
        x = picture = keras.Input((height, width, channels + 1))
        for _ in range(4):
            x = layers.Conv2D(64, 3, padding="same", use_bias=False)(x)
            x = layers.MaxPooling2D(2, padding="same")(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
        x = layers.Dropout(0.5, seed=0)(layers.Flatten()(x))
        self.network = keras.Model(picture, layers.Dense(classes, activation="softmax")(x))
        self.network.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
        self.network.optimizer.build(self.network.trainable_variables)
        self.state = [*self.network.variables, *self.network.optimizer.variables]
        self.first = [variable.numpy() for variable in self.state]

    def accuracy(self, real, labels, pictures, truth, steps, seed, *, shift=False, made=None) -> float:
        """Teach it `real` pictures, and what was `made` of them; its share of right answers on others."""
        for variable, value in zip(self.state, self.first, strict=True):
            variable.assign(value)
        random = np.random.default_rng(seed)
        for _ in range(steps):
            rows = random.integers(0, len(real), BATCH)
            batch, flag = real[rows], np.ones(BATCH, np.float32)
            if made is not None:
                flag[: BATCH // 2] = 0
                copies = random.integers(0, len(made), BATCH // 2)
                batch = np.concatenate([made[copies, rows[: BATCH // 2]], batch[BATCH // 2 :]])
            if shift:
                batch = moved(batch, random)
            self.network.train_on_batch(flagged(batch, flag), labels[rows])
        for _ in range(SETTLE):
            rows = random.integers(0, len(real), BATCH)
            self.network(flagged(real[rows], np.ones(BATCH)), training=True)
        answers = self.network.predict(flagged(pictures, np.ones(len(pictures))), batch_size=256, verbose=0)
        return float(np.mean(answers.argmax(1) == truth))


def flagged(pictures: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """Pictures in [0, 1] with a further channel that is 1 for real ones: float32 (n, h, w, c + 1)."""
    plane = np.broadcast_to(flag[:, None, None, None], (*pictures.shape[:3], 1))
    return np.concatenate([pictures / 255.0, plane], axis=-1).astype(np.float32)


def moved(pictures: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Each picture moved by up to `REACH` pixels in both directions, its edge repeated."""
    height, width = pictures.shape[1:3]
    wide = np.pad(pictures, [(0, 0), (REACH, REACH), (REACH, REACH), (0, 0)], mode="edge")
    corners = random.integers(0, 2 * REACH + 1, (len(pictures), 2))
    return np.stack([one[y : y + height, x : x + width] for one, (y, x) in zip(wide, corners, strict=True)])


if __name__ == "__main__":
    main()
