import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo import losses
from tfgan_zoo.families.acgan import ACGAN

SMALL = {
    "image_shape": (8, 8, 1),
    "num_classes": 3,
    "latent_dim": 4,
    "generator_filters": 4,
    "discriminator_filters": 2,
}


def test_both_players_maximize_the_likelihood_of_the_class():
    model = ACGAN(**SMALL, dropout=0.0, class_weight=2.0)
    model.training = False  # so that losses can be taken apart
    batch = {key: tf.constant(value) for key, value in contracts.batch_for(model).items()}
    fake = tf.random.stateless_uniform((8, 8, 8, 1), (1, 2), -1.0, 1.0)
    real, made = (model.feed(model.discriminator, {"image": x}) for x in (batch["image"], fake))
    on_real, on_fake = (losses.cross_entropy(x["classes"], batch["label"]) for x in (real, made))
    discriminator, terms = model.discriminator_loss(batch, fake)
    source = losses.minimax_discriminator(real["source"], made["source"])
    np.testing.assert_allclose(discriminator, source + 2 * (on_real + on_fake), rtol=1e-5)
    np.testing.assert_allclose(terms["classes"], on_real, rtol=1e-5)
    generator = losses.non_saturating_generator(made["source"]) + 2 * on_fake
    np.testing.assert_allclose(model.generator_loss(batch, fake), generator, rtol=1e-5)
    model.classify_fakes = False
    np.testing.assert_allclose(model.discriminator_loss(batch, fake)[0], source + 2 * on_real, rtol=1e-5)


def test_the_discriminator_learns_to_classify():
    model = ACGAN(**SMALL, dropout=0.0)
    model.compile("adam")
    label = np.arange(30) % 3
    shades = np.linspace(-0.8, 0.8, 3)[label][:, None, None, None]
    images = (shades + np.random.default_rng(0).uniform(-0.2, 0.2, (30, 8, 8, 1))).astype("float32")
    contracts.take_steps(model, {"image": images, "label": label.astype("int32")}, steps=60)
    seen = model.classify({"image": tf.constant(images)})
    assert np.mean(np.argmax(seen, -1) == label) >= 0.9


@pytest.mark.parametrize("shape", [(32, 32, 3)])
def test_the_networks_for_cifar_have_the_papers_maps(shape):
    model = ACGAN(shape)
    maps = [layer.output.shape[1:] for layer in model.discriminator.layers if layer.name.startswith("conv")]
    assert maps == [(16, 16, 16), (16, 16, 32), (8, 8, 64), (8, 8, 128), (4, 4, 256), (4, 4, 512)]
    maps = [layer.output.shape[1:] for layer in model.generator.layers if "transpose" in layer.name]
    assert maps == [(8, 8, 192), (16, 16, 96), (32, 32, 3)]
