"""Translations judged by a classifier of real pictures."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import source

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.modalities import Image
from tools import domain_accuracy


class Translator:
    """x are dark and y bright: `translate_xy` makes all bright, `translate_yx` every second one dark."""

    name, element_spec = "translator", {"x": Image((8, 8, 1)), "y": Image((8, 8, 1))}

    def sample(self, seeds, endpoint, **given):
        (pictures,) = given.values()
        dark = np.arange(len(pictures)) % 2 == 0 if endpoint == "translate_yx" else np.zeros(len(pictures), bool)
        return tf.constant(np.where(dark[:, None, None, None], 60, 200).astype(np.uint8) + np.zeros_like(pictures))


@pytest.fixture
def domains(tmp_path):
    random = np.random.default_rng(0)
    for key, low in (("x", 0), ("y", 130)):
        pictures = random.integers(low, low + 120, (20, 8, 8, 1)).astype(np.uint8)
        np.savez(tmp_path / key, train_image=pictures, test_image=pictures[:10])
    return source("domains", **{key: {"source": "arrays", "path": f"{tmp_path}/{key}.npz"} for key in "xy"})


def test_translations_are_called_their_target_or_not(domains):
    found = domain_accuracy.accuracies(Translator(), domains, "pixels")
    assert found == {"x": 1.0, "y": 1.0, "translate_xy": 1.0, "translate_yx": 0.5}


def test_a_model_of_one_domain_is_refused(domains):
    with pytest.raises(ZooError, match="no two domains"):
        domain_accuracy.accuracies(DCGAN((8, 8, 1), filters=2), domains, "pixels")
