"""`python -m tools.benchmark evaluate`: Inception features, a whole FID and PRDC, with random weights and pictures.

    zoo              features by the zoo's Inception extractor
    torch-fidelity   the same by torch-fidelity's FeatureExtractorInceptionV3, as it comes
    channels-last    the same in the memory layout that suits processors, which torch-fidelity does not offer
    fid              a whole FID against cached statistics, beside the features that it takes
    prdc             precision, recall, density and coverage of random features

All networks have the same random weights (`write_weights`) and see the same pictures, so they give the same features.
torch-fidelity's package imports torchvision, which its Inception does not use: only the module with the network, and
those it imports itself, are loaded here.
"""

import argparse
import importlib
import importlib.util
import sys
import tempfile
import time
import tracemalloc
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfgan_zoo import console
from tools.benchmark.options import add_common, positive
from tools.benchmark.race import compare, limit_threads, once
from tools.benchmark.report import apart, load_before, show, slices, write

HELP = "speed of Inception features, FID and PRDC"
PEER = "torch-fidelity"
PEERS = (PEER, "channels-last")
PARTS = ("features", "fid", "prdc")
NEEDS = ("torch", "torch_fidelity")
COMPARED = 4  # pictures whose features are compared
AT_A_TIME = 128  # pictures that `evaluate` hands to an extractor
STATE, WEIGHTS = "inception.pth", "inception.npz"

Built = tuple[Callable[[int], dict | None], dict[str, Any]]


def build(job: dict[str, Any]) -> Built:
    """What `race` runs."""
    return CONTENDERS[job["contender"]](job)


# === Features per second ===
def zoo(job: dict[str, Any]) -> Built:
    """A job has `weights` (a folder that `write_weights` has filled), `side` and `tap`. Facts: `features` of `COMPARED`
    pictures.
    """
    limit_threads("tensorflow", job["threads"])
    network, pictures = extractor(job), random_pictures(job["side"], job["batch"])

    def run(steps):
        for _ in range(steps):
            network.outputs(pictures, [job["tap"]])

    return run, {"features": network.outputs(pictures[:COMPARED], [job["tap"]])[job["tap"]].tolist()}


def torch_fidelity(job: dict[str, Any]) -> Built:
    """As `zoo`."""
    import torch

    limit_threads("pytorch", job["threads"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    state = str(Path(job["weights"]) / STATE)
    network = inception().FeatureExtractorInceptionV3("inception", [job["tap"]], feature_extractor_weights_path=state)
    pictures = torch.from_numpy(random_pictures(job["side"], job["batch"])).to(device).permute(0, 3, 1, 2)
    layout = torch.channels_last if job["contender"] == "channels-last" else torch.contiguous_format
    network, pictures = network.to(device, memory_format=layout), pictures.contiguous(memory_format=layout)

    @torch.no_grad()
    def features(x):
        return network(x)[0].cpu().numpy()

    def run(steps):
        for _ in range(steps):
            features(pictures)

    return run, {"features": features(pictures[:COMPARED]).tolist()}


def inception() -> types.ModuleType:
    """torch-fidelity's module with the network, without the rest of its package."""
    package = types.ModuleType("torch_fidelity")
    package.__path__ = list(importlib.util.find_spec("torch_fidelity").submodule_search_locations)
    sys.modules.setdefault("torch_fidelity", package)
    return importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")


def extractor(job: dict[str, Any]):
    """The zoo's extractor."""
    from tfgan_zoo import features

    return features.extractor("inception_2015", weights=Path(job["weights"]) / WEIGHTS)


def difference(features: list, others: list) -> float:
    """The largest difference between two sets of features, relative to the largest feature."""
    import numpy as np

    return float(np.abs(np.subtract(features, others)).max() / np.abs(others).max())


# === A whole FID, and PRDC ===
def fid(job: dict[str, Any]) -> Built:
    """FID of `count` pictures of `side`; the features alone are those of `alone` of them, before it and after it.

    Facts of a run: `whole` and `features` (of as many pictures), each as `clock` has them.
    """
    limit_threads("tensorflow", job["threads"])
    import tensorflow as tf

    from tfgan_zoo import evaluation

    pictures = random_pictures(job["side"], job["count"])

    class Model:
        """Gives the pictures."""

        name = "noise"

        def sample_images(self, seeds, truncation=None):
            return tf.gather(pictures, seeds)

    class Reference(evaluation.Stream):
        """Real images whose statistics are in the cache; how many they were taken over makes no difference."""

        line = fingerprint = "reference"
        count = 64

        def batches(self):
            yield random_pictures(job["side"], self.count), None

    store, network = tempfile.TemporaryDirectory(), extractor(job)

    def whole(count):
        weights = Path(job["weights"]) / WEIGHTS
        protocol = evaluation.Protocol("fid", samples=count, inception_weights=weights, cache=store.name)
        evaluation.evaluate(Model(), Reference(), protocol)

    def alone():
        for first in range(0, job["alone"], AT_A_TIME):
            network.outputs(pictures[first : min(first + AT_A_TIME, job["alone"])], ["2048"])

    def run(steps):
        before, took, after = clock(alone), clock(lambda: whole(job["count"])), clock(alone)
        share = job["count"] / (2 * job["alone"])
        return {"whole": took, "features": {key: share * (before[key] + after[key]) for key in took}}

    whole(2)  # fills the cache and traces the graph
    alone()
    return run, {}


def prdc(job: dict[str, Any]) -> Built:
    """PRDC of `count` against `count` rows of `dim`. Facts of a run: `peak_bytes` beyond the rows, and `values`."""
    import numpy as np

    from tfgan_zoo.metrics.prdc import PrecisionRecall

    random = np.random.default_rng(0)
    real, fake = (random.standard_normal((job["count"], job["dim"]), np.float32) for _ in range(2))

    def run(steps):
        tracemalloc.start()
        metric = PrecisionRecall(job["dim"])
        metric.update(real, fake)
        values = {name: value.value for name, value in metric.result().items()}
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return {"peak_bytes": peak, "values": values}

    return run, {}


def clock(call: Callable[[], Any]) -> dict[str, float]:
    """How long a call takes: `seconds` by the clock, `cpu_seconds` of processor time."""
    began, cpu_began = time.perf_counter(), time.process_time()
    call()
    return {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu_began}


# === What they share ===
def random_pictures(side: int, count: int):
    """uint8 noise (count, side, side, 3)."""
    import numpy as np

    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def write_weights(folder: str) -> None:
    """Random Inception weights: torch-fidelity's state dict `STATE`, and `WEIGHTS` for the zoo, converted from it.

    Without torch-fidelity only the latter.
    """
    import numpy as np

    from tfgan_zoo.features import inception as network
    from tfgan_zoo.features import inception_weights

    folder = Path(folder)
    if all(importlib.util.find_spec(module) for module in NEEDS):
        import torch

        torch.manual_seed(0)
        torch.save(random_network().state_dict(), folder / STATE)
        inception_weights.convert(folder / STATE, folder / WEIGHTS)
        return
    random = np.random.default_rng(0)
    arrays = {}
    for key, shape in network.layout()["logits"].items():
        scale = np.sqrt(2 / np.prod(shape[:-1])) if key.endswith("kernel") else 0.1
        arrays[key] = random.standard_normal(shape, np.float32) * np.float32(scale)
    np.savez(folder / WEIGHTS, **arrays)


def random_network():
    """torch-fidelity's network with weights that keep the signal's size (He et al. 2015, arxiv.org/abs/1502.01852) and
    normalizations that do something, so that their conversion matters.
    """
    from torch import nn

    theirs = inception()
    theirs.load_state_dict_from_url = lambda *args, **kwargs: None  # no download: the weights are drawn below

    class Undefined(theirs.FeatureExtractorInceptionV3):
        def load_state_dict(self, state):
            """Leave the weights as they are."""

    network = Undefined("inception", ["2048"])
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        elif isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.weight, layer.running_var):
                nn.init.uniform_(tensor, 0.8, 1.2)
            for tensor in (layer.bias, layer.running_mean):
                nn.init.normal_(tensor, 0.0, 0.1)
    return network


RACERS = {"zoo": zoo, PEER: torch_fidelity, "channels-last": torch_fidelity}
CONTENDERS = {**RACERS, "fid": fid, "prdc": prdc}


# === The command ===
def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command's own options."""
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
    add_common(command, rounds=3, seconds=8.0)


def run(arguments: argparse.Namespace) -> None:
    """The command."""
    load, results = load_before(), []
    with tempfile.TemporaryDirectory() as weights:
        if {"features", "fid"} & set(arguments.only):
            console.note("drawing random Inception weights")
            apart(write_weights, weights)
        shared = {
            "module": "tools.benchmark.features",
            "weights": weights,
            "threads": arguments.threads,
            "batch": arguments.batch,
        }
        if "features" in arguments.only:
            for side in arguments.sizes:
                for tap in arguments.taps:
                    results += race(shared | {"side": side, "tap": tap}, arguments)
        if "fid" in arguments.only:
            results.append(whole_fid(shared, arguments))
        if "prdc" in arguments.only:
            results += neighbours(shared, arguments)
    write(arguments, load, [{key: row[key] for key in row if key != "weights"} for row in results])


def race(job: dict[str, Any], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The features that `job` tells, by all contenders: their rows, which are shown too."""
    jobs = [{"name": name, "contender": name, "needs": [] if name == "zoo" else NEEDS, **job} for name in RACERS]
    rows = compare(jobs, arguments.rounds, arguments.seconds, PEERS)
    found = {row["name"]: row.pop("features") for row in rows if "features" in row}
    for row in rows:
        if row["name"] in found and PEER in found:
            row["difference"] = difference(found[row["name"]], found[PEER])
    side = job["side"]
    settings = f"{side}x{side}x3 pictures, batch {job['batch']}, {job['threads']} thread(s), {slices(arguments)}"
    show(f"Inception features {job['tap']}, {settings}", rows, PEERS, {"apart by": ("difference", ".0e")})
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
            "alone": min(count, 2 * AT_A_TIME),
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
