"""WGAN: Wasserstein GAN, whose critic is held by clipping its weights.

Arjovsky, Chintala, Bottou 2017: Wasserstein GAN. https://arxiv.org/abs/1701.07875
"""

from functools import partial

import keras
from keras import ops

from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.players import Player
from tfgan_zoo.types import ImageShape, Positive, Weight

rms_prop = partial(keras.optimizers.RMSprop, 5e-5)  # momentum makes the critic unstable (section 4.3)


class WGAN(DCGAN):
    """DCGAN's networks in another game: a critic estimates how far the made-up data are from the real ones.

    Args:
        image_shape, latent_dim, filters, kernel_size: as `DCGAN`; z is drawn from N(0, I).
        clip: c; after each of its steps the critic's weights are put back into [-c, c], its normalization's too.
        discriminator_steps: critic updates per generator update, n_critic. The authors' code takes 100 for the first 25
            turns and for every 500th; here it is the same for all, as in the paper.
        kwargs: as `RealOrFake`.
    """

    def __init__(
        self,
        image_shape: ImageShape = (64, 64, 3),
        latent_dim: Positive = 100,
        filters: Positive = 64,
        kernel_size: Positive = 4,
        clip: Weight = 0.01,
        discriminator_steps: Positive = 5,
        **kwargs,
    ):
        super().__init__(image_shape, latent_dim, filters, kernel_size, **{"loss": "wasserstein", **kwargs})
        self.clip = clip
        self.discriminator_steps = discriminator_steps
        self.players = (
            Player("discriminator", steps=discriminator_steps, optimizer=rms_prop),
            Player("generator", optimizer=rms_prop),
        )

    def latents(self, count):
        return {"z": self.noise.normal((count, self.latent_dim))}

    def discriminator_loss(self, batch, fake):
        loss, terms = super().discriminator_loss(batch, fake)
        return loss, {"wasserstein": -loss, **terms}  # the estimate of the distance, up to a factor

    def apply(self, player, gradients):
        super().apply(player, gradients)
        if player.name == "discriminator":
            for weight in self.variables_of(player):
                weight.assign(ops.clip(weight.value, -self.clip, self.clip))
