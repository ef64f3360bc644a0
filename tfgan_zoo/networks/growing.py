"""Networks that grow level by level: each level doubles the side of the pictures.

Karras et al. 2018, https://arxiv.org/abs/1710.10196. Pictures have their full size at every level, as in the authors'
code: those of a level below the last are made of squares of one colour.
"""

from functools import partial
from itertools import accumulate, pairwise
from math import prod

import keras
import tensorflow as tf
from keras import layers, ops

from tfgan_zoo.layers import (
    EqualizedLearningRate,
    MinibatchStdDev,
    PixelNormalization,
    ShrinkingConv2D,
    UpFirDn2D,
)
from tfgan_zoo.networks.geometry import count_doublings


class Growing(layers.Layer):
    """Base of a network that grows; `at` says what its levels up to one make of an input.

    Which level it has reached is a weight, and so is how far the last one has been faded in: files, averaged twins and
    exports carry both. Called with `level` it computes what that level needs and no more; without, it goes by its
    weights.

    Args:
        image_shape: of the pictures at full size.
        filters: channels at full size; they double with every halving of the side.
        max_filters: the most channels.

    Attributes:
        sizes: ((height, width), channels) of each level, the smallest first.
        level: int32 (), the level it has reached, from 0.
        alpha: float32 (), the share of that level in what it answers; the rest is that of the level below.
    """

    def __init__(self, image_shape, filters: int, max_filters: int, **kwargs):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.filters = filters
        self.max_filters = max_filters
        self.sizes = sizes_of(image_shape, filters, max_filters)
        kept = {"shape": (), "trainable": False, "autocast": False, "aggregation": "only_first_replica"}
        self.level = self.add_weight(name="level", dtype="int32", initializer="zeros", **kept)
        self.alpha = self.add_weight(name="alpha", dtype="float32", initializer="ones", **kept)

    def at(self, inputs, level: int, fading: bool):
        """What the levels up to `level` make of `inputs`; the level below has its share where it is `fading` in."""
        raise NotImplementedError

    def grow(self, level: int, alpha) -> None:
        """Set what it has reached."""
        self.level.assign(level)
        self.alpha.assign(alpha)

    def call(self, inputs, level=None, fading=True):
        if level is not None:
            return self.at(inputs, level, fading)
        return tf.switch_case(
            tf.convert_to_tensor(self.level),
            [partial(self.at, inputs, level, True) for level in range(len(self.sizes))],
        )

    def left(self, level: int) -> int:
        """How many levels come after this one."""
        return len(self.sizes) - 1 - level

    def fade(self, below, here):
        """From what the level below makes to what this one makes, as far as `alpha` says; exact at 0 and 1."""
        alpha = ops.cast(self.alpha.value, here.dtype)
        return (1 - alpha) * below + alpha * here

    def get_config(self):
        own = {name: getattr(self, name) for name in ("image_shape", "filters", "max_filters")}
        return {**super().get_config(), **own}


def enlarged(x, times: int = 1):
    """(n, height, width, channels), both sides doubled `times` times: each pixel becomes a square."""
    if not times:
        return x
    _, height, width, channels = x.shape
    factor = 2**times
    x = ops.reshape(x, (-1, height, 1, width, 1, channels))
    x = ops.broadcast_to(x, (ops.shape(x)[0], height, factor, width, factor, channels))
    return ops.reshape(x, (-1, height * factor, width * factor, channels))


def shrunk(x, times: int = 1):
    """(n, height, width, channels), both sides halved `times` times: each 2x2 square becomes its mean."""
    for _ in range(times):
        x = ops.average_pool(x, 2)
    return x


def sizes_of(image_shape, filters: int, max_filters: int) -> list[tuple[tuple[int, int], int]]:
    """((height, width), channels) of each level, from 4 or 7 pixels to the pictures' own size.

    Raises:
        ZooError: sides that are not 4 or 7 times a power of two.
    """
    halvings = reversed(range(count_doublings(image_shape) + 1))
    return [((image_shape[0] >> k, image_shape[1] >> k), min(filters << k, max_filters)) for k in halvings]


def stage(shape, *stack) -> keras.Model:
    """Layers in a row as one, built for inputs (n, *shape)."""
    return keras.Sequential([keras.Input(shape), *stack])


def conv(filters: int, size: int = 3) -> EqualizedLearningRate:
    """A convolution whose weights learn at an equal rate."""
    return EqualizedLearningRate(layers.Conv2D(filters, size, padding="same"))


def linear(layer: layers.Layer) -> EqualizedLearningRate:
    """A last layer, in float32 also where the network computes in less; `layer` is made with that dtype."""
    return EqualizedLearningRate(layer, gain=1.0, dtype="float32")


def after():
    """What follows a convolution of a generator."""
    return layers.LeakyReLU(0.2), PixelNormalization()


class Drawing(Growing):
    """Base of generators that grow; `maps` says what their levels make, of which each level draws a picture."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        last = partial(layers.Conv2D, self.image_shape[-1], 1, dtype="float32")
        self.to_pictures = [stage((*sides, n), linear(last())) for sides, n in self.sizes]

    def maps(self, inputs, level: int) -> list:
        """The maps of the levels up to `level`, the smallest first."""
        raise NotImplementedError

    def at(self, inputs, level, fading):
        maps = self.maps(inputs, level)
        picture = self.to_pictures[level](maps[level])
        if level and fading:
            picture = self.fade(enlarged(self.to_pictures[level - 1](maps[level - 1])), picture)
        return enlarged(picture, self.left(level))


@keras.saving.register_keras_serializable("tfgan_zoo")
class GrowingGenerator(Drawing):
    """z (n, latent_dim) -> pictures (n, height, width, channels), float32: the generator of ProGAN, table 2."""

    def __init__(self, latent_dim, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        sides, n = self.sizes[0]
        first = EqualizedLearningRate(layers.Dense(prod(sides) * n), gain=2**0.5 / 4), layers.Reshape((*sides, n))
        self.blocks = [stage((latent_dim,), PixelNormalization(), *first, *after(), conv(n), *after())]
        for (sides, below), (_, n) in pairwise(self.sizes):
            self.blocks.append(stage((*sides, below), layers.UpSampling2D(), conv(n), *after(), conv(n), *after()))

    def maps(self, inputs, level):
        return list(accumulate(self.blocks[: level + 1], lambda x, block: block(x), initial=inputs))[1:]

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim}


@keras.saving.register_keras_serializable("tfgan_zoo")
class GrowingCritic(Growing):
    """Pictures (n, height, width, channels) -> scores (n, 1), float32: the discriminator of ProGAN, table 2.

    Args:
        stddev_group: of `MinibatchStdDev`; 0 leaves it out.
        blur: filter maps before they are made smaller, as StyleGAN does.
        kwargs: as `Growing`.
    """

    def __init__(self, stddev_group: int = 4, blur: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.stddev_group = stddev_group
        self.blur = blur
        colours, rectified = self.image_shape[-1], partial(layers.LeakyReLU, 0.2)
        self.from_pictures = [stage((*sides, colours), conv(n, 1), rectified()) for sides, n in self.sizes]
        sides, n = self.sizes[0]
        deviation = [MinibatchStdDev(stddev_group)] if stddev_group else []
        hidden = EqualizedLearningRate(layers.Dense(n))
        last = [conv(n), rectified(), layers.Flatten(), hidden, rectified(), linear(layers.Dense(1, dtype="float32"))]
        self.blocks = [stage((*sides, n), *deviation, *last)]
        for (_, below), (sides, n) in pairwise(self.sizes):
            halving = conv(below), rectified(), layers.AveragePooling2D(2)
            if blur:
                shrink = EqualizedLearningRate(ShrinkingConv2D(below))
                halving = UpFirDn2D((1, 2, 1)), shrink, rectified()
            self.blocks.append(stage((*sides, n), conv(n), rectified(), *halving))

    def seen(self, real, level: int, fading: bool):
        """Real pictures as they are shown at a level: of its size, faded in as made-up ones are."""
        x = shrunk(real, self.left(level))
        x = self.fade(enlarged(shrunk(x)), x) if fading else x
        return enlarged(x, self.left(level))

    def at(self, inputs, level, fading):
        picture = shrunk(inputs, self.left(level))
        x = self.blocks[level](self.from_pictures[level](picture))
        if level and fading:
            x = self.fade(self.from_pictures[level - 1](shrunk(picture)), x)
        for block in reversed(self.blocks[:level]):
            x = block(x)
        return x

    def get_config(self):
        return {**super().get_config(), "stddev_group": self.stddev_group, "blur": self.blur}
