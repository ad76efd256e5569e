"""The middleware in front of a simulated vendor: every request passes its faults, its limits and its counters."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
from litestar.enums import ScopeType
from litestar.exceptions import LitestarException
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from freight_sandbox.answers import Answer, Headers, joined
from freight_sandbox.counters import Counters
from freight_sandbox.faults import Fault, FaultRequest, Faults


class Vendor(Protocol):
    """The parts of the middleware that differ between the vendors."""

    counters: Counters
    faults: Faults

    def is_write(self, method: str, path: str) -> bool:
        """Return whether the vendor counts this request as a write."""
        ...

    def admit(self, method: str, path: str) -> Answer | None:
        """Count a request against the limits. Return an answer if it is refused."""
        ...

    def headers(self) -> Headers:
        """Return headers for every answer that has none of the same names."""
        ...

    def fault(self, fault: Fault, url: str) -> Answer:
        """Return the answer for a request to this URL that meets a fault with an answer of its own."""
        ...


def vendor_middleware(vendor: Vendor) -> Callable[[ASGIApp], ASGIApp]:
    """Return the middleware for a vendor, as a function: Litestar copies other objects, and their counters too."""

    def middleware(app: ASGIApp) -> ASGIApp:
        return VendorMiddleware(app, vendor)

    return middleware


class VendorMiddleware:
    """ASGI middleware in front of a vendor's operations."""

    def __init__(self, app: ASGIApp, vendor: Vendor) -> None:
        self._app = app
        self._vendor = vendor
        self._loops = _CursorLoops()
        self._late: set[asyncio.Future[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == ScopeType.HTTP:
            await self._handle(scope, receive, send)

    async def _handle(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        vendor, method, path = self._vendor, scope["method"], scope["path"]
        asked = FaultRequest(method, path, scope["query_string"].decode("latin-1"), vendor.is_write(method, path))
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

    async def _show(self, fault: Fault, asked: FaultRequest, scope: HTTPScope, receive: Receive, send: Send) -> None:
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

    async def _give_no_answer(self, fault: Fault, asked: FaultRequest, scope: HTTPScope, receive: Receive) -> None:
        if fault.kind == "drop_after_write":
            await self._app(scope, receive, _discard)
        self._vendor.counters.count(asked.method, scope["path_template"], 0, write=asked.write)
        if fault.kind != "hang":
            scope["state"]["transport"].abort()
        await _until_disconnected(receive)

    async def _take_effect_later(self, seconds: float, scope: HTTPScope, receive: Receive) -> None:
        unseen = _Unseen(await _body(receive))

        async def take_effect() -> None:
            # A request that the vendor refuses has no effect, and Litestar cannot answer twice.
            with suppress(LitestarException):
                await self._app(scope, unseen.receive, unseen.send)

        def begin() -> None:
            effect = asyncio.ensure_future(take_effect())
            self._late.add(effect)
            effect.add_done_callback(self._late.discard)

        # A timer that has not fired when the sandbox stops is dropped silently; a waiting task would be reported.
        asyncio.get_running_loop().call_later(seconds, begin)

    async def _whole(self, scope: HTTPScope, receive: Receive) -> Answer:
        """Return the operation's complete answer, before anything is sent to the client."""
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


class _CursorLoops:
    """Remembers the requested pages, and replaces the link to the next page by one to the page before."""

    def __init__(self) -> None:
        self._followed: dict[str, list[str]] = {}

    def see(self, asked: FaultRequest) -> None:
        """Record a request for a further page."""
        if (cursor := asked.cursor) is not None:
            others = [before for before in self._followed.get(asked.reading, []) if before != cursor]
            self._followed[asked.reading] = [*others[-1:], cursor]

    def lead_back(self, asked: FaultRequest, origin: str, answer: Answer) -> Answer:
        """Return the page with a link to the page that was requested before it; unchanged if there was none."""
        before, *rest = self._followed.get(asked.reading, [""])
        if not rest or answer.status != 200:
            return answer
        page = msgspec.json.decode(answer.body)
        if "next_page_token" in page:
            page["next_page_token"] = before
        elif "nextUrl" in page.get("pagination", {}):
            query = urlencode([*asked.other_parameters, ("cursor", before)])
            page["pagination"]["nextUrl"] = f"{origin}{asked.path}?{query}"
        elif "pagination" in page:
            page["pagination"]["next_cursor"] = before
        return Answer(answer.status, msgspec.json.encode(page), answer.headers)


class _Unseen:
    """Stand-ins for `receive` and `send` that collect the answer instead of sending it."""

    def __init__(self, body: bytes) -> None:
        self._unread: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]
        self._messages: list[Any] = []
        self._ended = asyncio.Event()

    async def receive(self) -> Any:
        """Return the body of the request and, after the answer, the end of the connection."""
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
        """Return the collected answer, without its Content-Length."""
        start, *parts = self._messages
        headers = [header for header in start["headers"] if header[0].lower() != b"content-length"]
        return Answer(start["status"], b"".join(part.get("body", b"") for part in parts), headers)


async def _send(answer: Answer, send: Send, *, told: bool = True) -> None:
    """Send an answer, with a Content-Length or without."""
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
    """Send an answer byte by byte, until the client disconnects."""
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
    """Replace `send` where the client must not see the answer."""


async def _until_disconnected(receive: Receive) -> None:
    # The server sends an error of its own if an application returns before it has noticed the disconnection.
    while (await receive())["type"] != "http.disconnect":
        pass


def _origin(scope: HTTPScope) -> str:
    host = next(value.decode() for name, value in scope["headers"] if name == b"host")
    return f"{scope['scheme']}://{host}"
