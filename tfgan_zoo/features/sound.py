"""Features of sound: a network of pictures is shown spectrograms. NumPy alone makes these."""

from functools import cache

import numpy as np

from tfgan_zoo.errors import ZooError
from tfgan_zoo.features.extractor import Extractor

RATE = 8_000  # samples a second
SAMPLES = 8_192  # that are looked at; shorter sounds end in silence
WINDOW, HOP, BANDS = 512, 128, 64
LOWEST, HIGHEST = 40.0, 3_900.0  # Hz
RANGE = 80.0  # dB from black to white
SILENCE = -60.0  # dB of full scale; what stays below is not made brighter
NOTHING = 1e-14  # power, -140 dB: black even so
SHAPE = (BANDS, SAMPLES // HOP, 1)
SETTINGS = (RATE, SAMPLES, WINDOW, HOP, BANDS, LOWEST, HIGHEST, RANGE, SILENCE, NOTHING)  # another one: other features


def spectrograms(sounds: np.ndarray) -> np.ndarray:
    """Sounds, int16 (n, samples, 1) at `RATE` -> uint8 (n, *SHAPE): mel bands upwards, moments to the right.

    Each is as bright as it can be by its own loudest moment, so that loudness does not matter.
    """
    wave = np.zeros((len(sounds), SAMPLES + WINDOW - HOP), np.float32)
    length, margin = min(SAMPLES, sounds.shape[1]), (WINDOW - HOP) // 2
    wave[:, margin : margin + length] = sounds[:, :length, 0] / 32768.0
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW, axis=1)[:, ::HOP]
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window)) ** 2 / window.sum() ** 2
    level = 10 * np.log10(power @ mel_bands() + NOTHING)
    loudest = np.maximum(level.max(axis=(1, 2), keepdims=True, initial=SILENCE), SILENCE)
    brightness = np.clip((level - loudest) / RANGE + 1, 0, 1) * 255
    return np.rint(brightness).astype(np.uint8).transpose(0, 2, 1)[:, ::-1, :, None]


@cache
def mel_bands(rate=RATE, window=WINDOW, bands=BANDS, lowest=LOWEST, highest=HIGHEST) -> np.ndarray:
    """Triangular bands of equal width on the mel scale (O'Shaughnessy 1987), float32 (frequencies, bands)."""

    def mel(frequency):
        return 2595 * np.log10(1 + np.asarray(frequency) / 700)

    corners = np.linspace(mel(lowest), mel(highest), bands + 2)
    place = mel(np.fft.rfftfreq(window, 1 / rate))[:, None]
    up, down = ((place - corners[:-2]) / np.diff(corners)[:-1], (corners[2:] - place) / np.diff(corners)[1:])
    return np.maximum(0, np.minimum(up, down)).astype(np.float32)


class OfSound(Extractor):
    """An extractor of sounds, int16 (n, samples, 1) at `RATE`, by their spectrograms."""

    def outputs(self, sounds, taps, *, unrounded=False):
        dtype, shape = np.dtype(sounds.dtype.name), tuple(sounds.shape)
        if dtype != np.int16 or len(shape) != 3 or shape[-1] != 1:
            raise ZooError(f"{self.name}: data of shape {shape} and dtype {dtype}; give sounds, int16 (n, samples, 1).")
        if not shape[0]:
            return {tap: rows[:0] for tap, rows in self.outputs(np.zeros((1, 1, 1), np.int16), taps).items()}
        return super().outputs(spectrograms(np.asarray(sounds)), taps)

    def check(self, kind):
        if getattr(kind, "rate", RATE) != RATE:
            raise ZooError(f"{self.name}: describes sounds of {RATE:,} samples a second; these have {kind.rate:,}.")
