"""Keeping many data: what fits in memory, made once and by several threads."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tfgan_zoo import console
from tfgan_zoo.data.making import View
from tfgan_zoo.errors import ZooError
from tfgan_zoo.resources import free_memory

_CHUNK = 256


def track(items: Iterable, total: int, what: str) -> Iterator:
    """Pass `items` on; on a terminal, show a progress bar with the time left on stderr."""
    with console.progress(shown=total >= 100, transient=True) as progress:
        task = progress.add_task(what, total=total, text="")
        for item in items:
            yield item
            progress.advance(task)


def in_order(make: Callable, items: list) -> Iterator:
    """`make(item)` for each item, in order, made by a few threads (Pillow works without Python's lock)."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for first in range(0, len(items), _CHUNK):  # in chunks, so that results do not pile up
            yield from pool.map(make, items[first : first + _CHUNK])


def fits(count: int, shape: tuple[int, ...], cache: str | bool) -> bool:
    """Whether to cache `count` arrays of `shape`: the setting, or if they fit in a quarter of free memory."""
    if cache != "auto":
        return bool(cache)
    return count * int(np.prod(shape)) <= free_memory() // 4


class Lazy:
    """`count` data made when they are asked for: `lazy[indices]` is `dtype` (len(indices), *shape).

    `make(indices)` returns such an array. With `keep`, each datum is made once and kept.
    """

    def __init__(
        self,
        make: Callable[[np.ndarray], np.ndarray],
        count: int,
        shape: tuple[int, ...],
        keep: bool,
        dtype: str = "uint8",
    ):
        self.make, self.count = make, count
        self.kept = np.empty((count, *shape), dtype) if keep else None  # pages of memory come when written to
        self.made = np.zeros(count, bool)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        if self.kept is None:
            return self.make(indices)
        missing = np.unique(indices[~self.made[indices]])
        for part in np.array_split(missing, range(_CHUNK, len(missing), _CHUNK)) if len(missing) else ():
            self.kept[part] = self.make(part)
            self.made[part] = True  # after the image is there: another thread may be reading
        return self.kept[indices]


class Pictures:
    """Pictures of which parts are cut: `own(row)` is one at its own size, `pictures[rows]` what evaluation sees."""

    def __init__(self, own: Callable[[int], np.ndarray], count: int, view: View, nbytes: int):
        self.own, self.count, self.nbytes = own, count, nbytes
        self.whole = Lazy(
            lambda rows: np.stack([view.plain(own(int(row))) for row in rows]), count, view.kind.shape, keep=False
        )

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return self.whole[indices]


@dataclasses.dataclass
class Gathered:
    """What was read.

    Attributes:
        columns: {key: column}.
        good: the places of what could be read, int64, which are the rows of the columns.
        shapes: {key: the shapes seen}.
        nbytes: how much of it is kept in memory.
    """

    columns: dict[str, Any]
    good: np.ndarray
    shapes: dict[str, set]
    nbytes: int

    def shape(self, key: str) -> list[int | None]:
        """The shape that the data of a key have as they are; None for sides that vary."""
        sides = zip(*self.shapes[key], strict=True)
        return [None if len(set(side)) > 1 else side[0] for side in sides]


def gather(
    load: Callable[[int], Mapping[str, np.ndarray] | None],
    count: int,
    views: Mapping[str, View],
    cache: str | bool,
    what: str,
) -> Gathered:
    """Load each of `count` data once, so that those that cannot be read are known, and keep them where they fit.

    Args:
        load: place -> {key: datum as it is on the disk}, or None where it cannot be read.
        views: how the data of each key reach the model.
        cache: as the setting of that name.
        what: for the progress bar.
    """
    nbytes = sum(view.kind.nbytes for view in views.values())
    keep, budget = fits(count, (nbytes,), cache), free_memory() // 4
    kept = {key: _room(view, count if keep else 0) for key, view in views.items()}
    good, shapes, used = [], {key: set() for key in views}, 0

    def item(place: int):
        loaded = load(place)
        if loaded is None:
            return None
        bases = {key: view.base(loaded[key]) for key, view in views.items()} if keep else {}
        return {key: loaded[key].shape for key in views}, bases

    for place, found in enumerate(track(in_order(item, list(range(count))), count, what)):
        if found is None:
            continue
        good.append(place)
        for key in views:
            shapes[key].add(found[0][key])
        used += sum(base.nbytes for base in found[1].values())
        if keep and cache == "auto" and used > budget:  # pictures at their own sizes, which nobody knew
            keep, used, kept = False, 0, {}
        for key, base in found[1].items() if keep else ():
            kept[key][len(good) - 1] = base
    rows = np.array(good, np.int64)

    def again(key: str, row: int) -> np.ndarray:
        loaded = load(int(rows[row]))
        if loaded is None:
            raise ZooError(f"{what}: a file could be read when training began and cannot any more.")
        return views[key].base(loaded[key])

    columns = {
        key: _column(view, kept[key][: len(good)] if keep else None, len(good), again, key)
        for key, view in views.items()
    }
    return Gathered(columns, rows, shapes, used)


def _room(view: View, count: int) -> list | np.ndarray:
    """Where `count` data are kept: one array, or a list where they are of unlike sizes."""
    return [None] * count if view.cut else np.empty((count, *view.kind.shape), view.kind.stored)


def _column(view: View, kept: list | np.ndarray | None, count: int, again: Callable, key: str):
    """What an int64 array of rows indexes."""
    if view.cut:
        own = kept.__getitem__ if kept is not None else lambda row: again(key, row)
        return Pictures(own, count, view, sum(base.nbytes for base in kept or ()))
    kind = view.kind
    if kept is not None:
        return kept
    return Lazy(
        lambda rows: np.stack([*in_order(lambda row: again(key, row), list(rows))]),
        count,
        kind.shape,
        keep=False,
        dtype=kind.stored,
    )
