"""`python -m tools.benchmark serve`: DCGAN-28 behind the embedded server, one picture a request of 1, 8 or 64 clients.

    batched     `serve` as it is: what waits is computed together
    one by one  `serve --batch 1`
    onnxruntime the same server, with onnxruntime in TensorFlow's place (where it is installed)
    direct      the SavedModel called by the client itself, without a server

python -m tools.benchmark.serving BASE      # the server with onnxruntime in TensorFlow's place, for the benchmark
"""

import argparse
import base64
import contextlib
import http.client
import importlib.util
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfgan_zoo import console
from tools.benchmark.games import GAMES
from tools.benchmark.options import add_common, positive
from tools.benchmark.report import apart, load_before, slices, write

HELP = "speed of the embedded server"
GAME = GAMES["dcgan28"].arguments
SERVE = ("tfgan_zoo", "serve", "model", "--port", "0", "--grpc-port", "0", "--model-base-path")
SERVERS = {  # name -> the command, to which the folder of models is added
    "batched": SERVE,
    "one by one": (*SERVE[:3], "--batch", "1", *SERVE[3:]),
    "onnxruntime": ("tools.benchmark.serving",),
}
SIGNATURE = "generate_png"


def write_model(base: str, image_shape: tuple[int, int, int], filters: int, latent_dim: int) -> None:
    """Export an untrained DCGAN as `model`, also for onnxruntime: speed does not depend on weights."""
    from tfgan_zoo.families.dcgan import DCGAN
    from tfgan_zoo.serving import formats, savedmodel

    model = DCGAN(image_shape=image_shape, filters=filters, latent_dim=latent_dim)
    savedmodel.export(model, base, name="model", verify=False)
    if servers() == list(SERVERS):
        formats.export(model, base, name="model", format="onnx")


def servers() -> list[str]:
    """The servers that can run here: without its libraries, onnxruntime is left out."""
    there = all(importlib.util.find_spec(module) for module in ("onnx", "tf2onnx", "onnxruntime"))
    return [name for name in SERVERS if there or name != "onnxruntime"]


@contextlib.contextmanager
def running(base: str, name: str) -> Iterator[tuple[int, subprocess.Popen]]:
    """A server of `SERVERS` in a process of its own: its port and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", *SERVERS[name], base],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        line = process.stdout.readline()
        yield int(re.search(r":(\d+)/v1", line)[1]), process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def body_of(latent_dim: int) -> bytes:
    """A request for one picture of one latent vector."""
    return json.dumps({"signature_name": SIGNATURE, "instances": [[0.1] * latent_dim]}).encode()


def load(port: int, clients: int, seconds: float, body: bytes, busy: float = 1.0) -> dict[str, Any]:
    """Requests of `clients` at once, each with a connection that it keeps: seconds of each, and errors.

    A client waits for answers for a share `busy` of the time, and asks nothing in the rest.
    """
    took, errors, end = [], [], time.perf_counter() + seconds

    def client():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while (began := time.perf_counter()) < end:
            connection.request("POST", "/v1/models/model:predict", body)
            response = connection.getresponse()
            answer = response.read()
            took.append(time.perf_counter() - began)
            if response.status != 200 or b"b64" not in answer:
                errors.append(answer[:200].decode(errors="replace"))
            time.sleep(took[-1] * (1 / busy - 1))
        connection.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"took": took, "errors": errors, "seconds": time.perf_counter() - began}


def direct(base: str, seconds: float, latent_dim: int) -> dict[str, Any]:
    """The same question to the SavedModel in this process, one after the other."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(Path(base) / "model" / "1"))
    signature, z, took = loaded.signatures[SIGNATURE], tf.fill((1, latent_dim), 0.1), []
    for _ in range(5):
        signature(z=z)
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        (answer,) = signature(z=z).values()
        base64.b64encode(answer.numpy()[0])
        took.append(time.perf_counter() - began)
    return {"took": took, "errors": [], "seconds": sum(took)}


def memory(process: subprocess.Popen) -> int:
    """Bytes that a process holds in memory (Linux)."""
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def row(name: str, clients: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Slices of one contender as a row: milliseconds of the median and of the slowest hundredth, pictures a second."""
    took = sorted(seconds for part in parts for seconds in part["took"])
    return {
        "name": name,
        "clients": clients,
        "requests": len(took),
        "errors": sum(len(part["errors"]) for part in parts),
        "p50_ms": 1000 * statistics.median(took),
        "p99_ms": 1000 * took[min(len(took) - 1, len(took) * 99 // 100)],
        "images_per_second": statistics.median(len(part["took"]) / part["seconds"] for part in parts),
    }


# === The command ===
def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own options."""
    command.add_argument(
        "--clients", type=positive(int), nargs="+", default=[1, 8, 64], metavar="N", help="clients at once"
    )
    command.add_argument("--filters", type=positive(int), help="another width than the game's own (a quick try: 4)")
    command.add_argument("--soak", type=positive(float), metavar="SECONDS", help="then load it as long, with 4 clients")
    command.add_argument("--busy", type=positive(float), default=0.5, help="share of the soak that a client asks in")
    add_common(command, rounds=3, seconds=4.0)


def run(arguments: argparse.Namespace) -> None:
    """The command."""
    before, body = load_before(), body_of(GAME["latent_dim"])
    image_shape, filters, latent_dim = GAME["image_shape"], arguments.filters or GAME["filters"], GAME["latent_dim"]
    rows = []
    with tempfile.TemporaryDirectory() as base, contextlib.ExitStack() as stack:
        apart(write_model, base, image_shape, filters, latent_dim)
        started = {name: stack.enter_context(running(base, name)) for name in servers()}
        parts = {}
        for number in range(arguments.rounds):
            parts.setdefault(("direct", 1), []).append(apart(direct, base, arguments.seconds, latent_dim))
            for clients in arguments.clients:
                for name, (port, _) in started.items():
                    made = apart(load, port, clients, arguments.seconds, body)
                    parts.setdefault((name, clients), []).append(made)
            console.note(f"round {number + 1}/{arguments.rounds}")
        rows = [row(*key, made) for key, made in parts.items()]
        if arguments.soak:
            port, process = started["batched"]
            at_first = memory(process)
            soaked = row("soak", 4, [apart(load, port, 4, arguments.soak, body, arguments.busy)])
            rows.append(soaked | {"memory_before": at_first, "memory_after": memory(process)})
            console.note(f"memory {at_first / 2**20:,.0f} MiB before, {memory(process) / 2**20:,.0f} MiB after")
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


# === The server with onnxruntime ===
def main(base: str) -> None:
    """Serve `model` as `serve` does, on any free ports, with its network computed by onnxruntime."""
    import onnxruntime
    import tensorflow as tf

    from tfgan_zoo.modalities import Image
    from tfgan_zoo.serving import encoded
    from tfgan_zoo.serving.server import Server
    from tfgan_zoo.serving.settings import Settings

    home = Path(base) / "model"
    session = onnxruntime.InferenceSession(home / "onnx" / "1" / "generate.onnx")

    def answer(z):
        (made,) = session.run(None, {"z": z.numpy()})
        name, files = encoded.written(Image(made.shape[1:]), tf.constant(made))
        return {name: files}

    def ready(server):
        signature = server.service.models.find("model").signatures[SIGNATURE]
        signature.function = answer
        print(f"http://127.0.0.1:{server.port}/v1", flush=True)

    server = Server({"model": home}, Settings(port=0, grpc_port=0), ready)
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    server.run()


if __name__ == "__main__":
    main(sys.argv[1])
