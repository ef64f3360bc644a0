"""Highway."""

import keras
from keras import layers


@keras.saving.register_keras_serializable("tfgan_zoo")
class Highway(layers.Layer):
    """t h(x) + (1 - t) x with t = sigmoid(W x + b), h one layer of the same width. Srivastava et al. 2015.

    (batch, ..., d) -> the same shape. https://arxiv.org/abs/1505.00387

    Args:
        activation: of h.
        gate_bias: the first b; negative, so that the layer starts near x. SeqGAN's is -2.
    """

    def __init__(self, activation="relu", gate_bias: float = -2.0, **kwargs):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.gate_bias = gate_bias

    def build(self, input_shape):
        width = input_shape[-1]
        self.transform = layers.Dense(width, self.activation)
        self.gate = layers.Dense(width, "sigmoid", bias_initializer=keras.initializers.Constant(self.gate_bias))
        for layer in (self.transform, self.gate):
            layer.build(input_shape)

    def call(self, inputs):
        gate = self.gate(inputs)
        return gate * self.transform(inputs) + (1 - gate) * inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "activation": activation, "gate_bias": self.gate_bias}
