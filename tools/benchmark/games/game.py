"""What a game of the benchmark is: a family of the zoo, and the same mathematics written plainly twice."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Side:
    """A game in one framework. A batch is {key: pictures in [-1, 1] or labels}, tensors of that framework.

    Attributes:
        d_variables, g_variables: what the two players move.
        fake: batch -> what the generator makes.
        judge: (batch, made-up data) -> the discriminator's scores of them.
        d_loss, g_loss: (batch, fake) -> the players' losses, scalars.
    """

    d_variables: list
    g_variables: list
    fake: Callable
    judge: Callable
    d_loss: Callable
    g_loss: Callable


@dataclasses.dataclass(frozen=True)
class Game:
    """A game that all contenders play.

    A turn is one step of each player, who share one pass of the generator. Passes are counted in units of a forward
    pass: the generator goes forward once and back once (two units: to its inputs and to its weights), which is 3. The
    discriminator goes forward over real data and twice over made-up ones, back to inputs and weights from the first
    two, and back to the inputs alone from the last, which is 3 + 4 + 1 = 8.

    Attributes:
        family: of the zoo.
        arguments: of the family's constructor; `smoke` replaces some of them by tiny ones.
        batch: images per step, unless the user says otherwise.
        adam: {learning_rate, beta_1, beta_2, epsilon} of both players.
        data: arguments -> {key: shape of a picture, or the number of classes}.
        bare: (the family's model, random numbers) -> `Side` in plain TensorFlow on the networks of that model.
        pytorch: arguments -> `Side` in PyTorch on networks of the same layers.
        g_passes, d_passes: forward passes that one turn is worth.
    """

    family: str
    arguments: Mapping[str, Any]
    smoke: Mapping[str, Any]
    batch: int
    adam: Mapping[str, float]
    data: Callable
    bare: Callable
    pytorch: Callable
    g_passes: int = 3
    d_passes: int = 8

    def arguments_of(self, smoke: bool) -> dict[str, Any]:
        """The constructor's arguments, of the tiny game or of the whole."""
        return {**self.arguments, **(self.smoke if smoke else {})}

    def model(self, smoke: bool, precision: str):
        """The zoo's model, not compiled. `precision`: "float32" or "bfloat16", which is mixed: weights stay float32."""
        import keras

        from tfgan_zoo import zoo

        policy = keras.DTypePolicy("mixed_bfloat16" if precision == "bfloat16" else "float32")
        return zoo.family_class(self.family)(**self.arguments_of(smoke), dtype=policy)
