"""Losses and penalties against the papers' formulas in NumPy: value and gradient."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import losses, penalties

REAL = np.array([[-2.0], [0.5], [3.0]], "float32")
FAKE = np.array([[1.0], [-0.25], [-4.0]], "float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def value_and_gradients(loss, *inputs):
    variables = [tf.Variable(x) for x in inputs]
    with tf.GradientTape() as tape:
        value = loss(*variables)
    return value.numpy(), [g.numpy() for g in tape.gradient(value, variables)]


def test_minimax_discriminator_is_equation_1():
    value, (real, fake) = value_and_gradients(losses.minimax_discriminator, REAL, FAKE)
    assert value == pytest.approx(-np.mean(np.log(sigmoid(REAL))) - np.mean(np.log(1 - sigmoid(FAKE))), rel=1e-6)
    np.testing.assert_allclose(real, (sigmoid(REAL) - 1) / 3, rtol=1e-5)
    np.testing.assert_allclose(fake, sigmoid(FAKE) / 3, rtol=1e-5)


def test_minimax_generator_minimizes_what_the_discriminator_maximizes():
    value, (fake,) = value_and_gradients(losses.minimax_generator, FAKE)
    assert value == pytest.approx(np.mean(np.log(1 - sigmoid(FAKE))), rel=1e-6)
    np.testing.assert_allclose(fake, -sigmoid(FAKE) / 3, rtol=1e-5)


def test_non_saturating_generator():
    value, (fake,) = value_and_gradients(losses.non_saturating_generator, FAKE)
    assert value == pytest.approx(-np.mean(np.log(sigmoid(FAKE))), rel=1e-6)
    np.testing.assert_allclose(fake, (sigmoid(FAKE) - 1) / 3, rtol=1e-5)


def test_losses_stay_finite_at_extreme_logits():
    far = np.array([[-1e4], [1e4]], "float32")
    for value in (
        losses.minimax_discriminator(far, far),
        losses.minimax_generator(far),
        losses.non_saturating_generator(far),
    ):
        assert np.isfinite(value)


def test_wasserstein():
    value, (real, fake) = value_and_gradients(losses.wasserstein_critic, REAL, FAKE)
    assert value == pytest.approx(FAKE.mean() - REAL.mean())
    np.testing.assert_allclose(real, np.full((3, 1), -1 / 3), rtol=1e-6)
    np.testing.assert_allclose(fake, np.full((3, 1), 1 / 3), rtol=1e-6)
    assert float(losses.wasserstein_generator(FAKE)) == pytest.approx(-FAKE.mean())


def test_gradient_penalty_of_a_linear_critic_is_closed_form():
    w = np.array([[3.0], [4.0]], "float32")  # ||w|| = 5, so the penalty is (5 - 1)^2 wherever it is taken
    random = np.random.default_rng(0)
    real, fake = random.standard_normal((2, 6, 2)).astype("float32")
    weights = tf.Variable(w)
    with tf.GradientTape() as tape:
        value = penalties.gradient_penalty(
            lambda x: x @ weights, real, fake, random.uniform(size=(6, 1)).astype("float32")
        )
    assert value.numpy() == pytest.approx(16.0, rel=1e-5)
    np.testing.assert_allclose(tape.gradient(value, weights), 2 * (5 - 1) * w / 5, rtol=1e-5)


def test_gradient_penalty_is_taken_between_the_batches():
    real, fake = np.full((4, 2, 2, 1), 2.0, "float32"), np.zeros((4, 2, 2, 1), "float32")
    epsilon = np.array([0.0, 0.25, 0.5, 1.0], "float32").reshape(4, 1, 1, 1)
    value = penalties.gradient_penalty(lambda x: tf.reduce_sum(x**2, [1, 2, 3]) / 2, real, fake, epsilon)
    norms = 2 * epsilon.ravel() * 2  # the gradient at x_hat is x_hat; four pixels of 2 epsilon
    assert value.numpy() == pytest.approx(np.mean((norms - 1) ** 2), rel=1e-5)


def test_gradient_penalty_has_a_gradient_where_the_critic_is_flat():
    weights = tf.Variable(tf.zeros((2, 1)))
    with tf.GradientTape() as tape:
        value = penalties.gradient_penalty(lambda x: x @ weights, tf.ones((3, 2)), tf.zeros((3, 2)), tf.ones((3, 1)))
    assert np.isfinite(tape.gradient(value, weights).numpy()).all()


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_least_squares_is_the_squared_distance_to_the_target(target):
    value, (scores,) = value_and_gradients(lambda scores: losses.least_squares(scores, target), FAKE)
    assert value == pytest.approx(np.mean((FAKE - target) ** 2), rel=1e-6)
    np.testing.assert_allclose(scores, 2 * (FAKE - target) / 3, rtol=1e-5)


def test_absolute_error_pulls_every_number_alike():
    value, (one, other) = value_and_gradients(losses.absolute_error, REAL, FAKE)
    assert value == pytest.approx((3 + 0.75 + 7) / 3, rel=1e-6)
    np.testing.assert_allclose(one, np.sign(REAL - FAKE) / 3, rtol=1e-6)
    np.testing.assert_allclose(other, -one, rtol=1e-6)


def test_cross_entropy_is_the_likelihood_of_the_labels():
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]], "float32")
    labels = np.array([2, 1], "int32")
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    value, (gradient,) = value_and_gradients(lambda logits: losses.cross_entropy(logits, labels), logits)
    assert value == pytest.approx(-np.mean(np.log(p[[0, 1], labels])), rel=1e-6)
    np.testing.assert_allclose(gradient, (p - np.eye(3)[labels]) / 2, rtol=1e-5, atol=1e-7)
