"""Attacks against classifiers whose slopes are known."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.networks.attacks import bounded, fgsm, margin, pgd

WEIGHTS = np.random.default_rng(0).normal(size=(4, 4, 1, 3)).astype(np.float32)
LABELS = np.array([0, 2, 1, 1, 0])


def linear(images):
    """Logits w_i . x: the slope of -log p(y) is sum_i p_i w_i - w_y."""
    return tf.einsum("nhwc,hwck->nk", images, WEIGHTS)


def pictures(low=-0.3, high=0.3, seed=1):
    return np.random.default_rng(seed).uniform(low, high, (5, 4, 4, 1)).astype(np.float32)


def slopes(images):
    p = tf.nn.softmax(linear(images)).numpy()
    return np.einsum("nk,hwck->nhwc", p, WEIGHTS) - np.moveaxis(WEIGHTS, -1, 0)[LABELS]


def test_fgsm_goes_one_step_against_the_label():
    x = pictures()
    made = fgsm(linear, tf.constant(x), LABELS, 0.1)
    np.testing.assert_allclose(made, x + 0.2 * np.sign(slopes(x)), atol=1e-6)


def test_no_attack_leaves_the_range_of_pictures_or_its_bound():
    x = pictures(-1, 1)
    noise = pictures(-1, 1, seed=2)
    for made in (fgsm(linear, tf.constant(x), LABELS, 0.3), pgd(linear, tf.constant(x), LABELS, 0.3, noise)):
        made = made.numpy()
        assert np.abs(made).max() == 1 and np.abs(made - x).max() == pytest.approx(0.6, abs=1e-6)
    np.testing.assert_allclose(bounded(x, x + 9, 0.25), np.minimum(x + 0.5, 1))


def test_pgd_begins_where_the_noise_says_and_climbs():
    x, noise = pictures(), pictures(-1, 1, seed=2)
    start = x + 0.2 * noise
    np.testing.assert_allclose(pgd(linear, tf.constant(x), LABELS, 0.1, noise, steps=0), start, atol=1e-6)
    once = pgd(linear, tf.constant(x), LABELS, 0.1, noise, steps=1, rate=0.02)
    np.testing.assert_allclose(once, np.clip(start + 0.04 * np.sign(slopes(start)), x - 0.2, x + 0.2), atol=1e-6)

    def losses(made):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, linear(made)).numpy().mean()

    assert losses(pgd(linear, tf.constant(x), LABELS, 0.1, noise)) > losses(fgsm(linear, tf.constant(x), LABELS, 0.1))


def test_the_margin_is_that_of_carlini_and_wagner():
    logits = tf.constant([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
    np.testing.assert_allclose(margin(logits, tf.constant([0, 0])), [1.5, 0.0])
    np.testing.assert_allclose(margin(logits, tf.constant([0, 0]), confidence=2.0), [1.5, -2.0])
    np.testing.assert_allclose(margin(logits, tf.constant([0, 0]), confidence=9.0), [1.5, -3.0])
