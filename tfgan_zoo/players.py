"""The sides of a game and their optimizers."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

from tfgan_zoo.errors import ZooError, unknown

adam = functools.partial(keras.optimizers.Adam, 2e-4, beta_1=0.5)


@dataclasses.dataclass(frozen=True)
class Player:
    """One side of the game.

    `name` is the player's loss method without `_loss` ("generator" -> `model.generator_loss`), `networks` the model's
    attributes whose variables it owns (default: the one of its name), `steps` its updates per turn, each on its own
    slice of the batch (k of Algorithm 1 in Goodfellow et al. 2014, n_critic of WGAN), and `optimizer` makes the
    paper's optimizer. It plays in the named `phases`, or in all.
    """

    name: str
    networks: tuple[str, ...] = ()
    steps: int = 1
    optimizer: Callable[[], keras.optimizers.Optimizer] = adam
    phases: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "networks", tuple(self.networks) or (self.name,))

    @property
    def log_name(self) -> str:
        """`g_loss` for `generator`, `d_x_loss` for `discriminator_x`."""
        head, *domain = self.name.split("_")
        return "_".join([head[0], *domain, "loss"])


@keras.saving.register_keras_serializable("tfgan_zoo")
class PlayerOptimizers(keras.optimizers.Optimizer):
    """One optimizer per player under the single `model.optimizer` that Keras saves and its callbacks look at.

    Keras callbacks that set learning rates find the players' optimizers in `optimizers`.
    """

    def __init__(self, by_player: dict[str, keras.optimizers.Optimizer], name: str = "player_optimizers"):
        super().__init__(learning_rate=0.0, name=name)
        self.by_player = dict(by_player)

    @classmethod
    def of(cls, players: Iterable[Player], chosen: Any, scaled: bool = False) -> "PlayerOptimizers":
        """The optimizers that `compile(optimizer=chosen)` asks for; `scaled`: losses too small for float16.

        Raises:
            ZooError: a player or an optimizer that does not exist.
        """
        names = [player.name for player in players]
        if isinstance(chosen, str | keras.optimizers.Optimizer):
            chosen = {name: chosen for name in names}  # every player gets its own copy below
        if not isinstance(chosen, Mapping | None):
            raise ZooError(
                f"optimizer {chosen!r}: give {{player: optimizer}} for {', '.join(names)}, or one Keras optimizer or "
                "its name for all of them."
            )
        by_player = {}
        for name in chosen or {}:
            if name not in names:
                raise unknown("player", name, names)
        for player in players:
            optimizer = (chosen or {}).get(player.name) or player.optimizer()
            try:
                optimizer = keras.optimizers.get(optimizer)
            except ValueError:
                raise ZooError(
                    f"optimizer {optimizer!r}: give a Keras optimizer or its name, such as 'adam'."
                ) from None
            if any(optimizer is other for other in by_player.values()):
                optimizer = type(optimizer).from_config(optimizer.get_config())
            optimizer.name = player.name
            by_player[player.name] = optimizer
        if scaled:
            by_player = {n: keras.optimizers.LossScaleOptimizer(inner, name=n) for n, inner in by_player.items()}
        return cls(by_player)

    @property
    def learning_rate(self):
        """That of the first player; setting it sets every player's."""
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, rate):
        for optimizer in self.optimizers:
            optimizer.learning_rate = rate

    @property
    def optimizers(self) -> list[keras.optimizers.Optimizer]:
        """The players' optimizers, in playing order."""
        return list(self.by_player.values())

    @property
    def variables(self):
        """The state of every player's optimizer."""
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]

    def restart(self) -> None:
        """Begin anew: moments, counts of steps and what else has been gathered are those of fresh optimizers."""
        for optimizer in self.optimizers:
            optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # the scale of losses stays
            fresh = type(optimizer).from_config(optimizer.get_config())
            fresh.build(optimizer._trainable_variables)
            for variable, value in zip(optimizer.variables, fresh.variables, strict=True):
                variable.assign(value.value)

    def save_own_variables(self, store):
        """Nothing of its own: Keras finds the players' optimizers as children."""

    def load_own_variables(self, store):
        """Nothing of its own."""

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {"by_player": {k: serialize(v) for k, v in self.by_player.items()}, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        deserialize = functools.partial(keras.saving.deserialize_keras_object, custom_objects=custom_objects)
        return cls({k: deserialize(v) for k, v in config["by_player"].items()}, config["name"])
