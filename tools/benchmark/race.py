"""What the commands of tools/benchmark share: contenders in processes of their own that take slices in turn.

A contender is known by a job, which JSON can hold:
    name        of its row
    module      the module beside this one whose `build(job)` makes it
    contender   which of that module's
    needs       Python modules that it cannot do without, beyond the zoo's own
    batch       images per step (GFLOP, of the yardsticks of a roofline)
    threads     that it computes on
and whatever else its `build` reads. `build` returns (run, facts): `run(steps)` takes that many steps, waits until they
are done and may return further facts; both kinds end up in the row.
"""

import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfgan_zoo import console
from tfgan_zoo.errors import ZooError


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limit_threads(framework: str, threads: int) -> None:
    """Let "pytorch" or else TensorFlow compute on `threads` threads."""
    if framework == "pytorch":
        import torch

        torch.set_num_threads(threads)
    else:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


# === One process per contender; they speak lines of JSON ===
class Worker:
    """A contender in its own process: built and warmed up when made, idle between its turns.

    Raises:
        ZooError: where the process ends; the message carries the last line it wrote.
    """

    def __init__(self, row: dict[str, Any], job: dict[str, Any]):
        self.row, self.batch = row, job["batch"]
        self._errors = tempfile.TemporaryFile("w+")
        blas = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), str(job["threads"]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.benchmark.race", json.dumps(job)],
            cwd=Path(__file__).parents[2],  # where `tools` is found
            env=os.environ | blas,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            row |= self._answer()
        except BaseException:
            self.close()
            raise

    def run(self, steps: int) -> dict[str, Any]:
        """Take `steps` steps; what `run` of the contender returned, with `seconds` and `cpu_seconds` of all of them."""
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        return self._answer()

    def slice(self, seconds: float) -> None:
        """Run for about `seconds`; append images/s to the row's `rounds`, images/cpu s to `cpu_rounds`."""
        steps = max(1, round(seconds / self.row["seconds_per_step"]))
        took = self.run(steps)
        self.row["seconds_per_step"] = took["seconds"] / steps  # so that the next slice has the wanted length
        self.row["rounds"].append(steps * self.batch / took["seconds"])
        self.row["cpu_rounds"].append(steps * self.batch / took["cpu_seconds"])

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            lines = self._errors.read().strip().splitlines() or ["(it wrote nothing)"]
            raise ZooError(f"ended with status {self._process.returncode}: {lines[-1]}")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()


def work(job: dict[str, Any]) -> None:
    """The worker's side: say when ready, then take as many steps as each line says."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers

    def answer(**facts):
        print(json.dumps(facts), file=answers, flush=True)

    began = time.perf_counter()
    run, facts = importlib.import_module(job["module"]).build(job)
    if job.get("warm_up", True):
        run(1)
        ready = time.perf_counter()
        run(1)
        facts |= {"start_seconds": ready - began, "seconds_per_step": time.perf_counter() - ready}
    answer(**facts)
    for line in sys.stdin:
        began, cpu_began = time.perf_counter(), time.process_time()
        facts = run(int(line)) or {}
        answer(seconds=time.perf_counter() - began, cpu_seconds=time.process_time() - cpu_began, **facts)


# === Races ===
def missing(job: dict[str, Any]) -> str | None:
    """Why a job cannot run here, in words; None if it can."""
    absent = [module.replace("_", "-") for module in job.get("needs", ()) if importlib.util.find_spec(module) is None]
    return f"not installed: pip install {' '.join(absent)}" if absent else None


def compare(jobs: list[dict[str, Any]], rounds: int, seconds: float, peers: Sequence[str]) -> list[dict[str, Any]]:
    """Race contenders; a row for each job, in their order. One that cannot run has a `note` and no medians."""
    rows, workers = [], []
    try:
        for job in jobs:
            row = dict(job)
            rows.append(row)
            if note := missing(job):
                row["note"] = note
                continue
            console.note(f"{job['name']}: starting")
            row |= {"rounds": [], "cpu_rounds": []}
            try:
                workers.append(Worker(row, job))
            except ZooError as error:
                row["note"] = str(error)
        for number in range(rounds):
            for worker in workers:
                if "note" not in worker.row:
                    try:
                        worker.slice(seconds)
                    except ZooError as error:
                        worker.row["note"] = str(error)
            console.note(
                f"round {number + 1}/{rounds}  "
                + "  ".join(f"{row['name']} {row['rounds'][-1]:,.1f}" for row in rows if "note" not in row)
            )
    finally:
        for worker in workers:
            worker.close()
    return summarize(rows, peers)


def once(job: dict[str, Any]) -> dict[str, Any]:
    """The row of a job that is one step long and has no rival: `seconds`, `cpu_seconds` and what its `run` returned."""
    row = dict(job)
    if note := missing(job):
        return row | {"note": note}
    console.note(f"{job['name']}: starting")
    try:
        worker = Worker(row, job | {"warm_up": False})
        try:
            return row | worker.run(1)
        finally:
            worker.close()
    except ZooError as error:
        return row | {"note": str(error)}


def summarize(rows: list[dict[str, Any]], peers: Sequence[str]) -> list[dict[str, Any]]:
    """Add medians over the rounds and ratios to each of `peers`, by the clock and by processor time.

    A ratio is the median of the rounds' own ratios: both sides of each were measured next to one another.
    """
    finished = {row["name"]: row for row in rows if "note" not in row}
    for row in finished.values():
        for prefix in ("", "cpu_"):
            own = row[f"{prefix}rounds"]
            row[f"{prefix}images_per_second"] = statistics.median(own)
            for peer in peers:
                if peer in finished:
                    ratios = [a / b for a, b in zip(own, finished[peer][f"{prefix}rounds"], strict=True)]
                    row[f"{prefix}ratio_to_{peer}"] = statistics.median(ratios)
    return rows


if __name__ == "__main__":
    work(json.loads(sys.argv[1]))
