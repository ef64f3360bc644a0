"""SAGAN: self-attention in both networks of a class-conditional game.

Zhang, Goodfellow, Metaxas, Odena 2019: Self-Attention Generative Adversarial Networks.
https://arxiv.org/abs/1805.08318
"""

from functools import partial

import keras

from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.networks import spectral
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.players import Player
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import Count, ImageShape, Positive

adam = partial(keras.optimizers.Adam, beta_1=0.0, beta_2=0.9)
fast, slow = partial(adam, 4e-4), partial(adam, 1e-4)  # two time scales in place of several discriminator steps


class SAGAN(RealOrFake):
    """Every position of one map looks at all others; both networks are spectrally normalized.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 4 or 7 times a power of two.
        num_classes: how many classes there are; the data say it where it is left out.
        latent_dim: length of z, drawn from N(0, I).
        filters: channels next to the image in both networks; they double with every halving of the side.
        attention: the side of the maps that have attention; 0 for none.
        loss: see `RealOrFake`.
        kwargs: as `RealOrFake`.
    """

    players = Player("discriminator", optimizer=fast), Player("generator", optimizer=slow)
    from_data = ("num_classes",)

    def __init__(
        self,
        image_shape: ImageShape = (128, 128, 3),
        num_classes: Positive = 1000,
        latent_dim: Positive = 128,
        filters: Positive = 64,
        attention: Count = 32,
        *,
        loss: str = "hinge",
        **kwargs,
    ):
        super().__init__(loss=loss, **kwargs)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.latent_dim = latent_dim
        self.filters = filters
        self.attention = attention
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "label": ClassLabel(self.num_classes)}

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        label = keras.Input((), dtype="int32", name="label")
        levels = range(count_doublings(self.image_shape))
        widths = [self.filters << level for level in levels]
        fake = spectral.upwards(
            z,
            self.image_shape,
            widths[::-1],
            [spectral.of_class(label, self.num_classes)] * len(levels),
            spectral.spectral_conv,
            spectral.spectral_dense,
            self.attention,
        )
        features = spectral.downwards(image, [*widths, widths[-1]], len(levels), attention=self.attention)
        score = spectral.projected(spectral.spectral_dense(1)(features), features, label, self.num_classes)
        return {
            "generator": keras.Model([z, label], fake, name="generator"),
            "discriminator": keras.Model([image, label], as_float32(score), name="discriminator"),
        }
