"""Two ways to the nearest normal picture, timed and shown."""

from types import SimpleNamespace

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.anogan import AnoGAN
from tools.figures import anogan


@pytest.fixture(scope="module")
def model():
    return AnoGAN((8, 8, 1), latent_dim=3, filters=4, search_steps=20, with_encoder=True)


def test_what_is_found_stands_below_the_data(model):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    data, found, gap, encoded, encoded_gap = anogan.nearest(model, pictures)
    np.testing.assert_array_equal(data, pictures)
    np.testing.assert_array_equal(gap, np.abs(found.astype(int) - pictures))
    again = model.sample(range(4), endpoint="reconstruct", image=pictures).numpy()
    np.testing.assert_allclose(encoded.astype(int), again, atol=1)
    np.testing.assert_array_equal(encoded_gap, np.abs(encoded.astype(int) - pictures))


def test_the_search_takes_longer(model):
    found = anogan.speed(model, np.zeros((8, 8, 8, 1), np.uint8), repeats=1)
    assert found["times"] == pytest.approx(found["ms_search"] / found["ms_encoder"]) and found["times"] > 1


def test_a_run_without_an_encoder_is_refused():
    with pytest.raises(ZooError, match="model.with_encoder=true"):
        anogan.held_out(SimpleNamespace(name="plain", model=AnoGAN((8, 8, 1), 3, 4)), 4, None)
