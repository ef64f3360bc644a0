"""BigGAN: class-conditional pictures at scale.

Brock, Donahue, Simonyan 2019: Large Scale GAN Training for High Fidelity Natural Image Synthesis.
https://arxiv.org/abs/1809.11096
"""

from functools import partial

import keras
from keras import layers

from tfgan_zoo import penalties
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.layers import ConditionalBatchNormalization
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.networks import spectral
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.players import Player
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import Count, ImageShape, Positive, Weight

slow = partial(keras.optimizers.Adam, 5e-5, beta_1=0.0, beta_2=0.999, epsilon=1e-8)
fast = partial(keras.optimizers.Adam, 2e-4, beta_1=0.0, beta_2=0.999, epsilon=1e-8)
orthogonal = keras.initializers.Orthogonal
spectral_conv = partial(spectral.spectral_conv, start=orthogonal)
spectral_dense = partial(spectral.spectral_dense, start=orthogonal)


class BigGAN(RealOrFake):
    """SAGAN, wider, with one embedding of the class for all layers and a part of z for each of them.

    Drawn with truncation, `generate --truncation 0.5`, pictures are better and less diverse; then
    `tfgan_zoo.standing.standing_statistics` fits the generator's normalization to what is drawn.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 4 or 7 times a power of two.
        num_classes: how many classes there are; the data say it where it is left out.
        latent_dim: length of z, drawn from N(0, I) and cut into a part for the first layer and for each block.
        filters: channels next to the image in both networks; they double with every halving of the side.
        shared_dim: length of the embedding of the class that all layers share.
        attention: the side of the maps that have attention; 0 for none.
        orthogonal_weight: beta of equation 3, which keeps the generator's filters apart, so that it stands truncation.
        discriminator_steps: discriminator updates per generator update.
        loss: see `RealOrFake`.
        kwargs: as `RealOrFake`.
    """

    from_data = ("num_classes",)

    def __init__(
        self,
        image_shape: ImageShape = (128, 128, 3),
        num_classes: Positive = 1000,
        latent_dim: Positive = 120,
        filters: Positive = 96,
        shared_dim: Positive = 128,
        attention: Count = 64,
        orthogonal_weight: Weight = 1e-4,
        discriminator_steps: Positive = 2,
        *,
        loss: str = "hinge",
        **kwargs,
    ):
        super().__init__(loss=loss, **kwargs)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.latent_dim = latent_dim
        self.filters = filters
        self.shared_dim = shared_dim
        self.attention = attention
        self.orthogonal_weight = orthogonal_weight
        self.discriminator_steps = discriminator_steps
        self.players = (
            Player("discriminator", steps=discriminator_steps, optimizer=fast),
            Player("generator", optimizer=slow),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "label": ClassLabel(self.num_classes)}

    def generator_loss(self, batch, fake):
        loss = super().generator_loss(batch, fake)
        if not self.orthogonal_weight:
            return loss
        # The authors spare the embedding of the class alone.
        kernels = [w for w in self.generator.trainable_variables if len(w.shape) > 1 and "shared" not in w.path]
        apart = penalties.orthogonal(kernels)
        return loss + self.orthogonal_weight * apart, {"orthogonal": apart}

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        label = keras.Input((), dtype="int32", name="label")
        widths = [self.filters << level for level in range(count_doublings(self.image_shape))]
        features = spectral.downwards(
            image, [*widths, widths[-1]], len(widths), partial(spectral_conv), attention=self.attention
        )
        score = spectral.projected(spectral_dense(1)(features), features, label, self.num_classes, orthogonal)
        return {
            "generator": keras.Model([z, label], self.made(z, label, widths[::-1]), name="generator"),
            "discriminator": keras.Model([image, label], as_float32(score), name="discriminator"),
        }

    def made(self, z, label, widths):
        """Figure 15: the first part of z is the first layer's input, each other one joins the class in one block."""
        part = self.latent_dim // (len(widths) + 1)
        shared = layers.Embedding(self.num_classes, self.shared_dim, "normal", name="shared")(label)
        parts = [z[:, part * i : part * (i + 1)] for i in range(len(widths) + 1)]
        norms = [of_vector(layers.Concatenate()([shared, part])) for part in parts[1:]]
        return spectral.upwards(
            parts[0], self.image_shape, widths, norms, spectral_conv, spectral_dense, self.attention
        )


def of_vector(condition):
    """What makes a batch normalization whose scale and offset are linear in the condition."""
    return lambda: lambda x: ConditionalBatchNormalization(spectral=True)(x, condition)
