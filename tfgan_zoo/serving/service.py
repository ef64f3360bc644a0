"""What REST and gRPC have in common: a request to a signature, answered in time or refused."""

import asyncio
import concurrent.futures
import contextlib
import functools
import hmac
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from tfgan_zoo import console
from tfgan_zoo.serving.batching import Batcher, Room
from tfgan_zoo.serving.metrics import Metrics
from tfgan_zoo.serving.models import Models, Signature, Version, reason, refusing
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.settings import Settings

TASKS = "tasks of many steps"  # the name of their queue; no signature has blanks in its name


class Service:
    """Models, and all that stands between a client and them."""

    def __init__(self, models: Models, settings: Settings):
        self.models, self.settings = models, settings
        self.metrics, self.room = Metrics(), Room(settings.queue)
        self.metrics.waiting.set_function(lambda: self.room.waiting)
        self.pool = concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1, "model")
        self.ready = False

    # === Asking ===
    def admit(self, authorization: str) -> None:
        """Raise Refused where a token is wanted and `authorization` does not hold it."""
        if self.settings.token is not None:
            wanted = f"Bearer {self.settings.token}".encode()
            if not hmac.compare_digest(authorization.encode("utf-8", "replace"), wanted):
                raise Refused("UNAUTHENTICATED", "send the header Authorization: Bearer TOKEN")

    async def ask(
        self, version: Version, signature: Signature, inputs: Mapping[str, np.ndarray], seconds: float | None = None
    ) -> Mapping[str, np.ndarray]:
        """The outputs of a signature, within `seconds` or the server's own limit. Raises Refused."""
        signature.check(inputs)
        batcher = version.batchers.get(signature.name)
        if batcher is None:
            batcher = version.batchers[signature.name] = Batcher(
                signature,
                signature.merges,
                self.room,
                self.pool,
                self.settings.batch,
                parallel=1 if signature.merges else os.cpu_count() or 1,
                observe=lambda requests, rows: self.metrics.batches.labels(version.model).observe(rows),
            )
        limit = self.settings.timeout if seconds is None else min(seconds, self.settings.timeout)
        outputs = await batcher.ask(inputs, asyncio.get_running_loop().time() + limit)
        size = sum(value.nbytes for value in outputs.values())
        if size > self.settings.answer:
            raise Refused("RESOURCE_EXHAUSTED", f"the answer takes {size:,} bytes, over {self.settings.answer:,}", 413)
        return outputs

    async def work(self, version: Version, task: Callable[[float], Any]) -> Any:
        """What a task of many steps with a version gives, within the server's limits. Raises Refused.

        A version does one at a time, so that those who ask a question do not wait for all who edit.

        Args:
            task: called in a thread with the time, as of `time.time()`, at which nobody waits for it any longer.
        """
        batcher = version.batchers.get(TASKS)
        if batcher is None:

            def run(job):  # requests that are computed alone may hold anything
                with refusing():
                    return job["task"]()

            batcher = version.batchers[TASKS] = Batcher(run, False, self.room, self.pool)
        job = {"task": functools.partial(task, time.time() + self.settings.timeout)}
        return await batcher.ask(job, asyncio.get_running_loop().time() + self.settings.timeout)

    @contextlib.contextmanager
    def counted(self, protocol: str, name: str) -> Iterator[None]:
        """Count a request to the model `name`; errors that nobody foresaw become Refused."""
        started, code = time.perf_counter(), "OK"
        try:
            yield
        except Refused as refused:
            code = refused.code
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        except Exception as error:
            code = "INTERNAL"
            console.note(f"{name}: {type(error).__name__}: {reason(error)}")
            raise Refused("INTERNAL", "the model failed; the server's log says why") from error
        finally:
            known = name if name in self.models.by_name else ""
            self.metrics.ended(protocol, known, code, time.perf_counter() - started)

    # === Models that come and go ===
    async def refresh(self) -> None:
        """Look at the disk once."""
        await self.models.refresh(self.retire)
        for name, model in self.models.by_name.items():
            self.metrics.versions.labels(name).set(len(model.versions))

    async def retire(self, version: Version) -> None:
        """Answer what has been asked of a version that is going."""
        for batcher in list(version.batchers.values()):
            await batcher.drain()

    async def watch(self) -> None:
        """Look at the disk again and again."""
        while True:
            await asyncio.sleep(self.settings.poll)
            try:
                await self.refresh()
            except Exception as error:  # a disk that is away for a while must not end the server
                console.note(f"cannot look for new versions: {reason(error)}")
