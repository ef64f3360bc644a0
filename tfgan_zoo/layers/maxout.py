"""Maxout."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfgan_zoo")
class Maxout(keras.layers.Dense):
    """h_i(x) = max_j (x W + b)_ij over `pieces` affine maps. Goodfellow et al. 2013, https://arxiv.org/abs/1302.4389.

    (batch, d) -> (batch, units). Further arguments are those of `keras.layers.Dense`.
    """

    def __init__(self, units: int, pieces: int = 5, **kwargs):
        super().__init__(units * pieces, **kwargs)
        self.pieces = pieces

    def call(self, inputs, training=None):
        return ops.max(ops.reshape(super().call(inputs), (-1, self.units // self.pieces, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units // self.pieces)

    def get_config(self):
        return {**super().get_config(), "units": self.units // self.pieces, "pieces": self.pieces}
