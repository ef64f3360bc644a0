"""How often a classifier of digits is deceived: by AdvGAN, FGSM and PGD, without and with APE-GAN before it.

    python -m tools.figures.attacks advgan_mnist_A RUN --others OTHER_RUN --out strip.png
    python -m tools.figures.attacks ape_gan_mnist_attacked APE_GAN_RUN --attacker ADVGAN_RUN

Of an AdvGAN, with its own epsilon, counted over held-out pictures that the classifier gets right: `success`, of
perturbed ones, beside `success_fgsm` and `success_pgd` (40 steps of 0.01, some of the pictures); `transfer_1`, of the
same perturbed pictures at the classifier of the first of `--others`; `l2`, the mean length of a change with pixels in
[0, 1]; `ms` and `ms_pgd`, milliseconds for each picture in batches of 100, tracing left out.
Of an APE-GAN, the share of all pictures that are called wrong: `clean`, `fgsm_0.1` ..., `pgd_0.3`, `advgan` (perturbed
by `--attacker`), each also `_purified`. In `adaptive_0.3` PGD goes through the generator and the classifier together:
what an attacker does who knows of the defence, and the row that counts.
"""

import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import tensorflow as tf

from tfgan_zoo import config, images, sheets, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references
from tfgan_zoo.networks.attacks import fgsm, pgd
from tools.figures import measured

BATCH, EPSILONS, TIMED = 100, (0.1, 0.2, 0.3), 5


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--others", multiple=True, type=click.Path(path_type=Path), help="Runs with other classifiers.")
@click.option("--attacker", type=click.Path(path_type=Path), help="An AdvGAN's run, to attack an APE-GAN's classifier.")
@click.option("--num", default=10_000, show_default=True, type=click.IntRange(1), help="Held-out pictures.")
@click.option("--searched", default=1_000, show_default=True, type=click.IntRange(1), help="Pictures for PGD.")
@click.option("--out", type=click.Path(path_type=Path), help="A picture of the first run's answers.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(name, runs, others, attacker, num, searched, out, data_dir):
    what = {"figure": "attacks", "samples": num, "searched": searched, "pgd": "40 steps of 0.01"}

    def measure(run: zoo.Loaded) -> dict[str, float]:
        x, y = held_out(run, num, data_dir)
        if "purify" in run.model.endpoints:
            return defended(run.model, x, y, searched, attacker and of_family(attacker, "perturb"))
        return attacked(run.model, x, y, searched, [of_family(other, "classify") for other in others])

    try:
        for path in runs:
            if not {"perturb", "purify"} & set(zoo.loaded(path).model.endpoints):
                raise ZooError(f"{path}: neither an AdvGAN nor an APE-GAN; train advgan_mnist or ape_gan_mnist.")
        if out is not None:
            first = zoo.loaded(runs[0])
            images.save_image(out, sheets.paired(shown(first.model, *held_out(first, 16, data_dir))))
        place = measured.write(name, what, runs, measure)
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def of_family(path: Path, endpoint: str):
    """The model of a run. Raises ZooError where it lacks an endpoint."""
    loaded = zoo.loaded(path)
    if endpoint not in loaded.model.endpoints:
        raise ZooError(f"{path}: cannot be asked to {endpoint}; it answers {', '.join(loaded.model.endpoints)}.")
    return loaded.model


def held_out(loaded: zoo.Loaded, count: int, data_dir: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Pictures in model form, float32 (n, h, w, c), and their classes, int32 (n,), of the test split."""
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    found = references.held_out(source, loaded.model.element_spec, loaded.experiment.evaluate.split)
    if found is None:
        raise ZooError(f"{loaded.name}: its data have no held-out pictures; name them in evaluate.split.")
    rows = found.rows(range(min(count, found.num_examples)))
    spec = loaded.model.element_spec
    return spec["image"].to_model(tf.constant(rows["image"])).numpy(), rows["label"]


def in_batches(function: Callable, *columns: np.ndarray) -> np.ndarray:
    """`function` of rows, traced once, in batches of 100."""
    traced = tf.function(function, reduce_retracing=True)
    rows = range(0, len(columns[0]), BATCH)
    answers = [traced(*(tf.constant(c[first : first + BATCH]) for c in columns)).numpy() for first in rows]
    return np.concatenate(answers)


def calls(judge: Callable, x: np.ndarray) -> np.ndarray:
    """The classes that a classifier finds, int (n,)."""
    return in_batches(judge, x).argmax(-1)


def starts(x: np.ndarray) -> np.ndarray:
    """Where PGD begins: U(-1, 1) in the shape of the pictures, from a fixed seed."""
    return np.random.default_rng(0).uniform(-1, 1, x.shape).astype(np.float32)


def searched_for(judge: Callable, x, y, epsilon: float) -> np.ndarray:
    """Pictures attacked by PGD."""
    return in_batches(lambda x, y, noise: pgd(judge, x, y, epsilon, noise), x, y, starts(x))


def perturbed(model, x: np.ndarray) -> np.ndarray:
    """Pictures changed by an AdvGAN."""
    return in_batches(lambda x: model.perturb({"image": x}), x)


def attacked(model, x: np.ndarray, y: np.ndarray, searched: int, others: list) -> dict[str, float]:
    """The numbers of an AdvGAN; see above."""
    known = calls(model.says, x) == y
    made = perturbed(model, x)

    def success(judge, made, y):
        return float(np.mean(calls(judge, made) != y))

    found = {"accuracy": float(known.mean()), "success": success(model.says, made[known], y[known])}
    few, labels = x[known][:searched], y[known][:searched]
    steepest = in_batches(lambda x, y: fgsm(model.says, x, y, model.epsilon), few, labels)
    found["success_fgsm"] = success(model.says, steepest, labels)
    found["success_pgd"] = success(model.says, searched_for(model.says, few, labels, model.epsilon), labels)
    for number, other in enumerate(others, start=1):
        right = calls(other.says, x) == y
        found[f"transfer_{number}"] = success(other.says, made[right], y[right])
    found["l2"] = float(np.sqrt(np.square((made - x) / 2).sum((1, 2, 3))).mean())
    found["largest"] = float(np.abs(made - x).max() / 2)
    batch = tf.constant(x[:BATCH]), tf.constant(y[:BATCH]), tf.constant(starts(x[:BATCH]))
    found["ms"] = milliseconds(lambda x, y, noise: model.perturb({"image": x}), batch)
    found["ms_pgd"] = milliseconds(lambda x, y, noise: pgd(model.says, x, y, model.epsilon, noise), batch)
    return found


def milliseconds(function: Callable, batch: tuple) -> float:
    """The median time for each row of a batch."""
    traced, times = tf.function(function), []
    traced(*batch).numpy()
    for _ in range(TIMED):
        start = time.perf_counter()
        traced(*batch).numpy()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1000 / len(batch[0])


def defended(model, x: np.ndarray, y: np.ndarray, searched: int, attacker) -> dict[str, float]:
    """The numbers of an APE-GAN; see above."""

    def through(x):
        return model.says(model.purify({"image": x}))

    few, labels = x[:searched], y[:searched]
    seen = {"clean": (x, y)}
    for epsilon in EPSILONS:
        seen[f"fgsm_{epsilon}"] = in_batches(lambda x, y, e=epsilon: fgsm(model.says, x, y, e), x, y), y
    seen["pgd_0.3"] = searched_for(model.says, few, labels, 0.3), labels
    if attacker is not None:
        seen["advgan"] = perturbed(attacker, x), y
    found = {}
    for name, (pictures, labels_of) in seen.items():
        found[name] = float(np.mean(calls(model.says, pictures) != labels_of))
        found[f"{name}_purified"] = float(np.mean(calls(through, pictures) != labels_of))
    for epsilon in EPSILONS:
        adaptive = searched_for(through, few, labels, epsilon)
        found[f"adaptive_{epsilon}"] = float(np.mean(calls(through, adaptive) != labels))
    return found


def shown(model, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Rows of uint8 pictures: clean, attacked and, with an APE-GAN, purified; adaptively attacked and purified."""
    if "purify" not in model.endpoints:
        rows = [x, perturbed(model, x)]
    else:

        def purified(x):
            return in_batches(lambda x: model.purify({"image": x}), x)

        steepest = in_batches(lambda x, y: fgsm(model.says, x, y, model.epsilon), x, y)
        adaptive = searched_for(lambda x: model.says(model.purify({"image": x})), x, y, model.epsilon)
        rows = [x, steepest, purified(steepest), adaptive, purified(adaptive)]
    kind = model.element_spec["image"]
    return [kind.to_stored(tf.constant(row)).numpy() for row in rows]


if __name__ == "__main__":
    main()
