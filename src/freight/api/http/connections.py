"""Connections of the HTTP server: their number, and limits on the time and size of requests.

uvicorn's protocol waits indefinitely for the rest of a request, and accepts headers of any size. A client without a key
could so use up the process's file descriptors, which workers in the same process need too.
"""

import asyncio
import resource
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httptools
import msgspec
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from freight import throttled
from freight.api.http.errors import CODES, SENTENCES, Error
from freight.api.http.validation import Problem
from freight.throttled import Throttle

BACKLOG = 64
"""Connections that are accepted at once; more wait in the system's queue."""

FEED_BYTES = 16_384
"""Bytes that the parser is given at a time, so that the limits are checked in between."""

FAREWELL_SECONDS = 1.0
"""Seconds for which further data of a refused client are read and dropped: closed at once, it might never see the
response.
"""

MALFORMED = "malformed_http"

log = structlog.get_logger()


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits on a client before its request is complete."""

    connections: int = 1000
    head_bytes: int = 32_768
    """Bytes of the request line, the headers, and everything else that is not body."""
    headers: int = 100
    head_seconds: float = 10.0
    """Seconds from the connection, or from a later request's first byte, to the end of its headers."""
    body_seconds: float = 60.0
    """Seconds from the end of the headers to the end of the body: a megabyte at 17 kB a second."""


class Connections:
    """The connections of one server, ordered by which is closed first when room is needed."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.open = 0
        self._waiting: dict[_Connection, None] = {}
        """Connections without a complete head of a request, longest waiting first."""
        self._sending: dict[_Connection, None] = {}
        """Connections with a head, but without the complete body, longest waiting first."""

    def protocol(self) -> type[asyncio.Protocol]:
        """Return the class that uvicorn instantiates for each connection."""
        return type("Connection", (_Connection,), {"pool": self})

    def admit(self) -> bool:
        """Count a connection. If there are too many, close the one that has been waiting for its request longest.

        Return False if all others are being answered.
        """
        self.open += 1
        if self.open <= self.limits.connections:
            return True
        victim = next(iter(self._waiting), None) or next(iter(self._sending), None)
        if victim is None:
            return False
        self.leave(victim)
        victim.drop()
        return True

    def wait_for_head(self, connection: "_Connection") -> None:
        """Record that nothing or a part of a head has arrived on this connection."""
        self.leave(connection)
        self._waiting[connection] = None

    def wait_for_body(self, connection: "_Connection") -> None:
        """Record that the head of a request has arrived on this connection."""
        self.leave(connection)
        self._sending[connection] = None

    def leave(self, connection: "_Connection") -> None:
        """Record that the connection is no longer waiting."""
        self._waiting.pop(connection, None)
        self._sending.pop(connection, None)


class _Connection(HttpToolsProtocol):
    """uvicorn's protocol with limits."""

    pool: Connections

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._overhead = 0
        """Bytes since the last complete request that are not body."""
        self._in_head = True
        self._begun = False
        """Whether a part of an incomplete request has arrived."""
        self._status = HTTPStatus.BAD_REQUEST
        """The status for an error that the parser reports."""
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.pool.admit():
            self._expect_head()
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_connections", "All connections are in use.")

    def connection_lost(self, exc: Exception | None) -> None:
        self.pool.open -= 1
        self._expect_nothing()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close the connection without a response, because others need the room."""
        self._expect_nothing()
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Pass received data to the parser, as long as they are within the limits."""
        self._unset_keepalive_if_required()
        if self._in_head and self._timer is None:
            self._expect_head()
        for start in range(0, len(data), FEED_BYTES):
            if self._refused or self.transport.is_closing():
                return
            piece = data[start : start + FEED_BYTES]
            self._overhead += len(piece)
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade:
                # No other protocol is offered: the request is answered as if it had not asked for an upgrade.
                return
            except httptools.HttpParserError:
                self._refuse(self._status, MALFORMED, "This is not an HTTP/1.1 request.")
                return
            if self._overhead > self.pool.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", self._head_sentence())
                return

    def eof_received(self) -> None:
        """Close the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        if self._timer is None:
            self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > self.pool.limits.headers:
            self._status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ValueError

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False
        self.pool.wait_for_body(self)
        self._within(self.pool.limits.body_seconds)

    def on_body(self, body: bytes) -> None:
        self._overhead -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._overhead, self._in_head, self._begun = 0, True, False
        self._expect_nothing()
        if self.cycle.response_complete:
            self.pool.wait_for_head(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_head and not self.pipeline:
            self.pool.wait_for_head(self)

    def _expect_head(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.pool.wait_for_head(self)
        self._within(self.pool.limits.head_seconds)

    def _expect_nothing(self) -> None:
        self.pool.leave(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _within(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        if not self._begun:
            self.transport.close()
            return
        part = "head" if self._in_head else "body"
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"{part}_too_slow", f"The {part} of the request arrived too slowly.")

    def _head_sentence(self) -> str:
        limits = self.pool.limits
        return f"The head of a request has at most {limits.head_bytes:,} bytes and {limits.headers} headers."

    def _refuse(self, status: HTTPStatus, kind: str, message: str) -> None:
        """Answer with an error in Freight's form, if that is still possible, and close the connection."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._expect_nothing()
        # While its last data are dropped, it is the first to be closed.
        self.pool.wait_for_head(self)
        if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            kind, message = "head_too_large", self._head_sentence()
        request_id = f"req_{secrets.token_hex(8)}"
        client = self.client[0] if self.client else None
        log.info("request_refused", status=int(status), reason=kind, address=client, request_id=request_id)
        if not self._may_answer():
            self.transport.close()
            return
        if self.cycle is not None:
            # Further responses of the application are dropped.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(_answer(status, Problem(type=kind, message=message, field=None), request_id))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.transport.close()
            return
        self.flow.resume_reading()
        self.transport.write_eof()
        self.loop.call_later(FAREWELL_SECONDS, self.transport.abort)

    def _may_answer(self) -> bool:
        """Return whether no other response is being sent on this connection, nor was this request answered already."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None:
            return True
        return cycle.response_complete if self._in_head else not cycle.response_started


def _answer(status: HTTPStatus, problem: Problem, request_id: str) -> bytes:
    error = Error(
        error=CODES[status],
        message=SENTENCES[status],
        details=[problem],
        request_id=request_id,
        timestamp=datetime.now(UTC),
    )
    body = msgspec.json.encode(error)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"x-request-id: {request_id}\r\ncache-control: no-store\r\nconnection: close\r\n"
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        head += "retry-after: 5\r\n"
    return f"{head}\r\n".encode() + body


def most_connections(wanted: int, *, reserved: int) -> int:
    """Return how many connections are possible in addition to `reserved` other descriptors, at most as many as wanted.

    The process's own limit is raised as far as the system allows: its usual value, 1024, is for programs that use
    `select`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/dev/fd").iterdir()))
    needed = used + reserved + wanted
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    free = soft - used
    # If there are very few, each side gets a half.
    return max(1, min(wanted, free - min(reserved, free // 2)))


def quiet_about_descriptors(loop: asyncio.AbstractEventLoop, *, throttle: Throttle | None = None) -> Callable[[], None]:
    """Limit the loop's reports that it cannot accept connections to one per interval. Return the function that undoes
    it.
    """
    before = loop.get_exception_handler()

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if context.get("message") == "socket.accept() out of system resource" and isinstance(error, OSError):
            throttled.warning(
                "descriptors_exhausted",
                error,
                throttle=throttle,
                consequence="New connections wait. Raise the limit of open files (`ulimit -n`).",
            )
        elif before:
            before(loop, context)
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
    return lambda: loop.set_exception_handler(before)
