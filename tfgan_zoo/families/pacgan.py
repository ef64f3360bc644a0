"""PacGAN: the discriminator judges several samples together, so that missing modes show.

Lin, Khetan, Fanti, Oh 2018: PacGAN: The Power of Two Samples in Generative Adversarial Networks.
https://arxiv.org/abs/1712.04086
Networks and hyperparameters are those of the authors' code for the mixtures and for stacked MNIST.
"""

from functools import partial
from math import prod

import keras
from keras import layers, ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.layers import Maxout
from tfgan_zoo.modalities import Image, Points
from tfgan_zoo.players import Player
from tfgan_zoo.types import Positive

Conv = partial(layers.Conv2D, strides=2, padding="same")
Deconv = partial(layers.Conv2DTranspose, strides=2, padding="same")
Norm = partial(layers.BatchNormalization, synchronized=True)  # over the global batch of all replicas


def adam(rate, beta_1, beta_2=0.999):
    """A maker of the players' optimizers."""
    return partial(keras.optimizers.Adam, rate, beta_1=beta_1, beta_2=beta_2)


class PacGAN(AdversarialModel):
    """A GAN whose discriminator sees `packing` samples at once, all real or all made up; nothing else is changed.

    A batch of b samples makes b / packing packs: for the paper's 100 packs of 2, set `data.batch_size` to 200.

    Args:
        image_shape: (n,) for points, with the perceptrons of the mixtures; (height, width, channels) for pictures,
            float [-1, 1], with the convolutions of stacked MNIST.
        packing: m, samples in a pack; 1 is the plain GAN.
        latent_dim: length of z, drawn from N(0, I).
        units: width of the perceptrons: 400 in the generator, half of it in the discriminator's maxout layers.
        filters: channels of the discriminator's first convolution: 2, 4 and 8 are table 3's D of 1/4, 1/2 and 1 times
            the size; the generator's are 64, 32, 16 and 8 throughout.
    """

    def __init__(
        self,
        image_shape: tuple[Positive, ...] = (28, 28, 3),
        packing: Positive = 2,
        latent_dim: Positive = 256,
        units: Positive = 400,
        filters: Positive = 2,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.packing = packing
        self.latent_dim = latent_dim
        self.units = units
        self.filters = filters
        points = len(image_shape) == 1
        self.players = (
            Player("discriminator", optimizer=adam(1e-4, 0.8) if points else adam(2e-4, 0.5, 0.99)),
            Player("generator", optimizer=adam(1e-4, 0.8) if points else adam(1e-4, 0.5, 0.99)),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)} if len(self.image_shape) == 3 else {"point": Points(self.image_shape)}

    def packed(self, x):
        """(b, ..., c) -> (b // m, ..., m * c): neighbouring rows side by side in the last axis."""
        m, *inner, channels = self.packing, *self.image_shape
        x = ops.reshape(x[: ops.shape(x)[0] // m * m], (-1, m, *inner, channels))
        return ops.reshape(ops.moveaxis(x, 1, -2), (-1, *inner, m * channels))

    def judge(self, x):
        return self.discriminator(self.packed(x), training=self.training)

    def discriminator_loss(self, batch, fake):
        (real,) = batch.values()
        return losses.called_real(self.judge(real)) + losses.called_fake(self.judge(fake))

    def generator_loss(self, batch, fake):
        return losses.called_real(self.judge(fake))

    def build_networks(self):
        *inner, channels = self.image_shape
        z = keras.Input((self.latent_dim,), name="z")
        pack = keras.Input((*inner, self.packing * channels), name="pack")
        if inner:
            fake, logit = conv_generator(z, self.image_shape), conv_discriminator(pack, self.filters)
        else:
            fake, logit = mlp_generator(z, channels, self.units), mlp_discriminator(pack, self.units // 2)
        return {
            "generator": keras.Model(z, fake, name="generator"),
            "discriminator": keras.Model(pack, as_float32(logit), name="discriminator"),
        }


def weights():
    """All weights from N(0, 0.02)."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def mlp_generator(z, dimensions, units):
    """Four layers with batch normalization before the rectifier."""
    x = z
    for _ in range(4):
        x = layers.Dense(units, use_bias=False, kernel_initializer=weights())(x)
        x = layers.ReLU()(Norm(momentum=0.95)(x))
    return as_float32(layers.Dense(dimensions, kernel_initializer=weights())(x))


def mlp_discriminator(x, units):
    """Three maxout layers of five pieces."""
    for _ in range(3):
        x = Maxout(units, 5, kernel_initializer=weights())(x)
    return layers.Dense(1, kernel_initializer=weights())(x)


def conv_generator(z, image_shape):
    """From 4x4 or a little less, three doublings by transposed convolutions of 3x3."""
    height, width, channels = image_shape
    start = -(-height // 8), -(-width // 8), 64  # 28 -> 14 -> 7 -> 4, as the authors crop
    x = layers.Reshape(start)(layers.Dense(prod(start), kernel_initializer=weights())(z))
    x = layers.ReLU()(Norm(momentum=0.9, epsilon=1e-5)(x))
    for halvings, filters in ((2, 32), (1, 16), (0, 8)):
        side = -(-height // 2**halvings), -(-width // 2**halvings)
        x = Deconv(filters, 3, kernel_initializer=weights())(x)
        x = layers.Cropping2D(((0, x.shape[1] - side[0]), (0, x.shape[2] - side[1])))(x)
        x = layers.ReLU()(Norm(momentum=0.9, epsilon=1e-5)(x))
    x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=weights())(x)
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def conv_discriminator(x, filters):
    """Three convolutions of stride 2, all with batch normalization."""
    for level in range(3):
        x = Conv(filters << level, 3, kernel_initializer=weights())(x)
        x = layers.LeakyReLU(0.3)(Norm(momentum=0.9, epsilon=1e-5)(x))
    return layers.Dense(1, kernel_initializer=weights())(layers.Flatten()(x))
