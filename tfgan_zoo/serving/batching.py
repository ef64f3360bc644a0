"""Requests of many clients, answered together: whatever waits when the model is free becomes one batch.

Nobody waits for a batch to fill, so a lone client loses nothing, and under load batches grow by themselves.
"""

import asyncio
import collections
import concurrent.futures
import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from tfgan_zoo.serving.refusals import Refused

Tensors = Mapping[str, np.ndarray]


class Room:
    """How many requests may wait at once, in all queues of a server together."""

    def __init__(self, limit: int):
        self.limit, self.waiting = limit, 0

    def enter(self) -> None:
        """Take a place. Raises Refused where there is none."""
        if self.waiting >= self.limit:
            raise Refused("RESOURCE_EXHAUSTED", f"{self.waiting} requests are waiting already: try again later")
        self.waiting += 1

    def leave(self) -> None:
        """Give a place back."""
        self.waiting -= 1


@dataclasses.dataclass(eq=False)
class Job:
    """A request that waits: its inputs, the number of its rows, which others it can go with, when it is too late."""

    inputs: Tensors
    rows: int
    kind: tuple
    deadline: float
    future: asyncio.Future

    @property
    def wanted(self) -> bool:
        """Whether its client still waits."""
        return not self.future.done() and asyncio.get_running_loop().time() < self.deadline


class Batcher:
    """The queue of one signature.

    Args:
        run: inputs -> outputs, called in a thread of `pool`.
        merges: whether rows of several requests may go into one call: all inputs and outputs have rows.
        room: shared by all queues.
        pool: where the model computes.
        most: rows in one call.
        parallel: calls at once.
        observe: is told (requests, rows) of each call.
    """

    def __init__(
        self,
        run: Callable[[Tensors], Tensors],
        merges: bool,
        room: Room,
        pool: concurrent.futures.Executor,
        most: int = 64,
        parallel: int = 1,
        observe: Callable[[int, int], None] = lambda requests, rows: None,
    ):
        self.run, self.merges, self.room, self.pool = run, merges, room, pool
        self.most, self.parallel, self.observe = most, parallel, observe
        self.queue: collections.deque[Job] = collections.deque()
        self.workers: set[asyncio.Task] = set()

    async def ask(self, inputs: Tensors, deadline: float) -> Tensors:
        """The answer to one request. `deadline`: a time of the running loop.

        Raises:
            Refused: no room, too late, or what `run` raised.
        """
        loop = asyncio.get_running_loop()
        self.room.enter()
        try:
            rows = len(next(iter(inputs.values()))) if self.merges else 1
            kind = tuple((name, value.shape[1:]) for name, value in inputs.items()) if self.merges else ()
            job = Job(inputs, rows, kind, deadline, loop.create_future())
            self.queue.append(job)
            if len(self.workers) < self.parallel:
                self.workers.add(loop.create_task(self._work()))
            async with asyncio.timeout_at(deadline):
                return await job.future
        except TimeoutError:
            raise Refused("DEADLINE_EXCEEDED", "no answer within the time allowed") from None
        finally:
            self.room.leave()

    async def drain(self) -> None:
        """Wait until all that was asked is answered."""
        while self.workers:
            await asyncio.gather(*self.workers, return_exceptions=True)

    def _take(self) -> list[Job]:
        """The next requests that go together, those first that have waited longest."""
        batch, rows, rest = [], 0, collections.deque()
        while self.queue:
            job = self.queue.popleft()
            if not job.wanted:
                continue
            alike = not batch or (self.merges and job.kind == batch[0].kind and rows + job.rows <= self.most)
            if alike:
                batch.append(job)
                rows += job.rows
            else:
                rest.append(job)
            if not self.merges or rows >= self.most:
                break
        self.queue.extendleft(reversed(rest))
        return batch

    async def _work(self) -> None:
        """Answer until nobody waits."""
        try:
            while batch := self._take():
                await self._answer(batch)
        finally:
            # Not by a callback of the task: that comes only after those who were just answered may have asked again,
            # and nobody would take up what they ask.
            self.workers.discard(asyncio.current_task())

    async def _answer(self, batch: list[Job]) -> None:
        """Tell each of them its answer."""
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self.pool, self._together, batch)
            self.observe(len(batch), sum(job.rows for job in batch))
        except Exception as error:
            answers = [error] * len(batch)
            if len(batch) > 1:  # one of them is to blame, and only that one shall fail
                answers = [await self._alone(job) for job in batch]
        for job, answer in zip(batch, answers, strict=True):
            if job.future.done():
                continue
            if isinstance(answer, Exception):
                job.future.set_exception(answer)
            else:
                job.future.set_result(answer)

    async def _alone(self, job: Job) -> Tensors | Exception:
        """The answer to one request, or the error that it gets."""
        try:
            return (await asyncio.get_running_loop().run_in_executor(self.pool, self._together, [job]))[0]
        except Exception as error:
            return error

    def _together(self, batch: list[Job]) -> list[Tensors]:
        """One call for all of them; each gets its rows of the outputs."""
        if len(batch) == 1:
            return [self.run(batch[0].inputs)]
        outputs = self.run({name: np.concatenate([job.inputs[name] for job in batch]) for name in batch[0].inputs})
        ends = np.cumsum([job.rows for job in batch])
        if any(len(value) != ends[-1] for value in outputs.values()):
            raise ValueError("outputs have other rows than inputs")
        return [
            {name: value[end - job.rows : end] for name, value in outputs.items()}
            for job, end in zip(batch, ends, strict=True)
        ]
