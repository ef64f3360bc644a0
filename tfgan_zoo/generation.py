"""What people ask a model for: samples by seed, walks between noise, arithmetic on noise."""

import numbers
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo import console, images, output, resources, sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Noise
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.modalities import ClassLabel, Modality, Points, Text

METHODS = ("linear", "spherical")
LAST_SEED = 2**63 - 1
LONGEST = 10_000  # answers of a walk in one picture or animation
TOGETHER = 64  # answers of a walk that are computed at once
COPIES = 4  # of the answers in memory at the worst: the parts, the whole, the picture, the picture that is encoded
ALIGNED = 8  # answers are computed in multiples of this; see `computed`


# === Samples ===
def generate(
    model: AdversarialModel,
    num: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    out: str | os.PathLike | None = None,
    grid: bool = True,
    batch: int = 64,
    seeds: Sequence[int] | None = None,
    endpoint: str | None = None,
    **given: Any,
) -> np.ndarray:
    """Ask the model to `generate`; answer i is a function of the model, of `seed + i` and of what is given.

    Args:
        num: how many, 1 or more; default 16, or 1 where nothing is drawn from seeds.
        seed: the seed of the first answer, 0 or more.
        truncation: None, or t > 0: normal noise is resampled to [-t, t] (Brock et al. 2019), uniform noise shrunk by t.
        out: a file for all answers (.png or .jpg shows them as one picture, .npy holds the array, other suffixes belong
            to the kind of answer, such as .wav), or a folder for one file each, named by seed: `seed00000007.png`.
            None writes nothing.
        grid: whether the one picture is enlarged and has margins; without, the images touch, pixel for pixel.
        batch: how many answers are computed at once (rounded up to a multiple of 8).
        seeds: of the answers, in place of `num` and `seed`.
        endpoint: what to ask; default `generate`, or the only endpoint that needs no file, such as `synthesize`.
        given: conditions by input name, such as `label=3` or `text="a red apple"`: one for all or one for each.

    Returns:
        Answers in stored form: uint8 (num, height, width, channels) of pictures, float32 (num, 2) of points ...

    Raises:
        ZooError: for a bad number, a condition that the model does not take, a suffix that does not fit, or a place
            that cannot be written.
    """
    endpoint = without_files(model, endpoint)
    asked = sampling.endpoint_of(model, endpoint)
    check_given(model, endpoint, given)
    if num is None:
        drawn = [key for key, kind in asked.inputs.items() if isinstance(kind, Noise | ClassLabel) and key not in given]
        num = 16 if drawn else 1
    check_whole("num", num, 1)
    check_whole("batch", batch, 1)
    check_whole("a seed", seed, 0)
    check_seeds([seed, seed + num - 1] if seeds is None else seeds)
    check_truncation(truncation)
    kind = asked.output
    seeds = range(seed, seed + num) if seeds is None else list(seeds)
    num = len(seeds)
    check_whole("the number of seeds", num, 1)
    resources.require_memory(COPIES * num * kind.nbytes, f"num={num}")
    target = output.destination(out, output.suffixes_of(kind))
    single = target is None or output.is_file(target, kind)
    names = [] if single else [f"seed{i:08d}{kind.suffixes[0]}" for i in seeds]
    if not single:
        output.check_folder(target, names)
    parts = []
    with console.progress(shown=num > batch, transient=True) as bar:
        task = bar.add_task("generating", total=num, text="")
        for start, part in computed(model, endpoint, seeds, truncation, batch, given):
            parts.append(part)
            for name, datum in zip(names[start:], part, strict=False):
                kind.write(target / name, datum)
            bar.advance(task, len(part))
    result = np.concatenate(parts)
    if single and target is not None:
        output.write_all(kind, target, result, **({} if grid else {"padding": 0, "scale": 1}))
    return result


def computed(
    model: AdversarialModel,
    endpoint: str,
    seeds: Sequence[int],
    truncation: float | None,
    batch: int,
    given: Mapping[str, Any],
) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of (index of the first, stored answers) that cover `seeds`, at most `batch` at once."""
    sampler = sampling.sampler(model, endpoint, truncation)
    given = sampling.stored(model, endpoint, given, len(seeds))
    # Matrix kernels treat the last rows of a ragged batch apart, and then the last bit of a float can differ.
    # In batches of whole blocks an answer is the same to the bit whatever is computed beside it.
    batch += -batch % ALIGNED
    for start in range(0, len(seeds), batch):
        places = np.arange(start, min(start + batch, len(seeds)))
        padded = np.pad(places, (0, -len(places) % ALIGNED), mode="edge")
        conditions = {key: value if one else value[padded] for key, (value, one) in given.items()}
        yield start, sampler([seeds[place] for place in padded], **conditions).numpy()[: len(places)]


def without_files(model: AdversarialModel, wanted: str | None = None) -> str:
    """The endpoint to ask: `wanted`, or else `generate`, or the only one that needs no file. Raises ZooError."""
    if wanted is not None or "generate" in model.endpoints:
        return wanted or "generate"
    told = [
        name
        for name, endpoint in model.endpoints.items()
        if all(isinstance(kind, ClassLabel | Text | Points) for kind in endpoint.conditions.values())
    ]
    if len(told) == 1:
        return told[0]
    more = f", or name one (--endpoint {told[0]})" if told else ""
    others = ", ".join(model.endpoints)
    raise ZooError(f"{type(model).__name__} makes nothing out of noise; it can {others}: use `translate`{more}.")


def output_of(model: AdversarialModel) -> Modality:
    """The kind of data that `generate` answers. Raises ZooError where the model has no such endpoint."""
    if "generate" not in model.endpoints:
        others = ", ".join(model.endpoints)
        raise ZooError(f"{type(model).__name__} makes nothing out of noise; it can {others}: use `translate`.")
    return model.endpoints["generate"].output


def check_given(model: AdversarialModel, endpoint: str, given: Mapping[str, Any]) -> None:
    """Raise ZooError where something is wanted that is neither given nor drawn."""
    conditions = sampling.endpoint_of(model, endpoint).conditions
    missing = [key for key, kind in conditions.items() if key not in given and not isinstance(kind, ClassLabel)]
    if missing:
        wanted = ", ".join(f"{key} ({conditions[key].name})" for key in missing)
        how = ", ".join(f"--given {key}=VALUE" for key in missing)
        raise ZooError(f"{type(model).__name__}.{endpoint} needs {wanted}: give it with {how}.")


# === Walks ===
def interpolate(
    model: AdversarialModel,
    seeds: Sequence[int] = (0, 1),
    steps: int = 8,
    method: str = "linear",
    out: str | os.PathLike | None = None,
    seconds: float = 0.08,
    truncation: float | None = None,
    **given: Any,
) -> np.ndarray:
    """Answers along straight lines or arcs between the noise of consecutive seeds, ends included.

    Args:
        seeds: two or more, each 0 or more.
        steps: answers on the way from one seed to the next, both ends counted; 2 or more.
        method: "linear" as in DCGAN (Radford et al. 2015, figure 4), or "spherical": slerp, along which
            normal latents keep a typical length (White 2016, https://arxiv.org/abs/1609.04468).
        out: a picture file (one row per pair), a .gif of pictures that walks through all seeds and back, .npy for the
            array, or what else `generate` writes into one file.
        seconds: how long the animation shows a frame.
        truncation: as `generate`.
        given: conditions, as `generate`, one for the whole walk; classes that are left out are the first seed's.

    Returns:
        Stored answers (pairs, steps, ...), such as uint8 (pairs, steps, height, width, channels).
    """
    kind = output_of(model)
    check_truncation(truncation)
    seeds = list(seeds)
    if len(seeds) < 2:
        raise ZooError(f"seeds={seeds} has too few: give two or more, such as seeds=[0, 1, 2].")
    check_seeds(seeds)
    check_whole("steps", steps, 2)
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    resources.require_memory(COPIES * steps * (len(seeds) - 1) * kind.nbytes, f"steps={steps}")
    animated = kind.visible and not kind.crowd and ".gif" not in output.suffixes_of(kind)
    target = output.destination(out, (*output.suffixes_of(kind), *[".gif"] * animated), folders=False)
    if target is not None and target.suffix.lower() != ".npy" and steps * (len(seeds) - 1) > LONGEST:
        raise ZooError(f"steps={steps}: too many to look at; give {LONGEST:,} in all at most, or write a .npy file.")
    between = lerp if method == "linear" else slerp
    inputs = drawn(model, seeds, truncation, given)
    noise = sampling.endpoint_of(model, "generate").noise
    moving = {key: value for key, value in inputs.items() if key in noise}
    held = {key: tf.repeat(value[:1], steps, 0) for key, value in inputs.items() if key not in noise}
    way, rows = tf.linspace(0.0, 1.0, steps), []
    for i in range(len(seeds) - 1):
        ends = {
            key: (tf.repeat(v[i : i + 1], steps, 0), tf.repeat(v[i + 1 : i + 2], steps, 0)) for key, v in moving.items()
        }
        walk = held | {key: between(*pair, way) for key, pair in ends.items()}
        rows.append(answered(model, walk))
    result = np.stack(rows)
    if target is not None:
        save_walk(kind, target, result, seconds, animated)
    return result


def save_walk(kind: Modality, target: Path, walk: np.ndarray, seconds: float, animated: bool) -> None:
    """Write stored answers (pairs, steps, ...) in the format of the suffix."""
    suffix = target.suffix.lower()
    if suffix == ".gif" and animated:
        pictures = [kind.picture(row) for row in walk]
        frames = [images.grid(frame[None], padding=0) for row in pictures for frame in row[:-1]]
        frames.append(images.grid(pictures[-1][-1:], padding=0))
        images.save_gif(target, frames + frames[-2:0:-1], seconds)
    elif suffix in output.PICTURES:
        pictures = np.stack([kind.picture(row) for row in walk])
        images.save_image(target, images.grid(np.concatenate(pictures), columns=pictures.shape[1]))
    else:
        output.write_all(kind, target, walk if suffix == ".npy" else np.concatenate(walk))


def drawn(model: AdversarialModel, seeds: Sequence[int], truncation: float | None, given: Mapping[str, Any]) -> dict:
    """The inputs of `generate` for `seeds`, in model form; what is given is one datum for all of them."""
    found = sampling.stored(model, "generate", given, 1)
    stored = {key: value if one else value[0] for key, (value, one) in found.items()}
    return sampling.draw(model, "generate", tf.constant(list(seeds), tf.int64), stored, truncation)


def answered(model: AdversarialModel, inputs: Mapping[str, Any]) -> np.ndarray:
    """What `generate` answers to inputs in model form: stored answers. Raises ZooError where they hold NaN."""
    parts, count = [], len(next(iter(inputs.values())))
    for first in range(0, count, TOGETHER):
        part = sampling.ask(model, "generate", {key: value[first : first + TOGETHER] for key, value in inputs.items()})
        sampling.refuse_broken(int(sampling.broken_in(part)), len(part), model.name)
        parts.append(output_of(model).to_stored(part).numpy())
    return np.concatenate(parts)


def lerp(a: tf.Tensor, b: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """(1 - t) a + t b, row by row: (n, *shape), (n, *shape), (n,) -> (n, *shape)."""
    t = tf.reshape(tf.cast(t, a.dtype), (-1, *[1] * (len(a.shape) - 1)))
    return (1 - t) * a + t * b


def slerp(a: tf.Tensor, b: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """sin((1 - t) w) / sin w * a + sin(t w) / sin w * b, w the angle between the rows of a and b. White 2016.

    Vectors on one line, between which there is no arc or no single one, are interpolated linearly, as in the author's
    code.
    """
    axes = list(range(1, len(a.shape)))
    dot, aa, bb = (tf.reduce_sum(product, axes, keepdims=True) for product in (a * b, a * a, b * b))
    angle = tf.acos(tf.clip_by_value(tf.math.divide_no_nan(dot, tf.sqrt(aa * bb)), -1.0, 1.0))
    straight = (aa * bb == 0) | (tf.sin(angle) < 1e-4)  # acos is off by as much near 0 and pi
    sine = tf.where(straight, 1.0, tf.sin(angle))
    way = tf.reshape(tf.cast(t, a.dtype), (-1, *[1] * len(axes)))
    return tf.where(straight, lerp(a, b, t), (tf.sin((1 - way) * angle) * a + tf.sin(way * angle) * b) / sine)


# === Arithmetic ===
def arithmetic(
    model: AdversarialModel,
    expression: str,
    out: str | os.PathLike | None = None,
    truncation: float | None = None,
    **given: Any,
) -> np.ndarray:
    """Add and subtract latents, as in section 6.3.2 and figure 7 of DCGAN (Radford et al. 2015).

    Args:
        expression: seeds, or groups of seeds that stand for the mean of their latents, joined by + and -:
            "3 - 7 + 12" or "(1,2,3) - (4,5,6) + (7,8,9)".
        out: a picture file. It shows the images of each group, below them the image of the group's mean, with
            the signs between, and the result; of points, one scatter plot of the results. Else as `generate`.
        truncation, given: as `interpolate`.

    Returns:
        Stored answers (terms + 1, ...): to each term's mean, then the result.

    Raises:
        ZooError: names the part of the expression that could not be read.
    """
    kind = output_of(model)
    check_truncation(truncation)
    terms = parse(expression)
    signs = [sign for sign, _ in terms]
    target = output.destination(out, output.suffixes_of(kind), folders=False)
    noise = sampling.endpoint_of(model, "generate").noise
    groups = [drawn(model, seeds, truncation, given) for _, seeds in terms]
    held = {key: value[:1] for key, value in groups[0].items() if key not in noise}  # one class for the whole equation

    def made(rows: Mapping[str, tf.Tensor]) -> np.ndarray:
        count = len(next(iter(rows.values())))
        return answered(model, dict(rows) | {key: tf.repeat(v, count, 0) for key, v in held.items()})

    means = {key: tf.stack([tf.reduce_mean(group[key], 0) for group in groups]) for key in noise}
    total = {key: tf.tensordot(tf.cast(signs, value.dtype), value, 1) for key, value in means.items()}
    result = made({key: tf.concat([value, total[key][None]], 0) for key, value in means.items()})
    if target is not None and target.suffix.lower() in output.PICTURES and not kind.crowd:
        members = [
            kind.picture(made({key: group[key] for key in noise})) if len(seeds) > 1 else ()
            for group, (_, seeds) in zip(groups, terms, strict=True)
        ]
        images.save_image(target, equation(signs, members, kind.picture(result)))
    elif target is not None:
        output.write_all(kind, target, result)
    return result


def parse(expression: str) -> list[tuple[int, list[int]]]:
    """ "3 - (7, 8)" -> [(1, [3]), (-1, [7, 8])]: terms with their signs.

    >>> parse("3 - (7, 8)")
    [(1, [3]), (-1, [7, 8])]
    """
    example = 'Write seeds or groups joined by + and -, such as "3 - 7 + 12" or "(1,2) - (3,4) + (5,6)".'
    terms, position = [], 0
    pattern = re.compile(r"\s*([+-])?\s*(?:(\d+)|\(\s*(\d+(?:\s*,\s*\d+)*)\s*\))\s*", re.ASCII)
    while position < len(expression) or not terms:
        match = pattern.match(expression, position)
        if not match or (terms and not match[1]):
            rest = expression[position:].strip()
            where = f" at character {position + 1} of {expression!r}" if rest else ""
            raise ZooError(f"cannot read {rest[:20]!r}{where}. {example}")
        seeds = [int(seed) for seed in (match[2] or match[3]).split(",")]
        check_seeds(seeds)
        terms.append((-1 if match[1] == "-" else 1, seeds))
        position = match.end()
    return terms


def equation(signs: Sequence[int], members: Sequence[Sequence[np.ndarray]], shown: np.ndarray) -> np.ndarray:
    """The picture of an equation: columns of a group's members above their mean, signs between the columns.

    Args:
        signs: +1 or -1 for each of n terms.
        members: for each term the uint8 images (h, w, c) to stand above, or none.
        shown: uint8 (n + 1, h, w, c), the terms and the result.

    Returns:
        uint8 (height, width, c).
    """
    padding = 2
    side = max(shown.shape[1:3])
    scale = max(1, min(images.SEEN_SIDE // side, images.SEEN_WIDTH // (len(shown) * side * 3 // 2)))
    height = max(map(len, members)) + 1
    blank = np.full_like(shown[0], images.WHITE)
    stripes = []
    for i, image in enumerate(shown):
        above = list(members[i]) if i < len(members) else []
        column = [blank] * (height - 1 - len(above)) + above + [image]
        stripe = images.grid(np.stack(column), columns=1, padding=padding, scale=scale)
        kind = "=" if i == len(signs) else "-" if signs[i] < 0 else "+" if i else ""
        stripes += [symbol(kind, stripe.shape, shown.shape[1] * scale + 2 * padding)] if kind else []
        stripes.append(stripe)
    return np.concatenate(stripes, axis=1)


def symbol(kind: str, shape: Sequence[int], cell: int) -> np.ndarray:
    """A +, - or = in black on white, beside the lowest `cell` pixels of a stripe of `shape` (h, w, c)."""
    canvas = np.full((shape[0], max(9, cell // 2), shape[2]), images.WHITE, np.uint8)
    width = canvas.shape[1]
    y, x, reach, thick = shape[0] - cell // 2, width // 2, width // 4, max(1, width // 20)
    for shift in (-2 * thick, 2 * thick) if kind == "=" else (0,):
        canvas[y + shift - thick : y + shift + thick, x - reach : x + reach] = 0
    if kind == "+":
        canvas[y - reach : y + reach, x - thick : x + thick] = 0
    if shape[2] == 4:
        canvas[..., 3] = 255
    return canvas


# === Checks ===
def check_whole(name: str, value, least: int) -> None:
    """Raise unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ZooError(f"{name} must be a whole number of {least} or more, got {value!r}.")


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise unless all seeds are whole numbers in [0, 2**63)."""
    for seed in seeds:
        check_whole("a seed", seed, 0)
        if seed > LAST_SEED:
            raise ZooError(f"a seed must be less than 2**63, got {seed}.")


def check_truncation(value) -> None:
    """Raise unless `value` is None or a positive number."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value < np.inf):
        raise ZooError(f"truncation must be a number greater than 0, or none to leave it out, got {value!r}.")
