"""DCGAN: deep convolutional generative adversarial networks.

Radford, Metz, Chintala 2015: Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks. https://arxiv.org/abs/1511.06434
"""

from functools import partial

import keras
from keras import layers

from tfgan_zoo.layers import batch_norm
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import ImageShape, Positive

Conv = partial(layers.Conv2D, strides=2, padding="same")
Deconv = partial(layers.Conv2DTranspose, strides=2, padding="same")


def weights():
    """Section 4: all weights from N(0, 0.02). Each layer draws its own."""
    return keras.initializers.RandomNormal(0.0, 0.02)


class DCGAN(RealOrFake):
    """Strided convolutions in place of pooling, batch normalization in both networks, ReLU / leaky ReLU, tanh.

    The game is Goodfellow's with the non-saturating loss; `loss` names others. Real and made-up pictures are each
    normalized by themselves.

    Args:
        image_shape: (height, width, channels) of the images, float [-1, 1]. Sides of 4 or 7 times a power of two
            from 8 up: the generator starts at 4x4 or 7x7 and doubles.
        latent_dim: length of z, drawn from U(-1, 1).
        filters: channels next to the image in both networks; they double with every halving of the side. The paper's
            64x64 generator is 1024-512-256-128, that is 128.
        kernel_size: side of all kernels.
        kwargs: as `RealOrFake`.
    """

    def __init__(
        self,
        image_shape: ImageShape = (64, 64, 3),
        latent_dim: Positive = 100,
        filters: Positive = 128,
        kernel_size: Positive = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.kernel_size = kernel_size
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)}

    def latents(self, count):
        return {"z": self.noise.uniform((count, self.latent_dim), -1.0, 1.0)}

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        fake = upwards(z, self.image_shape, self.filters, self.kernel_size)
        features = downwards(image, self.filters, self.kernel_size)
        logit = layers.Dense(1, kernel_initializer=weights())(features)
        return {
            "generator": keras.Model(z, fake, name="generator"),
            "discriminator": keras.Model(image, as_float32(logit), name="discriminator"),
        }


def upwards(x, image_shape, filters, kernel_size=5):
    """Vector -> image in [-1, 1]: project and reshape, then transposed convolutions of stride 2."""
    doublings = count_doublings(image_shape)
    start = image_shape[0] >> doublings, image_shape[1] >> doublings, filters << (doublings - 1)
    x = layers.Dense(start[0] * start[1] * start[2], use_bias=False, kernel_initializer=weights())(x)
    x = layers.Reshape(start)(x)
    x = layers.ReLU()(batch_norm()(x))
    for level in reversed(range(doublings - 1)):
        x = Deconv(filters << level, kernel_size, use_bias=False, kernel_initializer=weights())(x)
        x = layers.ReLU()(batch_norm()(x))
    # no batch normalization at the generator's output
    x = Deconv(image_shape[-1], kernel_size, kernel_initializer=weights())(x)
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def downwards(x, filters, kernel_size=5):
    """Image -> vector: convolutions of stride 2, as many as `upwards` has."""
    for level in range(count_doublings((*x.shape[1:3], 1))):
        x = Conv(filters << level, kernel_size, use_bias=level == 0, kernel_initializer=weights())(x)
        if level:  # no batch normalization at the discriminator's input
            x = batch_norm()(x)
        x = layers.LeakyReLU(0.2)(x)
    return layers.Flatten()(x)


def as_float32(logit, name="logit"):
    """Logits in float32, also where the network computes in less."""
    return layers.Activation("linear", dtype="float32", name=name)(logit)
