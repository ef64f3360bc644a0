"""Attention maps over samples."""

import numpy as np
import pytest
from click.testing import CliRunner
from toys import MODELS

from tfgan_zoo import images, sampling
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.sagan import SAGAN
from tools.figures import attention


@pytest.fixture(scope="module")
def model():
    return SAGAN((16, 24, 1), num_classes=3, latent_dim=4, filters=4, attention=8)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_the_weights_are_those_that_the_layer_uses_on_these_samples(model, network, monkeypatch):
    pictures, weights = attention.looked_at(model, network, np.array([3, 4]))
    np.testing.assert_array_equal(pictures, model.sample([3, 4]).numpy())
    layer, used = attention.attention_of(model, network), []
    monkeypatch.setattr(layer, "attention", lambda *given, own=layer.attention: used.append(own(*given)) or used[-1])
    drawn = sampling.draw(model, "generate", [3, 4])
    image = sampling.ask(model, "generate", drawn)
    model.feed(model.discriminator, drawn | {"image": image}, training=False)
    assert weights.shape == (2, 8, 12, 4, 6)
    np.testing.assert_allclose(weights.reshape(2, 96, 24), used[0], rtol=1e-5)


def test_a_point_shows_the_map_of_its_place():
    weights = np.full((1, 4, 4, 2, 2), 0.1)
    weights[0, 3, 1, 0, 1] = 0.7  # the place at (3, 1) looks to the upper right
    pictures = np.full((1, 16, 16, 1), 200, np.uint8)
    marked, seen, even = attention.cells(pictures, weights, [(0.8, 0.3), (0.1, 0.1)])
    assert marked.shape == (96, 96, 3)
    np.testing.assert_array_equal(marked[76, 28], attention.COLOURS[0])
    np.testing.assert_array_equal(marked[50, 80], [200, 200, 200])
    np.testing.assert_allclose(seen[2, -3], attention.COLOURS[0], atol=3)
    assert (seen[-3, 2] < 120).all() and (even == even[0, 0]).all()


def test_a_picture_of_a_model_that_attends(model, tmp_path):
    model.save(tmp_path / "model.keras")
    arguments = [str(tmp_path / "model.keras"), "--out", str(tmp_path / "attention.png"), "--num", "2"]
    done = CliRunner().invoke(attention.main, arguments)
    assert done.exit_code == 0 and "gamma is 0" in done.output, done.output
    assert images.decode(tmp_path / "attention.png").shape == (2 * 98 + 2, 5 * 146 + 2, 3)


@pytest.mark.parametrize("points", ["", "0.5", "a,b", "0.5,1"])
def test_points_that_are_none_are_refused(points):
    with pytest.raises(ZooError, match="DOWN,RIGHT"):
        attention.parsed(points)


def test_models_without_attention_are_refused(model):
    with pytest.raises(ZooError, match="has no attention"):
        attention.looked_at(MODELS["dcgan"](), "generator", np.array([0]))
    with pytest.raises(ZooError, match="--network critic: .* has generator, discriminator"):
        attention.attention_of(model, "critic")
