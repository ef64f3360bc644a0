"""What the examples of a batch say about each other."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tfgan_zoo")
class MinibatchStdDev(keras.layers.Layer):
    """Append one map: the standard deviation over a group of examples, averaged over positions and channels.

    (batch, height, width, channels) -> (batch, height, width, channels + 1). Examples i, i + batch / group,
    i + 2 batch / group ... form a group. Karras et al. 2018, https://arxiv.org/abs/1710.10196, section 3, and the
    authors' code.

    Args:
        group_size: the largest group. Where it does not divide the batch, the next smaller number that does is taken;
            an example alone has a deviation of 1e-4, the root of what is added for the gradient's sake.
    """

    def __init__(self, group_size: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.group_size = group_size

    def call(self, inputs):
        batch, height, width, channels = ops.shape(inputs)
        group = self.group_of(batch)
        x = ops.cast(ops.reshape(inputs, (group, batch // group, height, width, channels)), "float32")
        variances = ops.mean(ops.square(x - ops.mean(x, axis=0)), axis=0)
        deviations = ops.mean(ops.sqrt(variances + 1e-8), axis=(1, 2, 3), keepdims=True)  # (batch / group, 1, 1, 1)
        extra = ops.broadcast_to(deviations[None], (group, batch // group, height, width, 1))
        extra = ops.cast(ops.reshape(extra, (batch, height, width, 1)), inputs.dtype)
        return ops.concatenate([inputs, extra], axis=-1)

    def group_of(self, batch):
        """The largest divisor of `batch`, an int or a scalar, up to `group_size`."""
        if isinstance(batch, int):
            return next(size for size in range(self.group_size, 0, -1) if batch % size == 0)
        sizes = ops.arange(1, self.group_size + 1)
        return ops.max(ops.where(batch % sizes == 0, sizes, 1))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return {**super().get_config(), "group_size": self.group_size}
