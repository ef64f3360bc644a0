"""How fast is the zoo beside named peers, measured in the same run?

    python tools/benchmark.py train
    python tools/benchmark.py train --shapes 28 --rounds 3 --seconds 5 --jit --json speed.json

Trains DCGAN (Radford et al. 2015, https://arxiv.org/abs/1511.06434) at the paper's widths and counts images/s of

    zoo       model.compile(); model.fit(data, steps_per_epoch=n): what a user of the zoo gets
    bare      the same networks in a hand-written tf.function step without the zoo's base class
    pytorch   PyTorch's DCGAN example at the same widths and kernels, channels last (where torch is installed)

Each contender lives in a process of its own, so that their thread pools never mix, and computes only while the others
wait. They take slices in turn (A B C A B C ...), so that a machine that slows down slows all of them. Read the ratios:
images/s belong to one machine at one moment. On a machine that others use too, take --threads 1 and read the images per
second of processor time: threads that wait for one another suffer most from neighbours, and not all contenders alike.
"""

import argparse
import datetime
import importlib.util
import json
import math
import os
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
from tfgan_zoo import console, files  # noqa: E402
from tfgan_zoo.errors import ZooError  # noqa: E402

GAMES = {64: ((64, 64, 3), 128), 28: ((28, 28, 1), 64)}  # side -> image_shape, filters
LATENT_DIM, KERNEL = 100, 5
ADAM = {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999, "epsilon": 1e-7}
BATCHES = 16  # distinct batches that the contenders go round

Run = Callable[[int], None]  # trains that many steps and returns when they are done


# === Contenders: (image_shape, filters, batch, jit) -> (run, trainable parameters). They import what they need ===
def zoo(image_shape, filters: int, batch: int, jit: bool) -> tuple[Run, int]:
    """The zoo as a user runs it."""
    from tfgan_zoo.families.dcgan import DCGAN

    model = DCGAN(image_shape=image_shape, latent_dim=LATENT_DIM, filters=filters, kernel_size=KERNEL)
    model.compile(jit_compile=jit)
    data = pipeline(image_shape, batch)

    def run(steps):
        model.fit(data, steps_per_epoch=steps, verbose=0)

    return run, count(model.trainable_variables)


def bare(image_shape, filters: int, batch: int, jit: bool) -> tuple[Run, int]:
    """The same networks and losses in one tf.function: alternating steps that share one generator pass."""
    from tfgan_zoo.families import dcgan
    from tfgan_zoo.networks.geometry import count_doublings

    doublings = count_doublings(image_shape)
    generator = dcgan.generator(image_shape, LATENT_DIM, filters, KERNEL, doublings)
    discriminator = dcgan.discriminator(image_shape, filters, KERNEL, doublings)
    step = bare_step(generator, discriminator, jit)
    batches = iter(pipeline(image_shape, batch))

    def run(steps):
        for _ in range(steps):
            d_loss, g_loss = step(next(batches)["image"])
        float(g_loss)  # wait for devices that run ahead

    return run, count(generator.trainable_variables + discriminator.trainable_variables)


def bare_step(generator, discriminator, jit: bool = False, noise: Callable | None = None):
    """uint8 images (batch, height, width, channels) -> (d_loss, g_loss), both networks moved by Adam.

    `noise(shape)` draws the latents; U(-1, 1) unless given.
    """
    import keras
    import tensorflow as tf

    noise = noise or (lambda shape: tf.random.uniform(shape, -1.0, 1.0))
    d_variables, g_variables = discriminator.trainable_variables, generator.trainable_variables
    d_optimizer, g_optimizer = keras.optimizers.Adam(**ADAM), keras.optimizers.Adam(**ADAM)
    d_optimizer.build(d_variables)
    g_optimizer.build(g_variables)

    @tf.function(jit_compile=jit)
    def step(images):
        real = tf.cast(images, tf.float32) / 127.5 - 1.0
        with tf.GradientTape() as g_tape:
            fake = generator(noise((images.shape[0], LATENT_DIM)), training=True)
            with g_tape.stop_recording():
                with tf.GradientTape() as d_tape:
                    d_loss = tf.reduce_mean(tf.nn.softplus(-discriminator(real, training=True)))
                    d_loss += tf.reduce_mean(tf.nn.softplus(discriminator(fake, training=True)))
                d_optimizer.apply(d_tape.gradient(d_loss, d_variables), d_variables)
            g_loss = tf.reduce_mean(tf.nn.softplus(-discriminator(fake, training=True)))
        g_optimizer.apply(g_tape.gradient(g_loss, g_variables), g_variables)
        return d_loss, g_loss

    return step


def pytorch(image_shape, filters: int, batch: int, jit: bool) -> tuple[Run, int]:
    """pytorch/examples/dcgan in channels_last: what a PyTorch user would write.

    Two things differ from the example, both in PyTorch's favour: gradients that nobody uses (of D in G's step) are not
    computed, and the sigmoid is part of the loss.
    """
    import torch
    from torch.nn.functional import softplus

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator, discriminator = (
        network.to(device, memory_format=torch.channels_last) for network in torch_networks(image_shape, filters)
    )
    d_parameters, g_parameters = list(discriminator.parameters()), list(generator.parameters())
    adam = {"lr": ADAM["learning_rate"], "betas": (ADAM["beta_1"], ADAM["beta_2"]), "eps": ADAM["epsilon"]}
    d_optimizer, g_optimizer = torch.optim.Adam(d_parameters, **adam), torch.optim.Adam(g_parameters, **adam)
    images, at = random_images(image_shape, batch), 0

    def step(uint8):
        # (n, h, w, c) seen as (n, c, h, w) is channels last already
        real = torch.from_numpy(uint8).to(device).permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
        fake = generator(torch.rand(len(uint8), LATENT_DIM, 1, 1, device=device) * 2.0 - 1.0)
        d_optimizer.zero_grad()
        d_loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()
        d_loss.backward()
        d_optimizer.step()
        g_optimizer.zero_grad()
        g_loss = softplus(-discriminator(fake)).mean()
        g_loss.backward(inputs=g_parameters)
        g_optimizer.step()
        return g_loss

    def run(steps):
        nonlocal at
        for _ in range(steps):
            g_loss = step(images[at * batch : (at + 1) * batch])
            at = (at + 1) % BATCHES
        g_loss.item()  # wait for devices that run ahead

    return run, sum(parameter.numel() for parameter in d_parameters + g_parameters)


def torch_networks(image_shape, filters: int):
    """Generator and discriminator with the layers, widths and biases of `tfgan_zoo.families.dcgan`."""
    from torch import nn

    from tfgan_zoo.networks.geometry import count_doublings

    height, _, channels = image_shape
    doublings = count_doublings(image_shape)
    start = height >> doublings
    widths = [filters << level for level in range(doublings)]  # from the image inwards
    half = KERNEL // 2

    def weights(layer):  # as in the example and in the paper
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)

    def norm(width):
        return nn.BatchNorm2d(width, eps=1e-5, momentum=0.1)

    layers = [nn.ConvTranspose2d(LATENT_DIM, widths[-1], start, bias=False), norm(widths[-1]), nn.ReLU(True)]
    for wide, narrow in zip(widths[:0:-1], widths[-2::-1]):
        layers += [nn.ConvTranspose2d(wide, narrow, KERNEL, 2, half, output_padding=1, bias=False)]
        layers += [norm(narrow), nn.ReLU(True)]
    layers += [nn.ConvTranspose2d(filters, channels, KERNEL, 2, half, output_padding=1), nn.Tanh()]
    generator = nn.Sequential(*layers).apply(weights)

    layers = [nn.Conv2d(channels, filters, KERNEL, 2, half), nn.LeakyReLU(0.2, True)]
    for narrow, wide in zip(widths, widths[1:]):
        layers += [nn.Conv2d(narrow, wide, KERNEL, 2, half, bias=False), norm(wide), nn.LeakyReLU(0.2, True)]
    layers += [nn.Conv2d(widths[-1], 1, start)]
    return generator, nn.Sequential(*layers).apply(weights)


CONTENDERS = {"zoo": zoo, "bare": bare, "pytorch": pytorch}


def random_images(image_shape, batch: int):
    """uint8 noise, `BATCHES` batches of it."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (BATCHES * batch, *image_shape), np.uint8)


def pipeline(image_shape, batch: int):
    """An endless prefetching tf.data pipeline of uint8 batches {"image": (batch, height, width, channels)}."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices({"image": random_images(image_shape, batch)})
    return data.repeat().batch(batch, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def count(variables) -> int:
    """Scalars in `variables`."""
    return sum(math.prod(variable.shape) for variable in variables)


def limit_threads(contender: str, threads: int) -> None:
    """Let the framework of `contender` compute on `threads` threads."""
    if contender == "pytorch":
        import torch

        torch.set_num_threads(threads)
    else:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


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
        """Train for about `seconds`; append the images/s to the row's `rounds`, those of processor time to `cpu_rounds`."""
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
    contender = CONTENDERS[job["contender"]]
    run, parameters = contender(tuple(job["image_shape"]), job["filters"], job["batch"], job["jit"])
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
    """Add medians over the rounds and ratios to `bare` and `pytorch`, of the clock's time and of processor time.

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
        console.note(f"other jobs load this machine ({load:.1f} on {cores()} cores): see --help on what to read then")
    results = []
    for side in arguments.shapes:
        image_shape, filters = GAMES[side]
        job = {"image_shape": image_shape, "filters": arguments.filters or filters, "batch": arguments.batch,
               "threads": arguments.threads}
        rows = compare([{"contender": name, "jit": jit, **job} for name, jit in entrants],
                       arguments.rounds, arguments.seconds)
        show(f"DCGAN-{side} training, filters={job['filters']}, batch {arguments.batch}, {arguments.threads} thread(s), "
             f"median of {arguments.rounds} rounds of {arguments.seconds:g} s", rows)
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
        return [row["name"], f"{min(row['rounds']):,.1f} to {max(row['rounds']):,.1f}", *cells[:-1], f"{cells[-1]} s"]

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
    command = commands.add_parser("train", help="images/s of DCGAN training: zoo, bare tf.function loop, PyTorch",
                                  formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    command.set_defaults(run=train)
    command.add_argument("--shapes", type=int, nargs="+", choices=GAMES, default=list(GAMES), metavar="SIDE",
                         help="64: (64, 64, 3) with filters=128; 28: (28, 28, 1) with filters=64")
    command.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME",
                         help=f"contenders, of {', '.join(CONTENDERS)}")
    command.add_argument("--jit", action="store_true", help="add rows with XLA (jit_compile=True) for zoo and bare")
    command.add_argument("--batch", type=positive(int), default=64, help="images per step")
    command.add_argument("--rounds", type=positive(int), default=5, help="slices of each contender")
    command.add_argument("--seconds", type=positive(float), default=10.0, help="length of a slice")
    command.add_argument("--threads", type=positive(int), default=cores(), help="threads that a contender computes on")
    command.add_argument("--filters", type=positive(int), help="other widths than the shape's own (a quick try: 4)")
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
    main()
