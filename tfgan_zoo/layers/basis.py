"""A learned map."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfgan_zoo")
class Basis(keras.layers.Layer):
    """A learned map of `sides`, each channel times a number of the input: where a generator starts.

    (batch, 1, 1, channels) -> (batch, height, width, channels). Huang et al. 2024, https://arxiv.org/abs/2501.05441.
    """

    def __init__(self, sides: tuple[int, int], **kwargs):
        super().__init__(**kwargs)
        self.sides = tuple(sides)

    def build(self, input_shape):
        start = keras.initializers.RandomNormal(0.0, 1.0)
        self.map = self.add_weight(name="map", shape=(*self.sides, input_shape[-1]), initializer=start)

    def call(self, inputs):
        return inputs * ops.cast(self.map, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.sides, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "sides": self.sides}
