"""Context encoder: a part of a picture that is missing, made up from what surrounds it.

Pathak, Krähenbühl, Donahue, Darrell, Efros 2016: Context Encoders: Feature Learning by Inpainting.
https://arxiv.org/abs/1604.07379
Networks and hyperparameters: the authors' code.
"""

from functools import partial
from typing import Literal

import keras
import numpy as np
from keras import ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.modalities import Image, Mask
from tfgan_zoo.networks.bottleneck import decoded, encoded
from tfgan_zoo.players import Player, adam
from tfgan_zoo.types import Count, ImageShape, Positive, Weight

MEAN = np.array([117, 104, 123], "float32") / 127.5 - 1  # the colour of a hole
faster = partial(keras.optimizers.Adam, 2e-3, beta_1=0.5)  # ten times the discriminator's, where both losses count


class ContextEncoder(AdversarialModel):
    """An encoder and a decoder fill a hole: by squared error, and so that a discriminator takes it for real.

    Args:
        image_shape: (height, width, channels), float [-1, 1]; sides of 4 or 7 times a power of two from 16 up.
        region: "center", the square in the middle, half as wide as the picture, which alone is made and judged; or
            "random", what the data's `mask` says, where the whole picture is made and judged.
        filters: channels at least, in all networks; maps of 4 or 7 pixels have 8 times as many, larger ones fewer.
        bottleneck: numbers in the middle, all that the decoder sees of the context.
        overlap: of "center", how many pixels of the square the encoder sees at each of its sides.
        overlap_weight: of the squared error at pixels that the encoder sees; None for the authors' 10 of "center", 1
            of "random".
        restore_weight: of the squared error.
        adversarial_weight: of -log D; 0 leaves the squared error alone, and no discriminator. The generator learns at
            a rate of 2e-4 then.
    """

    def __init__(
        self,
        image_shape: ImageShape = (128, 128, 3),
        region: Literal["center", "random"] = "center",
        filters: Positive = 64,
        bottleneck: Positive = 4000,
        overlap: Count = 4,
        overlap_weight: Weight | None = None,
        restore_weight: Weight = 0.999,
        adversarial_weight: Weight = 0.001,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if min(image_shape[:2]) < max(16, 4 * overlap + 1):
            given = f"image_shape={list(image_shape)}, overlap={overlap}"
            raise ZooError(f"{given}: no room for a hole; sides are 16 or more, and above 4 times the overlap.")
        self.image_shape = tuple(image_shape)
        self.region = region
        self.filters = filters
        self.bottleneck = bottleneck
        self.overlap = overlap
        self.overlap_weight = overlap_weight
        self.restore_weight = restore_weight
        self.adversarial_weight = adversarial_weight
        judge, maker = Player("discriminator"), Player("generator", optimizer=faster if adversarial_weight else adam)
        self.players = (judge, maker) if adversarial_weight else (maker,)
        self.assemble()

    @property
    def element_spec(self):
        mask = {"mask": Mask((*self.image_shape[:2], 1))} if self.region == "random" else {}
        return {"image": Image(self.image_shape), **mask}

    @property
    def endpoints(self):
        spec = self.element_spec
        return {"restore": Endpoint(spec, spec["image"], ("generator",), target="image")}

    def restore(self, inputs):
        """Endpoint: a picture -> the same with its hole filled."""
        made = self.feed(self.best("generator"), self.context(inputs), training=False)
        down, right = ((whole - side) // 2 for whole, side in zip(self.image_shape[:2], made.shape[1:3], strict=True))
        made = ops.pad(made, [(0, 0), (down, down), (right, right), (0, 0)])
        return ops.where(self.hole(inputs) > 0, made, inputs["image"])

    def hole(self, batch):
        """M: 1 where the encoder sees nothing, (n or 1, height, width, 1)."""
        if self.region == "random":
            return batch["mask"]
        mask = np.zeros((1, *self.image_shape[:2], 1), "float32")
        top, left = (side // 4 + self.overlap for side in self.image_shape[:2])
        mask[:, top:-top, left:-left] = 1
        return mask

    def context(self, batch):
        """(1 - M) x, with the mean colour in the hole."""
        colour = MEAN if self.image_shape[2] == 3 else MEAN.mean()
        return {"context": ops.where(self.hole(batch) > 0, colour, batch["image"])}

    def part(self, x):
        """The part of pictures that is made and judged."""
        top, left = (side // 4 for side in self.image_shape[:2])
        return x[:, top:-top, left:-left] if self.region == "center" else x

    def latents(self, count):
        return {}

    def fake(self, batch):
        return self.feed(self.generator, self.context(batch))

    def discriminator_loss(self, batch, fake):
        real_logits = self.feed(self.discriminator, {"image": self.part(batch["image"])})
        return losses.minimax_discriminator(real_logits, self.feed(self.discriminator, {"image": fake}))

    def generator_loss(self, batch, fake):
        overlap_weight = self.overlap_weight
        if overlap_weight is None:
            overlap_weight = 10.0 if self.region == "center" else 1.0
        weight = ops.where(self.part(self.hole(batch)) > 0, 1.0, overlap_weight)
        restore = ops.mean(weight * ops.square(self.part(batch["image"]) - fake))
        if not self.adversarial_weight:
            return self.restore_weight * restore, {"restore": restore}
        deceive = losses.called_real(self.feed(self.discriminator, {"image": fake}))
        loss = self.restore_weight * restore + self.adversarial_weight * deceive
        return loss, {"restore": restore, "deceive": deceive}

    def build_networks(self):
        context = keras.Input(self.image_shape, name="context")
        image = keras.Input(self.part(context).shape[1:], name="image")
        made = decoded(encoded(context, self.filters, self.bottleneck), image.shape[1:], self.filters)
        generator = keras.Model(context, made, name="generator")
        if not self.adversarial_weight:
            return {"generator": generator}
        logit = as_float32(encoded(image, self.filters, 1))
        return {"generator": generator, "discriminator": keras.Model(image, logit, name="discriminator")}
