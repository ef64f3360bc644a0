import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from toy_games.restorer import Restorer

from tfgan_zoo import config, devices, rehearsal, training
from tfgan_zoo.errors import ZooError
from tfgan_zoo.phases import Phase, spans
from tfgan_zoo.pool import ImagePool


def play(model, phase, steps=2):
    model.enter(phase)
    return contracts.take_steps(model, {"point": np.ones((4, 2), np.float32)}, steps)


@pytest.mark.parametrize("replicas", [1, 2])
def test_each_phase_has_its_own_players(replicas):
    with devices.strategy(replicas).scope():
        model = Restorer()
        model.compile()
    moved = []
    for phase in model.phases:
        before = contracts.values_of(model)
        logs = play(model, phase)
        moved.append(contracts.changed(before, contracts.values_of(model)))
        assert set(logs) == {player.log_name for player in model.playing}
    assert moved == [{"generator"}, {"generator", "discriminator"}]
    assert model.begun == [("deceive", 2)]


def test_a_phase_begins_once_also_over_a_file(tmp_path):
    model = Restorer()
    model.compile()
    play(model, model.phases[0])
    play(model, model.phases[1])
    model.enter(model.phases[1])
    assert model.begun == [("deceive", 2)]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects={"Restorer": Restorer})
    assert again.phase == "deceive"
    logs = contracts.take_steps(again, {"point": np.ones((4, 2), np.float32)}, 1)
    assert set(logs) == {"d_loss", "g_loss"} and again.begun == []


def test_progress_runs_from_0_to_1_over_the_phase():
    model = Restorer()
    seen = []
    for step in range(5):
        model.step.assign(step)
        seen.append(float(model.course.progress(model.step.value)))
    np.testing.assert_allclose(seen, [0, 1 / 3, 2 / 3, 1, 1])


def test_an_unknown_phase_is_named():
    with pytest.raises(ZooError, match="unknown phase 'grow'.*restore"):
        Restorer().enter(Phase("grow"))


# === Runs ===
PRESET = """# Two phases
family = "toy_games.restorer"
[data]
source = "synthetic"
name = "ring"
size = 64
batch_size = 8
[train]
steps = 8
samples = 4
phases = { deceive = { batch_size = 4 } }
[evaluate]
metrics = ["mixture"]
"""


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    path = tmp_path_factory.mktemp("presets") / "restorer.toml"
    path.write_text(PRESET)
    return str(path)


@pytest.fixture(scope="module")
def unbroken(preset, tmp_path_factory):
    return training.train(preset, run_dir=tmp_path_factory.mktemp("runs") / "unbroken")


class StopAt(keras.callbacks.Callback):
    """Ctrl-C at a step of the run."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.numpy()) == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("stop", [2, 3, 5])
def test_a_run_stopped_in_either_phase_or_between_ends_as_an_unbroken_one(preset, unbroken, tmp_path, stop):
    with pytest.raises(KeyboardInterrupt):
        training.train(preset, run_dir=tmp_path / "broken", callbacks=[StopAt(stop)])
    broken = training.train(preset, run_dir=tmp_path / "broken")
    one, two = (keras.models.load_model(run.path / "model.keras") for run in (unbroken, broken))
    for a, b in zip(one.weights, two.weights, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-6, err_msg=a.path)
    assert one.phase == two.phase == "deceive"


def test_a_dry_run_times_each_phase(preset):
    plan = rehearsal.dry_run(preset)
    assert [(phase["phase"], phase["steps"], phase["batch_size"]) for phase in plan["phases"]] == [
        ("restore", 3, 8),
        ("deceive", 5, 4),
    ]
    total = sum(phase["steps"] * phase["seconds_per_step"] for phase in plan["phases"])
    assert plan["seconds"] == pytest.approx(total)


def test_spans_follow_the_preset_and_end_with_the_run():
    phases = Phase("a", 10), Phase("b", 10), Phase("c")
    told = {"a": config.PhaseSettings(steps=4), "b": config.PhaseSettings(batch_size=2)}
    found = [(span.phase.name, span.start, span.stop, span.batch_size) for span in spans(phases, 20, 8, told)]
    assert found == [("a", 0, 4, 8), ("b", 4, 14, 2), ("c", 14, 20, 8)]
    assert [span.stop for span in spans(phases, 12, 8, {})] == [10, 12]
    assert [span.phase for span in spans((), 12, 8, {})] == [None]
    with pytest.raises(ZooError, match="unknown phase 'd'.*a, b, c"):
        spans(phases, 20, 8, {"d": config.PhaseSettings()})


# === A memory of fakes ===
def exchange(replicas, size=4, steps=6, rows=4):
    """What a pool answers to numbered fakes, and what it holds at the end."""
    strategy = devices.strategy(replicas)
    with strategy.scope():
        model = Restorer()
        pool = ImagePool(size, (1,))

    @tf.function
    def step(fakes):
        def replica():
            model.noise.begin()
            place = tf.distribute.get_replica_context().replica_id_in_sync_group
            share = rows // replicas
            answers = pool.exchange(
                tf.ensure_shape(fakes[place * share : (place + 1) * share], (share, 1)), model.noise
            )
            model.step.assign_add(1)
            return answers

        return strategy.experimental_local_results(strategy.run(replica))

    answers = [
        np.concatenate([np.asarray(part) for part in step(tf.range(4.0)[:, None] + 4 * k)]) for k in range(steps)
    ]
    return np.stack(answers)[..., 0], pool.kept.numpy()[:, 0]


def test_a_pool_keeps_old_fakes_and_is_alike_on_one_and_two_replicas():
    answers, kept = exchange(1)
    np.testing.assert_array_equal(answers[0], range(4))  # it fills
    fresh = answers == np.arange(24).reshape(6, 4)
    assert 0.2 < fresh[1:].mean() < 0.8
    assert all(np.isin(row, range(4 * k + 4)).all() for k, row in enumerate(answers))
    assert len(np.unique(kept)) == 4 and kept.max() > 3
    for one, two in zip((answers, kept), exchange(2)):
        np.testing.assert_array_equal(one, two)


def test_a_pool_of_nothing_answers_what_comes():
    answers, _ = exchange(1, size=0, steps=2)
    np.testing.assert_array_equal(answers, np.arange(8).reshape(2, 4))
