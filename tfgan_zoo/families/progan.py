"""ProGAN: progressive growing of GANs.

Karras, Aila, Laine, Lehtinen 2018: Progressive Growing of GANs for Improved Quality, Stability, and Variation.
https://arxiv.org/abs/1710.10196
"""

from functools import partial

import keras
from keras import ops

from tfgan_zoo.batches import batch_size
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks.growing import GrowingCritic, GrowingGenerator, sizes_of
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.real_or_fake import RealOrFake
from tfgan_zoo.types import Count, ImageShape, Positive

adam = partial(keras.optimizers.Adam, 1e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-8)  # appendix A.1


class ProGAN(RealOrFake):
    """Both networks begin at 4x4 pixels and grow: each new level is faded in, then trained for as long again.

    The game is WGAN-GP's; scores of real pictures are kept near 0 ("drift").

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 4 or 7 times a power of two. The phases are "4",
            "8-fade", "8", "16-fade" ... up to the side of the pictures.
        latent_dim: length of z, drawn from N(0, I) and normalized.
        filters: channels of the largest maps in both networks; they double with every halving of the side.
        max_filters: the most channels that a map has.
        start_side: of the pictures in the first phase; the side of the pictures themselves for networks that do not
            grow.
        phase_steps: how long a phase lasts, where the preset does not say it (`train.phases`).
        stddev_group: examples whose deviation the discriminator sees: the paper takes whole batches of 16, the authors'
            later code 4; 0 for none.
        kwargs: as `RealOrFake`.
    """

    players = Player("discriminator", optimizer=adam), Player("generator", optimizer=adam)

    def __init__(
        self,
        image_shape: ImageShape = (1024, 1024, 3),
        latent_dim: Positive = 512,
        filters: Positive = 16,
        max_filters: Positive = 512,
        start_side: Positive = 4,
        phase_steps: Positive = 50_000,
        stddev_group: Count = 4,
        **kwargs,
    ):
        own = {"loss": "wasserstein", "penalties": {"gradient_penalty": 10.0, "drift": 1e-3}}
        super().__init__(**{**own, **kwargs})
        self.image_shape = tuple(image_shape)
        self.latent_dim = latent_dim
        self.filters = filters
        self.max_filters = max_filters
        self.start_side = start_side
        self.phase_steps = phase_steps
        self.stddev_group = stddev_group
        self.sides = [min(sides) for sides, _ in sizes_of(self.image_shape, filters, max_filters)]
        if start_side > self.sides[-1]:
            raise ZooError(f"start_side={start_side}: must be {self.sides[-1]}, the side of the pictures, or less.")
        names = [f"{side}{part}" for side in self.sides if side >= start_side for part in ("-fade", "")]
        self.phases = tuple(Phase(name, phase_steps) for name in names[1:])
        self.assemble()
        self.grow(1.0)

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape)}

    # === Growing ===
    @property
    def grown(self):
        """{level, whether it is fading in} of the present phase."""
        side, _, fading = self.phase.partition("-")
        return {"level": self.sides.index(int(side)), "fading": bool(fading)}

    def begin(self, phase):
        """The optimizers start anew, as in the authors' code."""
        if self.compiled:
            self.optimizer.restart()

    def play(self, slices):
        self.grow(self.course.progress(self.step) if self.grown["fading"] else 1.0)
        return super().play(slices)

    def grow(self, alpha):
        """Tell the networks the present level and how much of it has been faded in."""
        for network in filter(None, (self.generator, getattr(self, "generator_ema", None), self.discriminator)):
            network.get_layer("levels").grow(self.grown["level"], alpha)

    def at_level(self, network, x):
        """What a network makes of `x`; only the levels of the present phase are computed."""
        return network.get_layer("levels")(x, **self.grown)

    def gradients(self, player, tape, loss):
        found = zip(super().gradients(player, tape, loss), self.variables_of(player), strict=True)
        return [ops.zeros_like(variable) if value is None else value for value, variable in found]  # of other levels

    # === Playing ===
    def fake(self, batch):
        return self.at_level(self.generator, self.latents(batch_size(batch))["z"])

    def judge(self, batch):
        return self.at_level(self.discriminator, batch["image"])

    def loss_of(self, player, batch, fake):
        """Real pictures are shown as they are at the present level."""
        seen = self.discriminator.get_layer("levels").seen(batch["image"], **self.grown)
        return super().loss_of(player, {"image": seen}, fake)

    def build_networks(self):
        sizes = {"image_shape": self.image_shape, "filters": self.filters, "max_filters": self.max_filters}
        z, image = keras.Input((self.latent_dim,), name="z"), keras.Input(self.image_shape, name="image")
        made = GrowingGenerator(latent_dim=self.latent_dim, name="levels", **sizes)(z)
        score = GrowingCritic(stddev_group=self.stddev_group, name="levels", **sizes)(image)
        return {
            "generator": keras.Model(z, made, name="generator"),
            "discriminator": keras.Model(image, score, name="discriminator"),
        }
