"""What tensorflow-addons gave GANs, against values that it made itself (tools/tfa_reference.py)."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import activations, layers

from tfgan_zoo.assembly import average
from tfgan_zoo.layers import Maxout, SpectralNormalization, WeightNormalization, instance_norm

HERE = Path(__file__).parent
VALUES = dict(np.load(HERE / "tfa_reference.npz"))


def load_tool():
    path = HERE.parents[1] / "tools" / "tfa_reference.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_tool()


def close(actual, expected):
    expected = VALUES[expected] if isinstance(expected, str) else expected
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_the_formulas_give_what_tfa_made():
    formulas = tool.values()
    assert set(formulas) == set(VALUES)
    for name, value in formulas.items():
        np.testing.assert_allclose(VALUES[name], value, rtol=1e-4, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("name", tool.PUBLISHED)
def test_formulas_give_the_numbers_that_tfa_states(name):
    arguments, result = tool.PUBLISHED[name]
    np.testing.assert_allclose(getattr(tool, name)(*arguments), result, rtol=1e-5, atol=1e-6)


# === Normalization ===
@pytest.mark.parametrize("kind", ["instance", "group"])
def test_normalization(kind):
    layer = instance_norm(epsilon=1e-3) if kind == "instance" else layers.GroupNormalization(4)
    layer.build(VALUES["x"].shape)
    layer.set_weights([VALUES["gamma"], VALUES["beta"]])
    close(layer(VALUES["x"]), f"{kind}_normalization")


@pytest.mark.parametrize("iterations, name", [(1, "spectral_normalization"), (3, "spectral_normalization_3")])
def test_spectral_normalization(iterations, name):
    layer = SpectralNormalization(layers.Conv2D(6, 3, use_bias=False), power_iterations=iterations)
    layer.build((None, 8, 8, 4))
    layer.kernel.assign(VALUES["kernel"])
    layer.u.assign(VALUES["u"] / np.linalg.norm(VALUES["u"]))
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    close(layer(x, training=True), tf.nn.conv2d(x, VALUES[name], 1, "VALID"))
    np.testing.assert_array_equal(layer.kernel, VALUES["kernel"])  # tfa overwrites it


def test_weight_normalization():
    layer = WeightNormalization(layers.Conv2D(6, 3, use_bias=False))
    layer.build((None, 8, 8, 4))
    layer.kernel.assign(VALUES["kernel"])
    layer.g.assign(VALUES["g"])
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    close(layer(x), tf.nn.conv2d(x, VALUES["weight_normalization"], 1, "VALID"))


# === Other layers and activations ===
def test_maxout_is_tfas_with_the_features_in_another_order():
    x = VALUES["x"].reshape(-1, 8)
    ours = Maxout(4, pieces=2, use_bias=False)
    ours.build(x.shape)
    order = np.arange(8).reshape(2, 4).T.ravel()  # ours puts the pieces of a unit side by side
    ours.set_weights([np.eye(8)[:, order]])
    close(ours(x), VALUES["maxout"].reshape(-1, 4))


def test_adaptive_pooling():
    close(layers.AdaptiveAveragePooling2D((2, 3))(VALUES["x"][:, :4, :6]), "adaptive_average_pooling")


@pytest.mark.parametrize(
    "name, keras_function",
    [
        ("gelu", lambda x: activations.gelu(x, approximate=True)),
        ("gelu_exact", activations.gelu),
        ("mish", activations.mish),
        ("tanhshrink", activations.tanh_shrink),
        ("softshrink", activations.soft_shrink),
        ("hardshrink", activations.hard_shrink),
    ],
)
def test_activations(name, keras_function):
    close(keras_function(keras.ops.convert_to_tensor(VALUES["line"])), name)


@pytest.mark.xfail(strict=True, reason="Keras 3.15.1 sums the cumulative sums: rows do not add up to 1")
def test_sparsemax():
    close(activations.sparsemax(keras.ops.convert_to_tensor(VALUES["logits"])), "sparsemax")


# === Optimizers ===
def test_averaged_twins_are_the_dynamic_moving_average():
    network, twin = (
        keras.Sequential([layers.EinsumDense("ab,b->ab", 3)]),
        keras.Sequential([layers.EinsumDense("ab,b->ab", 3)]),
    )
    for model in (network, twin):
        model.build((None, 3))
        model.set_weights([VALUES["weights"][0]])
    for step, weights in enumerate(VALUES["weights"][1:]):
        network.set_weights([weights])
        average(network, twin, 0.9, step)
    close(twin.get_weights()[0], "dynamic_moving_average")
    assert not np.allclose(VALUES["dynamic_moving_average"], VALUES["moving_average"], atol=1e-2)


def test_adamw_takes_the_decay_over_the_learning_rate():
    weight = keras.Variable(np.ones(5), dtype="float32")
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.02 / 0.01)
    for gradient in VALUES["gradients"]:
        optimizer.apply([tf.constant(gradient)], [weight])
    close(weight, "adamw")
