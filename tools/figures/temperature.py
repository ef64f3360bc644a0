"""Quality against diversity of a model of texts, by the temperature that divides its logits.

    python -m tools.figures.temperature seqgan_oracle_500_tempered runs/reproduce/seqgan_oracle_500_mle/seed-0

Caccia et al. 2020 (https://arxiv.org/abs/1811.02549): a language model that has only imitated the data, at a lower
temperature, is what a language GAN must be compared with. For each temperature: `oracle_nll`, what its texts cost the
oracle of its data, and `self_bleu`, how much they repeat each other.
"""

from pathlib import Path

import click
import numpy as np

from tfgan_zoo import zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation.protocol import BATCH_SIZE
from tfgan_zoo.metrics.text import OracleNll, SelfBleu
from tools.figures import measured


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--temperatures", default="0.6,0.8,0.9,1.0,1.2", show_default=True, help="Numbers above 0.")
@click.option("--num", default=2_000, show_default=True, type=click.IntRange(2), help="Texts for each of them.")
def main(name, runs, temperatures, num):
    what = {"figure": "temperature", "temperatures": temperatures, "samples": num}
    try:
        values = [float(one) for one in temperatures.split(",")]
        click.echo(measured.write(name, what, runs, lambda run: swept(run, values, num)))
    except (ZooError, ValueError) as error:
        raise click.UsageError(str(error)) from None


def swept(loaded: zoo.Loaded, temperatures: list[float], num: int) -> dict[str, float]:
    """{"oracle_nll at 0.8": ..., "self_bleu at 0.8": ...}. Raises ZooError for data that no oracle has written."""
    data = loaded.experiment.data
    if data.source != "oracle" or "temper" not in loaded.model.endpoints:
        raise ZooError(f"{loaded.description}: has no temperature or no oracle; give runs of seqgan_oracle presets.")
    oracle, found = {"seed": data.seed, "words": data.words, "units": data.units}, {}
    for temperature in temperatures:
        metrics = OracleNll(oracle=oracle), SelfBleu()
        for first in range(0, num, BATCH_SIZE):
            seeds = range(first, min(first + BATCH_SIZE, num))
            texts = loaded.model.sample(seeds, endpoint="temper", temperature=np.array([temperature], np.float32))
            for metric in metrics:
                metric.update(fake=texts.numpy())
        for metric in metrics:
            found[f"{metric.name} at {temperature:g}"] = metric.result()[metric.name].value
    return found


if __name__ == "__main__":
    main()
