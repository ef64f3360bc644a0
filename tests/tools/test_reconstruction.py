"""The best noise for given data."""

import json

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from tfgan_zoo import training
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.cgan import CGAN
from tfgan_zoo.families.unrolled_gan import UnrolledGAN
from tools.figures import measured, reconstruction


def test_what_a_generator_makes_is_found_and_what_it_has_lost_is_not():
    model = UnrolledGAN(units=16, latent_dim=4)
    own = model.generate({"z": tf.random.stateless_normal((6, 4), (1, 2))})
    assert np.median(reconstruction.errors_of(model, own, starts=2, steps=200)) < 1e-4
    model.generator.layers[-2].kernel.assign(tf.zeros_like(model.generator.layers[-2].kernel))  # all mass at one point
    (middle,) = model.generate({"z": tf.zeros((1, 4))}).numpy()
    errors = reconstruction.errors_of(model, own, starts=1, steps=3)
    np.testing.assert_allclose(errors, np.square(own - middle).mean(1), rtol=1e-5)


def test_conditions_are_refused():
    with pytest.raises(ZooError, match="generates from z, label"):
        reconstruction.errors_of(CGAN((8, 8, 1), 2, 4, units=48), tf.zeros((1, 8, 8, 1)), 1, 1)


def test_recipes_are_compared_datum_by_datum(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "RESULTS", tmp_path / "reproduced")
    for name in ("zero", "one"):
        training.train("unrolled_gan_ring", ["data.name=ring"], smoke=True, run_dir=tmp_path / name / "seed-0")
    arguments = ["zero", "one", "--num", "20", "--steps", "2", "--runs", str(tmp_path)]
    done = CliRunner().invoke(reconstruction.main, arguments)
    assert done.exit_code == 0, done.output
    found = [json.loads((tmp_path / f"reproduced/{name}_reconstruction.json").read_text()) for name in ("zero", "one")]
    assert found[0]["mean"] == found[1]["mean"] and found[0]["mean"]["best"] == 1.0  # they are the same model
    assert found[0]["mean"]["mse"] > 0 and found[0]["seeds"][0]["protocol"]["num"] == 20
