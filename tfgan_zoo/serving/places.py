"""Where exports lie: folders with numbered versions, each of which appears whole or not at all."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from tfgan_zoo.errors import ZooError

ABANDONED = 24 * 3600  # seconds: an export that has been in the making for as long was killed


def publish(home: Path, version: int | None, fill: Callable[[Path], None]) -> Path:
    """Let `fill` write into a temporary folder, which servers ignore, and rename it to a version of `home`.

    Args:
        home: the folder of versions; its parents are made.
        version: a whole number of 1 or more; None for the next free one.
        fill: writes the version's files, and raises where they are not good.

    Returns:
        The version's folder.

    Raises:
        ZooError: for a bad version, one that exists, a folder that cannot be written, or what `fill` raises; nothing
            is left behind then.
    """
    if version is not None and (isinstance(version, bool) or not isinstance(version, int) or version < 1):
        raise ZooError(f"version must be a whole number of 1 or more, or none for the next, got {version!r}.")
    check_free(home, version)
    remove_abandoned(home)
    temporary = home / f".tmp-{os.getpid()}"
    try:
        temporary.mkdir(parents=True)
        fill(temporary)
        for file in temporary.rglob("*"):  # the bytes must be on the disk before the name is
            if file.is_file():
                with open(file, "rb") as opened:
                    os.fsync(opened.fileno())
        return claim(temporary, home, version)
    except (OSError, tf.errors.OpError) as error:  # TensorFlow has its own for a disk that is full
        reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        raise ZooError(f"cannot write {home}: {reason}. Choose a folder you may write to.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with contextlib.suppress(OSError):
            home.rmdir()  # only where it is empty, so that a failed first export leaves nothing


def remove_abandoned(home: Path) -> None:
    """Remove what exports that were killed have left in `home`, once it is old enough to be nobody's work."""
    for folder in home.glob(".tmp-*"):
        with contextlib.suppress(OSError):  # its writer may be removing it now
            if time.time() - folder.stat().st_mtime > ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)


def check_name(name: str) -> None:
    """Raise where a model cannot be served under this name."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ZooError(f"name={name!r} cannot be served: use letters, digits and _ - ., such as dcgan_mnist.")


def versions(home: Path) -> list[int]:
    """The versions in a folder, ascending."""
    entries = home.iterdir() if home.is_dir() else ()
    return sorted(int(entry.name) for entry in entries if entry.name.isdecimal())


def check_free(home: Path, version: int | None) -> None:
    """Raise where `version` exists already."""
    if version is not None and (home / str(version)).exists():
        raise ZooError(
            f"{home / str(version)} exists and is never overwritten: leave version out to write version "
            f"{max(versions(home), default=0) + 1}."
        )


def claim(temporary: Path, home: Path, version: int | None) -> Path:
    """Rename `temporary` to the version asked for or the next free one; renaming fails where one stands."""
    while True:
        check_free(home, version)
        target = home / str(version or max(versions(home), default=0) + 1)
        try:
            os.rename(temporary, target)
            return target
        except OSError:
            if not target.exists():
                raise  # not the other writer's doing
