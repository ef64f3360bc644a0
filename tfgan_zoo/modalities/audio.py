"""Sound."""

import dataclasses
import importlib.util
import wave
from pathlib import Path

import numpy as np

from tfgan_zoo import files
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities.base import Modality, Shape


@dataclasses.dataclass(frozen=True)
class Audio(Modality):
    """Sound of one channel: int16 (samples, 1) at `rate` samples a second; networks see float32 in [-1, 1]."""

    shape: Shape
    rate: int = 16_000
    stored = "int16"
    plural = "audio"
    suffixes = (".wav", ".flac")

    def to_model(self, x):
        import tensorflow as tf

        return tf.cast(x, tf.float32) / 32767.0 if x.dtype == tf.int16 else x

    def to_stored(self, x):
        import tensorflow as tf

        return tf.saturate_cast(tf.round(tf.cast(x, tf.float32) * 32767.0), tf.int16)

    def picture(self, stored):
        """Spectrograms: time to the right, frequency upwards, 80 dB from black to white."""
        window, hop, height = 256, 128, 128
        sound = np.asarray(stored)[..., 0] / 32767.0
        sound = np.pad(sound, [(0, 0), (0, max(0, window - sound.shape[1]))])
        frames = np.lib.stride_tricks.sliding_window_view(sound, window, axis=1)[:, ::hop] * np.hanning(window)
        power = np.abs(np.fft.rfft(frames))[..., :height]
        level = 20 * np.log10(np.maximum(power, 1e-7))
        level = np.clip((level - level.max(initial=-140) + 80) / 80, 0, 1) * 255
        return np.rint(level).astype(np.uint8).transpose(0, 2, 1)[:, ::-1, :, None]

    def read(self, path):
        sound, rate = decoded(path)
        if rate != self.rate:
            raise ZooError(f"{path}: has {rate:,} samples a second; {self.rate:,} are wanted.")
        return sound[None]

    def write(self, path, datum):
        with files.written(path) as temporary, wave.open(str(temporary), "wb") as file:
            file.setparams((1, 2, self.rate, 0, "NONE", ""))
            file.writeframes(np.asarray(datum, "<i2").tobytes())

    def write_all(self, path, stored):
        """One after the other, with a quarter of a second between them."""
        gap = self.rate // 4
        spaced = np.pad(stored, [(0, 0), (0, gap), (0, 0)]).reshape(-1, 1)
        self.write(path, spaced[: len(spaced) - gap])

    def fit(self, datum):
        length = self.shape[0] or len(datum)
        return np.pad(datum[:length], [(0, length - len(datum[:length])), (0, 0)])

    def example(self, count, random):
        seconds = np.arange(self._sides[0]) / self.rate
        pitch = random.uniform(100, self.rate / 4, (count, 1))
        return (np.sin(2 * np.pi * pitch * seconds) * 16000).astype(np.int16)[..., None]


# === Files ===
def decoded(path: Path) -> tuple[np.ndarray, int]:
    """The sound in a file, its channels mixed to one, int16 (samples, 1), and its rate.

    Python itself reads WAV files of 16 bits, also those that are cut off; soundfile the others, and FLAC.

    Raises:
        ZooError: a file that cannot be read, or not without soundfile; one that holds nothing.
    """
    found = _plain_wave(path)
    if found is None:
        library = _soundfile(path)
        try:
            samples, rate = library.read(str(path), dtype="float32", always_2d=True)
        except library.LibsndfileError as error:
            raise ZooError(f"{path}: cannot be read as a sound ({error.error_string.rstrip('.')}).") from None
        found = samples * 32768, rate
    samples, rate = found
    if not len(samples):
        raise ZooError(f"{path}: holds nothing.")
    return np.clip(np.rint(samples.mean(axis=1, keepdims=True)), -32768, 32767).astype(np.int16), rate


def length(path: Path) -> tuple[int, int]:
    """How many samples a file says that it has, and its rate. Raises ZooError as `decoded`."""
    try:
        with wave.open(str(path)) as file:
            return file.getnframes(), file.getframerate()
    except (OSError, EOFError, wave.Error):
        library = _soundfile(path)
    try:
        facts = library.info(str(path))
    except library.LibsndfileError as error:
        raise ZooError(f"{path}: cannot be read as a sound ({error.error_string.rstrip('.')}).") from None
    return facts.frames, facts.samplerate


def _plain_wave(path: Path) -> tuple[np.ndarray, int] | None:
    """int16 (samples, channels) and the rate; None where the file is no WAV file of 16 bits."""
    try:
        with wave.open(str(path)) as file:
            facts, frames = file.getparams(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error):
        return None
    if facts.sampwidth != 2:
        return None
    whole = len(frames) // (2 * facts.nchannels) * 2 * facts.nchannels  # a file that is cut off may end in between
    return np.frombuffer(frames[:whole], "<i2").reshape(-1, facts.nchannels), facts.framerate


def _soundfile(path: Path):
    if importlib.util.find_spec("soundfile") is None:
        raise ZooError(f"{path}: is no WAV file of 16 bits; soundfile reads other sounds: pip install soundfile")
    import soundfile

    return soundfile
