import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.advgan import AdvGAN
from tfgan_zoo.families.ape_gan import APEGAN
from tfgan_zoo.networks.attacks import fgsm

SETTINGS = {"image_shape": (16, 16, 1), "num_classes": 3, "target_filters": 4}


def small(**arguments):
    return APEGAN(**SETTINGS | {"filters": 2} | arguments)


def batch_of(model, size=6):
    stored = contracts.batch_for(model, size)
    return {key: kind.to_model(tf.constant(stored[key])) for key, kind in model.element_spec.items()}


def softplus(x):
    return np.log1p(np.exp(np.asarray(x, np.float64))).mean()


def test_pictures_under_attack_are_purified_against_clean_ones():
    model = small(content_weight=0.5, adversarial_weight=0.25, epsilon=0.2)
    contracts.enliven(model)
    assert model.fake(batch_of(model)) is None, "not before the classifier has learnt"
    model.enter(model.phases[1])
    batch = batch_of(model)
    seen = fgsm(lambda x: model.classifier(x, training=False), batch["image"], batch["label"], 0.2)
    assert np.abs(seen - batch["image"]).max() == pytest.approx(0.4, abs=1e-5)
    fake = model.fake(batch).numpy()
    np.testing.assert_allclose(fake, model.generator(seen, training=True), atol=1e-4)
    real, made = (model.discriminator(x, training=True).numpy() for x in (batch["image"], fake))
    content, deceive = 0.5 * np.square(batch["image"] - fake).mean(), 0.25 * softplus(-made)
    loss, terms = model.generator_loss(batch, fake)
    assert float(terms["content"]) == pytest.approx(content, rel=1e-4)
    assert float(terms["deceive"]) == pytest.approx(deceive, rel=1e-4)
    assert float(loss) == pytest.approx(content + deceive, rel=1e-4)
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(softplus(-real) + softplus(made), rel=1e-4)


def test_the_classifier_is_that_of_an_attacker_of_the_same_seed():
    """So a figure may set a trained attack against a trained defence of one and the same classifier."""
    ours, theirs = small(seed=4), AdvGAN(**SETTINGS, filters=2, seed=4)
    for one, two in zip(ours.classifier.get_weights(), theirs.classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_it_answers_for_the_picture_as_it_is_and_purified():
    model = small()
    contracts.enliven(model)
    stored = contracts.batch_for(model, 5)["image"]
    x = model.element_spec["image"].to_model(tf.constant(stored))
    purified = model.purify({"image": x})
    np.testing.assert_allclose(model.classify_purified({"image": x}), model.classify({"image": purified}), atol=1e-5)
    assert model.sample(range(5), endpoint="purify", image=stored).shape == stored.shape


def test_sides_that_cannot_be_halved_twice_are_refused():
    with pytest.raises(ZooError, match="multiples of 4"):
        small(image_shape=(18, 16, 1))
