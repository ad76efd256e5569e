"""The loop of a worker, over a real Redis that gets into trouble."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from arq.worker import func
from structlog.testing import capture_logs

from freight import queue, throttled
from freight.queue import QUEUE, Queue, WakeUp
from freight.worker_loop import Worker
from support.redis_relay import RedisRelay, relaying_redis
from support.servers import RedisServer, redis_server

REFUSALS = (
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.",
    "NOREPLICAS Not enough good replicas to write.",
    "LOADING Redis is loading the dataset in memory",
    "BUSY Redis is busy running a script.",
    "CLUSTERDOWN Hash slot not served",
    "MOVED 3999 127.0.0.1:6381",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM this user has no permissions to run the 'zpopmin' command",
    "ERR max number of clients reached",
)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[RedisServer]:
    async with redis_server() as server:
        yield server


@pytest.fixture
async def relay(server: RedisServer, tmp_path: Path) -> AsyncIterator[RedisRelay]:
    async with relaying_redis(tmp_path, server.url) as relay:
        yield relay


@pytest.fixture
async def bell(server: RedisServer) -> AsyncIterator[Queue]:
    redis = queue.connect(server.url)
    yield Queue(redis)
    await redis.aclose(close_connection_pool=True)


class Told:
    """The rows that tasks were about, as the worker was told of them."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self._news = asyncio.Condition()

    async def load_batch(self, ctx: dict[str, Any], tenant_id: str, row_id: str) -> None:
        async with self._news:
            self.rows.append(row_id)
            self._news.notify_all()

    async def of(self, row_id: UUID) -> None:
        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(lambda: str(row_id) in self.rows)


class Running:
    """A worker that runs, the queue that it reads, and what it was told."""

    def __init__(self, url: str, **options: Any) -> None:
        self.told = Told()
        self.redis = queue.connect(url)
        self.queue = Queue(self.redis)
        settings = {
            "functions": [func(self.told.load_batch, name="load_batch")],
            "redis_pool": queue.connect(url),
            "queue_name": QUEUE,
            "job_serializer": queue.pack,
            "job_deserializer": queue.unpack,
            "keep_result": 0,
            "poll_delay": 0.01,
            "handle_signals": False,
        }
        self.worker = Worker(**{**settings, **options})
        self.loop = asyncio.create_task(self.worker.async_run())

    async def does_its_work(self) -> None:
        """Enqueue rows until one of them has reached the worker: the first may be lost in the trouble."""
        arrived = False
        while not arrived:
            assert not self.loop.done(), self.loop.result()
            row = uuid4()
            await self.queue.enqueue([a_ring(row)])
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self.told.of(row)
                    arrived = True


def a_ring(row_id: UUID, fence: int = 0) -> WakeUp:
    return WakeUp(task="load_batch", tenant_id=uuid4(), id=row_id, fence=fence)


@asynccontextmanager
async def a_worker(url: str, **options: Any) -> AsyncIterator[Running]:
    running = Running(url, **options)
    try:
        yield running
    finally:
        await running.worker.stop()
        await running.redis.aclose(close_connection_pool=True)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.split()[0])
async def test_a_worker_waits_while_redis_refuses_commands_and_goes_on_afterwards(
    relay: RedisRelay, refusal: str
) -> None:
    async with a_worker(relay.url) as running:
        await running.does_its_work()
        relay.refusal, relay.refused = refusal, 0
        async with asyncio.timeout(20):
            while relay.refused < 5:
                await running.queue.enqueue([a_ring(uuid4())])
                await asyncio.sleep(0.02)
        assert not running.loop.done()
        relay.refusal = None
        await running.does_its_work()


async def test_a_worker_that_is_started_while_redis_refuses_commands_works_as_soon_as_it_does_not(
    relay: RedisRelay,
) -> None:
    relay.refusal = REFUSALS[0]
    async with a_worker(relay.url) as running:
        await asyncio.sleep(0.1)
        relay.refusal = None
        await running.does_its_work()


async def test_a_worker_goes_on_when_redis_was_killed_and_came_back_empty(server: RedisServer) -> None:
    async with a_worker(server.url) as running:
        await running.does_its_work()
        await server.kill()
        await asyncio.sleep(0.2)
        await server.start()
        await running.does_its_work()


async def test_a_task_that_ends_while_redis_refuses_commands_gives_its_place_back(relay: RedisRelay) -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def load_batch(ctx: dict[str, Any], tenant_id: str, row_id: str) -> None:
        begun.set()
        await may_end.wait()

    async with a_worker(relay.url, functions=[func(load_batch, name="load_batch")], max_jobs=1) as running:
        await running.queue.enqueue([a_ring(uuid4())])
        await begun.wait()
        relay.refusal = REFUSALS[0]
        may_end.set()
        async with asyncio.timeout(10):
            while running.worker.tasks:  # noqa: ASYNC110 - the worker has no event for it
                await asyncio.sleep(0.01)
        relay.refusal = None
        begun.clear()
        async with asyncio.timeout(10):
            while not begun.is_set():
                await running.queue.enqueue([a_ring(uuid4())])
                await asyncio.sleep(0.05)


async def test_keys_that_hold_something_else_are_replaced(server: RedisServer) -> None:
    async with a_worker(server.url) as running:
        for key in (QUEUE, queue.WORKERS, queue.LEASES_LOST):
            await running.redis.delete(key)
            await running.redis.set(key, b"nonsense")
        await running.does_its_work()
        for _ in range(2):
            await running.queue.report_worker("a worker")
        assert await running.queue.workers() == 1
        assert await running.queue.leases_lost() == 0


@pytest.mark.parametrize("payload", [b"", b"\xc1", queue.pack([1]), queue.pack({"f": ["x"], "a": 1, "k": 2})])
async def test_a_task_that_cannot_be_read_is_dropped(server: RedisServer, payload: bytes) -> None:
    async with a_worker(server.url, max_jobs=2) as running:
        for name in (b"\xff\xfe", b"spoilt"):
            await running.redis.set(b"arq:job:" + name, payload)
            await running.redis.zadd(QUEUE, {name: 1})
        await running.redis.rpush("arq:job:a-list", 1)
        await running.redis.zadd(QUEUE, {"a-list": 1})
        await running.does_its_work()
        assert await running.queue.depth() == 0


async def test_a_task_from_a_machine_whose_clock_is_ahead_is_taken_at_once(server: RedisServer) -> None:
    async with a_worker(server.url) as running:
        await running.does_its_work()
        running.worker.allow_pick_jobs = False
        row = uuid4()
        await running.queue.enqueue([a_ring(row)])
        (name,) = await running.redis.zrange(QUEUE, 0, -1)
        await running.redis.zadd(QUEUE, {name: (time.time() + 3600) * 1000})
        running.worker.allow_pick_jobs = True
        await running.told.of(row)


async def test_tasks_are_taken_in_the_order_in_which_they_were_enqueued(server: RedisServer) -> None:
    rows = [uuid4() for _ in range(30)]
    async with a_worker(server.url, max_jobs=1) as running:
        await running.queue.enqueue([a_ring(row) for row in rows])
        for row in rows:
            await running.told.of(row)
        assert running.told.rows == [str(row) for row in rows]


async def test_a_task_that_waits_already_is_not_enqueued_twice(server: RedisServer) -> None:
    async with a_worker(server.url) as running:
        running.worker.allow_pick_jobs = False
        row = uuid4()
        for _ in range(3):
            await running.queue.enqueue([a_ring(row)])
        assert await running.queue.depth() == 1
        await running.queue.enqueue([a_ring(row, fence=1)])
        assert await running.queue.depth() == 2
        await running.redis.delete(QUEUE)


async def test_a_task_that_was_lost_on_its_way_can_be_enqueued_again(server: RedisServer) -> None:
    async with a_worker(server.url) as running:
        running.worker.allow_pick_jobs = False
        row = uuid4()
        await running.queue.enqueue([a_ring(row)])
        await running.redis.zpopmin(QUEUE)
        running.worker.allow_pick_jobs = True
        await running.queue.enqueue([a_ring(row)])
        await running.told.of(row)


async def test_a_task_that_is_cancelled_is_left_to_another_worker(server: RedisServer) -> None:
    row, begun = uuid4(), asyncio.Event()

    async def load_batch(ctx: dict[str, Any], tenant_id: str, row_id: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with a_worker(server.url, functions=[func(load_batch, name="load_batch")]) as leaving:
        await leaving.queue.enqueue([a_ring(row)])
        await begun.wait()
        await leaving.worker.stop()
    async with a_worker(server.url) as other:
        await other.told.of(row)


async def test_an_outage_is_a_bounded_number_of_log_lines(relay: RedisRelay) -> None:
    relay.refusal = "BUSY Redis is busy running a script."
    throttle = throttled.Throttle(seconds=3600)
    with capture_logs() as lines:
        for _ in range(50):
            throttled.warning("busy", OSError("no"), throttle=throttle)
        throttled.warning("busy", ValueError("other"), throttle=throttle)
    assert [line["error"] for line in lines] == ["OSError", "ValueError"]


def test_the_next_line_of_an_outage_counts_those_that_were_held_back() -> None:
    now = 0.0
    throttle = throttled.Throttle(seconds=30, clock=lambda: now)
    assert [throttle.admit("a", "b") for _ in range(4)] == [0, None, None, None]
    assert throttle.admit("a", "c") == 0
    now = 30.0
    assert [throttle.admit("a", "b") for _ in range(2)] == [3, None]


async def test_one_worker_at_a_time_has_the_turn(bell: Queue) -> None:
    assert [await bell.has_turn("sweep", 60) for _ in range(2)] == [True, False]
    await bell.give_turn_back("sweep")
    assert await bell.has_turn("sweep", 60)


async def test_a_turn_from_before_the_clock_of_redis_was_set_back_is_over(bell: Queue) -> None:
    assert await bell.has_turn("purge", 60)
    await bell.redis.pexpire(queue.TURN + "purge", 3_600_000)
    assert [await bell.has_turn("purge", 60) for _ in range(2)] == [True, False]


async def test_without_redis_every_worker_has_its_turn(tmp_path: Path) -> None:
    redis = queue.connect(f"unix://{tmp_path}/none.sock")
    assert [await Queue(redis).has_turn("sweep", 60) for _ in range(2)] == [True, True]


async def test_a_worker_that_ended_before_the_clock_of_redis_was_set_back_does_not_count(bell: Queue) -> None:
    await bell.redis.delete(queue.WORKERS)
    await bell.redis.zadd(queue.WORKERS, {"of the future": time.time() + 3600})
    assert await bell.workers() == 0
    await bell.report_worker("present")
    assert await bell.workers() == 1
    assert await bell.redis.zcard(queue.WORKERS) == 1
