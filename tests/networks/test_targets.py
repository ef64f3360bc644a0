import keras
import pytest
from keras import layers

from tfgan_zoo.errors import ZooError
from tfgan_zoo.layers import Dropout
from tfgan_zoo.networks.targets import classifier


def network(side, architecture, **settings):
    picture = keras.Input((side, side, 1))
    return keras.Model(picture, classifier(picture, architecture, 10, **settings))


@pytest.mark.parametrize(
    "architecture, maps",
    [
        ("A", [(12, 12, 64), (8, 8, 64)]),
        ("B", [(14, 14, 64), (5, 5, 128), (1, 1, 128)]),
        ("C", [(26, 26, 32), (24, 24, 32), (10, 10, 64), (8, 8, 64)]),
    ],
)
def test_the_maps_are_the_papers(architecture, maps):
    model = network(28, architecture)
    assert [layer.output.shape[1:] for layer in model.layers if isinstance(layer, layers.Conv2D)] == maps
    assert model.output.shape == (None, 10)


@pytest.mark.parametrize("architecture, least", [("A", 13), ("B", 27), ("C", 16)])
def test_the_least_side_works_and_a_shorter_one_is_refused(architecture, least):
    network(least, architecture, filters=4)
    with pytest.raises(ZooError, match=f"classifier {architecture} takes {least} or more"):
        network(least - 1, architecture, filters=4)


def test_dropout_is_as_published():
    rates = {name: [x.rate for x in network(28, name).layers if isinstance(x, Dropout)] for name in "ABC"}
    assert rates == {"A": [0.25, 0.5], "B": [0.5], "C": [0.5, 0.5]}
