"""Normalization, plain and conditional."""

import keras
from keras import layers, ops

from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers.kernels import EqualizedLearningRate, SpectralNormalization


def batch_norm(momentum: float = 0.9, gamma_stddev: float = 0.02) -> layers.BatchNormalization:
    """Batch normalization over the global batch of all replicas, scales drawn from N(1, `gamma_stddev`).

    Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167, with the settings of the DCGAN authors' code.
    """
    return layers.BatchNormalization(
        momentum=momentum,
        epsilon=1e-5,
        gamma_initializer=keras.initializers.RandomNormal(1.0, gamma_stddev),
        synchronized=True,
    )


def instance_norm(affine: bool = True, epsilon: float = 1e-5) -> layers.GroupNormalization:
    """Each channel of each example to mean 0 and variance 1 over its positions; the same in training and inference.

    Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022. `affine` adds a learned scale and offset per channel.
    """
    return layers.GroupNormalization(groups=-1, epsilon=epsilon, center=affine, scale=affine)


@keras.saving.register_keras_serializable("tfgan_zoo")
class PixelNormalization(layers.Layer):
    """x / sqrt(mean of x^2 over channels + `epsilon`), no weights. Karras et al. 2018, https://arxiv.org/abs/1710.10196.

    (batch, ..., channels) -> the same shape.
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        x = x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + self.epsilon)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("tfgan_zoo")
class ConditionalBatchNormalization(layers.Layer):
    """Batch normalization over the global batch, with scale and offset per channel chosen by a condition.

    `layer(x, condition)`: x (batch, ..., channels) -> the same shape. The condition is one of

    - class labels, int (batch,), where `num_classes` is given: a table of scales and offsets for each class (de Vries
      et al. 2017, https://arxiv.org/abs/1707.00683; Miyato & Koyama 2018, https://arxiv.org/abs/1802.05637);
    - vectors, float (batch, n): linear maps of them, scale 1 + A c, offset B c (Brock et al. 2019,
      https://arxiv.org/abs/1809.11096), spectrally normalized if `spectral`.

    Args:
        num_classes: of the labels; None for vectors.
        spectral: normalize the linear maps spectrally.
        momentum, epsilon: as in `keras.layers.BatchNormalization`.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        spectral: bool = False,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if num_classes and spectral:
            raise ZooError("ConditionalBatchNormalization: spectral=True is for vectors; leave num_classes out.")
        self.num_classes = num_classes
        self.spectral = spectral
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, inputs_shape, condition_shape):
        channels = inputs_shape[-1]
        self.norm = layers.BatchNormalization(
            momentum=self.momentum, epsilon=self.epsilon, center=False, scale=False, synchronized=True
        )
        self.norm.build(inputs_shape)
        self.gain, self.offset = self.table(channels), self.table(channels)
        for table in (self.gain, self.offset):
            table.build(condition_shape)

    def table(self, channels):
        """A layer from the condition to one number per channel. Tables of classes start at 0."""
        if self.num_classes:
            return layers.Embedding(self.num_classes, channels, embeddings_initializer="zeros")
        linear = layers.Dense(channels, use_bias=False)
        return SpectralNormalization(linear) if self.spectral else linear

    def call(self, inputs, condition, training=False):
        x = self.norm(inputs, training=training)
        among = {"training": training} if self.spectral else {}
        return modulate(x, self.gain(condition, **among), self.offset(condition, **among))

    def compute_output_shape(self, inputs_shape, condition_shape):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "spectral": self.spectral,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable("tfgan_zoo")
class AdaptiveInstanceNormalization(layers.Layer):
    """AdaIN: each channel of each example to mean 0 and variance 1, then times 1 + s plus b, (s, b) = A w.

    `layer(x, w)`: x (batch, ..., channels), w (batch, n) -> the shape of x. A has equalized learning rate and gain 1.
    Karras et al. 2019, https://arxiv.org/abs/1812.04948, eq. 1 and the authors' code.
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, inputs_shape, style_shape):
        self.norm = instance_norm(affine=False, epsilon=self.epsilon)
        self.norm.build(inputs_shape)
        self.style = EqualizedLearningRate(layers.Dense(2 * inputs_shape[-1]), gain=1.0)
        self.style.build(style_shape)

    def call(self, inputs, style):
        return modulate(self.norm(inputs), *ops.split(self.style(style), 2, axis=-1))

    def compute_output_shape(self, inputs_shape, style_shape):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def modulate(x, gain, offset):
    """X (batch, ..., channels) times 1 + `gain` plus `offset`, both (batch, channels)."""
    shape = (-1, *[1] * (len(x.shape) - 2), x.shape[-1])
    return x * (1 + ops.reshape(gain, shape)) + ops.reshape(offset, shape)
