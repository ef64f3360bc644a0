"""Pictures, sounds and texts as strings, so that clients send and get files: TensorFlow ops in a SavedModel."""

import dataclasses
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.modalities import Audio, Image, Modality, Text
from tfgan_zoo.modalities.text import STRIPPED

LONGEST_SIDE = 4096  # of a picture that is sent: a small file may claim to be larger than the server's memory


@dataclasses.dataclass(frozen=True)
class Reader:
    """How a signature reads one kind of data that comes as strings.

    Attributes:
        key: the input's name in the signature; TensorFlow Serving takes names that end in `_bytes` for binary.
        read: strings (n,) -> the model form (n, ...).
        says: what the strings are, for people.
        table: what the SavedModel must keep for `read`, or None.
    """

    key: str
    read: Callable[[tf.Tensor], tf.Tensor]
    says: str
    table: tf.lookup.StaticHashTable | None = None


def reader(name: str, kind: Any) -> Reader | None:
    """The reader of an input, or None where it comes as numbers."""
    if isinstance(kind, Image):
        return Reader(f"{name}_bytes", lambda files: kind.to_model(read_pictures(files, kind)), "a PNG or JPEG file")
    if isinstance(kind, Audio):
        return Reader(f"{name}_bytes", lambda files: read_sounds(files, kind), f"a WAV file at {kind.rate} Hz")
    if isinstance(kind, Text):
        table = words_table(kind)
        return Reader(name, lambda texts: read_texts(texts, kind, table), "a text", table)
    return None


def suffix(endpoint: Endpoint) -> str | None:
    """What the name of the endpoint's encoded signature ends in; None where nothing in it can be encoded."""
    for kind in (endpoint.output, *endpoint.inputs.values()):
        if isinstance(kind, Image | Audio):
            return "_png" if isinstance(kind, Image) else "_wav"
    return "_text" if any(isinstance(kind, Text) for kind in endpoint.inputs.values()) else None


def written(kind: Modality, answers: tf.Tensor) -> tuple[str, tf.Tensor]:
    """Answers in model form (n, ...) as (their name, files (n,)), or as they are where no file format holds them."""
    if isinstance(kind, Image):
        files = tf.map_fn(tf.io.encode_png, kind.to_stored(answers), fn_output_signature=tf.string)
    elif isinstance(kind, Audio):
        sounds = tf.clip_by_value(answers, -1.0, 1.0)
        files = tf.map_fn(lambda sound: tf.audio.encode_wav(sound, kind.rate), sounds, fn_output_signature=tf.string)
    else:
        return kind.plural, answers
    return f"{kind.plural}_bytes", files


def written_as(kind: Modality) -> tuple[str, str]:
    """The name of answers that `written` gives, and what they are, for people."""
    if isinstance(kind, Image):
        return f"{kind.plural}_bytes", "string (n,), each a PNG file"
    if isinstance(kind, Audio):
        return f"{kind.plural}_bytes", f"string (n,), each a WAV file at {kind.rate} Hz"
    return kind.plural, f"float32 {kind.name}"


# === Reading ===
def read_pictures(files: tf.Tensor, kind: Image) -> tf.Tensor:
    """PNG or JPEG files (n,) -> uint8 (n, height, width, channels): the middle of the model's proportions, resized.

    Where a side of `kind` is free, pictures keep their own size; those of one request must be alike then.
    """
    height, width, channels = kind.shape

    def one(file):
        with tf.control_dependencies([check_sides(file)]):
            picture = tf.io.decode_image(file, channels, expand_animations=False)
        picture.set_shape((None, None, channels))
        if height is None or width is None:
            return picture
        have = tf.cast(tf.shape(picture)[:2], tf.float32)
        part = tf.minimum(have[0] / height, have[1] / width) * tf.constant([height, width], tf.float32)
        part = tf.minimum(tf.maximum(tf.cast(tf.round(part), tf.int32), 1), tf.shape(picture)[:2])
        top, left = tf.unstack((tf.shape(picture)[:2] - part) // 2)
        picture = picture[top : top + part[0], left : left + part[1]]
        picture = tf.image.resize(picture, (height, width), antialias=True)  # exact where the size is right already
        return tf.saturate_cast(tf.round(picture), tf.uint8)

    return tf.map_fn(one, files, fn_output_signature=tf.TensorSpec((height, width, channels), tf.uint8))


def check_sides(file: tf.Tensor) -> tf.Operation:
    """An assertion on what a PNG or JPEG file claims to be, before memory is given to it."""
    png = tf.strings.substr(file, 0, 8) == b"\x89PNG\r\n\x1a\n"
    sides = tf.cond(
        png,
        lambda: tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.int32, little_endian=False),
        lambda: tf.image.extract_jpeg_shape(file)[:2],
    )
    fits = tf.reduce_all((sides >= 1) & (sides <= LONGEST_SIDE))
    return tf.debugging.assert_equal(fits, True, f"a picture must have sides from 1 to {LONGEST_SIDE} pixels.")


def read_sounds(files: tf.Tensor, kind: Audio) -> tf.Tensor:
    """WAV files (n,) -> float32 (n, samples, 1), cut or padded with silence to the model's length."""

    def one(file):
        sound, rate = tf.audio.decode_wav(file, 1, -1 if kind.shape[0] is None else kind.shape[0])
        says = f"a sound must have {kind.rate} samples a second."
        with tf.control_dependencies([tf.debugging.assert_equal(rate, kind.rate, says)]):
            return sound * (32768.0 / 32767.0)  # `decode_wav` divides by 2^15, the zoo by its largest number

    return tf.map_fn(one, files, fn_output_signature=tf.TensorSpec(kind.shape, tf.float32))


def words_table(kind: Text) -> tf.lookup.StaticHashTable:
    """word -> number; 1 for words that are not in the vocabulary, 0 for none."""
    words = tf.constant(["", *kind.vocabulary])
    numbers = tf.constant([0, *range(2, len(kind.vocabulary) + 2)])
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(words, numbers), 1)


def read_texts(texts: tf.Tensor, kind: Text, table: tf.lookup.StaticHashTable) -> tf.Tensor:
    """UTF-8 texts (n,) -> int32 (n, length), as `Text.encode`."""
    texts = tf.strings.lower(texts, "utf-8")
    for pattern, instead in STRIPPED:
        texts = tf.strings.regex_replace(texts, pattern, instead)
    words = tf.strings.split(texts).to_tensor("", shape=(None, kind.shape[0]))
    found = table.lookup(words)
    return tf.where(found == 1, table.lookup(tf.strings.regex_replace(words, "'", "")), found)
