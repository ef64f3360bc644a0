"""Writing files so that a kill at any moment leaves either the old file or the new one."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfgan_zoo.errors import ZooError


def cache_folder() -> Path:
    """Where downloads and cached statistics go: $TFGAN_ZOO_CACHE or ~/.cache/tfgan_zoo."""
    return Path(os.environ.get("TFGAN_ZOO_CACHE", Path.home() / ".cache" / "tfgan_zoo"))


@contextlib.contextmanager
def atomic(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    The temporary name keeps the suffixes of `path`, since writers (Keras, Pillow, NumPy) choose the format by them.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:  # the bytes must be on the disk before the name is
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def written(path: str | os.PathLike) -> Iterator[Path]:
    """`atomic` for paths that a user gave: a failure to write becomes a one-line ZooError."""
    try:
        with atomic(path) as temporary:
            yield temporary
    except OSError as error:
        reason = error.strerror or error
        raise ZooError(f"cannot write {path}: {reason}. Choose a place you may write to.") from error


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` (UTF-8) atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def append(path: str | os.PathLike, lines: str) -> None:
    """Add whole lines to a text file; a line that a kill cut short before them is closed first."""
    with open(path, "ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                lines = "\n" + lines
        file.write(lines.encode())


def read_json(path: str | os.PathLike, kind: type, otherwise: Any) -> Any:
    """What a JSON file holds; `otherwise` where it is not there, cannot be read, or is no `kind`."""
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return otherwise
    return value if isinstance(value, kind) else otherwise


def sha256(path: str | os.PathLike) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
