"""What is kept of a texture in pictures larger than those that were trained on, and whether tiles fit together.

    python -m tools.figures.texture sgan_texture_bricks --data-dir DATA --out docs/figures

For each run of the recipe tools/reproduced/NAME_size.json holds
    swd_small, swd_large   distance of patches (`swd`) between real parts and samples of their size, or parts of that
                           size of samples whose sides are `large` times as long
    swd_real, swd_noise    the same of other real parts, the least there can be, and of real parts with pixels shuffled
    seam_plain, seam_tile  how far opposite sides differ, over neighbours inside (`seam`): 1 where a picture tiles
    period_large           repetition at the texture's period and its multiples, over that of real parts (`period`)
    period_far             the same at eight periods alone, over the first period of real parts
    alike                  mean correlation of the pixels of two samples: 0 where none is repeated
"""

import warnings
from pathlib import Path

import click
import numpy as np

from tfgan_zoo import config, images, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics import texture
from tfgan_zoo.metrics.diversity import SlicedWasserstein
from tools.figures import measured

FAR = 8  # periods


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name", metavar="RECIPE")
@click.option("--num", default=256, show_default=True, type=click.IntRange(4), help="Parts of either kind.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--runs", default="runs/reproduce", type=click.Path(path_type=Path), help="Where the runs are.")
@click.option("--out", type=click.Path(path_type=Path), help="A folder for a large sample and for four tiles together.")
def main(name, num, data_dir, runs, out):
    paths = sorted((runs / name).glob("seed-*"))
    if not paths:
        raise click.UsageError(f"{runs / name}: holds no run; python -m tools.reproduce {name} makes them.")
    try:
        click.echo(measured.write(f"{name}_size", {"num": num}, paths, lambda run: numbers(run, num, data_dir)))
        if out:
            for kind, picture in pictures(zoo.loaded(paths[0]).model).items():
                images.save_image(out / f"{name}_{kind}.png", picture)
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def numbers(loaded: zoo.Loaded, num: int, data_dir: str | None) -> dict[str, float]:
    """The numbers of a run. Raises ZooError for a model that makes no textures of several sizes."""
    model = loaded.model
    if "enlarge" not in model.endpoints:
        raise ZooError(f"{model.name}: makes pictures of one size alone.")
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    (key,) = model.element_spec
    real = source.open(model.element_spec).rows(range(2 * num))[key]
    large = sampled(model, "enlarge", -(-num // model.large**2))
    small = sampled(model, "generate", num)
    kinds = {"small": small, "large": parts(large, real.shape[1:3])[:num], "real": real[num:], "noise": shuffled(real)}
    found = {f"swd_{kind}": of(SlicedWasserstein(), real[:num], x[:num])["swd"] for kind, x in kinds.items()}
    found["seam_plain"] = of(texture.Seam(), None, small)["seam"]
    if "tile" in model.endpoints:
        found["seam_tile"] = of(texture.Seam(), None, sampled(model, "tile", num))["seam"]
    try:
        found |= repetition(real, large)
    except ZooError as error:  # most textures have no period
        warnings.warn(str(error), stacklevel=2)
    half = len(small) // 2
    return {
        **found,
        "alike": float(np.mean([correlation(x, y) for x, y in zip(small[:half], small[-half:], strict=True)])),
    }


def of(metric, real, fake) -> dict[str, float]:
    """A metric's values."""
    metric.update(real=real, fake=fake)
    return {name: value.value for name, value in metric.result().items()}


def repetition(real: np.ndarray, large: np.ndarray) -> dict[str, float]:
    """How much of the real pictures' period is kept in large ones. Raises ZooError where they have none."""
    metric = texture.Period()
    metric.update(real=real, fake=large)
    axis, lag = texture.period_of(metric.real.result())
    first, line = texture.peak(metric.real.result()[axis], lag), metric.fake.result()[axis]
    kept = {"period_large": metric.result()["period"].value, "period_pixels": float(lag)}
    return kept | ({"period_far": texture.peak(line, FAR * lag) / first} if FAR * lag < len(line) else {})


def sampled(model, endpoint: str, count: int, batch: int = 4) -> np.ndarray:
    """Answers to the seeds from 0 on, stored (count, ...)."""
    seeds = [range(first, min(first + batch, count)) for first in range(0, count, batch)]
    return np.concatenate([model.sample(some, endpoint=endpoint).numpy() for some in seeds])


def parts(pictures: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """Parts side by side, (n, *sides, channels), of pictures (m, height, width, channels); the rest is left out."""
    height, width = sides
    rows, columns = pictures.shape[1] // height, pictures.shape[2] // width
    cut = pictures[:, : rows * height, : columns * width]
    cut = cut.reshape(len(cut), rows, height, columns, width, -1).transpose(0, 1, 3, 2, 4, 5)
    return cut.reshape(-1, height, width, pictures.shape[-1])


def shuffled(pictures: np.ndarray) -> np.ndarray:
    """The same pixels in random places."""
    pixels = pictures.reshape(len(pictures), -1, pictures.shape[-1])
    return np.random.default_rng(0).permutation(pixels, axis=1).reshape(pictures.shape)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Of the brightness of two pictures."""
    return float(np.corrcoef(one.mean(-1).ravel(), other.mean(-1).ravel())[0, 1])


def pictures(model) -> dict[str, np.ndarray]:
    """A large sample, and a tile laid twice in each direction."""
    found = {"large": sampled(model, "enlarge", 1)[0]}
    return found | ({"tiles": np.tile(sampled(model, "tile", 1)[0], (2, 2, 1))} if "tile" in model.endpoints else {})


if __name__ == "__main__":
    main()
