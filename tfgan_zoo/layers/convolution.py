"""Convolutions."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfgan_zoo")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with `groups`, quick on a CPU: one small convolution for each group of channels.

    (batch, height, width, channels) -> (batch, height, width, filters). Same weights and values as Keras' layer, whose
    gradients on a CPU took 30 to 70 times as long (TensorFlow 2.21, 16x16 maps of 64 and 128 channels, 4 and 16
    groups). The blocks of R3GAN have groups: Huang et al. 2024, https://arxiv.org/abs/2501.05441.
    """

    def convolution_op(self, inputs, kernel):
        convolve = super().convolution_op
        parts = zip(ops.split(inputs, self.groups, axis=-1), ops.split(kernel, self.groups, axis=-1), strict=True)
        return ops.concatenate([convolve(x, w) for x, w in parts], axis=-1)


@keras.saving.register_keras_serializable("tfgan_zoo")
class EnlargingConv2D(keras.layers.Conv2D):
    """Enlarge by 2, each pixel to a square, and convolve: in one transposed convolution of stride 2.

    (batch, height, width, channels) -> (batch, 2 height, 2 width, filters). Same weights and values as `UpSampling2D`
    and `keras.layers.Conv2D` after it, for less than half of the work ("fused" in the code of Karras et al. 2018).

    Args:
        filters, kernel_size: as in Keras; an odd size.
        kwargs: as `keras.layers.Conv2D`.
    """

    def __init__(self, filters: int, kernel_size=3, **kwargs):
        super().__init__(filters, kernel_size, **{"padding": "same", **kwargs})

    def convolution_op(self, inputs, kernel):
        kernel = ops.swapaxes(doubled(ops.flip(kernel, (0, 1))), 2, 3)
        return ops.conv_transpose(inputs, kernel, strides=2, padding="same")

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        return (batch, *[side and side * 2 for side in sides], self.filters)


@keras.saving.register_keras_serializable("tfgan_zoo")
class ShrinkingConv2D(keras.layers.Conv2D):
    """Convolve and take the mean over squares of 2x2 pixels: in one convolution of stride 2.

    (batch, height, width, channels) -> (batch, height / 2, width / 2, filters), for even sides. Same weights and values
    as `keras.layers.Conv2D` and `AveragePooling2D`, for less than half of the work.

    Args:
        filters, kernel_size: as in Keras; an odd size.
        kwargs: as `keras.layers.Conv2D`.
    """

    def __init__(self, filters: int, kernel_size=3, **kwargs):
        super().__init__(filters, kernel_size, **{"padding": "same", **kwargs})

    def convolution_op(self, inputs, kernel):
        return ops.conv(inputs, doubled(kernel) / 4, strides=2, padding="same")

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        return (batch, *[side and side // 2 for side in sides], self.filters)


def doubled(kernel):
    """The kernel that sums a (height, width, in, out) one over the four places of a 2x2 square; sides one longer."""
    places = [(top, left) for top in (0, 1) for left in (0, 1)]
    return sum(ops.pad(kernel, ((top, 1 - top), (left, 1 - left), (0, 0), (0, 0))) for top, left in places)
