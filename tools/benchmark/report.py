"""What commands of the benchmark show and write."""

import argparse
import concurrent.futures
import datetime
import importlib.util
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tfgan_zoo import console, files
from tools.benchmark.race import cores

PEERS = ("torch", "torch_fidelity")  # packages whose versions belong to the results


def load_before() -> float:
    """The load average, with a note to the user where other jobs run."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.3 * cores():
        console.note(f"other jobs are running ({load:.1f} on {cores()} cores): see --help on what to read")
    return load


def apart(function: Callable, *arguments: Any) -> Any:
    """The result of a function that is called in a process of its own, so that what it loads does not stay."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def slices(arguments: argparse.Namespace) -> str:
    """How a race was run, for its title."""
    return f"median of {arguments.rounds} rounds of {arguments.seconds:g} s"


def show(
    title: str,
    rows: list[dict[str, Any]],
    peers: Sequence[str],
    more: Mapping = MappingProxyType({}),
    unit: str = "images",
) -> None:
    """Print a race's rows as a table on stdout. `more`: {column: (key of the row, format)}."""
    columns = {
        f"{unit}/s": "images_per_second",
        **{f"/ {peer}": f"ratio_to_{peer}" for peer in peers},
        f"{unit}/cpu s": "cpu_images_per_second",
        **{f"/ {peer} ": f"cpu_ratio_to_{peer}" for peer in peers},
    }
    columns = {**{column: (key, ",.2f") for column, key in columns.items()}, **more}

    def line(row):
        if "note" in row:
            return [row["name"], row["note"]]
        spread = f"{min(row['rounds']):,.1f} to {max(row['rounds']):,.1f}"
        cells = [format(row[key], how) if key in row else "" for key, how in columns.values()]
        return [row["name"], spread, *cells, f"{row['start_seconds']:,.2f} s"]

    console.table(title, ["contender", "range", *columns, "first step after"], map(line, rows))


def write(arguments: argparse.Namespace, load: float, results: list) -> None:
    """Write `--json`, if that was given."""
    if arguments.json:
        files.write_json(arguments.json, record(arguments, load, results))
        console.note(f"wrote {arguments.json}")


def record(arguments: argparse.Namespace, load: float, results: list) -> dict[str, Any]:
    """What a JSON file of results holds: the numbers, and all that they depend on."""
    from importlib.metadata import version

    from tfgan_zoo import devices

    environment = devices.environment()
    for module in PEERS:
        environment["versions"][module] = version(module) if importlib.util.find_spec(module) else None
    settings = {key: value for key, value in vars(arguments).items() if key not in ("command", "json", "run")}
    return {
        "command": arguments.command,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "settings": settings,
        "environment": environment | {"cores_used": cores(), "load_average_before": load},
        "results": results,
    }
