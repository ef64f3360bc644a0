"""Layers that draw noise."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgan_zoo")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout` whose masks differ between replicas.

    A Keras SeedGenerator gives every replica the same numbers; here the replica's index is mixed into them.
    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html.
    """

    def call(self, inputs, training=False):
        if not training or self.rate == 0:
            return inputs
        context = tf.distribute.get_replica_context()
        replica = context.replica_id_in_sync_group if context else 0
        seed = tf.cast(self.seed_generator.next(), tf.int64) + tf.stack([tf.cast(replica, tf.int64) * 2**32, 0])
        kept = tf.random.stateless_uniform(tf.shape(inputs), seed, dtype=inputs.dtype) >= self.rate
        return tf.where(kept, inputs / (1 - self.rate), tf.zeros((), inputs.dtype))
