"""Requests that are answered together: order, limits, deadlines, one bad request among good ones."""

import asyncio
import concurrent.futures
import threading

import numpy as np
import pytest

from tfgan_zoo.serving.batching import Batcher, Room
from tfgan_zoo.serving.refusals import Refused


class Doubling:
    """A model that notes its calls, and may be held up."""

    def __init__(self):
        self.calls, self.free = [], threading.Event()
        self.free.set()

    def __call__(self, inputs):
        assert self.free.wait(10)
        self.calls.append(len(inputs["x"]))
        if (inputs["x"] < 0).any():
            raise Refused("INVALID_ARGUMENT", "x is below 0")
        return {"y": inputs["x"] * 2}


def play(scene, **options):
    """Run a scene(batcher, model) in a loop of its own."""

    async def run():
        model = Doubling()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            options.setdefault("merges", True)
            batcher = Batcher(model, room=options.pop("room", Room(100)), pool=pool, **options)
            try:
                return await scene(batcher, model)
            finally:
                model.free.set()

    return asyncio.run(run())


def request(batcher, *values, seconds=10.0):
    deadline = asyncio.get_running_loop().time() + seconds
    return asyncio.ensure_future(batcher.ask({"x": np.array(values, np.float32)}, deadline))


async def hold(batcher, model):
    """Let the model be busy with one request."""
    model.free.clear()
    first = request(batcher, 0)
    await asyncio.sleep(0.02)
    return first


def test_what_waits_is_answered_together_each_with_its_own():
    async def scene(batcher, model):
        first = await hold(batcher, model)
        others = [request(batcher, i, i + 0.5) for i in range(1, 4)]
        await asyncio.sleep(0)
        model.free.set()
        answers = await asyncio.gather(first, *others)
        assert [a["y"].tolist() for a in answers] == [[0], [2, 3], [4, 5], [6, 7]]
        assert model.calls == [1, 6]

    play(scene)


def test_batches_have_a_largest_size_and_one_shape_and_no_one_is_passed_over():
    async def scene(batcher, model):
        first = await hold(batcher, model)
        others = [request(batcher, *[1] * n) for n in (3, 3, 2)]
        wide = asyncio.ensure_future(batcher.ask({"x": np.ones((1, 7), np.float32)}, 1e12))
        large = request(batcher, *[2] * 9)
        await asyncio.sleep(0)
        model.free.set()
        answers = await asyncio.gather(first, *others, wide, large)
        assert [len(answer["y"]) for answer in answers] == [1, 3, 3, 2, 1, 9]
        assert model.calls == [1, 3 + 2, 3, 1, 9]  # 3 + 3 is over 5; 9 rows of one request are not cut

    play(scene, most=5)


def test_what_has_no_rows_is_asked_one_by_one():
    async def scene(batcher, model):
        first = await hold(batcher, model)
        others = [request(batcher, i) for i in range(3)]
        await asyncio.sleep(0)
        model.free.set()
        await asyncio.gather(first, *others)
        assert model.calls == [1, 1, 1, 1]

    play(scene, merges=False)


def test_one_bad_request_fails_alone():
    async def scene(batcher, model):
        first = await hold(batcher, model)
        good, bad = request(batcher, 1), request(batcher, -1)
        await asyncio.sleep(0)
        model.free.set()
        answers = await asyncio.gather(first, good, bad, return_exceptions=True)
        assert answers[1]["y"].tolist() == [2] and answers[2].code == "INVALID_ARGUMENT"

    play(scene)


def test_a_full_queue_refuses_and_recovers():
    async def scene(batcher, model):
        first = await hold(batcher, model)
        second = request(batcher, 1)
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await request(batcher, 2)
        assert refused.value.status == 429
        model.free.set()
        await asyncio.gather(first, second)
        assert (await request(batcher, 3))["y"].tolist() == [6]
        assert batcher.room.waiting == 0

    play(scene, room=Room(2))


def test_who_comes_too_late_is_not_computed():
    async def scene(batcher, model):
        first = await hold(batcher, model)
        late, gone = request(batcher, 1, seconds=0.03), request(batcher, 2)
        await asyncio.sleep(0)
        gone.cancel()  # a client that has hung up
        with pytest.raises(Refused) as refused:
            await late
        assert refused.value.code == "DEADLINE_EXCEEDED" and refused.value.status == 504
        model.free.set()
        await first
        await batcher.drain()
        assert model.calls == [1] and batcher.room.waiting == 0

    play(scene)


def test_who_asks_again_at_once_is_answered():
    async def scene(batcher, model):
        deadline = asyncio.get_running_loop().time() + 5
        return [(await batcher.ask({"x": np.array([k], np.float32)}, deadline))["y"][0] for k in range(3)]

    assert play(scene) == [0, 2, 4]
