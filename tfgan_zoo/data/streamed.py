"""Records of TFDS: how they become elements, and data that are read from the disk in every epoch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfgan_zoo.data import memory, sounds
from tfgan_zoo.data.clips import Clips, ClipView, draws
from tfgan_zoo.data.keyed import bits, permutation
from tfgan_zoo.data.making import Making
from tfgan_zoo.data.opened import Data, part
from tfgan_zoo.data.tfds_features import value_of
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, Image, Modality, Text, Video

# Records that are shuffled together when streaming; tfds has shuffled all of them when it wrote the files.
BLOCK = 8192
BLOCK_BYTES = 2**28  # of videos, which are large, as many as take this


class Records:
    """Records in their order on the disk, pictures and the frames of videos still encoded.

    Args:
        raw: a dataset of them.
        count: how many there are.
        making: what they become.
        paths: {key: where its feature lies in a record}.
        main: the feature of the pictures, sounds or videos.
        clips: how videos become clips; None without.
        nbytes: of a record, where that is known.
    """

    def __init__(
        self,
        raw,
        count: int,
        making: Making,
        paths: Mapping[str, str],
        main: Any,
        clips: ClipView | None = None,
        nbytes: int | None = None,
    ):
        self.raw, self.count, self.making, self.paths, self.main = raw, count, making, paths, main
        self.picture, self.audio, self.video = (
            next((key for key, kind in making.given.items() if isinstance(kind, cls)), None)
            for cls in (Image, Audio, Video)
        )
        self.view = making.view(self.picture) if self.picture else clips
        if self.audio or self.video:
            self.raw = raw.map(self._packed)
        self.block = min(BLOCK, max(1, BLOCK_BYTES // (nbytes or 2**20))) if self.video else BLOCK
        # Pictures of one size can be batched first and prepared many at a time.
        self.alike = self.picture is not None and None not in main.shape and not self.view.cut

    def read(self, numbered, size: int, seed: int | None = None, drop_remainder: bool = False):
        """Batches of `size` of numbered records (n, record): elements n of the run of `seed`, or as evaluation sees
        them where there is none; before flips and what is derived.
        """
        import tensorflow as tf

        options = {"num_parallel_calls": tf.data.AUTOTUNE, "deterministic": True}
        elements = numbered.map(lambda n, record: self._element(n, record, seed), **options)
        batches = elements.batch(size, drop_remainder=drop_remainder)
        if not self.alike or (tuple(self.main.shape) == self.view.kind.shape and not self.view.steady):
            return batches

        def prepare(batch):
            pictures = tf.numpy_function(lambda own: np.stack([*map(self.view.base, own)]), [batch[key]], tf.uint8)
            return batch | {key: tf.ensure_shape(pictures, (batch[key].shape[0], *self.view.kind.shape))}

        key = self.picture
        return batches.map(prepare, **options)

    def _element(self, n, record, seed: int | None):
        import tensorflow as tf

        out = {}
        for key, kind in self.making.given.items():
            value = value_of(record, self.paths[key])
            if key == self.picture:
                value = self._decoded(value, self.main)
                if not self.alike:
                    value = tf.numpy_function(lambda own, n: self._prepared(own, n, seed), [value, n], tf.uint8)
                out[key] = tf.ensure_shape(value, self.main.shape if self.alike else kind.shape)
            elif key == self.video:
                out[key] = tf.ensure_shape(self._clip(value, n, seed), kind.shape)
            else:
                out[key] = self._other(kind, value)
        return out

    def _other(self, kind: Modality, value):
        """A sound, a text or a number of a record as the model wants it."""
        import tensorflow as tf

        if isinstance(kind, Audio):
            value = tf.io.parse_tensor(value, tf.int32)
            value = tf.numpy_function(lambda own: self._sound(own, kind), [value], tf.int16)
        elif isinstance(kind, Text):
            value = tf.numpy_function(lambda one: kind.encode([one])[0], [value], tf.int32)
        return tf.ensure_shape(tf.cast(value, kind.stored), kind.shape)

    def _decoded(self, value, feature):
        import tensorflow as tf

        value = feature.decode_example(value)
        return tf.cast(value // 257, tf.uint8) if value.dtype == tf.uint16 else value

    def _frames(self, encoded):
        """Encoded frames (n,) -> uint8 (n, h, w, c)."""
        import tensorflow as tf

        decode = lambda one: self._decoded(one, self.main.feature)  # noqa: E731
        return tf.map_fn(decode, encoded, fn_output_signature=tf.TensorSpec(self.main.shape[1:], tf.uint8))

    def _clip(self, packed, n, seed: int | None):
        """The clip of element `n`, of which alone the frames are decoded."""
        import tensorflow as tf

        def places(length, n):
            return self.view.places(int(length), None if seed is None else draws(seed, n))

        def cropped(frames, n):
            return self.view.cropped(self._ready(frames), None if seed is None else draws(seed, n))

        encoded = tf.io.parse_tensor(packed, tf.string)
        chosen = tf.numpy_function(places, [tf.size(encoded), n], tf.int64)
        return tf.numpy_function(
            cropped, [self._frames(tf.gather(encoded, tf.ensure_shape(chosen, [None]))), n], tf.uint8
        )

    def _ready(self, frames: np.ndarray) -> np.ndarray:
        """The frames of a video as they are kept."""
        shape = self.view.shape(frames[0])
        return np.stack([self.view.prepared(frame, shape) for frame in frames[: self.view.cut.most]])

    def _packed(self, record):
        """The record with its sound or its frames as bytes, which can be batched whatever their length."""
        import tensorflow as tf

        path = self.paths[self.audio or self.video]
        value = tf.cast(record[path], tf.int32) if self.audio else record[path]
        return record | {path: tf.io.serialize_tensor(value)}

    def _sound(self, own: np.ndarray, kind: Audio) -> np.ndarray:
        """One channel at the model's rate and of its length."""
        mixed = np.rint(own.reshape(len(own), -1).mean(axis=1, keepdims=True)).astype(np.int16)
        return kind.fit(sounds.resampled(mixed, int(self.main.sample_rate), kind.rate, "the data set"))

    def _prepared(self, own: np.ndarray, n: int, seed: int | None) -> np.ndarray:
        base = self.view.base(own)
        return self.view.plain(base) if seed is None else self._cut(base, n, seed)

    def _cut(self, base: np.ndarray, n: int, seed: int) -> np.ndarray:
        return self.making.part([base], seed, int(n))[0] if self.view.cut else base

    # === In memory ===
    def load(self, what: str) -> dict[str, Any]:
        """All records as columns. Raises ZooError when the files are damaged."""
        import tensorflow as tf

        given, first, reason = self.making.given, 0, "files too short"
        cut = (self.picture or self.video) if self.view and self.view.cut else None
        columns = {key: np.empty((self.count, *kind.shape), kind.stored) for key, kind in given.items() if key != cut}
        own: list[np.ndarray] = []
        batches = self._own() if cut else self.read(self.raw.enumerate(), 64)
        total = self.count if cut else -(-self.count // 64)
        try:
            for chunk in memory.track(batches.as_numpy_iterator(), total, f"Reading {what}"):
                if cut:
                    datum = chunk.pop(cut)
                    own.append(self._ready(datum) if self.video else self.view.base(datum))
                    chunk = {key: np.asarray(value)[None] for key, value in chunk.items()}
                size = 1 if cut else len(next(iter(chunk.values())))
                for key, values in chunk.items():
                    columns[key][first : first + size] = values
                first += size
        except tf.errors.OpError as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if first != self.count:
            found = f"only {first:,} of {self.count:,} examples could be read ({reason})"
            raise ZooError(f"{what}: {found}; remove the damaged files and prepare them again.")
        if cut:
            column = Clips if self.video else memory.Pictures
            columns[cut] = column(own.__getitem__, self.count, self.view, sum(datum.nbytes for datum in own))
        return columns

    def _own(self):
        """One record after the other, its picture or video as it is."""
        import tensorflow as tf

        def element(record):
            out = {}
            for key, kind in self.making.given.items():
                value = value_of(record, self.paths[key])
                if key == self.picture:
                    out[key] = self._decoded(value, self.main)
                elif key == self.video:
                    out[key] = self._frames(tf.io.parse_tensor(value, tf.string))
                else:
                    out[key] = self._other(kind, value)
            return out

        return self.raw.map(element, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """How many bytes are kept of each: of a picture or video as the model wants it, or of its own where parts are
        cut.
        """
        if self.picture:
            return tuple(self.main.shape) if self.view.cut else self.view.kind.shape
        if self.video:
            return (self.main.shape[0], *(self.main.shape[1:] if self.view.crop else self.view.kind.shape[1:]))
        return (sum(kind.nbytes for kind in self.making.given.values()),)


class Streamed(Data):
    """Records read from the disk in every epoch, for data that memory does not hold.

    It keeps the promises of `Data`, but `start=k` reads (without decoding) what its epoch has before batch k.
    """

    def __init__(self, making: Making, records: Records, **common):
        super().__init__(making, {}, **common)
        self.records = records

    def batches(self, batch_size: int, *, seed: int = 0, start: int = 0, shard: tuple[int, int] = (0, 1)):
        import tensorflow as tf

        from tfgan_zoo.data.pipeline import finish

        low, high = part(batch_size, shard)
        epoch, place = divmod(start * batch_size, self.num_examples)
        records = tf.data.Dataset.range(epoch, tf.int64.max).flat_map(lambda epoch: self._shuffled(seed, epoch))
        numbered = records.skip(place).enumerate(start=start * batch_size)
        if high - low < batch_size:
            numbered = numbered.filter(lambda n, _: (n % batch_size >= low) & (n % batch_size < high))
        batches = self.records.read(numbered, high - low, seed, drop_remainder=True)
        making = self.making
        if not making.derived and not (making.chosen.random and making.treated):
            return finish(batches)

        def turn(k, batch):
            n = k * batch_size + np.arange(low, high)
            return making.finished(batch, seed, n)

        return finish(self._changed(batches.enumerate(start=start), turn))

    def _changed(self, numbered, change):
        """`change(k, pictures) -> pictures and what is derived of them`, of numbered batches; also for videos."""
        import tensorflow as tf

        making = self.making
        made = [*making.treated, *making.derived]

        def mapped(k, batch):
            def function(k, *columns):
                result = change(int(k), dict(zip(making.treated, map(np.array, columns), strict=True)))
                return [result[key] for key in made]

            size = next(iter(batch.values())).shape[0]
            given = [batch[key] for key in making.treated]
            values = tf.numpy_function(function, [k, *given], [tf.uint8] * len(made))
            changed = {
                key: tf.ensure_shape(value, (size, *self.spec[key].shape))
                for key, value in zip(made, values, strict=True)
            }
            batch = batch | changed
            return {key: batch[key] for key in self.spec}

        return numbered.map(mapped)

    def _shuffled(self, seed: int, epoch):
        """The records of an epoch, shuffled in blocks; the blocks begin elsewhere in every epoch."""
        import tensorflow as tf

        block, raw = min(self.records.block, self.num_examples), self.records.raw

        def order(epoch, number, size):
            return permutation(int(size), seed, 0, int(epoch), int(number))

        def shuffle(number, records):
            size = tf.shape(tf.nest.flatten(records)[0])[0]
            places = tf.ensure_shape(tf.numpy_function(order, [epoch, number, size], tf.int64), [None])
            return tf.nest.map_structure(lambda column: tf.gather(column, places), records)

        first = tf.numpy_function(lambda epoch: int(bits(seed, 0, int(epoch), -1)[0] % block), [epoch], tf.int64)
        first = tf.ensure_shape(first, [])
        blocks = raw.take(first).batch(block).concatenate(raw.skip(first).batch(block))
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

        raw = self.records.raw if limit is None else self.records.raw.take(limit)
        batches = self.records.read(raw.enumerate(), batch_size)
        if not self.making.derived:
            return finish(batches)

        def complete(k, batch):
            size = len(next(iter(batch.values())))
            return self.making.plain(batch, k * batch_size + np.arange(size))

        return finish(self._changed(batches.enumerate(), complete))
