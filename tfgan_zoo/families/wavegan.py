"""WaveGAN: sound as a waveform.

Donahue, McAuley, Puckette 2019: Adversarial Audio Synthesis. https://arxiv.org/abs/1802.04208
"""

from functools import partial
from typing import Literal

import keras
from keras import layers

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import PhaseShuffle
from tfgan_zoo.modalities import Audio
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, Positive, Weight

adam = partial(keras.optimizers.Adam, 1e-4, beta_1=0.5, beta_2=0.9)  # table 6
Conv = partial(layers.Conv1D, strides=4, padding="same")
Deconv = partial(layers.Conv1DTranspose, strides=4, padding="same")
START = 16  # samples, at most, that the generator quadruples from


class WaveGAN(AdversarialModel):
    """DCGAN in one dimension, kernels of 25 samples and stride 4 in place of 5x5 and 2, in the game of WGAN-GP.

    Args:
        samples: length of a sound: up to 16 times a power of four, such as 8,192 or 16,384.
        rate: samples a second.
        latent_dim: length of z, drawn from U(-1, 1).
        filters: channels next to the sound in both networks; they double with each quartering of the length.
        kernel_size: samples that a kernel sees.
        phase_shuffle: how far the discriminator's maps are shifted at random, so that it cannot judge by the phase in
            which the generator's artifacts occur; 0 for not at all.
        shuffle_per: what is shifted together: "batch" as in the authors' code, "example", or "channel" as in the paper.
        gp_weight: lambda of WGAN-GP.
        discriminator_steps: discriminator updates per generator update.
    """

    def __init__(
        self,
        samples: Positive = 16_384,
        rate: Positive = 16_000,
        latent_dim: Positive = 100,
        filters: Positive = 64,
        kernel_size: Positive = 25,
        phase_shuffle: Count = 2,
        shuffle_per: Literal["batch", "example", "channel"] = "batch",
        gp_weight: Weight = 10.0,
        discriminator_steps: Positive = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.samples = samples
        self.rate = rate
        self.latent_dim = latent_dim
        self.filters = filters
        self.kernel_size = kernel_size
        self.phase_shuffle = phase_shuffle
        self.shuffle_per = shuffle_per
        self.gp_weight = gp_weight
        self.discriminator_steps = discriminator_steps
        self.players = (
            Player("discriminator", steps=discriminator_steps, optimizer=adam),
            Player("generator", optimizer=adam),
        )
        self.assemble()

    @property
    def element_spec(self):
        return {"audio": Audio((self.samples, 1), self.rate)}

    def latents(self, count):
        return {"z": self.noise.uniform((count, self.latent_dim), -1.0, 1.0)}

    def discriminator_loss(self, batch, fake):
        critic, real = partial(self.discriminator, training=self.training), batch["audio"]
        gp = penalties.gradient_penalty(critic, real, fake, self.noise.per_row(real))
        wasserstein = losses.wasserstein_critic(critic(real), critic(fake))
        return wasserstein + self.gp_weight * gp, {"wasserstein": -wasserstein, "gp": gp}

    def generator_loss(self, batch, fake):
        return losses.wasserstein_generator(self.discriminator(fake, training=self.training))

    def build_networks(self):
        z, audio = keras.Input((self.latent_dim,), name="z"), keras.Input((self.samples, 1), name="audio")
        return {
            "generator": keras.Model(z, self.upwards(z), name="generator"),
            "discriminator": keras.Model(audio, self.downwards(audio), name="discriminator"),
        }

    def upwards(self, z):
        """Vector -> sound in [-1, 1]: project, then transposed convolutions, without normalization."""
        quarterings = count_quarterings(self.samples)
        start = self.samples >> 2 * quarterings, self.filters << (quarterings - 1)
        x = layers.Reshape(start)(layers.Dense(start[0] * start[1])(z))
        for level in reversed(range(quarterings - 1)):
            x = Deconv(self.filters << level, self.kernel_size)(layers.ReLU()(x))
        x = Deconv(1, self.kernel_size)(layers.ReLU()(x))
        return layers.Activation("tanh", dtype="float32", name="audio")(x)

    def downwards(self, x):
        """Sound -> score: convolutions, phase shuffle between them, without normalization."""
        quarterings = count_quarterings(self.samples)
        for level in range(quarterings):
            x = layers.LeakyReLU(0.2)(Conv(self.filters << level, self.kernel_size)(x))
            if self.phase_shuffle and level < quarterings - 1:
                x = PhaseShuffle(self.phase_shuffle, self.shuffle_per)(x)
        return layers.Dense(1, dtype="float32", name="score")(layers.Flatten()(x))


def count_quarterings(samples: int) -> int:
    """How often a length is divided by four to reach 16 or less, at least once.

    Raises:
        ZooError: a length for which that leaves a remainder.
    """
    quarterings = 1
    while samples >> 2 * quarterings > START:
        quarterings += 1
    if samples % 4**quarterings:
        near = -(-samples // 4**quarterings) * 4**quarterings
        raise ZooError(f"samples={samples}: must be up to {START} times a power of four, such as {near}.")
    return quarterings
