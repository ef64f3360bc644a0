import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.families.bigan import BiGAN


def small(**arguments):
    return BiGAN(**{"image_shape": (8, 8, 1), "latent_dim": 3, "units": 16, **arguments})


def pictures(count=4):
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), np.uint8)


def test_it_answers_pictures_features_and_reconstructions():
    model = small()
    assert list(model.endpoints) == ["generate", "encode", "reconstruct"]
    features = model.sample(range(4), endpoint="encode", image=pictures())
    assert features.shape == (4, 16) and features.dtype == tf.float32
    x = model.element_spec["image"].to_model(tf.constant(pictures()))
    by_hand = model.generator(model.encoder(x, training=False)["z"], training=False)
    again = model.sample(range(4), endpoint="reconstruct", image=pictures())
    np.testing.assert_allclose(again, np.round((by_hand + 1) * 127.5), atol=1)


def test_the_losses_are_flipped_halves_with_decay():
    model = small(weight_decay=0.5)
    batch = {"image": model.element_spec["image"].to_model(tf.constant(pictures()))}
    model.noise.begin()
    fake = model.fake(batch)
    encoded, generated = (np.asarray(model.feed(model.discriminator, pair), np.float64) for pair in fake)

    def softplus(x):
        return np.log1p(np.exp(x)).mean()

    def decay(player):
        return 0.25 * sum(np.square(weight.numpy().astype(np.float64)).sum() for weight in model.variables_of(player))

    discriminator, generator = model.players
    expected = (softplus(-encoded) + softplus(generated)) / 2 + decay(discriminator)
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(expected, rel=1e-4)
    expected = (softplus(encoded) + softplus(-generated)) / 2 + decay(generator)
    assert float(model.generator_loss(batch, fake)) == pytest.approx(expected, rel=1e-4)


def test_a_stochastic_encoder_draws_codes_in_training_and_answers_with_means():
    model = small(posterior="stochastic")
    batch = {"image": model.element_spec["image"].to_model(tf.constant(pictures()))}
    codes = [model.fake(batch)[0]["z"].numpy() for _ in range(2)]
    assert np.abs(codes[0] - codes[1]).max() > 0.1
    answers = [model.sample(seeds, endpoint="reconstruct", image=pictures()) for seeds in (range(4), range(9, 13))]
    np.testing.assert_array_equal(*answers)


def test_codes_of_pictures_lie_where_noise_does():
    model = small(units=64)
    for weight in model.encoder.trainable_variables:
        weight.assign(20 * weight)
    x = model.element_spec["image"].to_model(tf.constant(pictures()))
    codes = model.encoder(x, training=True)["z"].numpy()
    assert codes.min() < -0.9 and codes.max() > 0.9 and np.abs(codes).max() <= 1  # as z of U(-1, 1)
