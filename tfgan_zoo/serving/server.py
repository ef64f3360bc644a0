"""The embedded server: REST and gRPC in one event loop, started, watched and stopped."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import uvicorn

from tfgan_zoo import console
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import rest, rpc
from tfgan_zoo.serving.models import Models
from tfgan_zoo.serving.service import Service
from tfgan_zoo.serving.settings import Settings


class Server:
    """Serves models until it is stopped.

    Args:
        homes: {name: folder with versions}.
        settings: how.
        told: called once, when clients can come.

    Raises:
        ZooError: a port that is taken, a file for TLS that cannot be read.
    """

    def __init__(
        self, homes: Mapping[str, Path], settings: Settings, told: Callable[["Server"], None] = lambda server: None
    ):
        self.service, self.settings, self.told = Service(Models(homes), settings), settings, told
        self.grpc_port = 0
        self._error: Exception | None = None
        self._socket = listening(settings.host, settings.port)
        self.port = self._socket.getsockname()[1]
        app = rest.app(self.service, self._lifespan)
        if settings.ui:
            from tfgan_zoo.serving import page  # its library is an extra

            page.add_to(app, self.service)
        config = uvicorn.Config(
            app,
            http="httptools",
            loop="asyncio",
            log_config=None,  # uvicorn's own would close every log handler of the process
            log_level="critical",  # an error while starting is told below, in one line
            access_log=False,
            server_header=False,
            limit_concurrency=4 * settings.queue,
            timeout_graceful_shutdown=round(settings.grace),
            ssl_certfile=settings.certificate,
            ssl_keyfile=settings.key,
        )
        try:
            config.load()
        except OSError as error:
            self._socket.close()
            raise ZooError(f"TLS: {settings.certificate}, {settings.key}: {error}.") from None
        self._uvicorn = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until SIGINT, SIGTERM or `stop`. Raises ZooError where a model cannot be served."""
        try:
            asyncio.run(self._uvicorn.serve(sockets=[self._socket]))
        except SystemExit:  # so uvicorn ends where `_lifespan` fails
            raise self._error or ZooError("the server could not be started.") from None
        finally:
            self._socket.close()
            self.service.pool.shutdown(wait=False, cancel_futures=True)

    def stop(self) -> None:
        """Take no more requests, answer those that are there, and end."""
        self._uvicorn.should_exit = True

    @contextlib.asynccontextmanager
    async def _lifespan(self, app):
        """What goes on around the serving of REST: models, gRPC, the watch over new versions."""
        calls = None
        try:
            await self.service.refresh()
            calls, self.grpc_port = rpc.server(self.service)
            await calls.start()
        except Exception as error:
            self._error = error
            raise
        watch = asyncio.create_task(self.service.watch())
        self.service.ready = True
        self.told(self)
        yield
        self.service.ready = False
        watch.cancel()
        await calls.stop(self.settings.grace)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises ZooError where it cannot."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.create_server(address[:2], family=family, backlog=1024)
        # Connections inherit it. asyncio leaves it out for sockets made elsewhere, and an answer then waits 40 ms.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    except (OSError, OverflowError) as error:
        raise ZooError(f"cannot listen at {host}:{port}: {error}. Choose another --port or --host.") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def warn_if_open(settings: Settings) -> None:
    """Tell the one who opens a server to others without a token or without TLS."""
    if not is_loopback(settings.host):
        missing = [what for what, has in (("token", settings.token), ("TLS", settings.certificate)) if not has]
        if missing:
            console.note(f"{settings.host} can be reached from other machines, without {' and '.join(missing)}")
