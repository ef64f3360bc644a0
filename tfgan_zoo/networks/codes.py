"""Autoencoders of sentences and of small pictures, by way of a code of length 1; networks that make and judge codes."""

import math

import keras
from keras import layers, ops

from tfgan_zoo.layers import batch_norm
from tfgan_zoo.networks import sentences
from tfgan_zoo.networks.captions import Direction


def of_texts(kind, code_dim):
    """Encoder text -> code, and decoder text and code -> logits of each word, given those before it. Both are LSTMs."""
    text, code = keras.Input(kind.shape, dtype=kind.model, name="text"), keras.Input((code_dim,), name="code")
    read = layers.LSTM(code_dim)(layers.Embedding(kind.tokens, code_dim, mask_zero=True)(text))
    logits = sentences.LanguageModel(kind.tokens, code_dim, code_dim, name="language")([text, code])
    return {
        "encoder": keras.Model(text, Direction(dtype="float32")(read), name="encoder"),
        "decoder": keras.Model([text, code], logits, name="decoder"),
    }


def of_pictures(kind, code_dim):
    """Encoder picture -> code, and decoder code -> logits of pixels: the widths that the authors have for MNIST.

    Batch normalization is what lets the decoder hear a code of length 1 in noise that is four times as long.
    """
    image, code = keras.Input(kind.shape, name="image"), keras.Input((code_dim,), name="code")
    seen = hidden(layers.Flatten()(image), (800, 400), "relu", norm=batch_norm)
    drawn = hidden(code, (400, 800, 1000), "relu", norm=batch_norm)
    logits = layers.Dense(math.prod(kind.shape), dtype="float32")(drawn)
    return {
        "encoder": keras.Model(image, Direction(dtype="float32")(layers.Dense(code_dim)(seen)), name="encoder"),
        "decoder": keras.Model(code, layers.Reshape(kind.shape, dtype="float32")(logits), name="decoder"),
    }


def players(latent_dim, code_dim, units):
    """Generator noise -> code, with batch normalization, and critic code -> score, each with two hidden layers.

    The authors' critic normalizes its second layer too, by which examples would depend on each other in the penalty.
    """
    z, code = keras.Input((latent_dim,), name="z"), keras.Input((code_dim,), name="code")
    x = hidden(z, (units, units), "relu", norm=batch_norm)
    score = layers.Dense(1, dtype="float32")(hidden(code, (units, units), "leaky_relu"))
    return {
        "generator": keras.Model(z, layers.Dense(code_dim, dtype="float32")(x), name="generator"),
        "discriminator": keras.Model(code, score, name="discriminator"),
    }


def costs(logits, batch):
    """-log p of each row of a batch, by the logits of a decoder: float32 (n, 1), the mean over places or pixels.

    Pixels above the middle grey are white. In texts, places behind the end cost nothing.
    """
    if "image" in batch:
        each = ops.softplus(logits) - ops.cast(batch["image"] > 0, "float32") * logits
    else:
        each = sentences.costs(logits, batch["text"])
    return ops.mean(ops.reshape(each, (ops.shape(each)[0], -1)), axis=1, keepdims=True)


def hidden(x, widths, activation, norm=layers.Identity):
    """Dense layers, one behind the other, with a normalization each."""
    for width in widths:
        x = layers.Activation(activation)(norm()(layers.Dense(width)(x)))
    return x
