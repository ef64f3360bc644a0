import keras
import numpy as np
import pytest
from keras import layers

from tfgan_zoo.errors import ZooError
from tfgan_zoo.networks.patches import patch_scores, scores_of


@pytest.mark.parametrize("patch", [1, 16, 34, 70, 142, 286])
def test_a_score_sees_a_patch(patch):
    side = patch + 80
    picture = keras.Input((side, 96, 1))
    model = keras.Model(picture, scores_of(picture, 1, patch, lambda: layers.Activation("linear")))
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 0.1 if len(weight.shape) > 1 else 0.0))
    lines = np.zeros((side, side, 96, 1), np.float32)
    lines[np.arange(side), np.arange(side)] = 1.0  # picture i is bright in row i
    middle = model.output_shape[1] // 2, model.output_shape[2] // 2
    assert np.count_nonzero(model.predict(lines, batch_size=32, verbose=0)[:, *middle, 0]) == patch


def test_pictures_smaller_than_the_scores_need_are_refused():
    assert patch_scores(keras.Input((24, 24, 1)), 2, 3, layers.LayerNormalization).shape == (None, 1, 1, 1)
    with pytest.raises(ZooError, match="24 or more"):
        patch_scores(keras.Input((23, 24, 1)), 2, 3, layers.LayerNormalization)
