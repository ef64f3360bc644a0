import numpy as np
import tensorflow as tf
from families import contracts

from tfgan_zoo import losses, penalties
from tfgan_zoo.families.r3gan import R3GAN

SMALL = {"image_shape": (8, 8, 1), "latent_dim": 4, "filters": 4, "max_filters": 8, "blocks": 1, "group": 4}


def test_the_game_is_relativistic_with_r1_and_r2():
    model = R3GAN(**SMALL, penalties={"r1": 0.3, "r2": 0.7})
    contracts.enliven(model)
    real, fake = (tf.random.stateless_uniform((6, 8, 8, 1), (1, seed), -1.0, 1.0) for seed in (1, 2))
    real_scores, fake_scores = model.discriminator(real), model.discriminator(fake)
    expected = losses.called_real(real_scores - fake_scores)
    expected += 0.3 * penalties.zero_centred(model.discriminator, real)
    expected += 0.7 * penalties.zero_centred(model.discriminator, fake)
    np.testing.assert_allclose(model.discriminator_loss({"image": real}, fake)[0], expected, rtol=1e-4)
    np.testing.assert_allclose(
        model.generator_loss({"image": real}, fake), losses.called_real(fake_scores - real_scores), rtol=1e-4
    )


def test_residual_branches_start_at_zero():
    """Then the networks start as resampling and 1x1 convolutions alone: the score is odd in the picture."""
    model = R3GAN(**SMALL)
    image = tf.random.stateless_uniform((2, 8, 8, 1), (1, 2), -1.0, 1.0)
    np.testing.assert_allclose(model.discriminator(-image), -model.discriminator(image), rtol=1e-4, atol=1e-6)
    contracts.enliven(model)
    assert np.abs(model.discriminator(-image) + model.discriminator(image)).max() > 1e-3


def test_nothing_ties_the_examples_of_a_batch():
    model = R3GAN(**SMALL)
    contracts.enliven(model)
    z = tf.random.stateless_normal((5, 4), (1, 2))
    alone = model.generator(z[2:3], training=True)
    np.testing.assert_allclose(model.generator(z, training=True)[2:3], alone, rtol=1e-4, atol=1e-5)


def test_with_classes_both_networks_take_them():
    model = R3GAN(**SMALL, num_classes=3)
    assert set(model.element_spec) == {"image", "label"}
    contracts.enliven(model)
    batch = {"z": tf.ones((1, 4)), "image": tf.ones((1, 8, 8, 1))}
    for network in model.generator, model.discriminator:
        one, other = (model.feed(network, batch | {"label": tf.constant([label])}) for label in (0, 1))
        assert np.abs(one - other).max() > 1e-4
