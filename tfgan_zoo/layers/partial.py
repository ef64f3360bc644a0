"""Convolution of what is known of a picture."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfgan_zoo")
class PartialConv2D(keras.layers.Conv2D):
    """Partial convolution: of the valid numbers in a window alone, scaled up for those that are missing.

    `layer(x, valid)` -> (y, valid'). x (batch, height, width, channels); valid (batch, height, width, channels), or 1
    channel for all: 1 where x is known, 0 where it is not. With the sum over a window of k x k x channels numbers,

        y = W^T (x valid) (k k channels) / sum(valid) + b  where sum(valid) > 0, else 0
        valid' = 1                                         where sum(valid) > 0, else 0   (batch, height', width', 1)

    What x holds where it is not valid does not matter, to the bit. Padding counts as not valid. Liu et al. 2018,
    https://arxiv.org/abs/1804.07723, eq. 1 and 2. Arguments are those of `keras.layers.Conv2D`.
    """

    def build(self, inputs_shape, valid_shape):
        super().build(inputs_shape)

    def call(self, inputs, valid):
        channels = inputs.shape[-1]
        known = ops.sum(ops.cast(valid, "float32"), axis=-1, keepdims=True) * (channels / valid.shape[-1])
        count = self.convolution_op(known, ops.ones((*self.kernel_size, 1, 1)))
        here = count > 0.5
        scale = ops.where(here, math.prod(self.kernel_size) * channels / ops.maximum(count, 0.5), 0.0)
        y = self.convolution_op(ops.where(valid > 0, inputs, 0.0), self.kernel) * ops.cast(scale, self.compute_dtype)
        y = self.activation(y + self.bias if self.use_bias else y)
        return ops.where(here, y, 0.0), ops.cast(here, self.compute_dtype)

    def compute_output_shape(self, inputs_shape, valid_shape=None):
        made = super().compute_output_shape(inputs_shape)
        return made, (*made[:-1], 1)
