"""The logs of training steps, and the history of `fit()`: means over the epoch, as Keras reports of other models."""

from collections.abc import Mapping
from typing import Any

import keras

from tfgan_zoo.errors import ZooError


def together(logs: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The logs of two losses. Raises ZooError where both log something under the same name: one would vanish."""
    if twice := sorted(logs.keys() & more.keys()):
        raise ZooError(f"two losses log {', '.join(twice)}; give one of them another name.")
    return {**logs, **more}


class EpochMeans(keras.callbacks.Callback):
    """Replace the last step's logs by their means over the epoch, before other callbacks look at the epoch's logs.

    The sums stay on the device: reading a number at every step would make the host wait for it. Of several steps per
    execution Keras hands on the last one's logs, so the means are those of these steps.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self.sums, self.count = {}, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        for key, value in (logs or {}).items():
            self.sums[key] = self.sums[key] + value if key in self.sums else value

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None and self.count:
            logs.update({key: float(value) / self.count for key, value in self.sums.items()})


def with_epoch_means(callbacks):
    """The callbacks with `EpochMeans` before them; a ready `CallbackList` is left alone."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    if isinstance(callbacks, keras.callbacks.Callback):
        callbacks = [callbacks]
    return [EpochMeans(), *(callbacks or [])]
