"""3D-GAN: solids from noise, by convolutions over voxels.

Wu, Zhang, Xue, Freeman, Tenenbaum 2016: Learning a Probabilistic Latent Space of Object Shapes via 3D
Generative-Adversarial Modeling. https://arxiv.org/abs/1610.07584
"""

from functools import partial

import keras
from keras import layers, ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import as_float32, weights
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.modalities import Points, Voxels
from tfgan_zoo.players import Player
from tfgan_zoo.types import Positive, Weight

Conv = partial(layers.Conv3D, kernel_size=4, strides=2, padding="same", use_bias=False)  # the authors' have no bias
Deconv = partial(layers.Conv3DTranspose, kernel_size=4, strides=2, padding="same", use_bias=False)
adam = partial(keras.optimizers.Adam, beta_1=0.5)


class GAN3D(AdversarialModel):
    """A DCGAN of solids. Its discriminator waits while it is far ahead: most voxels are empty, and it soon knows.

    Args:
        side: of the cube of voxels, a power of two from 16 up; the smallest maps are 4x4x4.
        latent_dim: length of z, drawn from U(0, 1).
        filters: channels of the maps of half the side, next to the solid; they double with every halving.
        accuracy_limit: the discriminator learns only where it told no more than this share of the last batch, real and
            made-up ones, apart; with 1 always.
    """

    players = (
        Player("discriminator", optimizer=partial(adam, 1e-5)),
        Player("generator", optimizer=partial(adam, 2.5e-3)),
    )

    def __init__(
        self,
        side: Positive = 64,
        latent_dim: Positive = 200,
        filters: Positive = 64,
        accuracy_limit: Weight = 0.8,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if side < 16 or side & (side - 1):
            raise ZooError(f"side={side}: must be a power of two from 16 up, such as 32 or 64.")
        self.side = side
        self.latent_dim = latent_dim
        self.filters = filters
        self.accuracy_limit = accuracy_limit
        self.levels = side.bit_length() - 3  # halvings from `side` to 4
        even = {"initializer": keras.initializers.Constant(0.5), "trainable": False, "aggregation": "mean"}
        self.accuracy = self.add_weight(name="accuracy", shape=(), **even)  # of the last batch
        self.assemble()

    @property
    def element_spec(self):
        return {"voxel": Voxels((self.side, self.side, self.side, 1))}

    @property
    def endpoints(self):
        asked, length = super().endpoints, self.discriminator.output["features"].shape[1]
        asked["encode"] = Endpoint(self.element_spec, Points((length,)), ("discriminator",))
        return asked

    def encode(self, inputs):
        """Endpoint: a solid -> the discriminator's maps from the second on, each pooled to 2x2x2 (section 4.2)."""
        return self.feed(self.discriminator, inputs, training=False)["features"]

    def latents(self, count):
        return {"z": self.noise.uniform((count, self.latent_dim))}

    def judge(self, voxel):
        return self.feed(self.discriminator, {"voxel": voxel})["logit"]

    def discriminator_loss(self, batch, fake):
        real, made = self.judge(batch["voxel"]), self.judge(fake)
        right = ops.mean(ops.cast(ops.concatenate([real > 0, made < 0]), "float32"))
        # A loss of 0 is no step of SGD; Adam takes what is left of its momentum.
        learns = ops.cast(self.accuracy <= self.accuracy_limit, "float32") if self.training else 1.0
        return learns * losses.minimax_discriminator(real, made), {"accuracy": right, "learns": learns}

    def generator_loss(self, batch, fake):
        return losses.non_saturating_generator(self.judge(fake))  # the paper writes log(1 - D(G(z)))

    def play(self, slices):
        logs = super().play(slices)
        self.accuracy.assign(logs["accuracy"])
        return logs

    def build_networks(self):
        z, voxel = keras.Input((self.latent_dim,), name="z"), keras.Input((self.side,) * 3 + (1,), name="voxel")
        return {
            "generator": keras.Model(z, upwards(z, self.levels, self.filters), name="generator"),
            "discriminator": keras.Model(voxel, downwards(voxel, self.levels, self.filters), name="discriminator"),
        }


def upwards(z, levels, filters):
    """z -> probabilities that voxels are filled, float32 in [0, 1]."""
    start = 4, 4, 4, filters << (levels - 1)
    # Normalization takes the mean of z away in any case; where it is 0, moving means need not follow the weights.
    x = layers.Rescaling(1.0, -0.5)(z)
    x = layers.Dense(64 * start[3], use_bias=False, kernel_initializer=weights())(x)  # a convolution of 1x1x1 to 4x4x4
    x = layers.ReLU()(batch_norm()(layers.Reshape(start)(x)))
    for level in reversed(range(levels - 1)):
        x = layers.ReLU()(batch_norm()(Deconv(filters << level, kernel_initializer=weights())(x)))
    x = Deconv(1, kernel_initializer=weights())(x)
    return layers.Activation("sigmoid", dtype="float32", name="made")(x)


def downwards(x, levels, filters):
    """Solid -> {"logit": float32 (n, 1), "features": float32 (n, length)}."""
    pooled = []
    for level in range(levels):
        x = layers.LeakyReLU(0.2)(batch_norm()(Conv(filters << level, kernel_initializer=weights())(x)))
        if level:
            maximum = layers.MaxPooling3D(x.shape[1] // 2, dtype="float32")(x)  # float16 fails on a CPU
            pooled.append(layers.Flatten(dtype="float32")(maximum))
    features = layers.Concatenate(dtype="float32")(pooled) if pooled[1:] else pooled[0]
    logit = layers.Dense(1, use_bias=False, kernel_initializer=weights())(layers.Flatten()(x))
    return {"logit": as_float32(logit), "features": features}
