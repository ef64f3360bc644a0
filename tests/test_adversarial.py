"""The base class: who steps when, on which data, by how much; and that it behaves like any Keras model."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import arrays, devices
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.data import source_class
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.families.wgan_gp import WGANGP
from tfgan_zoo.layers import Dropout, Maxout
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Mask, Points, Video, Voxels
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
        self.players = (Player("discriminator", steps=k), Player("generator"))
        self.passes, self.seen = [], []
        self.assemble()

    @property
    def element_spec(self):
        return {"point": Points((1,))}

    def latents(self, count):
        return {"z": tf.ones((count, 1))}

    def fake(self, batch):
        self.passes.append(1)
        return super().fake(batch)

    def discriminator_loss(self, batch, fake):
        tf.py_function(lambda x: self.seen.append(x.numpy().ravel().tolist()), [batch["point"]], [])
        return tf.reduce_mean(self.discriminator(fake))

    def generator_loss(self, batch, fake):
        return -tf.reduce_mean(self.discriminator(fake)), {"term": tf.constant(3.0)}

    def build_networks(self):
        def network(name, takes):
            x = keras.Input((1,), name=takes)
            return keras.Model(x, Scalar()(x), name=name)

        return {"generator": network("generator", "z"), "discriminator": network("discriminator", "point")}


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


@pytest.mark.parametrize("replicas", [1, 2])
def test_data_are_read_once_from_their_first_batch_on(replicas):
    begun = []

    def read():
        begun.append(1)
        yield from points(8, batch=2)

    with devices.strategy(replicas).scope():
        model = dirac()
    signature = {"point": tf.TensorSpec((None, 1))}
    model.fit(tf.data.Dataset.from_generator(read, output_signature=signature), steps_per_epoch=4, verbose=0)
    assert begun == [1] and sorted(itertools.chain(*model.seen)) == list(range(8))


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_last_batch_smaller_than_k_is_repeated(replicas):
    with devices.strategy(replicas).scope():
        model = WGANGP((8, 8, 1), latent_dim=4, filters=4, architecture="conv", discriminator_steps=5)
    model.compile()
    history = model.fit(np.zeros((22, 8, 8, 1), "uint8"), batch_size=10, epochs=2, verbose=0).history
    assert int(model.step.numpy()) == 6 and np.isfinite(list(history.values())).all()


def test_a_last_batch_smaller_than_the_replicas_is_refused():
    with devices.strategy(2).scope():
        model = DCGAN((8, 8, 1), latent_dim=4, filters=4)
    model.compile()
    pictures = np.zeros((21, 8, 8, 1), "uint8")
    for ask in (model.fit, model.evaluate):
        with pytest.raises(ZooError, match="batch_size=10: the last batch of 21 elements has 1, too few for 2 repl"):
            ask(pictures, batch_size=10, verbose=0)
    with pytest.raises(ZooError, match="the last batch of 11 elements has 1"):
        model.fit(pictures, batch_size=10, validation_split=0.45, verbose=0)


def test_unknown_players_and_settings_are_one_line():
    with pytest.raises(ZooError, match="did you mean 'generator'"):
        DiracGame().compile(optimizer={"generatr": "adam"})
    with pytest.raises(ZooError, match="'alternating' or|Allowed: alternating, simultaneous"):
        DiracGame(updates="alternatin")
    with pytest.raises(ZooError, match="lack point.*got image"):
        dirac().fit(tf.data.Dataset.from_tensors({"image": tf.zeros((2, 1))}), verbose=0)


@pytest.mark.parametrize("named", [True, False])
def test_one_optimizer_serves_every_player_in_copies(named):
    model = DiracGame()
    model.compile("adam" if named else keras.optimizers.Adam(1e-3, beta_1=0.3))
    one, two = model.optimizer.optimizers
    assert one is not two and one.beta_1 == two.beta_1 == (0.9 if named else 0.3)
    model.fit(points(), verbose=0)


@pytest.mark.parametrize("optimizer", ["adm", 3, ["adam", "adam"], {"generator": 3}])
def test_what_is_no_optimizer_is_one_line(optimizer):
    with pytest.raises(ZooError, match="optimizer .*Keras optimizer or its name") as caught:
        DiracGame().compile(optimizer)
    assert "\n" not in str(caught.value)


def test_the_learning_rate_of_the_one_optimizer_is_that_of_every_player():
    model = dirac()
    model.optimizer.learning_rate = 0.0
    before = numbers(model)
    model.fit(points(), verbose=0)
    assert numbers(model) == before and float(model.optimizer.learning_rate) == 0
    assert [float(optimizer.learning_rate) for optimizer in model.optimizer.optimizers] == [0, 0]


def test_players_that_log_under_one_name_are_refused():
    class Decoding(DiracGame):
        players = (Player("decoder", ("generator",)), Player("discriminator"))

        def __init__(self):
            AdversarialModel.__init__(self)
            self.assemble()

    with pytest.raises(ZooError, match="players log their losses as d_loss, d_loss; rename one"):
        Decoding()


@pytest.mark.parametrize("updates, k", [("alternating", 1), ("alternating", 2), ("simultaneous", 1)])
@pytest.mark.parametrize("name", ["term", "d_loss"])
def test_terms_that_are_logged_under_one_name_are_refused(name, updates, k):
    class Twice(DiracGame):
        def discriminator_loss(self, batch, fake):
            return super().discriminator_loss(batch, fake), {name: tf.constant(1.0)}

    model = Twice(k=k, updates=updates)
    model.compile()
    with pytest.raises(ZooError, match=f"two losses log {name}; give one of them another name"):
        model.fit(points(), verbose=0)


class Keeping(DiracGame):
    """Keeps a tensor on itself within a step, alone or in a list."""

    def __init__(self, wrap=lambda fake: fake):
        super().__init__()
        self.wrap = wrap

    def discriminator_loss(self, batch, fake):
        self.last_fake = self.wrap(fake)
        return super().discriminator_loss(batch, fake)


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"fake": x}], ids=["bare", "list", "dict"])
def test_no_tensor_is_kept_on_the_model_within_a_step(wrap, replicas):
    with devices.strategy(replicas).scope():
        model = Keeping(wrap)
        model.compile()
    with pytest.raises(ZooError, match="Keeping.last_fake: no tensor may be kept on the model within a step"):
        model.fit(points(), verbose=0)
    model.kept = tf.zeros(3)  # outside a step it may


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


def test_history_holds_the_means_of_the_epoch():
    losses = []
    model = dirac()
    model.fit(
        points(8, batch=2),
        epochs=2,
        verbose=0,
        callbacks=keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: losses.append(float(logs["d_loss"]))
        ),
    )
    assert len(set(losses)) == 8
    assert model.history.history["d_loss"] == pytest.approx([np.mean(losses[:4]), np.mean(losses[4:])])


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
    kind, values = Image((16, 16, 1)), np.arange(256, dtype="uint8")
    floats = kind.to_model(tf.constant(values)).numpy()
    assert floats.min() == -1 and floats.max() == 1
    np.testing.assert_array_equal(kind.to_stored(floats), values)
    np.testing.assert_array_equal(kind.to_stored([-9.0, 9.0]), [0, 255])


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


# === Data given to fit() ===
class Sighted(AdversarialModel):
    """Keeps what its losses see of pictures and their classes."""

    players = (Player("generator"),)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = {"image": [], "label": []}
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image((2, 2, 1)), "label": ClassLabel(3)}

    def latents(self, count):
        return {"z": self.noise.normal((count, 1))}

    def generator_loss(self, batch, fake):
        for key, kept in self.seen.items():
            tf.py_function(lambda value, kept=kept: kept.extend(value.numpy().tolist()), [batch[key]], [])
        return tf.reduce_mean(fake)

    def build_networks(self):
        z = keras.Input((1,), name="z")
        return {
            "generator": keras.Model(z, keras.layers.Reshape((2, 2, 1))(keras.layers.Dense(4)(z)), name="generator")
        }


PICTURES = np.array([0, 255, 1, 254, 100, 7, 200, 128], "uint8").reshape(2, 2, 2, 1)
CLASSES = np.array([2, 0], "int64")


def seen(x, y=CLASSES, **options):
    """The pictures and classes that the losses see in one step of fit()."""
    model = Sighted()
    model.compile()
    model.fit(x, y, batch_size=None if y is None else 2, shuffle=False, verbose=0, **options)
    return np.array(model.seen["image"]), model.seen["label"]


@pytest.mark.parametrize(
    "make",
    [
        lambda p: p,
        lambda p: p[..., 0],
        lambda p: p.tolist(),
        lambda p: p.astype("int32"),
        lambda p: p.astype("int64"),
        lambda p: p.astype("uint16"),
        lambda p: tf.constant(p),
        lambda p: p / 255,
        lambda p: (p / 255).astype("float32"),
        lambda p: p.astype("float32"),
        lambda p: p / 127.5 - 1,
        lambda p: tf.constant(p / 127.5 - 1, tf.float32),
    ],
    ids="uint8 flat list int32 int64 uint16 tensor unit unit32 bytes32 ready ready_tensor".split(),
)
def test_pictures_of_any_dtype_are_seen_in_the_same_range(make):
    images, classes = seen(make(PICTURES))
    np.testing.assert_allclose(images, PICTURES / 127.5 - 1, atol=1e-5)
    assert classes == [2, 0]


def test_what_is_guessed_is_said(capsys):
    np.testing.assert_array_equal(seen(PICTURES > 150)[0], np.where(PICTURES > 150, 1.0, -1.0))
    assert "image: true is taken for white, false for black" in capsys.readouterr().err
    seen(PICTURES / 255)
    assert "image: values from 0 to 1 are taken for pictures in [0, 1]" in capsys.readouterr().err
    seen(PICTURES.astype("float32"))
    assert "image: values from 0 to 255 are taken for pictures in [0, 255]" in capsys.readouterr().err
    seen(PICTURES)
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: p / 50 - 2, "float64 values from -2 to 3.1; give uint8, or floats"),
        (lambda p: p * 4.0, "float64 values from 0 to 1020"),
        (lambda p: p.astype("uint16") * 257, "uint16 values from 0 to 6.554e.04"),
        (lambda p: p.astype("int32") - 1, "int32 values from -1 to 254"),
        (lambda p: p * np.float32("nan"), "float32 values from nan to nan"),
        (lambda p: p.astype(str), "got <U3 values"),
        (lambda p: p.reshape(2, 4, 1, 1), "got an array of shape .2, 4, 1, 1.; the model takes .n, 2, 2, 1."),
    ],
)
def test_pictures_that_cannot_be_meant_are_refused(make, message):
    for given in ("x", "dict", "validation", "evaluate"):
        model, data = Sighted(), make(PICTURES)
        model.compile()
        with pytest.raises(ZooError, match=f"^image: .*{message}") as caught:
            if given == "evaluate":
                model.evaluate(data, CLASSES, verbose=0)
            elif given == "validation":
                model.fit(PICTURES, CLASSES, validation_data=(data, CLASSES), verbose=0)
            else:
                model.fit(*([{"image": data, "label": CLASSES}] if given == "dict" else [data, CLASSES]), verbose=0)
        assert "\n" not in str(caught.value) and not model.seen["image"]


class Batches(keras.utils.PyDataset):
    def __init__(self, *batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 1

    def __getitem__(self, place):
        return self.batch


WRAPS = {
    "dataset": lambda *batch: tf.data.Dataset.from_tensors(batch),
    "dicts": lambda *batch: tf.data.Dataset.from_tensors(dict(zip(("image", "label"), batch))),
    "generator": lambda *batch: (each for each in [batch]),
    "pydataset": Batches,
}


@pytest.mark.parametrize("wrap", WRAPS)
def test_batches_are_not_guessed_at(wrap):
    for ready in (PICTURES, PICTURES / 127.5 - 1):
        images, classes = seen(WRAPS[wrap](ready, CLASSES), None, steps_per_epoch=1)
        np.testing.assert_allclose(images, PICTURES / 127.5 - 1, atol=1e-5)
        assert classes == [2, 0]
    for doubtful in (PICTURES / 255, PICTURES.astype("float32"), PICTURES.astype("int64"), PICTURES > 150):
        with pytest.raises(ZooError, match="^image: the first batch has .*values from 0 to") as caught:
            seen(WRAPS[wrap](doubtful, CLASSES), None, steps_per_epoch=1)
        assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="^image: got a batch of shape .*the model takes .n, 2, 2, 1."):
        seen(WRAPS[wrap](PICTURES.reshape(2, 4, 1, 1), CLASSES), None, steps_per_epoch=1)


def test_classes_are_checked():
    for good in (CLASSES.astype("uint8"), CLASSES[:, None], CLASSES.tolist()):
        assert seen(PICTURES, good)[1] == [2, 0]
    for bad, message in (
        (np.array([0, 3]), "classes from 0 to 3; the model has those from 0 to 2"),
        (np.array([-1, 0]), "classes from -1 to 0"),
        (np.array([0.0, 1.0]), "got float64 values"),
        (np.eye(3, dtype="int32")[:2], r"of shape \(2, 3\); the model takes whole numbers \(n,\)"),
    ):
        with pytest.raises(ZooError, match=f"^label: .*{message}"):
            seen(PICTURES, bad)


@pytest.mark.parametrize(
    "kind, given, expected",
    [
        (Mask((1, 2, 1)), [[True, False]], [1, 0]),
        (Mask((1, 2, 1)), np.array([[1, 0]], "uint8"), [1, 0]),
        (Mask((1, 2, 1)), np.array([[255, 0]], "int64"), [1, 0]),
        (Mask((1, 2, 1)), np.array([[1.0, 0.5]]), [1, 0.5]),
        (Mask((1, 2, 1)), np.array([[1.0, -1.0]]), None),
        (Voxels((1, 1, 2, 1)), np.array([[[True, False]]]), [1, 0]),
        (Voxels((1, 1, 2, 1)), np.array([[[0, 255]]]), None),
        (Voxels((1, 1, 2, 1)), np.array([[[0.0, 0.25]]], "float16"), [0, 0.25]),
        (Video((1, 1, 2, 1)), np.array([[[0, 255]]], "int32"), [-1, 1]),
        (Audio((2, 1)), np.array([32767, 0], "int16"), [1, 0]),
        (Audio((2, 1)), np.array([32767, 0], "int32"), None),
        (Audio((2, 1)), np.array([0.5, -1.0]), [0.5, -1]),
        (Audio((2, 1)), np.array([0.5, -3.0]), None),
        (Points((2,)), np.array([3, -4]), [3, -4]),
        (Points((2,)), np.array(["a", "b"]), None),
    ],
    ids=repr,
)
def test_other_kinds_of_data_are_made_ready_or_refused(kind, given, expected):
    given = np.asarray(given)[None]
    if expected is None:
        with pytest.raises(ZooError, match="^key: .*give "):
            arrays.checked({"key": kind}, given)
    else:
        ready, _ = arrays.checked({"key": kind}, given)
        made = arrays.in_model_form("key", kind, tf.constant(ready))
        assert made.dtype == tf.float32
        np.testing.assert_allclose(np.ravel(made), expected)


# === Assembling ===
def test_averaged_twins_have_names_of_their_own():
    lines = []
    DCGAN((8, 8, 1), latent_dim=4, filters=4, ema_decay=0.9).summary(print_fn=lines.append)
    said = "\n".join(lines)
    assert said.count("generator (Functional)") == said.count("generator_ema (Functional)") == 1


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
        distance = np.linalg.norm(model.sample(range(1000)).numpy()[:, None] - modes, axis=-1)
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
    before = frechet_distance(statistics(model.sample_images(range(500)).numpy()), real)
    model.fit(data.batches(64, seed=0), steps_per_epoch=300, verbose=0)
    after = frechet_distance(statistics(model.sample_images(range(500)).numpy()), real)
    assert after < 0.25 * before
