"""Probes of solids: features of few labels, and how a solid hangs together."""

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.gan3d import GAN3D
from tools.figures import gan3d


def test_the_largest_piece_is_counted_by_faces():
    solid = np.zeros((4, 5, 5, 5, 1), np.uint8)
    solid[0, 0, 0] = 1  # a bar of five
    solid[0, 1, 1, 0] = solid[0, 4, 4, 4] = 1  # one touches an edge alone, one nothing
    solid[1, :, 2] = 1
    solid[2, 0, 0, 0] = solid[2, 4, 0, 0] = solid[2, 0, 4, 0] = solid[2, 0, 0, 4] = 1  # the borders do not meet
    np.testing.assert_allclose(gan3d.largest_piece(solid), [5 / 7, 1.0, 0.25, 0.0])


def test_what_differs_is_told_apart_from_few_labels_and_what_does_not_is_not():
    random = np.random.default_rng(0)
    rows = random.normal(size=(2, 60, 40))
    rows[1, :, 7] += 8
    assert gan3d.told_apart(*rows, labels=20, seed=0) > 0.95
    alike = random.normal(size=(2, 400, 40))
    assert gan3d.told_apart(*alike, labels=5, seed=0) == pytest.approx(0.5, abs=0.1)
    with pytest.raises(ZooError, match="leave none"):
        gan3d.told_apart(rows[0][:5], rows[1], labels=5, seed=0)


def test_solids_are_probed_by_three_kinds_of_features():
    model = GAN3D(16, latent_dim=4, filters=2)
    random = np.random.default_rng(0)
    thin, thick = ((random.random((30, 16, 16, 16, 1)) < share).astype(np.uint8) for share in (0.05, 0.3))
    found = gan3d.probe(model, thin, thick)
    assert set(found) == {f"{kind}_{n}" for kind in ("trained", "untrained", "voxels") for n in (5, 10, 20)}
    assert found["trained_20"] > 0.9 and found["voxels_20"] > 0.9
