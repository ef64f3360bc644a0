"""BLEU of a translator by the iteration of its training.

    python -m tools.figures.iterations unsupervised_translation_iterations runs/unsupervised_translation_multi30k

Writes tools/reproduced/NAME.json, one seed per run, of the held-out sentences. The numbers,
in both directions: `word by word`, what the dictionary alone gives, and `step N`, of each checkpoint that was kept
(`train.keep_checkpoints`). Beside them `there and back`, of texts that are translated twice, by which the paper
chooses a model without a translated sentence.
"""

from pathlib import Path

import click
import numpy as np

from tfgan_zoo import config, generation, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references
from tfgan_zoo.metrics.text import Bleu
from tfgan_zoo.runs import Run
from tools.figures import measured

OTHER = {"x": "y", "y": "x"}


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--num", default=1_000, show_default=True, type=click.IntRange(2), help="Held-out sentences.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(name, runs, num, data_dir):
    what = {"figure": "iterations", "texts": num}
    try:
        click.echo(measured.write(name, what, runs, lambda loaded: by_step(loaded, held_out(loaded, num, data_dir))))
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def held_out(loaded: zoo.Loaded, num: int, data_dir: str | None) -> dict[str, np.ndarray]:
    """The first sentences of the test split, of both languages. Raises ZooError for a model that translates none."""
    if "word_by_word_xy" not in loaded.model.endpoints:
        raise ZooError(f"{loaded.description}: knows no two languages; give runs of unsupervised_translation presets.")
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    data = references.held_out(source, loaded.model.element_spec, "test")
    return data.rows(range(min(num, data.num_examples)))


def by_step(loaded: zoo.Loaded, rows: dict[str, np.ndarray]) -> dict[str, float]:
    """{"xy word by word": BLEU, "xy step 1,000": ..., "x there and back, step 1,000": ...}."""
    found, num = {}, len(rows["x"])
    for one, other in OTHER.items():
        made = generation.generate(loaded.model, num, endpoint=f"word_by_word_{one}{other}", **{one: rows[one]})
        found[f"{one}{other} word by word"] = bleu(rows[other], made)
    for step in sorted(Run(loaded.folder).checkpoints):
        model = zoo.loaded(loaded.folder, step).model
        for one, other in OTHER.items():
            made = generation.generate(model, num, endpoint=f"translate_{one}{other}", **{one: rows[one]})
            back = generation.generate(model, num, endpoint=f"translate_{other}{one}", **{other: made})
            found[f"{one}{other} step {step:,}"] = bleu(rows[other], made)
            found[f"{one} there and back, step {step:,}"] = bleu(rows[one], back)
    return found


def bleu(real: np.ndarray, made: np.ndarray) -> float:
    """BLEU of all texts together, 0 to 100."""
    metric = Bleu()
    metric.update(real=real, fake=made)
    return metric.result()["bleu"].value


if __name__ == "__main__":
    main()
