"""`/jobs/{id}/events`: a job as it goes, as server-sent events.

Every process can tell them, whichever does the work: the job's row is looked at twice a second for all who watch it, in
a transaction that lasts no longer than the look. A stream ends with the key that opened it. The events are Litestar's;
only their stream is our own, for the reason that `freight.api.http.streaming` names.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import HeaderParameter
from litestar.response.base import ASGIResponse
from litestar.response.sse import ServerSentEventMessage

from freight import database
from freight.api.http.auth import requires_scope
from freight.api.http.errors import DATABASE_AWAY, documented
from freight.api.http.filters import JobId
from freight.api.http.shares import Shared, Shares
from freight.api.http.streaming import StreamingResponse
from freight.domain.errors import NotFound
from freight.domain.jobs import model as jobs
from freight.domain.jobs import stalls, statistics
from freight.domain.jobs.model import Job
from freight.domain.jobs.transitions import LIVE
from freight.domain.jobs.waiting import Waiting
from freight.domain.tenancy import api_keys
from freight.domain.tenancy.api_keys import Caller

LONGEST_SECONDS = 600.0
"""How long a stream lasts; then the client is to come again, so that no connection is held for ever."""

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
"""How long a stream may be silent: proxies take longer ones for dead."""

RETRY_MILLISECONDS = 2000

MEDIA_TYPE = "text/event-stream"

log = structlog.get_logger()

STREAMS, STREAMS_EACH = 500, 50
"""Streams that one process tells at a time, to all and to a tenant."""


class Watchers:
    """Those who watch jobs, and what they are told."""

    def __init__(self, *, total: int = STREAMS, each: int = STREAMS_EACH) -> None:
        self.places = Shares("event_streams", total=total, each=each, wait_seconds=0)
        # A little less than the time between two looks of one stream, which then finds no old answer.
        self._jobs: Shared[tuple[UUID, UUID], Job] = Shared(POLL_SECONDS * 0.8)
        self._keys: Shared[UUID, bool] = Shared(POLL_SECONDS * 0.8)

    async def look(self, caller: Caller, job_id: UUID) -> Job | None:
        """Return the job, or None if the caller's key opens nothing any more. Raises `NotFound`."""
        if not await self._keys.get(caller.key_id, lambda: _is_good(caller)):
            return None
        return await self._jobs.get((caller.tenant_id, job_id), lambda: _look(caller, job_id))


Closing = asyncio.Event
"""Set when the service is told to stop."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a client has been told of a job. It is the id of each event, so whoever comes again gets what is new."""

    status: str = ""
    stage: str = ""
    total: int = 0
    processed: int = -1
    failed: int = 0
    waiting: str = ""
    """The code of what it waits for, and until when."""
    ended: bool = False

    @classmethod
    def of(cls, event_id: str | None) -> "Seen":
        """What the id of an event says; a client that brings none, or none of ours, has seen nothing."""
        parts = (event_id or "").split(".")
        try:
            return msgspec.convert(dict(zip(cls.__struct_fields__, parts, strict=True)), cls, strict=False)
        except (ValueError, msgspec.ValidationError):
            return cls()

    def __str__(self) -> str:
        return ".".join(str(value).lower() for value in msgspec.structs.astuple(self))


@dataclass
class EventsOperation(Operation):
    """An operation whose answer is a stream of events."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            # OpenAPI 3.1 knows no streams: what reads its documents takes the schema for that of each event.
            text = Schema(type=OpenAPIType.STRING)
            event = Schema(
                type=OpenAPIType.OBJECT,
                description="One event, by its fields.",
                properties={"event": text, "id": text, "data": text, "retry": Schema(type=OpenAPIType.INTEGER)},
            )
            answer.content = {MEDIA_TYPE: OpenAPIMediaType(schema=event)}


class EventsController(Controller):
    """Watching a job."""

    path = "/jobs/{job_id:uuid}/events"
    tags = ("Events",)

    @get(
        operation_id="watchJob",
        operation_class=EventsOperation,
        summary="Watch a job",
        description="Server-sent events, each with JSON as its data: `status` and `stage` when they change, `progress` "
        "at most twice a second, `waiting` when it begins or ends to wait for something, or waits for another thing or "
        "until another time, `end` when the job has ended. What holds now is told first. After ten minutes, or "
        "when the server stops or the key ends, comes `reconnect`: ask again with the last event's id as "
        "`Last-Event-ID`, as browsers "
        "do by themselves, and only what is new is told.",
        guards=[requires_scope("jobs:read")],
        response_description="Events, until the job has ended.",
        responses={
            204: ResponseSpec(data_container=None, description="The end was told already; there is nothing to add."),
            **documented(404),
        },
    )
    async def watch(
        self,
        job_id: JobId,
        caller: NamedDependency[Caller],
        closing: NamedDependency[Closing],
        watchers: NamedDependency[Watchers],
        last_event_id: Annotated[
            str | None, HeaderParameter(name="Last-Event-ID", description="The id of the last event that was received.")
        ] = None,
    ) -> ASGIResponse:
        """Watch a job."""
        seen = Seen.of(last_event_id)
        job = await _look(caller, job_id)
        if seen.ended and not [*_news(seen, job)]:
            return ASGIResponse(status_code=204)
        return StreamingResponse(
            lambda over: _events(watchers, caller, job, seen, closing, over),
            media_type=MEDIA_TYPE,
            headers={"X-Accel-Buffering": "no"},
        )


async def _events(
    watchers: Watchers, caller: Caller, job: Job, seen: Seen, closing: Closing, over: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    async with (
        watchers.places.held(caller.tenant_id),
        aclosing(_told(watchers, caller, job, seen, closing, over)) as events,
    ):
        async for event in events:
            yield event


async def _told(
    watchers: Watchers, caller: Caller, job: Job, seen: Seen, closing: Closing, over: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    now = asyncio.get_running_loop().time
    until = now() + LONGEST_SECONDS
    yield _message(comment="Welcome.", retry=RETRY_MILLISECONDS)
    spoke_at = now()
    while now() < until:
        for event, data, told in _news(seen, job):
            seen, spoke_at = told, now()
            yield _message(event=event, id=str(told), data=msgspec.json.encode(data))
        if job.status not in LIVE:
            return
        if now() - spoke_at >= HEARTBEAT_SECONDS:
            spoke_at = now()
            yield _message(comment="Still here.")
        if await _any_within(POLL_SECONDS, closing, over):
            break
        try:
            seen_now = await watchers.look(caller, job.id)
        except NotFound:
            return
        except DATABASE_AWAY as error:
            log.warning("events_interrupted", error=str(error))
            break
        if seen_now is None:
            # Whoever comes again is answered why.
            break
        job = seen_now
    yield _message(event="reconnect", data=b"{}", retry=RETRY_MILLISECONDS)


def _news(seen: Seen, job: Job) -> Iterator[tuple[str, dict[str, Any], Seen]]:
    """The events that bring a client up to date, each with what the client has seen after it."""
    if job.status != seen.status:
        seen = msgspec.structs.replace(seen, status=job.status, ended=False)
        yield "status", {"status": job.status, "resume_at": job.resume_at}, seen
    if job.stage is not None and job.stage != seen.stage:
        seen = msgspec.structs.replace(seen, stage=job.stage)
        yield "stage", {"stage": job.stage}, seen
    counters = {"total": job.total_records, "processed": job.processed_records, "failed": job.failed_records}
    if any(getattr(seen, name) != value for name, value in counters.items()):
        seen = msgspec.structs.replace(seen, **counters)
        yield "progress", _progress(job), seen
    if (waiting := _waiting(job.waiting_for)) != seen.waiting:
        seen = msgspec.structs.replace(seen, waiting=waiting)
        yield "waiting", {"waiting_for": job.waiting_for}, seen
    if job.status not in LIVE and not seen.ended:
        error = None if job.error_code is None else {"code": job.error_code, "message": job.error_message}
        data = {"status": job.status, "error": error, "completed_at": job.completed_at}
        yield "end", data, msgspec.structs.replace(seen, ended=True)


def _waiting(waiting: Waiting | None) -> str:
    """What tells one wait from another; the parts of an id of an event are apart by full stops."""
    if waiting is None:
        return ""
    return waiting.code if waiting.until is None else f"{waiting.code}-{waiting.until.timestamp():.0f}"


def _progress(job: Job) -> dict[str, Any]:
    return {
        "total_records": job.total_records,
        "processed_records": job.processed_records,
        "failed_records": job.failed_records,
        "records_per_minute": statistics.rate(job),
        "eta_seconds": statistics.eta(job),
    }


async def _look(caller: Caller, job_id: UUID) -> Job:
    async with database.as_tenant(caller.tenant_id) as tx:
        (job,) = await stalls.explain(tx, [await jobs.get(tx, job_id)])
        return job


async def _is_good(caller: Caller) -> bool:
    async with database.as_tenant(caller.tenant_id) as tx:
        return await api_keys.is_good(tx, caller.key_id)


async def _any_within(seconds: float, *events: asyncio.Event) -> bool:
    """Whether one of the events is set by then; returns at once when it is."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return bool(done)


def _message(**parts: Any) -> bytes:
    return ServerSentEventMessage(**{"data": None, **parts}).encode()
