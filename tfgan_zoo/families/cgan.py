"""CGAN: conditional generative adversarial nets.

Mirza, Osindero 2014: Conditional Generative Adversarial Nets. https://arxiv.org/abs/1411.1784
"""

from functools import partial
from math import prod
from typing import Literal

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.families import dcgan
from tfgan_zoo.layers import Dropout, Maxout
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.networks.small import stretched_sigmoid
from tfgan_zoo.players import Player, adam
from tfgan_zoo.types import Fraction, ImageShape, Positive, Weight


def sgd(rate: float) -> keras.optimizers.Optimizer:
    """Momentum SGD, its rate divided by 1.00004 a step (section 4.1, where the momentum rises to 0.7)."""
    schedule = keras.optimizers.schedules.ExponentialDecay(rate, decay_steps=1, decay_rate=1 / 1.00004)
    return keras.optimizers.SGD(schedule, momentum=0.5)


class CGAN(AdversarialModel):
    """Both players see the class: the generator makes a picture of it, the discriminator judges the pair.

    Args:
        image_shape: (height, width, channels), float [-1, 1].
        num_classes: how many classes there are; the data say it where it is left out.
        latent_dim: length of z, from U(-1, 1); with "mlp" from U(-sqrt 3, sqrt 3) (base code; section 4.1: U(0, 1)).
        architecture: "mlp", the paper's perceptrons for MNIST, or "conv", DCGAN's networks with the class beside z and
            as planes beside the picture.
        filters: channels next to the image with "conv".
        units: width of the generator's joint hidden layer with "mlp", 1200 in the paper; the others keep its ratio.
        dropout: share of the discriminator's hidden units left out in training, with "mlp".
        generator_dropout: the same in the generator, 0.5 in the paper: its variety then comes from dropout, not z.
        mismatched_weight: weight of a third term of the discriminator's loss: real pictures with a wrong class count as
            made up (Reed et al. 2016); 0 as in the paper.
    """

    from_data = ("num_classes",)

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        num_classes: Positive = 10,
        latent_dim: Positive = 100,
        architecture: Literal["mlp", "conv"] = "mlp",
        filters: Positive = 32,
        units: Positive = 1200,
        dropout: Fraction = 0.5,
        generator_dropout: Fraction = 0.0,
        mismatched_weight: Weight = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.latent_dim = latent_dim
        self.architecture = architecture
        self.filters = filters
        self.units = units
        self.dropout = dropout
        self.generator_dropout = generator_dropout
        self.mismatched_weight = mismatched_weight
        # In the base code D descends on the mean of its two terms, which is half the rate.
        rates = (adam, adam) if architecture == "conv" else (partial(sgd, 0.05), partial(sgd, 0.1))
        self.players = Player("discriminator", optimizer=rates[0]), Player("generator", optimizer=rates[1])
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "label": ClassLabel(self.num_classes)}

    def latents(self, count):
        reach = 3**0.5 if self.architecture == "mlp" else 1.0
        return {"z": self.noise.uniform((count, self.latent_dim), -reach, reach)}

    def discriminator_loss(self, batch, fake):
        loss = losses.called_real(self.judge(batch)) + losses.called_fake(self.judge(batch | {"image": fake}))
        if self.mismatched_weight:
            shift = 1 + self.noise.integers(keras.ops.shape(batch["label"]), self.num_classes - 1)
            mismatched = batch | {"label": (batch["label"] + shift) % self.num_classes}
            loss += self.mismatched_weight * losses.called_fake(self.judge(mismatched))
        return loss

    def generator_loss(self, batch, fake):
        return losses.called_real(self.judge(batch | {"image": fake}))

    def judge(self, pair):
        return self.feed(self.discriminator, pair)

    def build_networks(self):
        z = keras.Input((self.latent_dim,), name="z")
        image = keras.Input(self.image_shape, name="image")
        label = keras.Input((), dtype="int32", name="label")
        networks = mlp if self.architecture == "mlp" else conv
        fake, logit = networks(self, z, image, label)
        return {
            "generator": keras.Model([z, label], fake, name="generator"),
            "discriminator": keras.Model([image, label], dcgan.as_float32(logit), name="discriminator"),
        }


def mlp(model, z, image, label):
    """The paper's perceptrons: rectifiers (generator) and maxout units (discriminator), joined in a hidden layer."""

    def init(reach):
        return {"kernel_initializer": keras.initializers.RandomUniform(-reach, reach)}

    width = model.units
    x = layers.Concatenate()(
        [
            layers.Dense(width // 6, "relu", **init(0.05))(z),
            layers.Dense(width * 5 // 6, "relu", **init(0.05))(one_hot(model, label)),
        ]
    )
    x = layers.Dense(width, "relu", **init(0.05))(Dropout(model.generator_dropout)(x))
    x = layers.Dense(prod(model.image_shape), **init(0.05))(Dropout(model.generator_dropout)(x))
    x = stretched_sigmoid(x)
    fake = layers.Reshape(model.image_shape, dtype="float32", name="image")(x)

    pixels = layers.Rescaling(0.5, 0.5)(layers.Flatten()(image))
    x = layers.Concatenate()(
        [
            Maxout(width // 5, 5, **init(0.005))(pixels),
            Maxout(width // 24, 5, **init(0.005))(one_hot(model, label)),
        ]
    )
    x = Maxout(width // 5, 4, **init(0.005))(Dropout(model.dropout)(x))
    return fake, layers.Dense(1, **init(0.005))(Dropout(model.dropout)(x))


def conv(model, z, image, label):
    """DCGAN's networks, not the paper's: the class beside z, and as one plane a class beside the picture's channels."""
    classes = one_hot(model, label)
    fake = dcgan.upwards(layers.Concatenate()([z, classes]), model.image_shape, model.filters)
    planes = layers.UpSampling2D(model.image_shape[:2])(layers.Reshape((1, 1, model.num_classes))(classes))
    x = dcgan.downwards(layers.Concatenate()([image, planes]), model.filters)
    return fake, layers.Dense(1, kernel_initializer=dcgan.weights())(x)


def one_hot(model, label):
    """int (n,) -> (n, num_classes)."""
    return layers.Embedding(model.num_classes, model.num_classes, "identity", trainable=False)(label)
