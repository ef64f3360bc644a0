"""Wrappers that run a layer on a kernel made from its own: spectral, weight-normalized, equalized.

The wrapped layer keeps its kernel as it is: optimizers, averaged twins and files see the plain weights, and gradients
reach them through whatever the wrapper does.
"""

from math import prod

import keras
import numpy as np
from keras import ops

from tfgan_zoo.errors import ZooError

TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)
AFFINE = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D, *TRANSPOSED)


class KernelWrapper(keras.layers.Wrapper):
    """Run `layer` with other values in place of some of its weights. A subclass tells them in `replaced`.

    Args:
        layer: a dense, convolution or transposed convolution layer.
    """

    wraps = AFFINE

    def __init__(self, layer: keras.layers.Layer, **kwargs):
        if not isinstance(layer, self.wraps):
            names = ", ".join(kind.__name__ for kind in self.wraps)
            raise ZooError(f"{type(self).__name__} cannot wrap {type(layer).__name__}. Allowed: {names}.")
        super().__init__(layer, **kwargs)

    @property
    def kernel(self):
        """The wrapped layer's own kernel, a variable."""
        return self.layer.embeddings if isinstance(self.layer, keras.layers.Embedding) else self.layer.kernel

    @property
    def output_axis(self) -> int:
        """The kernel's axis that counts output channels."""
        return -2 if isinstance(self.layer, TRANSPOSED) else -1

    def over_inputs(self) -> tuple[int, ...]:
        """All axes of the kernel but that of the output channels."""
        rank = len(self.kernel.shape)
        return tuple(axis for axis in range(rank) if axis != rank + self.output_axis)

    def replaced(self, training: bool) -> list:
        """Pairs of one of the wrapped layer's variables and the tensor that it runs on in its place."""
        raise NotImplementedError

    def call(self, inputs, training=False):
        with keras.StatelessScope(state_mapping=self.replaced(training)):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)


@keras.saving.register_keras_serializable("tfgan_zoo")
class SpectralNormalization(KernelWrapper):
    """Run `layer` on W / sigma(W), sigma the largest singular value of the kernel as a matrix (inputs, outputs).

    Miyato et al. 2018, https://arxiv.org/abs/1802.05957, algorithm 1. In training one power iteration per call moves
    the singular vectors u and v; otherwise they rest. They are constants to the gradient, sigma = v^T W u is not.
    All replicas hold the same vectors, moved once per call.

    `keras.layers.SpectralNormalization` overwrites the kernel instead, so that no gradient passes through sigma.

    Args:
        layer: a dense, convolution, transposed convolution or embedding layer.
        power_iterations: per call in training.
    """

    wraps = (*AFFINE, keras.layers.Embedding)
    first_iterations = 15  # sigma is right from the first call on, also in inference

    def __init__(self, layer: keras.layers.Layer, power_iterations: int = 1, **kwargs):
        super().__init__(layer, **kwargs)
        if power_iterations < 1:
            raise ZooError(f"power_iterations={power_iterations}: must be 1 or more.")
        self.power_iterations = power_iterations

    def build(self, input_shape):
        super().build(input_shape)
        matrix = ops.convert_to_numpy(self.matrix())
        start = ops.convert_to_numpy(keras.initializers.RandomNormal()((matrix.shape[1],), "float32"))
        u, v = power_iterations(matrix, start, self.first_iterations, by=np)  # many small steps: by NumPy sooner done
        self.u, self.v = (
            self.add_weight(
                name=name,
                shape=vector.shape,
                initializer=lambda shape, dtype, vector=vector: ops.cast(vector, dtype),
                dtype="float32",
                trainable=False,
                autocast=False,
                aggregation="only_first_replica",
            )
            for name, vector in (("u", u), ("v", v))
        )

    def matrix(self):
        """The kernel as a float32 matrix (inputs, outputs)."""
        kernel = ops.moveaxis(value_of(self.kernel), self.output_axis, -1)
        return ops.reshape(kernel, (-1, kernel.shape[-1]))

    def sigma(self, training: bool = False):
        """The estimate of the kernel's largest singular value, a scalar; in training u and v are moved first."""
        matrix, u, v = self.matrix(), self.u.value, self.v.value
        if training:
            u, v = power_iterations(ops.stop_gradient(matrix), u, self.power_iterations)
            self.u.assign(u)
            self.v.assign(v)
        sigma = ops.sum(v * ops.matmul(matrix, u))
        return ops.where(sigma > 0, sigma, 1.0)  # a kernel of zeros stays one

    def replaced(self, training):
        return [(self.kernel, value_of(self.kernel) / self.sigma(training))]

    def get_config(self):
        return {**super().get_config(), "power_iterations": self.power_iterations}


@keras.saving.register_keras_serializable("tfgan_zoo")
class WeightNormalization(KernelWrapper):
    """Run `layer` on g V / ||V||, one norm and one trainable length g for each output channel.

    Salimans & Kingma 2016, https://arxiv.org/abs/1602.07868, eq. 2. g starts as ||V||: at first the layer computes
    what it would without the wrapper.

    Args:
        layer: a dense, convolution or transposed convolution layer.
    """

    def build(self, input_shape):
        super().build(input_shape)
        norms = self.norms()
        self.g = self.add_weight(
            name="g",
            shape=(self.kernel.shape[self.output_axis],),
            initializer=lambda shape, dtype: ops.cast(ops.reshape(norms, shape), dtype),
        )

    def norms(self):
        """||V|| for each output channel, with axes of length 1 elsewhere."""
        squares = ops.sum(ops.square(value_of(self.kernel)), axis=self.over_inputs(), keepdims=True)
        return ops.sqrt(ops.maximum(squares, 1e-12))

    def replaced(self, training):
        norms = self.norms()
        return [(self.kernel, value_of(self.kernel) * (ops.reshape(value_of(self.g), norms.shape) / norms))]


@keras.saving.register_keras_serializable("tfgan_zoo")
class EqualizedLearningRate(KernelWrapper):
    """Run `layer` on W gain / sqrt(fan_in) and b, W drawn from N(0, 1): all weights learn at the same speed.

    Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 4.1. With `lr_multiplier` m (Karras et al. 2019,
    https://arxiv.org/abs/1812.04948, for the mapping network) W is drawn from N(0, 1/m^2), and W and b are multiplied
    by m: Adam moves what the layer computes m times as fast.

    Args:
        layer: a dense, convolution or transposed convolution layer, not built yet; its kernel initializer is replaced.
        gain: sqrt 2 before a rectifier, 1 for linear outputs.
        lr_multiplier: m.
    """

    def __init__(self, layer: keras.layers.Layer, gain: float = 2**0.5, lr_multiplier: float = 1.0, **kwargs):
        super().__init__(layer, **kwargs)
        self.gain = gain
        self.lr_multiplier = lr_multiplier
        stddev = 1.0 / lr_multiplier
        if not layer.built:
            layer.kernel_initializer = keras.initializers.RandomNormal(0.0, stddev)
        elif getattr(layer.kernel_initializer, "stddev", None) != stddev:  # a layer that is loaded is built, and ours
            raise ZooError(f"EqualizedLearningRate: {layer.name} has weights already; wrap it before its first call.")

    def replaced(self, training):
        fan_in = prod(self.kernel.shape[axis] for axis in self.over_inputs())
        scale = self.gain / fan_in**0.5 * self.lr_multiplier
        pairs = [(self.kernel, value_of(self.kernel) * scale)]
        if self.layer.use_bias and self.lr_multiplier != 1:
            pairs.append((self.layer.bias, value_of(self.layer.bias) * self.lr_multiplier))
        return pairs

    def get_config(self):
        return {**super().get_config(), "gain": self.gain, "lr_multiplier": self.lr_multiplier}


def value_of(variable):
    """A variable's value in float32: products of long sums need the digits that bfloat16 lacks."""
    return ops.cast(ops.convert_to_tensor(variable), "float32")


def power_iterations(matrix, u, iterations, by=ops):
    """Unit vectors u (outputs,) and v (inputs,) nearer to the first singular pair of `matrix`, `by` Keras or NumPy."""

    def unit(vector):
        return vector / by.maximum(by.sqrt(by.sum(by.square(vector))), 1e-12)  # a vector of zeros stays one

    for _ in range(iterations):
        v = unit(by.matmul(matrix, u))
        u = unit(by.matmul(v, matrix))
    return u, v
