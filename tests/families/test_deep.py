"""The contracts that take their time: for one family of each shape of game, and for those that were changed last."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from families.contracts import PRESET, arguments_of, make
from helpers import run

from tfgan_zoo import devices, zoo
from tfgan_zoo.serving import savedmodel

each_family = pytest.mark.parametrize("family", contracts.representatives())
each_order = pytest.mark.parametrize("updates", ["alternating", "simultaneous"])


@each_family
def test_a_step_on_two_replicas_moves_the_acting_player_alone(family):
    """In the other order than on one replica, where every family is tested."""
    with devices.strategy(2).scope():
        model = make(family, updates="simultaneous")
        model.compile(optimizer=contracts.sgd(model, 0.1), run_eagerly=True)
    contracts.assert_only_the_acting_player_moves(model)


@each_family
@each_order
def test_sgd_on_one_and_two_replicas_agree(family, updates):
    """Also step by step and as a graph."""
    results = []
    for replicas in (1, 2):
        with devices.strategy(replicas).scope():
            model = make(family, updates=updates, **contracts.without_dropout(family))
            model.compile(optimizer=contracts.sgd(model, 0.01), run_eagerly=replicas == 1)
        contracts.enliven(model)
        contracts.pin_noise(model, 8)
        before = contracts.values_of(model)
        for _ in contracts.through_phases(model):
            contracts.take_steps(model, contracts.batch_for(model, 8), steps=2)
        results.append(contracts.values_of(model))
    for name in filter(results[0].get, results[0]):  # averaged twins have nothing to train
        moved = max(np.abs(one - start).max() for one, start in zip(results[0][name], before[name]))
        assert moved > 1e-5, "a comparison of weights that did not move shows nothing"
        for one, two in zip(results[0][name], results[1][name]):  # a wrong scale would show as half the way or more
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-6 + 1e-2 * moved)


@each_family
def test_noise_differs_by_replica(family):
    strategy = devices.strategy(2)
    with strategy.scope():
        model = make(family)

    @tf.function
    def draw():
        def replica():
            model.noise.begin()
            return model.latents(2)

        return strategy.experimental_local_results(strategy.run(replica))

    for key in model.latents(1):
        rows = np.concatenate([noise[key].numpy().reshape(2, -1) for noise in draw()])
        assert len(np.unique(rows, axis=0)) == 4


@each_family
def test_keras_file_round_trip_continues_identically(family, tmp_path):
    model = make(family, ema_decay=0.5)
    first = model.players[0].name
    model.compile(optimizer={first: keras.optimizers.Adam(3e-3, beta_1=0.3)})
    contracts.enliven(model)
    batch = contracts.batch_for(model)
    for _ in contracts.through_phases(model):
        contracts.take_steps(model, batch, 2)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert int(again.step.numpy()) == int(model.step.numpy()) and again.phase == model.phase
    assert float(again.optimizer.by_player[first].learning_rate) == pytest.approx(3e-3)
    for name, optimizer in model.optimizer.by_player.items():
        for a, b in zip(optimizer.variables, again.optimizer.by_player[name].variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=f"{name} {a.path}")
    for name, endpoint in model.endpoints.items():
        given = contracts.given_to(endpoint, 2)
        np.testing.assert_array_equal(
            model.sample([1, 2], endpoint=name, **given), again.sample([1, 2], endpoint=name, **given)
        )
    for each in (model, again):
        contracts.take_steps(each, batch, 1)
    for name, network in model.networks_by_name.items():
        for a, b in zip(network.weights, getattr(again, name).weights, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6, err_msg=a.path)


@each_family
def test_an_export_answers_as_the_model_in_a_process_without_keras(family, tmp_path):
    savedmodel.export(make(family), tmp_path, name=family, facts={})  # verifies each signature, raises otherwise


@each_family
def test_mixed_precision_trains_with_float32_answers(family):
    model = zoo.family_class(family)(**arguments_of(family), dtype="mixed_float16")
    networks = [getattr(model, name) for name in model.network_names]
    assert any(layer.compute_dtype == "float16" for network in networks for layer in network.layers)
    model.compile()
    contracts.enliven(model)
    for _ in contracts.through_phases(model):
        before = contracts.values_of(model)
        # The dynamic scale starts at 2**15 and may overflow at first: those steps are skipped and the scale halved.
        logs = contracts.take_steps(model, contracts.batch_for(model), steps=8)
        assert contracts.changed(before, contracts.values_of(model)) == {n for p in model.playing for n in p.networks}
        assert all(np.isfinite(values).all() for values in logs.values())


@each_family
def test_the_command_line_trains_asks_and_measures_it(family, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    preset = PRESET[family]
    trained = run("train", preset, "--smoke")
    assert trained.exit_code == 0 and "finished: runs/" in trained.output, trained.output
    assert (tmp_path / "runs" / preset / "model.keras").is_file()
    measured = run("evaluate", f"runs/{preset}", "--num", "8")
    assert measured.exit_code == 0, measured.output
