"""Networks of VGAN: convolutions over time and space, which halve and double all sides together.

Weights from N(0, 0.01), as in the authors' code of https://arxiv.org/abs/1609.02612.
"""

from functools import partial
from math import prod

from keras import initializers, layers

from tfgan_zoo.layers import batch_norm

weights = partial(initializers.RandomNormal, 0.0, 0.01)
Halve = partial(layers.Conv2D, kernel_size=4, strides=2, padding="same")
Halve3D = partial(layers.Conv3D, kernel_size=4, strides=2, padding="same")
Double = partial(layers.Conv2DTranspose, kernel_size=4, strides=2, padding="same")
Double3D = partial(layers.Conv3DTranspose, kernel_size=4, strides=2, padding="same")


def upwards(code, start, doublings, filters, double):
    """Code -> map: `start` with the most channels, then twice as long in each direction until there are `filters`."""
    shape = *start, filters << doublings
    x = layers.Dense(prod(shape), use_bias=False, kernel_initializer=weights())(code)
    x = layers.ReLU()(batch_norm()(layers.Reshape(shape)(x)))
    for level in reversed(range(doublings)):
        x = double(filters << level, use_bias=False, kernel_initializer=weights())(x)
        x = layers.ReLU()(batch_norm()(x))
    return x


def head(x, channels, activation, double):
    """The last doubling: float32."""
    return layers.Activation(activation, dtype="float32")(double(channels, kernel_initializer=weights())(x))


def encoded(x, halvings, filters):
    """Frame -> code: float (n, length)."""
    for level in range(halvings):
        x = Halve(filters << level, use_bias=False, kernel_initializer=weights())(x)
        x = layers.LeakyReLU(0.2)(batch_norm()(x))
    return layers.Flatten()(x)


def judged(x, halvings, filters):
    """Video -> {"logit": float32 (n, 1), "features": float32 (n, length)}; the authors have a softmax of two."""
    for level in range(halvings):
        x = Halve3D(filters << level, use_bias=not level, kernel_initializer=weights())(x)
        x = layers.LeakyReLU(0.2)(batch_norm()(x) if level else x)
    features = layers.Flatten()(x)
    logit = layers.Dense(1, dtype="float32", kernel_initializer=weights())(features)
    return {"logit": logit, "features": layers.Activation("linear", dtype="float32")(features)}
