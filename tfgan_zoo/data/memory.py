"""Keeping many pictures: what fits in memory, made once and by several threads."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tfgan_zoo import console

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
    """Whether to keep `count` uint8 arrays of `shape` in memory: as told, or when a quarter of the free holds them."""
    if cache != "auto":
        return bool(cache)
    return count * int(np.prod(shape)) <= free_memory() // 4


def free_memory() -> int:
    """Bytes that can be had without swapping, as far as the system tells; 2 GiB where it does not."""
    try:
        with open("/proc/meminfo") as file:
            free = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            free = 2 << 30
    try:  # a container may have less
        with open("/sys/fs/cgroup/memory.max") as most, open("/sys/fs/cgroup/memory.current") as now:
            free = min(free, int(most.read()) - int(now.read()))
    except (OSError, ValueError):
        pass
    return max(free, 0)


class Lazy:
    """`count` images made when they are asked for: `lazy[indices]` is uint8 (len(indices), *shape).

    `make(indices)` returns such an array. With `keep`, each image is made once and kept.
    """

    def __init__(self, make: Callable[[np.ndarray], np.ndarray], count: int, shape: tuple[int, ...], keep: bool):
        self.make, self.count = make, count
        self.kept = np.empty((count, *shape), np.uint8) if keep else None  # pages of memory come when written to
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
