"""Layers that draw noise."""

import random

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgan_zoo")
class Dropout(keras.layers.Layer):
    """Leave out a share `rate` of the inputs in training and scale up the rest.

    Unlike `keras.layers.Dropout` its masks differ between replicas, and its state is a weight: a model that is saved
    and loaded draws on as if nothing had happened. Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html.

    Args:
        rate: in [0, 1).
        seed: of the masks; drawn from Python's generator (`keras.utils.set_random_seed`) if None.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
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
        if not training or self.rate == 0:
            return inputs
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group if context else 0, tf.int64)
        key = self.key.value
        self.key.assign_add([0, 1])
        kept = tf.random.stateless_uniform(tf.shape(inputs), key + tf.stack([replica * 2**32, 0])) >= self.rate
        return tf.where(kept, inputs / (1 - self.rate), tf.zeros((), inputs.dtype))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
