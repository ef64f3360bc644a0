"""Memory and disk: how much there is, and one-line errors where it is not enough."""

import contextlib
import errno
import inspect
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfgan_zoo.errors import ZooError

CGROUP = Path("/sys/fs/cgroup")
ABSURD, ARRAYS = 10**7, 1000  # a size that no network has; arrays of weights of a network that is quite deep


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
    try:  # a container may have less; files that it has read count as used, and make room when it is needed
        most, now = (int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        parts = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        free = min(free, most - now + int(parts["active_file"]) + int(parts["inactive_file"]))
    except (OSError, ValueError, KeyError):
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


def require_memory(size: int, what: str, free: int | None = None) -> None:
    """Refuse work that memory cannot hold before it begins.

    Args:
        size: bytes that will be needed at least.
        what: the setting that asks for them, such as "num=1000".
        free: bytes that there are; default those that are free now.

    Raises:
        ZooError: more than what is free.
    """
    free = free_memory() if free is None else free
    if size > free:
        raise ZooError(f"{what}: takes {size / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free; choose less.")


@contextlib.contextmanager
def room_for_weights(model) -> Iterator[None]:
    """Inside, weights are counted before they are made; the first that memory cannot hold beside the others is refused.

    A GPU has memory of its own, which TensorFlow does not overdraw.

    Args:
        model: whose weights they are; the largest of its constructor's `arguments()` are named.

    Raises:
        ZooError: more than what was free, or sizes of which no network can be built.
    """
    import tensorflow as tf

    free, total, count = free_memory(), 0, 0

    def counted(make, **given):
        nonlocal total, count
        total, count = total + _bytes_of(given), count + 1
        if total > free and not tf.config.list_physical_devices("GPU"):
            require_memory(total, _sizes(model), free)
        if count > ARRAYS and _absurd(model):
            raise ZooError(f"{_sizes(model)}: more than {ARRAYS:,} arrays of weights, and no end of it; choose less.")
        return make(**given)

    try:
        with tf.variable_creator_scope(counted):
            yield
    except ZooError:
        raise
    except Exception as error:  # of as many kinds as there are places where such numbers end
        if not _absurd(model):
            raise
        raise ZooError(f"{_sizes(model)}: no network can be built with such numbers; choose less.") from error


def _bytes_of(given: Mapping[str, Any]) -> int:
    """How large a variable will be: of what TensorFlow is given to make it."""
    import tensorflow as tf

    value = given.get("initial_value")
    # Keras gives a function of its own variable, which knows its shape; the function would make the weights.
    owner = inspect.getclosurevars(value).nonlocals.get("self") if inspect.isfunction(value) else value
    count = tf.TensorShape(getattr(owner, "shape", ())).num_elements()
    return (count or 0) * tf.as_dtype(given.get("dtype") or "float32").size


def _sizes(model) -> str:
    """The arguments of a model with the largest numbers, these first: `filters=1000000, latent_dim=100`."""
    largest = sorted(_numbers(model).items(), key=lambda item: -max(item[1]))[:3]
    values = {name: getattr(model, name) for name, _ in largest}
    shown = (f"{name}={list(one) if isinstance(one, tuple) else one}" for name, one in values.items())
    return ", ".join(shown) or "the weights"


def _absurd(model) -> bool:
    """Whether a size is beyond all that networks have."""
    return any(max(numbers) > ABSURD for numbers in _numbers(model).values())


def _numbers(model) -> dict[str, list[int]]:
    """The whole numbers in a model's arguments, the seed left out."""
    values = {name: getattr(model, name, None) for name in model.arguments() if name != "seed"}
    listed = {name: value if isinstance(value, list | tuple) else [value] for name, value in values.items()}
    whole = {name: [one for one in value if type(one) is int and one] for name, value in listed.items()}
    return {name: numbers for name, numbers in whole.items() if numbers}


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
