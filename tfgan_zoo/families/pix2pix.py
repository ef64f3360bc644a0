"""pix2pix: translation between two kinds of pictures, learnt from pairs.

Isola, Zhu, Zhou, Efros 2017: Image-to-Image Translation with Conditional Adversarial Networks.
https://arxiv.org/abs/1611.07004
Where the paper leaves something open: the authors' code.
"""

from typing import Literal

import keras
from keras import layers

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.layers import instance_norm
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks.patches import scores_of
from tfgan_zoo.networks.translators import unet
from tfgan_zoo.players import Player
from tfgan_zoo.types import Fraction, ImageShape, Positive, Weight

# The paper normalizes batches of one picture by their own statistics, in training and in tests: this is the same.
norm = instance_norm


class Pix2Pix(AdversarialModel):
    """The generator makes of a source what its target may look like; the discriminator sees both and judges patches.

    Args:
        image_shape: (height, width, channels) of sources and targets, float [-1, 1]; both sides are even. The generator
            halves them as often as it can.
        architecture: of the generator, "unet", or "encoder_decoder" without the connections past the middle.
        filters: channels of the generator's first map; they double up to eight times as many.
        dropout: share left out in training in three of the generator's maps, which is the paper's only noise.
        patch: side of what one score of the discriminator sees, in pixels: a small one asks for texture alone, one as
            large as the picture for its layout too.
        discriminator_filters: channels of the discriminator's first map.
        conditional: whether the discriminator sees the source beside the target.
        l1_weight: lambda of equation 4, of E|y - G(x)|.
        adversarial_weight: of the game; 0 leaves L1 alone, and no discriminator.
    """

    def __init__(
        self,
        image_shape: ImageShape = (256, 256, 3),
        architecture: Literal["unet", "encoder_decoder"] = "unet",
        filters: Positive = 64,
        dropout: Fraction = 0.5,
        patch: Literal[1, 16, 34, 70, 142, 286] = 70,
        discriminator_filters: Positive = 64,
        conditional: bool = True,
        l1_weight: Weight = 100.0,
        adversarial_weight: Weight = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.architecture = architecture
        self.filters = filters
        self.dropout = dropout
        self.patch = patch
        self.discriminator_filters = discriminator_filters
        self.conditional = conditional
        self.l1_weight = l1_weight
        self.adversarial_weight = adversarial_weight
        if not adversarial_weight:
            self.players = (Player("generator"),)
        self.assemble()

    @property
    def element_spec(self):
        return {"source": Image(self.image_shape), "target": Image(self.image_shape)}

    @property
    def endpoints(self):
        picture = Image(self.image_shape)
        return {"translate": Endpoint({"source": picture}, picture, ("generator",), target="target")}

    def translate(self, inputs):
        """Endpoint: G(x)."""
        # The paper keeps dropout on here, for noise that it finds to change little: answers would differ by chance.
        return self.feed(self.best("generator"), inputs, training=False)

    def latents(self, count):
        return {}

    def discriminator_loss(self, batch, fake):
        real_logits = self.feed(self.discriminator, batch)
        fake_logits = self.feed(self.discriminator, batch | {"target": fake})
        return losses.minimax_discriminator(real_logits, fake_logits) / 2  # it learns half as fast (section 3.3)

    def generator_loss(self, batch, fake):
        l1 = losses.absolute_error(batch["target"], fake)
        loss, terms = self.l1_weight * l1, {"l1": l1}
        if self.adversarial_weight:
            deceive = losses.called_real(self.feed(self.discriminator, batch | {"target": fake}))
            loss, terms = loss + self.adversarial_weight * deceive, {**terms, "deceive": deceive}
        return loss, terms

    def build_networks(self):
        source, target = (keras.Input(self.image_shape, name=name) for name in ("source", "target"))
        skips = self.architecture == "unet"
        made = unet(source, self.image_shape[-1], self.filters, norm, skips, self.dropout)
        made = layers.Activation("tanh", dtype="float32", name="made")(made)
        networks = {"generator": keras.Model(source, made, name="generator")}
        if self.adversarial_weight:
            seen = [source, target] if self.conditional else [target]
            x = layers.Concatenate()(seen) if self.conditional else target
            scores = scores_of(x, self.discriminator_filters, self.patch, norm)
            networks["discriminator"] = keras.Model(seen, scores, name="discriminator")
        return networks
