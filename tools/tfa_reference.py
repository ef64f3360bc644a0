"""Reference values for what tensorflow-addons (tfa) 0.23 gave GANs, computed in NumPy from tfa's formulas.

    python tools/tfa_reference.py                  # writes tests/layers/tfa_reference.npz
    python tools/tfa_reference.py --out FILE.npz

tfa cannot be imported beside Keras 3, so these values do not come from tfa itself: each function below writes down what
tfa's documentation and source say, in float64. `PUBLISHED` holds numbers that tfa's own unit tests and pages state; the
tests check that the functions reproduce them, and that Keras' and our layers reproduce the functions.
"""

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
            np.savez_compressed(temporary, **values())
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


def values() -> dict[str, np.ndarray]:
    """Inputs and results by `name.argument` and `name`, float32."""
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
        "instance_normalization": group_normalization(x, 8, gamma, beta),
        "group_normalization": group_normalization(x, 4, gamma, beta),
        "adaptive_average_pooling": adaptive_average_pooling(x, (2, 3)),
        "maxout": maxout(x, 4),
        "kernel": kernel,
        "u": u,
        "g": g,
        "spectral_normalization": spectral_normalization(kernel, u, 1),
        "spectral_normalization_3": spectral_normalization(kernel, u, 3),
        "weight_normalization": weight_normalization(kernel, g),
        "line": line,
        "gelu": gelu(line),
        "gelu_exact": gelu(line, approximate=False),
        "mish": mish(line),
        "tanhshrink": tanhshrink(line),
        "softshrink": softshrink(line),
        "hardshrink": hardshrink(line),
        "logits": logits,
        "sparsemax": sparsemax(logits),
        "weights": weights,
        "moving_average": moving_average(weights, 0.9),
        "dynamic_moving_average": dynamic_moving_average(weights, 0.9),
        "gradients": gradients,
        "adamw": adamw(np.ones(5), gradients, 0.01, 0.02),
    }
    return {name: np.asarray(value, "float32") for name, value in made.items()}


if __name__ == "__main__":
    main()
