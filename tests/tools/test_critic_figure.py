"""How well a critic's estimate ranks checkpoints, read from a run's log."""

import json

import pytest
from helpers import untrained_run

from tfgan_zoo import zoo
from tfgan_zoo.errors import ZooError
from tools.figures import critic_estimate


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return zoo.loaded(untrained_run(tmp_path_factory.mktemp("runs") / "seed-0", "wgan_mnist"))


def test_the_log_of_a_run_that_lies_anywhere_is_read(loaded):
    rows = [{"step": step, "wasserstein": estimate} for step, estimate in enumerate((3.0, 2.0, 2.5, 1.0))]
    rows = [row for pair in zip(rows, [{"step": 0, "fd_mnist": d} for d in (9, 7, 8, 1)], strict=True) for row in pair]
    (loaded.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = critic_estimate.scores(loaded, "fd_mnist", "wasserstein")
    # The medians of all estimates so far are 3, 2.5, 2.5, 2.25.
    assert found["measurements"] == 4 and 0.7 < found["rank_correlation"] <= 1
    assert found["largest_weight"] > loaded.model.clip, "nothing has been clipped yet"


def test_a_run_without_measurements_is_refused(loaded):
    with pytest.raises(ZooError, match="0 measurements of kid"):
        critic_estimate.scores(loaded, "kid", "wasserstein")
