"""How fast is the zoo beside named peers, measured in the same run?

    python tools/benchmark.py train
    python tools/benchmark.py train --shapes 28 --rounds 3 --seconds 5 --jit --json speed.json

Trains DCGAN (Radford et al. 2015, https://arxiv.org/abs/1511.06434) at the paper's widths, in images/s of

    zoo       model.compile(); model.fit(data, steps_per_epoch=n): what a user of the zoo gets
    bare      the same networks in a hand-written tf.function step without the zoo's base class
    pytorch   PyTorch's DCGAN example at the same widths and kernels, channels last (where torch is installed)

Each contender lives in a process of its own, so that their thread pools never mix, and computes only while
the others wait. They take slices in turn (A B C A B C ...), so that a slow spell of the machine meets all.
Read the ratios: images/s belong to one machine at one moment. On a machine that others use too, take
--threads 1 and read the images per second of processor time ("cpu s"): threads that wait for one another
suffer most from neighbours, and not all contenders alike.
"""

import argparse
import datetime
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import tfgan_zoo  # noqa: E402,F401  (sets oneDNN before TensorFlow loads)
from benchmark_dcgan import CONTENDERS, GAMES, limit_threads  # noqa: E402
from tfgan_zoo import console, files  # noqa: E402
from tfgan_zoo.errors import ZooError  # noqa: E402


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# === One process per contender; they speak lines of JSON ===
class Worker:
    """A contender in its own process: built and warmed up when made, idle between slices.

    Raises:
        ZooError: where the process ends; the message carries the last line it wrote.
    """

    def __init__(self, row: dict[str, Any], job: dict[str, Any]):
        self.row, self.batch = row, job["batch"]
        row |= {"rounds": [], "cpu_rounds": []}
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, __file__, "worker", json.dumps(job)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True,
        )
        try:
            row |= self._answer()
        except BaseException:
            self.close()
            raise

    def slice(self, seconds: float) -> None:
        """Train for about `seconds`; append images/s to the row's `rounds`, images/cpu s to `cpu_rounds`."""
        steps = max(1, round(seconds / self.row["seconds_per_step"]))
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        took = self._answer()
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
    """The worker's side: say when ready, then train as many steps as each line says."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers

    def answer(**facts):
        print(json.dumps(facts), file=answers, flush=True)

    began = time.perf_counter()
    limit_threads(job["contender"], job["threads"])
    train_steps = CONTENDERS[job["contender"]]
    run, parameters = train_steps(tuple(job["image_shape"]), job["filters"], job["batch"], job["jit"])
    run(1)
    ready = time.perf_counter()
    run(1)
    answer(parameters=parameters, start_seconds=ready - began, seconds_per_step=time.perf_counter() - ready)
    for line in sys.stdin:
        began, cpu_began = time.perf_counter(), time.process_time()
        run(int(line))
        answer(seconds=time.perf_counter() - began, cpu_seconds=time.process_time() - cpu_began)


# === Commands ===
def compare(jobs: list[dict[str, Any]], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Race contenders; a row for each job, in their order. One that cannot run has a `note` and no medians.

    A job has `contender`, `jit`, `image_shape`, `filters`, `batch` and `threads`.
    """
    rows, workers = [], []
    try:
        for job in jobs:
            row = {"name": job["contender"] + (" + XLA" if job["jit"] else ""), **job}
            rows.append(row)
            console.note(f"{row['name']}: building DCGAN of {row['image_shape']}, filters={row['filters']}")
            if job["contender"] == "pytorch" and importlib.util.find_spec("torch") is None:
                row["note"] = "not installed: pip install torch"
                continue
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
            console.note(f"round {number + 1}/{rounds}  " + "  ".join(
                f"{row['name']} {row['rounds'][-1]:,.1f}" for row in rows if "note" not in row))
    finally:
        for worker in workers:
            worker.close()
    return summarize(rows)


def summarize(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add medians over the rounds and ratios to `bare` and `pytorch`, by the clock and by processor time.

    A ratio is the median of the rounds' own ratios: both sides of each were measured next to one another.
    """
    finished = {row["name"]: row for row in rows if "note" not in row}
    for row in finished.values():
        for prefix in ("", "cpu_"):
            own = row[f"{prefix}rounds"]
            row[f"{prefix}images_per_second"] = statistics.median(own)
            for peer in ("bare", "pytorch"):
                if peer in finished:
                    ratios = [a / b for a, b in zip(own, finished[peer][f"{prefix}rounds"])]
                    row[f"{prefix}ratio_to_{peer}"] = statistics.median(ratios)
    return rows


def train(arguments: argparse.Namespace) -> None:
    """The `train` command."""
    entrants = [(name, False) for name in arguments.only]
    if arguments.jit:
        entrants += [(name, True) for name in arguments.only if name != "pytorch"]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.3 * cores():
        console.note(f"other jobs are running ({load:.1f} on {cores()} cores): see --help on what to read")
    results = []
    for side in arguments.shapes:
        image_shape, filters = GAMES[side]
        job = {"image_shape": image_shape, "filters": arguments.filters or filters, "batch": arguments.batch,
               "threads": arguments.threads}
        rows = compare([{"contender": name, "jit": jit, **job} for name, jit in entrants],
                       arguments.rounds, arguments.seconds)
        settings = f"filters={job['filters']}, batch {arguments.batch}, {arguments.threads} thread(s)"
        slices = f"median of {arguments.rounds} rounds of {arguments.seconds:g} s"
        show(f"DCGAN-{side} training, {settings}, {slices}", rows)
        results += rows
    if arguments.json:
        files.write_json(arguments.json, record(arguments, load, results))
        console.note(f"wrote {arguments.json}")


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print the rows as a table on stdout."""
    columns = {"images/s": "images_per_second", "/ bare": "ratio_to_bare", "/ pytorch": "ratio_to_pytorch",
               "images/cpu s": "cpu_images_per_second", "/ bare ": "cpu_ratio_to_bare",
               "/ pytorch ": "cpu_ratio_to_pytorch", "first step after": "start_seconds"}

    def line(row):
        if "note" in row:
            return [row["name"], row["note"]]
        cells = [f"{row[key]:,.2f}" if key in row else "" for key in columns.values()]
        spread = f"{min(row['rounds']):,.1f} to {max(row['rounds']):,.1f}"
        return [row["name"], spread, *cells[:-1], f"{cells[-1]} s"]

    console.table(title, ["contender", "range", *columns], map(line, rows))


def record(arguments: argparse.Namespace, load: float, results: list) -> dict[str, Any]:
    """What a JSON file of results holds: the numbers, and all that they depend on."""
    from importlib.metadata import version

    from tfgan_zoo import devices

    environment = devices.environment()
    environment["versions"]["torch"] = version("torch") if importlib.util.find_spec("torch") else None
    settings = {key: value for key, value in vars(arguments).items() if key not in ("command", "json", "run")}
    return {
        "command": arguments.command,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "settings": settings,
        "environment": environment | {"cores_used": cores(), "load_average_before": load},
        "results": results,
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python tools/benchmark.py", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser("train", help="speed of DCGAN training: zoo, bare tf.function, PyTorch",
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.set_defaults(run=train)
    command.add_argument("--shapes", type=int, nargs="+", choices=GAMES, default=list(GAMES), metavar="SIDE",
                         help="64: (64, 64, 3) with filters=128; 28: (28, 28, 1) with filters=64")
    command.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME",
                         help=f"contenders, of {', '.join(CONTENDERS)}")
    command.add_argument("--jit", action="store_true",
                         help="add rows with XLA for zoo and bare; on a CPU a step may take minutes")
    command.add_argument("--batch", type=positive(int), default=64, help="images per step")
    command.add_argument("--rounds", type=positive(int), default=5, help="slices of each contender")
    command.add_argument("--seconds", type=positive(float), default=10.0, help="length of a slice")
    command.add_argument("--threads", type=positive(int), default=cores(),
                         help="threads that a contender computes on")
    command.add_argument("--filters", type=positive(int),
                         help="other widths than the shape's own (a quick try: 4)")
    command.add_argument("--json", metavar="FILE", help="also write the results with the environment to FILE")
    return top


def positive(kind: Callable) -> Callable:
    """An argparse type: a `kind` above 0."""
    def parse(text):
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text}: must be above 0")
        return value

    parse.__name__ = kind.__name__  # argparse names it where `kind` cannot read the text
    return parse


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["worker"]:  # not for people: what `Worker` starts
        work(json.loads(sys.argv[2]))
        return
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that the workers are ended too
    main()
