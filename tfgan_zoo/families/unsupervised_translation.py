"""Unsupervised translation: between two languages of which no translated sentences are known.

Lample, Conneau, Denoyer, Ranzato 2018: Unsupervised Machine Translation Using Monolingual Corpora Only.
https://arxiv.org/abs/1711.00043

e encodes texts of either language, d writes in the one that it is told, C drops and moves words, M is the translator
of the last iteration, in the first one word by word. D tells the language by the states z_j of the encoder:

    L_auto = E[-log d(x | e(C(x)))] + E[-log d(y | e(C(y)))],  L_cd = E[-log d(x | e(C(M(x))))] + the same for y
    L_adv = E[-log p(y | e(C(x)))] + E[-log p(x | e(C(y)))] with p(language | z) ~ prod_j p_D(language | z_j)
    e, d:  min  a L_auto + b L_cd + c L_adv
    D:     min  E[-log p(x | e(C(x)))] + E[-log p(y | e(C(y)))]
"""

from functools import partial

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.modalities import Text
from tfgan_zoo.networks import languages
from tfgan_zoo.networks.languages import X, Y
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, Fraction, Positive, Weight

adam = partial(keras.optimizers.Adam, 3e-4, beta_1=0.5)
rmsprop = partial(keras.optimizers.RMSprop, 5e-4)


class UnsupervisedTranslation(AdversarialModel):
    """Sentences are restored from what the last iteration's translator made of them, until the model translates.

    Args:
        vocabulary_x, vocabulary_y: the words of each language; the data say them where they are left out.
        dictionary_xy, dictionary_yx: lines "word translation" for the first iteration; the data may say them. Vectors
            of such words begin alike, in place of the paper's vectors of Wikipedia.
        text_length: words of a text that are read and written.
        units, depth: width of words and LSTMs, and how many of these lie above each other in encoder and decoder.
        word_drop, word_reach: of the noise C: share of words that are missing, and places that others move at most.
        auto_weight, cross_weight, adversary_weight: a, b and c.
        discriminator_units, smoothing: width of its three hidden layers; it is to be sure by 1 - smoothing.
    """

    ema_networks = ("translator",)
    phases = (Phase("iteration_1", 10_000), Phase("iteration_2", 10_000), Phase("iteration_3", 10_000))
    players = (Player("translator", optimizer=adam), Player("discriminator", optimizer=rmsprop))
    from_data = ("vocabulary_x", "vocabulary_y", "dictionary_xy", "dictionary_yx")

    def __init__(
        self,
        vocabulary_x: tuple[str, ...] = (),
        vocabulary_y: tuple[str, ...] = (),
        dictionary_xy: tuple[str, ...] = (),
        dictionary_yx: tuple[str, ...] = (),
        text_length: Positive = 50,
        units: Positive = 300,
        depth: Positive = 3,
        discriminator_units: Positive = 1024,
        word_drop: Fraction = 0.1,
        word_reach: Count = 3,
        auto_weight: Weight = 1.0,
        cross_weight: Weight = 1.0,
        adversary_weight: Weight = 1.0,
        smoothing: Fraction = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_x, self.vocabulary_y = tuple(vocabulary_x), tuple(vocabulary_y)
        self.dictionary_xy, self.dictionary_yx = tuple(dictionary_xy), tuple(dictionary_yx)
        self.text_length, self.units, self.depth = text_length, units, depth
        self.word_drop, self.word_reach = word_drop, word_reach
        self.discriminator_units, self.smoothing = discriminator_units, smoothing
        self.auto_weight, self.cross_weight, self.adversary_weight = auto_weight, cross_weight, adversary_weight
        self.assemble()

    @property
    def element_spec(self):
        words = {"x": self.vocabulary_x, "y": self.vocabulary_y}
        return {key: Text((self.text_length,), vocabulary) for key, vocabulary in words.items()}

    @property
    def endpoints(self):
        x, y = ({key: kind} for key, kind in self.element_spec.items())
        return {
            "translate_xy": Endpoint(x, y["y"], ("translator",), target="y"),
            "translate_yx": Endpoint(y, x["x"], ("translator",), target="x"),
            "word_by_word_xy": Endpoint(x, y["y"], (), target="y"),
            "word_by_word_yx": Endpoint(y, x["x"], (), target="x"),
        }

    def translate_xy(self, inputs):
        """Endpoint: x in the language of y."""
        return languages.translation(self.best("translator"), inputs["x"], X)

    def translate_yx(self, inputs):
        """Endpoint: y in the language of x."""
        return languages.translation(self.best("translator"), inputs["y"], Y)

    def word_by_word_xy(self, inputs):
        """Endpoint: x by the dictionary alone, as the first iteration begins."""
        return ops.take(self.tables[X], inputs["x"])

    def word_by_word_yx(self, inputs):
        """Endpoint: y by the dictionary alone."""
        return ops.take(self.tables[Y], inputs["y"])

    def latents(self, count):
        return {}

    def begin(self, phase):
        self.translator_before.set_weights(self.best("translator").get_weights())

    def fake(self, batch):
        """The states of C(x), C(y), C(M(x)), C(M(y)), and where these have words."""
        texts = [batch["x"], batch["y"]]
        if self.phase == "iteration_1":
            made = [ops.take(table, text) for table, text in zip(self.tables, texts, strict=True)]
        else:
            made = [languages.translation(self.translator_before, text, side) for side, text in enumerate(texts)]
        given = [self.noisy(text) for text in [*texts, *made]]
        return self.translator.get_layer("translator").encode_all(given, (X, Y, Y, X))

    def noisy(self, text):
        forgotten, moved = self.noise.per_number(text), self.noise.per_number(text)
        return languages.noisy(text, forgotten, moved, self.word_drop, self.word_reach)

    def translator_loss(self, batch, fake):
        texts = [batch["x"], batch["y"]] * 2
        costs = self.translator.get_layer("translator").costs(*fake, texts, (X, Y, X, Y))
        auto, cross = costs[0] + costs[1], costs[2] + costs[3]
        of_x, of_y = languages.judged(self.discriminator, *fake)
        deceive = losses.called_fake(of_x) + losses.called_real(of_y)
        loss = self.auto_weight * auto + self.cross_weight * cross + self.adversary_weight * deceive
        return loss, {"auto": auto, "cross": cross, "deceive": deceive}

    def discriminator_loss(self, batch, fake):
        # The paper's D sees e(x); these are the states that are there already, which the encoder's own term is of.
        of_x, of_y = languages.judged(self.discriminator, *fake)
        right, wrong = losses.minimax_discriminator(of_x, of_y), losses.minimax_discriminator(of_y, of_x)
        return (1 - self.smoothing) * right + self.smoothing * wrong, {"told_apart": languages.told_apart(of_x, of_y)}

    def build_networks(self):
        x, y = self.element_spec.values()
        self.tables = languages.word_tables(x, y, self.dictionary_xy, self.dictionary_yx)
        translators = languages.translators(x, y, self.units, self.depth, self.tables[Y])
        return translators | {"discriminator": languages.judge(self.text_length, self.units, self.discriminator_units)}
