"""Attacks and defences on a classifier that is made by hand: it tells light pictures from dark ones."""

import numpy as np
import pytest
import tensorflow as tf

from tools.figures import attacks


class Brightness:
    """Class 1 where the mean of the pixels is above 0. `lift` is what its generator adds to every pixel, in [-1, 1]."""

    def __init__(self, lift, epsilon=0.1):
        self.lift, self.epsilon = lift, epsilon

    def says(self, image):
        mean = tf.reduce_mean(image, axis=(1, 2, 3))
        return tf.stack([-mean, mean], -1)

    def perturb(self, inputs):
        return inputs["image"] + self.lift

    def purify(self, inputs):
        return tf.clip_by_value(inputs["image"] * 3, -1, 1)


def pictures():
    """Of class 0 and 1 in turn, 0.1 away from the other one; the last is called wrong."""
    y = np.arange(40) % 2
    x = np.broadcast_to(np.where(y, 0.1, -0.1)[:, None, None, None], (40, 4, 4, 1)).astype(np.float32)
    return x, np.append(y[:-1], 0)


def test_success_counts_pictures_that_were_right():
    found = attacks.attacked(Brightness(0.15), *pictures(), 20, [Brightness(0.0)])
    assert found["accuracy"] == pytest.approx(39 / 40)
    assert found["success"] == found["transfer_1"] == pytest.approx(20 / 39), "dark ones become light"
    assert found["success_fgsm"] == found["success_pgd"] == 1, "pixels may change by 0.2"
    assert found["largest"] == pytest.approx(0.075, abs=1e-6) and found["l2"] == pytest.approx(0.3, abs=1e-5)
    assert found["ms"] > 0 and found["ms_pgd"] > 0
    assert attacks.attacked(Brightness(0.0, epsilon=0.04), *pictures(), 20, [])["success_pgd"] == 0


def test_a_defence_is_measured_with_and_without_and_by_who_knows_of_it():
    found = attacks.defended(Brightness(0.0), *pictures(), 20, Brightness(0.15))
    assert found["clean"] == found["clean_purified"] == pytest.approx(1 / 40)
    assert found["fgsm_0.1"] == found["pgd_0.3"] == 1
    assert found["advgan"] == found["advgan_purified"] == pytest.approx(19 / 40 + 2 / 40)
    assert found["adaptive_0.1"] > 0.8 and found["adaptive_0.3"] > 0.8
