"""Sounds as int16 arrays (samples, 1): read from files, brought to another rate and to another loudness."""

import importlib.util
from math import gcd
from pathlib import Path

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import audio

PEAK = 32767
LOUDNESS = 0.1  # root mean square of full scale: -20 dB


def read(path: Path, rate: int) -> tuple[np.ndarray | None, int]:
    """The sound in a file at `rate`, and the rate it had; None where it cannot be read.

    Raises:
        ZooError: another rate than `rate`, or a FLAC file, without the library for it.
    """
    require_reader(path)
    try:
        sound, own = audio.decoded(path)
    except ZooError:
        return None, 0
    return resampled(sound, own, rate, str(path)), own


def length(path: Path, rate: int) -> int | None:
    """How many samples the sound in a file has at `rate`, by its first bytes; None where they cannot be read."""
    require_reader(path)
    try:
        samples, own = audio.length(path)
    except ZooError:
        return None
    return -(-samples * rate // own)


def require_reader(path: Path) -> None:
    """Raise ZooError for a file that only soundfile reads, where that is not installed."""
    if path.suffix.lower() != ".wav" and importlib.util.find_spec("soundfile") is None:
        raise ZooError(f"{path}: soundfile reads {path.suffix} files: pip install soundfile")


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


def by_peak(sound: np.ndarray) -> np.ndarray:
    """The sound scaled so that its loudest sample is as loud as can be; silence stays."""
    loudest = np.abs(sound.astype(np.int32)).max(initial=1)
    return np.rint(sound * (PEAK / loudest)).astype(np.int16)


def by_loudness(sound: np.ndarray) -> np.ndarray:
    """The sound scaled to -20 dB by its root mean square, or to less where its loudest sample would be cut."""
    power = np.sqrt(np.mean(np.square(sound.astype(np.float64)))) if len(sound) else 0.0
    loudest = np.abs(sound.astype(np.int32)).max(initial=1)
    factor = min(LOUDNESS * PEAK / max(power, 1e-9), PEAK / loudest)
    return np.rint(sound * factor).astype(np.int16)


NORMALIZED = {"none": lambda sound: sound, "peak": by_peak, "loudness": by_loudness}
