"""SGAN: a texture of any size from one picture, by a field of noise in place of a vector.

Jetchev, Bergmann, Vollgraf 2016: Texture Synthesis with Spatial Generative Adversarial Networks.
https://arxiv.org/abs/1611.08207
With waves in the field it is PSGAN: Bergmann, Jetchev, Vollgraf 2017: Learning Texture Manifolds with the Periodic
Spatial GAN. https://arxiv.org/abs/1705.06566
"""

from functools import partial
from math import pi

import keras
from keras import ops

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import Conv, as_float32, weights
from tfgan_zoo.layers import Waves
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks import textures
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, Halvings, ImageShape, Positive, Weight

adam = partial(keras.optimizers.Adam, 5e-4, beta_1=0.5)
MARGIN = 2  # cells of the field that a pixel depends on, at either side


class SGANTexture(AdversarialModel):
    """Both networks are convolutions alone: a larger field of noise gives a larger picture, and D judges each part.

    Args:
        image_shape: (height, width, channels) of the parts of the texture that are trained on, float [-1, 1]; sides are
            multiples of 2^`halvings`. The authors' pictures have (L - 1) 2^5 + 1 pixels for L cells; here it is L 2^5.
        latent_dim: numbers of each cell of the field, drawn from U(-1, 1).
        periodic_dim: waves along each axis beside them, for textures that repeat: 0 in SGAN, 3 in PSGAN.
        filters: channels of the maps of half the picture's size; they double with each further halving.
        halvings: convolutions of stride 2 in each network.
        kernel_size: side of all kernels.
        weight_decay: of the sum of squares of all kernels, in both losses.
        large: how many times as large as `image_shape` the pictures of the endpoint `enlarge` are.
    """

    players = Player("discriminator", optimizer=adam), Player("generator", optimizer=adam)

    def __init__(
        self,
        image_shape: ImageShape = (288, 288, 3),
        latent_dim: Positive = 100,
        periodic_dim: Count = 0,
        filters: Positive = 64,
        halvings: Halvings = 5,
        kernel_size: Positive = 5,
        weight_decay: Weight = 1e-5,
        large: Positive = 4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if image_shape[0] % (1 << halvings) or image_shape[1] % (1 << halvings):
            raise ZooError(f"image_shape={list(image_shape)}: sides must be multiples of {1 << halvings} (2^halvings).")
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.periodic_dim = periodic_dim
        self.filters = filters
        self.halvings = halvings
        self.kernel_size = kernel_size
        self.weight_decay = weight_decay
        self.large = large
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)}

    @property
    def endpoints(self):
        plain, field = super().endpoints, Noise((None, None, self.latent_dim))
        inputs = {key: kind for key, kind in plain["generate"].inputs.items() if key != "z"}
        any_size, networks = Image((None, None, self.image_shape[-1])), ("generator",)
        tile = {"tile": Endpoint({"z": field}, self.element_spec["image"], networks)}
        # Waves have lengths of their own, which do not fit into a tile.
        return (
            plain
            | {"enlarge": Endpoint({"z_large": field, **inputs}, any_size, networks)}
            | ({} if self.periodic_dim else tile)
        )

    def enlarge(self, inputs):
        """Endpoint: a texture of `large` times the sides that were trained on; a field of any size is taken too."""
        return self.generate(inputs | {"z": inputs["z_large"]})

    def tile(self, inputs):
        """Endpoint: a picture whose opposite sides fit together."""
        made = self.generate({"z": textures.wrapped(inputs["z"], MARGIN)})
        return textures.inner(made, MARGIN << self.halvings)

    def texture(self, height: int, width: int, seed: int = 0):
        """A texture of any size: uint8 (height, width, channels)."""
        with self.noise.drawing(ops.convert_to_tensor(seed, "int64")):
            drawn = self.latents(1) | {"z": self.field(1, -(-height >> self.halvings), -(-width >> self.halvings))}
        return self.element_spec["image"].to_stored(self.generate(drawn))[0, :height, :width]

    def field(self, count, rows, columns):
        return self.noise.uniform((count, rows, columns, self.latent_dim), -1.0)

    def latents(self, count):
        rows, columns = (side >> self.halvings for side in self.image_shape[:2])
        drawn = {"z": self.field(count, rows, columns)}
        if self.periodic_dim:
            drawn["phase"] = self.noise.uniform((count, 2 * self.periodic_dim), 0.0, 2 * pi)
        return drawn | {"z_large": self.field(count, rows * self.large, columns * self.large)}

    def discriminator_loss(self, batch, fake):
        real_logits = self.discriminator(batch["image"], training=self.training)
        fake_logits = self.discriminator(fake, training=self.training)
        return losses.minimax_discriminator(real_logits, fake_logits) + self.decay(self.discriminator)

    def generator_loss(self, batch, fake):
        fake_logits = self.discriminator(fake, training=self.training)
        return losses.non_saturating_generator(fake_logits) + self.decay(self.generator)

    def decay(self, network):
        """The sum of squares of all kernels of convolutions, `weight_decay` times."""
        kernels = [layer.kernel for layer in network.layers if hasattr(layer, "kernel")]
        return self.weight_decay * 2 * penalties.l2(kernels)

    def build_networks(self):
        z = keras.Input((None, None, self.latent_dim), name="z")
        image = keras.Input((None, None, self.image_shape[-1]), name="image")
        inputs, x, widths = [z], z, [self.filters << level for level in range(self.halvings - 1)]
        if self.periodic_dim:
            inputs.append(phase := keras.Input((2 * self.periodic_dim,), name="phase"))
            x = Waves(self.periodic_dim)(z, phase)
        fake = textures.enlarging(x, widths[::-1], self.image_shape[-1], self.kernel_size)
        x = textures.shrinking(image, widths, self.kernel_size, norm_first=False)
        logits = Conv(1, self.kernel_size, kernel_initializer=weights())(x)
        return {
            "generator": keras.Model(inputs, fake, name="generator"),
            "discriminator": keras.Model(image, as_float32(logits), name="discriminator"),
        }
