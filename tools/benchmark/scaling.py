"""Training over replicas and workers: how fast each way is here, and what more machines can be expected to give."""

import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tfgan_zoo.errors import ZooError

TRAIN = (sys.executable, "-m", "tfgan_zoo", "train")
LAUNCH = (sys.executable, "-m", "tools.launch_local", "--workers")
WAYS = {
    "1 replica": (*TRAIN,),
    "2 replicas": (*TRAIN, "--replicas", "2"),
    "2 workers": (*LAUNCH, "2", "train"),
}
NETWORKS = {
    "8 GPUs of one host, 100 GB/s": (8, 100e9),
    "8 hosts, 10 Gbit/s": (8, 1.25e9),
    "8 hosts, 100 Gbit/s": (8, 12.5e9),
}


def speed(way: str, preset: str, overrides: list[str], steps: int) -> float:
    """Images/s of a short training: the median of its log lines without the first third.

    Raises:
        ZooError: the training failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = [*overrides, f"train.steps={steps}", f"train.log_every={max(steps // 12, 1)}", "train.watch=false"]
        settings += [f"train.sample_every={steps}", f"train.checkpoint_every={steps}"]
        out = Path(folder) / "run"
        command = [*WAYS[way], preset, *settings, "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ZooError(f"{way}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return statistics.median(row["images_per_second"] for row in rows[len(rows) // 3 :])


def traffic(model) -> dict[str, int]:
    """{player: bytes of the gradients that it sends in a turn}, of float32, for all its steps."""
    return {
        player.name: 4 * player.steps * sum(math.prod(variable.shape) for variable in model.variables_of(player))
        for player in model.players
    }


def efficiency(compute: float, sent: int, count: int, bandwidth: float) -> float:
    """The share of `count` devices' speed that is left, where nothing overlaps: a ring sends 2 (n - 1) / n of `sent`.

    Args:
        compute: seconds that one device computes a step.
        sent: bytes of gradients a step.
        bandwidth: bytes/s of the slowest link.
    """
    return compute / (compute + 2 * (count - 1) / count * sent / bandwidth)
