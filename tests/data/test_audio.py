"""Folders of sounds."""

import logging
import wave

import numpy as np
import pytest
from helpers import everything, one_line, resumes, source
from pydantic import ValidationError

from tfgan_zoo.data import sounds
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Image

DIGITS = r"(?P<label>\d)_(?P<speaker>[a-z]+)_((?P<test>[0-4])|(?P<train>\d+))"
SOUND = {"audio": Audio((100, 1), 8000), "label": ClassLabel()}


def save(path, samples, rate=8000, width=2, channels=1):
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate, 0, "NONE", ""))
        file.writeframes(np.asarray(samples, f"<i{width}").tobytes())


@pytest.fixture
def digits(tmp_path):
    """Digits 0 to 2, six takes each, of 60 to 140 samples: each filled with its digit times ten plus its take."""
    for digit in range(3):
        for take in range(3, 9):
            save(tmp_path / f"{digit}_anna_{take}.wav", np.full(60 + 16 * (take - 3), 10 * digit + take))
    return lambda **more: source("audio", path=str(tmp_path), **{"pattern": DIGITS, **more})


def test_file_names_tell_classes_and_splits(digits):
    here = digits()
    opened, test = here.open(SOUND), here.open(SOUND, split="test")
    assert here.splits() == ["train", "test"] and (opened.num_examples, test.num_examples) == (12, 6)
    assert opened.class_names == ("0", "1", "2") and here.knows()["num_classes"] == 3
    heard, labels = everything(opened, "audio"), everything(opened, "label")
    assert heard.dtype == np.int16 and heard.shape == (12, 100, 1)
    np.testing.assert_array_equal(heard[:, 0, 0] // 10, labels)
    assert set(everything(test, "audio")[:, 0, 0] % 10) == {3, 4}
    resumes(opened)
    assert digits(where={"speaker": "anna", "label": 1}).open(SOUND).num_examples == 4


def test_lengths_are_those_of_the_model(digits):
    opened = digits().open(SOUND)
    ends = [int(np.flatnonzero(sound[:, 0]).max()) + 1 for sound in everything(opened, "audio")]
    assert ends == 3 * [92, 100, 100, 100]  # padded with silence, or cut
    assert opened.facts["shortest"] == 92 and opened.facts["longest"] == 140 and opened.facts["rates"] == [8000]


@pytest.mark.parametrize("cache", [True, False])
def test_peaks(digits, cache):
    heard = everything(digits(normalize="peak", cache=cache).open(SOUND), "audio")
    assert (heard.max((1, 2)) == 32767).all()
    assert digits(normalize="peak").open(SOUND).facts["fingerprint"] != digits().open(SOUND).facts["fingerprint"]


def test_stereo_is_mixed_and_silence_stays(tmp_path):
    save(tmp_path / "a.wav", np.tile([100, 300], 50), channels=2)
    save(tmp_path / "b.wav", np.zeros(40))
    opened = source("audio", path=str(tmp_path), normalize="peak").open({"audio": Audio((50, 1), 8000)})
    assert everything(opened, "audio")[0].min() == 32767 and everything(opened, "audio")[1].max() == 0
    plain = source("audio", path=str(tmp_path)).open({"audio": Audio((50, 1), 8000)})
    assert set(everything(plain, "audio")[0].ravel().tolist()) == {200}


def test_other_rates_are_resampled(tmp_path):
    pytest.importorskip("scipy")
    seconds = np.arange(16000) / 16000
    save(
        tmp_path / "a.wav",
        10000 * np.sin(2 * np.pi * 440 * seconds) + 10000 * np.sin(2 * np.pi * 6000 * seconds),
        16000,
    )
    save(tmp_path / "b.wav", 10000 * np.sin(2 * np.pi * 440 * np.arange(11025) / 11025), 11025)
    opened = source("audio", path=str(tmp_path)).open({"audio": Audio((8000, 1), 8000)})
    wanted = 10000 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    for sound in everything(opened, "audio")[:, 100:-100, 0]:  # the tone is kept, what 8 kHz cannot hold is not
        assert np.abs(sound - wanted[100:-100]).max() < 300
    assert opened.facts["rates"] == [11025, 16000] and opened.facts["longest"] == 8000


def test_other_rates_without_the_library(tmp_path, monkeypatch):
    save(tmp_path / "a.wav", np.ones(100), 16000)
    monkeypatch.setattr(sounds.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ZooError, match="a.wav has 16000 samples a second and the model takes 8000: .*scipy") as caught:
        source("audio", path=str(tmp_path)).open({"audio": SOUND["audio"]})
    one_line(caught)


def test_what_cannot_be_read_is_named_counted_and_skipped(digits, tmp_path, caplog):
    (tmp_path / "0_anna_9.wav").write_bytes(b"nothing")
    (tmp_path / "1_anna_9.wav").write_bytes(b"RIFF....WAVEfmt and no more")
    save(tmp_path / "2_anna_9.wav", [])
    with caplog.at_level(logging.WARNING, "tfgan_zoo"):
        opened = digits().open(SOUND)
    assert opened.num_examples == 12 and opened.facts["skipped"]["count"] == 3
    assert "skipped 3 files that cannot be decoded: 0_anna_9.wav, 1_anna_9.wav, 2_anna_9.wav" in caplog.text


# === Other files ===
def test_flac_and_wav_of_any_width_are_read(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    sound = np.linspace(-0.5, 0.5, 100)
    for name, subtype in [("a.flac", "PCM_16"), ("b.flac", "PCM_24"), ("c.wav", "FLOAT"), ("d.wav", "PCM_24")]:
        soundfile.write(str(tmp_path / name), np.stack([sound, -sound / 2], 1), 8000, subtype=subtype)
    soundfile.write(str(tmp_path / "e.WAV"), sound / 4, 8000, subtype="PCM_U8")
    heard = everything(source("audio", path=str(tmp_path)).open({"audio": SOUND["audio"]}), "audio")
    assert heard.shape == (5, 100, 1)
    np.testing.assert_allclose(heard[:4, :, 0], [sound / 4 * 32768] * 4, atol=2)
    np.testing.assert_allclose(heard[4, :, 0], sound / 4 * 32768, atol=260)  # 8 bits


def test_without_soundfile_flac_is_refused_and_wav_of_16_bits_read(tmp_path, monkeypatch):
    save(tmp_path / "a.wav", np.ones(100))
    monkeypatch.setattr(sounds.importlib.util, "find_spec", lambda name: None)
    assert source("audio", path=str(tmp_path)).open({"audio": SOUND["audio"]}).num_examples == 1
    (tmp_path / "b.flac").write_bytes(b"fLaC")
    with pytest.raises(ZooError, match="b.flac: soundfile reads .flac files: pip install soundfile") as caught:
        source("audio", path=str(tmp_path)).open({"audio": SOUND["audio"]})
    one_line(caught)


def test_broken_flac_is_skipped(tmp_path, caplog):
    pytest.importorskip("soundfile")
    save(tmp_path / "a.wav", np.ones(100))
    (tmp_path / "b.flac").write_bytes(b"fLaC and nothing else")
    with caplog.at_level(logging.WARNING, "tfgan_zoo"):
        opened = source("audio", path=str(tmp_path)).open({"audio": SOUND["audio"]})
    assert opened.num_examples == 1 and opened.facts["skipped"] == {"count": 1, "names": ["b.flac"]}
    assert "skipped 1 file that cannot be decoded: b.flac" in caplog.text


# === Loudness ===
def test_loudness(tmp_path):
    time = np.arange(100)
    save(tmp_path / "a.wav", 1000 * np.sin(time))
    save(tmp_path / "b.wav", 20000 * np.sin(time))
    save(tmp_path / "c.wav", np.where(time == 50, 1000, 0))  # one click
    save(tmp_path / "d.wav", np.zeros(100))
    heard = everything(
        source("audio", path=str(tmp_path), normalize="loudness").open({"audio": SOUND["audio"]}), "audio"
    )
    power = np.sqrt(np.mean(heard.astype(float) ** 2, axis=(1, 2)))
    np.testing.assert_allclose(power[:3], 3276.7, rtol=0.005)
    assert power[3] == 0
    click = sounds.by_loudness(np.where(np.arange(10_000) == 0, 1000, 0)[:, None].astype(np.int16))
    assert click.max() == 32767  # and no louder, though its mean is far below


# === Lengths ===
@pytest.fixture
def lengths(tmp_path):
    """Sounds of 40, 100 and 250 samples that count upwards."""
    for length in (40, 100, 250):
        save(tmp_path / f"{length}.wav", np.arange(1, length + 1))
    (tmp_path / "none.wav").write_bytes(b"nothing")

    def firsts(**settings):
        opened = source("audio", path=str(tmp_path), **settings).open({"audio": SOUND["audio"]})
        heard = everything(opened, "audio")[:, :, 0]
        assert opened.num_examples == len(heard) and opened.facts["skipped"]["count"] == 1
        return sorted((int(row[0]), int(row.max())) for row in heard), opened

    return firsts


@pytest.mark.parametrize(
    "settings, wanted",
    [
        ({}, [(1, 40), (1, 100), (1, 100)]),
        ({"long": "skip"}, [(1, 40), (1, 100)]),
        ({"short": "skip"}, [(1, 100), (1, 100)]),
        ({"long": "slice"}, [(1, 40), (1, 100), (1, 100), (101, 200), (201, 250)]),
        ({"long": "slice", "short": "skip"}, [(1, 100), (1, 100), (101, 200)]),
        ({"long": "slice", "cache": False}, [(1, 40), (1, 100), (1, 100), (101, 200), (201, 250)]),
    ],
)
def test_long_and_short_sounds(lengths, settings, wanted):
    found, opened = lengths(**settings)
    assert found == wanted
    other = lengths()[1].facts["fingerprint"]
    assert (opened.facts["fingerprint"] == other) == (not settings)


def test_sounds_left_out_by_length_are_named(lengths, capsys):
    lengths(long="skip", short="skip")
    assert "left out 2 sounds by data.long and data.short: 250.wav, 40.wav" in capsys.readouterr().err


def test_slices_keep_their_labels_and_are_counted_at_the_models_rate(tmp_path):
    pytest.importorskip("scipy")
    for label in "ab":
        (tmp_path / label).mkdir()
        save(tmp_path / label / "one.wav", np.full(500, ord(label)), rate=16000)
    opened = source("audio", path=str(tmp_path), long="slice").open(SOUND)
    assert everything(opened, "label").tolist() == [0, 0, 0, 1, 1, 1]
    assert everything(opened, "audio")[:, :, 0].max(axis=1).tolist()[0] in range(95, 110)
    resumes(opened)


def test_no_sound_of_that_length(tmp_path):
    save(tmp_path / "a.wav", np.ones(10))
    with pytest.raises(ZooError, match="leave none of its 1 sound; the model takes 100 samples") as caught:
        source("audio", path=str(tmp_path), short="skip").open({"audio": SOUND["audio"]})
    one_line(caught)


def test_folders_that_cannot_be_used(digits, tmp_path):
    for settings, wanted, message in [
        ({"pattern": None}, SOUND, "no labels for the model"),
        ({"pattern": r"\d"}, SOUND, "does not fit '0_anna_3.wav'"),
        ({}, {"image": Image((8, 8, 1))}, "has no 'image'"),
        ({"path": str(tmp_path / "no")}, SOUND, r"does not exist; give a folder of sounds \(.wav .flac\)"),
    ]:
        with pytest.raises(ZooError, match=message) as caught:
            digits(**settings).open(wanted) if "path" not in settings else source("audio", **settings).open(wanted)
        one_line(caught)
    with pytest.raises(ValidationError):
        digits(normalize="loud")
    (tmp_path / "none").mkdir()
    with pytest.raises(ZooError, match="holds no sound"):
        source("audio", path=str(tmp_path / "none")).open(SOUND)
    (tmp_path / "none" / "a.wav").write_bytes(b"nothing")
    with pytest.raises(ZooError, match="none of its 1 sound can be decoded"):
        source("audio", path=str(tmp_path / "none")).open({"audio": SOUND["audio"]})
