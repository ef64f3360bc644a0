"""Inception's weights file: fetched or converted, and whether it is the published network.

Two independent checks: by the SHA-256 of the source, where it is one of `KNOWN`; and by what the
weights compute, the 768 features of a fixed picture. What comes after those is checked for names and shapes only.
"""

import hashlib
import http.client
import os
import tempfile
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tfgan_zoo import console, files
from tfgan_zoo.errors import ZooError
from tfgan_zoo.features import inception
from tfgan_zoo.features.inception_sources import GRAPH, from_graph, from_state_dict, graph_in
from tfgan_zoo.files import cache_folder

URLS = (
    "https://storage.googleapis.com/download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz",
    "http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz",
)
KNOWN = {
    "009d6814d1bc560d4e7b236e170e9b2d5ca6f4b57bd8037f6db05776204415c6": GRAPH,
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2": "pt_inception-2015-12-05-6726825d.pth",
}
"""SHA-256 -> what it is of: the graph inside the archive; the state dict that pytorch-fid and torch-fidelity fetch."""

PUBLISHED = (27.558, -1.909, -2.758)  # the published network's `signature`


def cached() -> Path:
    """The file that `download` writes, which is used where no other is named."""
    return cache_folder() / "inception_2015.npz"


def download(urls: Sequence[str] = URLS) -> str:
    """Fetch the published archive (89 MB), convert it and write `cached()`; nothing, if that is there already.

    Args:
        urls: where the archive is; the next one is tried if one does not answer.

    Returns:
        One line that says what was checked.

    Raises:
        ZooError: nothing can be fetched, it is damaged, or it is not the published network; nothing is written then.
    """
    if cached().is_file():
        return f"{cached()} is there already; delete it to fetch it again."
    failed = []
    for url in urls:
        console.note(f"fetching {url} (89 MB)")
        with tempfile.TemporaryFile() as archive:
            try:
                with urllib.request.urlopen(url, timeout=60) as response, console.progress(transient=True) as bar:
                    size = int(response.headers.get("Content-Length") or 89_000_000)
                    task = bar.add_task("fetching, bytes", total=size, text="")
                    while part := response.read(1 << 20):
                        archive.write(part)
                        bar.advance(task, len(part))
            except (OSError, http.client.HTTPException) as error:
                failed.append(f"{url} ({error})")
                continue
            archive.seek(0)
            graph = graph_in(archive, url)
        arrays = from_graph(graph, url)
        same, line = identify(arrays, hashlib.sha256(graph).hexdigest())
        if not same:
            raise ZooError(f"{url}: {line} Nothing was written; try again later.")
        _write(arrays, cached())
        return line
    raise ZooError(
        f"cannot fetch {' nor '.join(failed)}; fetch it elsewhere and give it to evaluate: --inception-weights FILE."
    )


def converted(source: str | os.PathLike) -> Path:
    """The .npz that `convert` makes of `source`, made once and kept in the cache. Raises ZooError as `convert`."""
    if not Path(source).is_file():
        raise ZooError(f"{source}: there is no such file.")
    path = cache_folder() / f"inception_{files.sha256(source)[:12]}.npz"
    if not path.is_file():
        console.note(f"{convert(source, path)} Kept as {path}.")
    return path


def convert(source: str | os.PathLike, path: str | os.PathLike) -> str:
    """Convert the graph (.pb), the archive (.tgz) or a PyTorch state dict (.pth, .pt) `source`; write `path` (.npz).

    Returns:
        One line: whether it is the published network, and which check showed it.

    Raises:
        ZooError: no such file, one of another kind, or one that lacks a part of the network; nothing is written then.
    """
    source, path = Path(source), Path(path)
    if source.suffix not in (".pb", ".tgz", ".pth", ".pt"):
        raise ZooError(f"{source}: give {GRAPH}, the .tgz archive it comes in, or a PyTorch state dict (.pth).")
    if path.suffix != ".npz":
        raise ZooError(f"{path}: the weights are written as .npz; name such a file.")
    if not source.is_file():
        raise ZooError(f"{source}: there is no such file.")
    if source.suffix in (".pth", ".pt"):
        arrays, sha256 = from_state_dict(source), files.sha256(source)
    else:
        with open(source, "rb") as file:
            graph = graph_in(file, str(source)) if source.suffix == ".tgz" else file.read()
        arrays, sha256 = from_graph(graph, str(source)), hashlib.sha256(graph).hexdigest()
    _, line = identify(arrays, sha256)
    _write(arrays, path)
    return line


def identify(arrays: Mapping[str, np.ndarray], sha256: str) -> tuple[bool, str]:
    """Whether these are the weights of the published network, and one line that says which check showed it.

    `sha256` is of the graph or the state dict they come from.
    """
    if not np.allclose(signature(arrays), PUBLISHED, rtol=0, atol=0.01):
        return False, (
            f"SHA-256 {sha256[:12]}...: it is not the published network, by the 768 features of a test "
            "picture; numbers made with it compare with no one else's."
        )
    if sha256 in KNOWN:
        return True, f"The published network, by its SHA-256 ({KNOWN[sha256]}) and the 768 features of a test picture."
    return True, (
        "The published network, by the 768 features of a test picture; of what comes after them only names "
        f"and shapes were checked, since the SHA-256 {sha256[:12]}... is not a known one."
    )


def signature(arrays: Mapping[str, np.ndarray]) -> tuple[float, float, float]:
    """The 768 features of a fixed picture, added up with the weights 1, cos(i) and sin(i)."""
    y, x = np.mgrid[:299, :299]
    picture = np.stack([x * y, 2 * x + 3 * y, x * x // 7 + y], axis=-1).astype(np.float32) % 256
    network, _ = inception.network(arrays)
    features = network(picture[None])["768"].numpy()[0].astype(np.float64)
    i = np.arange(len(features))
    return features.sum(), features @ np.cos(i), features @ np.sin(i)


def _write(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    with files.atomic(path) as temporary:
        np.savez(temporary, **arrays)
