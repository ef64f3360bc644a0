"""What every layer must do: any batch, saving and loading, mixed precision, XLA, gradients, two replicas."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from tfgan_zoo import devices, layers
from tfgan_zoo.errors import ZooError

MAP = (6, 6, 8)
LINE = (16, 4)
CASES = {  # name: (makes the layer, shapes of its inputs; "int" stands for class labels)
    "adain": (layers.AdaptiveInstanceNormalization, MAP, (5,)),
    "basis": (lambda: layers.Basis((4, 6)), (1, 1, 8)),
    "cbn labels": (lambda: layers.ConditionalBatchNormalization(num_classes=3), MAP, "int"),
    "cbn vectors": (lambda: layers.ConditionalBatchNormalization(spectral=True), MAP, (5,)),
    "dropout": (lambda: layers.Dropout(0.5, seed=1), MAP),
    "enlarging conv": (lambda: layers.EnlargingConv2D(4), MAP),
    "equalized": (lambda: layers.EqualizedLearningRate(kl.Conv2D(4, 3), lr_multiplier=0.5), MAP),
    "equalized transpose": (lambda: layers.EqualizedLearningRate(kl.Conv2DTranspose(4, 3, 2)), MAP),
    "gaussian noise": (lambda: layers.GaussianNoise(0.5, seed=1), MAP),
    "grouped conv": (lambda: layers.GroupedConv2D(4, 3, 2, groups=2, padding="same"), MAP),
    "highway": (layers.Highway, LINE),
    "instance norm": (layers.instance_norm, MAP),
    "maxout": (lambda: layers.Maxout(3, pieces=2), (5,)),
    "minibatch stddev": (lambda: layers.MinibatchStdDev(4), MAP),
    "noise injection": (layers.NoiseInjection, MAP, (6, 6, 1)),
    "partial conv": (lambda: lambda x, m: layers.PartialConv2D(4, 3, 2)(x, kl.Activation("sigmoid")(m))[0], MAP, MAP),
    "phase shuffle": (lambda: layers.PhaseShuffle(2, seed=1), LINE),
    "phase shuffle channel": (lambda: layers.PhaseShuffle(2, per="channel", seed=1), LINE),
    "pixel norm": (layers.PixelNormalization, MAP),
    "pixel shuffle": (lambda: layers.PixelShuffle(2), MAP),
    "reflection": (lambda: layers.ReflectionPadding2D(2), MAP),
    "self-attention": (layers.SelfAttention, MAP),
    "self-attention plain": (lambda: layers.SelfAttention(spectral=False, kernel_initializer="orthogonal"), MAP),
    "shrinking conv": (lambda: layers.ShrinkingConv2D(4, 5), MAP),
    "spectral conv": (lambda: layers.SpectralNormalization(kl.Conv2D(4, 3)), MAP),
    "spectral transpose": (lambda: layers.SpectralNormalization(kl.Conv2DTranspose(4, 3, 2), power_iterations=2), MAP),
    "spectral embedding": (lambda: layers.SpectralNormalization(kl.Embedding(3, 4)), "int"),
    "upfirdn blur": (lambda: layers.UpFirDn2D((1, 2, 1)), MAP),
    "upfirdn up": (lambda: layers.UpFirDn2D(up=2), MAP),
    "upfirdn down": (lambda: layers.UpFirDn2D(down=2), MAP),
    "waves": (lambda: layers.Waves(2), MAP, (4,)),
    "weight norm": (lambda: layers.WeightNormalization(kl.Conv2D(4, 3)), MAP),
    "weight norm transpose": (lambda: layers.WeightNormalization(kl.Conv2DTranspose(4, 3)), MAP),
}
COMPILED = (  # those with state or with shapes that XLA must know
    "cbn vectors",
    "minibatch stddev",
    "phase shuffle channel",
    "pixel shuffle",
    "reflection",
    "self-attention",
    "spectral embedding",
    "upfirdn up",
    "weight norm",
)
each_layer = pytest.mark.parametrize("name", CASES)


def model_of(name, dtype="float32"):
    """The layer as a model of its own, with weights away from their first values."""
    make, *shapes = CASES[name]
    keras.utils.set_random_seed(3)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        inputs = [keras.Input((), dtype="int32") if shape == "int" else keras.Input(shape) for shape in shapes]
        model = keras.Model(inputs, make()(*inputs))
    finally:
        keras.config.set_dtype_policy(before)
    random = np.random.default_rng(4)
    for weight in model.trainable_weights:
        weight.assign(weight + random.normal(0, 0.3, weight.shape))
    return model


@functools.cache
def resting(name):
    """A model that no test trains."""
    return model_of(name)


def inputs_of(name, batch=3):
    random = np.random.default_rng(5)
    return [
        tf.constant(random.integers(0, 3, batch), tf.int32)
        if shape == "int"
        else tf.constant(random.normal(size=(batch, *shape)), tf.float32)
        for shape in CASES[name][1:]
    ]


def as_float(tensor):
    return np.asarray(tf.cast(tensor, tf.float32))


def test_every_layer_has_a_case():
    made = {type(layer) for name in CASES for layer in resting(name).layers}
    public = {getattr(layers, name) for name in layers.__all__}
    assert {c for c in public if isinstance(c, type) and issubclass(c, keras.Layer)} <= made


@each_layer
def test_any_batch_has_the_promised_shape(name):
    model = resting(name)
    traced = tf.function(
        model, input_signature=[[tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in inputs_of(name)]]
    )
    for batch in (1, 3, 4):
        inputs = inputs_of(name, batch)
        answer = model(inputs)
        assert answer.shape == (batch, *model.output_shape[1:])
        np.testing.assert_allclose(traced(inputs), answer, atol=1e-5)


@each_layer
def test_examples_do_not_touch_each_other_in_inference(name):
    if name == "minibatch stddev":
        pytest.skip("it compares the examples of a batch")
    model, inputs = resting(name), inputs_of(name, 3)
    together = model(inputs)
    for i in range(3):
        np.testing.assert_allclose(model([x[i : i + 1] for x in inputs])[0], together[i], atol=1e-5)


@each_layer
def test_saved_and_loaded_it_answers_the_same(name, tmp_path):
    model, inputs = model_of(name), inputs_of(name)
    model(inputs, training=True)
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    np.testing.assert_array_equal(loaded(inputs, training=True), model(inputs, training=True))


@each_layer
def test_mixed_bfloat16_computes_the_same_more_coarsely(name):
    model, coarse, inputs = resting(name), model_of(name, "mixed_bfloat16"), inputs_of(name)
    answer = coarse(inputs)
    assert answer.dtype == tf.bfloat16
    assert all(weight.dtype in ("float32", "int64") for weight in coarse.weights)
    np.testing.assert_allclose(as_float(answer), model(inputs), rtol=0.05, atol=0.08)
    assert np.isfinite(as_float(coarse(inputs, training=True))).all()


@pytest.mark.parametrize("name", COMPILED)
def test_xla_computes_the_same(name):
    one, other, inputs = model_of(name), model_of(name), inputs_of(name)
    compiled = tf.function(lambda x: other(x, training=True), jit_compile=True)(inputs)
    if name == "phase shuffle channel":  # XLA draws other numbers
        assert compiled.shape == one(inputs).shape
        return
    np.testing.assert_allclose(compiled, one(inputs, training=True), rtol=1e-4, atol=1e-4)
    for mine, yours in zip(one.weights, other.weights):
        np.testing.assert_allclose(mine, yours, rtol=1e-4, atol=1e-5)


@each_layer
def test_gradients_reach_inputs_and_weights_twice(name):
    """First derivatives are finite and none is missing; a penalty on the inputs' gradient has derivatives too."""
    model, inputs = model_of(name), inputs_of(name, 4)
    floats = [x for x in inputs if x.dtype == tf.float32]
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(floats)
            loss = tf.reduce_sum(tf.square(model(inputs, training=True)))
        slopes = inner.gradient(loss, floats + model.trainable_weights)
        penalty = tf.add_n([tf.reduce_sum(tf.square(slope)) for slope in slopes[: len(floats)]] or [loss])
    assert all(slope is not None and np.isfinite(as_float(tf.convert_to_tensor(slope))).all() for slope in slopes)
    for slope in outer.gradient(penalty, model.trainable_weights):
        assert slope is None or np.isfinite(as_float(tf.convert_to_tensor(slope))).all()


@each_layer
def test_replicas_agree_on_every_weight(name):
    if not resting(name).non_trainable_weights:
        pytest.skip("it has no state")
    strategy = devices.strategy(2)
    with strategy.scope():
        model = model_of(name)
    step = tf.function(lambda x: model(x, training=True))
    first, second = inputs_of(name, 4), [x[::-1] for x in inputs_of(name, 4)]
    for inputs in (first, second):
        shares = [
            strategy.experimental_distribute_values_from_function(
                lambda context, x=x: x[2 * context.replica_id_in_sync_group :][:2]
            )
            for x in inputs
        ]
        strategy.run(step, args=(shares,))
    for weight in model.non_trainable_weights:
        one, other = (np.asarray(value) for value in weight.value.values)
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "make, line",
    [
        (lambda: layers.SpectralNormalization(kl.Flatten()), "cannot wrap Flatten. Allowed: Dense"),
        (lambda: layers.WeightNormalization(kl.Embedding(3, 4)), "cannot wrap Embedding"),
        (
            lambda: layers.SpectralNormalization(kl.Dense(2), power_iterations=0),
            "power_iterations=0: must be 1 or more",
        ),
        (lambda: layers.PhaseShuffle(per="batches"), "did you mean 'batch'"),
        (lambda: layers.PhaseShuffle(4)(np.ones((1, 4, 2))), "inputs of 4 steps"),
        (lambda: layers.PixelShuffle(2)(np.ones((1, 4, 4, 6))), "6 channels, not a multiple of size^2"),
        (lambda: layers.ReflectionPadding2D(4)(np.ones((1, 4, 9, 2))), "too short, 5 or more"),
        (lambda: layers.UpFirDn2D((1,), up=2), "must be as many as up=2"),
        (lambda: layers.ConditionalBatchNormalization(3, spectral=True), "leave num_classes out"),
    ],
)
def test_what_cannot_work_is_told_in_one_line(make, line):
    with pytest.raises(ZooError, match=r"(?s).+") as caught:
        make()
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_equalizing_a_layer_with_weights_is_refused():
    dense = kl.Dense(2)
    dense.build((None, 3))
    with pytest.raises(ZooError, match="has weights already"):
        layers.EqualizedLearningRate(dense)
