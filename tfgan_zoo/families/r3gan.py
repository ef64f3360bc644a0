"""R3GAN: a modern baseline without tricks.

Huang, Gokaslan, Kuleshov, Tompkin 2024: The GAN is dead; long live the GAN! A Modern Baseline GAN.
https://arxiv.org/abs/2501.05441
"""

from functools import partial

import keras
from keras import initializers, layers

from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.layers import Basis, GroupedConv2D, UpFirDn2D
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.players import Player
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import Count, ImageShape, Positive, Weight

adam = partial(keras.optimizers.Adam, 2e-4, beta_1=0.0, beta_2=0.99)
Grow = partial(UpFirDn2D, (1, 3, 3, 1), up=2)
Shrink = partial(UpFirDn2D, (1, 3, 3, 1), down=2)
act = partial(layers.LeakyReLU, 0.2)
GAIN = 2 / (1 + 0.2**2)  # keeps the variance through a leaky rectifier of slope 0.2


class R3GAN(RealOrFake):
    """Relativistic pairs with both zero-centred penalties, R1 on real and R2 on made-up pictures, in plain ResNets.

    The networks have no normalization, no style and no attention: grouped 3x3 convolutions between 1x1 ones, leaky
    rectifiers, weights that start as Fixup has them, and bilinear resampling.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 4 or 7 times a power of two.
        latent_dim: length of z, drawn from N(0, I).
        filters: channels of the maps of full size; they double with every halving of the side.
        max_filters: the most channels.
        blocks: residual blocks for each size of the maps, in both networks.
        group: channels of a group in the 3x3 convolutions.
        expansion: how many times wider the maps are within a block.
        num_classes: for a game with classes, embedded beside z and projected on in the discriminator; 0 without.
        loss, penalties: see `RealOrFake`; the weight of both penalties is the paper's gamma.
        kwargs: as `RealOrFake`.
    """

    players = Player("discriminator", optimizer=adam), Player("generator", optimizer=adam)

    def __init__(
        self,
        image_shape: ImageShape = (32, 32, 3),
        latent_dim: Positive = 64,
        filters: Positive = 768,
        max_filters: Positive = 768,
        blocks: Positive = 2,
        group: Positive = 16,
        expansion: Positive = 2,
        num_classes: Count = 0,
        *,
        loss: str = "relativistic",
        penalties: dict[str, Weight] | None = None,
        **kwargs,
    ):
        super().__init__(loss=loss, penalties={"r1": 0.05, "r2": 0.05} if penalties is None else penalties, **kwargs)
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.max_filters = max_filters
        self.blocks = blocks
        self.group = group
        self.expansion = expansion
        self.num_classes = num_classes
        self.assemble()

    @property
    def element_spec(self):
        image = {"image": Image(self.image_shape)}
        return image | {"label": ClassLabel(self.num_classes)} if self.num_classes else image

    def build_networks(self):
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        label = keras.Input((), dtype="int32", name="label") if self.num_classes else None
        conditions = [] if label is None else [label]
        return {
            "generator": keras.Model([z, *conditions], self.made(z, label), name="generator"),
            "discriminator": keras.Model([image, *conditions], self.judged(image, label), name="discriminator"),
        }

    @property
    def widths(self):
        """Channels of the maps, from those of full size to the smallest."""
        return [min(self.filters << level, self.max_filters) for level in range(count_doublings(self.image_shape) + 1)]

    def made(self, z, label):
        """A learned 4x4 basis weighed by z, then residual blocks at each size."""
        halvings = len(self.widths) - 1
        start = self.image_shape[0] >> halvings, self.image_shape[1] >> halvings, self.widths[-1]
        z = z if label is None else layers.Concatenate()([z, embedding(self.num_classes, self.latent_dim)(label)])
        weighed = layers.Reshape((1, 1, start[-1]))(dense(start[-1])(z))
        x = Basis(start[:2])(weighed)
        for size, width in enumerate(reversed(self.widths)):
            x = self.residuals(x if not size else Grow()(narrowed(x, width)))
        return as_float32(
            layers.Conv2D(self.image_shape[-1], 1, use_bias=False, kernel_initializer=scaled(1))(x), "image"
        )

    def judged(self, image, label):
        """The way back: residual blocks at each size, a basis of 4x4, one number."""
        x = layers.Conv2D(self.widths[0], 1, use_bias=False, kernel_initializer=scaled(1))(image)
        for size, width in enumerate(self.widths):
            x = self.residuals(x if not size else narrowed(Shrink()(x), width))
        x = layers.DepthwiseConv2D(x.shape[1:3], use_bias=False, depthwise_initializer=scaled(1))(x)
        x = layers.Flatten()(x)
        if label is None:
            return as_float32(dense(1)(x))
        classes = layers.Dense(x.shape[-1], use_bias=False)(embedding(self.num_classes, self.latent_dim)(label))
        return as_float32(layers.Dot(-1)([dense(x.shape[-1])(x), classes]))

    def residuals(self, x):
        """x + conv 1x1 (act (grouped conv 3x3 (act (conv 1x1 (x))))), `blocks` times."""
        width, inner = x.shape[-1], self.expansion * x.shape[-1]
        fixup = (2 * self.blocks * len(self.widths)) ** -0.5  # variance of three convolutions in a branch, L^(-1/2)
        for _ in range(self.blocks):
            h = act()(layers.Conv2D(inner, 1, kernel_initializer=scaled(GAIN * fixup))(x))
            groups = max(inner // self.group, 1)
            conv = GroupedConv2D if groups > 1 else layers.Conv2D
            start = scaled(GAIN * fixup)
            h = act()(conv(inner, 3, padding="same", groups=groups, kernel_initializer=start)(h))
            h = layers.Conv2D(width, 1, use_bias=False, kernel_initializer="zeros")(h)
            x = layers.Add()([x, h])
        return x


def scaled(variance):
    """Normal weights of this variance, divided by the number of inputs."""
    return initializers.VarianceScaling(variance, "fan_in", "untruncated_normal")


def dense(units):
    """A linear layer without bias."""
    return layers.Dense(units, use_bias=False, kernel_initializer=scaled(1))


def narrowed(x, width):
    """A 1x1 convolution where the number of channels changes."""
    return x if x.shape[-1] == width else layers.Conv2D(width, 1, use_bias=False, kernel_initializer=scaled(1))(x)


def embedding(num_classes, width):
    """int (n,) -> (n, width)."""
    return layers.Embedding(num_classes, width, initializers.RandomNormal(0.0, 1.0))
