"""Networks of sentences: a language model that writes, and a convolutional judge."""

import keras
from keras import layers, ops

from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import Dropout
from tfgan_zoo.layers.highway import Highway


@keras.saving.register_keras_serializable("tfgan_zoo")
class LanguageModel(layers.Layer):
    """An LSTM that reads a text word by word and tells at each place which word comes next.

    Called on a text, int (n, length), it gives logits, float32 (n, length, tokens): those at place t see the words
    before t. Called on a text and a code, float (n, d), it reads the code beside each word. `write` makes texts.

    Args:
        tokens: how many words there are, the end (0) included.
        embedding_dim: width of a word.
        units: of the LSTM.
    """

    def __init__(self, tokens: int, embedding_dim: int, units: int, **kwargs):
        super().__init__(**kwargs)
        self.tokens, self.embedding_dim, self.units = tokens, embedding_dim, units
        self.words = layers.Embedding(tokens + 1, embedding_dim, name="words")  # the last one stands before the first
        self.cell = layers.LSTMCell(units, name="cell")
        self.reader = layers.RNN(self.cell, return_sequences=True, name="reader")
        self.choice = layers.Dense(tokens, dtype="float32", name="choice")

    def build(self, input_shape):
        text, *code = input_shape if isinstance(input_shape[0], list | tuple) else [input_shape]
        self.words.build(text)
        self.reader.build((*text, self.embedding_dim + sum(shape[-1] for shape in code)))
        self.choice.build((*text, self.units))
        super().build(input_shape)

    def call(self, inputs):
        text, *code = inputs if isinstance(inputs, list | tuple) else [inputs]
        start = ops.full_like(text[:, :1], self.tokens)
        before = self.words(ops.concatenate([start, text[:, :-1]], axis=1))
        beside = [ops.repeat(one[:, None], text.shape[1], axis=1) for one in code]
        return self.choice(self.reader(ops.concatenate([before, *beside], axis=-1)))

    def write(self, text, known=None, levels=None, code=None, temperature=1.0):
        """Texts, word by word: the likeliest word, or the one that noise chooses.

        Args:
            text: int (n, length), texts to continue; only their shape counts without `known`.
            known: int (n,), how many words of them stay.
            levels: float32 (n, length) in [0, 1): each chooses a word, by the share of probability that lies below it.
            code: float (n, d), for a model that reads one.
            temperature: by which logits are divided, a number or float (n, 1).

        Returns:
            int32 (n, length), 0 behind the end.
        """
        rows, length = ops.shape(text)[0], text.shape[1]
        known = ops.zeros((rows,), "int32") if known is None else known
        beside = [] if code is None else [ops.cast(code, self.compute_dtype)]

        def step(place, carried):
            text, word, ended, *state = carried
            hidden, state = self.cell(ops.concatenate([self.words(word), *beside], axis=-1), state)
            logits = self.choice(hidden) / temperature
            chosen = ops.argmax(logits, axis=1) if levels is None else at_level(logits, ops.take(levels, place, axis=1))
            word = ops.where(place < known, ops.take(text, place, axis=1), ops.where(ended, 0, chosen))
            text = ops.where(ops.arange(length) == place, word[:, None], text)
            return (text, word, word == 0, *state)

        first = ops.full((rows,), self.tokens, "int32"), ops.zeros((rows,), "bool")
        return ops.fori_loop(0, length, step, (text, *first, *self.cell.get_initial_state(batch_size=rows)))[0]

    def get_config(self):
        own = {"tokens": self.tokens, "embedding_dim": self.embedding_dim, "units": self.units}
        return {**super().get_config(), **own}


def at_level(logits, level):
    """The word below which the share `level` (n,) of probability lies: logits (n, words) -> int32 (n,)."""
    below = ops.cumsum(ops.softmax(logits), axis=1) <= level[:, None]
    return ops.minimum(ops.sum(ops.cast(below, "int32"), axis=1), logits.shape[1] - 1)  # sums may end below 1


def language_model(kind, embedding_dim, units):
    """A network text -> logits of each word, given those before it; its layer "language" writes."""
    text = keras.Input(kind.shape, dtype=kind.model, name="text")
    return keras.Model(text, LanguageModel(kind.tokens, embedding_dim, units, name="language")(text), name="generator")


def costs(logits, text):
    """-log p of each word of texts, float32 (n, length); 0 behind the end, whose own place counts.

    Args:
        logits: float32 (n, length, tokens).
        text: int (n, length).
    """
    counts = ops.cast(places(text), "float32")
    return counts * ops.sparse_categorical_crossentropy(text, logits, from_logits=True)


def places(text):
    """Where texts have a word or their end: bool (n, length)."""
    return ops.concatenate([ops.ones_like(text[:, :1]), text[:, :-1]], axis=1) > 0


def judged_beginnings(text, levels, write, judge):
    """How texts are judged that begin as these do: float32 (n, T), at place t after their word t.

    Args:
        text: int (n, T).
        levels: float32 (n, N, T - 1, T), the noise of N continuations of each unfinished beginning.
        write: (levels, text=, known=) -> texts that go on where `known` words end.
        judge: texts -> float32 (n, 1).
    """
    rows, length = ops.shape(text)[0], text.shape[1]
    begun, known = ops.tile(text, (length - 1, 1)), ops.repeat(ops.arange(1, length), rows)

    def continued(levels):  # one continuation of every beginning: those of all texts after a word, after two ...
        levels = ops.reshape(ops.transpose(levels, (1, 0, 2)), (-1, length))
        return judge(write(levels, text=begun, known=known))

    unfinished = ops.mean(ops.map(continued, ops.transpose(levels, (1, 0, 2, 3))), axis=0)
    unfinished = ops.transpose(ops.reshape(unfinished, (length - 1, rows)))
    return ops.concatenate([unfinished, ops.reshape(judge(text), (rows, 1))], axis=1)


def judge(kind, embedding_dim, sizes, maps, dropout):
    """A network text -> logit: the strongest answer of each filter to any words in a row. Kim 2014, Zhang, LeCun 2015.

    Args:
        kind: the texts' `Text`.
        sizes: words that filters see at once; those longer than the text are left out.
        maps: filters of each size.
        dropout: share of the filters' answers that is dropped in training.

    Raises:
        ZooError: sizes and maps of unequal numbers, or no size that the texts have.
    """
    if len(sizes) != len(maps) or min(sizes) > kind.shape[0]:
        raise ZooError(
            f"filter_sizes={list(sizes)}, filters={list(maps)}: give as many counts as sizes, and a size that is not "
            f"above the {kind.shape[0]} words of a text."
        )
    text = keras.Input(kind.shape, dtype=kind.model, name="text")
    words = layers.Embedding(kind.tokens, embedding_dim)(text)
    found = [
        layers.GlobalMaxPooling1D()(layers.Conv1D(count, size, activation="relu")(words))
        for size, count in zip(sizes, maps, strict=True)
        if size <= kind.shape[0]
    ]
    x = Highway()(layers.Concatenate()(found) if found[1:] else found[0])
    logit = layers.Dense(1, dtype="float32", name="logit")(Dropout(dropout)(x))
    return keras.Model(text, logit, name="discriminator")
