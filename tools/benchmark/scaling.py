"""`python -m tools.benchmark scaling`: images/s of a preset on 1 replica, on 2 and on 2 workers of this machine.

From the sizes of its gradients follows the share of their speed that eight GPUs or hosts would keep.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tfgan_zoo import config, console
from tfgan_zoo.errors import ZooError
from tools.benchmark.options import add_json, positive
from tools.benchmark.race import cores
from tools.benchmark.report import load_before, write

HELP = "speed on several replicas and workers, and what more machines would give"
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


# === The command ===
def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own options."""
    command.add_argument("preset", nargs="?", default="dcgan_glyphs", help="with data at hand")
    command.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for train")
    command.add_argument("--steps", type=positive(int), default=120, help="of each short training")
    command.add_argument(
        "--compute", type=positive(float), metavar="SECONDS", help="of a step on the device in question; default: here"
    )
    add_json(command)


def run(arguments: argparse.Namespace) -> None:
    """The command."""
    from tfgan_zoo import zoo

    load, overrides = load_before(), list(arguments.overrides)
    rows = []
    for way in WAYS:
        console.note(f"{way}: {arguments.steps} steps of {arguments.preset}")
        rows.append({"way": way, "images/s": speed(way, arguments.preset, overrides, arguments.steps)})
    experiment = config.load(arguments.preset, overrides)
    sent, batch = sum(traffic(zoo.build(experiment)).values()), experiment.data.batch_size
    first = rows[0]["images/s"]
    console.table(
        f"{arguments.preset}, batch {batch}, {cores()} cores",
        ("way", "images/s", "of 1 replica"),
        [(row["way"], f"{row['images/s']:,.1f}", f"{row['images/s'] / first:.2f}") for row in rows],
    )
    compute = arguments.compute or batch / first
    expected = [
        {"network": name, "kept": efficiency(compute, sent, count, bandwidth)}
        for name, (count, bandwidth) in NETWORKS.items()
    ]
    console.table(
        f"{sent / 1e6:.1f} MB of gradients a step, which one device computes in {compute * 1e3:,.0f} ms: speed kept",
        ("network", "kept"),
        [(row["network"], f"{row['kept']:.0%}") for row in expected],
    )
    write(arguments, load, [*rows, *expected])
