"""`/health`: the state of the service. No key is needed, so nothing else is shown."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from msgspec import Meta

from freight import __version__, database, throttled
from freight.api.http.hosts import ANY_HOST
from freight.api.http.rate_limits import NOT_BY_ADDRESS
from freight.api.http.shares import Fresh
from freight.queue import Queue

PATIENCE = 2.0
"""Seconds that each component has to answer."""

FRESH_SECONDS = 2.0
"""Seconds for which a result is reused, because no key is needed and there is no limit."""

Status = Literal["healthy", "degraded", "unhealthy"]
ComponentStatus = Literal["healthy", "unhealthy"]
Milliseconds = Annotated[float | None, Meta(description="Null without an answer.")]


class DatabaseHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The state of PostgreSQL."""

    status: ComponentStatus
    response_time_ms: Milliseconds


class RedisHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The state of Redis."""

    status: ComponentStatus
    response_time_ms: Milliseconds
    queue_depth: Annotated[int | None, Meta(description="Tasks waiting for a worker.")]


class WorkersHealth(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the workers."""

    status: ComponentStatus
    response_time_ms: Milliseconds
    count: Annotated[int | None, Meta(description="Running workers.")]


class HealthComponents(msgspec.Struct, frozen=True, kw_only=True):
    """The components of Freight."""

    database: DatabaseHealth
    redis: RedisHealth
    workers: WorkersHealth


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the service. `degraded`: requests are answered, but jobs wait. `unhealthy`: requests fail too."""

    status: Status
    version: str
    components: HealthComponents


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class Checks:
    """Checks the components, once for all callers within `FRESH_SECONDS`."""

    def __init__(self, queue: Queue, clock: Callable[[], float] = time.monotonic) -> None:
        self._health = Fresh(lambda: _health(queue), clock=clock)

    async def health(self) -> Health:
        """Return the state of all components, at most `FRESH_SECONDS` old."""
        return await self._health.get(max_age=FRESH_SECONDS)


class HealthController(Controller):
    """Health checks."""

    path = "/health"
    tags = ("Health",)
    security = ({},)
    opt = {NOT_BY_ADDRESS: True, ANY_HOST: True}  # noqa: RUF012 - Litestar's own type

    @get(
        operation_id="getHealth",
        summary="Get the service's health",
        description="The state of the database, of Redis and of the workers, as in `/health/ready`.",
        response_description="Freight can answer requests.",
        responses={
            503: ResponseSpec(
                data_container=Health, description="Freight cannot answer requests.", generate_examples=False
            )
        },
    )
    async def health(self, checks: NamedDependency[Checks]) -> Response[Health]:
        """Get the service's health."""
        return _answer(await checks.health())

    @get(
        "/live",
        operation_id="getLiveness",
        summary="Liveness probe",
        description="Always 200 while the process runs, without checking anything else. Use it to decide about "
        "restarts.",
        response_description="The process is alive.",
    )
    async def live(self) -> Alive:
        """Answer the liveness probe."""
        return Alive()

    @get(
        "/ready",
        operation_id="getReadiness",
        summary="Readiness probe",
        description="503 if the database is unavailable or read-only. Without Redis or without a worker the "
        "answer is 200 and `degraded`: jobs can be created and wait.",
        response_description="Requests can be answered.",
        responses={
            503: ResponseSpec(
                data_container=Health, description="Requests cannot be answered.", generate_examples=False
            )
        },
    )
    async def ready(self, checks: NamedDependency[Checks]) -> Response[Health]:
        """Answer the readiness probe."""
        return _answer(await checks.health())


def _answer(health: Health) -> Response[Health]:
    return Response(health, status_code=503 if health.status == "unhealthy" else 200)


async def _health(queue: Queue) -> Health:
    database_answer, depth, workers = await asyncio.gather(
        _ask("database", database.ping()), _ask("redis", queue.depth()), _ask("workers", queue.workers())
    )
    components = HealthComponents(
        database=DatabaseHealth(status=database_answer.status, response_time_ms=database_answer.milliseconds),
        redis=RedisHealth(status=depth.status, response_time_ms=depth.milliseconds, queue_depth=depth.value),
        workers=WorkersHealth(
            status="healthy" if workers.value else "unhealthy",
            response_time_ms=workers.milliseconds,
            count=workers.value,
        ),
    )
    status: Status = "healthy"
    if components.database.status == "unhealthy":
        status = "unhealthy"
    elif "unhealthy" in (components.redis.status, components.workers.status):
        status = "degraded"
    return Health(status=status, version=__version__, components=components)


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    status: ComponentStatus
    milliseconds: float | None = None
    value: Any = None


async def _ask(component: str, question: Coroutine[Any, Any, Any]) -> _Answer:
    began = time.perf_counter()
    task = asyncio.create_task(question)
    # Not awaited after the timeout: a driver whose server hangs may take long to give up.
    done, _ = await asyncio.wait([task], timeout=PATIENCE)
    if not done:
        task.cancel()
    error = task.exception() if done else TimeoutError(f"no answer within {PATIENCE:.0f} seconds")
    if isinstance(error, Exception):
        throttled.warning(f"{component}_unhealthy", error)
        return _Answer(status="unhealthy")
    milliseconds = round((time.perf_counter() - began) * 1000, 1)
    return _Answer(status="healthy", milliseconds=milliseconds, value=task.result())
