"""The devices a model trains on and the strategy over them."""

import functools
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tfgan_zoo.errors import ZooError

MOST_ON_CPU = 16  # logical devices, which share the processors' cores


def logical_cpus(count: int) -> None:
    """Make `count` logical CPU devices. Must be called before TensorFlow touches its devices.

    Raises:
        ZooError: TensorFlow is running already with another number of devices.
    """
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        have = len(tf.config.list_logical_devices("CPU"))
        if have < count:
            raise ZooError(
                f"replicas={count}: TensorFlow already runs with {have} CPU device(s); start a new process."
            ) from None


@functools.cache  # two strategies over the same devices mix up their collective operations
def strategy(replicas: int | None = None):
    """MirroredStrategy over all GPUs, over the one CPU where there is none, or over `replicas` devices.

    One per number of replicas in a process.

    Raises:
        ZooError: more replicas than GPUs, or than processors without one could be meant to serve.
    """
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        count = replicas or len(gpus)
        if count > len(gpus):
            raise ZooError(f"replicas={count}: this machine has {len(gpus)} GPU(s). Use at most that many.")
        return tf.distribute.MirroredStrategy([f"GPU:{i}" for i in range(count)])
    most = max(os.cpu_count() or 1, MOST_ON_CPU)
    if replicas and replicas > most:
        raise ZooError(f"replicas={replicas}: on processors without a GPU give at most {most}.")
    if replicas and replicas > 1:
        logical_cpus(replicas)
    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas or 1)])


@functools.cache
def fast_bfloat16() -> bool:
    """Whether bfloat16 pays here: on a GPU, or on a processor with AVX512-BF16 or AMX instructions.

    Without them it is several times slower than float32; with them convolutions take 0.5 to 0.7 of the time.
    """
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU")) or bool({"avx512_bf16", "amx_bf16"} & set(_processor_flags()))


def _processor_flags() -> list[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].split() for line in file if line.startswith("flags"))
    except (OSError, StopIteration):
        return []


def unused_gpu() -> str | None:
    """One line where a GPU's driver is present and TensorFlow lists no GPU; None where all is as it should be."""
    import tensorflow as tf

    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if hidden or tf.config.list_physical_devices("GPU") or not os.path.exists("/proc/driver/nvidia/version"):
        return None
    return (
        "a GPU is present, but TensorFlow cannot use it and works on the CPU: "
        'pip install "tensorflow[and-cuda]", or TF_CPP_MIN_LOG_LEVEL=0 to see why'
    )


def environment() -> dict[str, Any]:
    """Versions, devices and settings that decide what a run does and how fast: for runs and bug reports."""
    import tensorflow as tf

    def installed(name: str) -> str | None:
        try:
            return version(name)
        except PackageNotFoundError:
            return None

    names = ("tfgan_zoo", "tensorflow", "keras", "tensorflow-datasets", "numpy", "pillow", "pydantic")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "gpus": [
            tf.config.experimental.get_device_details(g).get("device_name", g.name)
            for g in tf.config.list_physical_devices("GPU")
        ],
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "unset"),
        "versions": {name: installed(name) for name in names},
        "commit": commit(),
    }


def commit() -> str | None:
    """The git commit the package runs from, with `-dirty` where files are changed; None where it is no checkout."""
    import subprocess
    from pathlib import Path

    try:
        run = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout.strip() or None if run.returncode == 0 else None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
