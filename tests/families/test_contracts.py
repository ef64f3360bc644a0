"""Every family against every contract that is quick to test. A new family is tested here without writing a test."""

import functools
import itertools
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from families.contracts import FAMILIES, PRESET, arguments_of, make

from tfgan_zoo import config, index, sampling, zoo
from tfgan_zoo.modalities import ClassLabel
from tfgan_zoo.noise import NoiseStream

each_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def model_of():
    """family -> one small model, made once; tests that train it make their own."""
    return functools.cache(make)


@pytest.fixture(scope="module")
def other_of():
    """family -> one small model of other settings than `model_of` gives, made once."""
    return functools.cache(lambda family: make(family, ema_decay=0.5, seed=3, updates="simultaneous"))


# === What the file says ===
@each_family
def test_file_is_short_and_cites_its_paper(family):
    lines = (index.FAMILIES / f"{family}.py").read_text().splitlines()
    facts = index.family_facts(family)
    assert len(lines) <= 150
    assert facts["paper"].startswith("https://"), "the docstring's first link is the paper"
    assert any(f"{year}" in facts["doc"] for year in range(2012, 2040))
    assert facts["class_doc"]
    for argument in facts["arguments"]:
        assert f"{argument}:" in facts["class_doc"] or argument in facts["class_doc"], f"{argument} is not documented"


@each_family
def test_the_index_knows_what_it_can_be_asked_and_of_what_kinds(family, model_of):
    """`list --task` goes by it, without running the file."""
    facts, model = index.family_facts(family), model_of(family)
    asked = list(model.endpoints)
    assert facts["endpoints"][0] == asked[0] and set(asked) <= set(facts["endpoints"])
    assert set(facts["kinds"]) <= {type(kind).__name__ for kind in model.element_spec.values()}


@each_family
def test_a_preset_trains_it_at_smoke_size(family):
    experiment = config.load(PRESET[family], smoke=True)
    model = zoo.build(experiment)
    batch = next(iter(experiment.data.open(model.element_spec).batches(8)))
    assert set(batch) == set(model.element_spec)


# === The first weights ===
def kernels(model):
    """{path: value} of the weights that are matrices or more, averaged twins left out."""
    return {
        f"{name} {place}": weight.numpy()
        for name in model.network_names
        for place, weight in enumerate(getattr(model, name).trainable_weights)
        if len(weight.shape) > 1
    }


@each_family
def test_no_two_kernels_of_a_fresh_model_are_equal(family, model_of):
    values = kernels(model_of(family))
    drawn = {path: np.ravel(value) for path, value in values.items() if value.size > 8 and value.std() > 0}
    for (one, first), (two, second) in itertools.combinations(drawn.items(), 2):
        length = min(len(first), len(second))  # one seed draws the same numbers for any shape, but for their scale
        first, second = first[:length] / first[:length].std(), second[:length] / second[:length].std()
        assert not np.allclose(first, second, atol=1e-4), f"{one} begins as {two} does"


@each_family
def test_the_seed_decides_the_first_weights(family, model_of, other_of):
    one, other = model_of(family), other_of(family)
    np.random.seed(5)  # neither NumPy's nor Python's state has a say
    random.seed(5)
    again = kernels(make(family, seed=one.seed))
    for path, value in kernels(one).items():
        np.testing.assert_array_equal(value, again[path])
    assert any(np.abs(value - again[path]).max() > 0 for path, value in kernels(other).items())


# === Asking ===
@each_family
def test_endpoints_answer_what_they_promise(family, model_of):
    model = model_of(family)
    for name, endpoint in model.endpoints.items():
        assert set(endpoint.networks) <= set(model.networks_by_name), name
        given = contracts.given_to(endpoint, 3)
        answers = model.sample([5, 6, 7], endpoint=name, **given)
        assert answers.dtype == endpoint.output.stored, name
        answers.shape[1:].assert_is_compatible_with(endpoint.output.shape)
        assert len(answers) == 3
        if endpoint.target:
            assert type(endpoint.output) is type(model.element_spec[endpoint.target])


@each_family
def test_answers_depend_on_their_seed_alone(family, model_of):
    model = model_of(family)
    for name, endpoint in model.endpoints.items():
        given = contracts.given_to(endpoint, 1)
        together = sampling.draw(model, name, [5, 6, 7], {k: np.repeat(v, 3, 0) for k, v in given.items()})
        alone = sampling.draw(model, name, [7], given)
        for key in endpoint.inputs:
            np.testing.assert_array_equal(alone[key][0], together[key][2])
        for key in endpoint.noise:
            assert np.abs(together[key][0] - together[key][1]).max() > 0


@each_family
def test_truncation_narrows_the_noise(family, model_of):
    model = model_of(family)
    for name, endpoint in model.endpoints.items():
        given = contracts.given_to(endpoint, 50)
        wide, narrow = (sampling.draw(model, name, range(50), given, truncation=t) for t in (None, 0.1))
        for key in endpoint.noise:
            assert np.std(narrow[key]) < np.std(wide[key]) / 2


@each_family
def test_classes_are_drawn_where_they_are_not_given(family, model_of):
    model = model_of(family)
    for name, endpoint in model.endpoints.items():
        if endpoint.from_seeds:
            drawn = sampling.draw(model, name, range(64))
            for key, kind in endpoint.conditions.items():
                assert isinstance(kind, ClassLabel) and set(drawn[key].numpy()) <= set(range(kind.num_classes))


@each_family
def test_no_convolution_of_1x1_has_strides(family, model_of):
    """In TensorFlow 2.21 on a CPU, their gradient writes beyond its memory: the process ends, later and elsewhere."""
    for layer in model_of(family)._flatten_layers():
        if isinstance(layer, keras.layers.Conv2D):
            assert not (set(layer.kernel_size) == {1} and max(layer.strides) > 1), layer.name


# === Playing ===
@each_family
def test_every_trainable_variable_belongs_to_exactly_one_player_in_each_phase(family):
    model, found = make(family), set()
    for _ in contracts.through_phases(model):
        owned = [id(variable) for player in model.playing for variable in model.variables_of(player)]
        assert owned and len(owned) == len(set(owned))
        found |= set(owned)
    assert found == {id(variable) for variable in model.trainable_variables}


@each_family
def test_a_step_moves_the_acting_player_alone_and_averages_lag(family):
    model = make(family, ema_decay=0.9, **contracts.one_turn(family))
    model.compile(optimizer=contracts.sgd(model, 0.1), run_eagerly=True)  # a graph of a step takes longer than the step
    contracts.assert_only_the_acting_player_moves(model)
    for name in model.ema_networks:
        network, twin = getattr(model, name), model.best(name)
        trainable = {id(variable) for variable in network.trainable_weights}
        for weight, mean in zip(network.weights, twin.weights, strict=True):
            if id(weight) not in trainable:
                np.testing.assert_array_equal(weight.numpy(), mean.numpy())
        lags = [
            np.abs(weight.numpy() - mean.numpy()).sum()
            for weight, mean in zip(network.weights, twin.weights, strict=True)
            if id(weight) in trainable
        ]
        assert max(lags) > 0


@each_family
def test_steps_of_all_phases_are_graphs(family):
    """Nothing asks a tensor for its value. Gradients are left out: they double the time."""
    model = make(family, **contracts.one_turn(family))
    model.compile(optimizer=contracts.sgd(model, 0.1))
    model.gradients = lambda player, tape, loss: []
    model.apply = lambda player, gradients: None
    batch = {key: tf.constant(values) for key, values in contracts.batch_for(model).items()}
    for _ in contracts.through_phases(model):
        step = tf.function(model.train_step, autograph=False).get_concrete_function(batch)
        assert {player.log_name for player in model.playing} <= set(step.structured_outputs)


@each_family
def test_training_noise_repeats_by_seed_and_differs_by_step(family):
    model = make(family)
    if not model.latents(1):
        pytest.skip(f"{family} draws no noise")

    def draws(seed):
        model.noise = NoiseStream(seed, model.step)
        model.step.assign(0)

        @tf.function
        def draw():
            model.noise.begin()
            noise = model.latents(2)
            model.step.assign_add(1)
            return tf.concat([tf.reshape(tf.cast(value, tf.float32), (2, -1)) for value in noise.values()], 1)

        return np.concatenate([draw() for _ in range(2)])

    noise = draws(0)
    assert len(np.unique(noise, axis=0)) == 4
    np.testing.assert_array_equal(noise, draws(0))
    assert np.abs(noise - draws(1)).max() > 0.1


# === Keeping ===
@each_family
def test_config_round_trip(family, other_of):
    model = other_of(family)
    facts = model.get_config()
    again = type(model).from_config(facts)
    assert again.get_config() == facts
    assert facts["ema_decay"] == 0.5 and facts["seed"] == 3 and facts["updates"] == "simultaneous"
    for name, value in {**arguments_of(family), "ema_decay": 0.5}.items():
        assert facts[name] == value
