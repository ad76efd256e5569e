"""The way in to a simulated vendor: every request passes its faults, its limits and its counters."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from freight.sandbox.counters import Counters
from freight.sandbox.faults import AFTER_WRITE, FaultKind, Faults

Headers = list[tuple[bytes, bytes]]

JSON_HEADERS: Headers = [(b"content-type", b"application/json; charset=utf-8")]
HTML_ERROR = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Answer(msgspec.Struct, frozen=True):
    """A whole answer that is given without asking the operation."""

    status: int
    body: bytes
    headers: Headers


class Vendor(Protocol):
    """What differs between the vendors at the gate."""

    counters: Counters
    faults: Faults

    def is_write(self, method: str, path: str) -> bool:
        """Whether the vendor counts this request as a write."""
        ...

    def admit(self, method: str, path: str) -> Answer | None:
        """Count a request against the limits; an answer refuses it."""
        ...

    def headers(self) -> Headers:
        """Headers that every answer carries."""
        ...

    def fault(self, kind: FaultKind) -> Answer:
        """The answer of the vendor to a fault that has one."""
        ...


def gate(vendor: Vendor) -> Callable[[ASGIApp], ASGIApp]:
    """The gate as a middleware. It is a function because Litestar copies everything else, and the counts with it."""

    def middleware(app: ASGIApp) -> ASGIApp:
        return Gate(app, vendor)

    return middleware


class Gate:
    """ASGI middleware in front of a vendor's operations."""

    def __init__(self, app: ASGIApp, vendor: Vendor) -> None:
        self._app = app
        self._vendor = vendor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == ScopeType.HTTP:
            await self._handle(scope, receive, send)

    async def _handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        vendor, method, path = self._vendor, scope["method"], scope["path"]
        write = vendor.is_write(method, path)
        if delay := vendor.faults.delay(method, path, write=write):
            await asyncio.sleep(delay)
        if (refusal := vendor.admit(method, path)) is not None:
            await self._answer(refusal, scope, send, write=write)
            return
        fault = vendor.faults.draw(method, path, write=write)
        if fault is None:
            await self._app(scope, receive, self._counting(scope, send, write=write))
            return
        if fault in AFTER_WRITE:
            await self._app(scope, receive, _discard)
        if fault in {"drop_before", "drop_after_write"}:
            vendor.counters.count(method, scope["path_template"], 0, write=write)
            await _drop_connection(scope, receive)
        else:
            await self._answer(vendor.fault(fault), scope, send, write=write)

    def _counting(self, scope: HTTPScope, send: Send, *, write: bool) -> Send:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._vendor.counters.count(scope["method"], scope["path_template"], message["status"], write=write)
                message["headers"] = [*message["headers"], *self._vendor.headers()]
            await send(message)

        return counting

    async def _answer(self, answer: Answer, scope: HTTPScope, send: Send, *, write: bool) -> None:
        length = (b"content-length", str(len(answer.body)).encode())
        counting = self._counting(scope, send, write=write)
        await counting({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, length]})
        await counting({"type": "http.response.body", "body": answer.body, "more_body": False})


async def _discard(message: Message) -> None:
    """Take the place of `send` where the client must not see the answer."""


async def _drop_connection(scope: HTTPScope, receive: Receive) -> None:
    scope["state"]["transport"].abort()
    # The server writes an error of its own when an application returns before it has noticed the end.
    while (await receive())["type"] != "http.disconnect":
        pass
