"""Each layer against its formula in NumPy, and what its paper says it does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from tfgan_zoo import devices, layers

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(1.0, 2.0, (6, 4, 6, 8)).astype("float32")


@pytest.fixture(autouse=True)
def same_first_weights():
    keras.utils.set_random_seed(0)


def close(actual, expected, tolerance=1e-4):
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)


def shuffled(layer):
    """The layer with weights away from their first values."""
    for weight in layer.trainable_weights:
        weight.assign(weight + RANDOM.normal(0, 0.5, weight.shape))
    return layer


def on_two(strategy, layer, *inputs, calls=1):
    """The layer's answers in training to halves of the inputs, put together."""

    @tf.function
    def step(shares):
        for _ in range(calls):
            answer = layer(*shares, training=True)
        return answer

    halves = [
        strategy.experimental_distribute_values_from_function(
            lambda context, x=x: x[len(x) // 2 * context.replica_id_in_sync_group :][: len(x) // 2]
        )
        for x in inputs
    ]
    return np.concatenate(strategy.experimental_local_results(strategy.run(step, args=(halves,))))


# === Spectral normalization ===
def spectral(layer, shape, iterations=1):
    wrapper = layers.SpectralNormalization(layer, power_iterations=iterations)
    wrapper.build((None, *shape))
    return wrapper


@pytest.mark.parametrize(
    "layer, shape, matrix",
    [
        (kl.Dense(5), (7,), lambda w: w),
        (kl.Conv2D(5, 3), (8, 8, 4), lambda w: w.reshape(-1, 5)),
        (kl.Conv2DTranspose(5, 3), (8, 8, 4), lambda w: w.transpose(0, 1, 3, 2).reshape(-1, 5)),
        (kl.Conv1D(5, 3), (8, 4), lambda w: w.reshape(-1, 5)),
        (kl.Embedding(9, 5), (), lambda w: w),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, keras.Layer) else "",
)
def test_sigma_is_the_largest_singular_value(layer, shape, matrix):
    wrapper = spectral(layer, shape, iterations=20)
    kernel = RANDOM.normal(0.5, 1.0, wrapper.kernel.shape)
    wrapper.kernel.assign(kernel)
    largest = np.linalg.svd(matrix(kernel), compute_uv=False)[0]
    assert float(wrapper.sigma()) != pytest.approx(largest, rel=0.1)  # of the first kernel
    assert float(wrapper.sigma(training=True)) == pytest.approx(largest, rel=1e-4)


def test_spectral_layer_computes_with_the_kernel_over_sigma():
    x = RANDOM.normal(size=(3, 7)).astype("float32")
    wrapper = spectral(kl.Dense(5), (7,))
    wrapper.layer.bias.assign(np.arange(5.0))
    kernel = np.asarray(wrapper.kernel)
    close(wrapper(x), x @ kernel / float(wrapper.sigma()) + np.arange(5.0))
    # right from the first call on, also in inference: 15 iterations were made when it was built
    assert float(wrapper.sigma()) == pytest.approx(np.linalg.svd(kernel, compute_uv=False)[0], rel=0.05)


def test_gradient_passes_through_sigma():
    """d/dW of a function of W / sigma(W) against differences; u and v are constants."""
    wrapper = spectral(kl.Dense(5, use_bias=False), (7,))
    weight, mix = np.asarray(wrapper.kernel, "float64"), RANDOM.normal(size=(7, 5))
    u, v = np.asarray(wrapper.u, "float64"), np.asarray(wrapper.v, "float64")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(wrapper(np.eye(7, dtype="float32")) * mix)
    gradient = np.asarray(tape.gradient(loss, wrapper.trainable_variables[0]))
    for place in [(0, 0), (3, 2), (6, 4)]:
        nudge = np.zeros((7, 5))
        nudge[place] = 1e-5
        up, down = ((mix * w).sum() / (v @ w @ u) for w in (weight + nudge, weight - nudge))
        assert gradient[place] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-4)


def test_vectors_move_once_per_call_in_training_and_rest_otherwise():
    wrapper = spectral(kl.Dense(5, use_bias=False), (7,))
    wrapper.kernel.assign(RANDOM.normal(size=(7, 5)))
    kernel, u = np.asarray(wrapper.kernel), np.asarray(wrapper.u)
    x = np.ones((2, 7), "float32")
    wrapper(x)
    wrapper(x, training=False)
    close(wrapper.u, u, 0)
    wrapper(x, training=True)
    v = kernel @ u / np.linalg.norm(kernel @ u)
    close(wrapper.v, v, 1e-6)
    close(wrapper.u, v @ kernel / np.linalg.norm(v @ kernel), 1e-6)


def test_vectors_move_once_per_call_over_two_replicas():
    kernel, x = RANDOM.normal(size=(7, 5)), np.ones((4, 7), "float32")
    alone = spectral(kl.Dense(5, use_bias=False, kernel_initializer="zeros"), (7,))
    strategy = devices.strategy(2)
    with strategy.scope():
        shared = spectral(kl.Dense(5, use_bias=False, kernel_initializer="zeros"), (7,))
        shared.u.assign(alone.u)
    for wrapper in (alone, shared):
        wrapper.kernel.assign(kernel)
    for _ in range(3):
        expected = alone(x, training=True)
    close(on_two(strategy, shared, x, calls=3), expected, 1e-6)
    for replica in shared.u.value.values:
        close(replica, np.asarray(alone.u), 1e-6)


def test_spectral_norm_stays_near_one_in_training():
    """As in the paper, 1 to 1.05, at its setting C: Adam 2e-4, real and fake through the layer at each step."""
    wrapper = spectral(kl.Conv2D(16, 3), (8, 8, 8))
    optimizer = keras.optimizers.Adam(2e-4, beta_1=0.5)
    optimizer.build(wrapper.trainable_variables)
    real, fake = (tf.constant(RANDOM.normal(mean, 1, (8, 8, 8, 8)), tf.float32) for mean in (0.0, 0.5))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(wrapper(fake, training=True)) - tf.reduce_mean(wrapper(real, training=True))
        optimizer.apply(tape.gradient(loss, wrapper.trainable_variables), wrapper.trainable_variables)

    norms = []
    for _ in range(60):
        step()
        norms.append(np.linalg.norm(np.asarray(wrapper.matrix()) / float(wrapper.sigma()), 2))
    assert 0.999 < min(norms) and max(norms) < 1.05


def test_a_kernel_of_zeros_stays_one():
    wrapper = spectral(kl.Dense(3, kernel_initializer="zeros"), (4,))
    close(wrapper(np.ones((2, 4), "float32"), training=True), np.zeros((2, 3)))


# === Other kernels ===
def test_weight_normalization_starts_as_the_layer_itself():
    plain, x = kl.Conv2DTranspose(5, 3, 2), X
    wrapper = layers.WeightNormalization(kl.Conv2DTranspose(5, 3, 2))
    plain.build(x.shape)
    wrapper.build(x.shape)
    plain.set_weights([np.asarray(wrapper.kernel), np.asarray(wrapper.layer.bias)])
    close(wrapper(x), plain(x))
    wrapper.g.assign(2 * wrapper.g)
    close(wrapper(x), 2 * np.asarray(plain(x)))
    wrapper.kernel.assign(3 * wrapper.kernel)  # only its direction counts
    close(wrapper(x), 2 * np.asarray(plain(x)))


def test_equalized_learning_rate():
    wrapper = layers.EqualizedLearningRate(kl.Dense(200), gain=2**0.5, lr_multiplier=0.01)
    x = RANDOM.normal(size=(300, 100)).astype("float32")
    wrapper.build(x.shape)
    wrapper.layer.bias.assign(np.arange(200.0))
    kernel = np.asarray(wrapper.kernel)
    assert kernel.std() == pytest.approx(100, rel=0.05)  # N(0, 1 / 0.01^2)
    close(wrapper(x), x @ kernel * (2**0.5 / 10 * 0.01) + 0.01 * np.arange(200.0), 1e-3)
    assert np.std(wrapper(x) - 0.01 * np.arange(200.0)) == pytest.approx(2**0.5, rel=0.05)


def test_equalized_fan_in_of_convolutions():
    for layer in (kl.Conv2D(64, 3, use_bias=False), kl.Conv2DTranspose(64, 3, use_bias=False)):
        wrapper = layers.EqualizedLearningRate(layer, gain=1.0)
        wrapper.build((None, 8, 8, 16))
        ((_, scaled),) = wrapper.replaced(training=False)
        assert np.std(scaled) == pytest.approx((3 * 3 * 16) ** -0.5, rel=0.05)


def test_grouped_convolution_is_keras_own():
    ours, keras_own = (kind(12, 3, 2, groups=4, padding="same") for kind in (layers.GroupedConv2D, kl.Conv2D))
    for layer in (ours, keras_own):
        layer.build(X.shape)
    shuffled(ours)
    keras_own.set_weights(ours.get_weights())
    close(ours(X), keras_own(X))


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("resized", ["enlarged", "shrunk"])
def test_convolutions_that_resize_are_two_layers_of_keras(size, resized):
    ours = {"enlarged": layers.EnlargingConv2D, "shrunk": layers.ShrinkingConv2D}[resized](7, size)
    convolve, resize = kl.Conv2D(7, size, padding="same"), {"enlarged": kl.UpSampling2D, "shrunk": kl.AveragePooling2D}
    steps = [resize[resized](2), convolve] if resized == "enlarged" else [convolve, resize[resized](2)]
    wrapped = layers.EqualizedLearningRate(ours)  # as families use them
    wrapped.build(X.shape)
    shuffled(wrapped)
    convolve.build(X.shape)
    kernel, bias = (weight.numpy() for weight in ours.weights)
    convolve.set_weights([kernel * (2 / (size * size * 8)) ** 0.5, bias])
    assert ours.compute_output_shape(X.shape) == keras.Sequential(steps)(X).shape
    close(wrapped(X), keras.Sequential(steps)(X))


# === Normalization ===
def normalized(x, axes, epsilon):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_instance_norm_without_weights():
    layer = layers.instance_norm(affine=False)
    close(layer(X), normalized(X, (1, 2), 1e-5))
    assert not layer.weights


def test_pixel_normalization():
    close(layers.PixelNormalization()(X), X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-8))
    z = RANDOM.normal(size=(5, 32)).astype("float32")
    close(np.square(layers.PixelNormalization()(z)).sum(-1), np.full(5, 32.0))


def test_batch_norm_by_class():
    labels = np.array([0, 2, 2, 1, 0, 2])
    layer = layers.ConditionalBatchNormalization(num_classes=3)
    layer.build(X.shape, labels.shape)
    close(layer(X, labels, training=True), normalized(X, (0, 1, 2), 1e-5))  # all classes alike at first
    gain, offset = RANDOM.normal(size=(2, 3, 8))
    layer.gain.embeddings.assign(gain)
    layer.offset.embeddings.assign(offset)
    mean, variance = np.asarray(layer.norm.moving_mean), np.asarray(layer.norm.moving_variance)
    assert not np.allclose(mean, 0)
    rested = (X - mean) / np.sqrt(variance + 1e-5)
    by_image = [table[labels][:, None, None] for table in (gain, offset)]
    close(layer(X, labels), rested * (1 + by_image[0]) + by_image[1])


def test_batch_norm_by_vector():
    c = RANDOM.normal(size=(6, 5)).astype("float32")
    layer = layers.ConditionalBatchNormalization()
    layer.build(X.shape, c.shape)
    gain, offset = (c @ np.asarray(table.kernel) for table in (layer.gain, layer.offset))
    close(
        layer(X, c, training=True),
        normalized(X, (0, 1, 2), 1e-5) * (1 + gain[:, None, None]) + offset[:, None, None],
    )
    spectral = layers.ConditionalBatchNormalization(spectral=True)
    spectral.build(X.shape, c.shape)
    assert isinstance(spectral.gain, layers.SpectralNormalization)


def test_conditional_batch_norm_takes_the_global_batch():
    labels = np.array([0, 2, 2, 1, 0, 2], "int32")
    strategy = devices.strategy(2)
    with strategy.scope():
        layer = layers.ConditionalBatchNormalization(num_classes=3)
        layer.build(X.shape, labels.shape)
    close(on_two(strategy, layer, X, labels), normalized(X, (0, 1, 2), 1e-5))


def test_adain():
    w = RANDOM.normal(size=(6, 5)).astype("float32")
    layer = layers.AdaptiveInstanceNormalization()
    layer.build(X.shape, w.shape)
    shuffled(layer)
    style = w @ np.asarray(layer.style.kernel) / 5**0.5 + np.asarray(layer.style.layer.bias)
    s, b = np.split(style[:, None, None], 2, axis=-1)
    close(layer(X, w), normalized(X, (1, 2), 1e-8) * (1 + s) + b)


@pytest.mark.parametrize("batch, group", [(6, 3), (4, 4), (5, 1), (8, 4), (3, 3)])
def test_minibatch_stddev_over_the_largest_group_that_divides(batch, group):
    x = RANDOM.normal(size=(batch, 4, 3, 2)).astype("float32")
    groups = x.reshape(group, batch // group, 4, 3, 2)
    deviations = np.sqrt(groups.var(0) + 1e-8).mean((1, 2, 3))
    expected = np.concatenate(
        [x, np.broadcast_to(np.tile(deviations, group)[:, None, None, None], (batch, 4, 3, 1))], -1
    )
    layer = layers.MinibatchStdDev(4)
    close(layer(x), expected)
    traced = tf.function(layer, input_signature=[tf.TensorSpec((None, 4, 3, 2))])  # batch unknown
    close(traced(x), expected)


# === Attention, highway ===
def test_self_attention():
    layer = layers.SelfAttention(spectral=False)
    layer.build(X.shape)
    close(layer(X), X)  # gamma is 0
    shuffled(layer)

    def conv(name, x):
        return x @ np.asarray(getattr(layer, name).kernel)[0, 0]

    def pooled(x):
        return x.reshape(6, 2, 2, 3, 2, -1).max((2, 4)).reshape(6, 6, -1)

    scores = conv("query", X).reshape(6, 24, -1) @ pooled(conv("key", X)).transpose(0, 2, 1)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    seen = (weights @ pooled(conv("value", X))).reshape(6, 4, 6, 4)
    close(layer.attention(X), weights)
    close(layer(X), X + float(layer.gamma) * conv("output_map", seen), 1e-3)


def test_attention_layers_draw_different_kernels():
    layer = layers.SelfAttention(spectral=False)
    layer.build(X.shape)
    assert not np.allclose(layer.query.kernel, layer.key.kernel)


def test_highway():
    x = RANDOM.normal(size=(4, 5)).astype("float32")
    layer = layers.Highway()
    close(layer(np.zeros((1, 5), "float32")), np.zeros((1, 5)))
    close(layer.gate.bias, np.full(5, -2.0))
    shuffled(layer)
    dense = [x @ np.asarray(part.kernel) + np.asarray(part.bias) for part in (layer.transform, layer.gate)]
    gate = 1 / (1 + np.exp(-dense[1]))
    close(layer(x), gate * np.maximum(dense[0], 0) + (1 - gate) * x)


# === Resampling ===
def upfirdn(x, taps, up, down, before, after):
    """Along one axis (the first of x): zeros between, zeros around, convolution, every `down`-th."""
    spread = np.zeros((len(x) * up, *x.shape[1:]))
    spread[::up] = x
    padded = np.pad(spread, [(before, after)] + [(0, 0)] * (x.ndim - 1))
    full = [
        sum(taps[len(taps) - 1 - k] * padded[i + k] for k in range(len(taps)))
        for i in range(len(padded) - len(taps) + 1)
    ]
    return np.stack(full[::down])


@pytest.mark.parametrize(
    "taps, up, down, before, after",  # the paddings of the StyleGAN authors' upsample2d, downsample2d and filter2d
    [
        ((1, 3, 3, 1), 2, 1, 2, 1),
        ((1, 3, 3, 1), 1, 2, 1, 1),
        ((1, 2, 1), 1, 1, 1, 1),
        ((1, 2, 4), 1, 1, 1, 1),
        ((1, 4, 6, 4, 1), 2, 1, 3, 1),
        ((1, 2, 1), 3, 1, 2, 0),
        ((1, 2, 3, 4), 1, 3, 1, 0),
    ],
)
def test_upfirdn(taps, up, down, before, after):
    weights = np.array(taps) / sum(taps) * up
    along_height = upfirdn(X.transpose(1, 0, 2, 3), weights, up, down, before, after)
    both = upfirdn(along_height.transpose(2, 1, 0, 3), weights, up, down, before, after)
    layer = layers.UpFirDn2D(taps, up, down)
    close(layer(X), both.transpose(1, 2, 0, 3))
    assert layer(X).shape == layer.compute_output_shape(X.shape)


def test_upfirdn_is_enlarging_and_blur_and_blur_and_mean():
    blur = layers.UpFirDn2D((1, 2, 1))
    close(layers.UpFirDn2D(up=2)(X), blur(kl.UpSampling2D(2)(X)))
    close(layers.UpFirDn2D(down=2)(X), kl.AveragePooling2D(2)(blur(X)))
    flat = np.ones((1, 8, 8, 2), "float32")
    for layer in (blur, layers.UpFirDn2D(up=2), layers.UpFirDn2D(down=2)):
        close(layer(flat)[:, 2:-2, 2:-2], np.ones_like(layer(flat)[:, 2:-2, 2:-2]))  # brightness is kept


def test_pixel_shuffle_is_depth_to_space():
    close(layers.PixelShuffle(2)(X), tf.nn.depth_to_space(X, 2), 0)


def test_icnr_starts_as_nearest_enlarging():
    conv = kl.Conv2D(12, 3, padding="same", kernel_initializer=layers.ICNR(2))
    y = np.asarray(layers.PixelShuffle(2)(conv(X)))
    assert y.shape == (6, 8, 12, 3)
    close(y, y[:, ::2, ::2].repeat(2, 1).repeat(2, 2), 1e-6)
    assert np.std(y) > 0.1
    restored = keras.initializers.deserialize(keras.initializers.serialize(layers.ICNR(3, "he_normal")))
    assert restored.size == 3 and isinstance(restored.initializer, keras.initializers.HeNormal)


def test_reflection_padding():
    close(layers.ReflectionPadding2D(3)(X), np.pad(X, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect"), 0)


# === Noise ===
def test_noise_injection():
    layer = layers.NoiseInjection()
    noise = RANDOM.normal(size=(6, 4, 6, 1)).astype("float32")
    close(layer(X, noise), X)
    layer.scale.assign(np.arange(8.0))
    close(layer(X, noise), X + np.arange(8.0) * noise)


def test_gaussian_noise():
    layer, x = layers.GaussianNoise(0.5, seed=3), np.zeros((100, 100), "float32")
    close(layer(x), x)
    first, second = np.asarray(layer(x, training=True)), np.asarray(layer(x, training=True))
    for noise in (first, second, (first + second) / 2**0.5):
        assert noise.mean() == pytest.approx(0, abs=0.02) and noise.std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("make", [lambda: layers.GaussianNoise(1.0, seed=3), lambda: layers.Dropout(0.5, seed=3)])
def test_replicas_draw_different_noise(make):
    strategy = devices.strategy(2)
    with strategy.scope():
        layer = make()
        layer.build((None, 50))
    answer = on_two(strategy, layer, np.ones((2, 50), "float32"))
    assert not np.array_equal(answer[0], answer[1])


@pytest.mark.parametrize("per", ["batch", "example", "channel"])
def test_phase_shuffle_shifts_and_reflects(per):
    x = RANDOM.normal(size=(40, 9, 3)).astype("float32")
    padded = np.pad(x, ((0, 0), (2, 2), (0, 0)), mode="reflect")
    shifted = np.stack([padded[:, 2 + s : 11 + s] for s in range(-2, 3)])  # (shift, example, time, channel)
    layer = layers.PhaseShuffle(2, per=per, seed=0)
    close(layer(x), x, 0)
    answers = [np.asarray(layer(x, training=True)) for _ in range(30)]
    shifts = []
    for answer in answers:
        fits = (shifted == answer).all(2)  # (shift, example, channel)
        assert (fits.sum(0) == 1).all()
        shifts.append(fits.argmax(0))
    assert set(np.unique(shifts)) == set(range(5))
    per_call = [len(np.unique(s)) for s in shifts]
    assert max(per_call) == 1 if per == "batch" else min(per_call) > 2
    if per == "example":
        assert all((s == s[:, :1]).all() for s in shifts)
    if per == "channel":
        assert any((s != s[:, :1]).any() for s in shifts)


def test_phase_shuffle_of_spectrograms_moves_time_alone():
    x = np.tile(np.arange(5.0, dtype="float32")[None, None, :, None], (2, 7, 1, 3))  # the same at all times
    for per in ("batch", "example", "channel"):
        close(layers.PhaseShuffle(2, per=per, seed=0)(x, training=True), x, 0)


# === Partial convolution ===
def partial(x, valid, **arguments):
    """A partial convolution with weights away from their first values, its answer and mask as arrays."""
    layer = layers.PartialConv2D(5, **{"kernel_size": 3, "padding": "same", **arguments})
    layer.build(x.shape, valid.shape)
    made, known = shuffled(layer)(x, valid)
    return layer, made.numpy(), known.numpy()


def masks(*shape, share=0.5):
    return (np.random.default_rng(1).random(shape) < share).astype("float32")


@pytest.mark.parametrize("channels", [1, 8])
@pytest.mark.parametrize("strides", [1, 2])
def test_partial_convolution_is_the_papers_formula(channels, strides):
    valid = masks(*X.shape[:3], channels, share=0.2 if channels == 1 else 0.05)
    layer, made, known = partial(X, valid, strides=strides, padding="valid")
    kernel, bias = layer.kernel.numpy(), layer.bias.numpy()
    every = np.broadcast_to(valid, X.shape)
    for n, y, x in np.ndindex(known.shape[:3]):
        window = np.s_[n, y * strides : y * strides + 3, x * strides : x * strides + 3]
        total = every[window].sum()
        assert known[n, y, x] == (total > 0)
        seen = np.tensordot(X[window] * every[window], kernel, 3)
        close(made[n, y, x], seen * 3 * 3 * 8 / total + bias if total else 0 * bias)
    assert 0 < known.mean() < 1


def test_partial_convolution_sees_nothing_of_what_is_not_valid():
    valid = masks(*X.shape[:3], 1)
    layer, made, _ = partial(X, valid)
    for other in (0.0, 1e9, np.nan, np.random.default_rng(2).normal(size=X.shape)):
        changed = np.where(valid > 0, X, other).astype("float32")
        np.testing.assert_array_equal(layer(changed, valid)[0], made)


def test_partial_convolution_keeps_a_constant_whatever_the_mask():
    """With a kernel of mean 1 / inputs, as a mean over the window is; margins count as holes."""
    layer, _, _ = partial(X, masks(*X.shape[:3], 1))
    layer.kernel.assign(np.full(layer.kernel.shape, 1 / (9 * 8)))
    layer.bias.assign(np.zeros(5))
    made, known = layer(np.full_like(X, 3.0), masks(*X.shape[:3], 1, share=0.2))
    close(made, 3 * np.broadcast_to(known, made.shape))


def test_a_hole_shrinks_by_a_pixel_at_each_side():
    valid = np.ones((1, 15, 15, 1), "float32")
    valid[:, 4:11, 4:11] = 0
    x = np.zeros((1, 15, 15, 8), "float32")
    for width in (5, 3, 1, 0):
        _, _, valid = partial(x, valid)
        assert (valid == 0).sum() == width**2
        _, _, halved = partial(x, valid, strides=2)
        assert (halved == 0).sum() <= max(0, width // 2) ** 2


def test_a_partial_convolution_of_a_whole_picture_is_a_convolution_but_at_the_margins():
    layer, made, known = partial(X, np.ones((6, 4, 6, 1), "float32"))
    plain = keras.ops.conv(X, layer.kernel, padding="same") + layer.bias
    assert known.all()
    close(made[:, 1:-1, 1:-1], plain[:, 1:-1, 1:-1])
    close(made[:, 0, 0] - layer.bias, (plain[:, 0, 0] - layer.bias) * 9 / 4)
