"""From a function of a number to a `tf.data.Dataset` of batches: where the data layer meets TensorFlow."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tfgan_zoo.modalities import Modality


def numbered(make: Callable[[int], dict], spec: Mapping[str, Modality], size: int | None, numbers: tf.data.Dataset):
    """`make(number) -> {key: array}` for each of `numbers`: a dataset of batches of `size` (None where it varies)."""
    dtypes = [tf.as_dtype(kind.stored) for kind in spec.values()]

    def arrays(number):
        batch = make(int(number))
        return [np.ascontiguousarray(batch[key], dtype.as_numpy_dtype) for key, dtype in zip(spec, dtypes, strict=True)]

    def function(number):
        tensors = tf.numpy_function(arrays, [number], dtypes)
        for tensor, kind in zip(tensors, spec.values(), strict=True):
            tensor.set_shape((size, *kind.shape))  # which TensorFlow cannot see
        return dict(zip(spec, tensors, strict=True))

    return finish(numbers.map(function))


def endless(start: int) -> tf.data.Dataset:
    """start, start + 1, ..."""
    return tf.data.Dataset.range(start, tf.int64.max)


def steps(total: int, size: int) -> tf.data.Dataset:
    """0, size, 2 size, ... below `total`."""
    return tf.data.Dataset.range(0, total, size).apply(tf.data.experimental.assert_cardinality(-(-total // size)))


def finish(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Prefetch, keep the order, and leave sharding to `batches(shard=)`."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    options.autotune.enabled = False  # whose thread can make the end of an iterator wait for seconds, up to a minute
    return dataset.prefetch(4).with_options(options)
