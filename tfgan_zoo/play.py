"""How players take turns: the orders of play that `AdversarialModel.play` chooses from."""

import tensorflow as tf

from tfgan_zoo.batches import Batch
from tfgan_zoo.history import together

Logs = dict[str, tf.Tensor]


def in_turn(model, slices: list[Batch]) -> Logs:
    """Each player takes its steps, each on fresh data and a fresh generator pass (Algorithm 1)."""
    logs = {}
    for player in model.playing:
        for batch in slices[-player.steps :]:
            with tf.GradientTape() as tape:
                loss, terms = model.loss_of(player, batch, model.fake(batch))
            model.descend(player, tape, loss)
        logs = together(logs, terms)
    return logs


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
            with tf.GradientTape() as tape:
                loss, _ = model.loss_of(player, batch, model.fake(batch))
            model.descend(player, tape, loss)
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
