"""Redis and the doorbell: arq tasks that say "look here", and nothing that may not be lost.

What is to be done stands in PostgreSQL. A task that is lost is rung again by the sweep, one that comes twice finds the
row claimed.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
import structlog
from arq.connections import ArqRedis
from redis.asyncio import BlockingConnectionPool, ConnectionPool
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError

QUEUE = "freight:queue"
WORKERS = "freight:workers"
"""Sorted set of worker names by when they were last alive."""

WORKER_ALIVE_SECONDS = 15

LONGEST_WAIT_FOR_REDIS = 1.0
"""Seconds between two attempts of a worker to reach a Redis that is away."""

LEASES_LOST = "freight:leases-lost"

Task = Literal["advance_job", "start_job", "extract_stream", "load_batch", "link_records", "deliver_webhook"]

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
    job_id: UUID | None = None
    """The job whose step it is, if it is a long one: slots are shared between jobs."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the task is called with."""
        return tuple(str(value) for value in (self.tenant_id, self.id, self.job_id) if value is not None)


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
                    *ring.arguments,
                    _job_id=":".join(filter(None, (ring.task, str(ring.id), str(ring.fence), again))),
                )
        except RedisError as error:
            log.warning("doorbell_out_of_order", error=str(error), rings=len(rings))

    async def depth(self) -> int:
        """How many tasks wait in the queue."""
        return int(await self.redis.zcard(QUEUE))

    async def leases_lost(self) -> int:
        """How many leases workers have lost since Redis was started anew."""
        return int(await self.redis.get(LEASES_LOST) or 0)

    async def report_worker(self, name: str, *, leases_lost: int = 0) -> None:
        """Note that this worker is alive, and how many leases it has lost since it last said so."""
        seconds, _ = await self.redis.time()
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.zadd(WORKERS, {name: seconds})
            pipe.zremrangebyscore(WORKERS, "-inf", seconds - WORKER_ALIVE_SECONDS)
            pipe.incrby(LEASES_LOST, leases_lost)
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
    pool = _pool(BlockingConnectionPool, url, max_connections=64, timeout=5, retry=Retry(NoBackoff(), 1))
    return ArqRedis(pool, job_serializer=pack, job_deserializer=unpack, default_queue_name=QUEUE)


def connect_patiently(url: str) -> ArqRedis:
    """A client for arq's worker, which ends when a command fails: this one waits until Redis is back."""
    pool = _pool(
        _PatientPool,
        url,
        retry=Retry(ExponentialBackoff(cap=LONGEST_WAIT_FOR_REDIS, base=0.05), retries=-1),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return _PatientRedis(pool, job_serializer=pack, job_deserializer=unpack, default_queue_name=QUEUE)


def _pool(kind: type[ConnectionPool], url: str, **options: Any) -> ConnectionPool:
    pool: ConnectionPool = kind.from_url(url, socket_connect_timeout=2, socket_timeout=5, **options)
    pool.connection_class = _CANCELLABLE[pool.connection_class]
    return pool


class _Cancellable(AbstractConnection):
    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        # redis-py sends under asyncio.wait_for, which in Python 3.11 now and then swallows a cancellation: a worker
        # that is told to stop in that moment would go on for ever.
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


class _PatientPool(ConnectionPool):
    async def get_connection(self, *args: Any, **options: Any) -> AbstractConnection:
        # Commands are repeated on the connection that they have got; to get one is outside of that.
        while True:
            try:
                connection: AbstractConnection = await super().get_connection(*args, **options)
            except (RedisConnectionError, RedisTimeoutError):
                await asyncio.sleep(LONGEST_WAIT_FOR_REDIS)
            else:
                return connection


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
