"""The game: `AdversarialModel`, the Keras model that every family subclasses.

A family declares its players, builds its networks and writes one loss per player. The base plays the game: it draws
noise, takes the players' steps in turn (or at once), scales gradients over replicas and keeps averaged twins.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras
import tensorflow as tf

from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.players import Player, PlayerOptimizers
from tfgan_zoo.types import Fraction

Batch = dict[str, tf.Tensor]


class AdversarialModel(keras.Model):
    """A game between networks that plain `fit()` trains.

    A family sets `players`, stores its constructor arguments under their own names, returns its networks from
    `build_networks()`, ends its constructor with `self.assemble()`, and writes `<player>_loss(batch, fake)` for each
    player. A loss method returns a scalar, or `(scalar, {"term": scalar})` to log a term beside it.

    Args:
        updates: "alternating": each player steps on the others' newest weights (Algorithm 1 of Goodfellow et al.
            2014). "simultaneous": all gradients are taken at the same weights, then all players step.
        ema_decay: decay of the averaged twins of `ema_networks`, in [0, 1); 0 keeps no twins.
        seed: of the training noise. The noise of a step is a function of (seed, step, replica).

    Data: a batch is a dict with the keys of `element_spec`, or what Keras calls `x` or `(x, y)`. uint8 images are
    mapped to [-1, 1] on the device; floats are taken to be there already. Where a player takes k > 1 steps, a batch
    holds k slices: batch the data set by `data_steps` times the batch size of one update.
    """

    task = "image generation"
    players: tuple[Player, ...] = (Player("discriminator"), Player("generator"))
    ema_networks: tuple[str, ...] = ("generator",)

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
        self._draws = 0
        self._draw_key = self._training_key
        self._truncation = None

    # === What a family may override ===
    def build_networks(self) -> dict[str, keras.Model]:
        """The family's networks by attribute name."""
        raise NotImplementedError(f"{type(self).__name__} must return its networks from build_networks().")

    def latents(self, count) -> tf.Tensor:
        """`count` latent vectors from the prior; N(0, I) of `latent_dim` unless the family overrides it."""
        return self.normal((count, self.latent_dim))

    def fake(self, batch: Batch) -> Any:
        """The pass that all players' losses share: a generated batch as large as `batch`."""
        return self.generator(self.latents(batch_size(batch)), training=self.training)

    @property
    def data_key(self) -> str:
        """The key of the real data in a batch: "image", or "point" where `image_shape` is (n,)."""
        return "image" if len(self.image_shape) == 3 else "point"

    @property
    def element_spec(self) -> dict[str, tf.TensorSpec]:
        """One element of the data that the game is played on."""
        return {self.data_key: tf.TensorSpec(self.image_shape, tf.float32)}

    # === Assembling ===
    def assemble(self) -> None:
        """Build the networks, their averaged twins and the counters; the last line of a family's constructor."""
        with dtype_policy(self.dtype_policy):
            self.network_names = tuple(networks := self.build_networks())
            for name, network in networks.items():
                setattr(self, name, network)
            for name in self.ema_networks if self.ema_decay else ():
                twin = keras.models.clone_model(networks[name])
                twin.set_weights(networks[name].get_weights())
                twin.trainable = False
                setattr(self, f"{name}_ema", twin)
        self.step = self.add_weight(
            name="step", shape=(), dtype="int64", initializer="zeros", trainable=False, aggregation="only_first_replica"
        )
        self.loss_means = [keras.metrics.Mean(player.log_name) for player in self.players]
        self.built = True  # otherwise fit() would call the model on a batch of data

    @property
    def networks_by_name(self) -> dict[str, keras.Model]:
        """Every network, averaged twins included."""
        twins = [f"{name}_ema" for name in self.ema_networks] if self.ema_decay else []
        return {name: getattr(self, name) for name in (*self.network_names, *twins)}

    @property
    def sampler(self) -> keras.Model:
        """The network that generates: the averaged twin where there is one."""
        return getattr(self, "generator_ema", self.generator)

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

    # === Noise ===
    def normal(self, shape) -> tf.Tensor:
        """N(0, 1), float32; under truncation t resampled to [-t, t] (Brock et al. 2019)."""
        if self._truncation is None:
            return tf.random.stateless_normal(shape, self._draw_key())
        t = self._truncation
        return tf.random.stateless_parameterized_truncated_normal(shape, self._draw_key(), 0.0, 1.0, -t, t)

    def uniform(self, shape, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        """U(low, high), float32; truncation t shrinks the interval around its middle by t."""
        if self._truncation is not None:
            middle, half = (low + high) / 2, (high - low) / 2 * self._truncation
            low, high = middle - half, middle + half
        return tf.random.stateless_uniform(shape, self._draw_key(), low, high)

    def _training_key(self) -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context else 0
        stream = tf.constant(self.seed, tf.int64) * 4096 + tf.cast(replica, tf.int64)
        self._draws += 1  # at trace time: one number per place that draws
        return tf.stack([stream, self.step * 1024 + self._draws])

    @contextlib.contextmanager
    def _drawing(self, key: Callable[[], tf.Tensor], truncation: float | None) -> Iterator[None]:
        self._draw_key, self._truncation = key, truncation
        try:
            yield
        finally:
            self._draw_key, self._truncation = self._training_key, None

    def latents_for(self, seeds, truncation: float | None = None) -> Any:
        """Latents whose row i depends on `seeds[i]` alone, whatever stands beside it. int (n,) -> latents of n."""

        def one(seed):
            draws = iter(range(1, 1024))
            with self._drawing(lambda: tf.stack([seed, tf.constant(next(draws), tf.int64)]), truncation):
                return tf.nest.map_structure(lambda row: row[0], self.latents(1))

        seeds = tf.cast(seeds, tf.int64)
        spec = tf.nest.map_structure(
            lambda t: tf.TensorSpec(t.shape, t.dtype),
            tf.function(one).get_concrete_function(seeds[0]).structured_outputs,
        )
        return tf.map_fn(one, seeds, fn_output_signature=spec)

    # === Sampling ===
    def call(self, inputs):
        """Latents -> generated data in [-1, 1], by the averaged generator where there is one."""
        return self.sampler(inputs, training=False)

    def sample_images(self, seeds, truncation: float | None = None) -> tf.Tensor:
        """uint8 images (n, height, width, channels), image i a function of `seeds[i]` alone."""
        return to_uint8(self.call(self.latents_for(seeds, truncation)))

    # === Playing ===
    def compile(self, optimizer=None, *, jit_compile: bool = False, run_eagerly: bool = False, steps_per_execution=1):
        """Choose the optimizers: None for the paper's, or `{player: optimizer}` where the others keep the paper's.

        With more than one replica `jit_compile` and `steps_per_execution` are refused, as they do not work there.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1 and (jit_compile or steps_per_execution > 1):
            raise ZooError(
                f"jit_compile={jit_compile} and steps_per_execution={steps_per_execution} do not work over {replicas} "
                "replicas: leave both at their defaults (False and 1)."
            )
        if isinstance(optimizer, PlayerOptimizers):
            by_player = optimizer.by_player
        else:
            chosen = optimizer or {}
            for name in chosen:
                self.player(name)
            by_player = {p.name: keras.optimizers.get(chosen.get(p.name) or p.optimizer()) for p in self.players}
            for player in self.players:
                by_player[player.name].name = player.name
            if self.dtype_policy.name == "mixed_float16":
                by_player = {
                    name: keras.optimizers.LossScaleOptimizer(inner, name=name) for name, inner in by_player.items()
                }
        for player in self.players:  # slots must exist before the first traced step
            by_player[player.name].build(self.variables_of(player))
        super().compile(
            optimizer=PlayerOptimizers(by_player),
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            auto_scale_loss=False,
        )

    def compile_from_config(self, config):
        """Compile as the saved model was."""
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**{k: config[k] for k in ("optimizer", "jit_compile", "run_eagerly", "steps_per_execution")})

    def train_step(self, data) -> dict[str, tf.Tensor]:
        """One turn of the game: every player takes its steps. Returns the losses of the last of them."""
        self._draws = 0
        slices = self.slices(self.prepare(data))
        if self.updates == "simultaneous":
            logs = self.play_simultaneously(slices)
        elif self.data_steps == 1:
            logs = self.play_shared(slices[0])
        else:
            logs = self.play_in_turn(slices)
        self.step.assign_add(1)
        return self._as_logs(logs)

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
                self._average(getattr(self, name), getattr(self, f"{name}_ema"))

    def _average(self, network: keras.Model, twin: keras.Model) -> None:
        """twin <- decay * twin + (1 - decay) * network for weights; statistics are copied."""
        step = tf.cast(self.step, tf.float32)
        rate = 1.0 - tf.minimum(self.ema_decay, (1.0 + step) / (10.0 + step))  # short memory while weights are young
        for variable, average in zip(network.variables, twin.variables, strict=True):
            if variable.trainable:
                average.assign(average.value + tf.cast(rate, average.dtype) * (variable.value - average.value))
            else:
                average.assign(variable.value)

    def test_step(self, data) -> dict[str, tf.Tensor]:
        """The players' losses in inference mode, as means over the batches seen."""
        self._draws, self.training = 0, False
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
        """What `fit()` was given as a dict batch, uint8 images mapped to [-1, 1]."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        batch = dict(x) if isinstance(x, dict) else {self.data_key: x}
        if y is not None and "label" in self.element_spec:
            batch["label"] = y
        missing = sorted(set(self.element_spec) - set(batch))
        if missing:
            raise ZooError(
                f"the data lack {', '.join(missing)}: {type(self).__name__} trains on batches with the keys "
                f"{', '.join(self.element_spec)}, got {', '.join(batch)}."
            )
        return {key: to_float(value) if value.dtype == tf.uint8 else value for key, value in batch.items()}

    def slices(self, batch: Batch) -> list[Batch]:
        """`data_steps` equal parts of the batch; a remainder is left out."""
        k = self.data_steps
        if k == 1:
            return [batch]
        size = batch_size(batch) // k
        tf.debugging.assert_positive(size, f"a batch needs at least {k} elements, one for each step of a player")
        # Strided, so that the slices of 2 replicas together are those of 1.
        return [{key: value[i : size * k : k] for key, value in batch.items()} for i in range(k)]

    # === Configuration ===
    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, from its signature and the attributes of the same names."""
        config = {"name": self.name, "dtype": self.dtype_policy.name}
        for cls in type(self).__mro__:
            if issubclass(cls, AdversarialModel):
                for argument in inspect.signature(cls.__init__).parameters.values():
                    if argument.kind is not argument.VAR_KEYWORD and argument.name != "self":
                        value = getattr(self, argument.name)
                        config.setdefault(argument.name, list(value) if isinstance(value, tuple) else value)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def batch_size(batch: Batch):
    """The number of elements in a batch: an int where it is known, a scalar tensor otherwise."""
    value = next(iter(batch.values()))
    return value.shape[0] if value.shape[0] is not None else tf.shape(value)[0]


def to_float(images: tf.Tensor) -> tf.Tensor:
    """uint8 [0, 255] -> float32 [-1, 1]."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Float [-1, 1] -> uint8 [0, 255], rounded; values outside are clipped."""
    return tf.saturate_cast(tf.round((tf.cast(images, tf.float32) + 1.0) * 127.5), tf.uint8)


@contextlib.contextmanager
def dtype_policy(policy) -> Iterator[None]:
    """Build layers under `policy`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
