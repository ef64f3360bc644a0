"""Between sounds and their spectrograms: magnitudes, sounds made of magnitudes, and a scale that is learnt from data.

A sound is float32 (n, samples), its magnitudes are float32 (n, frames, window // 2 + 1): a frame every `hop` samples,
each a Fourier transform of `window` samples under a Hann window.
"""

import keras
from keras import ops

from tfgan_zoo.errors import ZooError
from tfgan_zoo.networks.geometry import count_doublings

SILENT = 1e-8


def picture_shape(samples: int, window: int) -> tuple[int, int, int]:
    """(frames, frequencies, 1) of a spectrogram with a frame each half window and without its highest frequency.

    Raises:
        ZooError: sizes that networks cannot reach by doubling.
    """
    shape = samples // max(1, window // 2), window // 2, 1
    try:
        count_doublings(shape)
    except ZooError:
        made = f"samples={samples}, window={window}: a spectrogram of {shape[0]} frames and {shape[1]} frequencies"
        raise ZooError(f"{made}; they must be powers of two from 8 up: samples=8192, window=128, say.") from None
    return shape


def magnitudes(sound, window: int, hop: int):
    """|STFT| of sounds (n, samples), which end in silence so that there is a frame for each `hop` samples."""
    sound = ops.pad(sound, [(0, 0), (0, window - hop)])
    real, imaginary = ops.stft(sound, window, hop, window, center=False)
    return _length(real, imaginary)


def griffin_lim(wanted, window: int, hop: int, rounds: int):
    """Sounds (n, (frames - 1) hop + window) that have these magnitudes, as nearly as `rounds` rounds find them.

    Griffin, Lim 1984: Signal Estimation from Modified Short-Time Fourier Transform. Each round takes the phases of the
    sound that was found last; at first all are 0.
    """

    def sound_of(parts):
        return ops.istft(parts, window, hop, window, center=False)

    def again(_, parts):
        real, imaginary = ops.stft(sound_of(parts), window, hop, window, center=False)
        factor = wanted / ops.maximum(_length(real, imaginary), SILENT)
        return factor * real, factor * imaginary

    return sound_of(ops.fori_loop(0, rounds, again, (wanted, ops.zeros_like(wanted))))


def _length(real, imaginary):
    return ops.sqrt(ops.square(real) + ops.square(imaginary))


def of_frames(values, mask):
    """The mean over those frames of each example where `mask` (n, frames) is 1: (n, frames, ...) -> (n, ...)."""
    mask = ops.reshape(mask, (*ops.shape(mask), *[1] * (len(values.shape) - 2)))
    return ops.sum(values * mask, 1) / ops.maximum(ops.sum(mask, 1), 1.0)


@keras.saving.register_keras_serializable("tfgan_zoo")
class Standardizer(keras.layers.Layer):
    """(x - mean) / deviation along the last axis, with the mean and the deviation of the data that `learn` was shown.

    They are weights, so that checkpoints, `.keras` files and exports carry them; at first 0 and 1.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})  # squares of decibels are beyond half floats

    def build(self, shape):
        weight = {"shape": shape[-1:], "trainable": False, "aggregation": "mean"}
        self.mean = self.add_weight(name="mean", initializer="zeros", **weight)
        self.square = self.add_weight(name="square", initializer="ones", **weight)  # mean of x^2

    def learn(self, x, share, mask=None):
        """Take x (n, ..., size) into the means with a share from 0 (nothing changes) to 1 (what was learnt is lost).

        With shares of 1, 1/2, 1/3 ... for batches of one size they are the means of all. Each example counts alike, by
        those of its frames where `mask` (n, frames) is 1.
        """
        for kept, value in ((self.mean, x), (self.square, ops.square(x))):
            value = value if mask is None else of_frames(value, mask)
            kept.assign(kept + share * (ops.mean(value, range(len(value.shape) - 1)) - kept))

    @property
    def deviation(self):
        """Of each number, at least 0.001: one that never changes is left at its mean."""
        return ops.sqrt(ops.maximum(self.square - ops.square(self.mean), 1e-6))

    def call(self, x):
        return (x - self.mean) / self.deviation

    def undo(self, x):
        """x of which `call` makes this."""
        return x * self.deviation + self.mean
