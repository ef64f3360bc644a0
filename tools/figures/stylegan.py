"""What styles and noise change in the pictures of a StyleGAN, how straight its paths are, what truncation does.

    python -m tools.figures.stylegan stylegan_emoji_styles runs/stylegan_emoji --data-dir DATA --out docs/figures

Writes tools/reproduced/NAME.json, one seed per run, and of the first run `styles.png` (rows keep the pictures on the
left but for the coarse, the middle or the fine styles, which are those of the picture above: figure 3 of Karras et al.
2019, https://arxiv.org/abs/1812.04948), `noise.png` (a picture, then where it differs under other noise: figure 4) and
`truncation.png` (psi from 1 to -1: figure 8). The numbers:

    coarse_low ... noise_form      how much other coarse (up to 8x8), middle or fine styles (from 32x32 on), or other
                                   noise, change the means over an 8x8 grid (low), all else (high), the mean colour,
                                   and the form without colour and contrast; another z changes 1
    ppl_w, ppl_z                   path lengths, full, on a scale of the features' own; the noise is held
    METRIC psi=P, METRIC mixed=K   of truncated styles; of pictures that each are in the styles of K different z
"""

from pathlib import Path

import click
import numpy as np
import tensorflow as tf

from tfgan_zoo import config, evaluation, features, generation, images, sampling, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.path_length import PathLength
from tools.figures import measured

PART, GRID = 64, 8  # pictures computed at once; the grid of the low band
PSI, MIXED = (1.0, 0.7, 0.5, 0.3), (1, 2, 3, 4)


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--num", default=1000, show_default=True, type=click.IntRange(2), help="Pictures for each number.")
@click.option("--metrics", default="fid768,prdc768", show_default=True, help="Of truncated and mixed styles.")
@click.option("--features", "spec", default="inception_2015:768", show_default=True, help="Of path lengths.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder for the pictures. Default: none.")
def main(name, runs, num, metrics, spec, data_dir, out):
    def measure(loaded):
        source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
        model, seen = loaded.model, source.open(loaded.model.element_spec)
        return changes(model, num) | path_lengths(model, num, spec) | qualities(model, num, metrics, seen)

    try:
        click.echo(measured.write(name, {"num": num, "features": spec}, runs, measure))
        for title, picture in pictures(zoo.loaded(runs[0]).model).items() if out else ():
            images.save_image(out / f"{title}.png", picture)
            click.echo(out / f"{title}.png")
    except ZooError as error:
        raise click.UsageError(str(error)) from None


def inputs_of(model, count: int, first: int = 0) -> dict[str, tf.Tensor]:
    """`z`, `other` and `noise` for `count` seeds from `first` on. Raises ZooError for a model without styles."""
    drawn = sampling.draw(model, "mix", first + np.arange(count), {"level": np.int32(0)})
    return {key: value for key, value in drawn.items() if key != "level"}


def asked(model, name: str, **inputs) -> np.ndarray:
    """An endpoint's answers in model form."""
    count, wanted = len(next(iter(inputs.values()))), model.endpoints[name].inputs
    parts = [{key: inputs[key][i : i + PART] for key in wanted} for i in range(0, count, PART)]
    return np.concatenate([sampling.ask(model, name, part).numpy() for part in parts])


def drawn_in(model, styles: np.ndarray, drawn) -> np.ndarray:
    """Pictures in the styles (n, layers, width) and the noise of `drawn`."""
    inputs = {"styles": tf.constant(styles), **{key: drawn[key] for key in drawn if key == "noise"}}
    parts = [{key: value[i : i + PART] for key, value in inputs.items()} for i in range(0, len(styles), PART)]
    return np.concatenate([model.drawn(part).numpy() for part in parts])


def groups(model) -> dict[str, np.ndarray]:
    """Which layers are coarse, middle and fine: bool (layers,)."""
    side = np.repeat(model.sides, 2)
    fine = side >= min(4 * GRID, side[-1])
    return {"coarse": side <= GRID, "middle": (side > GRID) & ~fine, "fine": fine}


# === Numbers ===
def swapped(model, drawn) -> dict[str, np.ndarray]:
    """Pictures as they are ("own"), and with other styles or other noise."""
    w, other = (asked(model, "map", z=drawn[key])[:, None] for key in ("z", "other"))
    layers = {"own": False, "all": True, **{name: chosen[:, None] for name, chosen in groups(model).items()}}
    repeated = np.zeros((1, 2 * len(model.sides), 1), w.dtype)
    made = {name: drawn_in(model, np.where(chosen, other, w) + repeated, drawn) for name, chosen in layers.items()}
    reversed_noise = {key: value[::-1] for key, value in drawn.items() if key == "noise"}
    return made | {"noise": drawn_in(model, w + repeated, reversed_noise)}


def changes(model, num: int) -> dict[str, float]:
    """{"coarse_low": ...}: what is changed, as shares of what another z changes."""
    made = {name: seen(picture) for name, picture in swapped(model, inputs_of(model, num)).items()}
    change = {
        (name, what): float(np.sqrt(np.mean(np.square(distance(view, made["own"][what], what)))))
        for name, views in made.items()
        for what, view in views.items()
    }
    names, whats = (*groups(model), "noise"), made["own"]
    return {f"{name}_{what}": change[name, what] / change["all", what] for name in names for what in whats}


def seen(x: np.ndarray) -> dict[str, np.ndarray]:
    """Pictures (n, h, w, c) as means over an 8x8 grid, what these leave, mean colours, and the grid's form.

    The form is free of colour and contrast: the grid's mean channel, brought to mean 0 and length 1.
    """
    n, height, width, channels = x.shape
    low = x.reshape(n, GRID, height // GRID, GRID, width // GRID, channels).mean(axis=(2, 4))
    form = low.mean(-1).reshape(n, -1)
    form = form - form.mean(1, keepdims=True)
    return {
        "low": low,
        "high": x - low.repeat(height // GRID, 1).repeat(width // GRID, 2),
        "colour": x.mean(axis=(1, 2)),
        "form": form / np.maximum(np.linalg.norm(form, axis=1, keepdims=True), 1e-6),
    }


def distance(one: np.ndarray, other: np.ndarray, what: str) -> np.ndarray:
    """How two views differ; a form and its negative, light on dark, are one."""
    return 1 - np.abs((one * other).sum(axis=1)) if what == "form" else one - other


def path_lengths(model, num: int, spec: str, epsilon: float = 1e-4) -> dict[str, float]:
    """Mean |Δf|² / ε² along straight ways in w and along arcs in z."""
    name, _, tap = spec.partition(":")
    extractor = features.extractor(name)
    tap = tap or extractor.features
    drawn = inputs_of(model, num)
    places = tf.constant(np.random.default_rng(0).uniform(0, 1, num), tf.float32)
    ends = [tf.constant(asked(model, "map", z=drawn[key])) for key in ("z", "other")]
    ways = {
        "ppl_w": lambda t: generation.lerp(*ends, t),
        "ppl_z": lambda t: asked(model, "map", z=generation.slerp(drawn["z"], drawn["other"], t)),
    }
    found = {}
    for title, way in ways.items():
        metric, sides = PathLength(epsilon=epsilon), []
        for t in (places, places + epsilon):
            made = (asked(model, "synthesize", **drawn | {"w": way(t)}) + 1) * 127.5
            sides.append(extractor.outputs(tf.constant(made), [tap], unrounded=True)[tap])
        metric.update(*sides)
        found[title] = metric.result()["ppl"].value
    return found


def qualities(model, num: int, metrics: str, data) -> dict[str, float]:
    """{"fid768 psi=0.7": ...}: of truncated pictures, and of pictures in several styles."""
    drawn, kind = inputs_of(model, num), model.endpoints["generate"].output
    made = {f"psi={psi}": asked(model, "truncate", psi=np.full((num, 1), psi, np.float32), **drawn) for psi in PSI}
    made |= {f"mixed={count}": mixed(model, num, count) for count in MIXED}
    protocol, found = evaluation.Protocol(metrics, samples=num), {}
    for title, picture in made.items():
        stored = kind.to_stored(tf.constant(picture)).numpy()
        results = evaluation.evaluate(stored, data, protocol)
        found |= {f"{result.metric} {title}": result.value for result in results}
    return found


def mixed(model, num: int, count: int) -> np.ndarray:
    """Pictures in the styles of `count` z each, which take turns at random layers."""
    w = np.stack([asked(model, "map", z=inputs_of(model, num, part * num)["z"]) for part in range(count)], axis=1)
    layers, random = np.arange(2 * len(model.sides)), np.random.default_rng(0)
    starts = np.array([np.sort(random.choice(layers[1:], count - 1, replace=False)) for _ in range(num)])
    whose = (layers[:, None] >= starts[:, None, :]).sum(axis=2)  # (num, layers)
    return drawn_in(model, w[np.arange(num)[:, None], whose], inputs_of(model, num))


# === Pictures ===
def pictures(model, rows: int = 3, columns: int = 6) -> dict[str, np.ndarray]:
    """{title: uint8 (height, width, c)}."""
    kind = model.endpoints["generate"].output

    def grid(made, across):
        return images.grid(kind.to_stored(tf.constant(made)).numpy(), across)

    drawn = inputs_of(model, rows + columns)
    own, w = asked(model, "generate", **drawn), asked(model, "map", z=drawn["z"])
    cells = [np.ones_like(own[:1]), own[rows:]]
    for chosen in groups(model).values():
        for row in range(rows):
            styles = np.where(chosen[None, :, None], w[rows:, None], w[row])
            noise = {key: tf.repeat(value[row : row + 1], columns, 0) for key, value in drawn.items()}
            cells += [own[row : row + 1], drawn_in(model, styles, noise)]
    found = {"styles": grid(np.concatenate(cells), columns + 1)}
    psi = np.linspace(1, -1, columns + 1, dtype=np.float32)[:, None]
    along = [{key: tf.repeat(value[row : row + 1], len(psi), 0) for key, value in drawn.items()} for row in range(rows)]
    found["truncation"] = grid(np.concatenate([asked(model, "truncate", psi=psi, **part) for part in along]), len(psi))
    if "noise" in drawn:
        noises = inputs_of(model, 100)["noise"]
        z = [tf.repeat(drawn["z"][row : row + 1], 100, 0) for row in range(columns)]
        spread = [asked(model, "generate", z=part, noise=noises).std(axis=0).mean(-1, keepdims=True) for part in z]
        shades = np.stack(spread) / np.max(spread) * 2 - 1 + np.zeros_like(own[:columns])
        found["noise"] = grid(np.concatenate([own[:columns], shades]), columns)
    return found


if __name__ == "__main__":
    main()
