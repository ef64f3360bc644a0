"""The Inception network that FID and the Inception Score are defined on.

This is the graph TensorFlow published on 2015-12-05 (Szegedy et al. 2015, https://arxiv.org/abs/1512.00567),
which Heusel et al. 2017 (https://arxiv.org/abs/1706.08500) measure with; it is neither Keras' nor
torchvision's Inception. Its average pools leave the padding out of the mean, and its last block pools with
the maximum where the paper has the average.

Weights: for each convolution `<scope>/kernel` (height, width, in, out) and `<scope>/bias` (out,), float32,
batch normalization folded in; scopes are the graph's own with `_` for `/` (`conv` to `mixed_10_tower_2_conv`);
and `softmax/kernel` (2048, 1008), `softmax/bias` (1008,). A file may end early: it serves the taps it holds.
"""

import functools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import tensorflow as tf

from tfgan_zoo.errors import ZooError

TAPS = {"2048": 2048, "768": 768, "192": 192, "64": 64, "logits": 1008, "logits_unbiased": 1008}
"""Outputs. The first four are averaged over space: after mixed_10 (`pool_3`), after mixed_7, after the second and
the first max pool. `logits` is what the softmax takes; `logits_unbiased` leaves its bias out, as the Inception
Score's original code does (Salimans et al. 2016, https://arxiv.org/abs/1606.03498)."""

MIXED = ("mixed", *(f"mixed_{number}" for number in range(1, 11)))
MAPS = ("conv", "conv_1", "conv_2", "pool", "conv_3", "conv_4", "pool_1", *MIXED)
"""The maps on the way, by the names that the graph has for them."""

AVERAGED = {"pool": "64", "pool_1": "192", "mixed_7": "768", "mixed_10": "2048"}  # map -> the tap it is averaged to

IMAGE_SHAPE = (299, 299, 3)
REMEDY = "fetch it anew with evaluate --download-inception, or give the published file to --inception-weights"


def network(weights: Mapping[str, np.ndarray]) -> tuple[Callable[[tf.Tensor], dict[str, tf.Tensor]], dict[str, str]]:
    """The network as a function, as far as `weights` go.

    Returns:
        float32 (n, 299, 299, 3) in [0, 255] -> {tap: float32 (n, TAPS[tap])}; and, for each tap that `weights` are
        not enough for, the name of the first array that is missing.

    Raises:
        ZooError: not even the first tap is there, or an array has another shape than the network's.
    """
    missing = {}
    for tap, arrays in layout().items():
        for key, shape in arrays.items():
            if key not in weights:
                missing.setdefault(tap, key)
            elif weights[key].shape != shape:
                raise ZooError(
                    f"Inception weights of other shapes than this network's: {key} is "
                    f"{weights[key].shape}, not {shape}; {REMEDY}."
                )
    if "64" in missing:
        raise ZooError(f"Inception weights without {missing['64']!r}; {REMEDY}.")
    # Constants, not variables: TensorFlow then fuses convolution, bias and ReLU.
    constants = {key: tf.constant(value, tf.float32) for key, value in weights.items()}

    def conv(x: tf.Tensor, scope: str, filters: int, size: tuple[int, int], strides: int, padding: str) -> tf.Tensor:
        x = tf.nn.conv2d(x, constants[f"{scope}/kernel"], strides, padding)
        return tf.nn.relu(tf.nn.bias_add(x, constants[f"{scope}/bias"]))

    def taps(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = {}
        for name, x in maps((images - 128.0) / 128.0, conv):
            if name in AVERAGED:
                outputs[AVERAGED[name]] = tf.reduce_mean(x, (1, 2))
                if len(outputs) + len(missing) == len(TAPS):
                    return outputs  # the rest of the network is not there
        outputs["logits_unbiased"] = tf.matmul(outputs["2048"], constants["softmax/kernel"])
        outputs["logits"] = outputs["logits_unbiased"] + constants["softmax/bias"]
        return outputs

    return taps, missing


@functools.cache
def layout() -> dict[str, dict[str, tuple[int, ...]]]:
    """What each tap needs: {tap: {array: shape}}, from the input on."""
    arrays = {}

    def conv(x, scope, filters, size, strides, padding):
        arrays[f"{scope}/kernel"] = kernel = (*size, x.shape[-1], filters)
        arrays[f"{scope}/bias"] = (filters,)
        return tf.nn.conv2d(x, tf.zeros(kernel), strides, padding)

    needed = {}
    with tf.Graph().as_default():  # which computes nothing
        for name, _ in maps(tf.zeros((1, *IMAGE_SHAPE)), conv):
            if name in AVERAGED:
                needed[AVERAGED[name]] = dict(arrays)
    logits = {**arrays, "softmax/kernel": (2048, 1008), "softmax/bias": (1008,)}
    return {tap: needed.get(tap, logits) for tap in TAPS}


def maps(x: tf.Tensor, convolve: Callable[..., tf.Tensor]) -> Iterator[tuple[str, tf.Tensor]]:
    """The network up to its last map: (name, map) of `MAPS`, one after the other from the input on.

    Args:
        x: float32 (n, height, width, 3) in [-1, 1).
        convolve: `convolve(x, scope, filters, (height, width), strides, padding)` is a convolution with its bias and
            ReLU.
    """

    def conv(x, scope, filters, size, strides=1, padding="SAME"):
        return convolve(x, scope, filters, size if isinstance(size, tuple) else (size, size), strides, padding)

    def tower(x, scope, *convolutions):
        """Convolutions (filters, size) in a row: scope, scope_1, scope_2 ..."""
        for index, (filters, size) in enumerate(convolutions):
            x = conv(x, f"{scope}_{index}" if index else scope, filters, size)
        return x

    def mixed_35(x, scope, pooled):
        return tf.concat(
            [
                conv(x, f"{scope}_conv", 64, 1),
                tower(x, f"{scope}_tower_conv", (48, 1), (64, 5)),
                tower(x, f"{scope}_tower_1_conv", (64, 1), (96, 3), (96, 3)),
                conv(average(x), f"{scope}_tower_2_conv", pooled, 1),
            ],
            axis=-1,
        )

    def mixed_17(x, scope, filters):
        across, down = (1, 7), (7, 1)
        return tf.concat(
            [
                conv(x, f"{scope}_conv", 192, 1),
                tower(x, f"{scope}_tower_conv", (filters, 1), (filters, across), (192, down)),
                tower(
                    x,
                    f"{scope}_tower_1_conv",
                    (filters, 1),
                    (filters, down),
                    (filters, across),
                    (filters, down),
                    (192, across),
                ),
                conv(average(x), f"{scope}_tower_2_conv", 192, 1),
            ],
            axis=-1,
        )

    def mixed_8(x, scope, pool):
        first = conv(x, f"{scope}_tower_conv", 384, 1)
        second = tower(x, f"{scope}_tower_1_conv", (448, 1), (384, 3))
        return tf.concat(
            [
                conv(x, f"{scope}_conv", 320, 1),
                *split(first, f"{scope}_tower_mixed_conv"),
                *split(second, f"{scope}_tower_1_mixed_conv"),
                conv(pool(x), f"{scope}_tower_2_conv", 192, 1),
            ],
            axis=-1,
        )

    def split(x, scope):
        return conv(x, scope, 384, (1, 3)), conv(x, f"{scope}_1", 384, (3, 1))

    def average(x):
        return tf.nn.avg_pool2d(x, 3, 1, "SAME")

    def largest(x):
        return tf.nn.max_pool2d(x, 3, 1, "SAME")

    def halved(x):
        return tf.nn.max_pool2d(x, 3, 2, "VALID")

    for name, filters, *how in (("conv", 32, 3, 2, "VALID"), ("conv_1", 32, 3, 1, "VALID"), ("conv_2", 64, 3)):
        x = conv(x, name, filters, *how)  # 149x149x32, 147x147x32, 147x147x64
        yield name, x
    x = halved(x)  # 73x73x64
    yield "pool", x
    for name, filters, *how in (("conv_3", 80, 1), ("conv_4", 192, 3, 1, "VALID")):
        x = conv(x, name, filters, *how)  # 73x73x80, 71x71x192
        yield name, x
    x = halved(x)  # 35x35x192
    yield "pool_1", x
    for name, pooled in (("mixed", 32), ("mixed_1", 64), ("mixed_2", 64)):
        x = mixed_35(x, name, pooled)  # 35x35x256, then 35x35x288
        yield name, x
    strided = tower(x, "mixed_3_tower_conv", (64, 1), (96, 3))
    x = tf.concat(
        [  # 17x17x768
            conv(x, "mixed_3_conv", 384, 3, 2, "VALID"),
            conv(strided, "mixed_3_tower_conv_2", 96, 3, 2, "VALID"),
            halved(x),
        ],
        axis=-1,
    )
    yield "mixed_3", x
    for name, filters in (("mixed_4", 128), ("mixed_5", 160), ("mixed_6", 160), ("mixed_7", 192)):
        x = mixed_17(x, name, filters)  # 17x17x768
        yield name, x
    first = conv(x, "mixed_8_tower_conv", 192, 1)
    second = tower(x, "mixed_8_tower_1_conv", (192, 1), (192, (1, 7)), (192, (7, 1)))
    x = tf.concat(
        [  # 8x8x1280
            conv(first, "mixed_8_tower_conv_1", 320, 3, 2, "VALID"),
            conv(second, "mixed_8_tower_1_conv_3", 192, 3, 2, "VALID"),
            halved(x),
        ],
        axis=-1,
    )
    yield "mixed_8", x
    for name, pool in (("mixed_9", average), ("mixed_10", largest)):
        x = mixed_8(x, name, pool)  # 8x8x2048
        yield name, x
