"""InfoGAN: codes that come to mean something, because a network can read them off the pictures.

Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel 2016: InfoGAN: Interpretable Representation Learning by Information
Maximizing Generative Adversarial Nets. https://arxiv.org/abs/1606.03657
Networks and hyperparameters: the authors' code for MNIST.
"""

from functools import partial
from math import log, pi

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.batches import batch_size
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import ClassLabel, Image, Points
from tfgan_zoo.networks import small
from tfgan_zoo.players import Player, adam
from tfgan_zoo.types import Count, ImageShape, Positive, Weight


class InfoGAN(AdversarialModel):
    """Beside the noise z the generator gets a category and further numbers, the code; Q reads both off its pictures.

    Both players raise L_I of equation 5, a lower bound of the information that pictures hold of their codes. No label
    of the data is used: which category becomes which digit is up to the game.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides are multiples of 4.
        latent_dim: length of z, drawn from U(-1, 1).
        categories: values of the categorical code, all equally likely. It is called `label` where one asks for it.
        code_dim: length of the continuous `code`, drawn from U(-1, 1); 0 for none.
        filters: channels of the maps of half the picture's side; those of a quarter have twice as many.
        units: width of the dense layers; that of Q has an eighth.
        info_weight: lambda, of L_I in both players' losses.
    """

    players = (
        Player("discriminator", networks=("trunk", "discriminator", "recognizer"), optimizer=adam),
        Player("generator", optimizer=partial(keras.optimizers.Adam, 1e-3, beta_1=0.5)),
    )

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: Positive = 62,
        categories: Positive = 10,
        code_dim: Count = 2,
        filters: Positive = 64,
        units: Positive = 1024,
        info_weight: Weight = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        small.require_sides(image_shape)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.categories = categories
        self.code_dim = code_dim
        self.filters = filters
        self.units = units
        self.info_weight = info_weight
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)}

    @property
    def endpoints(self):
        image, label, networks = Image(self.image_shape), ClassLabel(self.categories), ("trunk", "recognizer")
        # The code may be given beyond [-1, 1], where it is drawn: figure 2 goes from -2 to 2.
        drawn = {key: Noise((length,)) for key, length in self.drawn.items()}
        asked = {
            "generate": Endpoint({**drawn, "label": label}, image, ("generator",), target="image"),
            "classify": Endpoint({"image": image}, label, networks),
        }
        if self.code_dim:
            asked["encode"] = Endpoint({"image": image}, Points((self.code_dim,)), networks)
        return asked

    def classify(self, inputs):
        """Endpoint: a picture -> logits of its category."""
        return self.read(self.seen(inputs["image"], False), False)["label"]

    def encode(self, inputs):
        """Endpoint: a picture -> the mean of its code."""
        return self.read(self.seen(inputs["image"], False), False)["code"]

    @property
    def drawn(self):
        """Names and lengths of what is drawn from U(-1, 1)."""
        return {"z": self.latent_dim} | ({"code": self.code_dim} if self.code_dim else {})

    def latents(self, count):
        return {key: self.noise.uniform((count, length), -1.0) for key, length in self.drawn.items()}

    def fake(self, batch):
        """What is drawn, and the picture made of it."""
        drawn = self.latents(count := batch_size(batch)) | {"label": self.noise.integers((count,), self.categories)}
        return drawn | {"image": self.feed(self.generator, drawn)}

    def seen(self, image, training=None):
        """What D and Q share: the features of a picture."""
        return self.feed(self.trunk, {"image": image}, training)

    def read(self, features, training=None):
        """Q(c | x): logits of the category, means of Gaussians of variance 1 for the code."""
        return self.feed(self.recognizer, {"features": features}, training)

    def discriminator_loss(self, batch, fake):
        real, made = self.seen(batch["image"]), self.seen(fake["image"])
        loss = losses.minimax_discriminator(self.discriminator(real), self.discriminator(made))
        return loss - self.info_weight * self.information(made, fake)

    def generator_loss(self, batch, fake):
        made = self.seen(fake["image"])
        information = self.information(made, fake)
        loss = losses.non_saturating_generator(self.discriminator(made))
        return loss - self.info_weight * information, {"information": information}

    def information(self, features, codes):
        """Equation 5: L_I = H(c) + E[log Q(c | x)], of the category and of the code."""
        read = self.read(features)
        bound = log(self.categories) - losses.cross_entropy(read["label"], codes["label"])
        if self.code_dim:
            log_q = -losses.squared_distance(read["code"], codes["code"]) / 2 - self.code_dim * log(2 * pi) / 2
            bound += self.code_dim * log(2) + log_q
        return bound

    def build_networks(self):
        label, image = keras.Input((), dtype="int32", name="label"), keras.Input(self.image_shape, name="image")
        drawn = [keras.Input((length,), name=key) for key, length in self.drawn.items()]
        category = layers.Embedding(self.categories, self.categories, "identity", trainable=False)(label)
        made = small.upwards(layers.Concatenate()([*drawn, category]), self.image_shape, self.filters, self.units)
        # Leaky rectifiers have the paper's slope, 0.1; the authors' code has 0.01.
        seen = small.downwards(image, self.filters, self.units, slope=0.1)
        features = keras.Input((self.units,), name="features")
        x = small.dense(features, max(1, self.units // 8), layers.LeakyReLU(0.1))
        read = {"label": self.categories} | ({"code": self.code_dim} if self.code_dim else {})
        return {
            "generator": keras.Model([*drawn, label], made, name="generator"),
            "trunk": keras.Model(image, seen, name="trunk"),
            "discriminator": keras.Model(features, small.answer(features, 1), name="discriminator"),
            "recognizer": keras.Model(features, {k: small.answer(x, n) for k, n in read.items()}, name="recognizer"),
        }
