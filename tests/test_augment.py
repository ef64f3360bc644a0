"""Differentiable augmentation and its adaptive strength."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import augment as module
from tfgan_zoo import devices
from tfgan_zoo.augment import TRANSFORMS, AdaptiveAugmentation, augment
from tfgan_zoo.errors import ZooError
from tfgan_zoo.noise import NoiseStream

IMAGES = np.random.default_rng(0).uniform(-1, 1, (64, 16, 24, 3)).astype("float32")
MARKED = np.ones((64, 16, 24, 3), "float32")


def noise(seed=1):
    return NoiseStream(seed, tf.Variable(0, dtype=tf.int64))


def spread(values, low, high):
    """Whether 64 draws look uniform between two bounds."""
    values = np.asarray(values).ravel()
    assert low <= values.min() < low + 0.15 * (high - low)
    assert high - 0.15 * (high - low) < values.max() <= high


# === Transforms ===
def test_brightness_adds_one_number_to_each_image():
    added = np.asarray(module.brightness(IMAGES, noise())) - IMAGES
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1, :1], added.shape), atol=1e-6)
    spread(added[:, 0, 0, 0], -0.5, 0.5)


def test_saturation_scales_the_distance_from_grey():
    grey = IMAGES.mean(-1, keepdims=True)
    changed = np.asarray(module.saturation(IMAGES, noise()))
    factors = ((changed - grey) * (IMAGES - grey)).sum((1, 2, 3)) / ((IMAGES - grey) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(changed, grey + factors[:, None, None, None] * (IMAGES - grey), atol=1e-5)
    spread(factors, 0, 2)
    np.testing.assert_allclose(module.saturation(grey, noise()), grey, atol=1e-6)


def test_contrast_scales_the_distance_from_the_mean():
    mean = IMAGES.mean((1, 2, 3), keepdims=True)
    changed = np.asarray(module.contrast(IMAGES, noise()))
    factors = ((changed - mean) * (IMAGES - mean)).sum((1, 2, 3)) / ((IMAGES - mean) ** 2).sum((1, 2, 3))
    np.testing.assert_allclose(changed, mean + factors[:, None, None, None] * (IMAGES - mean), atol=1e-5)
    spread(factors, 0.5, 1.5)


def test_translation_shifts_whole_pixels_and_fills_with_zeros():
    changed = np.asarray(module.translation(IMAGES, noise()))
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (3, 3), (0, 0)))  # an eighth of 16 and of 24
    shifts = set()
    for before, after in zip(padded, changed):
        fits = [(i, j) for i in range(5) for j in range(7) if np.array_equal(before[i : i + 16, j : j + 24], after)]
        assert len(fits) == 1
        shifts |= set(fits)
    assert {i for i, _ in shifts} == set(range(5)) and {j for _, j in shifts} == set(range(7))


def test_cutout_covers_half_the_sides_wherever_it_is():
    covered = np.asarray(module.cutout(MARKED, noise()))[..., 0] == 0
    heights, widths = covered.any(2).sum(1), covered.any(1).sum(1)
    assert (covered.sum((1, 2)) == heights * widths).all()  # rectangles
    assert heights.max() == 8 and widths.max() == 12 and heights.min() >= 4 and widths.min() >= 6
    assert covered.any(0).all()  # every pixel is covered in one image or another


# === Policies ===
def test_policy_names_transforms_in_order():
    by_hand, drawn = noise(), noise()
    images = IMAGES
    for transform in (module.cutout, module.translation):
        images = transform(images, by_hand)
    np.testing.assert_array_equal(augment(IMAGES, drawn, "cutout, translation"), images)
    np.testing.assert_array_equal(augment(IMAGES, noise(), ["cutout", "translation"]), images)
    np.testing.assert_array_equal(augment(IMAGES, noise(), ""), IMAGES)


def test_what_is_no_policy_or_no_image_is_refused():
    with pytest.raises(ZooError, match="unknown augmentation 'colour': did you mean 'color'"):
        augment(IMAGES, noise(), "colour")
    with pytest.raises(ZooError, match=r"takes images .* got shape \(5, 2\)"):
        augment(tf.zeros((5, 2)), noise(), "color")


@pytest.mark.parametrize("policy", TRANSFORMS)
def test_gradients_pass_through(policy):
    """What the loss's gradient is at a changed pixel, it is at the pixel it came from; also a second time."""
    images = tf.constant(IMAGES[:4])
    with tf.GradientTape() as outer:
        outer.watch(images)
        with tf.GradientTape() as inner:
            inner.watch(images)
            loss = tf.reduce_sum(augment(images, noise(), policy) ** 3)
        slope = inner.gradient(loss, images)
        penalty = tf.reduce_sum(slope**2)
    curvature = outer.gradient(penalty, images)
    assert np.abs(slope).max() > 0 and np.isfinite(slope).all()
    assert np.abs(curvature).max() > 0 and np.isfinite(curvature).all()
    step = np.sign(slope) * 1e-3
    higher, lower = (tf.reduce_sum(augment(images + s, noise(), policy) ** 3) for s in (step, -step))
    assert float(higher - lower) == pytest.approx(2e-3 * np.abs(slope).sum(), rel=1e-2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_any_batch_under_a_trace(dtype):
    signature = [tf.TensorSpec((None, 16, 24, 3), dtype)]
    stream = noise()
    traced = tf.function(lambda images: augment(images, stream), input_signature=signature)
    for batch in (1, 5):
        answer = traced(tf.cast(IMAGES[:batch], dtype))
        assert answer.shape == (batch, 16, 24, 3) and answer.dtype == dtype


def test_xla_computes_the_same():
    stream = noise()
    compiled = tf.function(lambda images: augment(images, stream), jit_compile=True)
    assert np.isfinite(compiled(IMAGES[:4])).all()


def test_draws_follow_seed_and_step():
    same, other = augment(IMAGES, noise(1)), augment(IMAGES, noise(2))
    np.testing.assert_array_equal(augment(IMAGES, noise(1)), same)
    assert not np.allclose(same, other)


def test_probability_is_that_of_each_transform_of_each_image():
    many = np.ones((2000, 4, 4, 1), "float32")
    for probability in (0.0, 0.3, tf.constant(0.3), 1.0):
        changed = np.asarray(augment(many, noise(), "cutout", probability))
        share = (changed == 0).any((1, 2, 3)).mean()
        assert share == pytest.approx(float(probability), abs=0.04)


# === Adaptive strength ===
def observed(layer, logits, steps):
    for _ in range(steps):
        terms = layer.observe(tf.constant(logits, tf.float32))
    return terms


def test_strength_grows_while_the_discriminator_is_sure_and_falls_otherwise():
    layer = AdaptiveAugmentation(interval=4, images=1000, target=0.6)
    sure, unsure = np.ones((10, 1)), np.array([[1.0], [-1.0]] * 5)
    observed(layer, sure, 3)
    assert float(layer.p) == 0  # not yet
    terms = observed(layer, sure, 1)
    assert float(layer.p) == pytest.approx(4 * 10 / 1000)
    assert float(terms["augment_p"]) == pytest.approx(0.04) and float(terms["augment_r"]) == 1
    observed(layer, sure, 8)
    assert float(layer.p) == pytest.approx(0.12)
    observed(layer, unsure, 4)
    assert float(layer.p) == pytest.approx(0.08)
    observed(layer, unsure, 40)
    assert float(layer.p) == 0  # and not below


def test_strength_moves_by_the_mean_over_its_interval():
    layer = AdaptiveAugmentation(interval=2, images=100, target=0.5)
    observed(layer, np.ones((4, 1)), 1)
    observed(layer, [[1.0], [1.0], [1.0], [-1.0]], 1)  # r = 0.75
    assert float(layer.p) == pytest.approx(0.08)
    observed(layer, [[1.0], [-1.0], [-1.0], [-1.0]], 1)
    observed(layer, [[1.0], [1.0], [1.0], [-1.0]], 1)  # r = 0
    assert float(layer.p) == pytest.approx(0.0)


def test_p_is_the_probability_that_images_are_changed_with():
    layer = AdaptiveAugmentation("cutout")
    np.testing.assert_array_equal(layer.augment(IMAGES, noise()), IMAGES)
    layer.p.assign(0.4)
    share = (np.asarray(layer.augment(MARKED, noise())) == 0).any((1, 2, 3)).mean()
    assert share == pytest.approx(0.4, abs=0.15)
    layer.p.assign(1.0)
    np.testing.assert_array_equal(
        layer.augment(IMAGES, noise()) == 0, augment(IMAGES, noise(), "cutout", tf.constant(1.0)) == 0
    )


def test_replicas_share_one_strength():
    """Each replica sees its own logits; p is decided by all, as one replica with all of them would."""
    logits = np.array([[1.0], [1.0], [1.0], [-1.0], [1.0], [1.0], [-1.0], [1.0]], "float32")  # r = 1/2: halves 1/2, 1/2
    logits = np.roll(logits, 1)  # r of the halves: 0 and 1
    alone = AdaptiveAugmentation(interval=2, images=100, target=0.4)
    observed(alone, logits, 6)
    strategy = devices.strategy(2)
    with strategy.scope():
        shared = AdaptiveAugmentation(interval=2, images=100, target=0.4)
    halves = strategy.experimental_distribute_values_from_function(
        lambda context: logits[4 * context.replica_id_in_sync_group :][:4]
    )
    step = tf.function(shared.observe)
    for _ in range(6):
        strategy.run(step, args=(halves,))
    for weight, expected in zip(shared.weights, alone.weights):
        for replica in weight.value.values:
            np.testing.assert_allclose(replica, np.asarray(expected), rtol=1e-6)
    assert float(alone.p) == pytest.approx(0.48)


def test_configuration_and_state_are_kept():
    layer = AdaptiveAugmentation("color,cutout", target=0.5, interval=8, images=1000, probability=0.2)
    again = AdaptiveAugmentation.from_config(layer.get_config())
    assert again.get_config() == layer.get_config() and float(again.p) == pytest.approx(0.2)
    assert isinstance(
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)), AdaptiveAugmentation
    )
    assert len(layer.weights) == 3 and not layer.trainable_weights
