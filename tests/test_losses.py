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


def test_hinge_is_0_beyond_the_margin():
    scores = np.array([[2.0], [0.5], [-3.0]], "float32")
    assert float(losses.hinge(scores, 1)) == pytest.approx((0 + 0.5 + 4) / 3)
    assert float(losses.hinge(scores, -1)) == pytest.approx((3 + 1.5 + 0) / 3)


def test_total_variation_is_the_sum_over_both_directions():
    x = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype("float32")
    expected = np.square(np.diff(x, axis=1)).mean() + np.square(np.diff(x, axis=2)).mean()
    assert float(losses.total_variation(tf.constant(x))) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_is_the_likelihood_of_the_labels():
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]], "float32")
    labels = np.array([2, 1], "int32")
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    value, (gradient,) = value_and_gradients(lambda logits: losses.cross_entropy(logits, labels), logits)
    assert value == pytest.approx(-np.mean(np.log(p[[0, 1], labels])), rel=1e-6)
    np.testing.assert_allclose(gradient, (p - np.eye(3)[labels]) / 2, rtol=1e-5, atol=1e-7)


def test_squared_distance_sums_over_an_example():
    one, other = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    value, (gradient,) = value_and_gradients(lambda one: losses.squared_distance(one, other), one)
    assert value == pytest.approx(np.square(one - other).sum() / 3, rel=1e-5)
    np.testing.assert_allclose(gradient, 2 * (one - other) / 3, rtol=1e-4, atol=1e-6)


def test_divergence_from_normal_is_that_of_samples():
    """KL = E[log p - log q] over draws from the code's own Gaussian."""
    mean, log_variance = np.array([[0.5, -1.0]], "float32"), np.array([[0.3, -0.7]], "float32")
    z = mean + np.exp(log_variance / 2) * np.random.default_rng(0).normal(size=(400_000, 2))
    log_ratio = -((z - mean) ** 2) / np.exp(log_variance) / 2 - log_variance / 2 + z**2 / 2
    value, _ = value_and_gradients(lambda mean: losses.divergence_from_normal(mean, log_variance), mean)
    assert value == pytest.approx(log_ratio.sum(1).mean(), rel=0.01)
    assert float(losses.divergence_from_normal(tf.zeros((2, 3)), tf.zeros((2, 3)))) == 0


# === Losses by name ===
def log_sigmoid(x):
    return np.log(sigmoid(x))


def log_partition(*scores):
    return np.log(np.exp(np.concatenate(scores)).sum())


FORMULAS = {  # {name: (discriminator, generator)} as the papers write them, from (real, fake)
    "minimax": (
        lambda r, f: -np.mean(log_sigmoid(r)) - np.mean(log_sigmoid(-f)),
        lambda r, f: np.mean(np.log(1 - sigmoid(f))),
    ),
    "non_saturating": (
        lambda r, f: -np.mean(log_sigmoid(r)) - np.mean(log_sigmoid(-f)),
        lambda r, f: -np.mean(np.log(sigmoid(f))),
    ),
    "least_squares": (
        lambda r, f: np.mean((r - 1) ** 2) / 2 + np.mean(f**2) / 2,
        lambda r, f: np.mean((f - 1) ** 2) / 2,
    ),
    "pearson": (
        lambda r, f: np.mean((r - 1) ** 2) / 2 + np.mean((f + 1) ** 2) / 2,
        lambda r, f: np.mean(f**2) / 2,
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "hinge": (
        lambda r, f: np.mean(np.maximum(0, 1 - r)) + np.mean(np.maximum(0, 1 + f)),
        lambda r, f: -f.mean(),
    ),
    "relativistic": (
        lambda r, f: -np.mean(log_sigmoid(r - f)),
        lambda r, f: -np.mean(log_sigmoid(f - r)),
    ),
    "relativistic_average": (
        lambda r, f: -np.mean(log_sigmoid(r - f.mean())) - np.mean(np.log(1 - sigmoid(f - r.mean()))),
        lambda r, f: -np.mean(log_sigmoid(f - r.mean())) - np.mean(np.log(1 - sigmoid(r - f.mean()))),
    ),
    "softmax": (  # targets: 1 / |B| for real ones, 0 for others; 1 / 2|B| for all
        lambda r, f: -np.mean(r) + log_partition(r, f),
        lambda r, f: -np.mean(np.concatenate([r, f])) + log_partition(r, f),
    ),
    "boundary_seeking": (
        lambda r, f: -np.mean(log_sigmoid(r)) - np.mean(log_sigmoid(-f)),
        lambda r, f: np.mean((np.log(sigmoid(f)) - np.log(1 - sigmoid(f))) ** 2) / 2,
    ),
}


def test_every_loss_has_a_formula_here():
    assert set(FORMULAS) == set(losses.LOSSES)


@pytest.mark.parametrize("name", FORMULAS)
def test_losses_by_name(name):
    """Values, and gradients by finite differences of the paper's formula."""
    loss = losses.LOSSES[name]
    for ours, formula in zip((loss.discriminator, loss.generator), FORMULAS[name]):
        value, gradients = value_and_gradients(
            lambda r, f, ours=ours: ours(r, f) + 0 * tf.reduce_sum(r + f), REAL, FAKE
        )
        assert value == pytest.approx(formula(REAL.astype(float), FAKE.astype(float)), rel=1e-5)
        for side, gradient in enumerate(gradients):
            for i in range(3):
                low, high = ([REAL.astype(float), FAKE.astype(float)] for _ in range(2))
                low[side], high[side] = low[side].copy(), high[side].copy()
                low[side][i] -= 1e-6
                high[side][i] += 1e-6
                slope = (formula(*high) - formula(*low)) / 2e-6
                assert gradient[i, 0] == pytest.approx(slope, rel=1e-3, abs=1e-5)
    moved = REAL + np.array([[1], [0], [0]], "float32")
    assert loss.compares == (FORMULAS[name][1](REAL, FAKE) != FORMULAS[name][1](moved, FAKE))


# === Penalties ===
RANDOM = np.random.default_rng(3)
W = RANDOM.standard_normal((4, 1)).astype("float32")
X, Y = RANDOM.standard_normal((2, 6, 4)).astype("float32")
EPSILON = RANDOM.uniform(size=(6, 1)).astype("float32")


def squared(x):
    """A critic x.x / 2, whose gradient is x itself."""
    return tf.reduce_sum(x**2, 1) / 2


def test_one_sided_leaves_small_slopes_alone():
    mixed = EPSILON * X + (1 - EPSILON) * Y
    norms = np.linalg.norm(mixed, axis=1)
    expected = np.mean(np.maximum(0, norms - 1) ** 2)
    assert float(penalties.one_sided(squared, X, Y, EPSILON)) == pytest.approx(expected, rel=1e-4)
    assert float(penalties.one_sided(lambda x: squared(x) / 100, X, Y, EPSILON)) == 0.0


def test_zero_centred_is_half_the_squared_norm():
    assert float(penalties.zero_centred(squared, X)) == pytest.approx(np.mean(np.sum(X**2, 1)) / 2, rel=1e-5)
    weights = tf.Variable(W)
    with tf.GradientTape() as tape:
        value = penalties.zero_centred(lambda x: x @ weights, X)
    np.testing.assert_allclose(tape.gradient(value, weights), W, rtol=1e-5)  # d (w.w / 2) / dw


def test_zero_centred_has_a_gradient_where_the_slope_is_zero():
    weights = tf.Variable(np.zeros((4, 1), "float32"))
    with tf.GradientTape() as tape:
        value = penalties.zero_centred(lambda x: x @ weights, X)
    assert np.isfinite(tape.gradient(value, weights)).all() and value.numpy() == 0


def test_dragan_is_taken_around_the_real_data():
    noise = RANDOM.uniform(size=X.shape).astype("float32")
    near = X + EPSILON * 0.5 * X.std() * noise
    expected = np.mean((np.linalg.norm(near, axis=1) - 1) ** 2)
    assert float(penalties.dragan(squared, X, noise, EPSILON)) == pytest.approx(expected, rel=1e-4)


def test_wgan_div_is_the_sixth_power():
    mixed = EPSILON * X + (1 - EPSILON) * Y
    expected = np.mean(np.linalg.norm(mixed, axis=1) ** 6)
    assert float(penalties.wgan_div(squared, X, Y, EPSILON)) == pytest.approx(expected, rel=1e-4)


def test_contrastive_codes_name_their_partners_within_their_group():
    one, other = np.random.default_rng(0).normal(size=(2, 6, 4)).astype("float32")

    def named(a, b):
        fits = 5 * a @ b.T
        return np.mean([np.log(np.exp(row).sum()) - row[place] for place, row in enumerate(fits)])

    expected = np.mean([named(a, b) + named(b, a) for a, b in zip(np.split(one, 2), np.split(other, 2))])
    assert float(losses.contrastive(one, other, 3, 5.0)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.contrastive(one[:5], other[:5], 3, 5.0)) == float(
        losses.contrastive(one[:3], other[:3], 3, 5.0)
    )
    graph = tf.function(
        losses.contrastive, input_signature=[tf.TensorSpec([None, 4])] * 2 + [tf.TensorSpec([], "int32")]
    )
    assert float(graph(one[:3], other[:3], 16)) == float(losses.contrastive(one[:3], other[:3], 3))


def test_drift_is_the_mean_square_of_the_scores():
    assert float(penalties.drift(REAL)) == pytest.approx(np.mean(np.square(REAL)), rel=1e-6)


def test_lecam_draws_each_side_to_the_others_average():
    expected = np.mean((REAL - 0.5) ** 2) + np.mean((FAKE - 2.0) ** 2)
    assert float(penalties.lecam(REAL, FAKE, 2.0, 0.5)) == pytest.approx(expected, rel=1e-6)


def test_orthogonal_looks_at_filters_that_are_not_apart():
    kernel = RANDOM.standard_normal((3, 2, 4)).astype("float32")
    matrix = kernel.reshape(6, 4)
    expected = np.sum((matrix.T @ matrix * (1 - np.eye(4))) ** 2)
    assert float(penalties.orthogonal([tf.Variable(kernel)])) == pytest.approx(expected, rel=1e-5)
    assert float(penalties.orthogonal([tf.Variable(np.eye(4, dtype="float32"))])) == 0


def test_products_are_gram_matrices_over_positions_and_channels():
    maps = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype("float32")
    expected = [m.reshape(15, 4).T @ m.reshape(15, 4) / (15 * 4) for m in maps]
    np.testing.assert_allclose(losses.products(tf.constant(maps)), expected, rtol=1e-5)
    shuffled = maps[:, ::-1, [3, 1, 0, 2, 4]]
    np.testing.assert_allclose(losses.products(tf.constant(shuffled)), expected, rtol=1e-5, atol=1e-6)


def test_variation_counts_neighbours_in_the_part_and_next_to_it():
    x = np.zeros((1, 6, 6, 2), "float32")
    x[:, 2] = 3.0
    part = np.zeros((1, 6, 6, 1), "float32")
    part[0, 2, 2] = 1  # with its rim: rows and columns 1 to 3
    steps = 2 * 3 * 2  # up to row 2 and down from it, in three columns of both channels
    assert float(losses.variation(x, part)) == pytest.approx(3.0 * steps / (5 * 6 * 2))
    assert float(losses.variation(x, 0 * part)) == 0
    assert float(losses.variation(x[:, :, ::-1], part * 0 + 1)) == pytest.approx(3.0 * 2 * 12 / 60)
