"""LSGAN: least squares GAN.

Mao, Li, Xie, Lau, Wang, Paul Smolley 2017: Least Squares Generative Adversarial Networks.
https://arxiv.org/abs/1611.04076
"""

from functools import partial
from math import prod
from typing import Literal

import keras
from keras import layers

from tfgan_zoo.families import dcgan
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.modalities import Image, Points
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.players import Player
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import Positive

Deconv = partial(layers.Conv2DTranspose, kernel_size=3, padding="same", use_bias=False)
adam = partial(keras.optimizers.Adam, 1e-3, beta_1=0.5)
slow = partial(keras.optimizers.Adam, 1e-4, beta_1=0.5)


class LSGAN(RealOrFake):
    """Both players fit targets by least squares, so fakes far from the boundary are drawn towards it, on either side.

    Args:
        image_shape: (height, width, channels), float [-1, 1], sides of 4 or 7 times a power of two; (n,) for points
            with the "mlp" architecture.
        latent_dim: length of z, drawn from U(-1, 1); with "mlp" from N(0, I).
        filters: channels next to the image, or width of the hidden layers of "mlp".
        architecture: "conv", the networks for 112x112 pictures of scenes, or "mlp", those for a mixture of Gaussians.
        loss: "least_squares" has the targets (a, b, c) = (0, 1, 1); "pearson" has (-1, 1, 0), with which the generator
            minimizes a Pearson chi^2 divergence (section 3.2); or another name in `losses.LOSSES`.
        kwargs: as `RealOrFake`.
    """

    def __init__(
        self,
        image_shape: tuple[Positive, ...] = (112, 112, 3),
        latent_dim: Positive = 1024,
        filters: Positive = 64,
        architecture: Literal["conv", "mlp"] = "conv",
        *,
        loss: str = "least_squares",
        **kwargs,
    ):
        super().__init__(loss=loss, **kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.architecture = architecture
        judge = adam if architecture == "conv" else slow
        self.players = Player("discriminator", optimizer=judge), Player("generator", optimizer=adam)
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)} if len(self.image_shape) == 3 else {"point": Points(self.image_shape)}

    def latents(self, count):
        shape = count, self.latent_dim
        return {"z": self.noise.uniform(shape, -1.0) if self.architecture == "conv" else self.noise.normal(shape)}

    def build_networks(self):
        ((key, _),) = self.element_spec.items()
        z, real = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name=key)
        if self.architecture == "conv":
            fake, features = upwards(z, self.image_shape, self.filters), dcgan.downwards(real, self.filters)
        else:
            fake, features = mlp(z, self.filters), mlp(real, self.filters)
            fake = layers.Reshape(self.image_shape, dtype="float32")(layers.Dense(prod(self.image_shape))(fake))
        score = layers.Dense(1, kernel_initializer=dcgan.weights())(features)
        return {
            "generator": keras.Model(z, fake, name="generator"),
            "discriminator": keras.Model(real, dcgan.as_float32(score), name="discriminator"),
        }


def upwards(z, image_shape, filters):
    """Figure 5a: transposed convolutions of 3x3; each of the first two doublings is followed by one without stride."""
    doublings = count_doublings(image_shape)
    start = image_shape[0] >> doublings, image_shape[1] >> doublings, filters * 4
    x = layers.Dense(prod(start), use_bias=False, kernel_initializer=dcgan.weights())(z)
    x = layers.ReLU()(batch_norm()(layers.Reshape(start)(x)))
    for level in reversed(range(doublings)):
        for strides in (2, 1) if level >= 2 else (2,):
            x = Deconv(filters << min(level, 2), strides=strides, kernel_initializer=dcgan.weights())(x)
            x = layers.ReLU()(batch_norm()(x))
    x = Deconv(image_shape[-1], use_bias=True, kernel_initializer=dcgan.weights())(x)
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def mlp(x, units):
    """Two hidden layers."""
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.Dense(units, "tanh", kernel_initializer=keras.initializers.Orthogonal(1.4))(x)
    return x
