"""TensorFlow Datasets, by name: `mnist`, `celeb_a`, `lsun/bedroom` ..., and their split slices.

What fits in memory is read once and served in any order. The rest streams from the disk: the records of an
epoch are shuffled still encoded, in blocks, in an order that depends on (seed, epoch) alone.
"""

import contextlib
import difflib
import logging
import os
from pathlib import Path

import numpy as np
from pydantic import field_validator

from tfgan_zoo.data import memory
from tfgan_zoo.data.base import (
    DATA_VARIABLE,
    About,
    BaseSource,
    Data,
    Spec,
    label_key,
    part,
    picture_key,
    require,
)
from tfgan_zoo.data.keyed import bits, permutation
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.modalities import Image, Text

# Records that are shuffled together when streaming; tfds has shuffled all of them when it wrote the files.
BLOCK = 8192


class Source(BaseSource):
    """`name`: the dataset, with its config and version if need be; `data_dir`: where it is, directly or below `tfds`
    (default: where tfds keeps its data); `download`: fetch it when it is not there; `label`: the feature that holds the
    class, such as `attributes/Male` (default `label`).
    """

    source: str = "tfds"
    name: str
    download: bool = False
    label: str = "label"

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("name is empty; give a dataset, such as 'mnist'.")
        return value

    def _open(self, spec: Spec, split: str) -> Data:
        import tensorflow as tf

        builder = self._builder()
        features = builder.info.features
        image_feature, image = _image_feature(self.name, features)
        picture, label = picture_key(spec, self.name), label_key(spec)
        text = next((key for key, kind in spec.items() if isinstance(kind, Text)), None)
        has_label, has_text = _at(features, self.label) is not None, "text" in features
        if label and not has_label:
            others = ", ".join(_class_features(features)) or "this dataset has none"
            raise ZooError(
                f"{self.name} has no feature {self.label!r}, but the model wants labels; "
                f"name it with data.label: {others}."
            )
        require(spec, [picture, label, text if has_text else None], self.name)
        paths = {picture: image_feature, label: self.label, text: "text"}
        classes, names = _classes(self.name, self.label, _at(features, self.label)) if label else (None, None)

        raw = self._read(builder, split, [paths[key] for key in spec])
        count = int(raw.cardinality())
        if count < 1:
            raise ZooError(f"data.split {split!r} of {self.name} is empty; its splits: {_splits(builder)}.")
        wanted = spec[picture].shape if picture else ()
        shape, prepare = tuple(image.shape), self.prepare(spec[picture]) if picture else None
        alike = None not in shape  # images of one size can be batched first, and prepared many at a time

        def decode(record):
            out = {}
            for key, kind in spec.items():
                value = _get(record, paths[key])
                if key == picture:
                    value = image.decode_example(value)
                    value = tf.cast(value // 257, tf.uint8) if value.dtype == tf.uint16 else value
                    value = value if alike else tf.numpy_function(prepare, [value], tf.uint8)
                    out[key] = tf.ensure_shape(value, shape if alike else wanted)
                elif key == text:
                    value = tf.numpy_function(lambda one, kind=kind: kind.encode([one])[0], [value], tf.int32)
                    out[key] = tf.ensure_shape(value, kind.shape)
                else:
                    out[key] = tf.cast(value, kind.stored)
            return out

        def prepare_all(pictures):
            return np.stack([prepare(one) for one in pictures])

        def finish_batch(batch):
            if not picture or not alike or (shape == wanted and not self.transforms):
                return batch
            pictures = tf.numpy_function(prepare_all, [batch[picture]], tf.uint8)
            return batch | {picture: tf.ensure_shape(pictures, (batch[picture].shape[0], *wanted))}

        def read(records, size: int, drop_remainder=False):
            decoded = records.map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            batches = decoded.batch(size, drop_remainder=drop_remainder)
            return batches.map(finish_batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

        about = {
            "line": f"tfds {builder.info.full_name} [{split}]",
            "identity": ["tfds", builder.info.full_name, _bytes(builder, split)],
            "num_examples": count,
            "num_classes": classes,
            "class_names": names,
            "image_shape": shape,
        }
        if not memory.fits(count, wanted, self.cache):
            return Streamed(spec, raw, read, source=self, split=split, about=About(**about))
        columns = self._load(read(raw, 64), spec, count, f"{self.name} [{split}]")
        about["cached_bytes"] = sum(column.nbytes for column in columns.values())
        return Data(spec, columns, source=self, split=split, about=About(**about))

    def splits(self):
        return list(self._builder().info.splits)

    def knows(self):
        feature = _at(self._builder().info.features, self.label)
        if feature is None:
            return {}
        classes, names = _classes(self.name, self.label, feature)
        return {"num_classes": classes, **({"class_names": list(names)} if names else {})}

    def image_shape(self) -> tuple[int | None, int | None, int]:
        """The shape of the data set's pictures; None for sides that vary. Raises: ZooError as `open`."""
        return tuple(_image_feature(self.name, self._builder().info.features)[1].shape)

    def _load(self, batches, spec: Spec, count: int, what: str) -> dict:
        """All `count` examples as one array for each key. Raises: ZooError when the files are damaged."""
        import tensorflow as tf

        columns = {key: np.empty((count, *kind.shape), kind.stored) for key, kind in spec.items()}
        first, reason = 0, "files too short"
        try:
            for chunk in memory.track(batches.as_numpy_iterator(), -(-count // 64), f"Reading {self.name}"):
                size = len(next(iter(chunk.values())))
                for key, values in chunk.items():
                    columns[key][first : first + size] = values
                first += size
        except tf.errors.OpError as error:
            reason = _first_line(error)
        if first != count:
            found = f"only {first:,} of {count:,} examples could be read ({reason})"
            raise ZooError(f"{what}: {found}; remove the damaged files and prepare them again.")
        return columns

    def _home(self) -> str | None:
        """The folder with the prepared data sets: `data_dir` or $TFGAN_ZOO_DATA, or `tfds` in it."""
        home = self.data_dir or os.environ.get(DATA_VARIABLE)
        if home is None:
            return None
        base, below = self.name.split("/")[0].split(":")[0], Path(home).expanduser() / "tfds"
        return str(below if (below / base).is_dir() else Path(home).expanduser())

    def _builder(self):
        """The dataset's builder, downloaded and prepared when that is asked for. Raises: ZooError."""
        import tensorflow_datasets as tfds

        with _quiet():
            try:
                builder = tfds.builder(self.name, data_dir=self._home())
            except tfds.core.DatasetNotFoundError:
                known = set(tfds.list_builders(with_community_datasets=False))
                near = difflib.get_close_matches(self.name.split("/")[0].split(":")[0], known, n=3, cutoff=0.5)
                hint = f" did you mean {' or '.join(map(repr, near))}?" if near else ""
                where = "https://www.tensorflow.org/datasets/catalog"
                raise ZooError(f"data.name: unknown dataset {self.name!r}:{hint} The list: {where}") from None
            except (ValueError, AssertionError) as error:
                base, _, config = self.name.partition("/")
                configs = []
                with contextlib.suppress(Exception):
                    configs = list(tfds.builder_cls(base).builder_configs)
                if config and configs and config.split(":")[0] not in configs:
                    raise unknown("config", config, configs, f"data.name {base}") from None
                raise ZooError(f"data.name {self.name!r}: {_first_line(error)}") from None
            if self.download:
                try:
                    builder.download_and_prepare()
                except Exception as error:  # the network, the disk, a site that has moved: all end here
                    raise ZooError(
                        f"{self.name} could not be downloaded: {_first_line(error)}; {self._ways()}"
                    ) from None
        return builder

    def _read(self, builder, split: str, paths: list[str]):
        """The records in their order on the disk, images still encoded, other features left out."""
        import tensorflow_datasets as tfds

        wanted, skip = {}, {}
        for path in paths:
            *groups, last = path.split("/")
            inner = wanted
            for group in groups:
                inner = inner.setdefault(group, {})
            inner[last] = True
            if isinstance(_at(builder.info.features, path), tfds.features.Image):
                skip[path] = tfds.decode.SkipDecoding()
        config = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
        config.options.deterministic = True
        decoders = tfds.decode.PartialDecoding(wanted, decoders=skip)
        with _quiet():
            try:
                return builder.as_dataset(split=split, decoders=decoders, shuffle_files=False, read_config=config)
            except AssertionError:
                raise ZooError(f"{self.name} is not in {builder.data_dir}; {self._ways()}") from None
            except ValueError as error:
                splits, name = list(builder.info.splits), split.partition("[")[0]
                if name not in splits and "+" not in split:
                    raise unknown("split", name, splits, "data.split") from None
                raise ZooError(f"data.split {split!r}: {_first_line(error)} Splits: {_splits(builder)}.") from None

    def _ways(self) -> str:
        return (
            "fetch it with data.download=true (--download), give a folder of your own with "
            "data.source=folder data.path=FOLDER, or use the embedded data: data.source=synthetic (--smoke)."
        )


class Streamed(Data):
    """Records read from the disk in every epoch, for data that memory does not hold.

    It keeps the promises of `Data`, but `start=k` reads (without decoding) what its epoch has before batch k.
    """

    def __init__(self, spec: Spec, raw, read, **common):
        super().__init__(spec, {}, **common)
        self.raw, self.read = raw, read

    def batches(self, batch_size: int, *, seed: int = 0, start: int = 0, shard: tuple[int, int] = (0, 1)):
        import tensorflow as tf

        from tfgan_zoo.data.pipeline import finish

        low, high = part(batch_size, shard)
        epoch, place = divmod(start * batch_size, self.num_examples)
        records = tf.data.Dataset.range(epoch, tf.int64.max).flat_map(lambda epoch: self._shuffled(seed, epoch))
        size, records = high - low, records.skip(place)
        if size < batch_size:
            numbered = records.enumerate().filter(lambda n, _: (n % batch_size >= low) & (n % batch_size < high))
            records = numbered.map(lambda _, record: record)
        batches = self.read(records, size, drop_remainder=True)
        pictures = [key for key, kind in self.spec.items() if isinstance(kind, Image)]
        if not self.augment or not pictures:
            return finish(batches)

        def augment(k, batch):
            def function(k, *columns):
                n = k * batch_size + np.arange(low, high)
                changed = self._augmented(dict(zip(pictures, map(np.array, columns), strict=True)), seed, n)
                return [changed[key] for key in pictures]

            given = [batch[key] for key in pictures]
            changed = tf.numpy_function(function, [k, *given], [tf.uint8] * len(pictures))
            return batch | {
                key: tf.ensure_shape(value, batch[key].shape) for key, value in zip(pictures, changed, strict=True)
            }

        return finish(batches.enumerate(start=start).map(augment))

    def _shuffled(self, seed: int, epoch):
        """The records of an epoch, shuffled in blocks; the blocks begin elsewhere in every epoch."""
        import tensorflow as tf

        block = min(BLOCK, self.num_examples)

        def order(epoch, number, size):
            return permutation(int(size), seed, 0, int(epoch), int(number))

        def shuffle(number, records):
            size = tf.shape(tf.nest.flatten(records)[0])[0]
            places = tf.ensure_shape(tf.numpy_function(order, [epoch, number, size], tf.int64), [None])
            return tf.nest.map_structure(lambda column: tf.gather(column, places), records)

        first = tf.numpy_function(lambda epoch: int(bits(seed, 0, int(epoch), -1)[0] % block), [epoch], tf.int64)
        first = tf.ensure_shape(first, [])
        blocks = self.raw.take(first).batch(block).concatenate(self.raw.skip(first).batch(block))
        return blocks.enumerate().map(shuffle).unbatch()

    def rows(self, places):
        """One ordered pass up to the last of `places`."""
        wanted, found, first = list(map(int, places)), {}, 0
        for batch in self.examples(64, max(wanted, default=-1) + 1).as_numpy_iterator():
            size = len(next(iter(batch.values())))
            for place in wanted:
                if first <= place < first + size:
                    found[place] = {key: column[place - first] for key, column in batch.items()}
            first += size
        return {key: np.stack([found[place][key] for place in wanted]) for key in self.spec}

    def examples(self, batch_size: int, limit: int | None = None):
        from tfgan_zoo.data.pipeline import finish

        return finish(self.read(self.raw if limit is None else self.raw.take(limit), batch_size))


@contextlib.contextmanager
def _quiet():
    """Without tfds's warnings about folders that are not there: the error says it."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _splits(builder) -> str:
    return ", ".join(builder.info.splits) or "unknown"


def _bytes(builder, split: str):
    """The size of the split's files: the same name and version may have been prepared in different ways."""
    with contextlib.suppress(Exception):
        return builder.info.splits[split.partition("[")[0]].num_bytes
    return None


def _at(features, path: str):
    """The feature at `a/b`, or None."""
    for name in path.split("/"):
        if not hasattr(features, "keys") or name not in features:
            return None
        features = features[name]
    return features


def _get(record: dict, path: str):
    for name in path.split("/"):
        record = record[name]
    return record


def _image_feature(name: str, features) -> tuple[str, object]:
    """The key and the feature that hold the picture: `image`, or the only one there is."""
    import tensorflow_datasets as tfds

    found = {k: f for k, f in features.items() if type(f) is tfds.features.Image} if hasattr(features, "items") else {}
    if not found:
        raise ZooError(f"data.name: {name} has no images; give an image dataset.")
    key = "image" if "image" in found else next(iter(found))
    if key != "image" and len(found) > 1:
        raise ZooError(f"data.name: {name} has several images ({', '.join(found)}) and none is called image.")
    if found[key].np_dtype not in (np.uint8, np.uint16):
        raise ZooError(
            f"data.name: {name} has {np.dtype(found[key].np_dtype).name} images; only 8 and 16 bits are read."
        )
    return key, found[key]


def _class_features(features, prefix: str = "") -> list[str]:
    import tensorflow_datasets as tfds

    found = []
    for key, feature in features.items():
        if isinstance(feature, tfds.features.FeaturesDict):
            found += _class_features(feature, f"{prefix}{key}/")
        elif isinstance(feature, tfds.features.ClassLabel) or _is_bool(feature):
            found.append(prefix + key)
    return found


def _is_bool(feature) -> bool:
    return getattr(feature, "np_dtype", None) == np.bool_ and feature.shape == ()


def _classes(name: str, path: str, feature) -> tuple[int, list[str] | None]:
    import tensorflow_datasets as tfds

    if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes:
        return feature.num_classes, feature.names
    if _is_bool(feature):
        return 2, ["no", "yes"]
    raise ZooError(f"data.label {path!r} of {name} is neither a class nor a yes or no; give another feature.")
