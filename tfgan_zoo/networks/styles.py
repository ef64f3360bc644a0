"""The generator of StyleGAN: a mapping network from z to styles w, and a synthesis network that draws in them.

Karras, Laine, Aila 2019, https://arxiv.org/abs/1812.04948, figure 1, and the authors' code.
"""

from itertools import accumulate, pairwise
from math import prod

import keras
from keras import layers, ops

from tfgan_zoo.layers import (
    AdaptiveInstanceNormalization,
    EnlargingConv2D,
    EqualizedLearningRate,
    NoiseInjection,
    PixelNormalization,
    UpFirDn2D,
)
from tfgan_zoo.networks.growing import Drawing


def mapping(z, depth: int, width: int):
    """z -> w (n, width): z at length sqrt(n), then `depth` layers that learn at a hundredth of the rate."""
    w = PixelNormalization()(z)
    for _ in range(depth):
        w = EqualizedLearningRate(layers.Dense(width), lr_multiplier=0.01)(w)
        w = layers.LeakyReLU(0.2)(w)
    return Centre(dtype="float32", name="centre")(w)


@keras.saving.register_keras_serializable("tfgan_zoo")
class Centre(layers.Layer):
    """W as it is. In training the layer follows the mean of w, towards which truncation draws.

    (n, width) -> the same.

    Args:
        decay: of the moving average.

    Attributes:
        mean: float32 (width,).
    """

    def __init__(self, decay: float = 0.995, **kwargs):
        super().__init__(**kwargs)
        self.decay = decay

    def build(self, input_shape):
        shape = input_shape[-1:]
        self.mean = self.add_weight(
            name="mean", shape=shape, initializer="zeros", trainable=False, aggregation="mean", autocast=False
        )

    def call(self, w, training=False):
        if training:
            self.mean.assign(self.decay * self.mean.value + (1 - self.decay) * ops.mean(w, axis=0))
        return w

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


@keras.saving.register_keras_serializable("tfgan_zoo")
class StyledGenerator(Drawing):
    """[styles (n, layers, width), noise (n, positions)] -> pictures (n, height, width, channels), float32.

    A level has two layers: convolution, noise, bias, rectifier, style. The first convolution of a level enlarges and
    blurs; the first level has a learned map in its place. Called without noise where `noisy` is False.

    Args:
        width: of a style.
        noisy: whether each layer adds noise, one value for each position, scaled for each channel.
        learned_constant: whether the first map is learned; else it is made of the first style.
        kwargs: as `Growing`.

    Attributes:
        places: (first, last) of each level's part of the noise.
    """

    def __init__(self, width: int, noisy: bool = True, learned_constant: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.width, self.noisy, self.learned_constant = width, noisy, learned_constant
        ends = list(accumulate((2 * prod(sides) for sides, _ in self.sizes), initial=0))
        self.places = list(pairwise(ends))
        below = [None, *((*sides, n) for sides, n in self.sizes)]
        self.blocks = [self.block(*pair) for pair in zip(below, self.sizes, strict=False)]

    def block(self, below, size) -> keras.Model:
        """A level: [styles (n, 2, width), its noise, the map of the level below] -> its map."""
        sides, filters = size
        styles = keras.Input((2, self.width))
        noise = [keras.Input((2 * prod(sides),))] if self.noisy else []
        maps = [layers.Reshape((*sides, 2))(part) for part in noise]
        taken = [keras.Input(below)] if below else []
        if below:
            x = EqualizedLearningRate(EnlargingConv2D(filters, use_bias=False))(taken[0])
            x = UpFirDn2D((1, 2, 1))(x)
        elif self.learned_constant:
            x = LearnedMap((*sides, filters))(styles)
        else:
            first = layers.Dense(prod(sides) * filters, use_bias=False)
            x = layers.Reshape((*sides, filters))(EqualizedLearningRate(first, gain=2**0.5 / 4)(styles[:, 0]))
        for number in range(2):
            if number:
                x = EqualizedLearningRate(layers.Conv2D(filters, 3, padding="same", use_bias=False))(x)
            for part in maps:
                x = NoiseInjection()(x, part[..., number : number + 1])
            x = layers.LeakyReLU(0.2)(Bias()(x))
            x = AdaptiveInstanceNormalization()(x, styles[:, number])
        return keras.Model([styles, *noise, *taken], x)

    def maps(self, inputs, level):
        styles, *noise = inputs
        made = []
        for number, (first, last) in enumerate(self.places[: level + 1]):
            own = [part[:, first:last] for part in noise]
            made.append(self.blocks[number]([styles[:, 2 * number : 2 * number + 2], *own, *made[-1:]]))
        return made

    def get_config(self):
        own = {name: getattr(self, name) for name in ("width", "noisy", "learned_constant")}
        return {**super().get_config(), **own}


class LearnedMap(layers.Layer):
    """The same learned map (height, width, channels) for every row of its input; ones at first."""

    def __init__(self, shape, **kwargs):
        super().__init__(**kwargs)
        self.map = self.add_weight(name="map", shape=shape, initializer="ones")

    def call(self, rows):
        return ops.broadcast_to(self.map, (ops.shape(rows)[0], *self.map.shape))


class Bias(layers.Layer):
    """X plus one learned number for each channel: the bias of a convolution whose answer is filtered first."""

    def build(self, input_shape):
        self.bias = self.add_weight(name="bias", shape=input_shape[-1:], initializer="zeros")

    def call(self, x):
        return x + self.bias
