"""Networks between two languages: a translator that knows both by their words alone, and a judge of its states.

Texts are int (n, length), 0 behind the last word, 1 for unknown words. In what the translator reads, the numbers of
the two languages lie behind each other, so that one batch holds texts of both.
"""

import keras
import numpy as np
from keras import layers, ops

from tfgan_zoo.networks import sentences

X, Y = 0, 1  # the languages


@keras.saving.register_keras_serializable("tfgan_zoo")
class Translator(layers.Layer):
    """An encoder and a decoder with attention, LSTMs that both languages share; words and choices are each one's own.

    Called on two texts, each int (n, length), it gives the logits of x given y and of y given x, float32
    (n, length, tokens). `encode`, `decode`, `costs` and `write` are its parts.

    Args:
        tokens: how many numbers each language has, the end (0) and unknown words (1) included.
        units: width of words and of each LSTM.
        depth: LSTMs of the encoder, in both directions, and of the decoder, one above the other.
    """

    def __init__(self, tokens: tuple[int, int], units: int, depth: int, **kwargs):
        super().__init__(**kwargs)
        self.tokens, self.units, self.depth = tuple(tokens), units, depth
        self.starts = sum(tokens), sum(tokens) + 1  # what stands before the first word of a text
        self.words = layers.Embedding(sum(tokens) + 2, units, name="words")
        self.encoders = [
            layers.Bidirectional(layers.LSTM(units, return_sequences=True), name=f"encoder_{level}")
            for level in range(depth)
        ]
        self.cells = [layers.LSTMCell(units, name=f"cell_{level}") for level in range(depth)]
        self.decoders = [layers.RNN(cell, return_sequences=True) for cell in self.cells]
        self.question = layers.Dense(2 * units, use_bias=False, name="question")
        self.found = layers.Dense(units, "tanh", name="found")
        self.choices = [layers.Dense(tokens[side], dtype="float32", name=f"choice_{'xy'[side]}") for side in (X, Y)]

    def build(self, input_shape):
        text = input_shape[X]
        self.words.build(text)
        for level, encoder in enumerate(self.encoders):
            encoder.build((*text, self.units * (2 if level else 1)))
        for decoder in self.decoders:
            decoder.build((*text, self.units))
        self.question.build((*text, self.units))
        self.found.build((*text, 3 * self.units))
        for choice in self.choices:
            choice.build((*text, self.units))
        super().build(input_shape)

    def compute_output_shape(self, input_shape):
        return [(*text, tokens) for text, tokens in zip(input_shape, self.tokens, strict=True)]

    def call(self, inputs):
        texts = [self.numbered(text, language) for language, text in enumerate(inputs)]
        return [
            self.choices[language](self.decode(*self.encode(texts[1 - language]), texts[language], language))
            for language in (X, Y)
        ]

    def numbered(self, text, language):
        """A text in the numbers that the translator reads."""
        return ops.where(text > 0, text + language * self.tokens[X], 0)

    def encode(self, text):
        """Texts as `numbered` -> (the states of their words, float (n, length, 2 units), where there is a word)."""
        known, states = text > 0, self.words(text)
        for encoder in self.encoders:
            states = encoder(states, mask=known)
        return states, known

    def encode_all(self, texts, of):
        """As `encode`, of several texts (n, length) at once, each in the language that `of` says: (k n, ...)."""
        return self.encode(ops.concatenate([self.numbered(text, side) for text, side in zip(texts, of, strict=True)]))

    def decode(self, states, known, text, language):
        """What is known of each word of texts (as `numbered`) given those before it: float (n, length, units).

        Args:
            states, known: what `encode` says of the texts that they translate.
            language: of the texts; for texts of both, int (n, 1).
        """
        x = self.words(ops.concatenate([ops.zeros_like(text[:, :1]) + self.starts[X] + language, text[:, :-1]], axis=1))
        for decoder in self.decoders:
            x = decoder(x)
        return self.attend(x, states, known)

    def attend(self, x, states, known):
        """Each vector of x (n, places, units) with the mean of the states that it asks for. Luong et al. 2015."""
        likeness = ops.cast(ops.einsum("npu,nsu->nps", self.question(x), states), "float32")
        weights = ops.softmax(ops.where(known[:, None], likeness, -1e9))
        mean = ops.einsum("nps,nsu->npu", ops.cast(weights, states.dtype), states)
        return self.found(ops.concatenate([x, mean], axis=-1))

    def costs(self, states, known, texts, of):
        """-log p of texts, each int (n, length), given states (k n, ...): k scalars, the means over whole texts."""
        written = [self.numbered(text, side) for text, side in zip(texts, of, strict=True)]
        sides = ops.repeat(ops.array(of), ops.shape(texts[0])[0])[:, None]
        parts = ops.split(self.decode(states, known, ops.concatenate(written), sides), len(texts))
        return [self.cost(*each) for each in zip(parts, texts, of, strict=True)]

    def cost(self, x, text, language):
        """-log p of texts, int (n, length), by what `decode` says of their words: a scalar, the mean over texts."""
        told = ops.nonzero(ops.reshape(sentences.places(text), (-1,)))[0]  # a third of all places lies behind the end
        words = ops.take(ops.reshape(text, (-1,)), told)
        logits = self.choices[language](ops.take(ops.reshape(x, (-1, self.units)), told, axis=0))
        costs = ops.sparse_categorical_crossentropy(words, logits, from_logits=True)
        return ops.sum(costs) / ops.cast(ops.shape(text)[0], "float32")

    def write(self, states, known, language):
        """The translation, the likeliest word after the other: int32 (n, length), 0 behind the end."""
        rows, length = ops.shape(known)[0], known.shape[1]

        def step(place, carried):
            text, word, ended, *cells = carried
            x, after = self.words(word), []
            for cell, hidden, memory in zip(self.cells, cells[::2], cells[1::2], strict=True):
                x, state = cell(x, [hidden, memory])
                after += state
            logits = self.choices[language](self.attend(x[:, None], states, known))
            word = ops.where(ended, 0, ops.cast(ops.argmax(logits[:, 0], axis=1), "int32"))
            text = ops.where(ops.arange(length) == place, word[:, None], text)
            return (text, self.numbered(word, language), word == 0, *after)

        first = ops.full((rows,), self.starts[language], "int32"), ops.zeros((rows,), "bool")
        empty = [zeros for cell in self.cells for zeros in cell.get_initial_state(batch_size=rows)]
        return ops.fori_loop(0, length, step, (ops.zeros((rows, length), "int32"), *first, *empty))[0]

    def get_config(self):
        own = {"tokens": list(self.tokens), "units": self.units, "depth": self.depth}
        return {**super().get_config(), **own}


def translators(x, y, units, depth, table):
    """A translator of texts of these kinds, and "translator_before", a frozen one; "translator" is the layer of each.

    The vector of each word of y begins as that of its translation, by `table`: `word_table` of y to x.
    """
    texts = [keras.Input(kind.shape, dtype=kind.model, name=key) for key, kind in (("x", x), ("y", y))]
    made = {}
    for name in ("translator", "translator_before"):
        layer = Translator((x.tokens, y.tokens), units, depth, name="translator")
        made[name] = keras.Model(texts, layer(texts), name=name)
    words, told = made["translator"].get_layer("translator").words, np.flatnonzero(table > 1)
    (vectors,) = words.get_weights()
    vectors[x.tokens + told] = vectors[table[told]]
    words.set_weights([vectors])
    made["translator_before"].trainable = False
    return made


def judge(length, units, discriminator_units):
    """A network states of a text -> logit of each that it is of language x: three hidden layers, each state alone."""
    states = hidden = keras.Input((length, 2 * units), name="states")
    for _ in range(3):
        hidden = layers.LeakyReLU(0.2)(layers.Dense(discriminator_units)(hidden))
    return keras.Model(states, layers.Dense(1, dtype="float32")(hidden), name="discriminator")


def translation(network, text, language):
    """What a translator makes of texts of a language: int32 (n, length)."""
    layer = network.get_layer("translator")
    return layer.write(*layer.encode(layer.numbered(text, language)), 1 - language)


def judged(network, states, known):
    """Logits that texts are of language x, by all their states: (n, 1) each, of the first n and of the next n texts.

    Args:
        states, known: of 4 n texts, those of x and of y with noise before those of translations.
    """
    rows = ops.shape(known)[0] // 2
    logits = ops.where(known[:rows], network(states[:rows])[..., 0], 0.0)
    return ops.split(ops.sum(logits, axis=1, keepdims=True), 2)


def told_apart(of_x, of_y):
    """The share of texts whose language the discriminator knows by its logits; 1/2 where languages look alike."""
    return ops.mean(ops.cast(ops.concatenate([of_x > 0, of_y < 0]), "float32"))


def word_tables(x, y, lines_xy, lines_yx):
    """(`word_table` from x to y, that from y to x)."""
    return word_table(x, y, lines_xy), word_table(y, x, lines_yx)


def word_table(there, back, lines):
    """What each word of the language `there` is in the language `back`: int32 (tokens,), by their kinds.

    Args:
        lines: "word translation", of words that both know. A word without a line stays as it is where `back` has it
            too (a name, say), and is unknown where not.
    """
    number = {word: place for place, word in enumerate(back.vocabulary, start=2)}
    translations = dict(line.split() for line in lines)
    words = [number.get(translations.get(word, word), 1) for word in there.vocabulary]
    return np.array([0, 1, *words], np.int32)


def noisy(text, forgotten, moved, drop, reach):
    """Texts in which words are missing and have changed places a little; at least one word of each stays.

    Lample et al. 2018, section 2.3.

    Args:
        text: int (n, length).
        forgotten: float32 (n, length) in [0, 1): a word is missing where it is below `drop`.
        moved: float32 (n, length) in [0, 1): words are sorted by their place + (reach + 1) moved, by which none moves
            by more than `reach` places.
    """
    known = text > 0
    last = ops.max(ops.where(known, forgotten, 0.0), axis=1, keepdims=True)  # of the word that stays if no other does
    stays = ops.logical_and(known, forgotten >= ops.minimum(drop, last))
    length = text.shape[1]
    places = ops.arange(length, dtype="float32") + (reach + 1) * moved
    order = ops.argsort(ops.where(stays, places, length + reach + 1.0 + ops.arange(length, dtype="float32")), axis=1)
    return ops.take_along_axis(ops.where(stays, text, 0), order, axis=1)
