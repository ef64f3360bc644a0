"""Shared fixtures. Two logical CPU devices exist before TensorFlow starts: every test can use 1 or 2 replicas."""

import gc
import os
import signal
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import pytest

# A shell that runs the tests in the background lets them ignore signals, which training then does too.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, name), handler)


@pytest.fixture(scope="session", autouse=True)
def two_devices():
    """Make two logical CPU devices before anything touches the TensorFlow runtime."""
    from tfgan_zoo import devices

    devices.logical_cpus(2)
    gc.collect()
    gc.freeze()  # what was imported stays: it need not be looked through at each collection


@pytest.fixture(autouse=True)
def graphs_are_freed(two_devices):
    """Each `fit` leaves the graph of its step behind, in a cycle that Python cannot see: gigabytes in a whole run."""
    begin = time.monotonic()
    yield
    if time.monotonic() - begin > 2:  # the tests that leave much
        free_graphs()


def free_graphs():
    """Take apart the graphs that no function uses any more."""
    from tensorflow.python.eager.polymorphic_function.atomic_function import AtomicFunction
    from tensorflow.python.framework import func_graph

    gc.collect()
    alive = gc.get_objects()
    used = {id(each.graph) for each in alive if isinstance(each, AtomicFunction)}
    for each in alive:
        if isinstance(each, func_graph.FuncGraph) and id(each) not in used:
            func_graph.dismantle_func_graph(each)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data and weights; tests that use it skip where it is absent."""
    folder = Path(os.environ.get("TFGAN_ZOO_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} does not exist (set TFGAN_ZOO_SHARED)")
    return folder
