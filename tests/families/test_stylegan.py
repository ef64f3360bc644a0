"""StyleGAN: styles by level, noise, truncation, growth, the switches of the paper's table 1."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import sampling
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.stylegan import StyleGAN
from tfgan_zoo.networks.styles import StyledGenerator, mapping

TINY = {"latent_dim": 4, "style_dim": 6, "filters": 4, "max_filters": 8, "mapping_layers": 2}


def lively(**arguments):
    """A tiny model whose noise and styles count; it has grown to its full size."""
    model = StyleGAN(**{"image_shape": (16, 16, 3), "start_side": 16, **TINY, **arguments})
    for number, weight in enumerate(model.trainable_variables):
        weight.assign(weight + np.random.default_rng(number).normal(0, 0.3, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return lively()


def drawn(model, count=4):
    inputs = sampling.draw(model, "mix", range(count), {"level": np.int32(0)})
    return {key: value for key, value in inputs.items() if key != "level"}


def ask(model, name, **inputs):
    return sampling.ask(model, name, {key: inputs[key] for key in model.endpoints[name].inputs}).numpy()


# === The networks ===
def test_the_generator_has_the_papers_size():
    """26.2 M trainable parameters at 1024x1024 (section 2)."""
    z, sizes = keras.Input((512,)), {"image_shape": (1024, 1024, 3), "filters": 16, "max_filters": 512}
    parts = keras.Model(z, mapping(z, 8, 512)), StyledGenerator(512, **sizes)
    count = sum(int(np.prod(weight.shape)) for part in parts for weight in part.trainable_weights)
    assert round(count / 1e6, 1) == 26.2


def test_the_mapping_learns_at_a_hundredth_of_the_rate():
    model = StyleGAN((8, 8, 3), **TINY)
    dense = [layer for layer in model.mapping.layers if hasattr(layer, "lr_multiplier")]
    assert len(dense) == 2 and all(layer.lr_multiplier == 0.01 for layer in dense)
    w = ask(model, "map", z=tf.random.stateless_normal((500, 4), (1, 2)))
    assert 0.3 < w.std() < 3, "1/100 of the rate does not make w small"
    np.testing.assert_allclose(
        ask(model, "map", z=tf.ones((1, 4))), ask(model, "map", z=3 * tf.ones((1, 4))), rtol=1e-5
    )


def test_a_layers_noise_stays_at_its_place_and_level(model):
    levels, inputs = model.generator.get_layer("levels"), drawn(model, 1)
    assert [last - first for first, last in levels.places] == [2 * 4**2, 2 * 8**2, 2 * 16**2]
    styles = model.styles(*[tf.random.stateless_normal((1, 6), (seed, 2)) for seed in (1, 2)], 3)
    before = levels.maps([styles, inputs["noise"]], 2)
    noise = inputs["noise"].numpy()
    noise[0, levels.places[2][0] + 2 * (16 * 5 + 7)] += 1  # the first of the two layers of 16x16, row 5, column 7
    after = levels.maps([styles, tf.constant(noise)], 2)
    for number in range(2):
        np.testing.assert_array_equal(before[number], after[number])
    change = np.abs(after[2] - before[2]).mean(axis=(0, 3))
    assert np.unravel_index(change.argmax(), change.shape) in {(5 + i, 7 + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}


def test_a_level_begins_as_the_enlarged_level_below(model):
    levels, inputs = model.generator.get_layer("levels"), drawn(model)
    styles = [tf.random.stateless_normal((4, 6, 6), (1, 2)), inputs["noise"]]
    below, whole = (levels.at(styles, level, False) for level in (1, 2))
    for alpha, expected in ((0.0, below), (1.0, whole)):
        levels.alpha.assign(alpha)
        np.testing.assert_array_equal(levels.at(styles, 2, True), expected)
    assert np.abs(below - whole).max() > 0.01


# === Asking ===
def test_mixing_goes_from_one_style_to_the_other(model):
    inputs = drawn(model)
    own = ask(model, "generate", **inputs)
    others = ask(model, "generate", **inputs | {"z": inputs["other"]})
    mixes = [ask(model, "mix", **inputs, level=tf.fill((4,), level)) for level in range(3)]
    np.testing.assert_allclose(mixes[0], others, atol=1e-5)
    assert min(np.abs(mix - side).max() for mix in mixes[1:] for side in (own, others)) > 0.01
    per_row = ask(model, "mix", **inputs, level=tf.constant([0, 1, 2, 0]))
    np.testing.assert_allclose(per_row[1:3], [mixes[1][1], mixes[2][2]], atol=1e-5)


def test_truncation_draws_the_first_styles_to_the_mean_of_w(model):
    model.mapping.get_layer("centre").mean.assign([1.0, -1, 0, 0.5, 0, 2])
    inputs = drawn(model)
    whole = ask(model, "truncate", **inputs, psi=tf.ones((4, 1)))
    np.testing.assert_allclose(whole, ask(model, "generate", **inputs), atol=1e-4)
    mean = tf.repeat(model.mapping.get_layer("centre").mean.value[None], 4, 0)
    at_mean = ask(model, "synthesize", **inputs, w=mean)
    np.testing.assert_allclose(ask(model, "truncate", **inputs, psi=tf.zeros((4, 1))), at_mean, atol=1e-5)
    model.truncated_layers = 2  # the rest keeps its own styles
    assert np.abs(ask(model, "truncate", **inputs, psi=tf.zeros((4, 1))) - at_mean).max() > 0.01
    model.truncated_layers = 8


# === Playing ===
def test_the_mean_of_w_is_followed_in_training_and_reaches_the_twin():
    model = lively(image_shape=(8, 8, 3), start_side=8, ema_decay=0.9)
    model.compile()
    z = model.latents(8)["z"]
    expected = 0.005 * model.feed(model.mapping, {"z": z}, training=False).numpy().mean(0)
    model.noise.begin()
    batch = {"image": tf.zeros((8, 8, 8, 3))}
    model.latents = lambda count: {"z": z, "other": -z, "noise": tf.zeros((8, *model.noise_shape))}
    model.play([batch])
    for network in (model.mapping, model.mapping_ema):
        np.testing.assert_allclose(network.get_layer("centre").mean.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_training_pictures_mix_two_styles_within_the_present_level(model, monkeypatch):
    """Nine in ten have the style of the second z from a random layer on, the rest that of the first throughout."""
    seen = []
    monkeypatch.setattr(model, "at_level", lambda network, inputs: seen.append(inputs[0].numpy()))
    monkeypatch.setattr(StyleGAN, "grown", property(lambda self: {"level": 1, "fading": False}))
    model.noise.begin()
    model.fake({"image": tf.zeros((2000, 16, 16, 3))})
    (styles,) = seen
    same = (np.abs(styles - styles[:, :1]).max(axis=2) == 0).sum(axis=1)  # layers in the first style, of 4 present ones
    assert set(np.unique(np.minimum(same, 4))) == {1, 2, 3, 4}
    assert np.mean(same >= 4) == pytest.approx(0.1, abs=0.03)
    assert np.mean(same == 1) == pytest.approx(0.3, abs=0.05)


def test_the_losses_are_the_papers(model):
    model.noise.begin()
    batch, fake = {"image": tf.random.stateless_uniform((4, 16, 16, 3), (1, 2))}, tf.zeros((4, 16, 16, 3))

    def score(x):
        return model.discriminator(x)

    with tf.GradientTape() as tape:
        tape.watch(batch["image"])
        real = score(batch["image"])
    slopes = np.square(tape.gradient(real, batch["image"])).sum(axis=(1, 2, 3)).mean()
    expected = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(score(fake))).mean() + 10 / 2 * slopes
    loss, terms = model.discriminator_loss(batch, fake)
    assert float(loss) == pytest.approx(expected, rel=1e-4) and float(terms["r1"]) == pytest.approx(
        slopes / 2, rel=1e-4
    )
    assert float(model.generator_loss(batch, fake)) == pytest.approx(np.log1p(np.exp(-score(fake))).mean(), rel=1e-4)


# === The switches of table 1 ===
@pytest.mark.parametrize(
    "switch", [{"mapping_layers": 0}, {"learned_constant": False}, {"noise_inputs": False}, {"mixing": 0.0}]
)
def test_each_part_can_be_left_out(switch):
    model = StyleGAN(**{"image_shape": (8, 8, 3), **TINY, **switch})
    assert model.mapping.output_shape == (None, 4 if "mapping_layers" in switch else 6)
    assert ("noise" in model.endpoints["generate"].inputs) == ("noise_inputs" not in switch)
    learned = [weight.path for weight in model.generator.trainable_weights if weight.path.endswith("/map")]
    assert len(learned) == ("learned_constant" not in switch)
    assert model.sample(range(2)).shape == (2, 8, 8, 3)
    model.noise.begin()
    assert model.fake({"image": tf.zeros((3, 8, 8, 3))}).shape == (3, 8, 8, 3)


def test_it_grows_from_8_pixels_or_not_at_all():
    assert [phase.name for phase in StyleGAN((16, 16, 3), **TINY).phases] == ["8", "16-fade", "16"]
    whole = StyleGAN((16, 16, 3), start_side=16, ema_decay=0.5, **TINY)
    assert [phase.name for phase in whole.phases] == ["16"]
    assert int(whole.generator_ema.get_layer("levels").level) == 2, "its pictures are whole from the first step on"
    with pytest.raises(ZooError, match="start_side=32: must be 16, the side of the pictures, or less") as caught:
        StyleGAN((16, 16, 3), start_side=32, **TINY)
    assert "\n" not in str(caught.value)
