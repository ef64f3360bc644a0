"""What a sweep changes, and what it holds."""

import numpy as np
import pytest
from families import contracts
from toys import MODELS

from tfgan_zoo import sampling
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.infogan import InfoGAN
from tools.figures import infogan


def test_a_sweep_changes_one_part_of_the_code():
    model = InfoGAN((8, 8, 1), latent_dim=4, categories=3, code_dim=2, filters=4, units=16)
    contracts.enliven(model)
    found = infogan.sweeps(model, seed=7)
    assert list(found) == ["label", "code_0", "code_1"]
    pictures, columns = found["label"]
    assert pictures.shape == (30, 8, 8, 1) and columns == 10
    for row in range(3):
        for column in (0, 1, 2, 9):
            expected = model.sample([7 + row], label=column % 3)[0].numpy()
            np.testing.assert_allclose(pictures[10 * row + column].astype(int), expected.astype(int), atol=1)
    for place in range(2):
        pictures, _ = found[f"code_{place}"]
        for column, value in ((0, -2.0), (9, 2.0)):
            inputs = {key: value.numpy() for key, value in sampling.draw(model, "generate", [9]).items()}
            inputs["code"][0, place] = value
            expected = model.sample([9], label=2, code=inputs["code"])[0].numpy()
            np.testing.assert_allclose(pictures[20 + column].astype(int), expected.astype(int), atol=1)


def test_models_without_a_category_are_refused():
    with pytest.raises(ZooError, match="generates from z"):
        infogan.sweeps(MODELS["dcgan"]())
