"""A course of the game: named spans of steps in which other players play, or the networks grow."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import tensorflow as tf

from tfgan_zoo.errors import unknown


@dataclasses.dataclass(frozen=True)
class Phase:
    """One span of a game. `steps`: how long it lasts unless the preset says otherwise; None lasts to the end."""

    name: str
    steps: int | None = None


@dataclasses.dataclass(frozen=True)
class Span:
    """A phase on the run's count of steps: it is played from step `start` up to `stop`, `stop` itself left out.

    `length` is how long it would last if the run did not end before; None where that is open.
    """

    phase: Phase | None
    start: int
    stop: int
    batch_size: int
    length: int | None

    @property
    def steps(self) -> int:
        """Its length."""
        return self.stop - self.start


def spans(phases: Sequence[Phase], steps: int, batch_size: int, settings: Mapping[str, Any]) -> list[Span]:
    """The phases of a run of `steps` steps, one after another; the last one lasts to the end.

    Args:
        settings: {phase: what the preset says of it, with `steps` and `batch_size`, None where it says nothing}.

    Raises:
        ZooError: a preset that speaks of a phase that the model does not have.
    """
    names = [phase.name for phase in phases]
    for name in settings:
        if name not in names:
            raise unknown("phase", name, names, where="train.phases")
    found, start = [], 0
    for phase in phases or [None]:
        own = settings.get(phase.name) if phase else None
        length = (own and own.steps) or (phase and phase.steps)
        last = phase is None or phase.name == names[-1] or length is None
        stop = steps if last else min(start + length, steps)
        if start < stop:
            found.append(Span(phase, start, stop, (own and own.batch_size) or batch_size, length))
        start = stop
    return found


class Course:
    """Which phase a model is in. Three weights of the model keep it, so that checkpoints and `.keras` files know it.

    Attributes:
        number: int64 (), the phase's place in `phases`.
        began: int64 (), the step at which it began.
        length: int64 (), how many steps it lasts; 0 where that is open.
    """

    def __init__(self, model, phases: Sequence[Phase]):
        weight = partial(model.add_weight, shape=(), dtype="int64", initializer="zeros", trainable=False)
        names = "phase_number", "phase_began", "phase_length"
        self.number, self.began, self.length = (weight(name=name, aggregation="only_first_replica") for name in names)
        self.names = [phase.name for phase in phases]
        self._name = self.names[0]
        self.length.assign(phases[0].steps or 0)

    def enter(self, phase: Phase, step: int, steps: int | None) -> bool:
        """Go to a phase; whether it begins here, and was not the present one before."""
        if phase.name not in self.names:
            raise unknown("phase", phase.name, self.names)
        begins = phase.name != self.current()
        if begins:
            self.number.assign(self.names.index(phase.name))
            self.began.assign(step)
        self.length.assign(steps or phase.steps or 0)
        self._name = phase.name
        return begins

    def current(self) -> str:
        """The name of the present phase; within a traced step, where weights have no value, the one last read."""
        if tf.executing_eagerly():  # a checkpoint may have changed the weight
            self._name = self.names[int(self.number.numpy())]
        return self._name

    def progress(self, step) -> tf.Tensor:
        """How much of the phase is over, float32 from 0 to 1; 1 where its length is open."""
        length = tf.cast(tf.maximum(self.length.value, 1), tf.float32)
        return tf.minimum(tf.cast(step - self.began.value, tf.float32) / length, 1.0)
