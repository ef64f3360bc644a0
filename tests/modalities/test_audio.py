"""Sound: forms, WAV files, spectrograms."""

import wave

import numpy as np
import pytest
from modalities.checks import check_example, check_files, check_forms, check_picture, made_up, refusal

from tfgan_zoo.modalities import Audio
from tfgan_zoo.modalities.audio import length

KIND = Audio((600, 1), rate=8_000)


def test_audio(tmp_path):
    check_example(KIND, (600, 1))
    check_files(KIND, made_up(KIND), tmp_path)
    assert check_picture(KIND, made_up(KIND)).shape == (3, 128, 3, 1)
    assert made_up(Audio((None, 1)), 2).shape == (2, 16, 1)


def test_every_sample_comes_back():
    every = np.arange(-32767, 32768, dtype=np.int16).reshape(1, -1, 1)
    check_forms(Audio((None, 1)), every, low=-1, high=1)
    lowest = np.full((1, 1, 1), -32768, np.int16)
    check_forms(Audio((1, 1)), lowest)
    assert Audio((1, 1)).to_stored(np.float32([[[2.0], [-2.0]]])).numpy().ravel().tolist() == [32767, -32768]


def test_all_in_one_file_with_silence_between(tmp_path):
    stored = made_up(KIND)
    KIND.write_all(tmp_path / "all.wav", stored)
    (sound,) = KIND.read(tmp_path / "all.wav")
    assert len(sound) == 3 * 600 + 2 * 2_000
    spaced = np.pad(sound, [(0, 2_000), (0, 0)]).reshape(3, 600 + 2_000)
    np.testing.assert_array_equal(spaced[:, :600], stored[..., 0])
    assert not spaced[:, 600:].any()
    with wave.open(str(tmp_path / "all.wav")) as file:
        assert file.getparams()[:3] == (1, 2, 8_000)


def test_a_tone_is_a_line_at_its_pitch():
    tone = np.sin(2 * np.pi * 2_000 * np.arange(4_000) / 8_000)
    low = KIND.picture(np.int16(tone * 16_000)[None, :, None])[0, :, :, 0]
    assert abs(int(low[:, 5].argmax()) - 64) <= 1  # 2 of 4 kHz: the middle
    assert low.max() == 255 and np.median(low) < 64
    short = KIND.picture(np.zeros((1, 10, 1), np.int16))
    assert short.shape == (1, 128, 1, 1)


def test_sounds_are_cut_or_filled_to_their_length():
    sound = np.arange(5, dtype=np.int16)[:, None]
    assert Audio((3, 1)).fit(sound).ravel().tolist() == [0, 1, 2]
    assert Audio((7, 1)).fit(sound).ravel().tolist() == [0, 1, 2, 3, 4, 0, 0]
    assert Audio((None, 1)).fit(sound).ravel().tolist() == [0, 1, 2, 3, 4]


def write(path, frames, channels=1, width=2, rate=8_000):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(frames)


def test_two_channels_become_one(tmp_path):
    write(tmp_path / "a.wav", np.int16([[10, 30], [-10, -20]]).tobytes(), channels=2)
    (sound,) = KIND.read(tmp_path / "a.wav")
    assert sound.ravel().tolist() == [20, -15] and sound.dtype == np.int16


def test_a_file_that_is_cut_off(tmp_path):
    write(tmp_path / "a.wav", np.arange(100, dtype="<i2").tobytes())
    whole = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(whole[:-51])
    (sound,) = KIND.read(tmp_path / "a.wav")
    assert sound.ravel().tolist() == list(range(74))


@pytest.mark.parametrize(
    "options, said",
    [
        ({"rate": 44_100}, "has 44,100 samples a second; 8,000 are wanted"),
        ({"frames": b""}, "holds nothing"),
    ],
)
def test_other_sounds_are_refused(options, said, tmp_path):
    write(tmp_path / "a.wav", **{"frames": bytes(200), **options})
    assert f"a.wav: {said}" in refusal(KIND.read, tmp_path / "a.wav")


def test_other_widths_and_flac(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    sound = np.linspace(-0.9, 0.9, 50)
    for name, subtype, rough in [
        ("a.wav", "FLOAT", 1),
        ("b.wav", "PCM_32", 1),
        ("c.flac", "PCM_16", 1),
        ("d.wav", "PCM_U8", 260),
    ]:
        soundfile.write(str(tmp_path / name), sound, 8_000, subtype=subtype)
        (read,) = KIND.read(tmp_path / name)
        np.testing.assert_allclose(read[:, 0], sound * 32768, atol=rough)
        assert length(tmp_path / name) == (50, 8_000)


def test_without_soundfile_it_says_what_to_install(tmp_path, monkeypatch):
    write(tmp_path / "a.wav", bytes(200), width=1)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "a.wav: is no WAV file of 16 bits; soundfile reads other sounds: pip install" in refusal(
        KIND.read, tmp_path / "a.wav"
    )


def test_what_is_no_sound_is_refused(tmp_path):
    pytest.importorskip("soundfile")
    for content in (b"", b"RIFF", b"no sound at all, but text of some length"):
        (tmp_path / "a.wav").write_bytes(content)
        assert "a.wav: cannot be read as a sound" in refusal(KIND.read, tmp_path / "a.wav")
    assert "missing.wav" in refusal(KIND.read, tmp_path / "missing.wav")
    assert "int16 without fractions are wanted" in refusal(KIND.given, np.full((600, 1), 0.5))
    assert "where Audio (600, 1) is wanted" in refusal(KIND.given, np.zeros(600))
