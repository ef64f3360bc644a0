"""Networks between words and pictures: encoders of both, a generator and a discriminator that see a text's code."""

from functools import partial

import keras
from keras import layers, ops

from tfgan_zoo.families import dcgan
from tfgan_zoo.layers import batch_norm
from tfgan_zoo.networks.geometry import count_doublings

Conv = partial(layers.Conv2D, padding="same", use_bias=False)


@keras.saving.register_keras_serializable("tfgan_zoo")
class Direction(layers.Layer):
    """A vector (n, d) divided by its length."""

    def call(self, x):
        return ops.normalize(x, axis=-1)


def text_encoder(text, tokens, code_dim):
    """int32 (n, words) -> code (n, code_dim) of length 1: a bag of words beside what a gated network reads in order."""
    words = layers.Embedding(tokens, code_dim, mask_zero=True)(text)
    read = layers.GRU(code_dim)(words)
    bag = layers.GlobalAveragePooling1D()(words)
    code = layers.Dense(code_dim)(layers.Concatenate()([read, bag]))
    return Direction(dtype="float32")(code)


def image_encoder(image, filters, code_dim):
    """Picture -> code (n, code_dim) of length 1, by the discriminator's convolutions."""
    return Direction(dtype="float32")(layers.Dense(code_dim)(dcgan.downwards(image, filters)))


def compressed(code, units):
    """The code in fewer numbers, as generator and discriminator each learn to take it."""
    return layers.LeakyReLU(0.2)(layers.Dense(units, kernel_initializer=dcgan.weights())(code))


def generator(z, code, image_shape, filters, text_dim):
    """Noise and code -> picture in [-1, 1], by DCGAN's generator."""
    return dcgan.upwards(layers.Concatenate()([z, compressed(code, text_dim)]), image_shape, filters)


def discriminator(image, code, filters, text_dim):
    """Picture and code -> logit: the code joins where the picture has become a small map."""
    x = image
    for level in range(count_doublings((*image.shape[1:3], 1))):
        x = Conv(filters << level, 4, 2, use_bias=level == 0, kernel_initializer=dcgan.weights())(x)
        x = layers.LeakyReLU(0.2)(batch_norm()(x) if level else x)
    text = layers.Reshape((1, 1, text_dim))(compressed(code, text_dim))
    text = layers.UpSampling2D(x.shape[1:3])(text)
    x = Conv(x.shape[-1], 1, kernel_initializer=dcgan.weights())(layers.Concatenate()([x, text]))
    x = layers.Flatten()(layers.LeakyReLU(0.2)(batch_norm()(x)))
    return dcgan.as_float32(layers.Dense(1, kernel_initializer=dcgan.weights())(x))


def encoders(model):
    """The networks that make codes of texts and of pictures, for a model that has the arguments of `gan_cls`."""
    image, text = (keras.Input(kind.shape, dtype=kind.model, name=key) for key, kind in model.element_spec.items())
    tokens = model.element_spec["text"].tokens
    return {
        "text_encoder": keras.Model(text, text_encoder(text, tokens, model.code_dim), name="text_encoder"),
        "image_encoder": keras.Model(image, image_encoder(image, model.filters, model.code_dim), name="image_encoder"),
    }


def networks(model):
    """The four networks of a model that has the arguments of `gan_cls`."""
    image = keras.Input(model.image_shape, name="image")
    z, code = keras.Input((model.latent_dim,), name="z"), keras.Input((model.code_dim,), name="code")
    sizes = model.filters, model.text_dim
    return {
        **encoders(model),
        "generator": keras.Model([z, code], generator(z, code, model.image_shape, *sizes), name="generator"),
        "discriminator": keras.Model([image, code], discriminator(image, code, *sizes), name="discriminator"),
    }


def neighbours(codes):
    """The code of each row's partner: rows 0 and 1 change places, rows 2 and 3 ... Nearly always a wrong text."""
    pairs = ops.reshape(codes, (-1, 2, codes.shape[-1]))
    return ops.reshape(pairs[:, ::-1], ops.shape(codes))
