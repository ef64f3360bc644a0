"""How players take turns: the orders of play that `AdversarialModel.play` chooses from."""

from typing import Any

import keras
import tensorflow as tf

from tfgan_zoo import batches
from tfgan_zoo.batches import Batch
from tfgan_zoo.errors import ZooError
from tfgan_zoo.history import together

Logs = dict[str, tf.Tensor]


def in_turn(model, slices: list[Batch]) -> Logs:
    """Each player takes its steps, each on fresh data and a fresh generator pass (Algorithm 1)."""
    logs = {}
    for player in model.playing:
        for batch in slices[-player.steps :]:
            gradients, terms = accumulated(model, player, batch)
            model.apply(player, gradients)
        logs = together(logs, terms)
    return logs


def accumulated(model, player, batch: Batch) -> tuple[list, Logs]:
    """A player's gradients on a batch and what it logs, both means over `model.accumulate` parts of it.

    Memory holds one part at a time: each waits for the one before.
    """
    parts, sums, logs, before = batches.slices(batch, model.accumulate), None, {}, []
    for part in parts:
        with tf.control_dependencies(before):
            with tf.GradientTape() as tape:
                loss, terms = model.loss_of(player, part, model.fake(part))
            gradients = model.gradients(player, tape, loss)
            sums = [_plus(one, other) for one, other in zip(sums, gradients, strict=True)] if sums else gradients
            logs = {name: _plus(logs.get(name), value) for name, value in terms.items()}
        before = [gradient for gradient in sums if gradient is not None]
    if len(parts) == 1:
        return sums, logs
    return tf.nest.map_structure(lambda value: None if value is None else value / len(parts), (sums, logs))


def _plus(one, other):
    """The sum of what there is: a variable that takes no part in a loss has no gradient."""
    return one if other is None else other if one is None else one + other


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
    logs = {}
    for player in model.playing:
        for batch in slices[-player.steps : -1]:
            model.apply(player, accumulated(model, player, batch)[0])
    if model.accumulate > 1:
        gradients = {}
        for player in model.playing:
            gradients[player], terms = accumulated(model, player, slices[-1])
            logs = together(logs, terms)
        for player in model.playing:
            model.apply(player, gradients[player])
        return logs
    with tf.GradientTape(persistent=True) as tape:
        fake = model.fake(slices[-1])
        losses = {}
        for player in model.playing:
            losses[player], terms = model.loss_of(player, slices[-1], fake)
            logs = together(logs, terms)
    gradients = {player: model.gradients(player, tape, loss) for player, loss in losses.items()}
    for player in model.playing:
        model.apply(player, gradients[player])
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
