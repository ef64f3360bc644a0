"""All contenders of `tools.benchmark train` play the same game, and its cost is counted right."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tools.benchmark import __main__ as benchmark
from tools.benchmark import contenders, roofline, training
from tools.benchmark.games import GAMES

TINY = {  # sizes for a test, beyond those of --smoke
    "dcgan28": {"image_shape": (8, 8, 1)},
    "sngan": {"image_shape": (8, 8, 3)},
    "pix2pix": {"image_shape": (32, 32, 3), "dropout": 0.0},
    "stylegan": {"image_shape": (8, 8, 3), "start_side": 8},
}


class Same:
    """Random numbers that are the same at every call of a shape."""

    def begin(self):
        """The zoo says when a step begins."""

    def normal(self, shape):
        return tf.random.stateless_normal(shape, (1, 2))

    def uniform(self, shape, low=0.0, high=1.0):
        return tf.random.stateless_uniform(shape, (1, 2), low, high)

    def integers(self, shape, below):
        return tf.random.stateless_uniform(shape, (1, 2), 0, below, tf.int32)


@pytest.mark.parametrize("name", TINY)
def test_a_bare_step_moves_the_weights_as_the_zoo_does(name):
    game = dataclasses.replace(GAMES[name], smoke={**GAMES[name].smoke, **TINY[name]})
    model, twin = game.model(True, "float32"), game.model(True, "float32")
    for key, network in model.networks_by_name.items():
        twin.networks_by_name[key].set_weights(network.get_weights())
    model.noise = Same()
    model.compile()
    step = contenders.bare_step(game.bare(twin, Same()), game.adam)
    batch = {key: value[:4] for key, value in contenders.random_data(game.data(game.arguments_of(True)), 4).items()}
    before = [variable.numpy() for variable in model.trainable_variables]
    for _ in range(2):
        logs = model.train_on_batch(batch, return_dict=True)
        d_loss, g_loss = step({key: tf.constant(value) for key, value in batch.items()})
    assert logs["d_loss"] == pytest.approx(float(d_loss), rel=1e-3)
    assert logs["g_loss"] == pytest.approx(float(g_loss), rel=1e-3)
    for key, network in model.networks_by_name.items():
        for zoo, bare in zip(network.weights, twin.networks_by_name[key].weights):
            np.testing.assert_allclose(zoo.numpy(), bare.numpy(), atol=1e-4, err_msg=zoo.path)
    assert sum(not np.allclose(old, new) for old, new in zip(before, model.trainable_variables)) > len(before) / 2


@pytest.mark.parametrize("name", ["sngan", "pix2pix", "stylegan"])
def test_pytorch_computes_the_same_numbers_with_the_same_weights(name, monkeypatch):
    torch = pytest.importorskip("torch")
    keras.utils.set_random_seed(0), torch.manual_seed(0)  # power iteration starts from random vectors
    game = dataclasses.replace(GAMES[name], smoke={**GAMES[name].smoke, **TINY[name]})
    arguments, same = game.arguments_of(True), Same()
    bare, theirs = game.bare(game.model(True, "float32"), same), game.pytorch(arguments)

    def plain(tensor):
        return torch.from_numpy(np.array(tensor))

    def channels_first(tensor):
        return plain(np.moveaxis(tensor, -1, 1) if tensor.ndim == 4 else tensor)

    for ours, others in ((bare.d_variables, theirs.d_variables), (bare.g_variables, theirs.g_variables)):
        others = list(others)
        for variable in ours:
            value = variable.numpy()
            if "kernel" in variable.path:
                value = np.transpose(value, (3, 2, 0, 1) if value.ndim == 4 else None)
            elif value.ndim == 3:  # a learned map
                value = np.moveaxis(value, -1, 0)
            place = next(i for i, other in enumerate(others) if tuple(other.squeeze().shape) == value.squeeze().shape)
            twin = others.pop(place)
            twin.data = torch.from_numpy(value.reshape(twin.shape).copy())
    monkeypatch.setattr(torch, "randn", lambda *shape: plain(same.normal(shape)))
    monkeypatch.setattr(torch, "rand", lambda *shape: plain(same.uniform(shape)))
    monkeypatch.setattr(torch, "randint", lambda low, high, shape: low + plain(same.integers(shape, high - low)))

    data = {key: value[:4] for key, value in contenders.random_data(game.data(arguments), 4).items()}
    batch = contenders.in_model_form({key: tf.constant(value) for key, value in data.items()})
    given = {key: channels_first(value.numpy()) for key, value in batch.items()}
    for _ in range(100 if name == "sngan" else 1):  # until both have found the largest singular values
        fake, made = bare.fake(batch), theirs.fake(given)
        bare.judge(batch, fake), theirs.judge(given, made)
    np.testing.assert_allclose(channels_first(fake.numpy()), made.detach(), atol=1e-4)
    for loss in ("d_loss", "g_loss"):
        expected = float(getattr(bare, loss)(batch, fake))
        assert getattr(theirs, loss)(given, made).item() == pytest.approx(expected, rel=1e-3), loss


class Everywhere:
    """In the place of PyTorch's record of the modules, which second derivatives confuse."""

    parents = ("Global",)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.mark.parametrize("name", TINY)
def test_pytorch_has_the_same_parameters_and_its_step_costs_as_much(name):
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    game, count = GAMES[name], 2
    model, arguments = game.model(False, "float32"), game.arguments_of(False)
    bare, theirs = game.bare(model, contenders.Random()), game.pytorch(arguments)
    for ours, others in ((bare.d_variables, theirs.d_variables), (bare.g_variables, theirs.g_variables)):
        assert sorted(np.prod(v.shape) for v in ours) == sorted(p.numel() for p in others)
    assert contenders.count(model.trainable_variables) == sum(
        p.numel() for p in theirs.d_variables + theirs.g_variables
    )

    data = {key: value[:count] for key, value in contenders.random_data(game.data(arguments), count).items()}
    before = [parameter.detach().clone() for parameter in theirs.g_variables]
    counter = FlopCounterMode(display=False)
    counter.mod_tracker = Everywhere()
    with counter:
        losses = contenders.torch_step(theirs, game.adam)(data)
    losses += contenders.torch_step(theirs, game.adam, half=True)(data)
    assert all(torch.isfinite(loss) for loss in losses)
    assert any((old != new).any() for old, new in zip(before, theirs.g_variables))

    spec = contenders.pipeline(game.data(arguments), count).element_spec
    ours = roofline.flop(contenders.bare_step(bare, game.adam).python_function, spec)
    assert counter.get_total_flops() == pytest.approx(ours, rel=0.01)
    # What a game says of a turn counts first layers whole, whose gradients to the pictures nobody needs.
    assert roofline.turn(game, bare, spec) == pytest.approx(ours, rel=0.02)


def test_the_cost_is_of_what_is_needed():
    x, kernel = tf.ones((2, 8, 8, 3)), tf.ones((5, 5, 3, 4))

    def function(rows):
        tf.matmul(rows, tf.ones((3, 1000)))  # which nobody uses
        down = tf.nn.conv2d(x, kernel, 2, "SAME")
        return tf.matmul(rows, tf.ones((4, 3)), transpose_b=True), tf.nn.conv2d_transpose(down, kernel, x.shape, 2)

    convolution = 2 * (2 * 4 * 4 * 4) * (5 * 5 * 3)
    assert roofline.flop(function, tf.TensorSpec((7, 3))) == 2 * 7 * 4 * 3 + 2 * convolution


def test_train_races_in_processes_and_writes_json(tmp_path, capsys, monkeypatch):
    path = tmp_path / "speed.json"
    words = f"train --games dcgan28 --precision float32 --only bare --smoke --batch 2 --rounds 2 --json {path}"
    words += " --seconds 0.05"
    monkeypatch.setattr(sys, "argv", ["benchmark.py", *words.split()])
    monkeypatch.setattr(roofline, "RATES", {"tensorflow": roofline.tensorflow})  # fewer processes
    monkeypatch.setattr(training, "apart", lambda function, *given: function(*given))
    benchmark.main()
    record = json.loads(path.read_text())
    *yardsticks, row = record["results"]
    assert record["settings"]["precision"] == ["float32"]
    assert {each["yardstick"] for each in yardsticks} == set(roofline.YARDSTICKS)
    assert len(row["rounds"]) == 2 and row["images_per_second"] > 0
    rate = max(each["images_per_second"] for each in yardsticks if each["yardstick"] == "matmul" and "note" not in each)
    assert row["share_of_matmul"] == pytest.approx(row["gflop_per_image"] * row["images_per_second"] / rate)
    shown = capsys.readouterr().out
    assert "of matmul" in shown and "GFLOP an image and step; 41,438 parameters, the same in bare" in shown


def test_both_precisions_are_raced_where_the_processor_has_them(monkeypatch):
    raced = []

    def compare(jobs, rounds, seconds, peers):
        raced.append([(job["name"], job["precision"]) for job in jobs])
        return [{**job, "note": "not run"} for job in jobs]

    monkeypatch.setattr(training, "compare", compare)
    monkeypatch.setattr(training, "apart", lambda function, *_: True if function.__name__ == "fast_bfloat16" else 1.0)
    arguments = benchmark.parser().parse_args(["train", "--games", "sngan", "--jit"])
    arguments.run(arguments)
    names = ["zoo", "bare", "pytorch", "zoo + XLA", "bare + XLA"]
    assert raced[2:] == [[(name, precision) for name in names] for precision in ("float32", "bfloat16")]


def test_contenders_of_another_size_are_told():
    same = [
        {"name": "zoo", "parameters": 1000},
        {"name": "bare", "note": "ended"},
        {"name": "pytorch", "parameters": 1000},
    ]
    assert training.parameters(same) == "1,000 parameters, the same in zoo, pytorch"
    other = [same[0], {"name": "pytorch", "parameters": 999}]
    assert "NOT THE SAME GAME" in training.parameters(other) and "pytorch 999" in training.parameters(other)


def test_an_unknown_game_is_refused(capsys):
    with pytest.raises(SystemExit):
        benchmark.parser().parse_args(["train", "--games", "dcgan"])
    assert "dcgan28" in capsys.readouterr().err


@pytest.mark.parametrize("contender", [None, "pytorch"])
def test_no_framework_is_loaded_that_is_not_needed(contender):
    if contender:
        pytest.importorskip("torch")
    job = {"contender": contender, "smoke": True, "batch": 1, "threads": 1, "precision": "float32", "jit": False}
    code = f"import sys, tools.benchmark.__main__\nfrom tools.benchmark import contenders\njob = {job}\n"
    if contender:
        code += "for game in contenders.GAMES: contenders.build(job | {'game': game})\n"
    code += "print(*{'tensorflow', 'keras', 'torch'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == (["torch"] if contender else [])
