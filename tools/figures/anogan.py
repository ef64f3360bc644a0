"""How long a score takes, by search and by the encoder, and what is found: the nearest normal picture of each.

    python -m tools.figures.anogan anogan_mnist_speed runs/reproduce/anogan_mnist_*/seed-0 --out nearest.png

`ms_search` and `ms_encoder` are milliseconds for each picture, of batches of the size given, tracing left out;
`times` is the one over the other. In the picture: held-out data of all classes, what the search and what the encoder
find to be nearest among normal pictures, and where each differs from the data.
"""

import time
from functools import partial
from pathlib import Path

import click
import numpy as np
import tensorflow as tf

from tfgan_zoo import config, images, sampling, sheets, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references
from tfgan_zoo.networks.inversion import descended
from tools.figures import measured


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--batch", default=100, show_default=True, type=click.IntRange(1), help="Pictures that are scored at once."
)
@click.option("--repeats", default=3, show_default=True, type=click.IntRange(1), help="The median of so many counts.")
@click.option("--out", type=click.Path(path_type=Path), help="A picture of the first run's answers.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(name, runs, batch, repeats, out, data_dir):
    what = {"figure": "anogan", "batch": batch, "repeats": repeats}
    try:
        if out is not None:
            first = zoo.loaded(runs[0])
            images.save_image(out, sheets.paired(nearest(first.model, held_out(first, 16, data_dir))))
        place = measured.write(name, what, runs, lambda run: speed(run.model, held_out(run, batch, data_dir), repeats))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(place)


def held_out(loaded: zoo.Loaded, count: int, data_dir: str | None) -> np.ndarray:
    """Pictures of all classes, of what the run is measured against: uint8 (count, h, w, c)."""
    if "score_encoded" not in loaded.model.endpoints:
        raise ZooError(f"{loaded.name}: has no encoder to compare with; train it with model.with_encoder=true.")
    experiment = config.override(loaded.experiment, config.data_options(data_dir, False))
    options = {"data_dir": experiment.data.data_dir, "download": False}
    found = references.against(experiment.evaluate.against, count, loaded.model.element_spec, None, options, False)
    return next(found.batches())[0][:count]


def speed(model, pictures: np.ndarray, repeats: int) -> dict[str, float]:
    """Milliseconds for each picture by either way, and how many times the search takes as long."""
    found = {}
    for key, endpoint in (("ms_search", "score"), ("ms_encoder", "score_encoded")):
        ask = partial(sampling.sampler(model, endpoint), range(len(pictures)), image=pictures)
        ask()  # traced
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            ask()
            times.append(time.perf_counter() - start)
        found[key] = float(np.median(times)) * 1000 / len(pictures)
    return found | {"times": found["ms_search"] / found["ms_encoder"]}


def nearest(model, pictures: np.ndarray) -> list[np.ndarray]:
    """[data, found by search, its difference, by the encoder, its difference], uint8 (n, h, w, c) each."""
    kind = model.element_spec["image"]
    image = kind.to_model(tf.constant(pictures))
    start = sampling.draw(model, "generate", np.arange(len(pictures)))["z"]
    search = tf.function(descended)(
        partial(model.distance, image, model.features(image)), start, model.search_steps, model.search_rate
    )
    made = [model.generate({"z": search}), model.reconstruct({"image": image})]
    made = [kind.to_stored(answer).numpy() for answer in made]
    gaps = [np.abs(answer.astype(int) - pictures).astype(np.uint8) for answer in made]
    return [pictures, made[0], gaps[0], made[1], gaps[1]]


if __name__ == "__main__":
    main()
