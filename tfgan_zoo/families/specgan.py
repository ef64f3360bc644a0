"""SpecGAN: sound as a picture of its spectrum.

Donahue, McAuley, Puckette 2019: Adversarial Audio Synthesis. https://arxiv.org/abs/1802.04208
The paper's other model, beside WaveGAN, in the same game:

    D:  min  E[D(G(z))] - E[D(s(x))] + lambda E[(||grad D(s_hat)||_2 - 1)^2]
    G:  min  -E[D(G(z))]

with s(x) = clip((log(|STFT(x)| + 1e-6) - mean) / (3 deviation), -1, 1), mean and deviation of each frequency.
"""

from functools import partial
from math import prod

import keras
from keras import layers, ops

from tfgan_zoo import losses, penalties
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.modalities import Audio
from tfgan_zoo.networks.geometry import count_doublings
from tfgan_zoo.networks.spectra import Standardizer, griffin_lim, magnitudes, picture_shape
from tfgan_zoo.players import Player
from tfgan_zoo.types import Positive, Weight

adam = partial(keras.optimizers.Adam, 1e-4, beta_1=0.5, beta_2=0.9)  # table 6
Conv = partial(layers.Conv2D, kernel_size=5, strides=2, padding="same")
Deconv = partial(layers.Conv2DTranspose, kernel_size=5, strides=2, padding="same")
FLOOR = 1e-6  # of a magnitude, before its logarithm is taken
REACH = 3.0  # deviations from the mean; what lies beyond is clipped


class SpecGAN(AdversarialModel):
    """DCGAN without normalization makes log-magnitude spectrograms; Griffin and Lim's method makes sounds of them.

    Args:
        samples: length of a sound.
        rate: samples a second.
        window: samples that a spectrum is taken of, every `window / 2` samples. The spectrogram has 2 samples / window
            frames of window / 2 frequencies (the highest one is left out), both powers of two from 8 up.
        latent_dim: length of z, drawn from U(-1, 1).
        filters: channels next to the spectrogram in both networks; they double with each halving of its sides.
        rounds: of Griffin and Lim's method.
        measured_steps: the mean and the deviation of each frequency are those of the data of so many first steps.
        gp_weight: lambda of WGAN-GP.
        discriminator_steps: discriminator updates per generator update.
    """

    def __init__(
        self,
        samples: Positive = 16_384,
        rate: Positive = 16_000,
        window: Positive = 256,
        latent_dim: Positive = 100,
        filters: Positive = 64,
        rounds: Positive = 16,
        measured_steps: Positive = 50,
        gp_weight: Weight = 10.0,
        discriminator_steps: Positive = 5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.samples = samples
        self.rate = rate
        self.window = window
        self.latent_dim = latent_dim
        self.filters = filters
        self.rounds = rounds
        self.measured_steps = measured_steps
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

    @property
    def endpoints(self):
        z, networks = Noise((self.latent_dim,)), ("generator", "standard")
        return {"generate": Endpoint({"z": z}, self.element_spec["audio"], networks, "audio")}

    def latents(self, count):
        return {"z": self.noise.uniform((count, self.latent_dim), -1.0, 1.0)}

    def generate(self, inputs):
        """Endpoint: noise -> a sound that has the spectrogram made of it."""
        made = ops.cast(self.feed(self.best("generator"), inputs, training=False), "float32")[..., 0]
        highest_too = ops.pad(made, [(0, 0), (0, 0), (0, 1)])  # at its mean, as in the authors' code
        wanted = ops.exp(self.standard.get_layer("standard").undo(REACH * highest_too))
        return griffin_lim(wanted, self.window, self.window // 2, self.rounds)[:, : self.samples, None]

    def levels(self, batch):
        """log(|STFT(x)| + 1e-6): (n, frames, window / 2 + 1)."""
        return ops.log(magnitudes(batch["audio"][..., 0], self.window, self.window // 2) + FLOOR)

    def spectrogram(self, batch):
        """s(x), float32 in [-1, 1]: (n, frames, window / 2, 1)."""
        return ops.clip(self.standard(self.levels(batch))[..., :-1, None] / REACH, -1.0, 1.0)

    def play(self, slices):
        # The authors measure all of the training data before they begin.
        step = ops.cast(self.step, "float32")
        share = ops.where(step < self.measured_steps, 1 / (step + 1), 0.0)
        heard = ops.concatenate([self.levels(batch) for batch in slices])
        self.standard.get_layer("standard").learn(heard, share)
        return super().play(slices)

    def discriminator_loss(self, batch, fake):
        critic, real = partial(self.discriminator, training=self.training), self.spectrogram(batch)
        gp = penalties.gradient_penalty(critic, real, fake, self.noise.per_row(real))
        wasserstein = losses.wasserstein_critic(critic(real), critic(fake))
        return wasserstein + self.gp_weight * gp, {"wasserstein": -wasserstein, "gp": gp}

    def generator_loss(self, batch, fake):
        return losses.wasserstein_generator(self.discriminator(fake, training=self.training))

    def build_networks(self):
        shape = picture_shape(self.samples, self.window)
        z, picture = keras.Input((self.latent_dim,), name="z"), keras.Input(shape, name="spectrogram")
        level = keras.Input((shape[0], shape[1] + 1), name="level")
        return {
            "generator": keras.Model(z, upwards(z, shape, self.filters), name="generator"),
            "discriminator": keras.Model(picture, downwards(picture, self.filters), name="discriminator"),
            "standard": keras.Model(level, Standardizer(name="standard")(level), name="standard"),
        }


def upwards(z, shape, filters):
    """Vector -> spectrogram in [-1, 1]: project, then transposed convolutions, without normalization."""
    doublings = count_doublings(shape)
    start = shape[0] >> doublings, shape[1] >> doublings, filters << (doublings - 1)
    x = layers.ReLU()(layers.Reshape(start)(layers.Dense(prod(start))(z)))
    for level in reversed(range(doublings - 1)):
        x = layers.ReLU()(Deconv(filters << level)(x))
    return layers.Activation("tanh", dtype="float32")(Deconv(1)(x))


def downwards(x, filters):
    """Spectrogram -> score: convolutions, as many as `upwards` has; no phase shuffle, which made it worse (table 1)."""
    for level in range(count_doublings(x.shape[1:])):
        x = layers.LeakyReLU(0.2)(Conv(filters << level)(x))
    return layers.Dense(1, dtype="float32", name="score")(layers.Flatten()(x))
