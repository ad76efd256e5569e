"""Redis and the doorbell: arq tasks that say "look here", and nothing that may not be lost.

What is to be done stands in PostgreSQL. A task that is lost is rung again by the sweep, one that comes twice finds the
row claimed.
"""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool, ConnectionPool
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError

QUEUE = "freight:queue"
WORKERS = "freight:workers"
"""Sorted set of worker names by when they were last alive."""

WORKER_ALIVE_SECONDS = 15

Task = Literal["advance_job", "extract_stream", "load_batch"]

log = structlog.get_logger()

pack = msgspec.msgpack.encode


def unpack(data: bytes) -> dict[str, Any]:
    """What `pack` packed: arq's tasks."""
    return msgspec.msgpack.decode(data, type=dict[str, Any])


class Ring(msgspec.Struct, frozen=True, kw_only=True):
    """A row that somebody should look at. Its fence makes the task's id new after every claim."""

    task: Task
    tenant_id: UUID
    id: UUID
    fence: int


class Queue:
    """Rings for workers, and knows which are there."""

    def __init__(self, redis: ArqRedis) -> None:
        self.redis = redis

    async def ring(self, rings: Sequence[Ring], *, again: str = "") -> None:
        """Enqueue a task for each. Without Redis nothing happens: the sweep rings again when it is back.

        arq takes a task id once; `again` makes it another one, for rows whose first ring may have been lost.
        """
        try:
            for ring in rings:
                await self.redis.enqueue_job(
                    ring.task,
                    str(ring.tenant_id),
                    str(ring.id),
                    _job_id=":".join(filter(None, (ring.task, str(ring.id), str(ring.fence), again))),
                )
        except RedisError as error:
            log.warning("doorbell_out_of_order", error=str(error), rings=len(rings))

    async def depth(self) -> int:
        """How many tasks wait in the queue."""
        return int(await self.redis.zcard(QUEUE))

    async def report_worker(self, name: str) -> None:
        """Note that this worker is alive."""
        seconds, _ = await self.redis.time()
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.zadd(WORKERS, {name: seconds})
            pipe.zremrangebyscore(WORKERS, "-inf", seconds - WORKER_ALIVE_SECONDS)
            await pipe.execute()

    async def forget_worker(self, name: str) -> None:
        """Note that this worker has ended."""
        await self.redis.zrem(WORKERS, name)

    async def workers(self) -> int:
        """How many workers are alive."""
        seconds, _ = await self.redis.time()
        return int(await self.redis.zcount(WORKERS, seconds - WORKER_ALIVE_SECONDS, "+inf"))


def connect(url: str) -> ArqRedis:
    """A client that fails at once when Redis is away: for the API and for pacing, which can do without.

    Nothing is connected before the first command.
    """
    pool: ConnectionPool = BlockingConnectionPool.from_url(
        url, max_connections=64, timeout=5, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 1)
    )
    return ArqRedis(pool, job_serializer=pack, job_deserializer=unpack, default_queue_name=QUEUE)


def connect_patiently(url: str) -> ArqRedis:
    """A client for arq's worker, which ends when a command fails: this one waits until Redis is back."""
    pool: ConnectionPool = ConnectionPool.from_url(
        url,
        socket_connect_timeout=2,
        socket_timeout=5,
        retry=Retry(ExponentialBackoff(cap=2, base=0.05), retries=-1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return _PatientRedis(pool, job_serializer=pack, job_deserializer=unpack, default_queue_name=QUEUE)


class _PatientPipeline(Pipeline):
    async def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        # arq watches a key to be alone with a task, and does not expect the watch itself to fail when the connection
        # does. Going on without it is safe here, because rows are claimed in PostgreSQL.
        try:
            return await super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except WatchError:
            return await super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]


class _PatientRedis(ArqRedis):
    async def close(self, close_connection_pool: bool | None = None) -> None:
        # arq closes it by a name that redis-py has deprecated.
        await self.aclose(close_connection_pool)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _PatientPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
