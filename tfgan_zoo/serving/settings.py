"""How a server is run; apart from the server, whose libraries are an extra."""

import dataclasses
import re
from pathlib import Path

from tfgan_zoo.errors import ZooError


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a server is run.

    Attributes:
        host: the address it listens at; others than this machine reach it only where that is not a loopback address.
        port, grpc_port: 0 for any that is free.
        token: what clients must send as `Authorization: Bearer TOKEN`; None for no such check.
        certificate, key: PEM files, for TLS.
        timeout: seconds that a request may take.
        queue: requests that may wait; more get 429.
        batch: rows that are computed together.
        body: bytes of a request; answer: bytes of its tensors.
        poll: seconds between two looks at the disk.
        grace: seconds that running requests have when the server is stopped.
        ui: whether there is a page for people, at /ui.
    """

    host: str = "127.0.0.1"
    port: int = 8501
    grpc_port: int = 8500
    token: str | None = dataclasses.field(default=None, repr=False)
    certificate: Path | None = None
    key: Path | None = None
    timeout: float = 30.0
    queue: int = 256
    batch: int = 64
    body: int = 64 * 2**20
    answer: int = 256 * 2**20
    poll: float = 2.0
    grace: float = 20.0
    ui: bool = False

    def __post_init__(self):
        if (self.certificate is None) != (self.key is None):
            raise ZooError("TLS needs both files: a certificate and its key.")
        if self.token is not None and not re.fullmatch(r"[!-~]+", self.token):
            raise ZooError("the token must be of ASCII letters, digits and signs, without blanks.")
