"""`python -m tools.benchmark train`: games by the zoo, by a bare loop and by PyTorch, in images/s.

    zoo       model.compile(); model.fit(data, steps_per_epoch=n): what a user of the zoo gets
    bare      the same networks in a hand-written tf.function step without the zoo's base class
    pytorch   the same layers and losses as a PyTorch user writes them, channels last (where torch is installed)

Each precision is a race of its own, whose ratios compare like with like: float32, and bfloat16 where the processor has
the instructions for it (the zoo and bare by Keras' policy mixed_bfloat16, PyTorch by autocast). `of matmul` is the
roofline: how much of the rate at which this machine multiplies large matrices in that precision a contender reaches.
"""

import argparse
from typing import Any

from tools.benchmark import roofline
from tools.benchmark.contenders import CONTENDERS
from tools.benchmark.games import GAMES
from tools.benchmark.options import add_common, positive
from tools.benchmark.race import compare
from tools.benchmark.report import apart, load_before, show, slices, write

HELP = "speed of training: zoo, bare tf.function, PyTorch; float32 and bfloat16"
PEERS = ("bare", "pytorch")
PRECISIONS = ("float32", "bfloat16")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own options."""
    command.add_argument(
        "--games",
        nargs="+",
        choices=GAMES,
        default=["dcgan28", "dcgan64"],
        metavar="GAME",
        help=f"of {', '.join(GAMES)}",
    )
    command.add_argument(
        "--precision",
        nargs="+",
        choices=PRECISIONS,
        default=argparse.SUPPRESS,
        metavar="PRECISION",
        help=f"of {', '.join(PRECISIONS)}; default: both, where the processor has bfloat16",
    )
    command.add_argument(
        "--only",
        nargs="+",
        choices=CONTENDERS,
        default=list(CONTENDERS),
        metavar="NAME",
        help=f"contenders, of {', '.join(CONTENDERS)}",
    )
    command.add_argument(
        "--jit", action="store_true", help="add rows with XLA for zoo and bare; on a CPU a step may take minutes"
    )
    command.add_argument(
        "--batch", type=positive(int), default=argparse.SUPPRESS, help="images per step; default: the game's own"
    )
    command.add_argument("--smoke", action="store_true", help="tiny networks, to see that it works")
    add_common(command, rounds=5, seconds=10.0)


def run(arguments: argparse.Namespace) -> None:
    """The command."""
    load = load_before()
    arguments.precision = getattr(arguments, "precision", None) or default_precisions()
    common = {"threads": arguments.threads, "smoke": arguments.smoke}
    results, rates = [], {}
    for precision in arguments.precision:
        jobs = roofline.jobs({**common, "precision": precision})
        rows = compare(jobs, arguments.rounds, arguments.seconds, ())
        rates[precision] = {name: roofline.fastest(rows, name) for name in roofline.YARDSTICKS}
        show(f"What this machine gives in {precision}, {slices(arguments)}", rows, (), unit="GFLOP")
        results += rows
    for name in arguments.games:
        batch = getattr(arguments, "batch", GAMES[name].batch)
        gflop = apart(roofline.gflop_per_image, name, arguments.smoke, batch)
        for precision in arguments.precision:
            jobs = jobs_of(arguments, {**common, "game": name, "precision": precision, "batch": batch})
            rows = compare(jobs, arguments.rounds, arguments.seconds, PEERS)
            settings = f"{precision}, batch {batch}, {arguments.threads} thread(s), {slices(arguments)}"
            add_shares(rows, gflop, rates[precision])
            more = {f"of {yardstick}": (f"share_of_{yardstick}", ".0%") for yardstick in roofline.YARDSTICKS}
            show(f"{name}: {settings}", rows, PEERS, more)
            print(f"{gflop:.3g} GFLOP an image and step; {parameters(rows)}\n", flush=True)
            results += rows
    write(arguments, load, results)


def default_precisions() -> list[str]:
    """float32, and bfloat16 where it pays."""
    from tfgan_zoo import devices

    return list(PRECISIONS) if apart(devices.fast_bfloat16) else ["float32"]


def jobs_of(arguments: argparse.Namespace, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs of a race: each contender, and with XLA those that have it."""
    entrants = [(name, False) for name in arguments.only]
    if arguments.jit:
        entrants += [(name, True) for name in arguments.only if name != "pytorch"]
    return [
        {
            "name": name + (" + XLA" if jit else ""),
            "module": "tools.benchmark.contenders",
            "contender": name,
            "jit": jit,
            "needs": ["torch"] if name == "pytorch" else [],
            **job,
        }
        for name, jit in entrants
    ]


def add_shares(rows: list[dict[str, Any]], gflop: float, rates: dict[str, float | None]) -> None:
    """Add the cost of a game, and what each contender reaches of the machine's `rates` in GFLOP/s."""
    for row in rows:
        row["gflop_per_image"] = gflop
        for yardstick, rate in rates.items():
            if rate and "images_per_second" in row:
                row[f"share_of_{yardstick}"] = gflop * row["images_per_second"] / rate


def parameters(rows: list[dict[str, Any]]) -> str:
    """Whether all contenders train as many parameters, in words."""
    found = {row["name"]: row["parameters"] for row in rows if "parameters" in row}
    if len(set(found.values())) == 1:
        return f"{next(iter(found.values())):,} parameters, the same in {', '.join(found)}"
    if not found:
        return "no contender ran"
    each = ", ".join(f"{name} {count:,}" for name, count in found.items())
    return f"NOT THE SAME GAME: the parameters differ: {each}"
