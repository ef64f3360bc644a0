"""Singular values of a discriminator's layers, as they act."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import untrained_run
from toys import MODELS

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.sngan import SNGAN
from tools.figures import measured, spectral_norm

SMALL = {"image_shape": (16, 16, 1), "generator_filters": 2, "discriminator_filters": 4, "architecture": "conv"}


def test_normalized_kernels_are_seen_as_they_act_and_plain_ones_as_they_are():
    plain, normalized = (SNGAN(**SMALL, spectral=spectral) for spectral in (False, True))
    kernels = [layer.kernel.numpy() for layer in plain.discriminator.layers if hasattr(layer, "kernel")]
    expected = [np.linalg.svd(k.reshape(-1, k.shape[-1]), compute_uv=False) for k in kernels]
    found = spectral_norm.spectra(plain)
    assert len(found) == len(expected) == 8
    for values, own in zip(found, expected, strict=True):
        np.testing.assert_allclose(values, own, rtol=1e-5)
    for layer in normalized.discriminator.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(5 * layer.kernel)
            layer.sigma(training=True)
    found = spectral_norm.numbers(spectral_norm.spectra(normalized))
    assert 0.99 < found["norm_least"] <= found["norm_most"] < 1.1
    assert spectral_norm.numbers(spectral_norm.spectra(plain))["norm_most"] != pytest.approx(1, abs=0.1)


def test_the_spread_tells_how_many_directions_a_layer_has():
    found = spectral_norm.numbers([np.array([2.0, 2, 2, 2]), np.array([3.0, 0, 0]), np.array([0.5])])
    assert (found["spread_1"], found["spread_2"]) == (1, pytest.approx(1 / 3)) and "spread_3" not in found
    assert (found["norm_1"], found["norm_most"], found["norm_least"]) == (2, 3, 0.5)


def test_runs_are_measured_and_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "RESULTS", tmp_path / "reproduced")
    runs = [tmp_path / name for name in ("with", "without")]
    for run, spectral in zip(runs, ("true", "false"), strict=True):
        untrained_run(run, "sngan_fashion_mnist", f"model.spectral={spectral}")
    arguments = ["both", str(runs[0]), "--beside", str(runs[1]), "--out", str(tmp_path)]
    done = CliRunner().invoke(spectral_norm.main, arguments)
    assert done.exit_code == 0, done.output
    outcome = json.loads((tmp_path / "reproduced" / "both.json").read_text())
    assert outcome["mean"]["norm_most"] < 1.5 and len(outcome["seeds"]) == 1
    assert images.decode(tmp_path / "both.png").shape[2] == 3


def test_a_model_without_discriminator_is_refused():
    model = MODELS["dcgan"]()
    model.network_names = ("generator",)
    with pytest.raises(ZooError, match="has no discriminator; it has generator"):
        spectral_norm.spectra(model)
