"""Batches: dicts of tensors in model form, one row per element."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from tfgan_zoo.arrays import in_model_form
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Modality

Batch = dict[str, tf.Tensor]


def batch_size(batch: Batch):
    """The number of elements in a batch: an int where it is known, a scalar tensor otherwise."""
    value = next(iter(batch.values()))
    return value.shape[0] if value.shape[0] is not None else tf.shape(value)[0]


def prepared(spec: Mapping[str, Modality], data, owner: str) -> Batch:
    """What `fit()` was given as a batch in model form, with the keys of `spec` and no others.

    Raises:
        ZooError: data that lack a key, or of a dtype or shape of their own; `owner` names the model that they are for.
    """
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    batch = x if isinstance(x, dict) else dict(zip(spec, (x, y), strict=False))
    missing = [key for key in spec if batch.get(key) is None]
    if missing:
        raise ZooError(
            f"the data lack {', '.join(missing)}: {owner} trains on batches with the keys {', '.join(spec)}, got "
            f"{', '.join(batch)}."
        )
    return {key: in_model_form(key, kind, batch[key]) for key, kind in spec.items()}


def slices(batch: Batch, k: int) -> list[Batch]:
    """`k` equal parts of the batch; a remainder is left out, a batch of fewer elements repeated."""
    n = batch_size(batch)
    if k == 1:
        return [batch]
    if isinstance(n, int) and n >= k:  # strided, so that the slices of 2 replicas together are those of 1
        return [{key: value[i : n // k * k : k] for key, value in batch.items()} for i in range(k)]
    places = [tf.range(i, tf.maximum(n // k, 1) * k, k) % n for i in range(k)]
    return [{key: tf.gather(value, rows) for key, value in batch.items()} for rows in places]


def of_all_replicas(x: tf.Tensor) -> tf.Tensor:
    """(n, ...) of this replica -> (replicas * n, ...), the same on all; gradients find their way back."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return x
    return context.all_gather(x, axis=0)
