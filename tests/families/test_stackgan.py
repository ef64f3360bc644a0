"""StackGAN: a sketch and what is made of it, conditions that vary, losses of both stages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import sampling
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.stackgan import StackGAN
from tfgan_zoo.layers import EnlargingConv2D
from tfgan_zoo.networks import stacked

WORDS = ("red", "green", "apple", "ball")
TEXTS = ["red apple", "green apple", "red ball", "green ball"]
SMALL = {"vocabulary": WORDS, "latent_dim": 4, "filters": 4, "code_dim": 8, "text_dim": 4, "group": 4, "text_length": 3}


def small(**arguments):
    model = StackGAN(**{"image_shape": (16, 16, 3), "ratio": 2, "blocks": 1, **SMALL, **arguments})
    for number, weight in enumerate(model.trainable_variables):
        if len(weight.shape) > 1:
            weight.assign(np.random.default_rng(number).normal(0, 0.3, weight.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return small()


def batch_of(model):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)
    kinds = model.element_spec
    return {
        "image": kinds["image"].to_model(tf.constant(pictures)),
        "text": tf.constant(kinds["text"].encode(TEXTS)),
    }


def softplus(logits):
    return np.log1p(np.exp(np.asarray(logits, float))).mean()


def divergence(conditions, units):
    mean, log_sigma = np.split(conditions.numpy().astype(float), [units], axis=1)
    return (-log_sigma + (np.exp(2 * log_sigma) + mean**2 - 1) / 2).mean()


# === The networks ===
def enlarged(network):
    return [layer.output.shape[1:] for layer in network.layers if isinstance(layer, EnlargingConv2D)]


def test_maps_are_those_of_the_authors():
    """N_g = 128 and N_d = 64, which is what `filters` = 64 stands for."""
    z, c, code = keras.Input((100,)), keras.Input((128,)), keras.Input((1024,))
    sketch = keras.Model([z, c], stacked.sketch(z, c, (64, 64, 3), 64))
    assert [layer.units for layer in sketch.layers if isinstance(layer, keras.layers.Dense)] == [4 * 4 * 1024]
    assert enlarged(sketch) == [(8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 3)]
    picture = keras.Input((64, 64, 3))
    refined = keras.Model([picture, c], stacked.refined(picture, c, (256, 256, 3), 64, 4))
    assert enlarged(refined) == [(32, 32, 256), (64, 64, 128), (128, 128, 64), (256, 256, 32)]
    at_16 = [layer for layer in refined.layers if isinstance(layer, keras.layers.Conv2D) and layer.filters == 512]
    assert len(at_16) == 1 + 1 + 2 * 4 and {layer.output.shape[1] for layer in at_16} == {16}
    image = keras.Input((256, 256, 3))
    judged = keras.Model([image, code], stacked.judged(image, code, 64, 128))
    widths = [layer.filters for layer in judged.layers if isinstance(layer, keras.layers.Conv2D)]
    assert widths == [64, 128, 256, 512, 1024, 2048, 1024, 512, 128, 128, 512, 512]
    assert judged.output_shape == (None, 1)


@pytest.mark.parametrize("ratio", [1, 3, 32])
def test_ratios_that_do_not_fit_are_refused_in_one_line(ratio):
    with pytest.raises(ZooError, match=rf"ratio={ratio}: must be 2, 4, 8 ... and divide") as caught:
        small(ratio=ratio)
    assert "\n" not in str(caught.value)


# === Asking ===
def test_the_picture_is_made_of_the_sketch_and_of_the_text(model):
    inputs = sampling.draw(model, "generate", [1, 2], {"text": model.element_spec["text"].encode(TEXTS[:2])})
    code, low_res = model.embed_text(inputs), model.sketch(inputs)
    assert low_res.shape == (2, 8, 8, 3)
    expected = model.generator_2(
        {"low_res": low_res, "c": model.conditions(model.augmenter_2, code)[0]}
    )  # where e_2 is 0, c is its mean
    np.testing.assert_allclose(model.generate(inputs | {"e_2": tf.zeros((2, 4))}), expected, atol=1e-5)
    swapped = model.generate(inputs | {"text": inputs["text"][::-1]})
    assert np.abs(swapped - model.generate(inputs)).max() > 0.01


def test_one_text_has_many_pictures_by_its_conditions_alone(model):
    def spread(asked):
        given = {"text": "red apple", "z": np.zeros(4), "e_2": np.zeros(4)}
        pictures = asked.sample(range(8), endpoint="generate", **given).numpy().astype(float)
        return pictures.std(axis=0).max()

    assert spread(model) > 1
    assert spread(small(augmented=False)) == 0


# === Playing ===
def test_stage_one_learns_with_small_pictures_and_wrong_texts():
    model = small()
    model.enter(model.phases[1])
    batch = batch_of(model)
    model.noise.begin()
    code, drawn = fake = model.fake(batch)
    assert drawn.shape == (4, 8, 8, 3)
    real = keras.ops.average_pool(batch["image"], 2)

    def judge(image, code):
        return model.discriminator({"image": image, "code": code}, training=True).numpy()

    wrong = softplus(judge(real, tf.gather(code, [1, 0, 3, 2])))
    expected = softplus(-judge(real, code)) + (wrong + softplus(judge(drawn, code))) / 2
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(expected, rel=1e-4)
    loss, terms = model.generator_loss(batch, fake)
    kl = divergence(model.augmenter(code), 4)
    assert float(terms["kl"]) == pytest.approx(kl, rel=1e-4)
    assert float(loss) == pytest.approx(softplus(-judge(drawn, code)) + 2 * kl, rel=1e-4)


def test_stage_two_learns_with_whole_pictures_and_stage_one_rests():
    model = small(ema_decay=0.9)
    model.compile()
    model.enter(model.phases[2])
    for weight in model.generator.weights:  # the averaged twin is what makes the sketch
        weight.assign(weight * np.nan)
    batch = batch_of(model)
    model.noise.begin()
    code, drawn = fake = model.fake(batch)
    assert drawn.shape == (4, 16, 16, 3) and np.isfinite(drawn).all()
    loss, terms = model.generator_2_loss(batch, fake)
    logits = model.discriminator_2({"image": drawn, "code": code}, training=True).numpy()
    kl = divergence(model.augmenter_2(code), 4)
    assert float(loss) == pytest.approx(softplus(-logits) + 2 * kl, rel=1e-4) and float(terms["kl"]) > 0
    plain = small(augmented=False)
    plain.compile()
    plain.enter(plain.phases[2])
    loss, terms = plain.generator_2_loss(batch, fake)
    assert float(loss) > 0 and not terms
