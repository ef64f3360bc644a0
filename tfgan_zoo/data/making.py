"""From the rows of a source to what a model gets: random parts, random transforms, derived keys.

In training all draws are keyed by (seed, n), where n is the element's place in the run; in evaluation nothing is cut
or flipped at random, and what is derived with draws depends on the row alone.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfgan_zoo.data import derived, named, transforms
from tfgan_zoo.data.keyed import uniform
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.modalities import Image, Mask, Modality, Video

Spec = dict[str, Modality]
Batch = dict[str, np.ndarray]
# The keys that data have; further ones are derived.
KEYS = (
    "image", "label", "source", "target", "x", "y", "mask", "text", "audio", "video", "voxels", "point",
    "low_res", "high_res",
)  # fmt: skip
CUT, DERIVED = 900, 1000  # keys of draws; random transforms have those from 1


class Transforms(NamedTuple):
    """The functions that `transforms` names, arguments bound.

    Attributes:
        steady: run once on every picture.
        moves: those of them that masks take part in.
        cut: `random_crop`, or None.
        random: run on every training batch.
    """

    steady: tuple[Callable, ...]
    moves: tuple[Callable, ...]
    cut: Callable | None
    random: tuple[Callable, ...]


def transforms_of(entries: list) -> Transforms:
    """The functions that `transforms` names.

    Raises:
        ZooError: an unknown name or an argument that does not fit.
    """
    steady, moves, cut, random = [], [], None, []
    for entry in entries:
        name = named.name_of(entry)
        own = {"random_crop": 3}.get(name, 2 if name.startswith("random_") else 1)
        function = named.bound(transforms, entry, "data.transforms", lambda _, own=own: own)
        if name == "random_crop":
            if cut:
                raise ZooError("data.transforms: random_crop stands there twice; keep one.")
            cut = function
        elif name.startswith("random_"):
            random.append(function)
        else:
            steady.append(function)
            moves += [] if name in transforms.COLOURS else [function]
    return Transforms(tuple(steady), tuple(moves), cut, tuple(random))


def derived_of(table: Mapping[str, Any]) -> dict[str, Callable]:
    """The functions that `derive` names, arguments bound: {key: f(pictures, kind, random)}.

    Raises:
        ZooError: an unknown key or name, or an argument that does not fit.
    """
    found = {}
    for key, entry in table.items():
        if key not in (*KEYS, *named.functions(derived)):
            raise unknown("key", key, {*KEYS, *named.functions(derived)}, "data.derive")
        drawn = named.name_of(entry).startswith("random_")
        own = 3 if drawn else 2
        function = named.bound(derived, entry, f"data.derive.{key}", lambda _, own=own: own, "derivation")
        found[key] = function if drawn else (lambda pictures, kind, _, function=function: function(pictures, kind))
    return found


def is_picture(kind: Modality) -> bool:
    """Whether transforms treat data of this kind."""
    return isinstance(kind, Image)


class View:
    """How one datum reaches a model: `base` is done once and kept, `plain` makes of it what evaluation sees."""

    def __init__(self, kind: Modality, chosen: Transforms):
        self.kind = kind
        self.steady = (chosen.moves if isinstance(kind, Mask) else chosen.steady) if is_picture(kind) else ()
        self.cut = chosen.cut if is_picture(kind) else None

    def base(self, datum: np.ndarray) -> np.ndarray:
        """A datum as it is on the disk -> what is kept: of the model's size, or its own where parts are cut of it."""
        for transform in self.steady:
            datum = transform(datum)
        return datum if self.cut else self.kind.fit(datum)

    def plain(self, base: np.ndarray) -> np.ndarray:
        """What is kept -> what evaluation sees."""
        return self.cut([base], [self.kind.shape], None)[0] if self.cut else base


class Making:
    """What happens to the rows of a source on their way to a model.

    Args:
        spec: what the model wants.
        transforms, derive: the settings of those names.
        has: whether the data hold a key themselves, so that it need not be derived.

    Attributes:
        given: the part of `spec` that the source must deliver.
        entries: {derived key: its entry in `derive`, or its name}.
    """

    def __init__(self, spec: Spec, transforms: list, derive: Mapping[str, Any], has: Callable[[str], bool]):
        self.spec, self.chosen = spec, transforms_of(transforms)
        self.entries = {key: derive[key] for key in spec if key in derive}
        for key, kind in spec.items():
            if key in named.functions(derived) and key not in derive and is_picture(kind) and not has(key):
                self.entries[key] = key
        self.given = {key: kind for key, kind in spec.items() if key not in self.entries}
        self.derived = derived_of(self.entries)
        self.pictures = [key for key, kind in self.given.items() if is_picture(kind)]
        self.videos = [key for key, kind in self.given.items() if isinstance(kind, Video)]
        self.main = next((key for key in self.pictures if not isinstance(spec[key], Mask)), None)
        if self.derived and self.main is None:
            raise ZooError(
                f"data.derive: {', '.join(self.derived)} is made of a picture, and the model wants no other."
            )
        self._try()

    def _try(self) -> None:
        """Run everything once before training starts, on nothing."""
        n, treated = np.arange(2), self.treated
        shapes = [self.given[key].shape[-3:] for key in treated]  # of a video, of its frames
        try:
            setting = "data.transforms"
            if self.chosen.cut and treated:
                self.chosen.cut([np.zeros(shape, np.uint8) for shape in shapes], shapes, (0.5, 0.5))
            batch = self._augmented({key: np.zeros((2, *self.given[key].shape), np.uint8) for key in treated}, 0, n)
            setting = "data.derive"
            result = self._complete(dict(batch), 0, n)
        except ZooError as error:
            raise ZooError(f"{setting}: {error}") from None
        for key in (*treated, *self.derived):
            if result[key].shape[1:] != self.spec[key].shape:
                raise ZooError(f"{setting}: {key} became {result[key].shape[1:]}, not {self.spec[key].shape}.")

    @property
    def treated(self) -> list[str]:
        """The given keys that transforms treat."""
        return [*self.pictures, *self.videos]

    @property
    def cuts(self) -> bool:
        """Whether random parts are cut of pictures."""
        return self.chosen.cut is not None and bool(self.pictures)

    def view(self, key: str) -> View:
        """How the datum of a given key reaches the model."""
        return View(self.given[key], self.chosen)

    # === Training ===
    def turn(self, columns: Mapping[str, Any], rows: np.ndarray, seed: int, n: np.ndarray) -> Batch:
        """The rows `rows` as elements `n` of a run."""
        batch = {
            key: turned(columns[key], rows, seed, n) for key in self.given if not (self.cuts and key in self.pictures)
        }
        if self.cuts:
            own = zip(*([own_of(columns[key], row) for row in rows] for key in self.pictures), strict=True)
            cut = [self.part(pictures, seed, place) for pictures, place in zip(own, n, strict=True)]
            batch |= {key: np.stack(parts) for key, parts in zip(self.pictures, zip(*cut, strict=True), strict=True)}
        return self.finished(batch, seed, n)

    def part(self, pictures: Sequence[np.ndarray], seed: int, n: int) -> list[np.ndarray]:
        """What is cut of the pictures of element `n`, in the order of `pictures`."""
        draws = uniform(seed, CUT, int(n), np.arange(2))
        return self.chosen.cut(pictures, [self.given[key].shape for key in self.pictures], tuple(draws))

    def finished(self, batch: Batch, seed: int, n: np.ndarray) -> Batch:
        """Apply the random transforms to elements `n` of a run, all pictures of a row alike, and derive the rest."""
        return self._complete(self._augmented(batch, seed, n), seed, n)

    def _augmented(self, batch: Batch, seed: int, n: np.ndarray) -> Batch:
        if not self.chosen.random or not self.treated:
            return batch
        stacks = [batch[key] for key in self.pictures] + [_as_pictures(batch[key]) for key in self.videos]
        for place, transform in enumerate(self.chosen.random):
            stacks = transform(stacks, lambda i, place=place: uniform(seed, 1 + place, n, i))
        made = dict(zip(self.treated, stacks, strict=True))
        return batch | made | {key: _as_videos(made[key], self.given[key].shape) for key in self.videos}

    # === Evaluation ===
    def plain(self, batch: Batch, rows: np.ndarray) -> Batch:
        """The data of `rows`, with what is derived of them."""
        return self._complete(batch, -1, rows)

    def _complete(self, batch: Batch, seed: int, numbers: np.ndarray) -> Batch:
        for key, function in self.derived.items():
            salt = DERIVED + zlib.crc32(key.encode())
            draw = lambda i, salt=salt: uniform(seed, salt, numbers, i)  # noqa: E731
            batch[key] = function(batch[self.main], self.spec[key], draw)
        return batch


def turned(column: Any, rows: np.ndarray, seed: int, n: np.ndarray) -> np.ndarray:
    """The rows `rows` of a column as elements `n` of a run, where the column makes something else of them each time."""
    return column.turn(rows, seed, n) if hasattr(column, "turn") else column[rows]


def _as_pictures(videos: np.ndarray) -> np.ndarray:
    """Videos (n, frames, h, w, c) -> (n, h, w, frames * c), which transforms treat as pictures of many channels."""
    count, frames, height, width, channels = videos.shape
    return np.moveaxis(videos, 1, 3).reshape(count, height, width, frames * channels)


def _as_videos(stack: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """(n, h, w, frames * c) -> (n, *shape), which is (frames, h, w, c)."""
    return np.moveaxis(stack.reshape(*stack.shape[:3], shape[0], shape[3]), 3, 1)


def own_of(column: Any, row: int) -> np.ndarray:
    """The picture of a row at its own size, where the column keeps it; else as the model wants it."""
    return column.own(int(row)) if hasattr(column, "own") else column[np.array([row])][0]
