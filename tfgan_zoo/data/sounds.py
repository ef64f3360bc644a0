"""Sounds as int16 arrays (samples, 1): read from WAV files, brought to another rate, made as loud as can be."""

import importlib.util
import wave
from math import gcd
from pathlib import Path

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio

PEAK = 32767


def read(path: Path, rate: int) -> tuple[np.ndarray | None, int]:
    """The sound in a WAV file at `rate`, and the rate it had; None where it cannot be read.

    Raises:
        ZooError: another rate than `rate`, without the library that changes it.
    """
    try:
        with wave.open(str(path)) as file:
            own = file.getframerate()
        sound = Audio((None, 1), own).read(path)[0]
    except (OSError, EOFError, wave.Error, ZooError):
        return None, 0
    return resampled(sound, own, rate, str(path)), own


def resampled(sound: np.ndarray, own: int, rate: int, what: str) -> np.ndarray:
    """A sound of `own` samples a second at `rate`: polyphase with an antialiasing filter, by SciPy.

    Raises:
        ZooError: SciPy is not there, and the rates differ.
    """
    if own == rate:
        return sound
    if importlib.util.find_spec("scipy") is None:
        raise ZooError(
            f"{what} has {own} samples a second and the model takes {rate}: convert it, or let SciPy do it: "
            "pip install scipy"
        )
    from scipy.signal import resample_poly

    shared = gcd(own, rate)
    made = resample_poly(sound.astype(np.float64), rate // shared, own // shared, axis=0)
    return np.clip(np.rint(made), -PEAK - 1, PEAK).astype(np.int16)


def loud(sound: np.ndarray) -> np.ndarray:
    """The sound scaled so that its loudest sample is as loud as can be; silence stays."""
    loudest = np.abs(sound.astype(np.int32)).max(initial=1)
    return np.rint(sound * (PEAK / loudest)).astype(np.int16)
