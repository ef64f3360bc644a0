"""Training on several hosts: which of the workers this process is, and what the workers tell each other.

As in every program of TensorFlow, the environment variable TF_CONFIG names all workers and says which one this is:

    {"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}

The first worker is the chief: it alone reads and writes the run. The others take weights and step from it, so they
need the data, and no disk that they share.
"""

import contextlib
import dataclasses
import functools
import json
import os
import signal
import time

import numpy as np
import tensorflow as tf

from tfgan_zoo import callbacks, console, interrupts
from tfgan_zoo.errors import ZooError

SECOND = 1.0  # between two questions whether to stop


@dataclasses.dataclass(frozen=True)
class Workers:
    """The workers of a training, of which this process is number `index` of `count`; the first is the chief."""

    index: int = 0
    count: int = 1

    @classmethod
    def configured(cls) -> "Workers":
        """Those that TF_CONFIG names; a process alone where it is not set.

        Raises:
            ZooError: TF_CONFIG is not what TensorFlow takes, or names a parameter server, which no game here can use.
        """
        if not (text := os.environ.get("TF_CONFIG")):
            return cls()
        try:
            settings = json.loads(text)
            cluster, task = settings["cluster"], settings["task"]
            kind, index = task["type"], int(task["index"])
            addresses = {name: len(hosts) for name, hosts in cluster.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ZooError(
                f"TF_CONFIG={text[:200]!r}: must be such as "
                '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}.'
            ) from None
        if set(addresses) - {"chief", "worker"} or kind not in addresses:
            raise ZooError(
                f"TF_CONFIG: the cluster has {', '.join(addresses)}, this process is {kind!r}; all processes must be "
                "a worker (or the chief). Parameter servers are not supported: all players must step together."
            )
        if not 0 <= index < addresses[kind]:
            raise ZooError(f"TF_CONFIG: task.index is {index}; the cluster names {addresses[kind]} of {kind}.")
        return cls(index + (addresses.get("chief", 0) if kind == "worker" else 0), sum(addresses.values()))

    @property
    def chief(self) -> bool:
        """Whether this process is the one that reads and writes the run."""
        return self.index == 0

    def strategy(self) -> tf.distribute.Strategy:
        """The strategy over all workers' devices. Waits until all of them are there."""
        console.note(f"worker {self.index} of {self.count}: waiting for the others")
        return tf.distribute.MultiWorkerMirroredStrategy()

    def share_out(self, strategy: tf.distribute.Strategy, batches):
        """Each worker's part of every batch. `batches(shard)` gives part i of m of each, for `shard` (i, m)."""
        if self.count == 1:
            return batches((0, 1))

        def own(context: tf.distribute.InputContext) -> tf.data.Dataset:
            part = batches((context.input_pipeline_id, context.num_input_pipelines))
            size = next(iter(part.element_spec.values())).shape[0]
            devices = context.num_replicas_in_sync // context.num_input_pipelines
            return part.rebatch(size // devices) if devices > 1 else part

        return strategy.distribute_datasets_from_function(own)

    def follow(self, model, numbers: list[int]) -> list[int]:
        """Give all workers the chief's weights, optimizers and `numbers`. Returns the chief's numbers."""
        if self.count == 1:
            return numbers
        variables = {id(one): one for one in (*model.variables, *model.optimizer.variables)}.values()
        given = [*[_countable(variable.value) for variable in variables], tf.constant(numbers, tf.int64)]
        *weights, numbers = of_chief(model.distribute_strategy, given)
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(tf.cast(weight, variable.dtype))
        return [int(number) for number in numbers]

    @contextlib.contextmanager
    def together(self):
        """Around all that workers do together: one line where another is lost.

        Raises:
            ZooError: another worker ended or cannot be reached.
        """
        try:
            yield
        except tf.errors.UnavailableError:
            if self.count == 1:
                raise
            raise ZooError(
                f"worker {self.index} stops, since another of the {self.count} workers has stopped or cannot be "
                "reached; what it printed last says why. Start all of them again with the same command: they go on "
                "from the last checkpoint."
            ) from None

    def interrupt(self, clock: callbacks.Clock) -> interrupts.Interrupt:
        """What ends training after a signal: of all workers at the same step, where there are several."""
        return interrupts.Interrupt() if self.count == 1 else JointInterrupt(clock)


class JointInterrupt(interrupts.Interrupt):
    """End training on all workers after the same step, once a signal has come to one of them.

    They ask each other about once a second, since a worker that stopped alone would leave the others waiting.
    """

    def __init__(self, clock: callbacks.Clock):
        super().__init__()
        self.clock, self.next, self._asked = clock, clock.start + 1, (clock.start, time.perf_counter())
        self._signal = 0

    def stop(self, number):
        self._signal = number

    def on_train_batch_end(self, batch, logs=None):
        step, now = self.clock.step, time.perf_counter()
        if step < self.next:
            return
        before, then = self._asked
        self._asked = step, now
        strategy = self.model.distribute_strategy
        steps = max(int(SECOND * (step - before) / max(now - then, 1e-9)), 1)
        self.next = step + int(of_chief(strategy, [tf.constant(steps, tf.int64)])[0])
        heard = np.flatnonzero(sums(strategy, everyone=True)([tf.one_hot(self._signal, signal.NSIG)])[0])
        if heard[-1]:  # 0 stands for no signal
            self.received = int(heard[-1])
            self.model.stop_training = True


def of_chief(strategy: tf.distribute.Strategy, values: list[tf.Tensor]) -> list[tf.Tensor]:
    """The values that the chief gave. All workers call it at the same point, with values of the same shapes."""
    return sums(strategy, everyone=False)(values)


@functools.cache  # traced once
def sums(strategy: tf.distribute.Strategy, everyone: bool):
    """A function of a list of tensors: their sums over all replicas, or those of the chief's first replica."""

    @tf.function
    def summed(values):
        def one(values):
            context = tf.distribute.get_replica_context()
            counts = tf.logical_or(everyone, tf.equal(context.replica_id_in_sync_group, 0))
            values = [tf.where(counts, value, tf.zeros_like(value)) for value in values]
            # One by one, since TensorFlow cannot reduce values of several dtypes at once.
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, value) for value in values]

        return [strategy.experimental_local_results(total)[0] for total in strategy.run(one, args=(values,))]

    return summed


def _countable(value: tf.Tensor) -> tf.Tensor:
    """In a dtype that devices can sum: states of random generators are uint32."""
    return value if value.dtype.is_floating or value.dtype in (tf.int32, tf.int64) else tf.cast(value, tf.int64)
