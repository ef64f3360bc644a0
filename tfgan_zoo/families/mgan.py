"""MGAN: noise or photographs decoded to a texture, judged by its patches in the maps of a perceptual network.

Li, Wand 2016: Precomputed Real-Time Texture Synthesis with Markovian Generative Adversarial Networks.
https://arxiv.org/abs/1604.04382
Networks and hyperparameters: the authors' code.
"""

from functools import partial
from math import log2

import keras
from keras import layers, ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import Conv, as_float32, weights
from tfgan_zoo.features.perceptual import perceptual_network
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.modalities import Image
from tfgan_zoo.networks import textures
from tfgan_zoo.players import Player
from tfgan_zoo.types import ImageShape, Positive, Weight

adam = partial(keras.optimizers.Adam, 0.02, beta_1=0.5)
MARGIN = 64  # pixels that a pixel depends on, at either side


class MGAN(AdversarialModel):
    """The generator decodes what a perceptual network sees in brown noise, or in photographs, to the texture.

    The discriminator judges patches of the texture and of what was made by what that network sees in them.

    Args:
        image_shape: (height, width, channels) of the parts that are trained on, float [-1, 1].
        judged: the perceptual network and its map that the discriminator sees, as `features.perceptual` names them.
        encoded: those that the generator decodes.
        filters: an eighth of the generator's widest map.
        content_weight: of the squared difference between what is encoded and what was made of it, in that map; the data
            then hold photographs `x` beside the texture `y`, and these are encoded, not noise.
        smoothness_weight: of the squared differences of neighbouring pixels.
        large: how many times as large as `image_shape` the pictures of the endpoint `enlarge` are.
    """

    players = Player("discriminator", optimizer=adam), Player("generator", optimizer=adam)

    def __init__(
        self,
        image_shape: ImageShape = (128, 128, 3),
        judged: str = "vgg19:block3_conv1",
        encoded: str = "vgg19:block4_conv1",
        filters: Positive = 64,
        content_weight: Weight = 0.0,
        smoothness_weight: Weight = 1e-4,
        large: Positive = 4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.judged = judged
        self.encoded = encoded
        self.filters = filters
        self.content_weight = content_weight
        self.smoothness_weight = smoothness_weight
        self.large = large
        self.judging, self.encoding = perceptual_network(judged), perceptual_network(encoded)
        self.assemble()

    @property
    def element_spec(self):
        texture = {"y": Image(self.image_shape)}
        return {"x": Image(self.image_shape), **texture} if self.content_weight else texture

    @property
    def endpoints(self):
        image, any_size, networks = Image(self.image_shape), Image((None, None, self.image_shape[-1])), ("generator",)
        z = Noise(self.image_shape)
        return {
            "generate": Endpoint({"z": z}, image, networks, target="y"),
            "enlarge": Endpoint({"z_large": Noise(any_size.shape)}, any_size, networks),
            "tile": Endpoint({"z": z}, image, networks),
            "translate": Endpoint({"x": any_size}, any_size, networks),
        }

    def generate(self, inputs):
        """Endpoint: white noise -> a texture."""
        return self.translate({"x": textures.brown(inputs["z"])})

    def enlarge(self, inputs):
        """Endpoint: a texture of `large` times the sides that were trained on; noise of any size is taken too."""
        return self.translate({"x": textures.brown(inputs["z_large"])})

    def tile(self, inputs):
        """Endpoint: a picture whose opposite sides fit together."""
        around = textures.wrapped(textures.brown(inputs["z"]), MARGIN)
        return textures.inner(self.translate({"x": around}), MARGIN)

    def translate(self, inputs):
        """Endpoint: a picture -> the texture, arranged as the picture; sides are cut to multiples of the code's."""
        return self.best("generator")(self.code(inputs["x"]), training=False)

    def code(self, picture):
        (code,) = self.encoding(picture)
        sides = [side // 2**self.doublings for side in ops.shape(picture)[1:3]]
        return textures.fitted(code, sides)  # networks without padding leave the border out

    def latents(self, count):
        large = [side * self.large for side in self.image_shape[:2]]
        shapes = {"z": self.image_shape, "z_large": (*large, self.image_shape[-1])}
        return {key: self.noise.normal((count, *shape)) for key, shape in shapes.items()}

    def fake(self, batch):
        noise = self.latents(ops.shape(batch["y"])[0])["z"]
        code = self.code(batch["x"] if self.content_weight else textures.brown(noise))
        return code, self.feed(self.generator, {"code": code})

    def judge(self, picture):
        (seen,) = self.judging(picture)
        return textures.inner(self.feed(self.discriminator, {"map": seen}), 1)  # patches at the border see its padding

    def discriminator_loss(self, batch, fake):
        return losses.hinge(self.judge(batch["y"]), 1) + losses.hinge(self.judge(fake[1]), -1)

    def generator_loss(self, batch, fake):
        # The authors compare with pictures that an optimization of pixels (MDAN) made before; here there are none.
        code, made = fake
        loss = losses.hinge(self.judge(made), 1) + self.smoothness_weight * losses.total_variation(made)
        if not self.content_weight:
            return loss
        content = ops.mean(ops.square(self.code(made) - code))
        return loss + self.content_weight * content, {"content": content}

    def build_networks(self):
        seen, encoded = (see(ops.zeros((1, *self.image_shape)))[0].shape for see in (self.judging, self.encoding))
        if min(seen[1:3]) < 9:
            raise ZooError(f"image_shape={list(self.image_shape)}: {self.judged} must see 9 x 9 places or more of it.")
        self.doublings = round(log2(self.image_shape[0] / encoded[1]))
        widths = [self.filters << level for level in reversed(range(1, self.doublings + 1))]
        code = keras.Input((None, None, encoded[-1]), name="code")
        seen = keras.Input((None, None, seen[-1]), name="map")
        x = Conv(widths[0], 3, strides=1, use_bias=False, kernel_initializer=weights())(code)
        x = layers.ReLU()(batch_norm()(x))
        made = textures.enlarging(x, widths[1:], self.image_shape[-1], 4)
        x = textures.shrinking(seen, (4 * self.filters, 8 * self.filters), 4, norm_first=True)
        scores = as_float32(Conv(1, 1, strides=1, kernel_initializer=weights())(x))
        return {
            "generator": keras.Model(code, made, name="generator"),
            "discriminator": keras.Model(seen, scores, name="discriminator"),
        }
