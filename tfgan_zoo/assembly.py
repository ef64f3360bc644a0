"""What assembling a model takes: first weights by seed, a dtype policy, averaged twins, constructor arguments."""

import contextlib
import inspect
import random
from collections.abc import Iterator

import keras
import tensorflow as tf


@contextlib.contextmanager
def dtype_policy(policy) -> Iterator[None]:
    """Build layers under `policy`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def first_weights(seed: int) -> Iterator[None]:
    """Let `seed` decide the first weights: Keras' initializers draw the seeds they lack from Python's generator."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def twin_of(network: keras.Model, name: str) -> keras.Model:
    """A network of the same layers and weights that no optimizer moves."""
    twin = type(network).from_config({**network.get_config(), "name": name})
    twin.set_weights(network.get_weights())
    twin.trainable = False
    return twin


def average(network: keras.Model, twin: keras.Model, decay: float, step) -> None:
    """twin <- decay * twin + (1 - decay) * network for weights; statistics are copied."""
    step = tf.cast(step, tf.float32)
    rate = 1.0 - tf.minimum(decay, (1.0 + step) / (10.0 + step))  # short memory while weights are young
    for variable, mean in zip(network.variables, twin.variables, strict=True):
        if variable.trainable:
            mean.assign(mean.value + tf.cast(rate, mean.dtype) * (variable.value - mean.value))
        else:
            mean.assign(variable.value)


def constructor_arguments(cls: type, base: type) -> dict[str, inspect.Parameter]:
    """The arguments that `cls(...)` takes, by name: its own, then those that it hands on, up to those of `base`."""
    found = {}
    for owner in cls.__mro__:
        if "__init__" not in vars(owner):
            continue
        parameters = list(inspect.signature(owner.__init__).parameters.values())[1:]
        named = [argument for argument in parameters if argument.kind is not argument.VAR_KEYWORD]
        found = {argument.name: argument for argument in named} | found
        if owner is base or len(named) == len(parameters):  # nothing is handed on
            break
    return found
