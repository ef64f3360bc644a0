"""Where Inception's weights come from: the graph that TensorFlow published, and PyTorch's copy of it.

Both have the batch normalization apart; here it is folded into the convolutions, in float64.
"""

import re
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from tfgan_zoo.errors import ZooError
from tfgan_zoo.features import inception

GRAPH = "classify_image_graph_def.pb"
EPSILON = 0.001  # of PyTorch's batch normalization; the graph says its own
TOO_LARGE = 500_000_000  # bytes; the graph has 96 million


def from_graph(data: bytes, name: str) -> dict[str, np.ndarray]:
    """The arrays of `inception.layout()` from the bytes of the frozen graph; `name` is for messages.

    Raises:
        ZooError: it is no graph, or a node of the network is missing or has another shape.
    """
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(data)
    except DecodeError as error:
        raise ZooError(f"{name} is not a TensorFlow graph ({error}); give {GRAPH}.") from None
    nodes = {node.name: node for node in graph.node}

    def node(path: str, op: str) -> Any:
        if path not in nodes or nodes[path].op != op:
            raise ZooError(
                f"{name}: the graph has no node {path} ({op}), so it is not the Inception of 2015-12-05; give {GRAPH}."
            )
        return nodes[path].attr

    def constant(path: str) -> np.ndarray:
        return tf.make_ndarray(node(path, "Const")["value"].tensor)

    def convolution(scope: str) -> tuple:
        path = _node_path(scope)
        norm = node(f"{path}/batchnorm", "BatchNormWithGlobalNormalization")
        beta, gamma, mean, variance = (
            constant(f"{path}/batchnorm/{part}") for part in ("beta", "gamma", "moving_mean", "moving_variance")
        )
        if not norm["scale_after_normalization"].b:
            gamma = np.ones_like(gamma)  # the graph has one and does not use it
        return constant(f"{path}/conv2d_params"), beta, gamma, mean, variance, norm["variance_epsilon"].f

    return _collect(name, convolution, lambda: (constant("softmax/weights"), constant("softmax/biases")))


def _node_path(scope: str) -> str:
    """ "mixed_9_tower_1_mixed_conv" -> "mixed_9/tower_1/mixed/conv"."""
    return re.sub(r"_(?=[a-z])", "/", scope)


def graph_in(archive: IO[bytes], name: str) -> bytes:
    """The graph's bytes from the .tgz archive. Nothing is extracted, so names inside it cannot lead anywhere.

    Raises:
        ZooError: the archive is damaged, or holds no graph.
    """
    try:
        with tarfile.open(fileobj=archive, mode="r:gz") as tar:
            member = next((m for m in tar if m.isreg() and m.name in (GRAPH, f"./{GRAPH}")), None)
            if member is None or member.size > TOO_LARGE:
                raise ZooError(f"{name}: the archive holds no {GRAPH}; give inception-2015-12-05.tgz.")
            return tar.extractfile(member).read()
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ZooError(f"{name}: the archive is damaged ({error}); fetch it again.") from None


def from_state_dict(path: Path) -> dict[str, np.ndarray]:
    """The arrays of `inception.layout()` from the file of a PyTorch state dict, as pytorch-fid and torch-fidelity use.

    Raises:
        ZooError: no PyTorch to read it with, an unreadable file, a missing or differently shaped tensor.
    """
    try:
        import torch
    except ImportError:
        raise ZooError(f"{path}: to read it takes PyTorch (pip install torch); or give {GRAPH}.") from None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # broken files make it raise nearly anything
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ZooError(f"{path} is not a PyTorch state dict ({reason}); save one with torch.save.") from None

    def tensor(key: str) -> np.ndarray:
        if not isinstance(state, Mapping) or not torch.is_tensor(state.get(key)):
            raise ZooError(
                f"{path}: there is no tensor {key}, so it is not the state dict of the Inception of "
                "2015-12-05; give pt_inception-2015-12-05-6726825d.pth."
            )
        return state[key].detach().numpy()

    def convolution(scope: str) -> tuple:
        module = _module_path(scope)
        beta, gamma, mean, variance = (
            tensor(f"{module}.bn.{part}") for part in ("bias", "weight", "running_mean", "running_var")
        )
        return tensor(f"{module}.conv.weight").transpose(2, 3, 1, 0), beta, gamma, mean, variance, EPSILON

    return _collect(str(path), convolution, lambda: (tensor("fc.weight").T, tensor("fc.bias")))


_STEM = {
    "conv": "Conv2d_1a_3x3",
    "conv_1": "Conv2d_2a_3x3",
    "conv_2": "Conv2d_2b_3x3",
    "conv_3": "Conv2d_3b_1x1",
    "conv_4": "Conv2d_4a_3x3",
}
_BLOCKS = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")  # mixed, mixed_1, ... mixed_10
_BRANCHES = {  # of a block, or of all blocks with that number: the names of the main branch, tower and tower_1
    "5": ("branch1x1", "branch5x5", "branch3x3dbl"),
    "6a": ("branch3x3", "branch3x3dbl"),
    "6": ("branch1x1", "branch7x7", "branch7x7dbl"),
    "7a": (None, "branch3x3", "branch7x7x3"),
    "7": ("branch1x1", "branch3x3", "branch3x3dbl"),
}
_SCOPE = re.compile(
    r"mixed(?:_(?P<block>\d+))?_(?P<branch>|tower_|tower_1_|tower_2_)(?P<split>|mixed_)conv(?:_(?P<index>\d))?"
)


def _module_path(scope: str) -> str:
    """ "mixed_9_tower_1_mixed_conv" -> "Mixed_7b.branch3x3dbl_3a"."""
    if scope in _STEM:
        return _STEM[scope]
    part = _SCOPE.fullmatch(scope)
    block, branch, index = _BLOCKS[int(part["block"] or 0)], part["branch"], int(part["index"] or 0)
    if branch == "tower_2_":
        return f"Mixed_{block}.branch_pool"
    names = _BRANCHES.get(block, _BRANCHES[block[0]])
    if not branch:
        return f"Mixed_{block}.{names[0]}"
    place = 1 if branch == "tower_" else 2
    number = f"{place + 1}{'ab'[index]}" if part["split"] else index + 1  # the split comes after `place` convolutions
    return f"Mixed_{block}.{names[place]}_{number}"


def _collect(name: str, convolution: Callable[[str], tuple], dense: Callable[[], tuple]) -> dict[str, np.ndarray]:
    """All arrays in the order of the layout, float32, after a look at their shapes.

    `convolution(scope)` gives the arguments of `fold`; `dense()` the softmax' kernel and bias.
    """
    arrays = {}
    for key, shape in inception.layout()["logits"].items():
        scope, _, kind = key.rpartition("/")
        if kind == "bias":
            continue
        kernel, *vectors = parts = dense() if scope == "softmax" else convolution(scope)
        if kernel.shape != shape or any(v.shape != shape[-1:] for v in vectors[:4]):
            found = [p.shape for p in parts[:5]]
            raise ZooError(
                f"{name}: {scope} has shapes {found}, its kernel should have {shape}; "
                "so it is not the Inception of 2015-12-05."
            )
        kernel, bias = parts if scope == "softmax" else fold(*parts)
        arrays |= {f"{scope}/kernel": kernel.astype(np.float32), f"{scope}/bias": bias.astype(np.float32)}
    return arrays


def fold(kernel, beta, gamma, mean, variance, epsilon) -> tuple[np.ndarray, np.ndarray]:
    """Batch normalization in the convolution before it: float64 (kernel', bias) with

    kernel' * x + bias = gamma (kernel * x - mean) / sqrt(variance + epsilon) + beta.
    """
    scale = gamma / np.sqrt(variance.astype(np.float64) + epsilon)
    return kernel * scale, beta - mean * scale
