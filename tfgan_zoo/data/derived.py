"""What is made of a row's picture: the functions that a preset's `derive` may name.

`derive = { source = "edges", mask = { random_mask = { most = 0.3 } } }`: for each key of the data a name, or a table of
one name with its argument (a table of arguments where there are several). A key of the model that the data do not hold
and that is called as a function here (`low_res`, `mask`, `edges`, `grey`) is made by it without a word. A function
added here can be named at once; there is no list to edit.

They run last, after the random parts and flips, so that what is made agrees with the picture that is seen. The picture
is the first of the row's data that is neither made here nor a mask. Two kinds, told apart by the name:

- `f(pictures, kind, ...)`: uint8 (n, h, w, c) -> uint8 (n, *kind.shape).
- `random_f(pictures, kind, random, ...)`: the same with draws. `random(i)` is draw i for each row: float64 (n,) in
  [0, 1), a function of the run's seed and the row's place in the run; in evaluation, of the row alone.
"""

from typing import Annotated

import numpy as np
from PIL import Image, ImageDraw
from pydantic import Field

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError

Share = Annotated[float, Field(gt=0, lt=1)]
STROKES, SEGMENTS = 24, 6  # of an irregular mask, at most
CELLS = 8  # of random regions, along each side: one for 16 pixels of 128


def low_res(pictures, kind):
    """The picture made smaller by a whole factor, by the bicubic kernel of Keys 1981 (a = -0.5) widened by the factor.

    It is the antialiased kernel of the super-resolution literature (MATLAB's `imresize`), with bytes in and out;
    Pillow's differs from MATLAB's at the borders alone.

    Raises: ZooError when the sizes do not stand to each other as a whole number.
    """
    (height, width), (small, narrow) = pictures.shape[1:3], kind.shape[:2]
    if height % small or height // small * narrow != width:
        raise ZooError(f"low_res of {small} x {narrow}: is no whole part of the picture of {height} x {width}.")
    return np.stack([images.bend(picture, kind.shape) for picture in pictures])


def grey(pictures, kind):
    """The picture without its colours: luma (0.299 R + 0.587 G + 0.114 B)."""
    return _fitted(_fitted(pictures, (*kind.shape[:2], 1)), kind.shape)


def mask(pictures, kind, part: Share = 0.5):
    """The square in the middle that is to be filled: `part` of each side, as Context Encoders (Pathak et al. 2016)."""
    height, width = kind.shape[:2]
    h, w = (max(1, round(part * side)) for side in (height, width))
    top, left = (height - h) // 2, (width - w) // 2
    result = np.zeros((len(pictures), *kind.shape), np.uint8)
    result[:, top : top + h, left : left + w] = 255
    return result


def random_mask(pictures, kind, random, least: Share = 0.1, most: Share = 0.5):
    """Irregular strokes that are to be filled, in the manner of Liu et al. 2018 (partial convolutions).

    Between `least` and a little more than `most` of the picture: round strokes that wander are drawn until a share
    drawn between the two is covered.

    Raises: ZooError when `least` is above `most`.
    """
    if least > most:
        raise ZooError(f"random_mask: least = {least} is above most = {most}.")
    each = 4 + 2 * SEGMENTS
    draws = np.stack([random(i) for i in range(1 + STROKES * each)], axis=1)
    result = np.empty((len(pictures), *kind.shape), np.uint8)
    for drawn, row in zip(result, draws, strict=True):
        share = least + (most - least) * row[0]
        drawn[...] = _strokes(row[1:].reshape(STROKES, each), share, *kind.shape[:2])[..., None]
    return result


def random_regions(pictures, kind, random, part: Share = 0.25):
    """Blobs of any form that are to be filled, `part` of the picture in all: where a smooth random field is low.

    The random regions of Context Encoders (Pathak et al. 2016) as their authors' code makes them, each row its own.
    """
    side = CELLS + 3  # with a margin, out of which a part is cut
    draws = np.stack([random(i) for i in range(2 + side**2)], axis=1).astype(np.float32)
    result = np.empty((len(pictures), *kind.shape), np.uint8)
    for drawn, (x, y, *field) in zip(result, draws, strict=True):
        cells = Image.fromarray(np.array(field).reshape(side, side))
        box = (1 + x, 1 + y, 1 + x + CELLS, 1 + y + CELLS)
        smooth = np.asarray(cells.resize(kind.shape[1::-1], Image.Resampling.BICUBIC, box=box))
        drawn[...] = np.where(smooth < np.quantile(smooth, part), 255, 0)[..., None]
    return result


def edges(pictures, kind, low: Share = 0.1, high: Share = 0.2):
    """Its outlines, black on white (Canny 1986): ridges of the Sobel gradient above `high`, and those above `low` that
    hang together with them; 1 is the gradient of a step from black to white.

    Raises: ZooError when `low` is above `high`.
    """
    if low > high:
        raise ZooError(f"edges: low = {low} is above high = {high}.")
    grey = _fitted(pictures, (*kind.shape[:2], 1))[..., 0] / 255.0
    smooth = _filtered(_filtered(grey, (1, 4, 6, 4, 1), 1) / 16, (1, 4, 6, 4, 1), 2) / 16
    down = _filtered(_filtered(smooth, (-1, 0, 1), 1), (1, 2, 1), 2) / 4
    right = _filtered(_filtered(smooth, (-1, 0, 1), 2), (1, 2, 1), 1) / 4
    steepness = _ridges(np.hypot(down, right), down, right)
    sure, possible = steepness >= high, steepness >= low
    while (grown := _near(sure) & possible).sum() > sure.sum():
        sure = grown
    return _fitted(np.where(sure, 0, 255).astype(np.uint8)[..., None], kind.shape)


def _fitted(pictures: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.stack([images.bend(picture, shape) for picture in pictures])


def _strokes(draws: np.ndarray, share: float, height: int, width: int) -> np.ndarray:
    """uint8 (height, width), 255 on strokes that cover `share` of it."""
    canvas, side = Image.new("L", (width, height)), min(height, width)
    pen = ImageDraw.Draw(canvas)
    for x, y, angle, thickness, *wander in draws:
        x, y, angle, radius = x * width, y * height, angle * 2 * np.pi, side * (0.02 + 0.05 * thickness)
        for turn, length in np.reshape(wander, (-1, 2)):
            angle += (turn - 0.5) * np.pi
            length = side * (0.05 + 0.2 * length)
            start, (x, y) = (x, y), (x + length * np.cos(angle), y + length * np.sin(angle))
            x, y = np.clip(x, 0, width), np.clip(y, 0, height)
            pen.line([start, (x, y)], fill=255, width=max(1, round(2 * radius)))
            for cx, cy in (start, (x, y)):
                pen.ellipse([cx - radius, cy - radius, cx + radius, cy + radius], fill=255)
            if (covered := np.asarray(canvas)).mean() >= 255 * share:
                return covered
    return np.asarray(canvas)


def _filtered(stack: np.ndarray, weights: tuple[int, ...], axis: int) -> np.ndarray:
    """Weighted sums along an axis, the border repeated."""
    reach, length = len(weights) // 2, stack.shape[axis]
    margins = [(reach, reach) if i == axis else (0, 0) for i in range(stack.ndim)]
    wide = np.moveaxis(np.pad(stack, margins, mode="edge"), axis, 0)
    return np.moveaxis(sum(w * wide[i : i + length] for i, w in enumerate(weights)), 0, axis)


def _ridges(steepness: np.ndarray, down: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The steepness where it is largest across the edge, else 0."""
    sector = np.rint(np.arctan2(down, right) / (np.pi / 4)).astype(int) % 4
    wide = np.pad(steepness, [(0, 0), (1, 1), (1, 1)])
    kept = np.zeros_like(steepness)
    for number, (y, x) in enumerate([(0, 1), (1, 1), (1, 0), (1, -1)]):
        ahead, behind = (_moved(wide, sign * y, sign * x) for sign in (1, -1))
        top = (sector == number) & (steepness > behind) & (steepness >= ahead)
        kept[top] = steepness[top]
    return kept


def _near(points: np.ndarray) -> np.ndarray:
    """Whether a pixel or one of its eight neighbours is set."""
    wide = np.pad(points, [(0, 0), (1, 1), (1, 1)])
    return np.logical_or.reduce([_moved(wide, y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)])


def _moved(wide: np.ndarray, y: int, x: int) -> np.ndarray:
    """What lies `y` below and `x` to the right; `wide` has a margin of one."""
    return wide[:, 1 + y : wide.shape[1] - 1 + y, 1 + x : wide.shape[2] - 1 + x]
