"""GAN: generative adversarial nets, the game itself.

Goodfellow et al. 2014: Generative Adversarial Nets. https://arxiv.org/abs/1406.2661
Networks and hyperparameters are those that the authors published with the paper for MNIST (pylearn2, mnist.yaml).
"""

from math import prod
from typing import Literal

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.layers import Dropout, Maxout
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks.small import stretched_sigmoid
from tfgan_zoo.players import Player
from tfgan_zoo.types import Fraction, ImageShape, Positive


def sgd() -> keras.optimizers.Optimizer:
    """Momentum SGD, its rate decaying by 1.000004 a step. The authors raise the momentum to 0.7 over 250 epochs."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=1, decay_rate=1 / 1.000004)
    return keras.optimizers.SGD(schedule, momentum=0.5)


class GAN(AdversarialModel):
    """Two multilayer perceptrons: a rectifier generator against a maxout discriminator with dropout.

    Args:
        image_shape: (height, width, channels) of the images, float [-1, 1].
        latent_dim: length of z, drawn from U(-sqrt 3, sqrt 3), which has unit variance.
        hidden_units: width of the generator's two hidden layers.
        maxout_units: width of the discriminator's two maxout layers, five pieces each.
        input_dropout, hidden_dropout: share of the discriminator's inputs and hidden units left out in training.
        discriminator_steps: k of Algorithm 1.
        generator_objective: "non_saturating" maximizes log D(G(z)), as the experiments did; "minimax" minimizes
            log(1 - D(G(z))), as equation 1 reads.
    """

    ema_networks = ()

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: Positive = 100,
        hidden_units: Positive = 1200,
        maxout_units: Positive = 240,
        input_dropout: Fraction = 0.2,
        hidden_dropout: Fraction = 0.5,
        discriminator_steps: Positive = 1,
        generator_objective: Literal["non_saturating", "minimax"] = "non_saturating",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.hidden_units = hidden_units
        self.maxout_units = maxout_units
        self.input_dropout = input_dropout
        self.hidden_dropout = hidden_dropout
        self.discriminator_steps = discriminator_steps
        self.generator_objective = generator_objective
        self.players = (
            Player("discriminator", steps=discriminator_steps, optimizer=sgd),
            Player("generator", optimizer=sgd),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)}

    def latents(self, count):
        return {"z": self.noise.uniform((count, self.latent_dim), -(3**0.5), 3**0.5)}

    def discriminator_loss(self, batch, fake):
        real_logits = self.discriminator(batch["image"], training=self.training)
        fake_logits = self.discriminator(fake, training=self.training)
        # The authors' cost is the mean of the two terms: with plain SGD the factor 1/2 is part of the step size.
        return losses.minimax_discriminator(real_logits, fake_logits) / 2

    def generator_loss(self, batch, fake):
        fake_logits = self.discriminator(fake, training=self.training)
        if self.generator_objective == "minimax":
            return losses.minimax_generator(fake_logits)
        return losses.non_saturating_generator(fake_logits)

    def build_networks(self):
        dropout = self.input_dropout, self.hidden_dropout
        return {
            "generator": generator(self.image_shape, self.latent_dim, self.hidden_units),
            "discriminator": discriminator(self.image_shape, self.maxout_units, *dropout),
        }


def uniform(reach):
    """Weights from U(-reach, reach)."""
    return keras.initializers.RandomUniform(-reach, reach)


def generator(image_shape, latent_dim, hidden_units):
    """z (latent_dim,) -> image in [-1, 1]: two rectifier layers and a sigmoid one."""
    z = x = keras.Input((latent_dim,), name="z")
    for _ in range(2):
        x = layers.Dense(hidden_units, "relu", kernel_initializer=uniform(0.05))(x)
    x = layers.Dense(prod(image_shape), kernel_initializer=uniform(0.05))(x)
    x = stretched_sigmoid(x)
    return keras.Model(z, layers.Reshape(image_shape, dtype="float32", name="image")(x), name="generator")


def discriminator(image_shape, units, input_dropout, hidden_dropout):
    """Image -> logit (1,): two maxout layers of five pieces behind dropout."""

    def init():
        return {"kernel_initializer": uniform(0.005), "kernel_constraint": keras.constraints.MaxNorm(1.9365)}

    image = x = keras.Input(image_shape, name="image")
    x = layers.Rescaling(0.5, 0.5)(layers.Flatten()(x))  # the paper's pixels lie in [0, 1]
    x = Maxout(units, **init())(Dropout(input_dropout)(x))
    x = Maxout(units, **init())(Dropout(hidden_dropout)(x))
    x = layers.Dense(1, **init())(Dropout(hidden_dropout)(x))
    return keras.Model(image, layers.Activation("linear", dtype="float32", name="logit")(x), name="discriminator")
