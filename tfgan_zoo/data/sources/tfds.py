"""TensorFlow Datasets, by name: `mnist`, `celeb_a`, `lsun/bedroom`, `ucf101` ..., and their split slices.

What fits in memory is read once and served in any order. The rest streams from the disk: the records of an
epoch are shuffled still encoded, in blocks, in an order that depends on (seed, epoch) alone.
"""

import contextlib
import difflib
import logging
import os
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
from pydantic import Field, field_validator

from tfgan_zoo import console
from tfgan_zoo.data import memory
from tfgan_zoo.data.base import DATA_VARIABLE, About, BaseSource, label_key, picture_key, require, text_key
from tfgan_zoo.data.clips import ClipSource, ClipView
from tfgan_zoo.data.making import Making, Spec
from tfgan_zoo.data.opened import Data
from tfgan_zoo.data.streamed import Records, Streamed
from tfgan_zoo.data.tfds_features import (
    at,
    audio_feature,
    class_features,
    classes,
    image_feature,
    value_of,
    video_feature,
)
from tfgan_zoo.errors import MissingData, ZooError, count_of, unknown
from tfgan_zoo.modalities import Audio, Video

ARCHIVE = "https://storage.googleapis.com"


class Catalogue(BaseSource):
    """A data set of tensorflow-datasets; `data_dir` is where it lies, itself or below `tfds` (default: tfds's own)."""

    selects = True

    name: str = Field(description="the data set, with its config and version if need be: mnist, lsun/bedroom")
    download: bool = Field(False, description="as --download: fetch the data set when it is not there")
    label: str = Field("label", description="the feature that holds the class, such as attributes/Male")
    image: str | None = Field(None, description="the feature that holds the picture, such as hr; default the only one")

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("name is empty; give a dataset, such as 'mnist'.")
        return value

    def _open(self, making: Making, split: str):
        spec, builder = making.given, self._builder()
        features = builder.info.features
        label, text = label_key(spec), text_key(spec)
        datum, place, main = self._datum(spec, features)
        if label and at(features, self.label) is None:
            others = ", ".join(class_features(features)) or "this dataset has none"
            raise ZooError(
                f"{self.name} has no feature {self.label!r}, but the model wants labels; "
                f"name it with data.label: {others}."
            )
        require(spec, [datum, label, text if "text" in features else None], self.name)
        paths = {datum: place, label: self.label, text: "text"}
        number, names = classes(self.name, self.label, at(features, self.label)) if label else (None, None)
        raw = self._read(builder, split, [paths[key] for key in spec])
        count = int(raw.cardinality())
        if self.where and count:
            raw, count = self._where(builder, split, raw, count)
        if count < 1:
            raise ZooError(f"data.split {split!r} of {self.name} is empty; its splits: {_splits(builder)}.")
        raw, count, clips, how = self._cut(making, datum, raw, count, place, main)
        size = _bytes(builder, split)
        records = Records(raw, count, making, paths, main, clips, _share(builder, split, size))
        about = {
            "description": f"tfds {builder.info.full_name} [{split}]",
            "identity": ["tfds", builder.info.full_name, size, *([how] if how else [])],
            "num_examples": count,
            "num_classes": number,
            "class_names": names,
            "image_shape": None if isinstance(spec.get(datum), Audio) else tuple(main.shape[-3:]),
        }
        unknown_size = None in records.shape and self.cache == "auto"
        if unknown_size or not memory.fits(count, records.shape, self.cache):
            return records, About(**about)
        columns = records.load(f"{self.name} [{split}]")
        return columns, About(**about, cached_bytes=sum(column.nbytes for column in columns.values()))

    def _datum(self, spec: Spec, features) -> tuple[str | None, str, object]:
        """The key of the pictures or sounds, and the path and the feature that hold them."""
        audio = next((key for key, kind in spec.items() if isinstance(kind, Audio)), None)
        if audio:
            return audio, *audio_feature(self.name, features)
        return picture_key(spec, self.name), *image_feature(self.name, features, self.image)

    def _cut(self, making: Making, datum: str | None, raw, count: int, place: str, main):
        """(the records that are long enough, how many, how clips are cut of them, what tells them from others)."""
        return raw, count, None, self.image

    def _data(self, making: Making, columns, **common) -> Data:
        return (Streamed if isinstance(columns, Records) else Data)(making, columns, **common)

    def _where(self, builder, split: str, raw, count: int):
        """The records for which `where` holds, and how many they are."""
        features, paths = builder.info.features, {}
        known = class_features(features)
        for key in self.where:
            paths[key] = self.label if key == "label" else key
            if at(features, paths[key]) is None or at(features, paths[key]).shape != ():
                raise unknown("key", key, {"label", *known}, "data.where")
        values: dict[str, list] = {key: [] for key in paths}
        for chunk in self._read(builder, split, list(paths.values())).batch(4096).as_numpy_iterator():
            for key, path in paths.items():
                found = value_of(chunk, path).tolist()
                values[key] += [one.decode() if isinstance(one, bytes) else one for one in found]
        names = getattr(at(features, self.label), "names", None)
        return _only(raw, self.chosen(values, count, names), count)

    def splits(self):
        return list(self._builder().info.splits)

    def knows(self):
        feature = at(self._builder().info.features, self.label)
        if feature is None:
            return {}
        number, names = classes(self.name, self.label, feature)
        return {"num_classes": number, **({"class_names": list(names)} if names else {})}

    def image_shape(self) -> tuple[int | None, int | None, int]:
        """The shape of the data set's pictures; None for sides that vary. Raises: ZooError as `open`."""
        return tuple(image_feature(self.name, self._builder().info.features, self.image)[1].shape)

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
            except Exception as error:  # damaged files make tfds raise nearly anything
                base, _, config = self.name.partition("/")
                configs = []
                with contextlib.suppress(Exception):
                    configs = list(tfds.builder_cls(base).builder_configs)
                if config and configs and config.split(":")[0] not in configs:
                    raise unknown("config", config, configs, f"data.name {base}") from None
                raise ZooError(f"data.name {self.name!r}: {_first_line(error)}") from None
            if self.download:
                downloads = Path(builder._data_dir_root) / "downloads"
                here = builder.is_prepared() or any(path.is_file() for path in downloads.rglob("*"))
                if not here and (reason := offline()):  # tfds would try for minutes
                    what = f"{self.name} could not be downloaded: {ARCHIVE} does not answer ({reason})"
                    raise MissingData(what, self._ways())
                try:
                    builder.download_and_prepare()
                except Exception as error:  # the network, the disk, a site that has moved: all end here
                    what = f"{self.name} could not be downloaded: {_first_line(error)}"
                    raise MissingData(what, self._ways()) from None
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
            if isinstance(at(builder.info.features, path), tfds.features.Image | tfds.features.Video):
                skip[path] = tfds.decode.SkipDecoding()
        config = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
        config.options.deterministic = True
        decoders = tfds.decode.PartialDecoding(wanted, decoders=skip)
        with _quiet():
            try:
                return builder.as_dataset(split=split, decoders=decoders, shuffle_files=False, read_config=config)
            except (AssertionError, KeyError):  # no folder, or one whose description names no splits
                raise MissingData(f"{self.name} is not in {builder.data_dir}", self._ways()) from None
            except ValueError as error:
                splits, name = list(builder.info.splits), split.partition("[")[0]
                if name not in splits and "+" not in split:
                    raise unknown("split", name, splits, "data.split") from None
                raise ZooError(f"data.split {split!r}: {_first_line(error)} Splits: {_splits(builder)}.") from None

    def _ways(self) -> str:
        return (
            "fetch it with data.download=true (--download), give a folder of your own with "
            "data.source=folder data.path=FOLDER (of videos data.source=video), or use the embedded data: "
            "data.source=synthetic (--smoke)."
        )


class Source(ClipSource, Catalogue):
    """A data set of pictures, sounds or videos."""

    source: str = "tfds"
    video: str | None = Field(None, description="the feature that holds the video; default the only one")

    def _datum(self, spec, features):
        video = next((key for key, kind in spec.items() if isinstance(kind, Video)), None)
        if video:
            return video, *video_feature(self.name, features, self.video)
        return super()._datum(spec, features)

    def _cut(self, making, datum, raw, count, place, main):
        if not isinstance(making.given.get(datum), Video):
            return super()._cut(making, datum, raw, count, place, main)
        clips = self.clips(making, making.given[datum])
        raw, count = self._long_enough(raw, count, place, main.shape[0], clips)
        return raw, count, clips, [self.video, *self.how()]

    def _long_enough(self, raw, count: int, place: str, length: int | None, clips: ClipView):
        """The records whose videos are long enough, and how many they are; where nobody knows, all are counted."""
        import tensorflow as tf

        least, kept = clips.cut.span, np.arange(count)
        if self.short == "skip" and length is None:
            lengths = raw.map(lambda record: tf.size(value_of(record, place))).as_numpy_iterator()
            kept = np.flatnonzero(np.array(list(memory.track(lengths, count, "Counting frames"))) >= least)
        if self.short == "skip" and ((length or least) < least or not len(kept)):
            what = f"none of the {count_of(count, 'video')} of {self.name} has the {least} frames of a clip"
            raise ZooError(f"{what}; use data.short=repeat, or a smaller data.stride.")
        if len(kept) == count:
            return raw, count
        console.note(f"{self.name}: left out {count_of(count - len(kept), 'video')} of fewer than {least} frames")
        return _only(raw, kept, count)


def _only(raw, places: np.ndarray, count: int):
    """The records at `places`, of `count`, and how many they are."""
    import tensorflow as tf

    mask = tf.scatter_nd(places[:, None], tf.ones(len(places), tf.int32), [count]) > 0
    kept = raw.enumerate().filter(lambda n, _: mask[n]).map(lambda _, record: record)
    return kept.apply(tf.data.experimental.assert_cardinality(len(places))), len(places)


def offline() -> str | None:
    """Why the place that tfds fetches most data from does not answer; None where it does."""
    try:
        urllib.request.urlopen(ARCHIVE, timeout=10).close()
    except urllib.error.HTTPError:  # an answer
        return None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    return None


@contextlib.contextmanager
def _quiet():
    """Without tfds's warnings about folders that are not there, and urllib3's about each retry: the error says it."""
    loggers = [logging.getLogger(name) for name in ("absl", "urllib3")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _splits(builder) -> str:
    return ", ".join(builder.info.splits) or "unknown"


def _share(builder, split: str, size: int | None) -> int | None:
    """The bytes of one record, of a split of `size` bytes; None where they are not known."""
    return size // max(builder.info.splits[split.partition("[")[0]].num_examples, 1) if size else None


def _bytes(builder, split: str) -> int | None:
    """The size of the split's files: the same name and version may have been prepared in different ways."""
    with contextlib.suppress(Exception):
        return builder.info.splits[split.partition("[")[0]].num_bytes
    return None
