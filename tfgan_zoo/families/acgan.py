"""ACGAN: the discriminator also says the class.

Odena, Olah, Shlens 2017: Conditional Image Synthesis with Auxiliary Classifier GANs. https://arxiv.org/abs/1610.09585
"""

from functools import partial

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.families import dcgan
from tfgan_zoo.layers import Dropout, batch_norm
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.players import Player
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import Fraction, ImageShape, Positive, Weight

adam = partial(keras.optimizers.Adam, 2e-4, beta_1=0.5)
Conv = partial(layers.Conv2D, kernel_size=3, padding="same")


class ACGAN(RealOrFake):
    """The discriminator judges the source of a picture and its class; the generator is to be right in both.

    L_S is the log-likelihood of the source and L_C that of the class. The discriminator maximizes L_S + L_C, the
    generator L_C - L_S (in the non-saturating form; `loss` names others).

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 4 or 7 times a power of two.
        num_classes: how many classes there are; the data say it where it is left out.
        latent_dim: length of z, drawn from N(0, I); the class stands beside it as one number each.
        generator_filters: channels of the generator's last hidden map; they double with every halving of the side.
        discriminator_filters: channels of the discriminator's first map, 32 times as many at its last.
        dropout: share of the discriminator's numbers left out after each convolution in training.
        class_weight: of L_C, 1 in the paper.
        classify_fakes: whether the discriminator learns to classify made-up pictures too, as in the paper. Otherwise it
            learns the classes from real pictures alone, as several later implementations have it.
        kwargs: as `RealOrFake`.
    """

    players = Player("discriminator", optimizer=adam), Player("generator", optimizer=adam)
    from_data = ("num_classes",)

    def __init__(
        self,
        image_shape: ImageShape = (32, 32, 3),
        num_classes: Positive = 10,
        latent_dim: Positive = 100,
        generator_filters: Positive = 96,
        discriminator_filters: Positive = 16,
        dropout: Fraction = 0.5,
        class_weight: Weight = 1.0,
        classify_fakes: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.latent_dim = latent_dim
        self.generator_filters = generator_filters
        self.discriminator_filters = discriminator_filters
        self.dropout = dropout
        self.class_weight = class_weight
        self.classify_fakes = classify_fakes
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "label": ClassLabel(self.num_classes)}

    @property
    def endpoints(self):
        classify = Endpoint({"image": Image(self.image_shape)}, ClassLabel(self.num_classes), ("discriminator",))
        return {**super().endpoints, "classify": classify}

    def classify(self, inputs):
        """Endpoint: the class that the discriminator sees in a picture, as logits (n, num_classes)."""
        return self.feed(self.discriminator, inputs, training=False)["classes"]

    def judge(self, batch):
        return self.feed(self.discriminator, batch)["source"]

    def discriminator_loss(self, batch, fake):
        source, terms = super().discriminator_loss(batch, fake)
        real_classes = self.class_loss(batch)
        fake_classes = self.class_loss(batch | {"image": fake}) if self.classify_fakes else 0.0
        loss = source + self.class_weight * (real_classes + fake_classes)  # -(L_S + L_C)
        return loss, {**terms, "classes": real_classes}

    def generator_loss(self, batch, fake):
        source = super().generator_loss(batch, fake)
        return source + self.class_weight * self.class_loss(batch | {"image": fake})  # -(L_C - L_S)

    def class_loss(self, batch):
        """-E[log P(C = c | X)]."""
        answers = self.feed(self.discriminator, batch | {"image": self.shown(batch["image"])})
        return losses.cross_entropy(answers["classes"], batch["label"])

    def build_networks(self):
        z, label = keras.Input((self.latent_dim,), name="z"), keras.Input((), dtype="int32", name="label")
        image = keras.Input(self.image_shape, name="image")
        x = layers.Concatenate()([z, one_hot(self.num_classes)(label)])
        features = downwards(image, self.discriminator_filters, self.dropout)
        answers = {
            "source": dcgan.as_float32(layers.Dense(1, kernel_initializer=dcgan.weights())(features), "source"),
            "classes": dcgan.as_float32(
                layers.Dense(self.num_classes, kernel_initializer=dcgan.weights())(features), "classes"
            ),
        }
        return {
            "generator": keras.Model(
                [z, label], dcgan.upwards(x, self.image_shape, self.generator_filters), name="generator"
            ),
            "discriminator": keras.Model(image, answers, name="discriminator"),
        }


def one_hot(num_classes):
    """int (n,) -> (n, num_classes)."""
    return layers.Embedding(num_classes, num_classes, "identity", trainable=False)


def downwards(x, filters, dropout):
    """Six convolutions of 3x3, every second one from the first on of stride 2, each with dropout."""
    for level in range(6):
        x = Conv(filters << level, strides=2 - level % 2, use_bias=level == 0, kernel_initializer=dcgan.weights())(x)
        x = layers.LeakyReLU(0.2)(batch_norm()(x) if level else x)
        x = Dropout(dropout)(x)
    return layers.Flatten()(x)
