"""What looks after a training: its divergence, and signs that a game goes wrong, told with the numbers that show it."""

import math
import statistics
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo import console, sampling
from tfgan_zoo.errors import ZooError
from tfgan_zoo.gradient_norms import GradientNorms
from tfgan_zoo.modalities import ClassLabel
from tfgan_zoo.runs import Run

CLOSE, WON, GREW, LOOKS = 0.05, 1e-3, 1e3, 3  # of the real data's spread; a loss; times its usual size; in a row
KINDS = ("collapse", "exploding", "won")  # of warnings
YOUNG = 1000  # steps before which a generator may not have learnt to differ


class Diverged(ZooError):
    """Training cannot go on from where it is: a loss or a weight is no number any more."""

    def __init__(self, what: str, step: int):
        super().__init__(f"training diverged: {what} at step {step:,}")
        self.what, self.step = what, step


def check_losses(means: Mapping[str, float], step: int) -> None:
    """Raise Diverged where a mean of the logs is no finite number."""
    for key, value in means.items():
        if not math.isfinite(value):
            raise Diverged(f"{key} is {value}", step)


def check_weights(model, step: int) -> None:
    """Raise Diverged where a network holds a weight that is no finite number."""
    for name, network in model.networks_by_name.items():
        for variable in network.variables:
            # NaN and infinity stay in a sum, which costs a tenth of looking at each weight.
            if variable.dtype.startswith(("float", "bfloat")) and not np.isfinite(tf.reduce_sum(variable.value)):
                raise Diverged(f"{name}'s {variable.path} is not finite", step)


def roll_back(model, run: Run, diverged: Diverged, allowed: int) -> int:
    """Take a model back to its run's last good checkpoint, from where the data come in another order.

    Nothing else is changed: a training that diverges again and again has a cause that its owner is told.

    Returns:
        The checkpoint's step.

    Raises:
        ZooError: there is no checkpoint, or the run has gone back `allowed` times already.
    """
    tried = len(run.rollbacks)
    if not run.step or tried >= allowed:
        kept = f"The checkpoint of step {run.step:,} is kept" if run.step else "There is no checkpoint yet"
        again = f" after going back to a checkpoint {tried} times (train.rollbacks)" if tried else ""
        last = {key: value for key, value in (run.metrics() or [{}])[-1].items() if key != "seconds"}
        logged = f" Logged before: {', '.join(f'{key} {value:.3g}' for key, value in last.items())}." if last else ""
        rates = ", ".join(f"{name} {own.learning_rate.numpy():.2g}" for name, own in model.optimizer.by_player.items())
        raise ZooError(
            f"{diverged}{again}. {kept} in {run.path}.{logged} Learning rates: {rates}; try smaller ones "
            "(train.optimizers.<player>.learning_rate)."
        )
    run.note_rollback(diverged.step, diverged.what, run.step)
    start = run.restore(model)
    console.note(
        f"warning: {diverged}; back to step {start:,}, from where the data come in another order "
        f"({tried + 1} of {allowed} times, train.rollbacks)"
    )
    return start


class Watch:
    """Warnings while a game is played, each told once.

    - A player's loss that cannot go below 0 stays at 0: the others learn nothing from a discriminator that has won.
    - A player's gradients, or its loss, are a thousand times what they usually are: gradients explode.
    - Pictures of different noise are alike: mode collapse.

    Args:
        real: a batch of rows of the data {key: stored}, with which the spread of generated ones is compared.
        kinds: of warnings that are wanted, of `KINDS`.
    """

    def __init__(self, model, real: Mapping[str, Any], kinds: Collection[str] = KINDS):
        self.kinds = kinds
        self.model, self.usual, self.flat, self.told = model, {}, {}, set()
        self.norms = GradientNorms(model.optimizer.by_player)
        name, endpoint = next(iter(model.endpoints.items()))
        drawn = all(isinstance(kind, ClassLabel) for kind in endpoint.conditions.values())
        self.endpoint = name if endpoint.noise and drawn and endpoint.target in real else None
        self.spread = spread(real[endpoint.target]) if self.endpoint else 0.0
        self.makers = set(endpoint.networks)  # a loss of theirs may well come to 0

    def look(self, means: Mapping[str, float], step: int) -> None:
        """At the means of the logs since the last look, and at the gradients."""
        norms = self.norms.since()
        for player in self.model.playing:
            loss = means.get(player.log_name)
            if loss is None:
                continue
            won = 0 <= loss < WON and len(self.model.playing) > 1 and not self.makers & set(player.networks)
            self.flat[player.name] = self.flat.get(player.name, 0) + 1 if won else 0
            if self.flat[player.name] >= LOOKS:
                self.tell(
                    "won",
                    f"{player.name} has won: its loss is {loss:.2g} and was below {WON} {LOOKS} times in a row; the "
                    "other players learn little from it. A smaller learning rate for it, or its regularization, helps",
                    step,
                )
            self._look_at_sizes(player, loss, norms.get(player.name), step)

    def _look_at_sizes(self, player, loss: float, norm: float | None, step: int) -> None:
        """Of a player's gradients, and of its loss, which tells where the optimizer keeps nothing of gradients."""
        if norm is not None:
            usual, most = self._before(f"{player.name}'s gradients", norm)
            if usual and norm > max(GREW * usual, most):  # healthy games have bursts of thirty times
                text = (
                    f"{player.name}'s gradients explode: their norm is {norm:.3g} and was usually {usual:.3g}. A "
                    f"smaller learning rate for it helps, or train.optimizers.{player.name}.global_clipnorm"
                )
                self.tell("exploding", text, step)
        usual, _ = self._before(f"{player.name}'s loss", abs(loss))
        if abs(loss) > GREW * max(usual, 1.0):
            text = f"{player.name}'s loss is {loss:.3g} and was {usual:.3g}: its gradients explode"
            self.tell("exploding", text, step)

    def _before(self, what: str, size: float) -> tuple[float, float]:
        """(median of late, largest of all) of the sizes before this one, infinite until there are some. Notes it."""
        sizes = self.usual.setdefault(what, [])
        found = (statistics.median(sizes[-20:]), max(sizes)) if len(sizes) >= LOOKS else (math.inf, math.inf)
        sizes.append(size)
        return found

    def look_at_samples(self, step: int) -> None:
        """At a few samples: whether they differ as real data do."""
        if self.endpoint is None or not self.spread or step < YOUNG:
            return
        found = spread(sampling.sampler(self.model, self.endpoint)(np.arange(16)))
        if found < CLOSE * self.spread:
            text = f"mode collapse: 16 samples differ by {found:.3g} from their mean, real data by {self.spread:.3g}"
            self.tell("collapse", text, step)

    def tell(self, kind: str, text: str, step: int) -> None:
        """A warning, once of each kind."""
        if kind in self.kinds and kind not in self.told:
            self.told.add(kind)
            console.note(f"\nwarning: step {step:,}: {text}")


def spread(rows) -> float:
    """The mean distance per value (root mean square) of `rows` (n, ...) from their mean."""
    values = np.asarray(rows).astype("float64")
    return float(np.sqrt(values.var(axis=0).mean())) if values.size else 0.0
