"""A picture of samples beside the training images nearest to them: what memorisation looks like."""

import copy
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfgan_zoo import console, images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation.asked import asked_for
from tfgan_zoo.evaluation.gathering import cached, gather
from tfgan_zoo.evaluation.given import Pictures
from tfgan_zoo.evaluation.protocol import Protocol
from tfgan_zoo.evaluation.streams import Stream
from tfgan_zoo.files import cache_folder
from tfgan_zoo.metrics import registry
from tfgan_zoo.metrics.maths.distances import nearest


def picture(generated: Stream, training: Stream, protocol: Protocol, *, count: int = 10, k: int = 7) -> np.ndarray:
    """The first `count` generated images, each in a row with the `k` training images nearest to it, nearest first.

    Args:
        protocol: the first of its metrics that has features says in which ones to look. The features of training images
            come from the cache where they have been measured before.

    Returns:
        uint8 (height, width, c).

    Raises:
        ZooError: images of different sizes, or features that are not there.
    """
    (asked,) = asked_for(protocol.but(metrics=(neighbours_on(protocol.metrics),), features=None, settings={}))
    first = copy.copy(generated)
    first.count = min(count, generated.count)
    if isinstance(first, Pictures):
        first.names = first.names[: first.count]
    store = Path(protocol.cache) if protocol.cache else cache_folder()
    with console.progress(transient=True) as progress:
        (theirs,) = cached(training, [asked], store, progress, "training").values()
        (ours,) = gather(first, [asked], progress, "generated").values()
    indices = nearest(ours, theirs, k).indices
    fakes = np.concatenate([batch for batch, _ in first.batches()])[: first.count]
    return rows(fakes, picked(training, indices))


def neighbours_on(metrics: Sequence[str]) -> str:
    """Which metric decides what counts as a neighbour: memorisation on the first features that `metrics` name."""
    for name in metrics:
        choice = registry.parse(name)
        if choice.metric.takes == "features" and not choice.metric.paired:
            return f"memorisation@{choice.extractor}" + (f":{choice.tap}" if choice.tap else "")
    raise ZooError(
        f"neighbours are found by features, and {', '.join(metrics)} has none: add one, such as fd_mnist or fid768."
    )


def picked(stream: Stream, places: np.ndarray) -> np.ndarray:
    """The images of a stream at `places`, int (...) -> uint8 (..., h, w, c), in one pass."""
    wanted, found, start = set(places.ravel().tolist()), {}, 0
    for batch, _ in stream.batches():
        found |= {start + i: batch[i] for i in range(len(batch)) if start + i in wanted}
        start += len(batch)
        if len(found) == len(wanted):
            break
    try:
        chosen = np.stack([found[place] for place in places.ravel()])
    except ValueError:
        raise ZooError(
            f"{stream.description}: its pictures have several sizes; neighbours are drawn of one size."
        ) from None
    return chosen.reshape(*places.shape, *chosen.shape[1:])


def save(path: str | os.PathLike, generated: Stream, training: Stream, protocol: Protocol) -> None:
    """Write `picture` to a .png or .jpg file."""
    images.save_image(path, picture(generated, training, protocol))


def rows(fakes: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Each fake in the first column, the training images nearest to it beside it, nearest first.

    Args:
        fakes: uint8 (n, h, w, c).
        neighbours: uint8 (n, k, h, w, c); training images at `nearest(fake rows, training rows, k).indices`.

    Returns:
        uint8 (height, width, c), n rows of 1 + k images.

    Raises:
        ZooError: images of other types or shapes.
    """
    fakes, neighbours = np.asarray(fakes), np.asarray(neighbours)
    if neighbours.ndim != 5 or fakes.shape != (len(fakes), *neighbours.shape[2:]) or len(fakes) != len(neighbours):
        raise ZooError(f"fakes {fakes.shape} and neighbours {neighbours.shape}; give (n, h, w, c) and (n, k, h, w, c).")
    cells = np.concatenate([fakes[:, None], neighbours], axis=1)
    return images.grid(cells.reshape(-1, *fakes.shape[1:]), columns=cells.shape[1])
