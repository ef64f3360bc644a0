"""Self-attention over the positions of a map."""

import keras
from keras import layers, ops

from tfgan_zoo.layers.kernels import SpectralNormalization


@keras.saving.register_keras_serializable("tfgan_zoo")
class SelfAttention(layers.Layer):
    """x + gamma o(x): every position looks at all positions of the map halved by max-pooling. gamma starts at 0.

    (batch, height, width, channels) -> the same shape. Zhang et al. 2019, https://arxiv.org/abs/1805.08318, with the
    authors' code: 1x1 convolutions without bias, queries and keys of channels / 8, values of channels / 2,
    softmax(q k) v without scaling.

    Args:
        spectral: normalize the convolutions spectrally.
        kernel_initializer: of the convolutions.
    """

    def __init__(self, spectral: bool = True, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.spectral = spectral
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        *outer, channels = input_shape
        self.query, self.key = (self.convolution(max(channels // 8, 1), input_shape) for _ in range(2))
        self.value = self.convolution(max(channels // 2, 1), input_shape)
        self.output_map = self.convolution(channels, (*outer, max(channels // 2, 1)))
        self.pool = layers.MaxPooling2D(2)
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")

    def convolution(self, filters, input_shape):
        """A 1x1 convolution."""
        layer = layers.Conv2D(filters, 1, use_bias=False, kernel_initializer=self.clone_of_initializer())
        layer = SpectralNormalization(layer) if self.spectral else layer
        layer.build(input_shape)
        return layer

    def clone_of_initializer(self):
        """The initializer with a seed of its own: one object shared by all layers would draw the same numbers."""
        return self.kernel_initializer.clone()

    def convolve(self, layer, x, training):
        """`layer` at x."""
        return layer(x, training=training) if self.spectral else layer(x)

    def attention(self, inputs, training=False):
        """How much each position looks at each pooled one: float32 (batch, height * width, pooled positions)."""
        queries = positions(self.convolve(self.query, inputs, training))
        keys = positions(self.pool(self.convolve(self.key, inputs, training)))
        return ops.softmax(ops.cast(ops.matmul(queries, ops.transpose(keys, (0, 2, 1))), "float32"))

    def call(self, inputs, training=False):
        weights = ops.cast(self.attention(inputs, training), self.compute_dtype)
        values = positions(self.pool(self.convolve(self.value, inputs, training)))
        _, height, width, _ = ops.shape(inputs)
        seen = ops.reshape(ops.matmul(weights, values), (-1, height, width, values.shape[-1]))
        return inputs + self.gamma * self.convolve(self.output_map, seen, training)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        initializer = keras.saving.serialize_keras_object(self.kernel_initializer)
        return {**super().get_config(), "spectral": self.spectral, "kernel_initializer": initializer}


def positions(x):
    """(batch, height, width, channels) -> (batch, height * width, channels)."""
    _, height, width, channels = ops.shape(x)
    return ops.reshape(x, (-1, height * width, channels))
