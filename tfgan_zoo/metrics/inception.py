"""The Inception network that FID is defined on, up to `mixed_7`.

This is the graph TensorFlow published on 2015-12-05 (Szegedy et al. 2015, https://arxiv.org/abs/1512.00567),
which Heusel et al. 2017 (https://arxiv.org/abs/1706.08500) measure with; it is neither Keras' nor
torchvision's Inception. Its average pools leave the padding out of the mean.

Weights: for each convolution `<scope>/kernel` (height, width, in, out) and `<scope>/bias` (out,), float32,
batch normalization folded in; scopes are the graph's own with `_` for `/` (`conv` to `mixed_7_tower_2_conv`).
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from ..errors import ZooError

TAPS = {"768": 768, "192": 192, "64": 64}
"""Named outputs, each averaged over space: after mixed_7, the second and the first max pool."""


def network(weights: Mapping[str, np.ndarray]) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """The network as a function: float32 (n, 299, 299, 3) in [0, 255] -> {tap: float32 (n, TAPS[tap])}.

    Raises:
        ZooError: `weights` lacks a convolution or has one of another shape.
    """
    # Constants, not variables: oneDNN then reorders every kernel once and fuses convolution, bias and ReLU.
    constants = {key: tf.constant(value, tf.float32) for key, value in weights.items()}

    def conv(x: tf.Tensor, scope: str, strides: int = 1, padding: str = "SAME") -> tf.Tensor:
        x = tf.nn.conv2d(x, constants[f"{scope}/kernel"], strides, padding)
        return tf.nn.relu(tf.nn.bias_add(x, constants[f"{scope}/bias"]))

    def tower(x: tf.Tensor, scope: str, length: int) -> tf.Tensor:
        """`length` convolutions in a row: scope, scope_1, scope_2 ..."""
        for index in range(length):
            x = conv(x, f"{scope}_{index}" if index else scope)
        return x

    def mixed(x: tf.Tensor, scope: str, second: int, third: int) -> tf.Tensor:
        """Four branches side by side: 1x1, a tower, a longer tower, and a pooled 1x1."""
        pooled = tf.nn.avg_pool2d(x, 3, 1, "SAME")
        branches = [
            conv(x, f"{scope}_conv"),
            tower(x, f"{scope}_tower_conv", second),
            tower(x, f"{scope}_tower_1_conv", third),
            conv(pooled, f"{scope}_tower_2_conv"),
        ]
        return tf.concat(branches, axis=-1)

    def reduction(x: tf.Tensor, scope: str) -> tf.Tensor:
        """35x35 to 17x17: two strided branches and a max pool."""
        strided = tower(x, f"{scope}_tower_conv", 2)
        branches = [
            conv(x, f"{scope}_conv", 2, "VALID"),
            conv(strided, f"{scope}_tower_conv_2", 2, "VALID"),
            tf.nn.max_pool2d(x, 3, 2, "VALID"),
        ]
        return tf.concat(branches, axis=-1)

    def taps(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = {}
        x = (images - 128.0) / 128.0
        x = conv(x, "conv", 2, "VALID")                    # 149x149x32
        x = conv(x, "conv_1", 1, "VALID")                  # 147x147x32
        x = conv(x, "conv_2")                              # 147x147x64
        x = tf.nn.max_pool2d(x, 3, 2, "VALID")             # 73x73x64
        outputs["64"] = tf.reduce_mean(x, (1, 2))
        x = conv(x, "conv_3")                              # 73x73x80
        x = conv(x, "conv_4", 1, "VALID")                  # 71x71x192
        x = tf.nn.max_pool2d(x, 3, 2, "VALID")             # 35x35x192
        outputs["192"] = tf.reduce_mean(x, (1, 2))
        for scope in ("mixed", "mixed_1", "mixed_2"):      # 35x35x256, 288, 288
            x = mixed(x, scope, 2, 3)
        x = reduction(x, "mixed_3")                        # 17x17x768
        for scope in ("mixed_4", "mixed_5", "mixed_6", "mixed_7"):
            x = mixed(x, scope, 3, 5)                      # 17x17x768
        outputs["768"] = tf.reduce_mean(x, (1, 2))
        return outputs

    layout = "give the file inception_2015_768.npz or one in the same layout"
    try:  # a trace, which computes nothing, looks up every convolution and checks its shape
        tf.function(taps, autograph=False).get_concrete_function(tf.TensorSpec((None, 299, 299, 3)))
    except KeyError as error:
        raise ZooError(f"Inception weights without {error}; {layout}.") from None
    except ValueError:
        raise ZooError(f"Inception weights of other shapes than this network's; {layout}.") from None
    return taps
