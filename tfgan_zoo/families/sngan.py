"""SNGAN: spectral normalization, and the projection discriminator for classes.

Miyato, Kataoka, Koyama, Yoshida 2018: Spectral Normalization for Generative Adversarial Networks.
https://arxiv.org/abs/1802.05957
Miyato, Koyama 2018: cGANs with Projection Discriminator. https://arxiv.org/abs/1802.05637
"""

from functools import partial
from typing import Literal

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.networks import spectral
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.players import Player
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import ImageShape, Positive, Weight

adam = partial(keras.optimizers.Adam, 2e-4, beta_1=0.0, beta_2=0.9)


class SNGAN(RealOrFake):
    """All the discriminator's weights are divided by their largest singular value, so that it is 1-Lipschitz.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 4 or 7 times a power of two.
        latent_dim: length of z, drawn from N(0, I).
        generator_filters, discriminator_filters: channels; with "conv" those next to the image.
        architecture: "resnet", the residual networks for CIFAR-10, or "conv", the plain ones.
        condition: how the discriminator sees the class: "none" for a game without classes; "projection", score =
            psi(features) + <embedding of the class, features>; "auxiliary" classifies instead, as ACGAN does.
        num_classes: how many classes there are; the data say it where it is left out.
        class_weight: of the classifier's cross-entropy with "auxiliary".
        discriminator_steps: discriminator updates per generator update.
        spectral: whether the discriminator is normalized; without it, for comparison with penalties.
        loss: see `RealOrFake`.
        kwargs: as `RealOrFake`.
    """

    from_data = ("num_classes",)

    def __init__(
        self,
        image_shape: ImageShape = (32, 32, 3),
        latent_dim: Positive = 128,
        generator_filters: Positive = 256,
        discriminator_filters: Positive = 128,
        architecture: Literal["resnet", "conv"] = "resnet",
        condition: Literal["none", "projection", "auxiliary"] = "none",
        num_classes: Positive = 10,
        class_weight: Weight = 1.0,
        discriminator_steps: Positive = 5,
        spectral: bool = True,
        *,
        loss: str = "hinge",
        **kwargs,
    ):
        super().__init__(loss=loss, **kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.generator_filters = generator_filters
        self.discriminator_filters = discriminator_filters
        self.architecture = architecture
        self.condition = condition
        self.num_classes = num_classes
        self.class_weight = class_weight
        self.discriminator_steps = discriminator_steps
        self.spectral = spectral
        self.players = (
            Player("discriminator", steps=discriminator_steps, optimizer=adam),
            Player("generator", optimizer=adam),
        )
        self.assemble()

    @property
    def element_spec(self):
        image = {"image": Image(self.image_shape)}
        return image if self.condition == "none" else image | {"label": ClassLabel(self.num_classes)}

    def judge(self, batch):
        return self.feed(self.discriminator, batch)["score"]

    def discriminator_loss(self, batch, fake):
        loss, terms = super().discriminator_loss(batch, fake)
        return self.classified(loss, terms, batch, batch | {"image": fake})

    def generator_loss(self, batch, fake):
        return self.classified(super().generator_loss(batch, fake), {}, batch | {"image": fake})

    def classified(self, loss, terms, *batches):
        """A loss with the cross-entropy of the discriminator's classifier beside it, where there is one."""
        if self.condition != "auxiliary":
            return loss, terms
        answers = [(self.feed(self.discriminator, batch)["classes"], batch["label"]) for batch in batches]
        classes = sum(losses.cross_entropy(*answer) for answer in answers)
        return loss + self.class_weight * classes, {**terms, "classes": classes}

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        label = None if self.condition == "none" else keras.Input((), dtype="int32", name="label")
        norm = batch_norm if label is None else spectral.of_class(label, self.num_classes)
        wide, narrow = self.generator_filters, self.discriminator_filters
        conv = spectral.spectral_conv if self.spectral else spectral.conv
        dense = spectral.spectral_dense if self.spectral else layers.Dense
        if self.architecture == "resnet":
            blocks = count_doublings(self.image_shape)
            fake = spectral.upwards(z, self.image_shape, [wide] * blocks, [norm] * blocks)
            features = spectral.downwards(image, [narrow] * 4, halvings=2, conv=conv)
        else:
            fake = spectral.plain_upwards(z, self.image_shape, wide, norm)
            features = spectral.plain_downwards(image, narrow, conv)
        answers = {"score": dense(1)(features)}
        if self.condition == "projection":
            answers["score"] = spectral.projected(answers["score"], features, label, self.num_classes)
        elif self.condition == "auxiliary":
            answers["classes"] = as_float32(dense(self.num_classes)(features), "classes")
        answers["score"] = as_float32(answers["score"])
        given = [image, label] if self.condition == "projection" else image
        return {
            "generator": keras.Model(z if label is None else [z, label], fake, name="generator"),
            "discriminator": keras.Model(given, answers, name="discriminator"),
        }
