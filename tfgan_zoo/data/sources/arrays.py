"""Arrays in one .npz file: `image` and `label` (one split, train), or `<split>_image` and `<split>_label`.

Pictures are uint8 (n, h, w) or (n, h, w, 1 or 3), labels whole numbers (n,) from 0. Solids are uint8 (n, d, h, w), or
eight voxels in a byte along the last side (`np.packbits`) beside an array `shape` of the four sides. Any other key that
the model wants (`point` ...) is delivered in the dtype that its kind is stored in. A key that the file lacks is looked
for under the usual name of its kind, where it is the only one: a model's `high_res` is the file's `image`.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from tfgan_zoo.data import memory
from tfgan_zoo.data.base import About, BaseSource, refuse_steady, subset, usual_key
from tfgan_zoo.data.making import Making, Spec
from tfgan_zoo.errors import ZooError
from tfgan_zoo.files import sha256
from tfgan_zoo.modalities import ClassLabel, Image, Voxels

DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zipfile.zlib.error, AttributeError)


class Source(BaseSource):
    """Arrays in one .npz file."""

    selects = True

    source: str = "arrays"
    path: str = Field(description="the .npz file: `image` and `label`, or `train_image`, `test_image` ...")

    def _open(self, making: Making, split: str):
        return self._reading(lambda archive, path: self._from(archive, path, making, split))

    def has(self, key):
        return self._reading(lambda archive, path: any(_is(name, key) for name in archive.files))

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
        """`read(archive, path)` of the opened file; damage, which may show late, raises a ZooError of one line."""
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

    def _from(self, archive, path: Path, making: Making, split: str) -> tuple[dict, About]:
        spec, present = making.given, list(archive.files)
        refuse_steady(making, path.name)
        name_of = {key: self._name(key, spec, present) for key in spec}
        asked, main = next(iter(name_of.items()))
        splits = {key.removesuffix(f"_{main}"): key for key in present if key.endswith(f"_{main}")}
        if main in present:
            splits = {"train": main} | splits
        if not splits:
            raise ZooError(f"{path.name} has no {asked!r} or '<split>_{asked}'; its keys: {', '.join(present)}.")
        loaded = {}

        def count(name):
            loaded[name] = archive[splits[name]]
            return len(loaded[name])

        name, places = subset(split, splits, count)
        prefix, total = splits[name].removesuffix(main), len(loaded[name])
        rows = np.arange(places.start, places.stop)
        if self.where:
            fields = {
                key.removeprefix(prefix): archive[key][rows]
                for key in present
                if key.startswith(prefix) and archive[key].shape == (total,)
            }
            rows = rows[self.chosen(fields, len(rows))]
        own = rows if self.where else slice(places.start, places.stop)
        columns, shape, classes = {}, None, None
        for key, kind in spec.items():
            full = prefix + name_of[key]
            if full not in present:
                raise ZooError(f"{path.name} has no {full!r} for the model; its keys: {', '.join(present)}.")
            values = loaded[name] if full == splits[name] else archive[full]
            if len(values) != total:
                raise ZooError(f"{path.name}: {full} has {len(values):,} rows, {splits[name]} has {total:,}.")
            if isinstance(kind, Voxels):
                values = _solids(f"{path.name}: {full}", values, archive["shape"] if "shape" in present else None)
            if isinstance(kind, Image):
                shape = _picture_shape(path.name, values)
                columns[key] = self._prepared(values[own].reshape(len(rows), *shape), making, key)
            elif isinstance(kind, ClassLabel):
                columns[key], classes = _labels(f"{path.name}: {full}", values)[own], int(values.max()) + 1
            elif values.shape[1:] != kind.shape:
                raise ZooError(f"{path.name}: {full} rows are {values.shape[1:]}, not {kind.shape}.")
            else:
                columns[key] = values[own]
        return columns, About(
            description=f"arrays {path.name} [{split}]",
            identity=["arrays", sha256(path)],
            num_examples=len(rows),
            num_classes=classes,
            image_shape=shape,
            cached_bytes=sum(getattr(column, "nbytes", 0) for column in columns.values()),
        )

    def _name(self, key: str, spec: Spec, present: list[str]) -> str:
        """What a key is called in the file: as it is, or by the usual name of its kind where no other key is of it."""
        usual = usual_key(spec[key])
        alone = [usual_key(kind) for kind in spec.values()].count(usual) == 1
        return key if any(_is(name, key) for name in present) or not alone else usual or key

    def _prepared(self, pictures: np.ndarray, making: Making, key: str):
        """The pictures as the model wants them: all at once when they fit in memory, else as they are asked for."""
        view = making.view(key)
        if pictures.shape[1:] == view.kind.shape and not self.transforms:
            return pictures
        load = {key: view}
        return memory.gather(
            lambda place: {key: pictures[place]}, len(pictures), load, self.cache, "Preparing images"
        ).columns[key]


def _is(name: str, key: str) -> bool:
    """Whether an array is the data of `key`, of a split or of all."""
    return name == key or name.endswith(f"_{key}")


def _solids(what: str, values: np.ndarray, shape: np.ndarray | None) -> np.ndarray:
    """Voxels uint8 (n, d, h, w, 1) of 0 and 1. Raises ZooError where `values` are none."""
    if values.dtype not in (np.uint8, bool):
        raise ZooError(f"{what} is {values.dtype}; solids are uint8 of 0 and 1, or packed bits.")
    if shape is not None and shape.shape == (4,) and values.ndim == 4 and values.shape != tuple(shape):
        values = np.unpackbits(values, axis=-1)[..., : shape[-1]]
        if values.shape != tuple(shape):
            raise ZooError(f"{what}: its bits are {values.shape}, and `shape` says {tuple(shape.tolist())}.")
    if values.ndim == 4:
        values = values[..., None]
    if values.size and values.max() > 1:
        raise ZooError(f"{what} holds {values.max()}; solids are 0 and 1, or packed bits beside an array `shape`.")
    return values.astype(np.uint8)


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
