"""Speech by frames: cepstra against NumPy and SciPy, trajectories against the closed form."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.networks import speech

RANDOM = np.random.default_rng(0)
RATE = 8_000


def tones(samples=1600, ends=(1600, 800)):
    time = np.arange(samples) / RATE
    waves = np.sin(2 * np.pi * np.array([[300], [900]]) * time + 0.1).astype(np.float32)
    return tf.constant(np.where(np.arange(samples) < np.array(ends)[:, None], waves, 0))


def test_frames_are_25_ms_long_and_5_ms_apart():
    assert speech.steps(8_000) == (200, 40) and speech.steps(16_000) == (400, 80)
    lengths = speech.length_of(tones(), RATE)
    np.testing.assert_array_equal(lengths, [[40], [20]])
    np.testing.assert_array_equal(speech.length_of(tf.zeros((1, 100)), RATE), [[0]])
    np.testing.assert_array_equal(speech.mask_of(lengths, 40).numpy().sum(1), [40, 20])


def test_cepstra_are_the_cosine_transform_of_log_bands():
    fft = pytest.importorskip("scipy.fft")
    found = speech.cepstra(tones(), RATE, 25).numpy()
    assert found.shape == (2, 40, 25)
    magnitudes = speech.magnitudes(tones(), 200, 40).numpy()
    bands = np.log(magnitudes @ speech.mel_bands(RATE, 200, 40, 40.0, 3_900.0) + speech.FLOOR)
    np.testing.assert_allclose(found, fft.dct(bands, norm="ortho")[..., :25], atol=1e-3)


def test_a_sound_made_of_cepstra_has_its_pitch_and_its_length():
    lengths = speech.length_of(tones(), RATE)
    made = speech.sound_of(speech.cepstra(tones(), RATE, 40), lengths, RATE, 1600).numpy()
    assert made.shape == (2, 1600) and not made[1, 800:].any() and made[1, :800].any()
    peaks = np.abs(np.fft.rfft(made)).argmax(1) * RATE / 1600
    np.testing.assert_allclose(peaks, [300, 900], atol=80)  # as finely as the bands tell


def test_the_acoustic_model_is_told_word_speaker_length_and_place():
    told = speech.linguistic(tf.constant([7]), 4, 3, tf.constant([[10.0]]), 20).numpy()
    assert told.shape == (1, 20, 4 + 3 + speech.PLACES)
    np.testing.assert_array_equal(told[0, :, :7], np.tile([0, 0, 1, 0, 0, 1, 0], (20, 1)))  # word 2, speaker 1
    np.testing.assert_allclose(told[0, :, 7], 0.5)
    np.testing.assert_allclose(told[0, :10, 8], np.arange(10) / 10, atol=1e-6)
    np.testing.assert_allclose(told[0, :, 8] + told[0, :, 9], 1, atol=1e-6)
    np.testing.assert_allclose(told[0, :10, 10], np.sin(2 * np.pi * np.arange(10) / 10), atol=1e-5)


def windows(length):
    before, here, after = np.eye(length, k=-1), np.eye(length), np.eye(length, k=1)
    return np.concatenate([here, (after - before) / 2, after - 2 * here + before])


def test_trajectories_are_the_least_squares_fit_for_each_length():
    predicted = RANDOM.normal(size=(3, 12, 6)).astype(np.float32)
    found = speech.trajectories(tf.constant(predicted), tf.constant([[12.0], [7.0], [1.0]])).numpy()
    assert found.shape == (3, 12, 2)
    for row, length in enumerate((12, 7, 1)):
        wanted = np.concatenate(np.split(predicted[row, :length], 3, axis=-1))
        fit = np.linalg.lstsq(windows(length), wanted, rcond=None)[0]
        np.testing.assert_allclose(found[row, :length], fit, atol=1e-4)
        np.testing.assert_array_equal(found[row, length:], 0)


def test_a_true_trajectory_comes_back():
    curve = RANDOM.normal(size=(9, 2))
    predicted = np.concatenate(np.split(windows(9) @ curve, 3), axis=-1)[None].astype(np.float32)
    np.testing.assert_allclose(speech.trajectories(tf.constant(predicted), tf.constant([[9.0]]))[0], curve, atol=1e-4)
