"""Text as numbers."""

import dataclasses
import re
from collections.abc import Container, Sequence

import numpy as np

from tfgan_zoo import files
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities.base import Modality, Shape

STRIPPED = (  # (pattern, what takes its place), for Python's `re` and for TensorFlow's RE2
    (r"""[!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~]""", ""),  # what TextVectorization strips, but for apostrophes
    # Apostrophes within a word stay in it ("don't"), as in NLTK's TweetTokenizer; Moses would make two words of it.
    (r"(^|\s)'+", r"\1"),
    (r"'+(\s|$)", r"\1"),
)


def split_words(text: str | bytes) -> list[str]:
    """The words of a text: small letters, without punctuation but for apostrophes within words."""
    text = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).lower()
    for pattern, instead in STRIPPED:
        text = re.sub(pattern, instead, text)
    return text.split()


def entry(word: str, known: Container[str]) -> str:
    """A word as a vocabulary has it: those that were made without apostrophes have "dont" for "don't"."""
    return word if word in known else word.replace("'", "")


@dataclasses.dataclass(frozen=True)
class Text(Modality):
    """Words as numbers: int32 (length,), 0 behind the last word, 1 for words that are not in `vocabulary`.

    Networks may answer with logits, float (n, length, words). Words and numbers are those of
    `keras.layers.TextVectorization(vocabulary=vocabulary)`: small letters, no punctuation, split at blanks. Apostrophes
    within words alone are kept, where the vocabulary has such words.
    """

    shape: Shape
    vocabulary: tuple[str, ...] = ()
    stored = "int32"
    model = "int32"
    plural = "texts"
    suffixes = (".txt",)

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))

    @property
    def tokens(self) -> int:
        """How many numbers there are: the vocabulary, the one behind the end and the one for unknown words."""
        return len(self.vocabulary) + 2

    def to_stored(self, x):
        import tensorflow as tf

        return tf.argmax(x, -1, tf.int32) if x.dtype.is_floating else tf.cast(x, tf.int32)

    def encode(self, texts: Sequence[str | bytes]) -> np.ndarray:
        """Texts -> int32 (n, length); longer ones are cut."""
        number = {word: place for place, word in enumerate(self.vocabulary, start=2)}
        result = np.zeros((len(texts), *self._sides), np.int32)
        for row, text in zip(result, texts, strict=True):
            words = split_words(text)[: len(row)]
            row[: len(words)] = [number.get(entry(word, number), 1) for word in words]
        return result

    def decode(self, stored: np.ndarray) -> list[str]:
        """int32 (n, length) -> texts; `?` stands for unknown words."""
        words = ("", "?", *self.vocabulary)
        return [" ".join(words[number] for number in row if number > 0) for row in np.asarray(stored)]

    def read(self, path):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ZooError(f"{path}: cannot be read as text ({error}).") from None
        if not lines:
            raise ZooError(f"{path}: holds nothing.")
        return self.encode(lines)

    def write(self, path, datum):
        with files.written(path) as temporary:
            text = "".join(f"{line}\n" for line in self.decode(np.atleast_2d(datum)))
            temporary.write_text(text, encoding="utf-8")

    def example(self, count, random):
        return random.integers(1, self.tokens, (count, *self._sides)).astype(np.int32)

    def given(self, value):
        if isinstance(value, str | bytes):
            return self.encode([value])[0]
        if isinstance(value, Sequence) and value and isinstance(value[0], str | bytes):
            return self.encode(value)
        stored = super().given(value)
        if stored.size and not 0 <= stored.min() <= stored.max() < self.tokens:
            raise ZooError(f"got numbers from {stored.min()} to {stored.max()}; words have 0 to {self.tokens - 1}.")
        return stored
