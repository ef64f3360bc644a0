"""Partial convolutions: holes of any form filled by a network whose layers look at what is known alone.

Liu, Reda, Shih, Wang, Tao, Catanzaro 2018: Image Inpainting for Irregular Holes Using Partial Convolutions.
https://arxiv.org/abs/1804.07723
There is no adversary: one network, pixel by pixel, by the maps of a perceptual network and by their style.
"""

from functools import partial
from typing import Literal

import keras
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.features.perceptual import perceptual_network, require_network
from tfgan_zoo.modalities import Image, Mask
from tfgan_zoo.networks import holes
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Halvings, ImageShape, Positive, Weight

adam = keras.optimizers.Adam


class PartialConv(AdversarialModel):
    """A U-Net of partial convolutions. Holes shrink from layer to layer, and what lies in them never matters.

    In its second phase, `finetune`, the encoder's normalization goes by the statistics of the first one, which holes
    no longer disturb.

    Args:
        image_shape: (height, width, channels) of the pictures that are trained on, float [-1, 1]; sides are multiples
            of 2^halvings. Pictures of any size can be restored.
        filters: channels of the first map; they double with each halving, up to eight times as many.
        halvings: how often the encoder halves the picture.
        convolution: "partial", or "plain", which knows of no mask: a hole is a grey part of the picture.
        perceptual: the network and its maps that tell how alike two pictures are, as `features.perceptual` names them.
        hole_weight: of the absolute error in the hole; that of the rest has 1.
        perceptual_weight: of the absolute difference of the maps. 0.05 in the paper, whose VGG sees pictures of
            deviation 1; Keras' sees 0 to 255, 58 times as much.
        style_weight: of the absolute difference of products of the maps, 120 in the paper, here divided by 58^2.
        variation_weight: of differences between neighbours in the hole and at its rim.
    """

    players = (
        Player("generator", ("encoder", "decoder"), optimizer=partial(adam, 2e-4), phases=("train",)),
        Player("finetuner", ("encoder", "decoder"), optimizer=partial(adam, 5e-5), phases=("finetune",)),
    )
    phases = (Phase("train", 500_000), Phase("finetune"))  # 10 days and one in the paper
    ema_networks = ("encoder", "decoder")

    def __init__(
        self,
        image_shape: ImageShape = (512, 512, 3),
        filters: Positive = 64,
        halvings: Halvings = 8,
        convolution: Literal["partial", "plain"] = "partial",
        perceptual: str = "vgg16:block1_pool,block2_pool,block3_pool",
        hole_weight: Weight = 6.0,
        perceptual_weight: Weight = 0.05 / 58,
        style_weight: Weight = 120.0 / 58**2,
        variation_weight: Weight = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if any(side % 2**halvings for side in image_shape[:2]):
            raise ZooError(f"image_shape={list(image_shape)}: sides must be multiples of {2**halvings} (2^halvings).")
        require_network(perceptual)
        self.image_shape = tuple(image_shape)
        self.filters = filters
        self.halvings = halvings
        self.convolution = convolution
        self.perceptual = perceptual
        self.hole_weight = hole_weight
        self.perceptual_weight = perceptual_weight
        self.style_weight = style_weight
        self.variation_weight = variation_weight
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image(self.image_shape), "mask": Mask((*self.image_shape[:2], 1))}

    @property
    def endpoints(self):
        image = Image((None, None, self.image_shape[-1]))
        given = {"image": image, "mask": Mask((None, None, 1))}
        return {"restore": Endpoint(given, image, ("encoder", "decoder"), target="image")}

    def restore(self, inputs):
        """Endpoint: a picture of any size and its mask -> the same with the hole filled."""
        _, height, width, _ = ops.shape(inputs["image"])
        margins = [(0, 0), (0, -height % 2**self.halvings), (0, -width % 2**self.halvings), (0, 0)]
        image, mask = ops.pad(inputs["image"], margins), ops.pad(inputs["mask"], margins, constant_values=1)
        padded = {"image": image, "mask": mask}  # margins are holes too
        made = self.feed(self.best("decoder"), self.seen(padded, self.best("encoder"), False), training=False)
        return ops.where(inputs["mask"] > 0, made[:, :height, :width], inputs["image"])

    def seen(self, batch, encoder, training):
        """The maps of the encoder, from the picture itself on, and where they are valid."""
        valid = ops.cast(batch["mask"] <= 0, "float32")
        image = ops.where(valid > 0, batch["image"], 0.0)
        maps = self.feed(encoder, {"image": image, "valid": valid}, training=training)
        return maps | {"map_0": image, "valid_0": valid}

    def latents(self, count):
        return {}

    def compile(self, *args, **kwargs):
        """Look for the perceptual network's weights now, not in the first step."""
        self.maps = perceptual_network(self.perceptual)
        super().compile(*args, **kwargs)

    def fake(self, batch):
        return self.feed(self.decoder, self.seen(batch, self.encoder, self.training and self.phase == "train"))

    def generator_loss(self, batch, fake):
        image, mask = batch["image"], batch["mask"]
        filled = ops.where(mask > 0, fake, image)
        hole, rest = (losses.absolute_error(part * fake, part * image) for part in (mask, 1 - mask))
        real, *made = map(perceptual_network(self.perceptual), (image, fake, filled))
        pairs = [pair for maps in made for pair in zip(real, maps, strict=True)]
        alike = sum(losses.absolute_error(x, y) for x, y in pairs)
        style = sum(losses.absolute_error(losses.products(x), losses.products(y)) for x, y in pairs)
        loss = rest + self.hole_weight * hole + self.perceptual_weight * alike + self.style_weight * style
        loss += self.variation_weight * losses.variation(filled, mask)
        return loss, {"hole": hole, "perceptual": alike, "style": style}

    finetuner_loss = generator_loss

    def build_networks(self):
        how = self.image_shape[-1], self.filters, self.halvings, self.convolution == "partial"
        return {"encoder": holes.encoder(*how), "decoder": holes.decoder(*how)}
