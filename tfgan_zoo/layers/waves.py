"""Waves over a map, for patterns that repeat."""

from math import pi

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("tfgan_zoo")
class Waves(keras.layers.Layer):
    """Append 2 `count` sine waves of the position: sin(k . (row, column) + phase), with learned wave vectors k.

    `layer(x, phase)`: x (batch, height, width, channels) and where the waves begin, phase (batch, 2 count) ->
    (batch, height, width, channels + 2 count). A larger map continues the waves of a smaller one. Bergmann et al. 2017,
    https://arxiv.org/abs/1705.06566, eq. 4, without the network from global noise to k: for one texture k is free. At
    first half of the waves run along the rows and half along the columns.

    Args:
        count: waves along each axis.
    """

    def __init__(self, count: int, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, inputs_shape, phase_shape):
        self.k = self.add_weight(  # in float32: phases of far positions need the digits
            name="k",
            shape=(2, 2 * self.count),
            initializer=self._first,
            autocast=False,
        )

    def _first(self, shape, dtype):
        bands = pi * (0.5 * np.arange(1, self.count + 1) / self.count + 0.5)
        still = np.zeros(self.count)
        return ops.convert_to_tensor(np.block([[bands, still], [still, bands]]), dtype)

    def call(self, inputs, phase):
        rows, columns = (ops.cast(ops.arange(side), "float32")[:, None] for side in ops.shape(inputs)[1:3])
        down, right = rows * self.k[0], columns * self.k[1]
        angle = down[None, :, None] + right[None, None] + ops.cast(phase, "float32")[:, None, None]
        return ops.concatenate([inputs, ops.cast(ops.sin(angle), inputs.dtype)], axis=-1)

    def compute_output_shape(self, inputs_shape, phase_shape):
        return (*inputs_shape[:-1], inputs_shape[-1] + 2 * self.count)

    def get_config(self):
        return {**super().get_config(), "count": self.count}
