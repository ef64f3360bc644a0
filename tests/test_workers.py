"""Training on several workers: what TF_CONFIG says, what workers tell each other, and a game of two processes."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import devices, training
from tfgan_zoo.callbacks import Clock
from tfgan_zoo.errors import ZooError
from tfgan_zoo.workers import JointInterrupt, Workers, of_chief, sums
from tools import launch_local
from tools.soak import arrays

TWO = ["a:1", "b:1"]


def config(cluster, kind="worker", index=0):
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Workers(0, 1)),
        (config({"worker": ["a:1"]}), Workers(0, 1)),
        (config({"worker": TWO}, index=1), Workers(1, 2)),
        (config({"chief": ["c:1"], "worker": TWO}, "chief"), Workers(0, 3)),
        (config({"chief": ["c:1"], "worker": TWO}, index=1), Workers(2, 3)),
        ("not JSON", "must be such as"),
        ("[]", "must be such as"),
        ('{"cluster": {"worker": ["a:1"]}}', "must be such as"),
        (config({"worker": TWO}, index=2), "task.index is 2; the cluster names 2"),
        (config({"worker": TWO, "ps": ["p:1"]}), "Parameter servers are not supported"),
        (config({"worker": TWO}, "evaluator"), "this process is 'evaluator'"),
    ],
)
def test_what_tf_config_says(monkeypatch, text, expected):
    monkeypatch.setenv("TF_CONFIG", text)
    if isinstance(expected, Workers):
        assert Workers.configured() == expected and expected.chief == (expected.index == 0)
    else:
        with pytest.raises(ZooError, match=expected):
            Workers.configured()


def test_replicas_are_not_chosen_for_one_of_several_workers(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config({"worker": TWO}))
    with pytest.raises(ZooError, match=r"replicas=2: each of several workers .* leave it out"):
        training.train("gan_glyphs", smoke=True, replicas=2)


def test_sums_and_what_the_chief_gives():
    strategy = devices.strategy(2)
    given = [tf.constant([1, 2], tf.int64), tf.constant(0.5)]
    both, first = sums(strategy, everyone=True)(given), of_chief(strategy, given)
    assert [value.numpy().tolist() for value in both] == [[2, 4], 1.0]
    assert [value.numpy().tolist() for value in first] == [[1, 2], 0.5]


def test_a_signal_ends_all_workers_when_they_next_ask_each_other():
    class Playing:
        distribute_strategy, stop_training = devices.strategy(2), False

    clock = Clock(0, 100)
    interrupt = JointInterrupt(clock)
    interrupt.set_model(model := Playing())
    clock.step = 1
    interrupt.on_train_batch_end(0)
    assert interrupt.received is None and interrupt.next > 1  # after what takes about a second
    interrupt.next = 5
    interrupt.stop(signal.SIGTERM)
    for clock.step in (2, 3, 4):
        interrupt.on_train_batch_end(0)
        assert not model.stop_training  # another worker may be a step behind
    clock.step = 5
    interrupt.on_train_batch_end(0)
    assert model.stop_training and interrupt.received == signal.SIGTERM


@pytest.mark.parametrize("seconds", [0.0, 30.0])
def test_the_launcher_ends_what_outlives_an_error_and_returns_its_status(seconds):
    def process(code):
        return subprocess.Popen([sys.executable, "-c", code])

    last = "import time; time.sleep(60)" if not seconds else "pass"  # without patience it is killed
    processes = [process("raise SystemExit(2)"), process(last)]
    assert launch_local.wait(processes, patience=seconds) == 2
    assert processes[1].returncode == (0 if seconds else -signal.SIGKILL)


def test_two_workers_go_on_with_a_run_as_two_replicas_of_one_process_do(tmp_path):
    settings = ["train.log_every=3", "train.checkpoint_every=3", "model.ema_decay=0.9"]
    options = {"smoke": True, "run_dir": tmp_path / "one", "replicas": 2}
    training.train("dcgan_glyphs", [*settings, "train.steps=3"], **options)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    run = training.train("dcgan_glyphs", [*settings, "train.steps=6"], **options)
    arguments = ["train", "dcgan_glyphs", "--smoke", *settings, "train.steps=6", "--out", str(tmp_path / "two")]
    launched = subprocess.run(
        [sys.executable, "-m", "tools.launch_local", "--patience", "20", *arguments],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert launched.returncode == 0, launched.stderr[-2000:]
    assert "resuming at step 3" in launched.stdout + launched.stderr
    assert "[1] worker 1 of 2: waiting for the others" in launched.stderr
    name = "checkpoints/step-00000006.weights.h5"
    alone, together = arrays(run.path / name), arrays(tmp_path / "two" / name)
    assert alone.keys() == together.keys()
    for key, value in alone.items():
        np.testing.assert_allclose(together[key], value, atol=1e-6, err_msg=key)
    log = [json.loads(line) for line in (tmp_path / "two" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [3, 6]  # written once
    for key in ("d_loss", "g_loss"):
        assert log[1][key] == pytest.approx(run.metrics()[1][key], abs=1e-5)
