"""CycleGAN: translation between two kinds of pictures, learnt without pairs.

Zhu, Park, Isola, Efros 2017: Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks.
https://arxiv.org/abs/1703.10593
"""

from functools import partial
from typing import Literal

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.layers import instance_norm
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks.patches import patch_scores
from tfgan_zoo.networks.translators import resnet, unet
from tfgan_zoo.players import Player
from tfgan_zoo.pool import ImagePool
from tfgan_zoo.types import Count, Halvings, ImageShape, Positive, Weight

norm = partial(instance_norm, affine=False)


class CycleGAN(AdversarialModel):
    """G: X -> Y and F: Y -> X, each against a discriminator of its target; F(G(x)) is to be x, and G(F(y)) y.

    Args:
        image_shape: (height, width, channels) of both kinds of pictures, float [-1, 1].
        architecture: of G and F, "resnet" as in the paper (sides are multiples of 4) or "unet" as in pix2pix.
        filters: channels of the generators' maps of the picture's size (resnet), or of half its size (unet).
        blocks: residual blocks of a resnet, 9 for 256x256 pictures and 6 for 128x128.
        discriminator_filters: channels of the discriminators' first maps.
        discriminator_halvings: 3 for discriminators that judge patches of 70 pixels, 2 for 34.
        cycle_weight: lambda of equation 3; 0 leaves the two games alone.
        identity_weight: of E|G(y) - y| + E|F(x) - x|, which keeps colours; half the `cycle_weight` for photographs of
            paintings (section 5.2), 0 elsewhere.
        pool_size: made-up pictures of each kind that are kept, to show the discriminators old ones too.
    """

    ema_networks = ("generator_xy", "generator_yx")
    # The generators go first and the discriminators see what they made before their step, as in the authors' code.
    players = (
        Player("generator", networks=("generator_xy", "generator_yx")),
        Player("discriminator_x"),
        Player("discriminator_y"),
    )

    def __init__(
        self,
        image_shape: ImageShape = (256, 256, 3),
        architecture: Literal["resnet", "unet"] = "resnet",
        filters: Positive = 64,
        blocks: Positive = 9,
        discriminator_filters: Positive = 64,
        discriminator_halvings: Halvings = 3,
        cycle_weight: Weight = 10.0,
        identity_weight: Weight = 0.0,
        pool_size: Count = 50,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.architecture = architecture
        self.filters = filters
        self.blocks = blocks
        self.discriminator_filters = discriminator_filters
        self.discriminator_halvings = discriminator_halvings
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.pool_size = pool_size
        self.pool_x, self.pool_y = (ImagePool(pool_size, self.image_shape, name=name) for name in ("pool_x", "pool_y"))
        self.assemble()

    @property
    def element_spec(self):
        return {"x": Image(self.image_shape), "y": Image(self.image_shape)}

    @property
    def endpoints(self):
        x, y, both = {"x": Image(self.image_shape)}, {"y": Image(self.image_shape)}, ("generator_xy", "generator_yx")
        return {
            "translate_xy": Endpoint(x, y["y"], both[:1], target="y"),
            "translate_yx": Endpoint(y, x["x"], both[1:], target="x"),
            "cycle_x": Endpoint(x, x["x"], both, target="x"),
            "cycle_y": Endpoint(y, y["y"], both, target="y"),
        }

    def translate_xy(self, inputs):
        """Endpoint: G(x)."""
        return self.best("generator_xy")(inputs["x"], training=False)

    def translate_yx(self, inputs):
        """Endpoint: F(y)."""
        return self.best("generator_yx")(inputs["y"], training=False)

    def cycle_x(self, inputs):
        """Endpoint: F(G(x))."""
        return self.translate_yx({"y": self.translate_xy(inputs)})

    def cycle_y(self, inputs):
        """Endpoint: G(F(y))."""
        return self.translate_xy({"x": self.translate_yx(inputs)})

    def latents(self, count):
        return {}

    def fake(self, batch):
        return {"y": self.generator_xy(batch["x"]), "x": self.generator_yx(batch["y"])}

    def generator_loss(self, batch, fake):
        x, y = batch["x"], batch["y"]
        deceive = losses.least_squares(self.discriminator_y(fake["y"]), 1)
        deceive += losses.least_squares(self.discriminator_x(fake["x"]), 1)
        cycle = losses.absolute_error(self.generator_yx(fake["y"]), x)
        cycle += losses.absolute_error(self.generator_xy(fake["x"]), y)
        loss, terms = deceive + self.cycle_weight * cycle, {"cycle": cycle}
        if self.identity_weight:
            identity = losses.absolute_error(self.generator_xy(y), y) + losses.absolute_error(self.generator_yx(x), x)
            loss, terms = loss + self.identity_weight * identity, {**terms, "identity": identity}
        return loss, terms

    def discriminator_x_loss(self, batch, fake):
        return self.judged(self.discriminator_x, batch["x"], fake["x"], self.pool_x)

    def discriminator_y_loss(self, batch, fake):
        return self.judged(self.discriminator_y, batch["y"], fake["y"], self.pool_y)

    def judged(self, discriminator, real, fake, pool):
        fake = pool.exchange(fake, self.noise) if self.training else fake
        return (losses.least_squares(discriminator(real), 1) + losses.least_squares(discriminator(fake), 0)) / 2

    def build_networks(self):
        networks = {}
        for there, back in ("xy", "yx"):
            picture, target = (keras.Input(self.image_shape, name=name) for name in (there, back))
            if self.architecture == "resnet":
                made = resnet(picture, self.image_shape[-1], self.filters, self.blocks, norm)
            else:
                made = unet(picture, self.image_shape[-1], self.filters, norm)
            made = layers.Activation("tanh", dtype="float32", name="made")(made)
            scores = patch_scores(target, self.discriminator_filters, self.discriminator_halvings, norm)
            networks[f"generator_{there}{back}"] = keras.Model(picture, made, name=f"generator_{there}{back}")
            networks[f"discriminator_{back}"] = keras.Model(target, scores, name=f"discriminator_{back}")
        return networks
