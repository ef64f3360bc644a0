"""How natural synthesized cepstra are: closed forms, and the whole on an untrained run."""

import wave

import numpy as np
import pytest
from helpers import untrained_run

from tfgan_zoo import zoo
from tools.figures import speech


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """An untrained model and test sounds of two words and two speakers."""
    folder = tmp_path_factory.mktemp("sounds")
    random = np.random.default_rng(0)
    for name in ("0_anna", "0_bert", "1_anna", "1_bert"):
        for take in (0, 9):
            with wave.open(str(folder / f"{name}_{take}.wav"), "wb") as file:
                file.setparams((1, 2, 8_000, 0, "NONE", ""))
                file.writeframes(random.integers(-9000, 9000, 600).astype("<i2").tobytes())
    place = tmp_path_factory.mktemp("runs") / "seed-0"
    pattern = r"(?P<label>[0-9]_[a-z]+)_((?P<test>[0-4])|(?P<train>[0-9]+))"
    overrides = ["data.source=audio", f"data.path={folder}", f"data.pattern='{pattern}'"]
    return zoo.loaded(untrained_run(place, "speech_synthesis_digits", *overrides))


def test_smooth_cepstra_are_told_from_natural_ones(loaded):
    found = speech.scores(loaded, judge=speech.trained_judge(loaded))
    assert set(found) == {"mge", "variance_gap", "variance_ratio", "modulation_gap", "spoofing_rate"}
    assert found["variance_ratio"] < 0.5 and found["variance_gap"] > 0.7 and found["modulation_gap"] > 1
    assert found["mge"] > 1 and 0 <= found["spoofing_rate"] <= 1


def test_natural_cepstra_have_no_gaps(loaded, monkeypatch):
    found = speech.cepstra(loaded, "test", None)
    assert found["real"].shape == (4, 20, 25) and found["frames"].tolist() == [15] * 4
    monkeypatch.setattr(speech, "cepstra", lambda *_: {**found, "made": found["real"]})
    same = speech.scores(loaded)
    assert same == {"mge": 0, "variance_gap": 0, "variance_ratio": 1, "modulation_gap": 0}


def test_modulation_is_that_of_fast_changes():
    time = np.arange(200) / 200
    slow, fast = (np.sin(2 * np.pi * pitch * time)[:, None] for pitch in (3, 40))
    assert speech.modulation(fast) > speech.modulation(slow) + 10
    assert speech.modulation(2 * fast) == pytest.approx(speech.modulation(fast) + 20 * np.log10(2), abs=1e-3)
