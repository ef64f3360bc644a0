"""The contenders of `python -m tools.benchmark train`: a game by the zoo, by a bare loop and by PyTorch.

Each is a function (game, job) -> (run, parameters): `run(steps)` trains that many steps and returns when they are done,
`parameters` counts what is trained. All take uint8 pictures from memory, map them to [-1, 1] on the device, and step
both players with the game's Adam. Each imports the framework it needs and no other.
"""

import math
from collections.abc import Callable
from typing import Any

from tools.benchmark.games import GAMES
from tools.benchmark.games.game import Game, Side
from tools.benchmark.race import limit_threads

BATCHES = 16  # distinct batches that the contenders go round

Run = Callable[[int], None]  # trains that many steps and returns when they are done


def build(job: dict[str, Any]) -> tuple[Run, dict[str, Any]]:
    """What `race` runs. Beyond what it reads itself a job has `game`, `smoke`, `precision` and `jit`."""
    limit_threads(job["contender"], job["threads"])
    run, parameters = CONTENDERS[job["contender"]](GAMES[job["game"]], job)
    return run, {"parameters": parameters}


# === The three ===
def zoo(game: Game, job: dict[str, Any]) -> tuple[Run, int]:
    """The zoo as a user runs it."""
    model = game.model(job["smoke"], job["precision"])
    model.compile(jit_compile=job["jit"])
    data = pipeline(game.data(game.arguments_of(job["smoke"])), job["batch"])

    def run(steps):
        model.fit(data, steps_per_epoch=steps, verbose=0)

    return run, count(model.trainable_variables)


def bare(game: Game, job: dict[str, Any]) -> tuple[Run, int]:
    """The same networks in a hand-written step, without the zoo's base class."""
    side = game.bare(game.model(job["smoke"], job["precision"]), Random())
    step = bare_step(side, game.adam, job["jit"])
    batches = iter(pipeline(game.data(game.arguments_of(job["smoke"])), job["batch"]))

    def run(steps):
        for _ in range(steps):
            _, g_loss = step(next(batches))
        float(g_loss)  # wait for devices that run ahead

    return run, count(side.d_variables + side.g_variables)


def pytorch(game: Game, job: dict[str, Any]) -> tuple[Run, int]:
    """What a PyTorch user would write; in bfloat16 by autocast."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_device(device)
    arguments = game.arguments_of(job["smoke"])
    side = game.pytorch(arguments)
    for parameter in side.d_variables + side.g_variables:
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    step = torch_step(side, game.adam, device, job["precision"] == "bfloat16")
    arrays, at = random_data(game.data(arguments), job["batch"]), 0

    def run(steps):
        nonlocal at
        for _ in range(steps):
            batch = {key: value[at * job["batch"] : (at + 1) * job["batch"]] for key, value in arrays.items()}
            _, g_loss = step(batch)
            at = (at + 1) % BATCHES
        g_loss.item()  # wait for devices that run ahead

    return run, sum(parameter.numel() for parameter in side.d_variables + side.g_variables)


CONTENDERS = {"zoo": zoo, "bare": bare, "pytorch": pytorch}


# === A turn in each framework: alternating steps that share one pass of the generator ===
def bare_step(side: Side, adam: dict[str, float], jit: bool = False):
    """A batch in stored form -> (d_loss, g_loss), both players moved by Adam."""
    import keras
    import tensorflow as tf

    d_optimizer, g_optimizer = keras.optimizers.Adam(**adam), keras.optimizers.Adam(**adam)
    d_optimizer.build(side.d_variables)
    g_optimizer.build(side.g_variables)

    def descend(optimizer, gradients, variables):  # there is none of a variable that the game does not use
        optimizer.apply([tf.zeros(v.shape) if g is None else g for g, v in zip(gradients, variables, strict=True)])

    @tf.function(jit_compile=jit)
    def step(stored):
        batch = in_model_form(stored)
        with tf.GradientTape() as g_tape:
            fake = side.fake(batch)
            with g_tape.stop_recording():
                with tf.GradientTape() as d_tape:
                    d_loss = side.d_loss(batch, fake)
                descend(d_optimizer, d_tape.gradient(d_loss, side.d_variables), side.d_variables)
            g_loss = side.g_loss(batch, fake)
        descend(g_optimizer, g_tape.gradient(g_loss, side.g_variables), side.g_variables)
        return d_loss, g_loss

    return step


def torch_step(side: Side, adam: dict[str, float], device: str = "cpu", half: bool = False):
    """A batch in stored form -> (d_loss, g_loss), both players moved by Adam. `half`: bfloat16 by autocast."""
    import torch

    named = {"lr": adam["learning_rate"], "betas": (adam["beta_1"], adam["beta_2"]), "eps": adam["epsilon"]}
    d_optimizer, g_optimizer = torch.optim.Adam(side.d_variables, **named), torch.optim.Adam(side.g_variables, **named)

    def on_device(value):
        tensor = torch.from_numpy(value).to(device)
        # (n, h, w, c) seen as (n, c, h, w) is channels last already
        return tensor.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0) if value.ndim == 4 else tensor.long()

    def step(stored):
        batch = {key: on_device(value) for key, value in stored.items()}
        lower = torch.autocast(device, torch.bfloat16, enabled=half)
        d_optimizer.zero_grad()
        with lower:
            fake = side.fake(batch)
            d_loss = side.d_loss(batch, fake.detach())
        d_loss.backward()
        d_optimizer.step()
        g_optimizer.zero_grad()
        with lower:
            g_loss = side.g_loss(batch, fake)
        g_loss.backward(inputs=side.g_variables)
        g_optimizer.step()
        return d_loss, g_loss

    return step


# === What they share ===
class Random:
    """TensorFlow's own random numbers, by the names of the zoo's `NoiseStream`."""

    def normal(self, shape):
        import tensorflow as tf

        return tf.random.normal(shape)

    def uniform(self, shape, low=0.0, high=1.0):
        import tensorflow as tf

        return tf.random.uniform(shape, low, high)

    def integers(self, shape, below):
        import tensorflow as tf

        return tf.random.uniform(shape, 0, below, tf.int32)


def in_model_form(stored):
    """A batch of TensorFlow's with its pictures in [-1, 1]."""
    import tensorflow as tf

    return {
        key: tf.cast(value, tf.float32) / 127.5 - 1.0 if value.dtype == tf.uint8 else value
        for key, value in stored.items()
    }


def random_data(spec: dict[str, Any], batch: int) -> dict[str, Any]:
    """`BATCHES` batches of noise: {key: uint8 pictures or int32 labels}."""
    import numpy as np

    random, rows = np.random.default_rng(0), BATCHES * batch
    return {
        key: random.integers(0, kind, rows, np.int32)
        if isinstance(kind, int)
        else random.integers(0, 256, (rows, *kind), np.uint8)
        for key, kind in spec.items()
    }


def pipeline(spec: dict[str, Any], batch: int):
    """An endless prefetching tf.data pipeline of such batches."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices(random_data(spec, batch))
    options = tf.data.Options()
    options.autotune.enabled = False  # as in `data.pipeline`: its thread makes the end of `fit` wait for seconds
    return data.repeat().batch(batch, drop_remainder=True).prefetch(4).with_options(options)


def count(variables) -> int:
    """Scalars in `variables`."""
    return sum(math.prod(variable.shape) for variable in variables)
