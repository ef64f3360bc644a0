"""Reference values for what tensorflow-addons (tfa) 0.23 gave GANs: made by tfa itself, checked by NumPy formulas.

    python3 -m venv tfa && tfa/bin/pip install tensorflow-cpu==2.15.1 tensorflow-addons==0.23.0 "numpy<2" click
    PYTHONPATH=. tfa/bin/python tools/tfa_reference.py   # writes tests/layers/tfa_reference.npz

tfa cannot be imported beside Keras 3, so it runs in an environment of its own and its values are kept in a file. Each
function below writes down in float64 what tfa's documentation and source say; tests hold the file against them, and
Keras' and our layers against the file. `PUBLISHED` holds numbers that tfa's own unit tests and pages state.
"""

from itertools import pairwise
from math import erf, sqrt
from pathlib import Path

import click
import numpy as np

from tfgan_zoo import files
from tfgan_zoo.errors import ZooError

OUT = Path(__file__).resolve().parents[1] / "tests" / "layers" / "tfa_reference.npz"
X5 = (-2.0, -1.0, 0.0, 1.0, 2.0)
PUBLISHED = {  # function: (its arguments, the result), from the unit tests and the documentation of tensorflow/addons
    "gelu": ((X5, True), (-0.04540229, -0.158808, 0.0, 0.841192, 1.9545977)),
    "mish": ((X5,), (-0.2525015, -0.30340144, 0.0, 0.86509836, 1.943959)),
    "tanhshrink": ((np.array([-1.0, 0.0, 1.0]),), (-0.23840582, 0.0, 0.23840582)),
    "softshrink": ((np.array([-1.0, 0.0, 1.0]),), (-0.5, 0.0, 0.5)),
    "sparsemax": (([[-0.5, 0.0], [0.5, 0.0], [3.0, 0.0]],), ((0.25, 0.75), (0.75, 0.25), (1.0, 0.0))),
    "adaptive_average_pooling": (
        (np.arange(40.0).reshape(1, 4, 10, 1), (2, 2)),
        np.reshape([7.0, 12.0, 27.0, 32.0], (1, 2, 2, 1)),
    ),
    "spectral_normalization": ((np.ones((2, 2, 1, 1)), np.ones(1), 1), np.full((2, 2, 1, 1), 0.5)),
    "weight_normalization": ((np.eye(2), np.ones(2)), np.eye(2)),
    "moving_average": (([[1.0, 2.0], [0.8, 1.8], [0.6, 1.6]], 0.5, False), (0.75, 1.75)),
    "dynamic_moving_average": (([[1.0, 2.0], [0.8, 1.8], [0.6, 1.6]], 0.5, True), (0.64, 1.64)),
}


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--out", default=OUT, type=click.Path(path_type=Path), help="The file. Default: the tests' own.")
def main(out):
    try:
        with files.written(out) as temporary:
            np.savez_compressed(temporary, **made_by_tfa(inputs()))
    except ZooError as error:
        raise click.UsageError(str(error)) from None
    click.echo(out)


# === tfa.layers ===
def group_normalization(x, groups, gamma, beta, epsilon=1e-3):
    """tfa.layers.GroupNormalization over the last axis; InstanceNormalization is groups = channels."""
    grouped = x.reshape(*x.shape[:-1], groups, x.shape[-1] // groups)
    axes = (*range(1, x.ndim - 1), x.ndim)
    mean, variance = grouped.mean(axes, keepdims=True), grouped.var(axes, keepdims=True)
    return ((grouped - mean) / np.sqrt(variance + epsilon)).reshape(x.shape) * gamma + beta


def spectral_normalization(kernel, u, iterations):
    """The kernel after one training call of tfa.layers.SpectralNormalization; tfa's u is a row (1, channels)."""
    matrix = kernel.reshape(-1, kernel.shape[-1])
    for _ in range(iterations):
        v = matrix @ u
        v = v / np.linalg.norm(v)
        u = v @ matrix
        u = u / np.linalg.norm(u)
    return kernel / (v @ matrix @ u)


def weight_normalization(v, g):
    """The kernel that tfa.layers.WeightNormalization computes with: g V / ||V|| for each channel of the last axis."""
    return g * v / np.sqrt((v**2).sum(axis=tuple(range(v.ndim - 1)), keepdims=True))


def maxout(x, units):
    """tfa.layers.Maxout over the last axis: unit j is the largest of the inputs j, j + units, j + 2 units ..."""
    return x.reshape(*x.shape[:-1], -1, units).max(-2)


def adaptive_average_pooling(x, size):
    """tfa.layers.AdaptiveAveragePooling2D: windows from floor(i side / size) to ceil((i + 1) side / size)."""
    for axis, count in ((1, size[0]), (2, size[1])):
        step = x.shape[axis] / count
        windows = [(int(i * step), int(np.ceil((i + 1) * step))) for i in range(count)]
        x = np.stack([x.take(range(*window), axis).mean(axis) for window in windows], axis)
    return x


# === tfa.activations ===
def gelu(x, approximate=True):
    """tfa.activations.gelu; approximate by default, unlike Keras'."""
    x = np.asarray(x, float)
    if approximate:
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + np.vectorize(erf)(x / sqrt(2)))


def mish(x):
    """tfa.activations.mish: x tanh(softplus(x))."""
    return np.asarray(x, float) * np.tanh(np.log1p(np.exp(x)))


def tanhshrink(x):
    """tfa.activations.tanhshrink."""
    return x - np.tanh(x)


def softshrink(x, lower=-0.5, upper=0.5):
    """tfa.activations.softshrink."""
    return np.where(x < lower, x - lower, np.where(x > upper, x - upper, 0.0))


def hardshrink(x, lower=-0.5, upper=0.5):
    """tfa.activations.hardshrink."""
    return np.where((x >= lower) & (x <= upper), 0.0, x)


def sparsemax(z):
    """tfa.activations.sparsemax over the last axis: the nearest point of the probability simplex."""
    z = np.asarray(z, float)
    ordered = -np.sort(-z, axis=-1)
    sums, places = np.cumsum(ordered, axis=-1), np.arange(1, z.shape[-1] + 1)
    support = (1 + places * ordered > sums).sum(axis=-1, keepdims=True)
    return np.maximum(z - (np.take_along_axis(sums, support - 1, -1) - 1) / support, 0.0)


# === tfa.optimizers ===
def moving_average(weights, decay, dynamic=False):
    """The average that tfa.optimizers.MovingAverage holds after the updates weights[0] -> weights[1] -> ..."""
    average = np.asarray(weights[0], float)
    for step, value in enumerate(weights[1:]):
        rate = min(decay, (1 + step) / (10 + step)) if dynamic else decay
        average = rate * average + (1 - rate) * np.asarray(value)
    return average


def dynamic_moving_average(weights, decay, dynamic=True):
    """As `moving_average`, with `dynamic_decay=True`."""
    return moving_average(weights, decay, dynamic)


def adamw(weight, gradients, rate, decay, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    """Weights after tfa.optimizers.AdamW: the decay is not multiplied by the learning rate, unlike Keras'."""
    m = v = 0.0
    for step, gradient in enumerate(gradients, 1):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + (1 - beta_2) * gradient**2
        size = rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        weight = weight * (1 - decay) - size * m / (np.sqrt(v) + epsilon)
    return weight


def inputs() -> dict[str, np.ndarray]:
    """What both are given, float32."""
    random = np.random.default_rng(7)
    x, line = random.normal(2.0, 3.0, (3, 5, 7, 8)), np.linspace(-3, 3, 25)
    gamma, beta = random.normal(1.0, 0.3, 8), random.normal(0.0, 0.3, 8)
    kernel, u, g = random.normal(size=(3, 3, 4, 6)), random.normal(size=6), random.uniform(0.5, 2.0, 6)
    logits, weights = random.normal(0.0, 2.0, (4, 9)), random.normal(size=(6, 3))
    gradients = random.normal(size=(3, 5))
    made = {
        "x": x,
        "gamma": gamma,
        "beta": beta,
        "kernel": kernel,
        "u": u,
        "g": g,
        "line": line,
        "logits": logits,
        "weights": weights,
        "gradients": gradients,
    }
    return {name: np.asarray(value, "float32") for name, value in made.items()}


def values() -> dict[str, np.ndarray]:
    """The inputs, and the results of the formulas by name, float32."""
    given = inputs()
    x, line, kernel, weights = given["x"], given["line"], given["kernel"], given["weights"]
    made = {
        "instance_normalization": group_normalization(x, 8, given["gamma"], given["beta"]),
        "group_normalization": group_normalization(x, 4, given["gamma"], given["beta"]),
        "adaptive_average_pooling": adaptive_average_pooling(x[:, :4, :6], (2, 3)),
        "maxout": maxout(x, 4),
        "spectral_normalization": spectral_normalization(kernel, given["u"], 1),
        "spectral_normalization_3": spectral_normalization(kernel, given["u"], 3),
        "weight_normalization": weight_normalization(kernel, given["g"]),
        "gelu": gelu(line),
        "gelu_exact": gelu(line, approximate=False),
        "mish": mish(line),
        "tanhshrink": tanhshrink(line),
        "softshrink": softshrink(line),
        "hardshrink": hardshrink(line),
        "sparsemax": sparsemax(given["logits"]),
        "moving_average": moving_average(weights, 0.9),
        "dynamic_moving_average": dynamic_moving_average(weights, 0.9),
        "adamw": adamw(np.ones(5), given["gradients"], 0.01, 0.02),
    }
    return given | {name: np.asarray(value, "float32") for name, value in made.items()}


def made_by_tfa(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs, and what tfa makes of them, by the same names."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    def normalized(layer):
        layer.build(given["x"].shape)
        layer.set_weights([given["gamma"], given["beta"]])
        return layer(given["x"])

    def spectral(iterations):
        layer = tfa.layers.SpectralNormalization(tf.keras.layers.Conv2D(6, 3, use_bias=False), iterations)
        layer.build((None, 8, 8, 4))
        layer.w.assign(given["kernel"])
        layer.u.assign(given["u"][None])
        layer(tf.zeros((1, 8, 8, 4)), training=True)
        return layer.w

    def weight_normalized():
        layer = tfa.layers.WeightNormalization(tf.keras.layers.Conv2D(6, 3, use_bias=False), data_init=False)
        layer(tf.zeros((1, 8, 8, 4)))  # the first call sets g to ||V||
        layer.v.assign(given["kernel"])
        layer.g.assign(given["g"])
        layer(tf.zeros((1, 8, 8, 4)))
        return layer.layer.kernel

    def averaged(**settings):
        weight = tf.Variable(given["weights"][0])
        optimizer = tfa.optimizers.MovingAverage(tf.keras.optimizers.legacy.SGD(1.0), average_decay=0.9, **settings)
        for here, there in pairwise(given["weights"]):
            optimizer.apply_gradients([(tf.constant(here - there), weight)])
        return optimizer.get_slot(weight, "average")

    def decayed():
        weight = tf.Variable(tf.ones(5))
        optimizer = tfa.optimizers.AdamW(weight_decay=0.02, learning_rate=0.01)
        for gradient in given["gradients"]:
            optimizer.apply_gradients([(tf.constant(gradient), weight)])
        return weight

    made = {
        "instance_normalization": normalized(tfa.layers.InstanceNormalization()),
        "group_normalization": normalized(tfa.layers.GroupNormalization(4)),
        "adaptive_average_pooling": tfa.layers.AdaptiveAveragePooling2D((2, 3))(given["x"][:, :4, :6]),
        "maxout": tfa.layers.Maxout(4)(given["x"]),
        "spectral_normalization": spectral(1),
        "spectral_normalization_3": spectral(3),
        "weight_normalization": weight_normalized(),
        "gelu": tfa.activations.gelu(given["line"]),
        "gelu_exact": tfa.activations.gelu(given["line"], approximate=False),
        "mish": tfa.activations.mish(given["line"]),
        "tanhshrink": tfa.activations.tanhshrink(given["line"]),
        "softshrink": tfa.activations.softshrink(given["line"]),
        "hardshrink": tfa.activations.hardshrink(given["line"]),
        "sparsemax": tfa.activations.sparsemax(given["logits"]),
        "moving_average": averaged(),
        "dynamic_moving_average": averaged(dynamic_decay=True),
        "adamw": decayed(),
    }
    return given | {name: np.asarray(value, "float32") for name, value in made.items()}


if __name__ == "__main__":
    main()
