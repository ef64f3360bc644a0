"""What the contract tests share: families at smoke size, made-up batches, which families are tested in depth."""

import functools
import os
import re
import subprocess

import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import config, index, zoo

FAMILIES = index.families()
PRESET = index.first_presets()


@functools.cache
def arguments_of(family):
    """The constructor arguments of the family's first preset at smoke size."""
    return config.load(PRESET[family], smoke=True).model


def make(family, **arguments):
    """A small model of the family."""
    return zoo.family_class(family)(**{**arguments_of(family), **arguments})


def one_turn(family):
    """Arguments by which each player acts once in a step: every further turn is traced anew, which takes its time."""
    return {"discriminator_steps": 1} if "discriminator_steps" in index.family_facts(family)["arguments"] else {}


def without_dropout(family):
    """Arguments that switch off what draws within a layer, which cannot be pinned from outside, or ties rows."""
    off = "phase_shuffle", "stddev_group"
    return {name: 0 for name in zoo.family_class(family).arguments() if name.endswith("dropout") or name in off}


def enliven(model):
    """Weights large enough that gradients stand clear of rounding; papers start some near 0."""
    random = np.random.default_rng(1)
    for weight in model.trainable_variables:
        if len(weight.shape) > 1:
            weight.assign(random.normal(0, max(0.2, weight.numpy().std()), weight.shape))


def batch_for(model, size=8, seed=0):
    """A made-up batch of `size` elements for each of the model's slices."""
    random = np.random.default_rng(seed)
    return {key: kind.example(size * model.data_steps, random) for key, kind in model.element_spec.items()}


def take_steps(model, batch, steps=1):
    """The history of `steps` steps on the same batch."""
    size = len(next(iter(batch.values())))
    data = tf.data.Dataset.from_tensor_slices(batch).repeat().batch(size)
    return model.fit(data, steps_per_epoch=steps, verbose=0).history


def sgd(model, rate):
    """Plain gradient descent for every player."""
    return {player.name: keras.optimizers.SGD(rate) for player in model.players}


def values_of(model):
    """{network: values of its trainable weights}."""
    return {name: [w.numpy() for w in network.trainable_weights] for name, network in model.networks_by_name.items()}


def changed(before, after):
    """The networks that moved by more than a constraint's rounding."""
    return {name for name in before if any(np.abs(a - b).max() > 1e-6 for a, b in zip(before[name], after[name]))}


def given_to(endpoint, count, seed=0):
    """Made-up conditions for `count` answers of an endpoint."""
    random = np.random.default_rng(seed)
    return {name: kind.example(count, random) for name, kind in endpoint.conditions.items()}


def through_phases(model):
    """Enter each phase of the game in turn; once, without entering anything, for a game that has none."""
    for phase in model.phases or [None]:
        if phase:
            model.enter(phase)
        yield phase


def assert_only_the_acting_player_moves(model):
    """With the learning rates of all others at 0, a step moves the networks of the acting player and no others."""
    batch = batch_for(model)
    for _ in through_phases(model):
        enliven(model)
        for acting in model.playing:
            for name, optimizer in model.optimizer.by_player.items():
                optimizer.learning_rate = 0.01 if name == acting.name else 0.0
            before = values_of(model)
            logs = take_steps(model, batch)
            assert changed(before, values_of(model)) == set(acting.networks)
            assert {player.log_name for player in model.playing} <= set(logs)
            assert all(np.isfinite(values).all() for values in logs.values())


def pin_noise(model, size):
    """Make the noise a function of the row in the global batch, so that 1 and 2 replicas draw the same."""

    def pinned(draw):
        def rows_of_this_replica(shape, *bounds):
            values = draw(np.random.default_rng(7), (size, *shape[1:]), *bounds)
            table = tf.constant(values, tf.int32 if values.dtype.kind == "i" else tf.float32)
            alike = getattr(model.noise._thread, "alike", False)  # all replicas draw what is for all of them
            replica = 0 if alike else tf.distribute.get_replica_context().replica_id_in_sync_group
            return tf.gather(table, replica * shape[0] + tf.range(shape[0]))

        return rows_of_this_replica

    model.noise.normal = pinned(lambda random, shape: random.standard_normal(shape))
    model.noise.uniform = pinned(lambda random, shape, low=0.0, high=1.0: random.uniform(low, high, shape))
    among = pinned(lambda random, shape: random.uniform(size=shape))
    model.noise.integers = lambda shape, below: tf.cast(among(shape) * tf.cast(below, tf.float32), tf.int32)


# === Which families are tested in depth ===
def representatives():
    """Families that have together every kind of data and of game, and those that were changed since the last commit.

    One after the other, the family that adds most for the length of its code, which tells the time that it takes; a
    game of several phases is traced as often.
    With TFGAN_ZOO_DEEP=all in the environment, all families.
    """
    if os.environ.get("TFGAN_ZOO_DEEP") == "all":
        return FAMILIES
    traits = {family: _traits((index.FAMILIES / f"{family}.py").read_text()) for family in FAMILIES}
    length = {family: _length(_sources("families", family).values()) for family in FAMILIES}
    left, chosen = set().union(*traits.values()), _changed_files() & set(FAMILIES)
    while left := left.difference(*(traits[family] for family in chosen)):
        chosen.add(min((f for f in FAMILIES if traits[f] & left), key=lambda f: length[f] / len(traits[f] & left)))
    return sorted(chosen)


def _traits(text):
    """What makes a family's game unlike others: its kinds of data; extra steps, phases, a memory of pictures."""
    kinds = re.search(r"from tfgan_zoo.modalities import (.*)", text)
    return {*(kinds[1].split(", ") if kinds else ()), *(word for word in ("steps=", "Phase(", "Pool(") if word in text)}


def _length(texts):
    """Of the code of a family, once for each phase."""
    return sum(map(len, texts)) * max(1, sum(text.count(" Phase(") + text.count("(Phase(") for text in texts))


@functools.cache
def _sources(package, module):
    """{file: its text}: of a module, and of the families and networks that it imports."""
    path = index.FAMILIES.parent / package / f"{module}.py"
    if not path.is_file():
        return {}
    found = {path: path.read_text()}
    for package, names in re.findall(r"from tfgan_zoo\.(families|networks) import (.*)", found[path]):
        for name in names.split(", "):
            found |= _sources(package, name)
    return found


@functools.cache
def _changed_files():
    """Families whose file differs from the last commit's; none where there is no git."""
    command = ["git", "diff", "--name-only", "HEAD", "--", str(index.FAMILIES)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=index.FAMILIES, check=True)
    except (OSError, subprocess.CalledProcessError):
        return set()
    return {line.rpartition("/")[2].removesuffix(".py") for line in done.stdout.split()}
