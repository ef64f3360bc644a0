"""What the figures of StyleGAN measure: bands, swapped styles, path lengths, mixtures."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.families.stylegan import StyleGAN
from tools.figures import stylegan


@pytest.fixture(scope="module")
def model():
    made = StyleGAN((32, 32, 3), latent_dim=4, style_dim=6, filters=4, max_filters=4, mapping_layers=2, start_side=32)
    for number, weight in enumerate(made.mapping.trainable_weights + made.generator.trainable_weights):
        scale = 0.5 if len(weight.shape) > 1 else 0.0
        weight.assign(weight + np.random.default_rng(number).normal(0, scale, weight.shape))
    return made


def test_a_picture_is_seen_in_parts():
    x = np.random.default_rng(0).normal(size=(2, 16, 32, 3))
    parts = stylegan.seen(x)
    np.testing.assert_allclose(parts["low"][:, 1, 2], x[:, 2:4, 8:12].mean(axis=(1, 2)))
    np.testing.assert_allclose(parts["low"].repeat(2, 1).repeat(4, 2) + parts["high"], x)
    np.testing.assert_allclose(parts["colour"], x.mean(axis=(1, 2)))
    recoloured = stylegan.seen(3 - 2 * x)  # another contrast, light on dark
    np.testing.assert_allclose(stylegan.distance(parts["form"], recoloured["form"], "form"), 0, atol=1e-9)
    assert stylegan.distance(parts["form"], parts["form"][::-1], "form").min() > 0.1


def test_swapping_changes_what_it_should(model):
    assert {name: which.tolist().count(True) for name, which in stylegan.groups(model).items()} == {
        "coarse": 4, "middle": 2, "fine": 2
    }  # fmt: skip
    drawn = stylegan.inputs_of(model, 3)
    made = stylegan.swapped(model, drawn)
    np.testing.assert_allclose(made["own"], stylegan.asked(model, "generate", **drawn), atol=1e-5)
    swapped = {"z": drawn["other"], "other": drawn["z"], "level": np.full(3, 2, np.int32)}
    np.testing.assert_allclose(made["coarse"], stylegan.asked(model, "mix", **drawn | swapped), atol=1e-5)
    fine = {"level": np.full(3, 3, np.int32)}
    np.testing.assert_allclose(made["fine"], stylegan.asked(model, "mix", **drawn | fine), atol=1e-5)
    found = stylegan.changes(model, 3)
    assert found["noise_low"] == found["noise_high"] == 0, "noise has weights of 0 at first"
    assert found["noise_form"] == pytest.approx(0, abs=1e-5)
    assert found["coarse_low"] > 0.1 and found["fine_high"] > 0.01


def test_path_lengths_are_squared_slopes(model):
    """With pixels for features, the length in w is the squared change over the squared step."""
    found = stylegan.path_lengths(model, 40, "pixels", epsilon=1e-3)
    drawn = stylegan.inputs_of(model, 40)
    w, other = (stylegan.asked(model, "map", z=drawn[key]) for key in ("z", "other"))
    places = np.random.default_rng(0).uniform(0, 1, 40).astype(np.float32)[:, None]
    at = [
        stylegan.asked(model, "synthesize", **drawn | {"w": tf.constant(w + (other - w) * t)})
        for t in (places, places + 1e-3)
    ]
    slopes = np.square((at[1] - at[0]) / 2 / 1e-3).sum(axis=(1, 2, 3))  # pixels lie in [0, 1]
    assert found["ppl_w"] == pytest.approx(slopes.mean(), rel=0.02)
    assert found["ppl_z"] > 0


def test_mixtures_take_their_styles_in_turn(model):
    one = stylegan.mixed(model, 4, 1)
    np.testing.assert_allclose(one, stylegan.asked(model, "generate", **stylegan.inputs_of(model, 4)), atol=1e-5)
    assert np.abs(stylegan.mixed(model, 4, 3) - one).max() > 0.01


def test_pictures_have_their_rows(model):
    found = stylegan.pictures(model, rows=2, columns=3)
    assert set(found) == {"styles", "noise", "truncation"}
    scale = (found["styles"].shape[1] - 2) // 4
    assert found["styles"].shape[0] == (1 + 3 * 2) * scale + 2


def test_a_model_without_styles_is_refused():
    with pytest.raises(ZooError, match="unknown endpoint 'mix'"):
        stylegan.inputs_of(DCGAN((8, 8, 1), filters=2), 2)
