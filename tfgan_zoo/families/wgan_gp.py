"""WGAN-GP: Wasserstein GAN with gradient penalty.

Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville 2017: Improved Training of Wasserstein GANs.
https://arxiv.org/abs/1704.00028
"""

from functools import partial
from math import prod
from typing import Literal

import keras
from keras import layers

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.modalities import Image, Points
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.networks.residual import Halved, first_block, residual_block
from tfgan_zoo.players import Player
from tfgan_zoo.types import Positive, Weight

adam = partial(keras.optimizers.Adam, 1e-4, beta_1=0.0, beta_2=0.9)  # Algorithm 1
Conv = partial(layers.Conv2D, padding="same", kernel_initializer="he_uniform")
Deconv = partial(layers.Conv2DTranspose, padding="same", kernel_initializer="he_uniform")


class WGANGP(AdversarialModel):
    """A critic scores instead of classifying; a penalty holds the norm of its gradient near 1 between the data sets.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; (n,) for points with the "mlp" architecture.
        latent_dim: length of z, drawn from N(0, I).
        filters: width of the convolutions ("resnet": 128 everywhere; "conv": next to the image) or hidden layers.
        architecture: "resnet" (CIFAR-10, appendix C), "conv" (the authors' MNIST networks, side 4 or 7 times a power
            of two) or "mlp" (the toy distributions of figure 1; the paper's width there is 512).
        gp_weight: lambda.
        discriminator_steps: critic updates per generator update, n_critic.
    """

    def __init__(
        self,
        image_shape: tuple[Positive, ...] = (32, 32, 3),
        latent_dim: Positive = 128,
        filters: Positive = 128,
        architecture: Literal["resnet", "conv", "mlp"] = "resnet",
        gp_weight: Weight = 10.0,
        discriminator_steps: Positive = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.architecture = architecture
        self.gp_weight = gp_weight
        self.discriminator_steps = discriminator_steps
        self.players = (
            Player("discriminator", steps=discriminator_steps, optimizer=adam),
            Player("generator", optimizer=adam),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)} if len(self.image_shape) == 3 else {"point": Points(self.image_shape)}

    def discriminator_loss(self, batch, fake):
        (real,) = batch.values()
        critic = partial(self.discriminator, training=self.training)
        gp = penalties.gradient_penalty(critic, real, fake, self.noise.per_row(real))
        wasserstein = losses.wasserstein_critic(critic(real), critic(fake))
        return wasserstein + self.gp_weight * gp, {"wasserstein": -wasserstein, "gp": gp}

    def generator_loss(self, batch, fake):
        return losses.wasserstein_generator(self.discriminator(fake, training=self.training))

    def build_networks(self):
        generate, criticize = ARCHITECTURES[self.architecture]
        z, real = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="real")
        fake = generate(z, self.image_shape, self.filters)
        score = layers.Dense(1, dtype="float32", name="score")(criticize(real, self.filters))
        return {
            "generator": keras.Model(z, fake, name="generator"),
            "discriminator": keras.Model(real, score, name="discriminator"),
        }


def resnet_generator(z, image_shape, filters):
    """Residual blocks that double the side from 4 (appendix C), batch normalization before each convolution."""
    doublings = count_doublings(image_shape)
    start = image_shape[0] >> doublings, image_shape[1] >> doublings, filters
    x = layers.Reshape(start)(layers.Dense(prod(start))(z))
    for _ in range(doublings):
        x = residual_block(x, filters, before=layers.UpSampling2D, norm=batch_norm)
    x = layers.ReLU()(batch_norm()(x))
    return layers.Activation("tanh", dtype="float32")(Conv(image_shape[-1], 3)(x))


def resnet_critic(image, filters):
    """Two halving residual blocks, two plain ones, mean over positions; no normalization, which would tie examples."""
    x = residual_block(first_block(image, filters), filters, after=Halved)
    for _ in range(2):
        x = residual_block(x, filters)
    return layers.GlobalAveragePooling2D()(layers.ReLU()(x))


def conv_generator(z, image_shape, filters):
    """Transposed convolutions of stride 2 without normalization."""
    # The authors reach 28 by cropping an 8x8 map to 7x7; here the projection starts at 7x7.
    doublings = count_doublings(image_shape)
    start = image_shape[0] >> doublings, image_shape[1] >> doublings, filters << (doublings - 1)
    x = layers.Reshape(start)(layers.Dense(prod(start), "relu", kernel_initializer="he_uniform")(z))
    for level in reversed(range(doublings - 1)):
        x = Deconv(filters << level, 5, 2, activation="relu")(x)
    x = Deconv(image_shape[-1], 5, 2)(x)
    return layers.Activation("tanh", dtype="float32")(x)  # the authors' pixels lie in [0, 1], behind a sigmoid


def conv_critic(image, filters):
    """Convolutions of stride 2 down to 4x4 or less."""
    x = image
    while max(x.shape[1:3]) > 4:
        x = layers.LeakyReLU(0.2)(Conv(filters, 5, 2)(x))
        filters *= 2
    return layers.Flatten()(x)


def mlp_generator(z, image_shape, filters):
    """Three hidden layers; linear output, as the toy distributions are not bounded."""
    x = mlp_critic(z, filters)
    return layers.Reshape(image_shape, dtype="float32")(layers.Dense(prod(image_shape))(x))


def mlp_critic(x, filters):
    """Three hidden layers of rectifiers."""
    x = layers.Flatten()(x)
    for _ in range(3):
        x = layers.Dense(filters, "relu", kernel_initializer="he_uniform")(x)
    return x


ARCHITECTURES = {
    "resnet": (resnet_generator, resnet_critic),
    "conv": (conv_generator, conv_critic),
    "mlp": (mlp_generator, mlp_critic),
}
