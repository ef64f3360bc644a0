"""Speech by frames: what is said in each, cepstra and the sounds made of them, smooth trajectories.

A sound is float32 (n, samples); it ends where only zeros follow. Frames are 25 ms long, one each 5 ms; a mask, float32
(n, frames), is 1 where a frame belongs to the sound.
"""

from functools import cache

import numpy as np
from keras import layers, ops

from tfgan_zoo.features.sound import mel_bands
from tfgan_zoo.networks.spectra import griffin_lim, magnitudes

BANDS = 40  # of the mel scale
FLOOR = 1e-3  # of a band, before its logarithm is taken: 90 dB below a full tone
ROUNDS = 60  # of Griffin and Lim's method
WAVES = 4  # sines and cosines that tell the place in the word
PLACES = 3 + 2 * WAVES  # numbers that tell the length, and the place in the word


def steps(rate: int) -> tuple[int, int]:
    """(samples of a frame, samples from one to the next)."""
    return rate * 25 // 1000, rate * 5 // 1000


# === Cepstra ===
def cepstra(sound, rate: int, order: int):
    """The first `order` coefficients of the cosine transform of log mel bands: (n, frames, order)."""
    bands = ops.matmul(magnitudes(sound, *steps(rate)), _bands(rate))
    return ops.matmul(ops.log(bands + FLOOR), _cosines(order))


def sound_of(coefficients, length, rate: int, samples: int):
    """A sound of `length` (n, 1) frames that has about these cepstra, by Griffin and Lim's method: (n, samples)."""
    bands = ops.exp(ops.matmul(coefficients, _cosines(coefficients.shape[-1]).T)) - FLOOR
    wanted = ops.maximum(ops.matmul(bands, np.linalg.pinv(_bands(rate))), 0.0)
    sound = griffin_lim(wanted, *steps(rate), ROUNDS)
    sound = ops.pad(sound, [(0, 0), (0, max(0, samples - sound.shape[1]))])[:, :samples]
    return ops.where(ops.arange(samples) < ops.cast(length, "int32") * steps(rate)[1], sound, 0.0)


def _bands(rate: int) -> np.ndarray:
    return mel_bands(rate, steps(rate)[0], BANDS, 40.0, rate / 2 - 100.0)


@cache
def _cosines(order: int) -> np.ndarray:
    """The orthonormal cosine transform, type 2: float32 (BANDS, order)."""
    waves = np.cos(np.pi / BANDS * np.outer(np.arange(BANDS) + 0.5, np.arange(order))) * np.sqrt(2 / BANDS)
    return (waves * np.where(np.arange(order) == 0, np.sqrt(0.5), 1)).astype(np.float32)


# === Frames ===
def length_of(sound, rate: int):
    """How many frames begin before a sound ends: float32 (n, 1)."""
    hop, samples = steps(rate)[1], sound.shape[1]
    ends = ops.max(ops.where(sound != 0, ops.arange(1, samples + 1), 0), axis=1, keepdims=True)
    return ops.cast(ops.minimum((ends + hop - 1) // hop, samples // hop), "float32")


def mask_of(length, frames: int):
    """The mask of sounds of `length` (n, 1) frames: (n, frames)."""
    return ops.cast(ops.arange(frames) < ops.cast(length, "int32"), "float32")


def linguistic(label, words: int, speakers: int, length, frames: int):
    """What the acoustic model is told of each frame: (n, frames, words + speakers + PLACES).

    Args:
        label: int (n,), the word times `speakers` plus the speaker.
        length: frames of the sound, (n, 1).
    """
    classes = ops.one_hot(label // speakers, words), ops.one_hot(label % speakers, speakers)
    place = ops.cast(ops.arange(frames), "float32") / ops.maximum(length, 1.0)  # 0 at the beginning, 1 at the end
    angles = 2 * np.pi * place[..., None] * np.arange(1, WAVES + 1, dtype=np.float32)
    always = ops.concatenate([*classes, length / frames], axis=-1)
    always = ops.repeat(always[:, None], frames, axis=1)
    return ops.concatenate([always, place[..., None], 1 - place[..., None], ops.sin(angles), ops.cos(angles)], axis=-1)


def trajectories(predicted, length):
    """The curves y that fit predicted values, slopes and curvatures best: (n, frames, 3 order) -> (n, frames, order).

    Maximum likelihood parameter generation (Tokuda et al. 2000) with variances of 1: y = (W'W)^-1 W' predicted, where W
    takes y to its values, slopes (y[t+1] - y[t-1]) / 2 and curvatures y[t+1] - 2 y[t] + y[t-1]. What lies beyond the
    `length` counts as 0 and touches nothing, so that padding does not leak into the last frames.
    """
    frames = predicted.shape[1]
    mask = mask_of(length, frames)
    before, here, after = np.eye(frames, k=-1), np.eye(frames), np.eye(frames, k=1)
    windows = np.stack([here, (after - before) / 2, after - 2 * here + before]).astype(np.float32)
    inside = mask[:, None, :, None] * mask[:, None, None, :]
    windows = inside * windows  # (n, 3, frames, frames)
    square = ops.sum(ops.matmul(ops.transpose(windows, (0, 1, 3, 2)), windows), axis=1)
    square = square + (1 - mask[:, :, None]) * here.astype(np.float32)  # for the padding, whose rows are 0
    parts = ops.stack(ops.split(predicted, 3, axis=-1), axis=1)
    return ops.solve(square, ops.sum(ops.matmul(ops.transpose(windows, (0, 1, 3, 2)), parts), axis=1))


# === Networks ===
def mlp(x, count, units, outputs):
    """Hidden layers of rectifiers, frame by frame."""
    for _ in range(count):
        x = layers.Dense(units, "relu")(x)
    return layers.Dense(outputs, dtype="float32")(x)
