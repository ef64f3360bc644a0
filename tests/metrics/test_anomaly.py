"""The area under the ROC curve, against all pairs."""

import numpy as np
import pytest

from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.anomaly import AreaUnderRoc


def measured(scores, labels, normal, parts=1):
    metrics = []
    for some, theirs in zip(np.array_split(scores, parts), np.array_split(labels, parts)):
        metrics.append(AreaUnderRoc(normal=normal))
        metrics[-1].update(fake=some[:, None], fake_labels=theirs)
    for other in metrics[1:]:
        metrics[0].merge(other)
    return metrics[0].result()["auroc"].value


@pytest.mark.parametrize("normal", [2, [0, 2]])
def test_it_is_the_share_of_pairs_in_the_right_order(normal):
    random = np.random.default_rng(0)
    scores, labels = random.integers(0, 9, 300).astype(np.float32), random.integers(0, 4, 300)  # with many ties
    usual = np.isin(labels, normal)
    pairs = scores[~usual][:, None] - scores[usual][None]
    for parts in (1, 5):
        assert measured(scores, labels, normal, parts) == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean())


def test_it_goes_from_right_to_useless_to_wrong():
    labels = np.repeat([0, 1], 50)
    assert measured(labels.astype(np.float32), labels, 0) == 1
    assert measured(np.ones(100, np.float32), labels, 0) == 0.5
    assert measured(-labels.astype(np.float32), labels, 0) == 0


def test_data_of_one_kind_and_rows_of_several_numbers_are_refused():
    with pytest.raises(ZooError, match="all 4 examples are anomalies with normal = 7"):
        measured(np.ones(4, np.float32), np.arange(4), 7)
    metric = AreaUnderRoc(normal=0)
    metric.update(fake=np.zeros((2, 3)), fake_labels=np.arange(2))
    with pytest.raises(ZooError, match="3 numbers a row"):
        metric.result()
