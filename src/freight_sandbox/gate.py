"""The way in to a simulated vendor: every request passes its faults, its limits and its counters."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from litestar.enums import ScopeType
from litestar.exceptions import LitestarException
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from freight_sandbox.answers import Answer, Headers, joined
from freight_sandbox.counters import Counters
from freight_sandbox.cursor_loops import CursorLoops
from freight_sandbox.faults import Asked, Fault, Faults


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
        """Headers that every answer carries, unless it has its own."""
        ...

    def fault(self, fault: Fault, url: str) -> Answer:
        """The answer to a request for this URL that meets a fault which has an answer of its own."""
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
        self._loops = CursorLoops()
        self._late: set[asyncio.Future[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == ScopeType.HTTP:
            await self._handle(scope, receive, send)

    async def _handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        vendor, method, path = self._vendor, scope["method"], scope["path"]
        asked = Asked(method, path, scope["query_string"].decode("latin-1"), vendor.is_write(method, path))
        self._loops.see(asked)
        if delay := vendor.faults.delay(asked):
            await asyncio.sleep(delay)
        counting = self._counting(scope, send, write=asked.write)
        if (refusal := vendor.admit(method, path)) is not None:
            await _send(refusal, counting)
            return
        fault = vendor.faults.draw(asked)
        if fault is None:
            await self._app(scope, receive, counting)
        else:
            await self._show(fault, asked, scope, receive, counting)

    async def _show(self, fault: Fault, asked: Asked, scope: HTTPScope, receive: Receive, send: Send) -> None:
        match fault.kind:
            case "hang" | "drop_before" | "drop_after_write":
                await self._give_no_answer(fault, asked, scope, receive)
            case "truncated":
                await _cut(await self._whole(scope, receive), scope, receive, send)
            case "storage_truncated":
                whole = await self._whole(scope, receive)
                await _send(Answer(whole.status, whole.body[: len(whole.body) // 2], whole.headers), send, told=False)
            case "drip":
                await _drip(await self._whole(scope, receive), fault.milliseconds / 1000, scope, send)
            case "cursor_loop":
                await _send(self._loops.lead_back(asked, _origin(scope), await self._whole(scope, receive)), send)
            case _:
                if fault.kind == "server_error_after_write":
                    await self._app(scope, receive, _discard)
                elif fault.kind == "late_server_error_after_write":
                    await self._take_effect_later(fault.milliseconds / 1000, scope, receive)
                await _send(self._vendor.fault(fault, f"{asked.path}?{asked.query}"), send)

    async def _give_no_answer(self, fault: Fault, asked: Asked, scope: HTTPScope, receive: Receive) -> None:
        if fault.kind == "drop_after_write":
            await self._app(scope, receive, _discard)
        self._vendor.counters.count(asked.method, scope["path_template"], 0, write=asked.write)
        if fault.kind != "hang":
            scope["state"]["transport"].abort()
        await _until_disconnected(receive)

    async def _take_effect_later(self, seconds: float, scope: HTTPScope, receive: Receive) -> None:
        unseen = _Unseen(await _body(receive))

        async def take_effect() -> None:
            # What the vendor refuses has no effect, and Litestar cannot answer a second time.
            with suppress(LitestarException):
                await self._app(scope, unseen.receive, unseen.send)

        def begin() -> None:
            effect = asyncio.ensure_future(take_effect())
            self._late.add(effect)
            effect.add_done_callback(self._late.discard)

        # A timer that has not fired when the sandbox ends is dropped without a word; a waiting task would be reported.
        asyncio.get_running_loop().call_later(seconds, begin)

    async def _whole(self, scope: HTTPScope, receive: Receive) -> Answer:
        """The operation's answer, before the client sees anything of it."""
        unseen = _Unseen(await _body(receive))
        await self._app(scope, unseen.receive, unseen.send)
        return unseen.answer()

    def _counting(self, scope: HTTPScope, send: Send, *, write: bool) -> Send:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._vendor.counters.count(scope["method"], scope["path_template"], message["status"], write=write)
                message["headers"] = joined([*message["headers"]], self._vendor.headers())
            await send(message)

        return counting


class _Unseen:
    """The two ends of a request whose client sees nothing of the answer: it is collected."""

    def __init__(self, body: bytes) -> None:
        self._unread: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]
        self._messages: list[Any] = []
        self._ended = asyncio.Event()

    async def receive(self) -> Any:
        """Give the body of the request, and after the answer the end of the connection."""
        if self._unread:
            return self._unread.pop()
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Collect a part of the answer."""
        self._messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self._ended.set()

    def answer(self) -> Answer:
        """Return what has been collected, without the header about its length."""
        start, *parts = self._messages
        headers = [header for header in start["headers"] if header[0].lower() != b"content-length"]
        return Answer(start["status"], b"".join(part.get("body", b"") for part in parts), headers)


async def _send(answer: Answer, send: Send, *, told: bool = True) -> None:
    """Send an answer, with a header that tells its length or without one."""
    await _begin(answer, send, length=len(answer.body) if told else None)
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


async def _begin(answer: Answer, send: Send, *, length: int | None) -> None:
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers, *headers]})


async def _cut(answer: Answer, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Send half of an answer and close the connection."""
    await _begin(answer, send, length=len(answer.body))
    await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    scope["state"]["transport"].close()
    await _until_disconnected(receive)


async def _drip(answer: Answer, seconds: float, scope: HTTPScope, send: Send) -> None:
    """Send an answer byte by byte, for as long as the client stays."""
    await _begin(answer, send, length=len(answer.body))
    for position in range(len(answer.body)):
        await asyncio.sleep(seconds)
        if scope["state"]["transport"].is_closing():
            return
        part = answer.body[position : position + 1]
        await send({"type": "http.response.body", "body": part, "more_body": position + 1 < len(answer.body)})


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message: Any = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _discard(message: Message) -> None:
    """Take the place of `send` where the client must not see the answer."""


async def _until_disconnected(receive: Receive) -> None:
    # The server writes an error of its own when an application returns before it has noticed the end.
    while (await receive())["type"] != "http.disconnect":
        pass


def _origin(scope: HTTPScope) -> str:
    host = next(value.decode() for name, value in scope["headers"] if name == b"host")
    return f"{scope['scheme']}://{host}"
