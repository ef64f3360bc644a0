"""Strips of samples, from runs and from pretrained weights."""

import numpy as np
import pytest
from click.testing import CliRunner

from tfgan_zoo import config, files, images, zoo
from tfgan_zoo.errors import ZooError
from tools import sample_strips as strips


def loaded_of(preset):
    experiment = config.load(preset, smoke=True)
    return zoo.Loaded(zoo.build(experiment), experiment, preset, preset)


def test_data_stand_above_their_answers():
    loaded = loaded_of("pix2pix_facades_64")
    given, made = strips.stacks_of(loaded)
    assert given.shape == made.shape and given.shape[1:] == (16, 16, 3)
    np.testing.assert_array_equal(made, loaded.model.sample(range(len(made)), endpoint="translate", source=given))
    shown = strips.strip([given, made], 3)
    assert shown.shape == (2 * 48, 3 * 48, 3)
    np.testing.assert_array_equal(shown[50:90:3, 50:90:3], made[1].repeat(3, 0).repeat(3, 1)[2:42:3, 2:42:3])


def test_questions_that_the_data_cannot_ask_are_passed_over():
    loaded = loaded_of("arae_mnist")
    passed = [name for name in loaded.model.endpoints if not strips.askable(loaded.model, name)]
    assert passed == ["blend", "restore_cost"]  # which take another picture


def test_points_are_seen_beside_real_ones():
    ((real, made),) = strips.stacks_of(loaded_of("lsgan_ring"))
    assert (real != made).any()
    assert strips.strip([np.stack([real, made])], 16).shape[0] >= 4 * strips.SIDE // 2, "points need room"


def test_answers_that_are_no_pictures_are_left_out():
    with pytest.raises(ZooError, match="classify answers with no pictures"):
        strips.stacks_of(loaded_of("adda_usps_mnist"))


def test_the_run_of_a_preset_is_the_first_with_its_model(tmp_path):
    for place, overrides in (("a", ["model.packing=1"]), ("b", ["train.steps=9"]), ("c", [])):
        files.write_json(tmp_path / place / "config.json", config.load("pacgan_ring", overrides).as_dict())
        files.write_json(tmp_path / place / "finished.json", {})
    assert strips.runs_of_presets(tmp_path) == {"pacgan_ring": tmp_path / "b"}
    cgan = config.load("cgan_glyphs", ["model.num_classes=36"]).as_dict()  # as the data tell
    files.write_json(tmp_path / "d" / "config.json", cgan)
    files.write_json(tmp_path / "d" / "finished.json", {})
    (tmp_path / "b" / "finished.json").unlink()
    assert strips.runs_of_presets(tmp_path) == {"pacgan_ring": tmp_path / "c", "cgan_glyphs": tmp_path / "d"}


def test_a_strip_is_small_and_is_made_once(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), np.uint8)
    monkeypatch.setattr(strips, "FOLDER", tmp_path / "strips")
    monkeypatch.setattr(strips, "stacks_of", lambda loaded, data_dir: [noise])
    monkeypatch.setattr(strips.zoo, "loaded", lambda target: target)
    monkeypatch.setattr(strips.index, "listing", lambda pretrained: [{"preset": "loud"}])
    assert CliRunner().invoke(strips.main).exit_code == 0
    (path,) = (tmp_path / "strips").iterdir()
    assert path.stat().st_size <= strips.MOST and images.decode(path).shape == (64, 4 * 64, 3)
    assert images.decode(tmp_path / "samples.png").shape == (64, 4 * 64, 3)
    before = path.stat().st_mtime_ns
    assert CliRunner().invoke(strips.main).exit_code == 0 and path.stat().st_mtime_ns == before
