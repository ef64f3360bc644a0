"""Unrolled GAN: the generator foresees how the discriminator will answer.

Metz, Poole, Pfau, Sohl-Dickstein 2017: Unrolled Generative Adversarial Networks. https://arxiv.org/abs/1611.02163
Networks and hyperparameters: the authors' code for the ring (github.com/poolio/unrolled_gan), and for pictures those
that Lin et al. 2018 (PacGAN) took over from the paper for stacked MNIST.
"""

from functools import partial
from math import prod

import keras
from keras import layers

from tfgan_zoo import losses, play
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.modalities import Image, Points
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, Positive

Norm = partial(layers.BatchNormalization, momentum=0.9, epsilon=1e-5, synchronized=True)


def adam(rate, beta_2=0.999):
    """A maker of the players' optimizers."""
    return partial(keras.optimizers.Adam, rate, beta_1=0.5, beta_2=beta_2, epsilon=1e-8)


class UnrolledGAN(AdversarialModel):
    """The generator plays against the discriminator as it will be after K more steps, and sees through these steps.

    It cannot put all samples where the present discriminator is fooled, for the next one will not be: fewer modes are
    lost. Time and memory of a step grow with K; with K = 0 it is the plain game, both players on the same value.

    Args:
        image_shape: (n,) for points, with the perceptrons of the ring; (height, width, channels) for pictures, float
            [-1, 1], with convolutions.
        unrolled_steps: K, steps of the discriminator's optimizer that the generator foresees.
        latent_dim: length of z, drawn from N(0, I).
        units: width of the two hidden layers of both perceptrons.
        filters: channels of the generator's largest map: 8 for stacked MNIST, 64 for CIFAR-10.
        discriminator_filters: channels of the discriminator's first map: 2 and 4 are 1/4 and 1/2 of the generator's
            size for stacked MNIST; 64 for CIFAR-10.
    """

    def __init__(
        self,
        image_shape: tuple[Positive, ...] = (2,),
        unrolled_steps: Count = 5,
        latent_dim: Positive = 256,
        units: Positive = 128,
        filters: Positive = 64,
        discriminator_filters: Positive = 64,
        **kwargs,
    ):
        super().__init__(**{"updates": "simultaneous", **kwargs})  # both step from the same weights
        self.image_shape = tuple(image_shape)
        self.unrolled_steps = unrolled_steps
        self.latent_dim = latent_dim
        self.units = units
        self.filters = filters
        self.discriminator_filters = discriminator_filters
        points = len(image_shape) == 1
        self.players = (
            Player("discriminator", optimizer=adam(1e-4) if points else adam(2e-4, 0.99)),
            Player("generator", optimizer=adam(1e-3) if points else adam(1e-4, 0.99)),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)} if len(self.image_shape) == 3 else {"point": Points(self.image_shape)}

    def play(self, slices):
        if not self.unrolled_steps:
            return super().play(slices)
        return play.unrolled(self, slices[0], "discriminator", self.unrolled_steps)

    def discriminator_loss(self, batch, fake):
        (real,) = batch.values()
        real_logits = self.discriminator(real, training=self.training)
        return losses.minimax_discriminator(real_logits, self.discriminator(fake, training=self.training))

    def generator_loss(self, batch, fake):
        """The same value with the other sign, not the usual -log D(G(z)).

        The real data's term counts too: in `play`, the discriminator that judges them depends on the generator.
        """
        return -self.discriminator_loss(batch, fake)

    def build_networks(self):
        z, real = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="real")
        if len(self.image_shape) == 3:
            fake = conv_generator(z, self.image_shape, self.filters)
            logit = conv_discriminator(real, self.discriminator_filters)
        else:
            fake = as_float32(mlp(z, self.units, self.image_shape[0]))
            logit = mlp(real, self.units, 1)
        return {
            "generator": keras.Model(z, fake, name="generator"),
            "discriminator": keras.Model(real, as_float32(logit), name="discriminator"),
        }


def mlp(x, units, outputs):
    """Two hidden layers of tanh."""
    for _ in range(2):
        x = layers.Dense(units, "tanh", kernel_initializer=keras.initializers.Orthogonal(1.4))(x)
    return layers.Dense(outputs, kernel_initializer=keras.initializers.Orthogonal(1.4))(x)


def weights():
    """All weights of convolutions from N(0, 0.02)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def conv_generator(z, image_shape, filters):
    """From an eighth of the sides, three doublings by transposed convolutions of 3x3."""
    height, width, channels = image_shape
    start = -(-height // 8), -(-width // 8), 8 * filters
    x = layers.Reshape(start)(layers.Dense(prod(start), kernel_initializer=weights())(z))
    x = layers.ReLU()(Norm()(x))
    for halvings in (2, 1, 0):
        x = layers.Conv2DTranspose(filters << halvings, 3, 2, padding="same", kernel_initializer=weights())(x)
        surplus = [side + (-whole >> halvings) for side, whole in zip(x.shape[1:3], (height, width), strict=True)]
        x = layers.Cropping2D([(0, rest) for rest in surplus])(x)  # 28 pixels are 4, 7, 14, 28
        x = layers.ReLU()(Norm()(x))
    x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=weights())(x)
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def conv_discriminator(x, filters):
    """Three convolutions of stride 2, all with batch normalization."""
    for level in range(3):
        x = layers.Conv2D(filters << level, 3, 2, padding="same", kernel_initializer=weights())(x)
        x = layers.LeakyReLU(0.3)(Norm()(x))
    return layers.Dense(1, kernel_initializer=weights())(layers.Flatten()(x))
