"""The networks of InfoGAN's experiments with MNIST, which many later papers took over: two (transposed) convolutions
of stride 2 and two dense layers, batch normalization nearly everywhere.

Chen et al. 2016, appendix C.1, https://arxiv.org/abs/1606.03657. Weights from N(0, 0.02).
"""

from math import prod

from keras import layers

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import Conv, Deconv, weights
from tfgan_zoo.layers import batch_norm


def require_sides(image_shape) -> None:
    """Raise ZooError unless both sides can be halved twice."""
    if image_shape[0] % 4 or image_shape[1] % 4:
        raise ZooError(f"image_shape={list(image_shape)}: the sides must be multiples of 4, such as 28 or 32.")


def dense(x, units, act):
    """A dense layer with batch normalization."""
    return act(batch_norm()(layers.Dense(units, use_bias=False, kernel_initializer=weights())(x)))


def answer(x, units):
    """A plain dense layer, float32 (n, units): logits, means."""
    return layers.Activation("linear", dtype="float32")(layers.Dense(units, kernel_initializer=weights())(x))


def stretched_sigmoid(x, name=None):
    """A sigmoid in float32, stretched to [-1, 1]: for papers whose values lie in [0, 1]."""
    x = layers.Activation("sigmoid", dtype="float32")(x)
    return layers.Rescaling(2.0, -1.0, dtype="float32", name=name)(x)


def upwards(x, image_shape, filters=64, units=1024):
    """Vector -> image in [-1, 1]; `filters` at half the side, twice as many at a quarter."""
    start = image_shape[0] // 4, image_shape[1] // 4, 2 * filters
    x = dense(dense(x, units, layers.ReLU()), prod(start), layers.ReLU())
    x = Deconv(filters, 4, use_bias=False, kernel_initializer=weights())(layers.Reshape(start)(x))
    x = Deconv(image_shape[-1], 4, kernel_initializer=weights())(layers.ReLU()(batch_norm()(x)))
    return stretched_sigmoid(x, name="image")


def downwards(image, filters=64, units=1024, slope=0.1):
    """Image in [-1, 1] -> vector (n, units); the first layer is not normalized."""
    x = layers.Rescaling(0.5, 0.5)(image)
    x = layers.LeakyReLU(slope)(Conv(filters, 4, kernel_initializer=weights())(x))
    x = Conv(2 * filters, 4, use_bias=False, kernel_initializer=weights())(x)
    x = layers.Flatten()(layers.LeakyReLU(slope)(batch_norm()(x)))
    return dense(x, units, layers.LeakyReLU(slope))
