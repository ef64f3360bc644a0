"""How large gradients are, told by what optimizers keep of them, so that a step of the game does nothing for it.

Adam, RMSprop and their kin keep a decaying mean of squared gradients, Adagrad the sum of all. They are gradients of all
replicas together, and two looks at them tell the norm of those in between.
"""

import math
from collections.abc import Mapping

import keras
import tensorflow as tf


class GradientNorms:
    """The norms of the gradients along which the players' built optimizers step, {player: optimizer}."""

    def __init__(self, optimizers: Mapping[str, keras.optimizers.Optimizer]):
        inner = {name: getattr(one, "inner_optimizer", one) for name, one in optimizers.items()}  # of scaled losses
        kept = {name: _squares(one) for name, one in inner.items()}
        self.decays = {name: decay for name, (squares, decay) in kept.items() if squares}

        @tf.function  # one graph for all, since a call for each array would take longer than its sum
        def look():
            sums = [tf.add_n([tf.reduce_sum(one.value) for one in kept[name][0]]) for name in self.decays]
            return tf.stack(sums), tf.stack([inner[name].iterations.value for name in self.decays])

        self._look, self._before = look, dict.fromkeys(self.decays, (0.0, 0))

    def since(self) -> dict[str, float]:
        """Root mean squares over the steps since the last call, of players that took some and whose optimizer tells.

        Of more steps than an optimizer remembers the last ones count. Where it clips, it is the norm after that.
        """
        norms = {}
        sums, counts = (found.numpy().tolist() for found in self._look()) if self.decays else ((), ())
        for (name, decay), now, steps in zip(self.decays.items(), sums, counts, strict=True):
            then, before = self._before[name]
            self._before[name] = now, steps
            if steps < before:  # it began anew, or the run went back to a checkpoint
                then, before = 0.0, 0
            if steps > before:
                faded = decay ** (steps - before)
                mean = (now - then) / (steps - before) if decay == 1 else (now - faded * then) / (1 - faded)
                norms[name] = math.sqrt(max(mean, 0.0))
        return norms


def _squares(optimizer: keras.optimizers.Optimizer) -> tuple[list, float]:
    """(the variables in which an optimizer keeps squared gradients, what is left of them after a step)."""
    decay = getattr(optimizer, "beta_2", getattr(optimizer, "rho", None))
    ending = "_accumulator" if decay is None else "_velocity"
    found = [variable for variable in optimizer.variables if variable.name.endswith(ending)]
    return found, 1.0 if decay is None else decay
