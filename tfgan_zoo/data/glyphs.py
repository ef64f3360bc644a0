"""Letters and digits drawn from the typefaces that come with matplotlib: real classes, no download.

Picture i is a function of (seed, i) alone: its character, typeface, place, size, slant, turn, weight and
colours are draws keyed by them.
"""

import functools
import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfgan_zoo.data.keyed import uniform
from tfgan_zoo.errors import ZooError, unknown

# Families of plain letters and digits; matplotlib ships symbol fonts too, whose letters are something else.
_FAMILIES = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cmr10", "cmss10", "cmtt10", "cmb10", "cmti10")
_DRAWS = 12


@functools.lru_cache(maxsize=4)
def faces(characters: str, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The font files that have all `characters`, sorted by name.

    Args:
        names: of the files without suffix; none for all that there are.

    Raises:
        ZooError: when there is none, or none of a name.
    """
    found = importlib.util.find_spec("matplotlib")  # finds the package without importing it
    if found is None or not found.submodule_search_locations:
        raise ZooError("glyphs are drawn with the fonts of matplotlib, which is not installed: pip install matplotlib")
    folder = Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"
    files = (
        file for file in sorted(folder.glob("*.ttf")) if file.name.startswith(_FAMILIES) and "Display" not in file.name
    )
    complete = tuple(str(file) for file in files if _has_all(str(file), characters))
    if not complete:
        raise ZooError(f"data.characters {characters!r}: no typeface in {folder} has them all; give other characters.")
    if not names:
        return complete
    by_name = {Path(file).stem: file for file in complete}
    for name in names:
        if name not in by_name:
            raise unknown("typeface with these characters", name, by_name, "data.faces")
    return tuple(by_name[name] for name in sorted(set(names)))


def _has_all(file: str, characters: str) -> bool:
    """Whether each character has a picture of its own, other than that of a character that no font has."""
    font = _font(file, 16)
    drawn = [bytes(mask) + bytes(mask.size) for mask in (font.getmask(c) for c in (*characters, "\uffff"))]
    return len(set(drawn)) == len(drawn) and all(drawn[:-1])


@functools.lru_cache(maxsize=256)
def _font(file: str, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, pixels, layout_engine=ImageFont.Layout.BASIC)


def classes(indices: np.ndarray, seed: int, characters: str) -> np.ndarray:
    """The class (place in `characters`) of the pictures at `indices`: int32 (n,)."""
    return (uniform(seed, indices, 0) * len(characters)).astype(np.int32)


def render(
    indices: np.ndarray, seed: int, characters: str, shape: tuple[int, int, int], files: tuple[str, ...] | None = None
) -> np.ndarray:
    """The pictures at `indices`: uint8 (n, *shape), light on dark when grey, any two colours when RGB.

    `files` are the typefaces; default all `faces` of the characters.
    """
    files = files or faces(characters)
    labels = classes(indices, seed, characters)
    draws = uniform(seed, indices[:, None], np.arange(1, 1 + _DRAWS))
    coverage = np.stack([
        _coverage(files[int(row[0] * len(files))], characters[label], row[1:], shape[0], shape[1])
        for label, row in zip(labels, draws, strict=True)
    ])  # fmt: skip
    back, ink = _colours(indices, seed, shape[2])
    weight = coverage[..., None].astype(np.float32) / 255
    return np.rint(back[:, None, None] + (ink - back)[:, None, None] * weight).astype(np.uint8)


def _coverage(file: str, character: str, draws: np.ndarray, height: int, width: int) -> np.ndarray:
    """How much of each pixel the character covers: uint8 (height, width). Drawn large, then averaged down."""
    zoom = max(2, -(-96 // min(height, width)))
    side = min(height, width) * zoom
    pixels = min(side, 256)  # of the em; a larger one is only drawn blurred
    stroke = draws[0] ** 2 * 0.035 * pixels
    canvas = Image.new("L", (2 * pixels, 2 * pixels))
    ImageDraw.Draw(canvas).text(
        (pixels, pixels),
        character,
        fill=255,
        font=_font(file, pixels),
        anchor="mm",
        stroke_width=round(float(stroke), 1),
    )
    left, top, right, bottom = canvas.getbbox()
    # Output = turn . slant . size (input - middle) + place; Pillow wants the inverse.
    slant, angle = (draws[1] - 0.5) * 0.6, (draws[2] - 0.5) * 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1, slant], [0, 1]]) * (0.65 + 0.5 * draws[3]) * side / pixels
    half = np.abs(matrix) @ np.array([right - left, bottom - top]) / 2
    limit = np.array([width, height]) * zoom * 0.47
    shrink = min(1.0, *(limit / half))
    matrix, half = matrix * shrink, half * shrink
    middle = np.array([width, height]) * zoom / 2 + (2 * draws[4:6] - 1) * (limit - half)
    inverse = np.linalg.inv(matrix)
    shift = np.array([left + right, top + bottom]) / 2 - inverse @ middle
    data = (*inverse[0], shift[0], *inverse[1], shift[1])
    size = (width * zoom, height * zoom)
    return np.asarray(canvas.transform(size, Image.Transform.AFFINE, data, Image.Resampling.BILINEAR).reduce(zoom))


def _colours(indices: np.ndarray, seed: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Background and ink: float32 (n, channels) in 0 ... 255, far enough apart in luma to be read."""
    if channels == 1:
        dark, light = uniform(seed, indices[:, None], 100), uniform(seed, indices[:, None], 101)
        return (48 * dark).astype(np.float32), (176 + 79 * light).astype(np.float32)
    back = 255 * uniform(seed, indices[:, None], 110 + np.arange(3))
    tries = 255 * uniform(seed, indices[:, None, None], 200 + np.arange(24).reshape(8, 3))  # (n, 8, 3)
    luma = np.array([0.299, 0.587, 0.114])
    apart = np.abs(tries @ luma - (back @ luma)[:, None])
    first = np.argmax(apart > 90, axis=1)  # the first that can be read; where none can, black or white
    plain = np.where(back @ luma < 128, 255.0, 0.0)[:, None].repeat(3, axis=1)
    ink = np.where((apart > 90).any(axis=1)[:, None], tries[np.arange(len(tries)), first], plain)
    return back.astype(np.float32), ink.astype(np.float32)
