"""The game: `AdversarialModel`, the Keras model that every family subclasses.

A family declares its data, players and networks and writes one loss per player. The base plays the game: it draws
noise, takes the players' steps in turn (or at once), scales gradients over replicas and keeps averaged twins.
"""

import inspect
from typing import Any, Literal

import keras
import tensorflow as tf

from tfgan_zoo import arrays, sampling
from tfgan_zoo.assembly import average, constructor_arguments, dtype_policy, first_weights, twin_of
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.history import with_epoch_means
from tfgan_zoo.modalities import Modality
from tfgan_zoo.noise import NoiseStream
from tfgan_zoo.players import Player, PlayerOptimizers
from tfgan_zoo.types import Fraction

Batch = dict[str, tf.Tensor]


class AdversarialModel(keras.Model):
    """A game between networks that plain `fit()` trains.

    A family sets `players`, stores its constructor arguments under their own names, tells its data in `element_spec`,
    returns its networks from `build_networks()`, ends its constructor with `self.assemble()`, and writes
    `<player>_loss(batch, fake)` for each player. A loss method returns a scalar, or `(scalar, {"term": scalar})` to log
    a term beside it. What else the model can be asked than to `generate`, it tells in `endpoints`.

    Args:
        updates: "alternating": each player steps on the others' newest weights (Algorithm 1 of Goodfellow et al.
            2014). "simultaneous": all gradients are taken at the same weights, then all players step.
        ema_decay: decay of the averaged twins of `ema_networks`, in [0, 1); 0 keeps no twins. While weights are young
            the decay is smaller: (1 + step) / (10 + step).
        seed: of the first weights and of the training noise, which is a function of (seed, step, replica).

    Data: a batch is a dict with the keys of `element_spec`, or what Keras calls `x` or `(x, y)`: the first key, or the
    first two. Where a player takes k > 1 steps, a batch holds k slices: batch the data set by `data_steps` times the
    batch size of one update.
    """

    players: tuple[Player, ...] = (Player("discriminator"), Player("generator"))
    ema_networks: tuple[str, ...] = ("generator",)
    from_data: tuple[str, ...] = ()  # constructor arguments that the data know, such as "num_classes"

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        keras.saving.register_keras_serializable("tfgan_zoo")(cls)

    def __init__(
        self,
        *,
        updates: Literal["alternating", "simultaneous"] = "alternating",
        ema_decay: Fraction = 0.0,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if updates not in ("alternating", "simultaneous"):
            raise unknown("updates", updates, ("alternating", "simultaneous"))
        if not 0 <= ema_decay < 1:
            raise ZooError(f"ema_decay={ema_decay!r}: must lie in [0, 1).")
        self.updates = updates
        self.ema_decay = ema_decay
        self.seed = seed
        self.training = True  # whether losses run the networks in training mode; False inside test_step

    # === What a family tells ===
    @property
    def element_spec(self) -> dict[str, Modality]:
        """One element of the data that the game is played on: {key: its kind}, as it is stored."""
        raise NotImplementedError(f"{type(self).__name__} must tell its data in element_spec.")

    def build_networks(self) -> dict[str, keras.Model]:
        """The family's networks by attribute name. Their inputs are named as the batch keys and latents they take."""
        raise NotImplementedError(f"{type(self).__name__} must return its networks from build_networks().")

    def latents(self, count) -> Batch:
        """`count` rows of noise from the prior, by the generator's input name; z ~ N(0, I) unless overridden."""
        return {"z": self.noise.normal((count, self.latent_dim))}

    def fake(self, batch: Batch) -> Any:
        """The pass that all players' losses share: what the generator makes of noise and of the batch's conditions."""
        return self.feed(self.generator, batch | self.latents(batch_size(batch)))

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """What the model can be asked; the first is its main one. Here: what its generator makes."""
        spec = self.element_spec
        taken = {tensor.name: spec.get(tensor.name) or Noise(tensor.shape[1:]) for tensor in self.generator.inputs}
        target = next(key for key in spec if key not in taken)
        return {"generate": Endpoint(taken, spec[target], ("generator",), target)}

    def generate(self, inputs: Batch) -> tf.Tensor:
        """Endpoint: noise and conditions -> what the (averaged) generator makes of them."""
        return self.feed(self.best("generator"), inputs, training=False)

    # === Assembling ===
    def assemble(self) -> None:
        """Build the networks, their averaged twins and the counters; the last line of a family's constructor."""
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", initializer="zeros", trainable=False, aggregation="only_first_replica"
        )
        self.noise = NoiseStream(self.seed, self.step)
        with dtype_policy(self.dtype_policy), first_weights(self.seed):
            self.network_names = tuple(networks := self.build_networks())
            for name, network in networks.items():
                setattr(self, name, network)
            for name in self.ema_networks if self.ema_decay else ():
                setattr(self, f"{name}_ema", twin_of(networks[name], f"{name}_ema"))
        names = [player.log_name for player in self.players]
        if len(set(names)) < len(names):
            raise ZooError(f"{type(self).__name__}: players log their losses as {', '.join(names)}; rename one.")
        self.loss_means = [keras.metrics.Mean(name) for name in names]
        self.built = True  # otherwise fit() would call the model on a batch of data

    @property
    def networks_by_name(self) -> dict[str, keras.Model]:
        """Every network, averaged twins included."""
        twins = [f"{name}_ema" for name in self.ema_networks] if self.ema_decay else []
        return {name: getattr(self, name) for name in (*self.network_names, *twins)}

    def best(self, name: str) -> keras.Model:
        """The network called `name` as it should be used: its averaged twin where there is one."""
        return getattr(self, f"{name}_ema", None) or getattr(self, name)

    def feed(self, network: keras.Model, tensors: Batch, training: bool | None = None) -> Any:
        """What `network` makes of those of `tensors` that it takes, by the names of its inputs."""
        inputs = keras.tree.map_structure(lambda tensor: tensors[tensor.name], network.input)
        return network(inputs, training=self.training if training is None else training)

    @property
    def data_steps(self) -> int:
        """Slices of data that one training step uses."""
        return max(player.steps for player in self.players)

    def player(self, name: str) -> Player:
        """The player called `name`."""
        for player in self.players:
            if player.name == name:
                return player
        raise unknown("player", name, [player.name for player in self.players])

    def variables_of(self, player: Player) -> list:
        """The trainable variables that `player` moves."""
        return [variable for name in player.networks for variable in getattr(self, name).trainable_variables]

    def __setattr__(self, name, value):
        # Replicas are traced by threads that alternate within a step: one would see the other's tensor.
        if tf.is_tensor(value) and not tf.executing_eagerly():
            raise ZooError(
                f"{type(self).__name__}.{name}: no tensor may be kept on the model within a step; return it."
            )
        super().__setattr__(name, value)

    # === Asking ===
    def call(self, inputs):
        """The first endpoint's answer in model form: {input: tensor}, or the bare tensor where it takes just one."""
        name, endpoint = next(iter(self.endpoints.items()))
        return getattr(self, name)(inputs if isinstance(inputs, dict) else {next(iter(endpoint.inputs)): inputs})

    def sample(self, seeds, endpoint: str = "generate", truncation: float | None = None, **given) -> tf.Tensor:
        """What an endpoint answers to drawn noise, in stored form: answer i depends on `seeds[i]` and what is given.

        Args:
            seeds: int (n,).
            truncation: None, or t > 0: normal noise is resampled to [-t, t], uniform noise shrunk by t.
            given: conditions in stored form, one for all answers or one for each; classes left out are drawn too.

        Returns:
            Stored data (n, ...): uint8 pictures (n, height, width, channels), float32 points (n, 2) ...
        """
        return sampling.sampler(self, endpoint, truncation)(seeds, **given)

    def sample_images(self, seeds, truncation: float | None = None) -> tf.Tensor:
        """`sample` under its old name."""
        return self.sample(seeds, truncation=truncation)

    # === Playing ===
    def compile(self, optimizer=None, *, jit_compile: bool = False, run_eagerly: bool = False, steps_per_execution=1):
        """Choose the optimizers.

        Args:
            optimizer: None for the paper's; `{player: optimizer}`, where the others keep the paper's; one optimizer or
                its name, of which every player gets a copy.
            jit_compile, steps_per_execution: as in Keras; both are refused over more than one replica.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1 and (jit_compile or steps_per_execution > 1):
            raise ZooError(
                f"jit_compile={jit_compile} and steps_per_execution={steps_per_execution} do not work over {replicas} "
                "replicas: leave both at their defaults (False and 1)."
            )
        if not isinstance(optimizer, PlayerOptimizers):
            optimizer = PlayerOptimizers.of(self.players, optimizer, scaled=self.dtype_policy.name == "mixed_float16")
        for player in self.players:  # slots must exist before the first traced step
            optimizer.by_player[player.name].build(self.variables_of(player))
        super().compile(
            optimizer=optimizer,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            auto_scale_loss=False,
        )

    def compile_from_config(self, config):
        """Compile as the saved model was."""
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**{k: config[k] for k in ("optimizer", "jit_compile", "run_eagerly", "steps_per_execution")})

    def fit(self, x=None, y=None, *, validation_data=None, callbacks=None, **kwargs):
        """Keras' `fit`, with data checked against `element_spec` and means over the epoch in the history."""
        x, y = arrays.checked(self.element_spec, x, y)
        if validation_data is not None:
            validation_data = arrays.checked_pair(self.element_spec, validation_data)
        return super().fit(x, y, validation_data=validation_data, callbacks=with_epoch_means(callbacks), **kwargs)

    def train_step(self, data) -> dict[str, tf.Tensor]:
        """One turn of the game. Returns the losses of each player's last step and their terms."""
        self.noise.begin()
        logs = self.play(self.slices(self.prepare(data)))
        self.step.assign_add(1)
        return self._as_logs(logs)

    def play(self, slices: list[Batch]) -> dict[str, tf.Tensor]:
        """The players' steps of one turn on `data_steps` slices of data; returns the logs."""
        if self.updates == "simultaneous":
            return self.play_simultaneously(slices)
        return self.play_shared(slices[0]) if self.data_steps == 1 else self.play_in_turn(slices)

    def play_in_turn(self, slices: list[Batch]) -> dict[str, tf.Tensor]:
        """Each player takes its steps, each on fresh data and a fresh generator pass (Algorithm 1)."""
        logs = {}
        for player in self.players:
            for batch in slices[-player.steps :]:
                with tf.GradientTape() as tape:
                    loss, terms = self.loss_of(player, batch, self.fake(batch))
                self.descend(player, tape, loss)
            logs |= terms
        return logs

    def play_shared(self, batch: Batch) -> dict[str, tf.Tensor]:
        """As `play_in_turn` with one step each, but one generator pass serves all players."""
        logs = {}
        with tf.GradientTape(persistent=True) as tape:
            fake = self.fake(batch)
            for player in self.players:
                loss, terms = self.loss_of(player, batch, fake)
                with tape.stop_recording():
                    self.descend(player, tape, loss)
                logs |= terms
        return logs

    def play_simultaneously(self, slices: list[Batch]) -> dict[str, tf.Tensor]:
        """All players' gradients at the same weights; extra steps of a player come before, on their own slices."""
        logs = {}
        for player in self.players:
            for batch in slices[-player.steps : -1]:
                with tf.GradientTape() as tape:
                    loss, _ = self.loss_of(player, batch, self.fake(batch))
                self.descend(player, tape, loss)
        with tf.GradientTape(persistent=True) as tape:
            fake = self.fake(slices[-1])
            losses = {}
            for player in self.players:
                losses[player], terms = self.loss_of(player, slices[-1], fake)
                logs |= terms
        gradients = {player: self.gradients(player, tape, loss) for player, loss in losses.items()}
        for player in self.players:
            self.apply(player, gradients[player])
        return logs

    def loss_of(self, player: Player, batch: Batch, fake: Any) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The player's loss and all that is logged with it."""
        result = getattr(self, f"{player.name}_loss")(batch, fake)
        loss, terms = result if isinstance(result, tuple) else (result, {})
        return loss, {player.log_name: loss, **terms}

    def descend(self, player: Player, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """One descent step of `player` on `loss`, recorded on `tape`: where gradients meet variables."""
        self.apply(player, self.gradients(player, tape, loss))

    def gradients(self, player: Player, tape: tf.GradientTape, loss: tf.Tensor) -> list:
        """Gradients scaled by 1 / replicas, since Keras optimizers sum over replicas and losses are means."""
        optimizer = self.optimizer.by_player[player.name]
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scale = optimizer.scale_loss(tf.constant(1 / replicas, loss.dtype))
        return tape.gradient(loss, self.variables_of(player), output_gradients=scale)

    def apply(self, player: Player, gradients: list) -> None:
        """Let the player's optimizer apply `gradients`, then move the averaged twins of its networks."""
        if variables := self.variables_of(player):  # empty when every layer is frozen
            self.optimizer.by_player[player.name].apply(gradients, variables)
        for name in player.networks:
            if self.ema_decay and name in self.ema_networks:
                average(getattr(self, name), getattr(self, f"{name}_ema"), self.ema_decay, self.step)

    def test_step(self, data) -> dict[str, tf.Tensor]:
        """The players' losses in inference mode, as means over the batches seen."""
        self.noise.begin()
        self.training = False
        try:
            batch = self.prepare(data)
            fake = self.fake(batch)
            for player, mean in zip(self.players, self.loss_means, strict=True):
                mean.update_state(self.loss_of(player, batch, fake)[0])
        finally:
            self.training = True
        return self._as_logs({mean.name: mean.result() for mean in self.loss_means})

    def get_metrics_result(self):
        """Empty, so that Keras reports what the steps return."""
        return {}

    def _as_logs(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        # Keras reduces logs over workers along axis 0, which scalars do not have.
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

    # === Data ===
    def prepare(self, data) -> Batch:
        """What `fit()` was given as a dict batch in model form, with the keys of `element_spec` and no others."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        spec = self.element_spec
        batch = x if isinstance(x, dict) else dict(zip(spec, (x, y), strict=False))
        missing = [key for key in spec if batch.get(key) is None]
        if missing:
            raise ZooError(
                f"the data lack {', '.join(missing)}: {type(self).__name__} trains on batches with the keys "
                f"{', '.join(spec)}, got {', '.join(batch)}."
            )
        return {key: kind.to_model(batch[key]) for key, kind in spec.items()}

    def slices(self, batch: Batch) -> list[Batch]:
        """`data_steps` equal parts of the batch; a remainder is left out, a batch of fewer elements repeated."""
        k, n = self.data_steps, batch_size(batch)
        if k == 1:
            return [batch]
        if isinstance(n, int) and n >= k:  # strided, so that the slices of 2 replicas together are those of 1
            return [{key: value[i : n // k * k : k] for key, value in batch.items()} for i in range(k)]
        places = [tf.range(i, tf.maximum(n // k, 1) * k, k) % n for i in range(k)]
        return [{key: tf.gather(value, rows) for key, value in batch.items()} for rows in places]

    # === Configuration ===
    @classmethod
    def arguments(cls) -> dict[str, inspect.Parameter]:
        """The constructor's arguments by name, its own before those that it hands on to its bases."""
        return constructor_arguments(cls, AdversarialModel)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, from the attributes of the same names."""
        values = {name: getattr(self, name) for name in self.arguments()}
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        return {"name": self.name, "dtype": self.dtype_policy.name, **values}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def batch_size(batch: Batch):
    """The number of elements in a batch: an int where it is known, a scalar tensor otherwise."""
    value = next(iter(batch.values()))
    return value.shape[0] if value.shape[0] is not None else tf.shape(value)[0]
