"""The queue in Redis: arq tasks, each of which names a row. Everything in it may be lost.

PostgreSQL stores what is to be done. The sweep enqueues a lost task again, and a repeated task finds its row claimed.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from freight import throttled

QUEUE = "freight:queue"
WORKERS = "freight:workers"
"""Sorted set of worker names by the time at which they last reported."""

WORKER_ALIVE_SECONDS = 15

TASK_KEPT_SECONDS = 86_400
"""How long Redis keeps the arguments of a task in the queue."""

LEASES_LOST = "freight:leases-lost"

TURN = "freight:turn:"
"""Prefix of the keys by which one worker at a time runs a periodic task."""

Task = Literal["advance_job", "start_job", "extract_stream", "load_batch", "link_records", "deliver_webhook"]

log = structlog.get_logger()


def pack(value: object) -> bytes:
    """Return the bytes that arq stores for a task. Errors become text."""
    return msgspec.msgpack.encode(value, enc_hook=str)


def unpack(data: bytes) -> dict[str, Any]:
    """Return the task that `pack` packed."""
    return msgspec.msgpack.decode(data, type=dict[str, Any])


class WakeUp(msgspec.Struct, frozen=True, kw_only=True):
    """A row that a worker should claim. Its fence makes the task's id new after every claim."""

    task: Task
    tenant_id: UUID
    id: UUID
    fence: int
    job_id: UUID | None = None
    """The job whose step it is, for long steps only: slots are shared between jobs."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of the task."""
        return tuple(str(value) for value in (self.tenant_id, self.id, self.job_id) if value is not None)


class Queue:
    """Enqueues tasks and tracks which workers are alive."""

    def __init__(self, redis: ArqRedis) -> None:
        self.redis = redis

    async def enqueue(self, wake_ups: Sequence[WakeUp]) -> None:
        """Enqueue a task for each. Without Redis nothing happens: the sweep enqueues them when it is available again.

        A task that is queued already keeps its place, and one that was lost on its way to a worker is queued again.
        The order follows Redis's own clock, so the clocks of the machines may differ.
        """
        if not wake_ups:
            return
        try:
            seconds, microseconds = await self.redis.time()
            now = seconds * 1000 + microseconds // 1000
            async with self.redis.pipeline(transaction=False) as pipe:
                for number, wake_up in enumerate(wake_ups):
                    job_id = f"{wake_up.task}:{wake_up.id}:{wake_up.fence}"
                    task = serialize_job(wake_up.task, wake_up.arguments, {}, None, now, serializer=pack)
                    pipe.set(job_key_prefix + job_id, task, ex=TASK_KEPT_SECONDS)
                    pipe.zadd(QUEUE, {job_id: now + number / 1000}, nx=True)
                await pipe.execute()
        except RedisError as error:
            throttled.warning("tasks_not_enqueued", error)

    async def has_turn(self, name: str, seconds: float) -> bool:
        """Return whether this process is the one that runs the periodic task now. Its turn lasts `seconds`.

        Without Redis every process has its turn.
        """
        key, milliseconds = TURN + name, int(seconds * 1000)
        try:
            if await self.redis.set(key, b"1", nx=True, px=milliseconds):
                return True
            # A turn that lasts longer than possible dates from before Redis's clock was set back.
            left = int(await self.redis.pttl(key))
            if 0 <= left <= milliseconds:
                return False
            await self.redis.set(key, b"1", px=milliseconds)
        except RedisError as error:
            throttled.warning("turn_not_known", error)
        return True

    async def give_turn_back(self, name: str) -> None:
        """End this process's turn, so that another one can run the task at once."""
        with contextlib.suppress(RedisError):
            await self.redis.delete(TURN + name)

    async def depth(self) -> int:
        """Return how many tasks wait in the queue."""
        return int(await self.redis.zcard(QUEUE))

    async def leases_lost(self) -> int:
        """Return how many leases workers have lost since Redis last started empty."""
        try:
            return int(await self.redis.get(LEASES_LOST) or 0)
        except ValueError:
            return 0

    async def report_worker(self, name: str, *, leases_lost: int = 0) -> None:
        """Record that this worker is alive, and how many leases it has lost since its last report."""
        seconds, _ = await self.redis.time()
        try:
            async with self.redis.pipeline(transaction=True) as pipe:
                pipe.zadd(WORKERS, {name: seconds})
                pipe.zremrangebyscore(WORKERS, "-inf", seconds - WORKER_ALIVE_SECONDS)
                # A time in the future dates from before Redis's clock was set back.
                pipe.zremrangebyscore(WORKERS, f"({seconds + WORKER_ALIVE_SECONDS}", "+inf")
                pipe.incrby(LEASES_LOST, leases_lost)
                await pipe.execute()
        except ResponseError as error:
            if not is_poisoned(error):
                raise
            await self.redis.delete(WORKERS, LEASES_LOST)
            log.warning("workers_replaced", keys=[WORKERS, LEASES_LOST], reason=str(error))

    async def forget_worker(self, name: str) -> None:
        """Record that this worker has stopped."""
        await self.redis.zrem(WORKERS, name)

    async def workers(self) -> int:
        """Return how many workers are alive."""
        seconds, _ = await self.redis.time()
        return int(await self.redis.zcount(WORKERS, seconds - WORKER_ALIVE_SECONDS, seconds + WORKER_ALIVE_SECONDS))


def is_poisoned(error: ResponseError) -> bool:
    """Return whether a key holds data that Freight did not store. It may be deleted, as all of Redis may be lost."""
    return "WRONGTYPE" in str(error) or "is not an integer" in str(error)


def connect(url: str) -> ArqRedis:
    """Return a client whose commands fail at once when Redis is unavailable, for uses that can do without.

    It connects at its first command.
    """
    pool = BlockingConnectionPool.from_url(
        url, socket_connect_timeout=2, socket_timeout=5, max_connections=64, timeout=5, retry=Retry(NoBackoff(), 1)
    )
    pool.connection_class = _CANCELLABLE[pool.connection_class]
    return ArqRedis(pool, job_serializer=pack, job_deserializer=unpack, default_queue_name=QUEUE)


class _Cancellable(AbstractConnection):
    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        # redis-py sends under asyncio.wait_for, which in Python 3.11 can swallow a cancellation: a worker that is
        # told to stop at that moment would never stop.
        task = asyncio.current_task()
        requests = task.cancelling() if task else 0
        await super().send_packed_command(command, check_health)
        if task and task.cancelling() > requests:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError


class _Tcp(_Cancellable, Connection):
    pass


class _Tls(_Cancellable, SSLConnection):
    pass


class _Unix(_Cancellable, UnixDomainSocketConnection):
    pass


_CANCELLABLE = {Connection: _Tcp, SSLConnection: _Tls, UnixDomainSocketConnection: _Unix}
