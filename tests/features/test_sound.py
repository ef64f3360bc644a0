"""Sounds described by their spectrograms."""

import numpy as np
import pytest

from tfgan_zoo import data, features
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, Selected, evaluate
from tfgan_zoo.features import sound
from tfgan_zoo.modalities import Audio, ClassLabel


def tone(pitch, loudness=0.5, samples=8_192):
    wave = loudness * np.sin(2 * np.pi * pitch * np.arange(samples) / sound.RATE)
    return np.int16(np.rint(wave * 32767))[None, :, None]


def test_a_tone_is_a_bright_line_in_its_band():
    mel = lambda pitch: 2595 * np.log10(1 + pitch / 700)  # noqa: E731
    for pitch in (200, 1_000, 3_000):
        (picture,) = sound.spectrograms(tone(pitch))
        assert picture.shape == sound.SHAPE == (64, 64, 1) and picture.dtype == np.uint8
        band = 65 * (mel(pitch) - mel(sound.LOWEST)) / (mel(sound.HIGHEST) - mel(sound.LOWEST)) - 1
        assert abs((63 - picture[:, 32, 0].argmax()) - band) <= 1
        assert picture.max() == 255 and np.median(picture[:, 32]) < 128


def test_every_frequency_has_its_bands():
    weights = sound.mel_bands()
    assert weights.shape == (257, 64) and weights.min() == 0
    frequencies = np.fft.rfftfreq(sound.WINDOW, 1 / sound.RATE)
    within = (frequencies > 100) & (frequencies < 3_600)
    np.testing.assert_allclose(weights[within].sum(axis=1), 1, atol=1e-4)


def test_loudness_does_not_matter_and_silence_is_black():
    loud, soft = sound.spectrograms(tone(500, 0.9)), sound.spectrograms(tone(500, 0.3))
    assert np.abs(loud.astype(int) - soft).mean() < 3  # rounding to 16 bits is heard in the dark parts alone
    assert sound.spectrograms(np.zeros((1, 8_192, 1), np.int16)).max() < 64
    assert sound.spectrograms(np.zeros((0, 8_192, 1), np.int16)).shape == (0, *sound.SHAPE)


def test_shorter_sounds_end_in_silence_and_longer_ones_are_cut():
    whole = tone(700, samples=16_384)
    np.testing.assert_array_equal(sound.spectrograms(whole), sound.spectrograms(whole[:, :8_192]))
    half = sound.spectrograms(whole[:, :4_096])[0]
    assert half[:, :30].max() == 255 and half[:, 36:].max() == 0


def test_each_sound_stands_for_itself():
    both = np.concatenate([tone(300), tone(2_000, 0.1)])
    np.testing.assert_array_equal(sound.spectrograms(both)[1:], sound.spectrograms(both[1:]))


def test_log_mel_is_the_spectrogram_in_decibels():
    log_mel = features.extractor("log_mel")
    both = np.concatenate([tone(300), tone(2_000, 0.1)])
    rows = log_mel(both)
    assert rows.shape == (2, 4096) and len(log_mel.sha256) == 64
    np.testing.assert_allclose(rows, sound.spectrograms(both).reshape(2, -1) * (80 / 255), rtol=1e-5)
    assert log_mel(both[:0]).shape == (0, 4096)
    with pytest.raises(ZooError, match="these have 16,000"):
        log_mel.check(Audio((16_384, 1), 16_000))
    with pytest.raises(ZooError, match="takes no weights file"):
        features.extractor("log_mel", weights="w.npz")


# === The shipped classifier ===
@pytest.fixture(scope="module")
def spoken():
    return features.extractor("spoken_cnn")


def test_sounds_of_any_number(spoken):
    both = np.concatenate([tone(300), tone(2_000)])
    assert spoken(both).shape == (2, 64) and spoken.resize != "none"
    np.testing.assert_allclose(spoken(both)[1:], spoken(both[1:]), atol=1e-4)
    assert spoken(both[:0]).shape == (0, 64)


def test_other_data_and_other_rates_are_refused_in_one_line(spoken):
    for wrong in (np.zeros((2, 28, 28, 1), np.uint8), np.zeros((2, 8_192, 1), np.float32)):
        with pytest.raises(ZooError, match="give sounds, int16") as caught:
            spoken(wrong)
        assert "\n" not in str(caught.value)
    spoken.check(Audio((8_192, 1), 8_000))
    spoken.check(None)
    with pytest.raises(ZooError, match="8,000 samples a second; these have 16,000"):
        spoken.check(Audio((16_384, 1), 16_000))


def digits(shared, split, rate=8_000):
    if not (shared / "data" / "spoken_digits").is_dir():
        pytest.skip(f"no spoken digits in {shared / 'data'}")
    source = data.source_class("audio")(
        source="audio",
        path=str(shared / "data" / "spoken_digits"),
        pattern=r"(?P<label>[0-9])_[a-z]+_((?P<test>[0-4])|(?P<train>[0-9]+))",
    )
    return source.open({"audio": Audio((8_192, 1), rate), "label": ClassLabel(10)}, split=split)


def test_real_digits_are_heard_and_measured(shared, spoken, tmp_path):
    test = digits(shared, "test")
    rows = test.rows(range(test.num_examples))
    logits = spoken.outputs(rows["audio"], ["logits"])["logits"]
    assert np.mean(logits.argmax(-1) == rows["label"]) >= 0.98
    names = ("score_spoken", "label_entropy_spoken", "accuracy_spoken", "fd_spoken")
    protocol = Protocol(metrics=names, cache=tmp_path, settings={"score": {"splits": 2}})
    results = evaluate(Selected(test), digits(shared, "train[:300]"), protocol, held_out=digits(shared, "train"))
    found = {result.metric: result for result in results}
    assert found["label_entropy_spoken"].value == pytest.approx(np.log(10), abs=0.01)
    assert found["accuracy_spoken"].value >= 0.98 and found["accuracy_spoken"].floor >= 0.98
    assert found["fd_spoken"].value > 50  # the reference has two of the ten digits
    # Real data lie on the disk digit by digit: each half of the test sounds has five, the floor is of all ten.
    assert 4 < found["score_spoken"].value < 5.5 and found["score_spoken"].floor > 8


def test_copies_of_training_sounds_are_at_no_distance_from_them(shared, tmp_path):
    training, protocol = (
        digits(shared, "train[:400]"),
        Protocol(metrics=("neighbour_distance@log_mel",), cache=tmp_path),
    )
    results = evaluate(Selected(training, 100), digits(shared, "test"), protocol, held_out=training)
    assert [r.metric for r in results] == ["distance_self@log_mel", "distance_train@log_mel"]
    assert results[1].value == 0 and 0.5 < results[0].value < 1.5


def test_another_rate_is_told_by_the_measurement(shared, tmp_path):
    pytest.importorskip("scipy")
    faster = digits(shared, "test[:20]", rate=16_000)
    with pytest.raises(ZooError, match="these have 16,000"):
        evaluate(Selected(faster), None, Protocol(metrics=("score_spoken",), cache=tmp_path))
