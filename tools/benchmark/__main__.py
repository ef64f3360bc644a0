"""How fast is the zoo beside named peers, measured in the same run?

    python -m tools.benchmark train
    python -m tools.benchmark train --shapes 28 --rounds 3 --seconds 5 --jit --json speed.json
    python -m tools.benchmark evaluate
    python -m tools.benchmark evaluate --only features --sizes 32 299 --taps 2048 768 --batch 16
    python -m tools.benchmark serve
    python -m tools.benchmark serve --clients 8 --soak 600     # ten minutes, half of the time busy
    python -m tools.benchmark scaling dcgan_glyphs

train: DCGAN (Radford et al. 2015, https://arxiv.org/abs/1511.06434) at the paper's widths, in images/s of

    zoo       model.compile(); model.fit(data, steps_per_epoch=n): what a user of the zoo gets
    bare      the same networks in a hand-written tf.function step without the zoo's base class
    pytorch   PyTorch's DCGAN example at the same widths and kernels, channels last (where torch is installed)

evaluate: three things, with random weights (speed does not depend on them) and random pictures

    features  images/s of Inception features by the zoo, by torch-fidelity with the same weights, and by torch-fidelity
              changed to channels last; and how far their features are apart
    fid       a whole FID against cached statistics, in units of the time that its features alone take in that process
    prdc      precision, recall, density and coverage of random rows: seconds, and memory beyond the rows

serve: DCGAN-28 behind the embedded server, one picture a request, at 1, 8 and 64 clients

    batched     `serve` as it is: what waits is computed together
    one by one  `serve --batch 1`
    onnxruntime the same server, with onnxruntime in TensorFlow's place (where it is installed)
    direct      the SavedModel called by the client itself, without a server

scaling: images/s of a preset on 1 replica, on 2 and on 2 workers of this machine, and from the sizes of its gradients
the share of their speed that eight GPUs or hosts would keep

Each contender lives in a process of its own, so that their thread pools never mix, and computes only while
the others wait. They take slices in turn (A B C A B C ...), so that a slow spell of the machine meets all.
Read the ratios: images/s belong to one machine at one moment. On a machine that others use too, take
--threads 1 and read the images per second of processor time ("cpu s"): threads that wait for one another
suffer most from neighbours, and not all contenders alike.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import importlib.util
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from tfgan_zoo import config, console, files
from tools.benchmark import features, scaling, serving
from tools.benchmark.features import PEER, RACERS
from tools.benchmark.race import compare, cores, once
from tools.benchmark.training import CONTENDERS, GAMES, LATENT_DIM

TRAIN_PEERS = ("bare", "pytorch")
EVALUATE_PEERS = (PEER, "channels-last")
PARTS = ("features", "fid", "prdc")


def train(arguments: argparse.Namespace) -> None:
    """The `train` command."""
    entrants = [(name, False) for name in arguments.only]
    if arguments.jit:
        entrants += [(name, True) for name in arguments.only if name != "pytorch"]
    load = load_before()
    results = []
    for side in arguments.shapes:
        image_shape, filters = GAMES[side]
        job = {
            "module": "tools.benchmark.training",
            "image_shape": image_shape,
            "filters": arguments.filters or filters,
            "batch": arguments.batch,
            "threads": arguments.threads,
        }
        jobs = [
            {
                "name": name + (" + XLA" if jit else ""),
                "contender": name,
                "jit": jit,
                "needs": ["torch"] if name == "pytorch" else [],
                **job,
            }
            for name, jit in entrants
        ]
        rows = compare(jobs, arguments.rounds, arguments.seconds, TRAIN_PEERS)
        settings = f"filters={job['filters']}, batch {arguments.batch}, {arguments.threads} thread(s)"
        show(f"DCGAN-{side} training, {settings}, {slices(arguments)}", rows, TRAIN_PEERS)
        results += rows
    write(arguments, load, results)


def evaluate(arguments: argparse.Namespace) -> None:
    """The `evaluate` command."""
    load, results = load_before(), []
    with tempfile.TemporaryDirectory() as weights:
        if {"features", "fid"} & set(arguments.only):
            console.note("drawing random Inception weights")
            apart(features.write_weights, weights)
        common = {
            "module": "tools.benchmark.features",
            "weights": weights,
            "threads": arguments.threads,
            "batch": arguments.batch,
        }
        if "features" in arguments.only:
            for side in arguments.sizes:
                for tap in arguments.taps:
                    results += race(common | {"side": side, "tap": tap}, arguments)
        if "fid" in arguments.only:
            results.append(whole_fid(common, arguments))
        if "prdc" in arguments.only:
            results += neighbours(common, arguments)
    write(arguments, load, [{key: row[key] for key in row if key != "weights"} for row in results])


def serve(arguments: argparse.Namespace) -> None:
    """The `serve` command."""
    before, body = load_before(), serving.body_of(LATENT_DIM)
    image_shape, filters = GAMES[28]
    rows = []
    with tempfile.TemporaryDirectory() as base, contextlib.ExitStack() as servers:
        apart(serving.write_model, base, image_shape, arguments.filters or filters, LATENT_DIM)
        started = {name: servers.enter_context(serving.running(base, name)) for name in serving.servers()}
        parts = {}
        for number in range(arguments.rounds):
            parts.setdefault(("direct", 1), []).append(apart(serving.direct, base, arguments.seconds, LATENT_DIM))
            for clients in arguments.clients:
                for name, (port, _) in started.items():
                    made = apart(serving.load, port, clients, arguments.seconds, body)
                    parts.setdefault((name, clients), []).append(made)
            console.note(f"round {number + 1}/{arguments.rounds}")
        rows = [serving.row(*key, made) for key, made in parts.items()]
        if arguments.soak:
            port, process = started["batched"]
            memory = serving.memory(process)
            row = serving.row("soak", 4, [apart(serving.load, port, 4, arguments.soak, body, arguments.busy)])
            rows.append(row | {"memory_before": memory, "memory_after": serving.memory(process)})
            console.note(f"memory {memory / 2**20:,.0f} MiB before, {serving.memory(process) / 2**20:,.0f} MiB after")
    console.table(
        f"Pictures of DCGAN-28 over REST, {slices(arguments)}",
        ["", "clients", "p50", "p99", "images/s", "requests", "errors"],
        [
            [
                r["name"],
                r["clients"],
                *(f"{r[key]:.1f} ms" for key in ("p50_ms", "p99_ms")),
                *(f"{r[key]:,.0f}" for key in ("images_per_second", "requests", "errors")),
            ]
            for r in rows
        ],
    )
    write(arguments, before, rows)


def scale(arguments: argparse.Namespace) -> None:
    """The `scaling` command."""
    from tfgan_zoo import zoo

    load, overrides = load_before(), list(arguments.overrides)
    rows = []
    for way in scaling.WAYS:
        console.note(f"{way}: {arguments.steps} steps of {arguments.preset}")
        rows.append({"way": way, "images/s": scaling.speed(way, arguments.preset, overrides, arguments.steps)})
    experiment = config.load(arguments.preset, overrides)
    sent, batch = sum(scaling.traffic(zoo.build(experiment)).values()), experiment.data.batch_size
    first = rows[0]["images/s"]
    console.table(
        f"{arguments.preset}, batch {batch}, {cores()} cores",
        ("way", "images/s", "of 1 replica"),
        [(row["way"], f"{row['images/s']:,.1f}", f"{row['images/s'] / first:.2f}") for row in rows],
    )
    compute = arguments.compute or batch / first
    expected = [
        {"network": name, "kept": scaling.efficiency(compute, sent, count, bandwidth)}
        for name, (count, bandwidth) in scaling.NETWORKS.items()
    ]
    console.table(
        f"{sent / 1e6:.1f} MB of gradients a step, which one device computes in {compute * 1e3:,.0f} ms: speed kept",
        ("network", "kept"),
        [(row["network"], f"{row['kept']:.0%}") for row in expected],
    )
    write(arguments, load, [*rows, *expected])


def race(job: dict[str, Any], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The features that `job` tells, by all contenders: their rows, which are shown too."""
    jobs = [
        {"name": name, "contender": name, "needs": [] if name == "zoo" else features.NEEDS, **job} for name in RACERS
    ]
    rows = compare(jobs, arguments.rounds, arguments.seconds, EVALUATE_PEERS)
    found = {row["name"]: row.pop("features") for row in rows if "features" in row}
    for row in rows:
        if row["name"] in found and PEER in found:
            row["difference"] = features.difference(found[row["name"]], found[PEER])
    side = job["side"]
    settings = f"{side}x{side}x3 pictures, batch {job['batch']}, {job['threads']} thread(s), {slices(arguments)}"
    show(f"Inception features {job['tap']}, {settings}", rows, EVALUATE_PEERS, {"apart by": ("difference", ".0e")})
    return rows


def whole_fid(job: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """A FID's row, which is shown too: `ratio` of the whole to its features."""
    count = arguments.fid_images
    row = once(
        {
            "name": f"FID of {count:,}",
            "contender": "fid",
            "side": arguments.sizes[0],
            "count": count,
            "alone": min(count, 2 * features.AT_A_TIME),
            **job,
        }
    )
    cells = [row.get("note")]
    if "note" not in row:
        for prefix in ("", "cpu_"):
            row[f"{prefix}ratio"] = row["whole"][f"{prefix}seconds"] / row["features"][f"{prefix}seconds"]
        cells = [
            f"{row['whole']['seconds']:,.1f} s",
            f"{row['features']['seconds']:,.1f} s",
            f"{row['ratio']:.3f}",
            f"{row['cpu_ratio']:.3f}",
        ]
    side = row["side"]
    console.table(
        f"Whole FID against cached statistics, {side}x{side}x3 pictures, {row['threads']} thread(s)",
        ["", "whole", "features alone", "ratio", "ratio of cpu s"],
        [[row["name"], *cells]],
    )
    return row


def neighbours(job: dict[str, Any], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """PRDC's rows, which are shown too."""
    count = arguments.prdc_rows
    rows = [
        once({"name": f"{count:,} x {count:,}, {dim} features", "contender": "prdc", "count": count, "dim": dim, **job})
        for dim in arguments.prdc_dims
    ]
    console.table(
        f"PRDC, {arguments.threads} thread(s)",
        ["", "seconds", "cpu s", "peak memory beyond the rows"],
        [
            [row["name"], row["note"]]
            if "note" in row
            else [
                row["name"],
                f"{row['seconds']:.1f}",
                f"{row['cpu_seconds']:.1f}",
                f"{row['peak_bytes'] / 2**20:,.0f} MiB",
            ]
            for row in rows
        ],
    )
    return rows


def apart(function: Callable, *arguments: Any) -> Any:
    """The result of a function that is called in a process of its own, so that what it loads does not stay."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(function, *arguments).result()


def load_before() -> float:
    """The load average, with a note to the user where other jobs run."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.3 * cores():
        console.note(f"other jobs are running ({load:.1f} on {cores()} cores): see --help on what to read")
    return load


def slices(arguments: argparse.Namespace) -> str:
    """How a race was run, for its title."""
    return f"median of {arguments.rounds} rounds of {arguments.seconds:g} s"


def show(title: str, rows: list[dict[str, Any]], peers: Sequence[str], more: Mapping = MappingProxyType({})) -> None:
    """Print a race's rows as a table on stdout. `more`: {column: (key of the row, format)}."""
    columns = {
        "images/s": "images_per_second",
        **{f"/ {peer}": f"ratio_to_{peer}" for peer in peers},
        "images/cpu s": "cpu_images_per_second",
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
    for module in features.NEEDS:
        environment["versions"][module] = version(module) if importlib.util.find_spec(module) else None
    settings = {key: value for key, value in vars(arguments).items() if key not in ("command", "json", "run")}
    return {
        "command": arguments.command,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "settings": settings,
        "environment": environment | {"cores_used": cores(), "load_average_before": load},
        "results": results,
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m tools.benchmark", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "train",
        help="speed of DCGAN training: zoo, bare tf.function, PyTorch",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=train)
    command.add_argument(
        "--shapes",
        type=int,
        nargs="+",
        choices=GAMES,
        default=list(GAMES),
        metavar="SIDE",
        help="64: (64, 64, 3) with filters=128; 28: (28, 28, 1) with filters=64",
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
    command.add_argument("--batch", type=positive(int), default=64, help="images per step")
    command.add_argument("--filters", type=positive(int), help="other widths than the shape's own (a quick try: 4)")
    common(command, rounds=5, seconds=10.0)

    command = commands.add_parser(
        "evaluate",
        help="speed of Inception features, FID and PRDC",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=evaluate)
    command.add_argument(
        "--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=f"parts, of {', '.join(PARTS)}"
    )
    command.add_argument(
        "--sizes",
        type=positive(int),
        nargs="+",
        default=[32],
        metavar="SIDE",
        help="pictures of (SIDE, SIDE, 3); 299 takes no resize; the FID is of the first",
    )
    command.add_argument(
        "--taps",
        nargs="+",
        choices=["2048", "768", "192", "64"],
        default=["2048"],
        metavar="TAP",
        help="outputs of Inception: 2048, 768, 192, 64",
    )
    command.add_argument(
        "--batch",
        type=positive(int),
        default=64,
        help="pictures handed over at a time; the zoo splits them as suits it, torch-fidelity "
        "does not (64 is its default; 16 may suit it better)",
    )
    command.add_argument(
        "--fid-images",
        type=positive(int),
        default=5000,
        metavar="N",
        help="pictures of the FID; what is not features hardly grows with them, so fewer make "
        "the ratio larger (a quick try: 256)",
    )
    command.add_argument(
        "--prdc-rows", type=positive(int), default=10_000, metavar="N", help="rows of each side of PRDC"
    )
    command.add_argument(
        "--prdc-dims", type=positive(int), nargs="+", default=[2048, 768], metavar="DIM", help="features of a row"
    )
    common(command, rounds=3, seconds=8.0)

    command = commands.add_parser(
        "serve", help="speed of the embedded server", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    command.set_defaults(run=serve)
    command.add_argument(
        "--clients", type=positive(int), nargs="+", default=[1, 8, 64], metavar="N", help="clients at once"
    )
    command.add_argument("--filters", type=positive(int), help="another width than the game's own (a quick try: 4)")
    command.add_argument("--soak", type=positive(float), metavar="SECONDS", help="then load it as long, with 4 clients")
    command.add_argument("--busy", type=positive(float), default=0.5, help="share of the soak that a client asks in")
    common(command, rounds=3, seconds=4.0)

    command = commands.add_parser(
        "scaling",
        help="speed on several replicas and workers, and what more machines would give",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=scale)
    command.add_argument("preset", nargs="?", default="dcgan_glyphs", help="with data at hand")
    command.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="as for train")
    command.add_argument("--steps", type=positive(int), default=120, help="of each short training")
    command.add_argument(
        "--compute", type=positive(float), metavar="SECONDS", help="of a step on the device in question; default: here"
    )
    command.add_argument("--json", metavar="FILE", help="also write the results with the environment to FILE")
    return top


def common(command: argparse.ArgumentParser, rounds: int, seconds: float) -> None:
    """The options that all commands have, with their defaults."""
    command.add_argument("--rounds", type=positive(int), default=rounds, help="slices of each contender")
    command.add_argument("--seconds", type=positive(float), default=seconds, help="length of a slice")
    command.add_argument("--threads", type=positive(int), default=cores(), help="threads that a contender computes on")
    command.add_argument("--json", metavar="FILE", help="also write the results with the environment to FILE")


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
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exception, so that the workers are ended too
    main()
