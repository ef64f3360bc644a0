"""The three networks of an autoencoder with a discriminator: 5x5 convolutions of stride 2, batch normalization.

Larsen et al. 2016, table 1 and the authors' code, https://arxiv.org/abs/1512.09300. Weights from N(0, 0.02).
"""

from functools import partial
from math import prod

from keras import layers

from tfgan_zoo.families.dcgan import as_float32, weights

HALVINGS = 3
Norm = partial(layers.BatchNormalization, momentum=0.9, epsilon=1e-6, synchronized=True)


def block(layer, x, *sizes, **settings):
    """A layer without bias, normalized, a rectifier."""
    return layers.ReLU()(Norm()(layer(*sizes, use_bias=False, kernel_initializer=weights(), **settings)(x)))


halve = partial(block, partial(layers.Conv2D, strides=2, padding="same"))
double = partial(block, partial(layers.Conv2DTranspose, strides=2, padding="same"))
dense = partial(block, layers.Dense)


def encoder(x, filters, units, outputs):
    """Image -> float32 (n, outputs)."""
    for level in range(HALVINGS):
        x = halve(x, filters << level, 5)
    return as_float32(layers.Dense(outputs, kernel_initializer=weights())(dense(layers.Flatten()(x), units)))


def decoder(z, image_shape, filters):
    """Code -> image in [-1, 1]."""
    start = image_shape[0] >> HALVINGS, image_shape[1] >> HALVINGS, 4 * filters
    x = layers.Reshape(start)(dense(z, prod(start)))
    for width in (4 * filters, 2 * filters, max(1, filters // 2)):
        x = double(x, width, 5)
    x = layers.Conv2D(image_shape[-1], 5, padding="same", kernel_initializer=weights())(x)
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def judged(image, filters, units):
    """Image -> {"logit", float32 (n, 1); "features", float32 maps by which pictures are compared}.

    The maps are those of the last convolution, an eighth of the side, before they are normalized.
    """
    x = layers.Conv2D(max(1, filters // 2), 5, padding="same", activation="relu", kernel_initializer=weights())(image)
    x = halve(halve(x, 2 * filters, 5), 4 * filters, 5)
    maps = layers.Conv2D(4 * filters, 5, 2, "same", use_bias=False, kernel_initializer=weights())(x)
    x = dense(layers.Flatten()(layers.ReLU()(Norm()(maps))), units)
    logit = layers.Dense(1, kernel_initializer=weights())(x)
    return {"logit": as_float32(logit), "features": layers.Activation("linear", dtype="float32")(maps)}
