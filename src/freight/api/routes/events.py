"""`/jobs/{id}/events`: the progress of a job, as server-sent events.

Every process can send them, whichever does the work: the job's row is read twice a second for all who watch it, in a
transaction as short as the read. A stream ends when the key that opened it becomes invalid. The event format is
Litestar's; only the stream is our own, for the reason that `freight.api.http.streaming` gives.
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
from freight.api.http.errors import DATABASE_UNAVAILABLE, documented
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
"""The duration of a stream, after which the client must reconnect, so that no connection is held for ever."""

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
"""The maximum silence of a stream: proxies close longer ones."""

RETRY_MILLISECONDS = 2000

MEDIA_TYPE = "text/event-stream"

log = structlog.get_logger()

STREAMS, STREAMS_EACH = 500, 50
"""Concurrent streams of one process, in total and per tenant."""


class Watchers:
    """The open streams, and the jobs that they share."""

    def __init__(self, *, total: int = STREAMS, each: int = STREAMS_EACH) -> None:
        self.places = Shares("event_streams", total=total, each=each, wait_seconds=0)
        # A little less than the interval of one stream, which then finds no old result.
        self._jobs: Shared[tuple[UUID, UUID], Job] = Shared(POLL_SECONDS * 0.8)
        self._keys: Shared[UUID, bool] = Shared(POLL_SECONDS * 0.8)

    async def look(self, caller: Caller, job_id: UUID) -> Job | None:
        """Return the job, or None if the caller's key has become invalid. Raise `NotFound`."""
        if not await self._keys.get(caller.key_id, lambda: _is_good(caller)):
            return None
        return await self._jobs.get((caller.tenant_id, job_id), lambda: _look(caller, job_id))


Closing = asyncio.Event
"""Set when the service stops."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a job that a client knows. It is the id of each event, so that a reconnecting client gets what is
    new.
    """

    status: str = ""
    stage: str = ""
    total: int = 0
    processed: int = -1
    failed: int = 0
    waiting: str = ""
    """The code of what the job waits for, and until when."""
    ended: bool = False

    @classmethod
    def of(cls, event_id: str | None) -> "Seen":
        """Parse the id of an event; a missing or unknown one means that the client has seen nothing."""
        parts = (event_id or "").split(".")
        try:
            return msgspec.convert(dict(zip(cls.__struct_fields__, parts, strict=True)), cls, strict=False)
        except (ValueError, msgspec.ValidationError):
            return cls()

    def __str__(self) -> str:
        return ".".join(str(value).lower() for value in msgspec.structs.astuple(self))


@dataclass
class EventsOperation(Operation):
    """An operation whose response is a stream of events."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse):
            # OpenAPI 3.1 has no streams: its readers take the schema for that of each event.
            text = Schema(type=OpenAPIType.STRING)
            event = Schema(
                type=OpenAPIType.OBJECT,
                description="One event, by its fields.",
                properties={"event": text, "id": text, "data": text, "retry": Schema(type=OpenAPIType.INTEGER)},
            )
            answer.content = {MEDIA_TYPE: OpenAPIMediaType(schema=event)}


class EventsController(Controller):
    """The progress of a job."""

    path = "/jobs/{job_id:uuid}/events"
    tags = ("Events",)

    @get(
        operation_id="watchJob",
        operation_class=EventsOperation,
        summary="Stream a job's events",
        description="Server-sent events with JSON data: `status` and `stage` when they change, `progress` at most"
        " twice a second, `waiting` when the job starts or stops waiting, or waits for something else"
        " or until another time, `end` when the job has ended. The current state is sent first. After"
        " ten minutes, or when the server stops or the key becomes invalid, `reconnect` is sent: "
        "request again with the last event's id as `Last-Event-ID`, as browsers do automatically, and"
        " only new events are sent.",
        guards=[requires_scope("jobs:read")],
        response_description="Events until the job has ended.",
        responses={
            204: ResponseSpec(
                data_container=None, description="The `end` event was already sent; there are no further events."
            ),
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
            str | None, HeaderParameter(name="Last-Event-ID", description="The id of the last event that you received.")
        ] = None,
    ) -> ASGIResponse:
        """Stream a job's events."""
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
        except DATABASE_UNAVAILABLE as error:
            log.warning("events_interrupted", error=str(error))
            break
        if seen_now is None:
            # A client that reconnects gets the reason.
            break
        job = seen_now
    yield _message(event="reconnect", data=b"{}", retry=RETRY_MILLISECONDS)


def _news(seen: Seen, job: Job) -> Iterator[tuple[str, dict[str, Any], Seen]]:
    """Yield the events that bring a client up to date, each with the state that the client knows after it."""
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
    """Return what distinguishes one wait from another, without the full stops that separate an event id's parts."""
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
    """Return whether one of the events is set within so many seconds, as soon as it is."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    return bool(done)


def _message(**parts: Any) -> bytes:
    return ServerSentEventMessage(**{"data": None, **parts}).encode()
