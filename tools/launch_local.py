"""Train on several workers of this one machine, each a process of its own, as on several hosts.

    python -m tools.launch_local --workers 2 train dcgan_glyphs train.steps=200

Every worker runs `python -m tfgan_zoo` with the arguments that follow, and TF_CONFIG that names all of them. The first
worker, the chief, writes the run; lines of the others begin with their number. Ctrl-C and SIGTERM go to all of them.
Where one ends with an error, the others have `--patience` seconds to notice.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import click


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(arguments: list[str], ports: list[int], index: int) -> subprocess.Popen:
    """Worker `index` in a process group of its own, so that a Ctrl-C reaches it from here alone, and once."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    return subprocess.Popen(
        arguments,
        env=os.environ | {"TF_CONFIG": config, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if index else None,
        stderr=subprocess.STDOUT if index else None,
        start_new_session=True,
    )


def pass_on(process: subprocess.Popen, index: int) -> None:
    """Print what a worker prints, with its number before each line."""
    for line in process.stdout:
        click.echo(f"[{index}] {line.decode(errors='replace').rstrip()}", err=True)


def wait(processes: list[subprocess.Popen], patience: float) -> int:
    """Wait for all; end those that outlive another's error by `patience` seconds. Returns the first error's status."""
    status, failed = 0, None
    while any(process.poll() is None for process in processes):
        for process in processes:
            if process.poll() and failed is None:
                status, failed = process.returncode, time.monotonic()
        if failed and time.monotonic() - failed > patience:
            for process in processes:
                process.kill()
        time.sleep(0.1)
    return status or next((process.returncode for process in processes if process.returncode), 0)


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--workers", type=click.IntRange(min=2), default=2, show_default=True, help="Processes to start.")
@click.option(
    "--patience", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds after another's error."
)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
def main(workers: int, patience: float, arguments: tuple[str, ...]) -> None:
    """Run `python -m tfgan_zoo ARGUMENTS` on several workers of this machine."""
    ports = free_ports(workers)
    processes = [start([sys.executable, "-m", "tfgan_zoo", *arguments], ports, index) for index in range(workers)]
    readers = [
        threading.Thread(target=pass_on, args=(process, index), daemon=True)
        for index, process in enumerate(processes)
        if index
    ]
    for reader in readers:
        reader.start()

    def to_all(number, frame):
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, to_all)
    status = wait(processes, patience)
    for reader in readers:
        reader.join(5)
    sys.exit(128 - status if status < 0 else status)


if __name__ == "__main__":
    main()
