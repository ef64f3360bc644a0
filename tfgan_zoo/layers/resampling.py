"""Layers that change the size of a map: filtered, shuffled, reflected."""

import keras
import numpy as np
from keras import ops

from tfgan_zoo.errors import ZooError


@keras.saving.register_keras_serializable("tfgan_zoo")
class UpFirDn2D(keras.layers.Layer):
    """Enlarge by zeros between the pixels, filter, keep every `down`-th pixel, as `upfirdn2d` of the StyleGAN authors.

    (batch, height, width, channels) -> (batch, height * up // down, width * up // down, channels); zeros outside. The
    filter is separable, of sum 1 (`up`^2 where it enlarges, which keeps the brightness), and its middle stays in place.

    - `UpFirDn2D((1, 2, 1))` is the blur of StyleGAN (Karras et al. 2019, https://arxiv.org/abs/1812.04948);
    - `UpFirDn2D((1, 3, 3, 1), up=2)` is nearest enlarging by 2 and that blur, `UpFirDn2D((1, 3, 3, 1), down=2)` that
      blur and the mean over 2x2 pixels: the resampling of R3GAN (Huang et al. 2024, https://arxiv.org/abs/2501.05441).

    Args:
        taps: the filter's weights along one axis.
        up, down: whole factors.
    """

    def __init__(self, taps: tuple[float, ...] = (1, 3, 3, 1), up: int = 1, down: int = 1, **kwargs):
        super().__init__(**kwargs)
        if len(taps) < max(up, down) or not sum(taps):
            raise ZooError(f"taps={list(taps)}: must be as many as up={up} and down={down} at least, of a sum not 0.")
        self.taps = tuple(taps)
        self.up = up
        self.down = down

    def call(self, inputs):
        x, (_, height, width, channels) = inputs, ops.shape(inputs)
        before = (len(self.taps) + self.up - self.down) // 2
        after = (len(self.taps) - self.up - self.down + 1) // 2
        if self.up > 1:
            x = ops.reshape(x, (-1, height, 1, width, 1, channels))
            x = ops.pad(x, ((0, 0), (0, 0), (0, self.up - 1), (0, 0), (0, self.up - 1), (0, 0)))
            x = ops.reshape(x, (-1, height * self.up, width * self.up, channels))
        x = ops.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
        line = np.array(self.taps[::-1], "float64") * self.up / sum(self.taps)
        kernel = np.repeat(np.outer(line, line)[:, :, None, None], channels, axis=2)
        return ops.depthwise_conv(x, ops.convert_to_tensor(kernel, x.dtype), strides=self.down, padding="valid")

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *[side and side * self.up // self.down for side in sides], channels)

    def get_config(self):
        return {**super().get_config(), "taps": self.taps, "up": self.up, "down": self.down}


@keras.saving.register_keras_serializable("tfgan_zoo")
class PixelShuffle(keras.layers.Layer):
    """Sub-pixel enlarging: groups of `size`^2 channels become squares of pixels, as `tf.nn.depth_to_space` does.

    (batch, height, width, size^2 channels) -> (batch, size height, size width, channels); channel number
    (i size + j) channels + c goes to row i and column j of its square. Shi et al. 2016,
    https://arxiv.org/abs/1609.05158. Initialize the convolution before it with `ICNR`.
    """

    def __init__(self, size: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def build(self, input_shape):
        if input_shape[-1] % self.size**2:
            raise ZooError(f"PixelShuffle(size={self.size}): {input_shape[-1]} channels, not a multiple of size^2.")

    def call(self, inputs):
        _, height, width, channels = ops.shape(inputs)
        x = ops.reshape(inputs, (-1, height, width, self.size, self.size, channels // self.size**2))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, height * self.size, width * self.size, channels // self.size**2))

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *[side and side * self.size for side in sides], channels // self.size**2)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable("tfgan_zoo")
class ICNR(keras.initializers.Initializer):
    """Kernels that make convolution and `PixelShuffle` start as convolution and nearest enlarging: no checkerboard.

    (..., in, size^2 out): all `size`^2 kernels of a square are the same draw. Aitken et al. 2017,
    https://arxiv.org/abs/1707.02937.

    Args:
        size: that of the `PixelShuffle`.
        initializer: draws one kernel of (..., in, out).
    """

    def __init__(self, size: int = 2, initializer="glorot_uniform"):
        self.size = size
        self.initializer = keras.initializers.get(initializer)

    def __call__(self, shape, dtype=None):
        *inputs, channels = shape
        one = self.initializer((*inputs, channels // self.size**2), dtype)
        return ops.tile(one, (*[1] * len(inputs), self.size**2))

    def get_config(self):
        return {"size": self.size, "initializer": keras.saving.serialize_keras_object(self.initializer)}


@keras.saving.register_keras_serializable("tfgan_zoo")
class ReflectionPadding2D(keras.layers.Layer):
    """Mirror `padding` pixels at each border, the outermost not repeated. Zero padding would show as a frame.

    (batch, height, width, channels) -> (batch, height + 2 padding, width + 2 padding, channels); sides are longer
    than `padding`. As in Johnson et al. 2016, https://arxiv.org/abs/1603.08155, and Zhu et al. 2017,
    https://arxiv.org/abs/1703.10593.
    """

    def __init__(self, padding: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def build(self, input_shape):
        sides = input_shape[1:3]
        if any(side is not None and side <= self.padding for side in sides):
            least = self.padding + 1
            raise ZooError(f"ReflectionPadding2D({self.padding}): sides {tuple(sides)} are too short, {least} or more.")

    def call(self, inputs):
        around = (self.padding, self.padding)
        return ops.pad(inputs, ((0, 0), around, around, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *[side and side + 2 * self.padding for side in sides], channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}
