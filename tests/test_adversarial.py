"""The base class: who steps when, on which data, by how much; and that it behaves like any Keras model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import devices
from tfgan_zoo.adversarial import AdversarialModel, to_float, to_uint8
from tfgan_zoo.data import source_class
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.families.wgan_gp import WGANGP
from tfgan_zoo.layers import Dropout, Maxout
from tfgan_zoo.players import Player


class Scalar(keras.layers.Layer):
    """input * weight: a network of one number."""

    def build(self, input_shape):
        self.weight = self.add_weight(name="weight", shape=(), initializer="ones")

    def call(self, inputs):
        return inputs * self.weight


class DiracGame(AdversarialModel):
    """The game psi * theta of Mescheder et al. 2018 (https://arxiv.org/abs/1801.04406), whose updates are known."""

    def __init__(self, k: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.k = k
        self.image_shape = (1,)
        self.latent_dim = 1
        self.players = (Player("discriminator", steps=k), Player("generator"))
        self.passes, self.seen = [], []
        self.assemble()

    def latents(self, count):
        return tf.ones((count, 1))

    def fake(self, batch):
        self.passes.append(1)
        return super().fake(batch)

    def discriminator_loss(self, batch, fake):
        tf.py_function(lambda x: self.seen.append(x.numpy().ravel().tolist()), [batch["point"]], [])
        return tf.reduce_mean(self.discriminator(fake))

    def generator_loss(self, batch, fake):
        return -tf.reduce_mean(self.discriminator(fake)), {"term": tf.constant(3.0)}

    def build_networks(self):
        def network(name):
            x = keras.Input((1,))
            return keras.Model(x, Scalar()(x), name=name)

        return {"generator": network("generator"), "discriminator": network("discriminator")}


def dirac(psi=0.5, theta=2.0, rate=0.1, **arguments):
    model = DiracGame(**arguments)
    model.discriminator.set_weights([np.float32(psi)])
    model.generator.set_weights([np.float32(theta)])
    model.compile(optimizer={p.name: keras.optimizers.SGD(rate) for p in model.players})
    return model


def numbers(model):
    return float(model.discriminator.get_weights()[0]), float(model.generator.get_weights()[0])


def points(n=8, batch=None):
    return tf.data.Dataset.from_tensor_slices({"point": np.arange(n, dtype="float32").reshape(n, 1)}).batch(batch or n)


# === The game ===
def test_alternating_generator_answers_the_new_discriminator():
    model = dirac()
    history = model.fit(points(), verbose=0).history
    psi = 0.5 - 0.1 * 2.0
    assert numbers(model) == pytest.approx((psi, 2.0 + 0.1 * psi))
    assert history["d_loss"] == pytest.approx([0.5 * 2.0])
    assert history["g_loss"] == pytest.approx([-psi * 2.0]) and history["term"] == [3.0]


def test_simultaneous_gradients_are_taken_at_the_same_weights():
    model = dirac(updates="simultaneous")
    model.fit(points(), verbose=0)
    assert numbers(model) == pytest.approx((0.5 - 0.1 * 2.0, 2.0 + 0.1 * 0.5))


@pytest.mark.parametrize(
    "updates, expected",
    [
        ("alternating", lambda psi: 2.0 + 0.1 * (psi - 3 * 0.2)),
        ("simultaneous", lambda psi: 2.0 + 0.1 * (psi - 2 * 0.2)),
    ],
)
def test_k_discriminator_steps_each_on_fresh_data(updates, expected):
    model = dirac(k=3, updates=updates)
    model.fit(points(9), verbose=0)
    assert numbers(model) == pytest.approx((0.5 - 3 * 0.2, expected(0.5)))
    assert sorted(model.seen) == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


@pytest.mark.parametrize(
    "k, updates, passes", [(1, "alternating", 1), (1, "simultaneous", 1), (3, "alternating", 4), (3, "simultaneous", 3)]
)
def test_generator_passes(k, updates, passes):
    model = dirac(k=k, updates=updates)
    model.fit(points(9), verbose=0)
    assert len(model.passes) == passes


def test_a_batch_smaller_than_k_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 3 elements"):
        dirac(k=3).fit(points(2), verbose=0)


def test_unknown_players_and_settings_are_one_line():
    with pytest.raises(ZooError, match="did you mean 'generator'"):
        DiracGame().compile(optimizer={"generatr": "adam"})
    with pytest.raises(ZooError, match="'alternating' or|Allowed: alternating, simultaneous"):
        DiracGame(updates="alternatin")
    with pytest.raises(ZooError, match="lack point.*got image"):
        dirac().fit(tf.data.Dataset.from_tensors({"image": tf.zeros((2, 1))}), verbose=0)


def test_compiled_loops_are_refused_over_two_replicas():
    with devices.strategy(2).scope():
        model = DiracGame()
        for options in ({"jit_compile": True}, {"steps_per_execution": 4}):
            with pytest.raises(ZooError, match="over 2 replicas"):
                model.compile(**options)


def test_several_steps_per_execution_are_the_same_steps():
    one, four = dirac(), dirac()
    four.compile(optimizer={p.name: keras.optimizers.SGD(0.1) for p in four.players}, steps_per_execution=4)
    for model in (one, four):
        model.fit(points(8, batch=2), verbose=0)
        assert int(model.step.numpy()) == 4
    assert numbers(one) == pytest.approx(numbers(four))


# === A Keras model like others ===
def test_stock_callbacks(tmp_path):
    model = dirac()
    callbacks = keras.callbacks
    model.fit(
        points(8, batch=4),
        validation_data=points(4),
        epochs=3,
        verbose=0,
        callbacks=[
            callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_g_loss", mode="min", save_best_only=True),
            callbacks.ModelCheckpoint(tmp_path / "last.weights.h5", save_weights_only=True),
            callbacks.BackupAndRestore(tmp_path / "backup"),
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.TensorBoard(tmp_path / "tensorboard"),
            callbacks.TerminateOnNaN(),
            callbacks.EarlyStopping(monitor="val_d_loss", mode="min", patience=5),
            callbacks.ReduceLROnPlateau(monitor="d_loss", mode="min", patience=1),
            callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
        ],
    )
    rates = {name: float(optimizer.learning_rate) for name, optimizer in model.optimizer.by_player.items()}
    assert rates == pytest.approx({"discriminator": 0.1 / 3, "generator": 0.1 / 3})
    assert "val_d_loss" in (tmp_path / "log.csv").read_text()
    best = keras.models.load_model(tmp_path / "best.keras")
    assert isinstance(best, DiracGame) and best.compiled
    model.load_weights(tmp_path / "last.weights.h5")


def test_evaluate_and_predict_leave_the_weights_alone():
    model = dirac()
    before = numbers(model)
    losses = model.evaluate(points(8, batch=2), return_dict=True, verbose=0)
    assert losses == pytest.approx({"d_loss": 1.0, "g_loss": -1.0})
    np.testing.assert_allclose(model.predict(np.ones((3, 1)), verbose=0), np.full((3, 1), 2.0))
    assert numbers(model) == before


def test_fit_takes_arrays_pairs_and_dicts():
    for data in (np.zeros((4, 1), "float32"), tf.data.Dataset.from_tensors((tf.zeros((4, 1)), tf.zeros(4))), points(4)):
        model = dirac()
        model.fit(data, verbose=0)
        assert int(model.step.numpy()) == 1


def test_uint8_images_become_floats_and_back():
    values = np.arange(256, dtype="uint8")
    floats = to_float(tf.constant(values)).numpy()
    assert floats.min() == -1 and floats.max() == 1
    np.testing.assert_array_equal(to_uint8(floats), values)
    np.testing.assert_array_equal(to_uint8([-9.0, 9.0]), [0, 255])


def test_frozen_layers_stay_and_the_others_move():
    model = DCGAN((8, 8, 1), latent_dim=4, filters=4)
    model.generator.layers[1].trainable = False
    model.compile()
    before = [w.numpy() for w in model.generator.layers[1].weights]
    moving = model.generator.layers[-2].weights[0].numpy()
    model.fit(np.zeros((8, 8, 8, 1), "uint8"), batch_size=4, verbose=0)
    for weight, old in zip(model.generator.layers[1].weights, before):
        np.testing.assert_array_equal(weight.numpy(), old)
    assert np.abs(model.generator.layers[-2].weights[0].numpy() - moving).max() > 0


# === Layers ===
def test_maxout_is_the_largest_of_its_pieces():
    layer = Maxout(3, pieces=2, bias_initializer="random_normal")
    x = np.random.default_rng(0).standard_normal((4, 5)).astype("float32")
    y = layer(x)
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, (x @ kernel + bias).reshape(4, 3, 2).max(-1), rtol=1e-5)


def test_dropout_scales_and_differs_between_calls_and_replicas():
    strategy = devices.strategy(2)
    with strategy.scope():
        layer = Dropout(0.25, seed=1)
        layer.build((None, 4000))
    call = tf.function(
        lambda: strategy.experimental_local_results(strategy.run(lambda: layer(tf.ones((1, 4000)), training=True)))
    )
    masks = np.concatenate([*call(), *call()])
    assert set(np.unique(masks)) <= {0.0, np.float32(1 / 0.75)}
    np.testing.assert_allclose(masks.mean(axis=1), 1.0, atol=0.03)
    assert len(np.unique(masks, axis=0)) == 4
    np.testing.assert_array_equal(layer(tf.ones((1, 4000))), np.ones((1, 4000)))


# === Learning: what a broken update could not do ===
def test_wgan_gp_covers_a_ring_of_gaussians():
    keras.utils.set_random_seed(0)
    model = WGANGP((2,), latent_dim=2, filters=64, architecture="mlp")
    model.compile(
        optimizer={p.name: keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.9) for p in model.players}, jit_compile=True
    )
    data = source_class("synthetic")(name="ring").open(model.element_spec)
    angles = np.arange(8) * np.pi / 4
    modes = np.stack([np.cos(angles), np.sin(angles)], 1)

    def shares():
        """Of 1,000 generated points, the shares that lie within 0.2 of each mode."""
        distance = np.linalg.norm(model(model.latents_for(range(1000))).numpy()[:, None] - modes, axis=-1)
        return np.bincount(distance.argmin(axis=1)[distance.min(axis=1) < 0.2], minlength=8) / 1000

    before = shares()
    model.fit(data.batches(64 * model.data_steps, seed=0), steps_per_epoch=600, verbose=0)
    after = shares()
    assert before.sum() < 0.2 and (before > 0.02).sum() < 8
    assert after.sum() > 0.5 and (after > 0.02).sum() >= 7


def test_dcgan_learns_what_glyphs_look_like():
    from tfgan_zoo.metrics.maths.frechet import RunningGaussian, frechet_distance

    def statistics(images):
        gaussian = RunningGaussian(64)
        gaussian.update(images.reshape(-1, 8, 2, 8, 2).mean((2, 4)).reshape(-1, 64) / 255)
        return gaussian.result()

    keras.utils.set_random_seed(0)
    model = DCGAN((16, 16, 1), latent_dim=16, filters=16)
    model.compile(jit_compile=True)
    data = source_class("synthetic")(name="glyphs", size=1000, characters="0123456789").open(model.element_spec)
    real = statistics(np.concatenate([b["image"].numpy() for b in data.examples(250)]))
    sample = tf.function(lambda: model.sample_images(tf.range(500)))
    before = frechet_distance(statistics(sample().numpy()), real)
    model.fit(data.batches(64, seed=0), steps_per_epoch=300, verbose=0)
    after = frechet_distance(statistics(tf.function(lambda: model.sample_images(tf.range(500)))().numpy()), real)
    assert after < 0.25 * before
