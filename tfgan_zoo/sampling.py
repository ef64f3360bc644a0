"""Asking a model: inputs drawn from seeds or given, the answer in stored form. Row i depends on seed i alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo.endpoints import Endpoint
from tfgan_zoo.errors import ZooError, count_of, unknown
from tfgan_zoo.modalities import ClassLabel


def endpoint_of(model, name: str) -> Endpoint:
    """The model's endpoint called `name`. Raises ZooError where it has none of that name."""
    if name not in model.endpoints:
        raise unknown("endpoint", name, model.endpoints, where=type(model).__name__)
    return model.endpoints[name]


def draw(model, name: str, seeds, given: Mapping[str, Any] = {}, truncation: float | None = None) -> dict[str, Any]:
    """The inputs of an endpoint in model form: noise by seed, conditions as given, classes drawn where they are not.

    Args:
        seeds: int64 (n,).
        given: conditions in stored form, (n, ...) or one datum (...) for all rows.

    Raises:
        ZooError: a condition that is not given and cannot be drawn, or one that the endpoint does not take.
    """
    endpoint = endpoint_of(model, name)
    conditions = endpoint.conditions
    for key in given:
        if key not in endpoint.inputs:
            raise unknown("input", key, endpoint.inputs, where=f"{type(model).__name__}.{name}")
    missing = [key for key, kind in conditions.items() if key not in given and not isinstance(kind, ClassLabel)]
    if missing:
        raise ZooError(f"{type(model).__name__}.{name} needs {', '.join(missing)} ({conditions[missing[0]].name}).")

    def one(seed):
        with model.noise.drawing(seed, truncation):
            drawn = model.latents(1) if endpoint.noise else {}
            drawn = {key: value for key, value in drawn.items() if key in endpoint.noise and key not in given}
            for key, kind in conditions.items():
                if key not in given:
                    drawn[key] = model.noise.integers((1,), kind.num_classes)
            return {key: value[0] for key, value in drawn.items()}

    seeds = tf.cast(seeds, tf.int64)
    outputs = tf.function(one).get_concrete_function(tf.TensorSpec((), tf.int64)).structured_outputs
    spec = {key: tf.TensorSpec(value.shape, value.dtype) for key, value in outputs.items()}
    drawn = tf.map_fn(one, seeds, fn_output_signature=spec) if spec else {}
    count = tf.shape(seeds)[0]
    return drawn | {key: _rows(endpoint.inputs[key], value, count) for key, value in given.items()}


def _rows(kind, value, count) -> tf.Tensor:
    """What was given, in model form, one row for each of `count`."""
    value = tf.convert_to_tensor(value)
    if len(value.shape) == len(kind.shape):
        value = tf.broadcast_to(value, tf.concat([[count], tf.shape(value)], 0))
    return kind.to_model(value)


def ask(model, name: str, inputs: Mapping[str, Any]) -> tf.Tensor:
    """The answer in model form; float32 also where the network computes in less."""
    answer = getattr(model, name)(dict(inputs))
    return tf.cast(answer, tf.float32) if answer.dtype.is_floating else answer


def stored(model, name: str, given: Mapping[str, Any], count: int) -> dict[str, tuple[Any, bool]]:
    """What a caller gave for the inputs of `count` rows: {key: (stored form, whether it is one datum for all rows)}.

    Raises:
        ZooError: an input that the endpoint does not take, a value that does not fit it, another number of them.
    """
    inputs, found = endpoint_of(model, name).inputs, {}
    for key, value in given.items():
        if key not in inputs:
            raise unknown("input", key, inputs, where=f"{type(model).__name__}.{name}")
        try:
            data = inputs[key].given(value)
        except ZooError as error:
            raise ZooError(f"{key}: {error}") from None
        one = len(data.shape) == len(inputs[key].shape)
        if not one and len(data) != count:
            rows = "one" if count == 1 else f"one for all, or one for each of {count:,}"
            raise ZooError(f"{key}: got {len(data):,} of them; give {rows}.")
        found[key] = data, one
    return found


def broken_in(answers: tf.Tensor) -> tf.Tensor:
    """How many of float answers (n, ...) hold NaN or infinity."""
    finite = tf.reduce_all(tf.math.is_finite(tf.cast(answers, tf.float32)), axis=tf.range(1, tf.rank(answers)))
    return tf.reduce_sum(tf.cast(~finite, tf.int32))


def refuse_broken(broken: int, of: int, line: str) -> None:
    """Raise ZooError where answers hold NaN: as bytes they would pass for pictures."""
    if broken:
        raise ZooError(
            f"{line}: NaN or infinity in {count_of(broken, 'answer')} of {of:,}; its weights are broken or its "
            "training diverged: take an earlier checkpoint."
        )


class Sampler:
    """`sampler(seeds, **given)` -> stored answers of one endpoint; the computation is traced once for each shape."""

    def __init__(self, model, name: str = "generate", truncation: float | None = None):
        self.model, self.name, self.truncation = model, name, truncation
        self.endpoint = endpoint_of(model, name)
        self._traced = tf.function(self._compute, reduce_retracing=True)

    def __call__(self, seeds, **given) -> tf.Tensor:
        """int (n,) and conditions, as the endpoint's inputs take them -> stored answers (n, ...)."""
        seeds = tf.cast(seeds if tf.is_tensor(seeds) else np.asarray(seeds, np.int64), tf.int64)
        count, rows = len(seeds), {}
        for key, (value, one) in stored(self.model, self.name, given, count).items():
            rows[key] = tf.constant(np.broadcast_to(value, (count, *value.shape)) if one else value)
        answers, broken = self._traced(seeds, rows)
        refuse_broken(int(broken), count, self.model.name)
        return answers

    def _compute(self, seeds, given):
        answers = ask(self.model, self.name, draw(self.model, self.name, seeds, given, self.truncation))
        return self.endpoint.output.to_stored(answers), broken_in(answers)


def sampler(model, name: str = "generate", truncation: float | None = None) -> Sampler:
    """The model's sampler for an endpoint, kept with the model: tracing costs more than drawing."""
    kept = model.__dict__.setdefault("_samplers", {})
    if (name, truncation) not in kept:
        kept[name, truncation] = Sampler(model, name, truncation)
    return kept[name, truncation]
