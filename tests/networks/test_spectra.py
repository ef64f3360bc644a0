"""Spectrograms against NumPy, sounds made of them, a scale learnt from data."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.networks.spectra import Standardizer, griffin_lim, magnitudes

RANDOM = np.random.default_rng(0)


def test_magnitudes_as_numpy():
    sound = RANDOM.normal(size=(2, 64)).astype(np.float32)
    found = magnitudes(tf.constant(sound), 16, 8).numpy()
    padded, window = np.pad(sound, [(0, 0), (0, 8)]), np.hanning(17)[:-1]
    frames = np.stack([padded[:, first : first + 16] for first in range(0, 64, 8)], 1) * window
    assert found.shape == (2, 8, 9)
    np.testing.assert_allclose(found, np.abs(np.fft.rfft(frames)), atol=1e-5)


@pytest.mark.parametrize("window, hop", [(64, 32), (80, 16)])
def test_a_sound_is_found_again_by_its_magnitudes(window, hop):
    time = np.arange(1600) / 8_000
    sound = tf.constant(np.sin(2 * np.pi * 440 * time) * np.hanning(1600), tf.float32)[None]
    wanted = magnitudes(sound, window, hop)

    def error(rounds):
        made = griffin_lim(wanted, window, hop, rounds)
        assert made.shape == (1, (wanted.shape[1] - 1) * hop + window)
        found = magnitudes(made, window, hop)[:, : wanted.shape[1]]
        return float(tf.norm(found - wanted) / tf.norm(wanted))

    errors = [error(rounds) for rounds in (0, 4, 32)]
    assert errors[2] < 0.85 * errors[1] < 0.6 * errors[0] and errors[2] < 0.4
    made = griffin_lim(wanted, window, hop, 32).numpy()[0, :1600]
    assert abs(np.abs(np.fft.rfft(made)).argmax() * 5 - 440) < 8_000 / window  # Hz, as finely as frames tell


def test_silence_stays_silence():
    made = griffin_lim(tf.zeros((2, 8, 17)), 32, 16, 4).numpy()
    assert not made.any() and np.isfinite(made).all()


def test_the_scale_of_all_data_seen():
    layer, data = Standardizer(), RANDOM.normal([1, -5], [2, 0.5], (10, 30, 2)).astype(np.float32)
    np.testing.assert_allclose(layer(data), data, rtol=1e-5)  # nothing learnt yet
    for turn, part in enumerate(np.split(data, 5)):
        layer.learn(tf.constant(part), 1 / (turn + 1))
    flat = data.reshape(-1, 2)
    np.testing.assert_allclose(layer(data), (data - flat.mean(0)) / flat.std(0), atol=1e-3)
    np.testing.assert_allclose(layer.undo(layer(data)), data, atol=1e-4)
    layer.learn(tf.zeros((1, 2)), 0.0)
    np.testing.assert_allclose(layer.mean, flat.mean(0), atol=1e-5)


def test_the_scale_is_saved(tmp_path):
    level = keras.Input((3, 2))
    model = keras.Model(level, Standardizer(name="standard")(level))
    model.get_layer("standard").learn(tf.constant(RANDOM.normal(size=(4, 3, 2)), tf.float32), 1.0)
    model.save(tmp_path / "scale.keras")
    again, x = keras.saving.load_model(tmp_path / "scale.keras"), RANDOM.normal(size=(2, 3, 2))
    np.testing.assert_array_equal(again(x), model(x))
