"""A memory of old fakes, which keeps the discriminator from forgetting what the generator did before."""

import math

import keras
import tensorflow as tf

from tfgan_zoo.resources import require_memory


@keras.saving.register_keras_serializable("tfgan_zoo")
class ImagePool(keras.layers.Layer):
    """The last fakes, of which half of the answers are drawn. Shrivastava et al. 2017, https://arxiv.org/abs/1612.07828

    As in CycleGAN: until `size` fakes are kept, each is answered as it comes and kept; then each is, with probability
    1/2, answered as it comes, or else put in the place of a random kept one, which is answered instead.

    All replicas keep one and the same pool, that of the global batch; so training on 1 and on 2 replicas is alike.

    Args:
        size: how many are kept; 0 answers every fake as it comes.
        shape: of one of them, without None.
    """

    def __init__(self, size: int, shape: tuple[int, ...], **kwargs):
        super().__init__(trainable=False, **kwargs)
        self.size, self.shape = size, tuple(shape)
        require_memory(4 * size * math.prod(self.shape), f"pool_size={size}")
        weight = {"trainable": False, "initializer": "zeros", "aggregation": "only_first_replica"}
        self.kept = self.add_weight(name="kept", shape=(max(size, 1), *shape), dtype="float32", **weight)
        self.count = self.add_weight(name="count", shape=(), dtype="int32", **weight)
        self.built = True

    def exchange(self, fakes: tf.Tensor, noise) -> tf.Tensor:
        """Fakes float32 (n, ...) -> as many, some of them from the pool; all replicas have n. `noise`: the model's."""
        if not self.size:
            return fakes
        context = tf.distribute.get_replica_context()
        every = context.all_gather(fakes, axis=0) if context.num_replicas_in_sync > 1 else fakes
        rows, total = tf.shape(fakes)[0], tf.shape(every)[0]
        with noise.alike():
            swap, place = noise.uniform((total,)) < 0.5, noise.integers((total,), self.size)
        # Where each answer and each kept picture comes from: a place in the pool, or `size` + a fake's place.
        answers, held = tf.TensorArray(tf.int32, total), tf.range(self.size)

        def one(i, count, answers, held):
            filling = count < self.size
            at = tf.where(filling, count, place[i])
            exchanged = swap[i] & ~filling
            answers = answers.write(i, tf.where(exchanged, held[at], self.size + i))
            kept = tf.where(exchanged | filling, self.size + i, held[at])
            held = tf.tensor_scatter_nd_update(held, [[at]], [kept])
            return i + 1, tf.where(filling, count + 1, count), answers, held

        start = tf.constant(0), tf.identity(self.count.value), answers, held
        _, count, answers, held = tf.while_loop(lambda i, *_: i < total, one, start)
        pictures = tf.stop_gradient(tf.concat([self.kept.value, every], 0))
        self.kept.assign(tf.gather(pictures, held))
        self.count.assign(count)
        first = context.replica_id_in_sync_group * rows
        own = tf.gather(pictures, answers.stack()[first : first + rows])
        return tf.ensure_shape(own, fakes.shape)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "shape": list(self.shape)}
