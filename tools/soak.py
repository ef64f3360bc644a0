"""Kill a training at random moments until it ends, and compare what it leaves with an undisturbed run's.

    python -m tools.soak dcgan_glyphs train.steps=400 --kills 20 --seconds 12

Two runs of the same settings: one is left alone, the other one is killed (SIGKILL) again and again, wherever it is:
within a checkpoint, a measurement, a picture, a log line. Equal are then, to the bit: all weights and optimizer
states of the last checkpoint, `best.keras`, the losses of `metrics.jsonl` and the numbers of `evaluations.jsonl`.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import click
import numpy as np

TIMES = ("seconds", "images_per_second")  # what no two runs share


def command(preset, overrides, folder):
    """The training of a run, with operations whose order does not change from one run to the next."""
    return [sys.executable, "-m", "tfgan_zoo", "train", preset, *overrides, "--out", str(folder)]


def environment():
    """Of the trainings."""
    return os.environ | {"TF_DETERMINISTIC_OPS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def disturbed(arguments, kills, seconds, seed):
    """Train with `kills` SIGKILLs, each within `seconds` of the start of a process; returns how many came in time."""
    draw, hit = random.Random(seed), 0
    for number in range(kills):
        process = subprocess.Popen(arguments, env=environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            code = process.wait(draw.uniform(2.0, seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            hit += 1
            click.echo(f"kill {number + 1} of {kills}", err=True)
            continue
        if code != 0:
            raise click.ClickException(f"after {hit} kills the training ended with status {code}")
        return hit
    subprocess.run(arguments, env=environment(), check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return hit


def arrays(path):
    """{name: array} of all that an HDF5 file or the weights in a `.keras` file hold."""
    import io

    import h5py

    content = zipfile.ZipFile(path).read("model.weights.h5") if path.suffix == ".keras" else path.read_bytes()
    found = {}
    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def rows(path):
    """The lines of a log without times; of measurements the model's step, the metric and its value."""
    found = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        row = json.loads(line)
        if "metric" in row:
            found.append((row["model"].rpartition(" at step ")[2], row["metric"], row["value"]))
        else:
            found.append({key: value for key, value in row.items() if key not in TIMES})
    return found


def differences(whole: Path, broken: Path) -> list[str]:
    """What of the two runs is not the same."""
    found = []
    newest = sorted((whole / "checkpoints").glob("*.weights.h5"))[-1]
    pairs = [(newest, broken / "checkpoints" / newest.name)]
    pairs += [(whole / name, broken / name) for name in ("best.keras", "model.keras") if (whole / name).exists()]
    for one, two in pairs:
        if not two.exists():
            found.append(f"{two.name} is missing")
            continue
        first, second = arrays(one), arrays(two)
        if first.keys() != second.keys():
            found.append(f"{one.name}: other arrays")
        elif unequal := [name for name in first if not np.array_equal(first[name], second[name])]:
            found.append(f"{one.name}: {len(unequal)} of {len(first)} arrays differ, {unequal[0]} first")
    for name in ("metrics.jsonl", "evaluations.jsonl"):
        if rows(whole / name) != rows(broken / name):
            found.append(f"{name} differs")
    left = [path.name for path in broken.rglob(".tmp-*")]
    return found + ([f"left behind: {', '.join(left)}"] if left else [])


@click.command(help=__doc__)
@click.argument("preset")
@click.argument("overrides", nargs=-1)
@click.option("--kills", default=20, show_default=True, help="How often the training is killed.")
@click.option("--seconds", default=20.0, show_default=True, help="The latest moment of a kill, from a process's start.")
@click.option("--seed", default=0, show_default=True, help="Of the moments.")
def main(preset, overrides, kills, seconds, seed):
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = Path(folder, "whole"), Path(folder, "broken")
        started = time.perf_counter()
        subprocess.run(command(preset, overrides, whole), env=environment(), check=True, stdout=subprocess.DEVNULL)
        click.echo(f"undisturbed: {time.perf_counter() - started:.0f} s", err=True)
        hit = disturbed(command(preset, overrides, broken), kills, seconds, seed)
        found = differences(whole, broken)
    for line in found:
        click.echo(line)
    click.echo(f"{preset}: {hit} kills, {'nothing differs' if not found else f'{len(found)} differences'}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
