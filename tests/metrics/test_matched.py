"""Classes found without labels, against all maps and SciPy's assignment."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.matched import MatchedAccuracy
from tfgan_zoo.metrics.maths.assignment import best_map


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (3, 5), (5, 3), (12, 12), (40, 31), (1, 6)])
@pytest.mark.parametrize("whole", [True, False])
def test_the_best_map_is_scipys(shape, whole):
    random = np.random.default_rng(shape[0])
    for _ in range(10):
        gain = random.integers(-3, 6, shape) if whole else random.normal(size=shape)
        found = best_map(gain)
        rows, columns = linear_sum_assignment(gain, maximize=True)
        kept = found >= 0
        assert kept.sum() == min(shape) and len(set(found[kept])) == min(shape)
        assert gain[kept, found[kept]].sum() == pytest.approx(gain[rows, columns].sum())


def measured(logits, labels, parts=1):
    metrics = []
    for some, theirs in zip(np.array_split(logits, parts), np.array_split(labels, parts)):
        metrics.append(MatchedAccuracy(logits.shape[1]))
        metrics[-1].update(fake=some, fake_labels=theirs)
    for other in metrics[1:]:
        metrics[0].merge(other)
    return metrics[0].result()["matched_accuracy"]


@pytest.mark.parametrize("classes, kinds", [(4, 4), (5, 3), (3, 5)])
def test_the_accuracy_is_that_of_the_best_of_all_maps(classes, kinds):
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(200, classes)), random.integers(0, kinds, 200)
    found = logits.argmax(1)
    names = range(max(classes, kinds))
    best = max(np.mean(np.array(names)[found] == labels) for names in itertools.permutations(names))
    for parts in (1, 7):
        value = measured(logits, labels, parts)
        assert value == pytest.approx((best, np.sqrt(best * (1 - best) / 200)))


def test_renaming_the_classes_changes_nothing_and_nonsense_is_refused():
    labels = np.repeat(np.arange(3), 4)
    assert measured(np.eye(3)[[2, 0, 1]][labels], labels).value == 1
    with pytest.raises(ZooError, match="labels from -1"):
        MatchedAccuracy(3).update(fake=np.zeros((2, 3)), fake_labels=np.array([-1, 0]))
    with pytest.raises(ZooError, match="update"):
        MatchedAccuracy(3).result()
