"""How players take turns: the orders of play that `AdversarialModel.play` chooses from."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfgan_zoo import batches
from tfgan_zoo.batches import Batch
from tfgan_zoo.errors import ZooError
from tfgan_zoo.history import together

Logs = dict[str, tf.Tensor]


def check_compiled(replicas: int, jit_compile: bool, steps_per_execution: int, accumulate: int) -> None:
    """Refuse what `compile()` cannot do. Raises ZooError."""
    if replicas > 1 and (jit_compile or steps_per_execution > 1):
        raise ZooError(
            f"jit_compile={jit_compile} and steps_per_execution={steps_per_execution} do not work over {replicas} "
            "replicas: leave both at their defaults (False and 1)."
        )
    if not isinstance(accumulate, int) or accumulate < 1:
        raise ZooError(f"accumulate={accumulate!r}: give a whole number of parts, 1 for whole batches.")


def in_turn(model, slices: list[Batch]) -> Logs:
    """Each player takes its steps, each on fresh data and a fresh generator pass (Algorithm 1)."""
    logs = {}
    for player in model.playing:
        for batch in slices[-player.steps :]:
            [gradients], terms = accumulated(model, [player], batch)
            model.apply(player, gradients)
        logs = together(logs, terms)
    return logs


def accumulated(model, players: Sequence, batch: Batch) -> tuple[list[list], Logs]:
    """The gradients of each of `players` on a batch, all at the same weights, and what they log.

    Both are means over `model.accumulate` parts of the batch. Memory holds one part at a time: each waits for the one
    before.
    """
    parts, sums, before = batches.slices(batch, model.accumulate), None, []
    for part in parts:
        with tf.control_dependencies(before):
            with tf.GradientTape(persistent=len(players) > 1) as tape:
                fake, losses, logs = model.fake(part), [], {}
                for player in players:
                    loss, terms = model.loss_of(player, part, fake)
                    losses, logs = [*losses, loss], together(logs, terms)
            gradients = [model.gradients(player, tape, loss) for player, loss in zip(players, losses, strict=True)]
        found = gradients, logs
        sums = found if sums is None else tf.nest.map_structure(_plus, sums, found)
        before = [gradient for gradient in tf.nest.flatten(sums[0]) if gradient is not None]
    if len(parts) == 1:
        return sums
    return tf.nest.map_structure(lambda value: None if value is None else _dense(value) / len(parts), sums)


def _plus(one, other):
    """The sum of what there is: a variable that takes no part in a loss has no gradient."""
    return one if other is None else other if one is None else _dense(one) + _dense(other)


def _dense(gradient) -> tf.Tensor:
    """All of a gradient; of an embedding TensorFlow gives the rows alone that were looked up."""
    return tf.convert_to_tensor(gradient)


def sharing(model, batch: Batch) -> Logs:
    """As `in_turn` with one step each, but one generator pass serves all players."""
    logs = {}
    with tf.GradientTape(persistent=True) as tape:
        fake = model.fake(batch)
        for player in model.playing:
            loss, terms = model.loss_of(player, batch, fake)
            with tape.stop_recording():
                model.descend(player, tape, loss)
            logs = together(logs, terms)
    return logs


def at_once(model, slices: list[Batch]) -> Logs:
    """All players' gradients at the same weights; extra steps of a player come before, on their own slices."""
    for player in model.playing:
        for batch in slices[-player.steps : -1]:
            [gradients], _ = accumulated(model, [player], batch)
            model.apply(player, gradients)
    found, logs = accumulated(model, model.playing, slices[-1])
    for player, gradients in zip(model.playing, found, strict=True):
        model.apply(player, gradients)
    return logs


def unrolled(model, batch: Batch, name: str, steps: int) -> Logs:
    """The player `name` takes one step; the others judge by where it will be after `steps` steps on this batch.

    Their gradients pass through those steps, its optimizer included. These steps are never made: weights, moments and
    statistics stay what they are. With `updates="simultaneous"` its real step starts from the same weights as they do.
    """
    if model.accumulate > 1:
        raise ZooError(f"accumulate={model.accumulate}: {model.name} looks ahead on whole batches; leave it out.")
    ahead, losses = model.player(name), {}
    with tf.GradientTape(persistent=True) as tape:
        fake = model.fake(batch)
        loss, logs = model.loss_of(ahead, batch, fake)
        with tape.stop_recording():
            gradients = model.gradients(ahead, tape, loss)
            if model.updates == "alternating":
                model.apply(ahead, gradients)
        with keras.StatelessScope():  # in which variables hold tensors
            imagined = Imagined(model.optimizer.by_player[name], model.variables_of(ahead))
            for _ in range(steps):
                imagined.step(lambda: model.loss_of(ahead, batch, fake)[0])
            for player in model.playing:
                if player is not ahead:
                    losses[player], terms = model.loss_of(player, batch, fake)
                    logs = together(logs, terms)
    others = {player: model.gradients(player, tape, loss) for player, loss in losses.items()}
    if model.updates == "simultaneous":
        model.apply(ahead, gradients)
    for player, gradients in others.items():
        model.apply(player, gradients)
    return logs


class Imagined:
    """A Keras optimizer whose steps are made of tensors alone, within a `keras.StatelessScope`, for gradients to pass.

    Keras' own optimizers write into TensorFlow's variables, where gradients end; the formula of a step is still theirs.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, variables: list):
        self.optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # scaled losses: see `step`
        self.scale = optimizer.scale_loss(tf.ones(()))
        self.variables = variables

    def step(self, loss: Any) -> None:
        """One step down `loss()`, the mean over all replicas."""
        values = [tf.identity(variable.value) for variable in self.variables]
        with tf.GradientTape() as tape:
            tape.watch(values)
            for variable, value in zip(self.variables, values, strict=True):
                variable.assign(value)
            here = loss()
        scale = tf.cast(self.scale, here.dtype)
        gradients = [g / tf.cast(scale, g.dtype) for g in tape.gradient(here, values, output_gradients=scale)]
        context = tf.distribute.get_replica_context()
        if context.num_replicas_in_sync > 1:
            gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        for variable, gradient in zip(self.variables, gradients, strict=True):
            still = tf.cast(gradient == 0, gradient.dtype)  # 0 over the root of 0 is NaN in XLA
            type(self.optimizer).update_step(self, gradient + 1e-15 * still, variable, self.optimizer.learning_rate)
        self.optimizer.iterations.assign_add(1)

    # === What the optimizer's formula asks of it ===
    def __getattr__(self, name: str) -> Any:
        return getattr(self.optimizer, name)

    def _get_variable_index(self, variable) -> int:
        return next(place for place, own in enumerate(self.variables) if own is variable)

    def assign(self, variable, value) -> None:
        variable.assign(value)

    def assign_add(self, variable, value) -> None:
        variable.assign(variable + value)

    def assign_sub(self, variable, value) -> None:
        variable.assign(variable - value)
