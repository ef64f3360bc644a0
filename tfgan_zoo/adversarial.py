"""The game: `AdversarialModel`, the Keras model that every family subclasses.

A family declares its data, players and networks and writes one loss per player. The base plays the game: it draws
noise, takes the players' steps in turn (or at once), scales gradients over replicas and keeps averaged twins.
"""

import inspect
from typing import Any, Literal

import keras
import tensorflow as tf

from tfgan_zoo import arrays, batches, play, resources, sampling
from tfgan_zoo.assembly import average, constructor_arguments, dtype_policy, first_weights, twin_of
from tfgan_zoo.batches import Batch, batch_size
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.history import together, with_epoch_means
from tfgan_zoo.modalities import Modality
from tfgan_zoo.noise import NoiseStream
from tfgan_zoo.phases import Course, Phase
from tfgan_zoo.players import Player, PlayerOptimizers
from tfgan_zoo.types import Fraction


class AdversarialModel(keras.Model):
    """A game between networks that plain `fit()` trains.

    A family sets `players`, stores constructor arguments under their own names, declares its data in `element_spec`,
    returns its networks from `build_networks()`, ends its constructor with `self.assemble()`, and writes
    `<player>_loss(batch, fake)` for each player. A loss method returns a scalar, or `(scalar, {"term": scalar})` to log
    a term beside it. Further questions that the model answers are declared in `endpoints`.

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
    phases: tuple[Phase, ...] = ()  # the course of the game, where it has one
    shares_fake: bool = True  # one pass of the generator for all players of a turn; False where memory matters

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # A family of one's own may be called as one of ours.
        package = "tfgan_zoo" if cls.__module__.startswith("tfgan_zoo.") else cls.__module__
        keras.saving.register_keras_serializable(package)(cls)

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

    # === What a family declares ===
    @property
    def element_spec(self) -> dict[str, Modality]:
        """One element of the data that the game is played on: {key: its kind}, as it is stored."""
        raise NotImplementedError(f"{type(self).__name__} must declare its data in element_spec.")

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

    def begin(self, phase: str) -> None:
        """What happens once, when a phase begins: copying one network into another, say. Nothing unless overridden."""

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
        with dtype_policy(self.dtype_policy), first_weights(self.seed), resources.room_for_weights(self):
            self.network_names = tuple(networks := self.build_networks())
            for name, network in networks.items():
                setattr(self, name, network)
            for name in self.ema_networks if self.ema_decay else ():
                setattr(self, f"{name}_ema", twin_of(networks[name], f"{name}_ema"))
        self.course, self._traced_phase = Course(self, self.phases) if self.phases else None, ""
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
    def replicas(self) -> int:
        """The devices that the model trains on."""
        return self.distribute_strategy.num_replicas_in_sync

    @property
    def data_steps(self) -> int:
        """Slices of data that one training step uses."""
        return max(player.steps for player in self.playing)

    def player(self, name: str) -> Player:
        """The player called `name`."""
        for player in self.players:
            if player.name == name:
                return player
        raise unknown("player", name, [player.name for player in self.players])

    @property
    def phase(self) -> str:
        """The name of the present phase; "" for a game that has none."""
        return self.course.current() if self.course else ""

    @property
    def playing(self) -> list[Player]:
        """The players of the present phase."""
        return [player for player in self.players if not player.phases or self.phase in player.phases]

    def enter(self, phase: Phase, steps: int | None = None) -> None:
        """Go to a phase before `fit()`: `for phase in model.phases: model.enter(phase); model.fit(...)`.

        Args:
            steps: how long it will last; default as it says. Networks that grow in it go by this.
        """
        if self.course.enter(phase, int(self.step.numpy()), steps):
            self.begin(phase.name)

    def variables_of(self, player: Player) -> list:
        """The trainable variables that `player` moves."""
        return [variable for name in player.networks for variable in getattr(self, name).trainable_variables]

    def __setattr__(self, name, value):
        # Replicas are traced by threads that alternate within a step: one would see the other's tensor.
        if not tf.executing_eagerly() and any(map(tf.is_tensor, tf.nest.flatten(value))):
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
    def compile(
        self, optimizer=None, *, jit_compile=False, run_eagerly=False, steps_per_execution: int = 1, accumulate: int = 1
    ):
        """Choose the optimizers.

        Args:
            optimizer: None for the paper's; `{player: optimizer}`, where the others keep the paper's; one optimizer or
                its name, of which every player gets a copy.
            jit_compile, steps_per_execution: as in Keras; both are refused over more than one replica.
            accumulate: parts of a batch whose gradients are summed before a player steps, to need less memory.

        Raises:
            ZooError: a setting that cannot be, an unknown player or optimizer.
        """
        play.check_compiled(self.replicas, jit_compile, steps_per_execution, accumulate)
        if not isinstance(optimizer, PlayerOptimizers):
            optimizer = PlayerOptimizers.of(self.players, optimizer, scaled=self.dtype_policy.name == "mixed_float16")
        with resources.room_for_weights(self):
            for player in self.players:  # slots must exist before the first traced step
                optimizer.by_player[player.name].build(self.variables_of(player))
        as_keras = {"run_eagerly": run_eagerly, "jit_compile": jit_compile, "steps_per_execution": steps_per_execution}
        super().compile(optimizer=optimizer, auto_scale_loss=False, **as_keras)
        self.accumulate = accumulate

    def get_compile_config(self):
        """What `compile` was given."""
        config = super().get_compile_config()
        return config and config | {"accumulate": self.accumulate}

    def compile_from_config(self, config):
        """Compile as the saved model was."""
        config = keras.saving.deserialize_keras_object(config)
        names = ("optimizer", "jit_compile", "run_eagerly", "steps_per_execution", "accumulate")
        self.compile(**{name: config[name] for name in names if name in config})

    def fit(self, x=None, y=None, *, validation_data=None, callbacks=None, **kwargs):
        """Keras' `fit`, with data checked against `element_spec` and means over the epoch in the history."""
        if self.phase and self.phase != self._traced_phase:
            self.train_function = self.test_function = None  # which Keras keeps, traced for another phase
            self._traced_phase = self.phase
        x, y = arrays.checked(self.element_spec, x, y)
        arrays.check_last_batch(x, kwargs.get("batch_size"), self.replicas, kwargs.get("validation_split", 0.0))
        if validation_data is not None:
            validation_data = arrays.checked_pair(self.element_spec, validation_data)
        return super().fit(x, y, validation_data=validation_data, callbacks=with_epoch_means(callbacks), **kwargs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras would draw a batch to build the networks, which are built; over workers it fails to reduce dict batches.
        pass

    def evaluate(self, x=None, y=None, **kwargs):
        """Keras' `evaluate`, with data checked as `fit` does; returns the losses in inference mode."""
        if not kwargs.get("_use_cached_eval_dataset"):  # fit() has checked its validation data
            x, y = arrays.checked(self.element_spec, x, y)
            arrays.check_last_batch(x, kwargs.get("batch_size"), self.replicas)
        return super().evaluate(x, y, **kwargs)

    def train_step(self, data) -> dict[str, tf.Tensor]:
        """One turn of the game. Returns the losses of each player's last step and their terms."""
        self.noise.begin()
        batch = batches.prepared(self.element_spec, data, type(self).__name__)
        logs = self.play(batches.slices(batch, self.data_steps))
        self.step.assign_add(1)
        return self._as_logs(logs)

    def play(self, slices: list[Batch]) -> dict[str, tf.Tensor]:
        """The players' steps of one turn on `data_steps` slices of data; returns the logs."""
        if self.updates == "simultaneous":
            return play.at_once(self, slices)
        shared = self.shares_fake and len(slices) == 1 and self.accumulate == 1
        return play.sharing(self, slices[0]) if shared else play.in_turn(self, slices)

    def loss_of(self, player: Player, batch: Batch, fake: Any) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """The player's loss and all that is logged with it."""
        result = getattr(self, f"{player.name}_loss")(batch, fake)
        loss, terms = result if isinstance(result, tuple) else (result, {})
        return loss, together({player.log_name: loss}, terms)

    def descend(self, player: Player, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """One descent step of `player` on `loss`, recorded on `tape`: where gradients meet variables."""
        self.apply(player, self.gradients(player, tape, loss))

    def gradients(self, player: Player, tape: tf.GradientTape, loss: tf.Tensor) -> list:
        """Gradients scaled by 1 / replicas, since Keras optimizers sum over replicas and losses are means."""
        optimizer = self.optimizer.by_player[player.name]
        scale = optimizer.scale_loss(tf.constant(1 / self.replicas, loss.dtype))
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
            batch = batches.prepared(self.element_spec, data, type(self).__name__)
            fake = self.fake(batch)
            means = [self.loss_means[self.players.index(player)] for player in self.playing]
            for player, mean in zip(self.playing, means, strict=True):
                mean.update_state(self.loss_of(player, batch, fake)[0])
        finally:
            self.training = True
        return self._as_logs({mean.name: mean.result() for mean in means})

    def get_metrics_result(self):
        """Empty, so that Keras reports what the steps return."""
        return {}

    def _as_logs(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        # Keras reduces logs over workers along axis 0, which scalars do not have.
        if isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy):
            return {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

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
