"""Arrays in one .npz file: `image` and `label` (one split, train), or `<split>_image` and `<split>_label`.

Images are uint8 (n, h, w) or (n, h, w, 1 or 3); labels whole numbers (n,) from 0. Any other key that the
model wants (`point`, `voxels` ...) is delivered as it is, in the dtype the model asks for.
"""

import zipfile
from pathlib import Path

from tfgan_zoo.data.base import BaseSource, Data, Spec, subset
from tfgan_zoo.errors import ZooError
from tfgan_zoo.files import sha256


class Source(BaseSource):
    """`path`: the .npz file."""

    source: str = "arrays"
    path: str

    def _open(self, spec: Spec, split: str) -> Data:
        import numpy as np

        from tfgan_zoo.data import images

        path = Path(self.path).expanduser()
        if not path.is_file():
            raise ZooError(f"data.path {self.path!r} is not a file; give an .npz file.")
        try:
            archive = np.load(path, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ZooError(f"data.path {self.path!r} is a single array; give an .npz of named arrays.")
            with archive:  # np.load has read the list of contents only: damage may show later
                return self._from(archive, path, spec, split, images)
        except ZooError:
            raise
        except (
            OSError,
            ValueError,
            EOFError,
            KeyError,
            zipfile.BadZipFile,
            zipfile.zlib.error,
            AttributeError,
        ) as e:
            reason = str(e).splitlines()[0] if str(e) else type(e).__name__
            raise ZooError(f"data.path {self.path!r} cannot be read as .npz, it may be cut short: {reason}") from None

    def _from(self, archive, path: Path, spec: Spec, split: str, images) -> Data:
        import numpy as np

        main = "image" if "image" in spec else next(iter(spec))
        present = list(archive.files)
        splits = {key.removesuffix(f"_{main}"): key for key in present if key.endswith(f"_{main}")}
        if main in present:
            splits = {"train": main} | splits
        if not splits:
            raise ZooError(f"{path.name} has no {main!r} or '<split>_{main}'; its keys: {', '.join(present)}.")
        lengths = {}

        def count(name):
            lengths[name] = archive[splits[name]]
            return len(lengths[name])

        name, places = subset(split, splits, count)
        prefix = splits[name].removesuffix(main)
        columns, total = {}, len(lengths[name])
        for key in spec:
            if prefix + key not in present:
                raise ZooError(f"{path.name} has no {prefix + key!r} for the model; its keys: {', '.join(present)}.")
            values = lengths[name] if key == main else archive[prefix + key]
            if len(values) != total:
                raise ZooError(f"{path.name}: {prefix + key} has {len(values):,} rows, {splits[name]} has {total:,}.")
            columns[key] = values[places.start : places.stop]
        shape, classes = None, None
        if "image" in spec:
            shape = _check_images(path.name, columns["image"])
            pictures = columns["image"].reshape(len(places), *shape)
            columns["image"] = self._prepared(pictures, spec, images)
        if "label" in spec:
            if columns["label"].ndim != 1 or not np.issubdtype(columns["label"].dtype, np.integer):
                got = f"{columns['label'].dtype} {columns['label'].shape}"
                raise ZooError(f"{path.name}: {prefix}label is {got}; it must be whole numbers of shape (n,).")
            if columns["label"].min() < 0:
                raise ZooError(f"{path.name}: {prefix}label holds {columns['label'].min()}; classes count from 0.")
            everything = archive[prefix + "label"]
            classes = int(everything.max()) + 1
        for key, (wanted, _) in spec.items():
            if key != "image" and columns[key].shape[1:] != wanted:
                raise ZooError(f"{path.name}: {prefix + key} rows are {columns[key].shape[1:]}, not {wanted}.")
        return Data(
            spec,
            columns,
            source=self,
            split=split,
            line=f"arrays {path.name} [{split}]",
            identity=["arrays", sha256(path)],
            num_examples=len(places),
            num_classes=classes,
            image_shape=shape,
            cached_bytes=sum(getattr(column, "nbytes", 0) for column in columns.values()),
        )

    def _prepared(self, pictures, spec: Spec, images):
        """The images as the model wants them: all at once when they fit in memory, else as they are asked
        for.
        """
        import numpy as np

        if pictures.shape[1:] == spec.image_shape and not self.transforms:
            return pictures
        prepare = self.prepare(spec)

        def make(rows):
            return np.stack([prepare(pictures[row]) for row in rows])

        if not images.fits(len(pictures), spec.image_shape, self.cache):
            return images.Lazy(make, len(pictures), spec.image_shape, keep=False)
        made = np.empty((len(pictures), *spec.image_shape), np.uint8)
        ready = images.in_order(prepare, list(pictures))
        for place, image in enumerate(images.track(ready, len(pictures), "Preparing images")):
            made[place] = image
        return made


def _check_images(name: str, values) -> tuple[int, int, int]:
    """The shape (h, w, c) of one image. Raises: ZooError when `values` are no images."""
    if values.dtype != "uint8":
        raise ZooError(f"{name}: images are {values.dtype}; they must be uint8, 0 to 255 (multiply and convert them).")
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[3] not in (1, 3)):
        raise ZooError(f"{name}: images have shape {values.shape}; it must be (n, h, w) or (n, h, w, 1 or 3).")
    return (*values.shape[1:], 1) if values.ndim == 3 else values.shape[1:]
