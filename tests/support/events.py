"""Server-sent events as a client receives them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx


@dataclass(frozen=True)
class Event:
    """An event, or a comment if it has no name."""

    name: str | None
    id: str | None
    data: Any
    retry: int | None = None


@asynccontextmanager
async def watching(
    client: httpx.AsyncClient, job_id: UUID | str, last_event_id: str | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    """Yield the events of a job, as they come."""
    headers = {"Accept": "text/event-stream"} | ({} if last_event_id is None else {"Last-Event-ID": last_event_id})
    async with client.stream("GET", f"/api/v1/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert "Content-Encoding" not in answer.headers
        yield _events(answer)


async def rest(events: AsyncIterator[Event]) -> list[Event]:
    """Return the named events until the server ends the stream."""
    return [event async for event in events if event.name is not None]


async def until(events: AsyncIterator[Event], name: str, **data: Any) -> list[Event]:
    """Return the named events up to the first with this name and, among others, this data."""
    seen = []
    async for event in events:
        if event.name is not None:
            seen.append(event)
        if event.name == name and data.items() <= event.data.items():
            return seen
    raise AssertionError(f"The stream ended without {name} {data}: {seen}")


async def _events(answer: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield Event(
                name=fields.get("event"),
                id=fields.get("id"),
                data=json.loads(fields["data"]) if "data" in fields else None,
                retry=int(fields["retry"]) if "retry" in fields else None,
            )
            fields = {}
