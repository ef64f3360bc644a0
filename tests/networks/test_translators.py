import keras
import numpy as np
import pytest
from keras import layers

from tfgan_zoo.layers import Dropout, batch_norm, instance_norm
from tfgan_zoo.networks.translators import unet


def network(shape, build):
    picture = keras.Input(shape)
    return keras.Model(picture, build(picture))


def maps(model, kind):
    return [layer.output.shape[1:] for layer in model.layers if type(layer) is kind]


def test_a_unet_halves_as_long_as_both_sides_can_be():
    model = network((32, 48, 3), lambda x: unet(x, 3, 2, instance_norm))
    down = [(16, 24, 2), (8, 12, 4), (4, 6, 8), (2, 3, 16)]
    assert maps(model, layers.Conv2D) == down
    assert maps(model, layers.Conv2DTranspose) == [*down[-2::-1], (32, 48, 3)]
    model = network((32, 32, 1), lambda x: unet(x, 1, 2, instance_norm))
    assert maps(model, layers.Conv2D)[-1] == (1, 1, 16)


def test_a_unet_is_as_large_as_the_authors():
    """54,413,955 weights for 256x256 pictures; here the first map and the smallest have biases."""
    model = network((256, 256, 3), lambda x: unet(x, 3, 64, batch_norm))
    assert sum(weight.numpy().size for weight in model.trainable_weights) == 54_413_955 + 64 + 512


@pytest.mark.parametrize("skips", [True, False])
def test_details_pass_a_unets_middle_by_its_skips_alone(skips):
    model = network((32, 32, 1), lambda x: unet(x, 1, 4, instance_norm, skips))
    for weight in model.weights:
        weight.assign(np.random.default_rng(0).normal(0, 0.3, weight.shape))
    plain, dotted = np.zeros((1, 32, 32, 1), np.float32), np.zeros((1, 32, 32, 1), np.float32)
    dotted[0, 5, 9] = 0.01
    difference = np.abs(model(dotted) - model(plain))[0, :, :, 0]
    assert (difference[4:7, 8:11].mean() > 5 * difference[20:].mean()) == skips


def test_dropout_is_on_the_first_three_maps_on_the_way_up_in_training():
    model = network((64, 64, 1), lambda x: unet(x, 1, 2, instance_norm, dropout=0.5))
    assert maps(model, Dropout) == [(2, 2, 16), (4, 4, 16), (8, 8, 8)]
    pictures = np.random.default_rng(0).normal(size=(2, 64, 64, 1)).astype(np.float32)
    assert (model(pictures, training=True) != model(pictures, training=True)).numpy().any()
    np.testing.assert_array_equal(model(pictures), model(pictures))
