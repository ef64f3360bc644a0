"""Every family against every contract, at smoke size. A new family is tested here without writing a test."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import config, devices, index, zoo
from tfgan_zoo.serving import savedmodel

FAMILIES = index.families()
SMOKE_PRESET = {name: next(f["preset"] for f in index.listing() if f["family"] == name) for name in FAMILIES}
ARGUMENTS = {name: config.load(SMOKE_PRESET[name], smoke=True).model for name in FAMILIES}
each_family = pytest.mark.parametrize("family", FAMILIES)
each_replicas = pytest.mark.parametrize("replicas", [1, 2])


def make(family, **arguments):
    keras.utils.set_random_seed(0)
    return zoo.family_class(family)(**{**ARGUMENTS[family], **arguments})


def enliven(model):
    """Weights large enough that gradients stand clear of rounding; papers start some near 0."""
    random = np.random.default_rng(1)
    for weight in model.trainable_variables:
        if len(weight.shape) > 1:
            weight.assign(random.normal(0, 0.2, weight.shape))


def batch_for(model, size=8, seed=0):
    """A random batch of `size` elements for each of the model's slices."""
    random = np.random.default_rng(seed)
    batch = {}
    for key, spec in model.element_spec.items():
        shape = (size * model.data_steps, *spec.shape)
        batch[key] = (
            random.integers(0, 256, shape).astype("uint8")
            if key == "image"
            else np.zeros(shape, spec.dtype.as_numpy_dtype)
        )
    return batch


def take_steps(model, batch, steps=1):
    size = len(next(iter(batch.values())))
    data = tf.data.Dataset.from_tensor_slices(batch).repeat().batch(size)
    return model.fit(data, steps_per_epoch=steps, verbose=0).history


def without_dropout(family):
    """Arguments that switch dropout off: its masks cannot be pinned from outside."""
    return {name: 0.0 for name in index.family_facts(family)["arguments"] if name.endswith("dropout")}


def values_of(model):
    return {name: [w.numpy() for w in network.trainable_weights] for name, network in model.networks_by_name.items()}


def changed(before, after):
    """The networks that moved by more than a constraint's rounding."""
    return {name for name in before if any(np.abs(a - b).max() > 1e-6 for a, b in zip(before[name], after[name]))}


# === What the file says ===
@each_family
def test_file_is_short_and_cites_its_paper(family):
    lines = (index.FAMILIES / f"{family}.py").read_text().splitlines()
    facts = index.family_facts(family)
    assert len(lines) <= 150
    assert max(map(len, lines)) <= 120
    assert facts["paper"].startswith("https://arxiv.org/abs/"), "the docstring's first link is the paper"
    assert any(f"{year}" in facts["doc"] for year in range(2012, 2040))
    assert facts["class_doc"]
    for argument in facts["arguments"]:
        assert argument in facts["class_doc"], f"{argument} is not documented"


# === Building ===
@each_family
def test_specs_agree_with_networks(family):
    model = make(family)
    assert model.built
    latents = model.latents(3)
    fake = model(latents)
    spec = model.element_spec[model.data_key]
    assert fake.shape == (3, *spec.shape) and fake.dtype == tf.float32
    tf.nest.map_structure(
        lambda z, i: z.shape[1:].assert_is_compatible_with(i.shape[1:]), [latents], model.sampler.inputs
    )
    assert model.sample_images(range(2)).dtype == tf.uint8


@each_family
def test_every_trainable_variable_belongs_to_exactly_one_player(family):
    model = make(family, ema_decay=0.9)
    owned = [id(v) for player in model.players for v in model.variables_of(player)]
    assert len(owned) == len(set(owned))
    assert set(owned) == {id(v) for v in model.trainable_variables}


# === Playing ===
@each_family
@each_replicas
@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_a_step_changes_each_players_variables_and_no_others(family, replicas, updates):
    with devices.strategy(replicas).scope():
        model = make(family, updates=updates)
        model.compile(optimizer={player.name: keras.optimizers.SGD(0.1) for player in model.players})
    enliven(model)
    batch = batch_for(model)
    for acting in model.players:
        for name, optimizer in model.optimizer.by_player.items():
            optimizer.learning_rate = 0.1 if name == acting.name else 0.0
        before = values_of(model)
        logs = take_steps(model, batch)
        assert changed(before, values_of(model)) == set(acting.networks)
        assert {p.log_name for p in model.players} <= set(logs)
        assert all(np.isfinite(v).all() for v in logs.values())


def pin_noise(model, size):
    """Make the noise a function of the row in the global batch, so that 1 and 2 replicas draw the same."""

    def pinned(draw):
        def rows_of_this_replica(shape, *bounds):
            table = tf.constant(draw(np.random.default_rng(7), (size, *shape[1:]), *bounds), tf.float32)
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            return tf.gather(table, replica * shape[0] + tf.range(shape[0]))

        return rows_of_this_replica

    model.normal = pinned(lambda random, shape: random.standard_normal(shape))
    model.uniform = pinned(lambda random, shape, low=0.0, high=1.0: random.uniform(low, high, shape))


@each_family
@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
def test_sgd_on_one_and_two_replicas_agree(family, updates):
    results = []
    for replicas in (1, 2):
        with devices.strategy(replicas).scope():
            model = make(family, updates=updates, **without_dropout(family))
            model.compile(optimizer={player.name: keras.optimizers.SGD(0.01) for player in model.players})
        enliven(model)
        pin_noise(model, 8)
        before = values_of(model)
        take_steps(model, batch_for(model, 8), steps=2)
        results.append(values_of(model))
    for name in results[0]:
        for one, two in zip(results[0][name], results[1][name]):
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)
        moved = max(np.abs(one - start).max() for one, start in zip(results[0][name], before[name]))
        assert moved > 1e-5, "a comparison of weights that did not move shows nothing"


@each_family
def test_average_lags_and_copies_statistics(family):
    model = make(family, ema_decay=0.9)
    model.ema_networks or pytest.skip(f"{family} keeps no averaged twins, as its paper")
    model.compile()
    name = model.ema_networks[0]
    network, twin = getattr(model, name), getattr(model, f"{name}_ema")
    start = [w.numpy() for w in network.trainable_weights]
    for _ in range(3):
        take_steps(model, batch_for(model))
    trainable = {id(w) for w in network.trainable_weights}
    pairs = list(zip(network.weights, twin.weights))
    moved = [(w.numpy(), a.numpy()) for w, a in pairs if id(w) in trainable]
    for w, a, s in zip(*zip(*moved), start):
        lag, way = np.abs(w - a).sum(), np.abs(w - s).sum()
        assert way == 0 or 0 < lag < way
    for w, a in pairs:
        if id(w) not in trainable:
            np.testing.assert_array_equal(w.numpy(), a.numpy())
    assert model.sampler is model.generator_ema


@each_family
def test_noise_differs_by_step_and_replica_and_repeats_by_seed(family):
    def draws(replicas, steps, seed=0):
        strategy = devices.strategy(replicas)
        with strategy.scope():
            model = make(family, seed=seed)

        @tf.function
        def draw():
            def replica():
                model._draws = 0
                z = model.latents(2)
                model.step.assign_add(1)
                return z

            return strategy.experimental_local_results(strategy.run(replica))

        return np.stack([np.stack(draw()) for _ in range(steps)])

    noise = draws(2, 2)
    assert len(np.unique(noise.reshape(8, -1), axis=0)) == 8
    np.testing.assert_array_equal(noise, draws(2, 2))
    assert np.abs(noise - draws(2, 2, seed=1)).max() > 0.1


@each_family
def test_latents_depend_on_their_seed_alone(family):
    model = make(family)
    together = model.latents_for([5, 6, 7])
    np.testing.assert_array_equal(model.latents_for([7])[0], together[2])
    assert np.abs(together[0] - together[1]).max() > 0
    narrow = model.latents_for(range(50), truncation=0.1)
    assert np.abs(narrow).max() < np.abs(model.latents_for(range(50))).max() / 2


# === Keeping ===
@each_family
def test_config_round_trip(family):
    model = make(family, ema_decay=0.5, seed=3, updates="simultaneous")
    config_ = model.get_config()
    again = type(model).from_config(config_)
    assert again.get_config() == config_
    assert config_["ema_decay"] == 0.5 and config_["seed"] == 3 and config_["updates"] == "simultaneous"
    for name, value in ARGUMENTS[family].items():
        assert config_[name] == value


@each_family
def test_keras_file_round_trip_continues_identically(family, tmp_path):
    model = make(family, ema_decay=0.5)
    model.compile(optimizer={"generator": keras.optimizers.Adam(3e-3, beta_1=0.3)})
    enliven(model)
    batch = batch_for(model)
    take_steps(model, batch, 2)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert int(again.step.numpy()) == 2
    assert float(again.optimizer.by_player["generator"].learning_rate) == pytest.approx(3e-3)
    for name, optimizer in model.optimizer.by_player.items():
        for a, b in zip(optimizer.variables, again.optimizer.by_player[name].variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=f"{name} {a.path}")
    z = model.latents_for([1, 2])
    np.testing.assert_array_equal(model(z), again(z))
    for each in (model, again):
        take_steps(each, batch, 1)
    for name, network in model.networks_by_name.items():
        for a, b in zip(network.weights, getattr(again, name).weights, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6, err_msg=a.path)


@each_family
def test_export_equals_the_model(family, tmp_path):
    model = make(family)
    path = savedmodel.export(model, tmp_path, name=family, verify=False)
    served = tf.saved_model.load(str(path)).signatures["sample"](count=tf.constant(3), seed=tf.constant(5, tf.int64))
    images = model.sample_images([5, 6, 7]).numpy()
    assert np.abs(served["images"].numpy().astype(int) - images).max() <= 1


@each_family
def test_mixed_precision_trains_with_float32_outputs(family):
    keras.utils.set_random_seed(0)
    model = zoo.family_class(family)(**ARGUMENTS[family], dtype="mixed_float16")
    assert model.generator.compute_dtype == "float16" and model(model.latents(2)).dtype == tf.float32
    model.compile()
    enliven(model)
    before = values_of(model)
    # The dynamic scale starts at 2**15 and may overflow at first: those steps are skipped and the scale halved.
    logs = take_steps(model, batch_for(model), steps=8)
    assert changed(before, values_of(model)) == {n for p in model.players for n in p.networks}
    assert all(np.isfinite(v).all() for v in logs.values())


@each_family
def test_smoke_preset_trains_and_evaluates_on_the_command_line(family, tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "tfgan_zoo", *arguments], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    preset = SMOKE_PRESET[family]
    assert "finished: runs/" in run("train", preset, "--smoke")
    assert (tmp_path / "runs" / preset / "model.keras").is_file()
    assert "fd_mnist" in run("evaluate", f"runs/{preset}", "--num", "8")
