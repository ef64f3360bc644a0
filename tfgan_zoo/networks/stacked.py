"""Networks of StackGAN: generators that follow each other, discriminators that see a text's code.

Zhang et al. 2017, https://arxiv.org/abs/1612.03242 (`sketch`, `refined`, `judged`), and 2018,
https://arxiv.org/abs/1710.10916 (`branches`, `judged_twice`), with the authors' code. `filters` are the channels of a
discriminator's first map. Where the authors enlarge and convolve, one convolution does both.
"""

from functools import partial

from keras import layers

from tfgan_zoo.families import dcgan
from tfgan_zoo.layers import EnlargingConv2D, batch_norm
from tfgan_zoo.networks.captions import compressed
from tfgan_zoo.networks.geometry import count_doublings


def normal():
    """All weights of the first version are from N(0, 0.02)."""
    return {"use_bias": False, "kernel_initializer": dcgan.weights()}


def orthogonal():
    """Those of the second are orthogonal."""
    return {"use_bias": False, "kernel_initializer": "orthogonal"}


Conv = partial(layers.Conv2D, padding="same")


def rectified(x, layer):
    """What follows a convolution of the first version's generators."""
    return layers.ReLU()(batch_norm()(layer(x)))


def leaky(x, layer):
    """What follows one of the discriminators."""
    return layers.LeakyReLU(0.2)(batch_norm()(layer(x)))


def gated(x, layer):
    """What follows one of the second version's generators: half of the channels decide how much of the others stays."""
    x = batch_norm()(layer(x))
    half = x.shape[-1] // 2
    return layers.Multiply()([x[..., :half], layers.Activation("sigmoid")(x[..., half:])])


def spread(code, x):
    """The map `x` with a vector beside the channels of each place."""
    planes = layers.UpSampling2D(x.shape[1:3])(layers.Reshape((1, 1, code.shape[-1]))(code))
    return layers.Concatenate()([x, planes])


def picture(x, channels, name="image", **weights):
    """Map -> picture in [-1, 1], float32."""
    return layers.Activation("tanh", dtype="float32", name=name)(Conv(channels, 3, **weights)(x))


# === The first version ===
def augmenter(code, units):
    """A text's code -> mean and log of the deviation of c, (n, 2 units), float32; leaky, as in the authors' code."""
    x = layers.LeakyReLU(0.2)(layers.Dense(2 * units, kernel_initializer=dcgan.weights())(code))
    return layers.Activation("linear", dtype="float32")(x)


def sketch(z, c, image_shape, filters):
    """Noise and a text's conditions -> a small picture; bottlenecks at the two smallest maps."""
    doublings = count_doublings(image_shape)
    start = image_shape[0] >> doublings, image_shape[1] >> doublings, filters << doublings
    x = layers.Dense(start[0] * start[1] * start[2], **normal())(layers.Concatenate()([c, z]))
    x = bottleneck(layers.Reshape(start)(batch_norm()(x)), layers.ReLU)
    for level in range(1, doublings):
        x = EnlargingConv2D(start[2] >> level, **normal())(x)
        x = bottleneck(batch_norm()(x), layers.ReLU) if level == 1 else layers.ReLU()(batch_norm()(x))
    x = EnlargingConv2D(image_shape[-1], kernel_initializer=dcgan.weights())(x)
    return layers.Activation("tanh", dtype="float32", name="image")(x)


def bottleneck(x, rectifier):
    """rectifier(x + what three convolutions make of it, two of them with a quarter of the channels)."""
    h, channels = x, x.shape[-1]
    for size, width in ((1, channels // 4), (3, channels // 4)):
        h = rectifier()(batch_norm()(Conv(width, size, **normal())(h)))
    return rectifier()(layers.Add()([x, batch_norm()(Conv(channels, 3, **normal())(h))]))


def refined(small, c, image_shape, filters, blocks):
    """A small picture and a text's conditions -> a large one: shrunk by 4, joined, residual blocks, enlarged."""
    width = 8 * filters
    x = layers.ReLU()(Conv(width // 4, 3, kernel_initializer=dcgan.weights())(small))
    for part in (2, 1):
        x = rectified(x, Conv(width // part, 4, 2, **normal()))
    x = rectified(spread(c, x), Conv(width, 3, **normal()))
    for _ in range(blocks):
        h = batch_norm()(Conv(width, 3, **normal())(rectified(x, Conv(width, 3, **normal()))))
        x = layers.ReLU()(layers.Add()([x, h]))
    while x.shape[1] < image_shape[0]:
        width //= 2
        x = rectified(x, EnlargingConv2D(width, **normal()))
    return picture(x, image_shape[-1], kernel_initializer=dcgan.weights())


def encoded(image, filters, size, weights):
    """Picture -> map of 4x4 (7x7): halved time and again, then brought back to 8 times `filters`."""
    x = layers.LeakyReLU(0.2)(Conv(filters, 4, 2, **weights() | {"use_bias": True})(image))
    halvings = count_doublings((*image.shape[1:3], 1))
    for level in range(1, halvings):
        x = leaky(x, Conv(filters << level, 4, 2, **weights()))
    for level in range(halvings - 2, 2, -1):
        x = leaky(x, Conv(filters << level, size, **weights()))
    return x


def judged(image, code, filters, text_dim):
    """Picture and a text's code -> logit."""
    x = bottleneck(encoded(image, filters, 1, normal), partial(layers.LeakyReLU, 0.2))
    x = leaky(spread(compressed(code, text_dim), x), Conv(x.shape[-1], 1, **normal()))
    return logit(x, dcgan.weights())


def logit(x, weights, name="logit"):
    """Map -> one number (n, 1), float32."""
    x = layers.Dense(1, kernel_initializer=weights)(layers.Flatten()(x))
    return layers.Activation("linear", dtype="float32", name=name)(x)


# === The second version ===
def gated_augmenter(code, units):
    """As `augmenter`; the authors take the second half for the log of the variance, twice that of the deviation."""
    x = layers.Dense(4 * units, kernel_initializer="orthogonal")(code)
    x = layers.Multiply()([x[:, : 2 * units], layers.Activation("sigmoid")(x[:, 2 * units :])])
    return layers.Activation("linear", dtype="float32")(x)


def branches(z, c, image_shape, scales, filters, blocks):
    """Noise and a text's conditions -> pictures of several scales, the smallest first, all of one stream of maps.

    `filters` are the channels of the stream where the first picture is drawn.
    """
    height, width, colours = image_shape
    doublings = count_doublings((height >> scales - 1, width >> scales - 1, colours))
    start = height >> scales - 1 + doublings, width >> scales - 1 + doublings, filters << doublings
    x = layers.Dense(2 * start[0] * start[1] * start[2], **orthogonal())(layers.Concatenate()([c, z]))
    x = layers.Reshape(start)(gated(x, layers.Identity()))
    for _ in range(doublings):
        x = gated(x, EnlargingConv2D(x.shape[-1], **orthogonal()))
    made = [picture(x, colours, "image_1", **orthogonal())]
    for scale in range(2, scales + 1):
        n = x.shape[-1]
        x = gated(spread(c, x), Conv(2 * n, 3, **orthogonal()))
        for _ in range(blocks):
            h = gated(x, Conv(2 * n, 3, **orthogonal()))
            x = layers.Add()([x, batch_norm()(Conv(n, 3, **orthogonal())(h))])
        x = gated(x, EnlargingConv2D(n, **orthogonal()))
        made.append(picture(x, colours, f"image_{scale}", **orthogonal()))
    return made


def judged_twice(image, mean, filters):
    """Picture and the mean of a text's conditions -> logits of the pair and of the picture alone."""
    x = encoded(image, filters, 3, orthogonal)
    pair = leaky(spread(mean, x), Conv(x.shape[-1], 3, **orthogonal()))
    return [logit(pair, "orthogonal", "pair"), logit(x, "orthogonal", "alone")]
