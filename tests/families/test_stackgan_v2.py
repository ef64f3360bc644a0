"""StackGAN-v2: scales of one stream, each judged twice, and their colours."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from families.test_stackgan import SMALL, batch_of, divergence, softplus

from tfgan_zoo.families.stackgan_v2 import StackGANV2, colour_difference
from tfgan_zoo.networks import stacked


def small(**arguments):
    sizes = {"image_shape": (16, 16, 3), "ratio": 2, "blocks": 1, "generator_filters": 4, **SMALL}
    return StackGANV2(**{**sizes, **arguments})


def playing(model):
    """(batch, fake) in the phase that draws."""
    model.enter(model.phases[1])
    batch = batch_of(model)
    model.noise.begin()
    return batch, model.fake(batch)


# === The networks ===
def test_scales_share_one_stream_of_the_authors_size():
    z, c = keras.Input((100,)), keras.Input((128,))
    made = stacked.branches(z, c, (256, 256, 3), 3, 32, 2)
    assert [x.shape[1:] for x in made] == [(64, 64, 3), (128, 128, 3), (256, 256, 3)]
    network = keras.Model([z, c], made)
    seen = [layer.input.shape[-1] for layer in network.layers if layer.name.startswith("image")]
    streams = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in streams] == [2 * 4 * 4 * 512] and len(seen) == 3
    pictured = [layer.input.shape[-1] for layer in network.layers if getattr(layer, "filters", 0) == 3]
    assert pictured == [32, 16, 8]


def test_a_discriminator_judges_the_pair_and_the_picture_alone():
    image, mean = keras.Input((128, 128, 3)), keras.Input((128,))
    network = keras.Model([image, mean], stacked.judged_twice(image, mean, 64))
    widths = [layer.filters for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert widths == [64, 128, 256, 512, 1024, 512, 512]
    x, means = tf.random.stateless_uniform((2, 128, 128, 3), (1, 2)), tf.random.stateless_normal((2, 2, 128), (1, 2))
    (pair, alone), (other, same) = (network([x, each]) for each in means)
    np.testing.assert_array_equal(alone, same)
    assert np.abs(pair - other).max() > 1e-4


def test_the_scales_are_those_of_the_ratio():
    model = small(ratio=4, image_shape=(32, 32, 3))
    assert model.judges == ("discriminator_1", "discriminator_2", "discriminator_3")
    assert [getattr(model, name).input_shape[0][1] for name in model.judges] == [8, 16, 32]
    assert model.sample([1], endpoint="sketch", text="red ball").shape == (1, 8, 8, 3)
    assert model.sample([1], text="red ball").shape == (1, 32, 32, 3)


# === Playing ===
def test_each_scale_is_judged_with_its_text_and_alone():
    model = small(unconditional_weight=0.7, mismatched_weight=0.9)
    batch, (code, made) = playing(model)
    mean = model.augmenter(code)[:, :4]
    real = [keras.ops.average_pool(batch["image"], 2), batch["image"]]
    expected = 0.0
    for judge, x, drawn in zip((model.discriminator_1, model.discriminator_2), real, made):
        assert x.shape == drawn.shape
        pair, alone = judge([x, mean], training=True)
        wrong, _ = judge([x, tf.gather(mean, [1, 0, 3, 2])], training=True)
        fake_pair, fake_alone = judge([drawn, mean], training=True)
        expected += softplus(-pair) + 0.9 * (softplus(wrong) + softplus(fake_pair))
        expected += 0.7 * (2 * softplus(-alone) + softplus(fake_alone))  # a wrong pair's picture is real
    assert float(model.discriminator_loss(batch, (code, made))) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("interpolation_weight", [0.0, 0.5])
def test_the_generator_deceives_all_of_them_and_keeps_its_colours(interpolation_weight):
    model = small(unconditional_weight=0.7, colour_weight=3.0, interpolation_weight=interpolation_weight)
    batch, (code, made) = playing(model)
    loss, terms = model.generator_loss(batch, (code, made))
    mean = model.augmenter(code)[:, :4]
    expected = 2 * divergence(model.augmenter(code), 4) + 3 * float(colour_difference(*made))
    for judge, drawn in zip((model.discriminator_1, model.discriminator_2), made):
        pair, alone = judge([drawn, mean], training=True)
        expected += softplus(-pair) + 0.7 * softplus(-alone)
    if interpolation_weight:
        assert float(loss) > expected + 0.1
    else:
        assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert float(terms["colour"]) == pytest.approx(float(colour_difference(*made)), rel=1e-4)


def test_colours_are_means_and_covariances_and_the_smaller_picture_stands_still():
    random = np.random.default_rng(0)
    one, other = (tf.constant(random.normal(size=(3, side, side, 3)), tf.float32) for side in (4, 8))
    expected = []
    for a, b in zip(one.numpy(), other.numpy()):
        a, b = a.reshape(-1, 3), b.reshape(-1, 3)
        means = (a.mean(0) - b.mean(0)) ** 2
        spreads = (np.cov(a, rowvar=False, bias=True) - np.cov(b, rowvar=False, bias=True)) ** 2
        expected.append(means.mean() + 5 * spreads.mean())
    with tf.GradientTape() as tape:
        tape.watch([one, other])
        found = colour_difference(one, other)
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-4)
    gradients = tape.gradient(found, [one, other])
    assert gradients[0] is None and np.abs(gradients[1]).max() > 0
    np.testing.assert_allclose(colour_difference(one, tf.repeat(tf.repeat(one, 2, 1), 2, 2)), 0, atol=1e-9)
