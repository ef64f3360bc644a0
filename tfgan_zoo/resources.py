"""Memory and disk: how much there is, and one-line errors where it is not enough."""

import errno
import os
import re
import shutil
from pathlib import Path

from tfgan_zoo.errors import ZooError


def free_memory() -> int:
    """Bytes that can be had without swapping, as far as the system tells; 2 GiB where it does not."""
    try:
        with open("/proc/meminfo") as file:
            free = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            free = 2 << 30
    try:  # a container may have less
        with open("/sys/fs/cgroup/memory.max") as most, open("/sys/fs/cgroup/memory.current") as now:
            free = min(free, int(most.read()) - int(now.read()))
    except (OSError, ValueError):
        pass
    return max(free, 0)


def peak_memory() -> int | None:
    """Bytes that the busiest GPU has held at most; without GPUs, this process. None where the system does not tell."""
    import tensorflow as tf

    if gpus := tf.config.list_logical_devices("GPU"):
        return max(tf.config.experimental.get_memory_info(gpu.name.removeprefix("/device:"))["peak"] for gpu in gpus)
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration, ValueError):
        return None


def require_memory(size: int, what: str) -> None:
    """Refuse work that memory cannot hold before it begins.

    Args:
        size: bytes that will be needed at least.
        what: the setting that asks for them, such as "num=1000".

    Raises:
        ZooError: more than what is free.
    """
    if size > (free := free_memory()):
        raise ZooError(f"{what}: takes {size / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free; choose less.")


def require_disk(folder: Path, size: int, what: str) -> None:
    """Refuse to write what the disk cannot hold: HDF5 ends the whole process where it fills the disk.

    Raises:
        ZooError: fewer than `size` bytes are free.
    """
    if size > (free := shutil.disk_usage(folder).free):
        raise ZooError(
            f"the disk is full: {what} takes {size / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are free in {folder}."
        )


def failure(error: BaseException) -> str | None:
    """One line about an error for which the machine is to blame: memory, disk, permissions. None for any other."""
    kinds = {kind.__name__ for kind in type(error).__mro__}  # by name: TensorFlow may not be loaded
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    reason = re.sub(r"\{\{.*?\}\} *| on /job:.*| \[Op:.*", "", reason).rstrip(".")  # where in TensorFlow's graph it was
    if "No space left" in str(error):
        return f"the disk is full: {reason}."
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        return f"{error.filename}: {error.strerror}." if error.filename and error.strerror else f"{reason}."
    if kinds & {"MemoryError", "ResourceExhaustedError"}:
        return f"out of memory: {reason}. Make the model, the batch or the number of samples smaller."
    return f"{reason}." if "PermissionDeniedError" in kinds else None
