import keras
import numpy as np
import pytest
from keras import layers

from tfgan_zoo.errors import ZooError
from tfgan_zoo.networks.patches import patch_scores


@pytest.mark.parametrize(("halvings", "seen"), [(1, 16), (2, 34), (3, 70)])
def test_a_score_sees_a_patch(halvings, seen):
    picture = keras.Input((96, 96, 1))
    model = keras.Model(picture, patch_scores(picture, 1, halvings, lambda: layers.Activation("linear")))
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 0.1 if len(weight.shape) > 1 else 0.0))
    middle = model.output_shape[1] // 2
    lines = np.zeros((96, 96, 96, 1), np.float32)
    lines[np.arange(96), np.arange(96)] = 1.0  # picture i is bright in row i
    assert np.count_nonzero(model(lines)[:, middle, middle, 0]) == seen


def test_pictures_smaller_than_the_scores_need_are_refused():
    assert patch_scores(keras.Input((24, 24, 1)), 2, 3, layers.LayerNormalization).shape == (None, 1, 1, 1)
    with pytest.raises(ZooError, match="24 or more"):
        patch_scores(keras.Input((23, 24, 1)), 2, 3, layers.LayerNormalization)
