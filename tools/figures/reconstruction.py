"""How near a generator can come to training data: the error of the best noise that is found for each.

    python -m tools.figures.reconstruction unrolled_gan_mnist_0 unrolled_gan_mnist_5 --data-dir DATA

A mode that a generator has lost cannot be made from any noise (Metz et al. 2017, section 3.3.1,
https://arxiv.org/abs/1611.02163). The recipes have been run by tools/reproduce.py with the same seeds. For each,
tools/reproduced/NAME_reconstruction.json holds `mse`, the mean squared error (pictures in [-1, 1]),
and `best`, the share of data that it comes nearer to than the others do. The paper has L-BFGS; here it is Adam.
"""

from pathlib import Path

import click
import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import config, sampling, zoo
from tfgan_zoo.errors import ZooError
from tools.figures import measured

PART = 128  # data that are searched for at once


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("names", nargs=-1, required=True, metavar="RECIPE...")
@click.option("--num", default=1280, show_default=True, type=click.IntRange(1), help="How many training data.")
@click.option("--starts", default=3, show_default=True, type=click.IntRange(1), help="Random starts for each.")
@click.option("--steps", default=300, show_default=True, type=click.IntRange(1), help="Of Adam.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--runs", default="runs/reproduce", type=click.Path(path_type=Path), help="Where the runs are.")
def main(names, num, starts, steps, data_dir, runs):
    paths = {name: sorted((runs / name).glob("seed-*")) for name in names}
    what = {"recipes": list(names), "num": num, "starts": starts, "steps": steps}
    try:
        errors = {path: of_run(path, num, starts, steps, data_dir) for name in names for path in paths[name]}
        for name in names:

            def measure(loaded, name=name):
                seed = f"seed-{loaded.experiment.train.seed}"
                nearest = np.min([errors[runs / other / seed] for other in names], axis=0)
                own = errors[runs / name / seed]
                return {"mse": float(own.mean()), "best": float(np.mean(own <= nearest))}

            click.echo(measured.write(f"{name}_reconstruction", what, paths[name], measure))
    except KeyError as error:
        raise click.UsageError(f"{error.args[0]}: there is no such run; give all recipes the same seeds.") from None
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def of_run(path: Path, num: int, starts: int, steps: int, data_dir: str | None) -> np.ndarray:
    """The errors of a run's model on `num` of its training data, the same ones for all runs: float32 (num,)."""
    loaded = zoo.loaded(path)
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    data, (key,) = source.open(loaded.model.element_spec), loaded.model.element_spec
    rows = data.rows(np.random.default_rng(0).permutation(data.num_examples)[:num])
    return errors_of(loaded.model, loaded.model.element_spec[key].to_model(tf.constant(rows[key])), starts, steps)


def errors_of(model, data: tf.Tensor, starts: int, steps: int, rate: float = 0.1) -> np.ndarray:
    """The least mean squared error that any of the `starts` comes to for each datum: float32 (n,).

    Args:
        data: in model form (n, ...).

    Raises:
        ZooError: a model that generates from more than noise.
    """
    endpoint = sampling.endpoint_of(model, "generate")
    if endpoint.conditions:
        raise ZooError(f"{model.name}: generates from {', '.join(endpoint.inputs)}; give one that takes noise alone.")
    found = []
    for start in range(starts):
        seeds = np.arange(len(data), dtype=np.int64) + start * len(data)
        parts = [slice(first, first + PART) for first in range(0, len(data), PART)]
        found.append(np.concatenate([_search(model, data[part], seeds[part], steps, rate) for part in parts]))
    return np.min(found, axis=0)


def _search(model, data: tf.Tensor, seeds: np.ndarray, steps: int, rate: float) -> np.ndarray:
    noise = {key: tf.Variable(value) for key, value in sampling.draw(model, "generate", seeds).items()}
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps))
    optimizer.build(list(noise.values()))

    def errors():
        made = sampling.ask(model, "generate", {key: value.value() for key, value in noise.items()})
        return tf.reduce_mean(tf.square(made - data), axis=range(1, len(data.shape)))

    @tf.function
    def search():
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(errors())  # each row moves by its own error alone
            variables = list(noise.values())
            optimizer.apply(tape.gradient(loss, variables), variables)
        return errors()

    return search().numpy()


if __name__ == "__main__":
    main()
