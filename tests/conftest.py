"""Shared fixtures. Two logical CPU devices exist before TensorFlow starts: every test can use 1 or 2 replicas."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import pytest


@pytest.fixture(scope="session", autouse=True)
def two_devices():
    """Make two logical CPU devices before anything touches the TensorFlow runtime."""
    from tfgan_zoo import devices

    devices.logical_cpus(2)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data and weights; tests that use it skip where it is absent."""
    folder = Path(os.environ.get("TFGAN_ZOO_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} does not exist (set TFGAN_ZOO_SHARED)")
    return folder
