"""Images from a model: samples by seed, walks between latents, arithmetic on latents."""

import contextlib
import numbers
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tfgan_zoo import images
from tfgan_zoo.adversarial import AdversarialModel, to_uint8
from tfgan_zoo.errors import ZooError, unknown

PICTURES = (".png", ".jpg", ".jpeg")
METHODS = ("linear", "spherical")
LAST_SEED = 2**63 - 1
ALIGNED = 8  # images are computed in multiples of this; see `computed`


# === Samples ===
def generate(
    model: AdversarialModel,
    num: int = 16,
    seed: int = 0,
    truncation: float | None = None,
    out: str | os.PathLike | None = None,
    grid: bool = True,
    batch: int = 64,
) -> np.ndarray:
    """Generate images; image i is a function of the model and of `seed + i` alone.

    Args:
        num: how many, 1 or more.
        seed: the seed of the first image, 0 or more.
        truncation: None, or t > 0: normal latents are resampled to [-t, t] (Brock et al. 2019), uniform ones
            shrunk by t.
        out: a file ending in .png, .jpg or .jpeg for one picture of all images, or a folder for one file per
            image, named by its seed: `seed00000007.png`. None writes nothing.
        grid: whether the one picture is enlarged and has margins; without, the images touch, pixel for pixel.
        batch: how many images are computed at once (rounded up to a multiple of 8).

    Returns:
        uint8 (num, height, width, channels).

    Raises:
        ZooError: for a bad number, a suffix that is not a picture's, or a place that cannot be written.
    """
    need_images(model)
    check_whole("num", num, 1)
    check_whole("batch", batch, 1)
    check_seeds([seed, seed + num - 1])
    check_truncation(truncation)
    target = destination(out, PICTURES)
    as_file = target is not None and target.suffix.lower() in PICTURES and not target.is_dir()
    result = np.empty((num, *model.image_shape), np.uint8)
    with progress(num, shown=num > batch) as advance:
        for start, part in computed(model, range(seed, seed + num), truncation, batch):
            result[start : start + len(part)] = part
            if target is not None and not as_file:
                for i, image in enumerate(part, seed + start):
                    images.save_image(target / f"seed{i:08d}.png", image)
            advance(len(part))
    if as_file:
        layout = {} if grid else {"padding": 0, "scale": 1}
        images.save_image(target, images.grid(result, **layout))
    return result


def computed(
    model: AdversarialModel, seeds: Sequence[int], truncation: float | None, batch: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Pairs of (index of the first, uint8 images) that cover `seeds`, at most `batch` images at once."""

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int64)])
    def sample(seeds):
        return model.sample_images(seeds, truncation)

    # Matrix kernels treat the last rows of a ragged batch apart, and then the last bit of a float can differ.
    # In batches of whole blocks an image is the same to the bit whatever is computed beside it.
    batch += -batch % ALIGNED
    for start in range(0, len(seeds), batch):
        part = list(seeds[start : start + batch])
        padded = part + part[-1:] * (-len(part) % ALIGNED)
        yield start, sample(tf.constant(padded, tf.int64)).numpy()[: len(part)]


@contextlib.contextmanager
def progress(total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar with the time left on standard error; yields the function that moves it on by so many images."""
    columns = TextColumn("generating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


def decode(model: AdversarialModel, latents) -> np.ndarray:
    """Latents of n images (a nest of tensors) -> uint8 (n, height, width, channels)."""
    return to_uint8(model.call(latents)).numpy()


def latents_of(model: AdversarialModel, seeds: Sequence[int]):
    """The latents that `generate` draws for `seeds`."""
    return model.latents_for(tf.constant(list(seeds), tf.int64))


# === Walks ===
def interpolate(
    model: AdversarialModel,
    seeds: Sequence[int] = (0, 1),
    steps: int = 8,
    method: str = "linear",
    out: str | os.PathLike | None = None,
    seconds: float = 0.08,
) -> np.ndarray:
    """Images along straight lines or arcs between the latents of consecutive seeds, ends included.

    Args:
        seeds: two or more, each 0 or more.
        steps: images on the way from one seed to the next, both ends counted; 2 or more.
        method: "linear" as in DCGAN (Radford et al. 2015, figure 4), or "spherical": slerp, along which
            normal latents keep a typical length (White 2016, https://arxiv.org/abs/1609.04468).
        out: a picture file (one row per pair), or a .gif that walks through all seeds and back.
        seconds: how long the animation shows a frame.

    Returns:
        uint8 (pairs, steps, height, width, channels).
    """
    need_images(model)
    seeds = list(seeds)
    if len(seeds) < 2:
        raise ZooError(f"seeds={seeds} has too few: give two or more, such as seeds=[0, 1, 2].")
    check_seeds(seeds)
    check_whole("steps", steps, 2)
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    target = destination(out, (*PICTURES, ".gif"), folders=False)
    between = lerp if method == "linear" else slerp
    latents = latents_of(model, seeds)
    way, rows = tf.linspace(0.0, 1.0, steps), []
    for i in range(len(seeds) - 1):
        walk = tf.nest.map_structure(lambda z, i=i: between(z[i], z[i + 1], way), latents)
        rows.append(decode(model, walk))
    result = np.stack(rows)
    if target is not None and target.suffix.lower() == ".gif":
        frames = [images.grid(frame[None], padding=0) for row in result for frame in row[:-1]]
        frames.append(images.grid(result[-1, -1:], padding=0))
        images.save_gif(target, frames + frames[-2:0:-1], seconds)
    elif target is not None:
        images.save_image(target, images.grid(result.reshape(-1, *result.shape[2:]), columns=steps))
    return result


def lerp(a: tf.Tensor, b: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """(1 - t) a + t b for tensors of one shape and t (n,): -> (n, *shape)."""
    t = tf.reshape(tf.cast(t, a.dtype), (-1, *[1] * len(a.shape)))
    return (1 - t) * a + t * b


def slerp(a: tf.Tensor, b: tf.Tensor, t: tf.Tensor) -> tf.Tensor:
    """sin((1 - t) w) / sin w * a + sin(t w) / sin w * b, w the angle between a and b: (n, *shape). White.

    Vectors on one line, between which there is no arc or no single one, are interpolated linearly, as in the
    author's code.
    """
    norms = tf.norm(a) * tf.norm(b)
    cosine = tf.clip_by_value(tf.math.divide_no_nan(tf.reduce_sum(a * b), norms), -1.0, 1.0)
    angle = tf.acos(cosine)
    if norms == 0 or tf.sin(angle) < 1e-4:  # acos is off by as much near 0 and pi
        return lerp(a, b, t)
    t = tf.reshape(tf.cast(t, a.dtype), (-1, *[1] * len(a.shape)))
    return (tf.sin((1 - t) * angle) * a + tf.sin(t * angle) * b) / tf.sin(angle)


# === Arithmetic ===
def arithmetic(model: AdversarialModel, expression: str, out: str | os.PathLike | None = None) -> np.ndarray:
    """Add and subtract latents, as in section 6.3.2 and figure 7 of DCGAN (Radford et al. 2015).

    Args:
        expression: seeds, or groups of seeds that stand for the mean of their latents, joined by + and -:
            "3 - 7 + 12" or "(1,2,3) - (4,5,6) + (7,8,9)".
        out: a picture file. It shows the images of each group, below them the image of the group's mean, with
            the signs between, and the result.

    Returns:
        uint8 (terms + 1, height, width, channels): the image of each term's mean latent, then the result.

    Raises:
        ZooError: names the part of the expression that could not be read.
    """
    need_images(model)
    terms = parse(expression)
    target = destination(out, PICTURES, folders=False)
    groups = [latents_of(model, seeds) for _, seeds in terms]
    means = [tf.nest.map_structure(lambda z: tf.reduce_mean(z, 0), group) for group in groups]
    result = tf.nest.map_structure(
        lambda *z: sum(sign * value for (sign, _), value in zip(terms, z, strict=True)), *means
    )
    shown = decode(model, tf.nest.map_structure(lambda *z: tf.stack(z), *means, result))
    if target is not None:
        members = [
            decode(model, group) if len(seeds) > 1 else () for group, (_, seeds) in zip(groups, terms, strict=True)
        ]
        images.save_image(target, equation([sign for sign, _ in terms], members, shown))
    return shown


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
def need_images(model: AdversarialModel) -> None:
    """Raise where the model does not make images."""
    if len(model.image_shape) != 3:
        raise ZooError(
            f"{type(model).__name__} makes points {tuple(model.image_shape)}, not images: "
            "model(model.latents_for(seeds)) gives them."
        )


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


def destination(out: str | os.PathLike | None, suffixes: Sequence[str], folders: bool = True) -> Path | None:
    """`out` as a path that can be written, checked before any work is done."""
    if out is None:
        return None
    path = Path(out).expanduser()
    suffix = path.suffix.lower()
    folder = folders and (path.is_dir() or not suffix or str(out).endswith(("/", os.sep)))
    if not folder and suffix not in suffixes:
        choices = [*suffixes, *(["a folder"] if folders else [])]
        kind = suffix or "a folder"
        raise ZooError(f"out={str(out)!r}: cannot write {kind}; choose one of {', '.join(choices)}.")
    if not folder and path.is_dir():
        raise ZooError(f"out={str(out)!r} is a folder; name a file, such as {path / 'images.png'}.")
    existing = path if path.exists() else next(parent for parent in path.parents if parent.exists())
    if (folder or existing != path) and not existing.is_dir():
        raise ZooError(f"cannot write {path}: {existing} is a file, not a folder.")
    if not os.access(existing if existing.is_dir() else existing.parent, os.W_OK):
        raise ZooError(f"cannot write {path}: no permission in {existing}. Choose a place you may write to.")
    return path
