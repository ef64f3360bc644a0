"""Arrays in one .npz file: `image` and `label` (one split, train), or `<split>_image` and `<split>_label`.

Pictures are uint8 (n, h, w) or (n, h, w, 1 or 3), labels whole numbers (n,) from 0. Any other key that the model wants
(`point`, `voxels` ...) is delivered in the dtype that its kind is stored in.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo.data import memory
from tfgan_zoo.data.base import About, BaseSource, Data, Spec, subset
from tfgan_zoo.errors import ZooError
from tfgan_zoo.files import sha256
from tfgan_zoo.modalities import ClassLabel, Image, Modality

DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.zlib.error, AttributeError)


class Source(BaseSource):
    """`path`: the .npz file."""

    source: str = "arrays"
    path: str

    def _open(self, spec: Spec, split: str) -> Data:
        return self._reading(lambda archive, path: self._from(archive, path, spec, split))

    def knows(self) -> dict[str, Any]:
        def classes(archive, path):
            names = ("label", f"{self.split.partition('[')[0]}_label")
            key = next((name for name in names if name in archive.files), None)
            return {"num_classes": int(archive[key].max()) + 1} if key and archive[key].size else {}

        return self._reading(classes)

    def splits(self):
        def names(archive, path):
            prefixes = [key.rpartition("_")[0] for key in archive.files if "_" in key]
            return list(dict.fromkeys((["train"] if any("_" not in key for key in archive.files) else []) + prefixes))

        return self._reading(names)

    def _reading(self, read):
        """`read(archive, path)` of the opened file; damage, which may show late, is told in one line."""
        path = self.place(self.path)
        if not path.is_file():
            raise ZooError(f"data.path {self.path!r} is not a file; give an .npz file.")
        try:
            archive = np.load(path, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ZooError(f"data.path {self.path!r} is a single array; give an .npz of named arrays.")
            with archive:
                return read(archive, path)
        except ZooError:
            raise
        except DAMAGE as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if "pickle" in reason:
                reason = "it is no .npz archive, or one of Python objects"
            raise ZooError(f"data.path {self.path!r} cannot be read as .npz, it may be cut short: {reason}") from None

    def _from(self, archive, path: Path, spec: Spec, split: str) -> Data:
        main, present = next(iter(spec)), list(archive.files)
        splits = {key.removesuffix(f"_{main}"): key for key in present if key.endswith(f"_{main}")}
        if main in present:
            splits = {"train": main} | splits
        if not splits:
            raise ZooError(f"{path.name} has no {main!r} or '<split>_{main}'; its keys: {', '.join(present)}.")
        loaded = {}

        def count(name):
            loaded[name] = archive[splits[name]]
            return len(loaded[name])

        name, places = subset(split, splits, count)
        prefix = splits[name].removesuffix(main)
        columns, total, shape, classes = {}, len(loaded[name]), None, None
        for key, kind in spec.items():
            if prefix + key not in present:
                raise ZooError(f"{path.name} has no {prefix + key!r} for the model; its keys: {', '.join(present)}.")
            values = loaded[name] if key == main else archive[prefix + key]
            if len(values) != total:
                raise ZooError(f"{path.name}: {prefix + key} has {len(values):,} rows, {splits[name]} has {total:,}.")
            own = values[places.start : places.stop]
            if isinstance(kind, Image):
                shape = _picture_shape(path.name, own)
                columns[key] = self._prepared(own.reshape(len(places), *shape), kind)
            elif isinstance(kind, ClassLabel):
                columns[key], classes = _labels(f"{path.name}: {prefix}{key}", own), int(values.max()) + 1
            elif own.shape[1:] != kind.shape:
                raise ZooError(f"{path.name}: {prefix + key} rows are {own.shape[1:]}, not {kind.shape}.")
            else:
                columns[key] = own
        about = About(
            line=f"arrays {path.name} [{split}]",
            identity=["arrays", sha256(path)],
            num_examples=len(places),
            num_classes=classes,
            image_shape=shape,
            cached_bytes=sum(getattr(column, "nbytes", 0) for column in columns.values()),
        )
        return Data(spec, columns, source=self, split=split, about=about)

    def _prepared(self, pictures: np.ndarray, kind: Modality):
        """The pictures as the model wants them: all at once when they fit in memory, else as they are asked for."""
        if pictures.shape[1:] == kind.shape and not self.transforms:
            return pictures
        prepare = self.prepare(kind)

        def make(rows):
            return np.stack([prepare(pictures[row]) for row in rows])

        if not memory.fits(len(pictures), kind.shape, self.cache):
            return memory.Lazy(make, len(pictures), kind.shape, keep=False)
        made = np.empty((len(pictures), *kind.shape), np.uint8)
        ready = memory.in_order(prepare, list(pictures))
        for place, image in enumerate(memory.track(ready, len(pictures), "Preparing images")):
            made[place] = image
        return made


def _labels(what: str, values: np.ndarray) -> np.ndarray:
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise ZooError(f"{what} is {values.dtype} {values.shape}; it must be whole numbers of shape (n,).")
    if values.size and values.min() < 0:
        raise ZooError(f"{what} holds {values.min()}; classes count from 0.")
    return values


def _picture_shape(name: str, values: np.ndarray) -> tuple[int, int, int]:
    """The shape (h, w, c) of one picture. Raises ZooError when `values` are no pictures."""
    if values.dtype != "uint8":
        raise ZooError(f"{name}: images are {values.dtype}; they must be uint8, 0 to 255 (multiply and convert them).")
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[3] not in (1, 3)):
        raise ZooError(f"{name}: images have shape {values.shape}; it must be (n, h, w) or (n, h, w, 1 or 3).")
    return (*values.shape[1:], 1) if values.ndim == 3 else values.shape[1:]
