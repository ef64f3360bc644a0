"""What people draw on a picture, as constraints on it: strokes and boxes -> masks, colours, edges and moved parts.

Places are pixels of the picture: x to the right, y downwards, (0, 0) its top left corner.
"""

import dataclasses
import io
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from tfgan_zoo import images, manifold
from tfgan_zoo.errors import ZooError, count_of, unknown
from tfgan_zoo.modalities import Image

TOOLS = {"colour": "Colour", "sketch": "Sketch", "warp": "Warp", "erase": "Eraser"}
MOST_POINTS = 2000  # of a stroke
MOST_MARKS = 200
AROUND_LINES = 2  # pixels on either side of a sketched line where its edges are wanted: as far as Sobel's filter sees
LARGEST_SIDE = 4096  # of a picture that is sent
WHITE = (255, 255, 255)

Box = tuple[int, int, int, int]


@dataclasses.dataclass(frozen=True)
class Mark:
    """One thing that was drawn.

    Attributes:
        tool: a name of `TOOLS`.
        points: of a stroke, (x, y).
        size: how wide the stroke is, in pixels.
        colour: of "colour", "#rrggbb".
        box: (top, left, height, width) that is filled, or moved by "warp"; None for a stroke.
        shift: (down, right), of "warp".
    """

    tool: str
    points: tuple[tuple[float, float], ...] = ()
    size: int = 1
    colour: str = "#000000"
    box: Box | None = None
    shift: tuple[int, int] = (0, 0)

    @property
    def says(self) -> str:
        """For people."""
        if self.tool == "warp":
            down, right = self.shift
            moved = f"moved {down} down, {right} right" if any(self.shift) else "held in its place"
            return f"Warp: {place_of(self.box)}, {moved}"
        what = TOOLS[self.tool] + (f" {self.colour}" if self.tool == "colour" else "")
        x, y = self.points[0] if self.points else (0, 0)
        return f"{what}: {place_of(self.box) if self.box else f'a stroke from row {y:.0f}, column {x:.0f}'}"


def place_of(box: Box) -> str:
    """A box in words."""
    return f"{box[2]} x {box[3]} pixels at row {box[0]}, column {box[1]}"


# === From people ===
def stroke(tool: str, points: Any, size: int, colour: str, shape: Sequence[int]) -> Mark:
    """What a pointer drew from the place where it was pressed to the place where it was let go.

    "warp" moves the box of side `size` around the first point to the last one.

    Raises:
        ZooError: what is no stroke on a picture of this shape.
    """
    try:
        places = np.asarray(points, np.float64).reshape(-1, 2)
    except (TypeError, ValueError):
        places = np.zeros((0, 2))
    if not 1 <= len(places) <= MOST_POINTS or not np.isfinite(places).all():
        raise ZooError(f"a stroke has from 1 to {MOST_POINTS:,} points, each two numbers; draw it again.")
    height, width = shape[:2]
    places = np.clip(places, 0, [width, height])
    if tool != "warp":
        return checked(Mark(tool, tuple(map(tuple, places.tolist())), size, colour), shape)
    side = min(max(1, size), height, width)
    (left, top), (right, down) = places[0] - side / 2, places[-1] - places[0]
    top, left = (int(np.clip(round(at), 0, most - side)) for at, most in ((top, height), (left, width)))
    shift = np.clip([round(down), round(right)], [-top, -left], [height - side - top, width - side - left])
    return checked(Mark("warp", box=(top, left, side, side), shift=tuple(shift.tolist())), shape)


def boxed(tool: str, box: Sequence[int], shift: Sequence[int], colour: str, shape: Sequence[int]) -> Mark:
    """What is done with a box that is given by its numbers: filled, outlined, moved, erased.

    Raises:
        ZooError: a box that does not lie in the picture, before or after.
    """
    if any(not isinstance(number, int | float) or not math.isfinite(number) for number in (*box, *shift)):
        raise ZooError("a box needs a number in each of its fields: top, left, height, width, and how it moves.")
    top, left, tall, wide = (int(number) for number in box)
    if tool == "sketch":
        outline = ((left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall), (left, top))
        corners = [(min(x + 0.5, left + wide - 0.5), min(y + 0.5, top + tall - 0.5)) for x, y in outline]
        checked(Mark("colour", box=(top, left, tall, wide)), shape)
        return checked(Mark("sketch", tuple(corners)), shape)
    moved = tuple(int(number) for number in shift) if tool == "warp" else (0, 0)
    return checked(Mark(tool, colour=colour, box=(top, left, tall, wide), shift=moved), shape)


def checked(mark: Mark, shape: Sequence[int]) -> Mark:
    """The mark. Raises ZooError where it does not fit a picture of this shape."""
    if mark.tool not in TOOLS:
        raise unknown("tool", mark.tool, TOOLS)
    if not re.fullmatch("#[0-9a-fA-F]{6}", mark.colour):
        raise ZooError(f"colour {mark.colour[:20]!r}: give it like #ff8800.")
    if not 1 <= mark.size <= max(shape[:2]):
        raise ZooError(f"brush of {mark.size} pixels: give from 1 to {max(shape[:2])}.")
    if mark.box:
        moved = (mark.box[0] + mark.shift[0], mark.box[1] + mark.shift[1])
        ends = [(at, at + side, most) for at, side, most in zip(mark.box, mark.box[2:], shape, strict=False)]
        ends += [(at, at + side, most) for at, side, most in zip(moved, mark.box[2:], shape, strict=False)]
        if any(start < 0 or end <= start or end > most for start, end, most in ends):
            raise ZooError(
                f"{place_of(mark.box)}, moved by {mark.shift}, leaves the picture of {shape[0]} x {shape[1]}; "
                "give one that stays within."
            )
    return mark


def picture_from(content: bytes, kind: Image) -> np.ndarray:
    """A picture file as the model takes pictures: uint8 (h, w, c). Raises ZooError for what is none."""
    try:
        with Picture.open(io.BytesIO(content)) as opened:
            if max(opened.size) > LARGEST_SIDE:
                raise ZooError(f"a picture must have sides from 1 to {LARGEST_SIDE} pixels; it has {opened.size}.")
            return kind.fit(images.to_array(opened))
    except ZooError:
        raise
    except Exception:  # broken files make Pillow raise nearly anything
        raise ZooError("the file cannot be read as a picture; give a PNG or JPEG file.") from None


# === On the picture ===
@dataclasses.dataclass(frozen=True)
class Drawn:
    """What all marks together ask for.

    Attributes:
        colours: uint8 (h, w, c), wanted where `coloured`, bool (h, w), is set.
        lines: uint8 (h, w), the drawing whose edges are wanted where `sketched`, bool (h, w), is set.
        warps: the marks that move boxes.
    """

    colours: np.ndarray
    coloured: np.ndarray
    lines: np.ndarray
    sketched: np.ndarray
    warps: tuple[Mark, ...]


def drawn(marks: Iterable[Mark], shape: Sequence[int]) -> Drawn:
    """The marks, later ones above earlier ones, on a picture of this shape."""
    height, width, channels = shape
    colours, lines = np.zeros((height, width, channels), np.uint8), np.zeros((height, width), np.uint8)
    coloured, sketched, warps = np.zeros((height, width), bool), np.zeros((height, width), bool), []
    for mark in marks:
        if mark.tool == "warp":
            warps.append(mark)
        elif mark.tool == "sketch":
            lines[touched(mark, shape)] = 255
            sketched |= touched(mark, shape, AROUND_LINES)
        else:
            inside = touched(mark, shape)
            coloured[inside] = mark.tool == "colour"
            if mark.tool == "colour":
                colours[inside] = levels(mark.colour, channels)
            else:
                lines[inside], sketched[inside] = 0, False
    return Drawn(colours, coloured, lines, sketched, tuple(warps))


def touched(mark: Mark, shape: Sequence[int], margin: float = 0) -> np.ndarray:
    """The pixels of a stroke or a box, and those within `margin`: bool (h, w)."""
    inside = np.zeros(shape[:2], bool)
    if mark.box:
        top, left, height, width = mark.box
        inside[top : top + height, left : left + width] = True
        return inside
    reach = max(mark.size / 2, math.sqrt(0.5)) + margin  # the finest brush touches a pixel wherever it is put
    for start, end in zip(mark.points, [*mark.points[1:], mark.points[-1]], strict=True):
        low = [max(0, math.floor(min(a, b) - reach)) for a, b in zip(start, end, strict=True)]
        high = [math.ceil(max(a, b) + reach) for a, b in zip(start, end, strict=True)]
        part = inside[low[1] : high[1], low[0] : high[0]]
        y, x = np.mgrid[0 : part.shape[0], 0 : part.shape[1]] + 0.5
        part |= distance(x + low[0], y + low[1], start, end) <= reach
    return inside


def distance(x: np.ndarray, y: np.ndarray, start: Sequence[float], end: Sequence[float]) -> np.ndarray:
    """How far places are from the straight line between two points."""
    right, down = end[0] - start[0], end[1] - start[1]
    length = right**2 + down**2
    way = np.clip(((x - start[0]) * right + (y - start[1]) * down) / length, 0, 1) if length else 0
    return np.hypot(x - start[0] - way * right, y - start[1] - way * down)


def levels(colour: str, channels: int) -> np.ndarray:
    """ "#rrggbb" -> uint8 (channels,): grey by its luma where a picture has no colours."""
    rgb = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], np.uint8)
    return images.bend(rgb[None, None], (1, 1, channels))[0, 0]


# === As constraints, and for the eye ===
def constraints(picture: np.ndarray, marks: Sequence[Mark]) -> dict[str, manifold.Constraint]:
    """What the marks ask of a picture, by names for people.

    All colours are one constraint, and all lines, as in the authors' program: so what they weigh does not grow with the
    number of strokes.

    Args:
        picture: uint8 (h, w, c), whose parts are moved.

    Raises:
        ZooError: nothing is asked for; too many marks.
    """
    if len(marks) > MOST_MARKS:
        raise ZooError(f"{count_of(len(marks), 'mark')}: an edit may have {MOST_MARKS}; go on from here, then draw on.")
    asked = drawn(marks, picture.shape)
    found: dict[str, manifold.Constraint] = {}
    if asked.coloured.any():
        found["Colour"] = manifold.colour(asked.colours, asked.coloured)
    if asked.sketched.any():
        found["Sketch"] = manifold.sketch(asked.lines, asked.sketched)
    for number, mark in enumerate(asked.warps, start=1):
        found[f"Warp {number}"] = manifold.warp(picture, mark.box, mark.shift)
    if not found:
        raise ZooError("nothing is drawn yet: draw a colour, a line or a warp first.")
    return found


def overlay(marks: Sequence[Mark], shape: Sequence[int], scale: int) -> Picture.Image:
    """What is drawn, to be laid over the picture that is `scale` times as large: RGBA."""
    asked = drawn(marks, shape)
    layer = np.zeros((*shape[:2], 4), np.uint8)
    layer[asked.sketched] = (0, 160, 255, 70)
    layer[asked.coloured, :3], layer[asked.coloured, 3] = asked.colours[asked.coloured], 235
    layer[(asked.lines > 0) & asked.sketched] = (0, 160, 255, 235)
    picture = Picture.fromarray(layer).resize((shape[1] * scale, shape[0] * scale), Picture.Resampling.NEAREST)
    pen = ImageDraw.Draw(picture)
    for mark in asked.warps:
        top, left, height, width = (side * scale for side in mark.box)
        down, right = (side * scale for side in mark.shift)
        here = (left, top, left + width - 1, top + height - 1)
        there = (left + right, top + down, left + right + width - 1, top + down + height - 1)
        ends = [(x + width / 2, y + height / 2) for x, y in ((left, top), (left + right, top + down))]
        for edge, more in (((0, 0, 0, 255), 2), ((255, 200, 0, 255), 0)):
            pen.rectangle(here, outline=edge, width=1 + more)
            pen.line(ends, fill=edge, width=2 + more)
            pen.ellipse([(at[0] + r, at[1] + r) for at, r in ((ends[1], -3 - more), (ends[1], 3 + more))], fill=edge)
            pen.rectangle(there, outline=edge, width=3 + more)
    return picture
