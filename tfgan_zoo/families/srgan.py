"""SRGAN: pictures enlarged with details that were not there, first restored, then made to deceive.

Ledig, Theis, Huszar, Caballero, Cunningham, Acosta, Aitken, Tejani, Totz, Wang, Shi 2017: Photo-Realistic Single Image
Super-Resolution Using a Generative Adversarial Network. https://arxiv.org/abs/1609.04802
"""

from functools import partial

import keras
from keras import layers, ops

from tfgan_zoo import losses
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import as_float32
from tfgan_zoo.features.perceptual import perceptual_network, require_network
from tfgan_zoo.layers import ICNR, PixelShuffle
from tfgan_zoo.modalities import Image
from tfgan_zoo.phases import Phase
from tfgan_zoo.players import Player
from tfgan_zoo.types import Count, ImageShape, Positive, Weight

Conv = partial(layers.Conv2D, padding="same")
PReLU = partial(layers.PReLU, shared_axes=[1, 2])
Norm = partial(layers.BatchNormalization, momentum=0.9, epsilon=1e-5, synchronized=True)
adam = partial(keras.optimizers.Adam, learning_rate=1e-4)
falling = partial(adam, learning_rate=keras.optimizers.schedules.PiecewiseConstantDecay([100_000], [1e-4, 1e-5]))


class SRGAN(AdversarialModel):
    """A residual network enlarges pictures of any size.

    In its first phase, `restore`, it learns by mean squared error alone and is the paper's SRResNet. In the second,
    `deceive`, it is to match the picture in the maps of a perceptual network and to deceive a discriminator.

    Args:
        image_shape: (height, width, channels) of the parts of pictures that are trained on, float [-1, 1].
        scale: how many times larger the answer is, a power of two; both sides are multiples of it.
        filters: channels of the generator's maps.
        blocks: its residual blocks.
        normalize: whether it has batch normalization; without it as in later work (Lim et al. 2017, arXiv 1707.02921).
        discriminator_filters: channels of the discriminator's first map, 8 times as many at its last.
        units: width of the discriminator's dense layer.
        perceptual: the network and its maps that tell how alike two pictures are, as `features.perceptual` names them.
        content_weight: of the squared difference between their maps; 1 / 12.75^2 for VGG's, which are large.
        adversarial_weight: of -log D(G(x)).
    """

    players = (
        Player("restorer", networks=("generator",), optimizer=adam, phases=("restore",)),
        Player("discriminator", optimizer=falling, phases=("deceive",)),
        Player("generator", optimizer=falling, phases=("deceive",)),
    )
    phases = (Phase("restore", 1_000_000), Phase("deceive", 200_000))

    def __init__(
        self,
        image_shape: ImageShape = (96, 96, 3),
        scale: Positive = 4,
        filters: Positive = 64,
        blocks: Count = 16,
        normalize: bool = True,
        discriminator_filters: Positive = 64,
        units: Positive = 1024,
        perceptual: str = "vgg19:block5_conv4",
        content_weight: Weight = 0.006,
        adversarial_weight: Weight = 1e-3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if scale < 2 or scale & (scale - 1) or image_shape[0] % scale or image_shape[1] % scale:
            raise ZooError(f"scale={scale}: must be 2, 4, 8 ... and divide image_shape={list(image_shape)}.")
        require_network(perceptual)
        self.image_shape = tuple(image_shape)
        self.scale = scale
        self.filters = filters
        self.blocks = blocks
        self.normalize = normalize
        self.discriminator_filters = discriminator_filters
        self.units = units
        self.perceptual = perceptual
        self.content_weight = content_weight
        self.adversarial_weight = adversarial_weight
        self.assemble()

    @property
    def element_spec(self):
        small = *(side // self.scale for side in self.image_shape[:2]), self.image_shape[2]
        return {"low_res": Image(small), "high_res": Image(self.image_shape)}

    @property
    def endpoints(self):
        any_size = Image((None, None, self.image_shape[-1]))
        return {"upscale": Endpoint({"low_res": any_size}, any_size, ("generator",), target="high_res")}

    def upscale(self, inputs):
        """Endpoint: a picture of any size -> the same, `scale` times as large."""
        return self.feed(self.best("generator"), inputs, training=False)

    def compile(self, *args, **kwargs):
        """Look for the perceptual network's weights now, not when the second phase begins."""
        self.maps = perceptual_network(self.perceptual)
        super().compile(*args, **kwargs)

    def latents(self, count):
        return {}

    def restorer_loss(self, batch, fake):
        return ops.mean(ops.square(batch["high_res"] - fake))

    def discriminator_loss(self, batch, fake):
        real_logits = self.feed(self.discriminator, batch)
        return losses.called_real(real_logits) + losses.called_fake(self.feed(self.discriminator, {"high_res": fake}))

    def generator_loss(self, batch, fake):
        real, made = map(perceptual_network(self.perceptual), (batch["high_res"], fake))
        content = self.content_weight * sum(ops.mean(ops.square(x - y)) for x, y in zip(real, made, strict=True))
        deceive = self.adversarial_weight * losses.called_real(self.feed(self.discriminator, {"high_res": fake}))
        return content + deceive, {"content": content, "deceive": deceive}

    def build_networks(self):
        small = keras.Input((None, None, self.image_shape[-1]), name="low_res")
        picture = keras.Input(self.image_shape, name="high_res")
        return {
            "generator": keras.Model(small, self.enlarged(small), name="generator"),
            "discriminator": keras.Model(picture, self.judged(picture), name="discriminator"),
        }

    def enlarged(self, low_res):
        """Figure 4, above: all convolutions at the small size, then sub-pixel convolutions."""
        conv = partial(Conv, self.filters, 3, use_bias=not self.normalize)
        norm = Norm if self.normalize else layers.Identity
        x = start = PReLU()(Conv(self.filters, 9)(layers.Rescaling(0.5, 0.5)(low_res)))  # small pictures in [0, 1]
        for _ in range(self.blocks):
            h = PReLU()(norm()(conv()(x)))
            x = layers.Add()([x, norm()(conv()(h))])
        x = layers.Add()([start, norm()(conv()(x))])
        for _ in range(self.scale.bit_length() - 1):
            x = PReLU()(PixelShuffle(2)(Conv(4 * self.filters, 3, kernel_initializer=ICNR(2))(x)))
        return layers.Activation("linear", dtype="float32", name="made")(Conv(self.image_shape[-1], 9)(x))

    def judged(self, high_res):
        """Figure 4, below: convolutions of 3x3, every second one of stride 2."""
        x = layers.LeakyReLU(0.2)(Conv(self.discriminator_filters, 3)(high_res))
        for level in range(1, 8):
            x = Conv(self.discriminator_filters << (level // 2), 3, strides=1 + level % 2, use_bias=False)(x)
            x = layers.LeakyReLU(0.2)(Norm()(x))
        x = layers.LeakyReLU(0.2)(layers.Dense(self.units)(layers.Flatten()(x)))
        return as_float32(layers.Dense(1)(x))
