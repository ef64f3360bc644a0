"""Overlap of solids, against the plain count."""

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics import solids
from tfgan_zoo.metrics.solids import VoxelOverlap


def some(seed, count, share=0.2):
    return (np.random.default_rng(seed).random((count, 5, 6, 7, 1)) < share).astype(np.uint8)


def measured(real, fake, parts=1):
    metrics = []
    for theirs, ours in zip(np.array_split(real, parts), np.array_split(fake, parts)):
        metrics.append(VoxelOverlap())
        metrics[-1].update(real=theirs, fake=ours)
    for other in metrics[1:]:
        metrics[0].merge(other)
    return {name: value.value for name, value in metrics[0].result().items()}


@pytest.mark.parametrize("parts", [1, 3])
def test_numbers_are_those_of_the_plain_count(parts, monkeypatch):
    monkeypatch.setattr(solids, "BLOCK", 4)
    real, fake = some(0, 11), some(1, 9, share=0.4)
    iou = np.array([[(x & y).sum() / (x | y).sum() for y in fake] for x in real])
    found = measured(real, fake, parts)
    assert found["iou_match"] == pytest.approx(iou.max(1).mean())
    assert found["iou_coverage"] == len(set(iou.argmax(0))) / 11


def test_the_data_themselves_are_best_and_one_solid_alone_covers_one():
    real = some(0, 10)
    assert measured(real, real) == {"iou_match": 1.0, "iou_coverage": 1.0}
    alone = measured(real, np.repeat(real[3:4], 10, axis=0))
    assert alone["iou_coverage"] == 0.1 and alone["iou_match"] < 0.5
    empty = np.zeros((2, 5, 6, 7, 1), np.uint8)
    assert measured(empty, empty) == {"iou_match": 1.0, "iou_coverage": 0.5}


@pytest.mark.parametrize(
    "rows",
    [np.zeros((2, 8, 8, 1), np.uint8), np.zeros((2, 4, 4, 4, 1), np.float32), np.full((1, 4, 4, 4, 1), 2, np.uint8)],
)
def test_other_data_are_refused(rows):
    with pytest.raises(ZooError, match="takes solids"):
        VoxelOverlap().update(real=rows)


def test_solids_of_two_sizes_are_refused():
    metric = VoxelOverlap()
    metric.update(real=some(0, 2))
    with pytest.raises(ZooError, match="compare those of one size"):
        metric.update(real=np.zeros((1, 4, 4, 4, 1), np.uint8))
