"""Layers that draw noise in training, and the one that adds noise it is given.

Unlike Keras' layers their draws differ between replicas, and their state is a weight: a model that is saved and loaded
draws on as if nothing had happened.
"""

import random
from typing import Literal

import keras
import tensorflow as tf

from tfgan_zoo.errors import ZooError, unknown


class RandomLayer(keras.layers.Layer):
    """A layer that changes its inputs at random in training and leaves them alone otherwise.

    Args:
        seed: of the draws; drawn from Python's generator (`keras.utils.set_random_seed`) if None.
    """

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = random.randrange(2**31) if seed is None else seed

    def build(self, input_shape):
        self.key = self.add_weight(  # (seed, number of calls)
            name="key",
            shape=(2,),
            dtype="int64",
            trainable=False,
            initializer=lambda shape, dtype: tf.constant([self.seed, 0], dtype),
        )

    def call(self, inputs, training=False):
        if not training:
            return inputs
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group if context else 0, tf.int64)
        key = self.key.value
        self.key.assign_add([0, 1])
        return self.randomized(inputs, key + tf.stack([replica * 2**32, 0]))

    def randomized(self, inputs, key):
        """What becomes of `inputs` in training; `key` is that of the stateless draws, int64 (2,)."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("tfgan_zoo")
class Dropout(RandomLayer):
    """Leave out a share `rate` of the inputs in training and scale up the rest.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html.

    Args:
        rate: in [0, 1).
        seed: of the masks.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.rate = rate

    def call(self, inputs, training=False):
        return super().call(inputs, training=training and self.rate > 0)

    def randomized(self, inputs, key):
        kept = tf.random.stateless_uniform(tf.shape(inputs), key) >= self.rate
        return tf.where(kept, inputs / (1 - self.rate), tf.zeros((), inputs.dtype))

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable("tfgan_zoo")
class GaussianNoise(RandomLayer):
    """Add N(0, `stddev`^2) to every input in training, as ACGAN's discriminator does.

    Odena et al. 2017, https://arxiv.org/abs/1610.09585, appendix A.

    Args:
        stddev: 0 or more.
        seed: of the noise.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs):
        super().__init__(seed, **kwargs)
        self.stddev = stddev

    def randomized(self, inputs, key):
        noise = tf.random.stateless_normal(tf.shape(inputs), key, stddev=self.stddev)
        return inputs + tf.cast(noise, inputs.dtype)

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}


@keras.saving.register_keras_serializable("tfgan_zoo")
class PhaseShuffle(RandomLayer):
    """Shift the first axis after the batch by a random whole number in [-n, n], in training; ends are reflected.

    (batch, time, ..., channels) -> the same shape; time is fixed and longer than n. Donahue et al. 2019,
    https://arxiv.org/abs/1802.04208, section 3.3.

    Args:
        n: the longest shift.
        per: what shares a shift: the "batch" (the authors' code), an "example", or a "channel" of an example (the
            paper's figure).
        seed: of the shifts.
    """

    def __init__(
        self, n: int = 2, per: Literal["batch", "example", "channel"] = "batch", seed: int | None = None, **kwargs
    ):
        super().__init__(seed, **kwargs)
        if per not in ("batch", "example", "channel"):
            raise unknown("per", per, ("batch", "example", "channel"), "PhaseShuffle")
        self.n = n
        self.per = per

    def build(self, input_shape):
        if input_shape[1] is None or input_shape[1] <= self.n:
            raise ZooError(f"PhaseShuffle(n={self.n}): inputs of {input_shape[1]} steps; n + 1 or more are needed.")
        super().build(input_shape)

    def randomized(self, inputs, key):
        batch, channels = tf.shape(inputs)[0], inputs.shape[-1]
        shape = {"batch": (), "example": (batch,), "channel": (batch, channels)}[self.per]
        shift = tf.random.stateless_uniform(shape, key, -self.n, self.n + 1, tf.int32)
        last = inputs.shape[1] - 1
        places = last - tf.abs(last - tf.abs(tf.range(last + 1) - shift[..., None]))  # reflected at both ends
        if self.per != "channel":
            return tf.gather(inputs, places, axis=1, batch_dims=len(shape))
        rank = len(inputs.shape)
        time_last = tf.transpose(inputs, (0, rank - 1, 1, *range(2, rank - 1)))
        shifted = tf.gather(time_last, places, axis=2, batch_dims=2)
        return tf.transpose(shifted, (0, 2, *range(3, rank), 1))

    def get_config(self):
        return {**super().get_config(), "n": self.n, "per": self.per}


@keras.saving.register_keras_serializable("tfgan_zoo")
class NoiseInjection(keras.layers.Layer):
    """x + w n: one noise value per position, scaled by one learned weight per channel that starts at 0.

    `layer(x, n)`: x (batch, height, width, channels), n (batch, height, width, 1) from N(0, 1) -> the shape of x. The
    noise is an input, so that the model's noise stream draws it and its seeds decide it. Karras et al. 2019,
    https://arxiv.org/abs/1812.04948, section 2.
    """

    def build(self, inputs_shape, noise_shape):
        self.scale = self.add_weight(name="scale", shape=(inputs_shape[-1],), initializer="zeros")

    def call(self, inputs, noise):
        return inputs + self.scale * noise

    def compute_output_shape(self, inputs_shape, noise_shape):
        return inputs_shape
