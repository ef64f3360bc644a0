"""Keyed random numbers: every draw of a run is a function of (seed, step, replica, place in the step)."""

import contextlib
import threading
from collections.abc import Callable, Iterator

import tensorflow as tf


class NoiseStream:
    """The random numbers of one model.

    In training the key of a draw is (seed, replica, step, number of the draw in the step), so that replicas draw
    different numbers and a resumed run draws what an unbroken one would. Inside `drawing` the caller decides the key.

    MirroredStrategy traces replicas in threads that alternate inside a step, so each thread counts for itself.

    Args:
        seed: of the run.
        step: the model's step counter, an int64 scalar.
    """

    def __init__(self, seed: int, step):
        self.seed, self.step = seed, step
        self._thread = threading.local()

    def begin(self) -> None:
        """Start a step: its draws are counted from 1."""
        self._thread.draws = 0

    def _training_key(self) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        apart = context and not getattr(self._thread, "alike", False)
        replica = context.replica_id_in_sync_group if apart else 0
        stream = tf.constant(self.seed, tf.int64) * 4096 + tf.cast(replica, tf.int64)
        self._thread.draws = getattr(self._thread, "draws", 0) + 1  # at trace time: one number per place that draws
        return tf.stack([stream, self.step * 1024 + self._thread.draws])

    def _key(self) -> tf.Tensor:
        return (getattr(self._thread, "key", None) or self._training_key)()

    @contextlib.contextmanager
    def drawing(self, seed: tf.Tensor, truncation: float | None = None) -> Iterator[None]:
        """Inside, draw number i has the key (seed, i), and `truncation` holds. `seed`: int64 scalar."""
        numbers = iter(range(1, 1024))
        key: Callable = lambda: tf.stack([seed, tf.constant(next(numbers), tf.int64)])  # noqa: E731
        self._thread.key, self._thread.truncation = key, truncation
        try:
            yield
        finally:
            self._thread.key = self._thread.truncation = None

    @contextlib.contextmanager
    def alike(self) -> Iterator[None]:
        """Inside, all replicas draw the same numbers: for what they keep together."""
        self._thread.alike = True
        try:
            yield
        finally:
            self._thread.alike = False

    @property
    def truncation(self) -> float | None:
        """The truncation of `drawing`; None in training."""
        return getattr(self._thread, "truncation", None)

    def normal(self, shape) -> tf.Tensor:
        """N(0, 1), float32; under truncation t resampled to [-t, t] (Brock et al. 2019)."""
        if self.truncation is None:
            return tf.random.stateless_normal(shape, self._key())
        t = self.truncation
        return tf.random.stateless_parameterized_truncated_normal(shape, self._key(), 0.0, 1.0, -t, t)

    def uniform(self, shape, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """U(low, high), float32; truncation t shrinks the interval around its middle by t."""
        if self.truncation is not None:
            middle, half = (low + high) / 2, (high - low) / 2 * self.truncation
            low, high = middle - half, middle + half
        return tf.random.stateless_uniform(shape, self._key(), low, high)

    def per_row(self, x: tf.Tensor) -> tf.Tensor:
        """U(0, 1), one number for each row of `x`, of a shape that multiplies it: (n, 1, 1, 1) for pictures."""
        return self.uniform((_rows(x), *[1] * (len(x.shape) - 1)))

    def per_number(self, x: tf.Tensor) -> tf.Tensor:
        """U(0, 1), one number for each of `x`."""
        return self.uniform((_rows(x), *x.shape[1:]))

    def integers(self, shape, below: int) -> tf.Tensor:
        """Whole numbers from 0 to `below` - 1, equally likely, int32; truncation does not touch them."""
        return tf.random.stateless_uniform(shape, self._key(), 0, below, tf.int32)


def _rows(x: tf.Tensor):
    """How many rows `x` has: an int where it is known."""
    return x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]
