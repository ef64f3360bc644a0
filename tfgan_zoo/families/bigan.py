"""BiGAN: an encoder learns beside the generator, as its inverse.

Donahue, Krähenbühl, Darrell 2017: Adversarial Feature Learning. https://arxiv.org/abs/1605.09782
With a stochastic encoder it is ALI: Dumoulin et al. 2017, https://arxiv.org/abs/1606.00704
Networks and hyperparameters: the authors' code for permutation-invariant MNIST.
"""

from functools import partial
from math import prod
from typing import Literal

import keras
from keras import layers, ops

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.batches import batch_size
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.modalities import Image, Points
from tfgan_zoo.networks.small import stretched_sigmoid
from tfgan_zoo.players import Player
from tfgan_zoo.types import ImageShape, Positive, Weight

Norm = partial(layers.BatchNormalization, momentum=0.9, epsilon=1e-8, center=False, scale=False, synchronized=True)
adam = partial(keras.optimizers.Adam, 2e-4, beta_1=0.5)


class BiGAN(AdversarialModel):
    """The discriminator judges pairs: (x, E(x)) of real pictures against (G(z), z) of drawn codes.

    Generator and encoder minimize the flipped loss together; where they win, E inverts G, without any loss on pixels.

    Args:
        image_shape: (height, width, channels), float [-1, 1].
        latent_dim: length of z, drawn from U(-1, 1).
        units: width of both hidden layers of all three perceptrons.
        posterior: "deterministic", E(x) as in BiGAN, or "stochastic", a Gaussian with learned mean and variance, as in
            ALI (there z is drawn from N(0, I)).
        weight_decay: added to the gradient as `weight_decay` times the weight, for all players.
    """

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: Positive = 50,
        units: Positive = 1024,
        posterior: Literal["deterministic", "stochastic"] = "deterministic",
        weight_decay: Weight = 2.5e-5,
        **kwargs,
    ):
        super().__init__(**{"updates": "simultaneous", **kwargs})  # all three step at once
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.units = units
        self.posterior = posterior
        self.weight_decay = weight_decay
        self.players = (
            Player("discriminator", optimizer=adam),
            Player("generator", networks=("generator", "encoder"), optimizer=adam),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)}

    @property
    def endpoints(self):
        image = self.element_spec["image"]
        return {
            **super().endpoints,
            "encode": Endpoint({"image": image}, Points((self.units,)), ("encoder",)),
            "reconstruct": Endpoint({"image": image}, image, ("encoder", "generator"), target="image"),
        }

    def encode(self, inputs):
        """Endpoint: the encoder's last hidden layer, by which the paper classifies."""
        return self.feed(self.encoder, inputs, training=False)["features"]

    def reconstruct(self, inputs):
        """Endpoint: a picture -> G(E(x)), with the mean of a stochastic E."""
        return self.generate({"z": self.feed(self.encoder, inputs, training=False)["z"][:, : self.latent_dim]})

    def latents(self, count):
        shape = count, self.latent_dim
        return {"z": self.noise.normal(shape) if self.posterior == "stochastic" else self.noise.uniform(shape, -1.0)}

    def fake(self, batch):
        """Both pairs: (x, E(x)) and (G(z), z)."""
        drawn = self.latents(batch_size(batch))
        encoded = self.feed(self.encoder, batch)["z"]
        if self.posterior == "stochastic":
            mean, log_variance = ops.split(encoded, 2, axis=-1)
            encoded = mean + ops.exp(log_variance / 2) * self.noise.normal(ops.shape(mean))
        return batch | {"z": encoded}, drawn | {"image": self.feed(self.generator, drawn)}

    def discriminator_loss(self, batch, fake):
        encoded, generated = (self.feed(self.discriminator, pair) for pair in fake)
        return (losses.called_real(encoded) + losses.called_fake(generated)) / 2 + self.decay(self.players[0])

    def generator_loss(self, batch, fake):
        encoded, generated = (self.feed(self.discriminator, pair) for pair in fake)
        return (losses.called_fake(encoded) + losses.called_real(generated)) / 2 + self.decay(self.players[1])

    def decay(self, player):
        return self.weight_decay * penalties.l2(self.variables_of(player))

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        codes, features = encoder(image, self.units, self.latent_dim, self.posterior)
        return {
            "generator": keras.Model(z, generator(z, self.image_shape, self.units), name="generator"),
            "encoder": keras.Model(image, {"z": codes, "features": features}, name="encoder"),
            "discriminator": keras.Model([image, z], discriminator(image, z, self.units), name="discriminator"),
        }


def dense(units):
    """Weights from N(0, 0.02), no bias."""
    return layers.Dense(units, use_bias=False, kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02))


def hidden(x, units, act, beside=None, norm=True):
    """A layer without bias; `beside` is projected and added before the normalization."""
    x = dense(units)(x) if beside is None else layers.Add()([dense(units)(x), dense(units)(beside)])
    return act(Norm()(x) if norm else x)


def generator(z, image_shape, units):
    """z enters twice: at the first and at the second layer."""
    x = hidden(hidden(z, units, layers.ReLU()), units, layers.ReLU(), beside=z)
    x = stretched_sigmoid(dense(prod(image_shape))(x))
    return layers.Reshape(image_shape, dtype="float32", name="image")(x)


def encoder(image, units, latent_dim, posterior):
    """Image -> its code, squashed into the prior's [-1, 1] (or a free mean and log variance), and the layer before."""
    x = layers.Rescaling(0.5, 0.5)(layers.Flatten()(image))
    x = hidden(x, units, layers.LeakyReLU(0.2), norm=False)
    features = hidden(x, units, layers.LeakyReLU(0.2))
    squash, outputs = (as_float32, 2 * latent_dim) if posterior == "stochastic" else (stretched_sigmoid, latent_dim)
    return squash(dense(outputs)(features)), features


def discriminator(image, z, units):
    """The code joins at the second layer."""
    x = layers.Rescaling(0.5, 0.5)(layers.Flatten()(image))
    x = hidden(x, units, layers.LeakyReLU(0.2), norm=False)
    return as_float32(dense(1)(hidden(x, units, layers.LeakyReLU(0.2), beside=z)))
