"""Responses whose bodies are generated while they are sent.

They are our own because Litestar cancels its streams together with their open transactions.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
import structlog
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from freight.api.http.request_log import ONLY_HEAD


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """The minimum speed at which a client reads the body: a file that is being sent holds a database connection."""

    grace_seconds: float = 30.0
    """Seconds for which it may keep the server waiting in total, in addition to what the minimum rate allows."""
    least_bytes_per_second: float = 16_384
    """Before compression."""


DEFAULT_PACE = Pace()

log = structlog.get_logger()

Body = Callable[[asyncio.Event], AsyncGenerator[bytes, None]]
"""Generates the body in pieces; the event is set when the client has disconnected."""


class StreamingResponse(ASGIResponse):
    """Sends what a generator yields, and closes the generator before it returns, whether all was sent or not.

    Litestar's own streams are cancelled when the client disconnects, and again while they clean up: an open transaction
    would keep its connection. Here the generator is asked to end.
    """

    _should_set_content_length = False

    def __init__(self, body: Body, *, media_type: str, headers: dict[str, str], pace: Pace = DEFAULT_PACE) -> None:
        super().__init__(media_type=media_type, headers={"Cache-Control": "no-store", **headers})
        self._make = body
        self._pace = pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. An exception before the first piece can still be answered like any other."""
        over = asyncio.Event()
        watching = asyncio.create_task(_until_gone(receive, over))
        started, reader = False, _Reader(self._pace, send)
        try:
            async with aclosing(self._make(over)) as pieces:
                async for piece in pieces:
                    if not started:
                        started = True
                        await self.start_response(send)
                        if scope["state"].get(ONLY_HEAD):
                            break
                    if over.is_set() or not await reader.takes(piece):
                        return
            if not started:
                await self.start_response(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watching.cancel()
            await asyncio.wait([watching])


class _Reader:
    """A client that reads a body."""

    def __init__(self, pace: Pace, send: Send) -> None:
        self._pace = pace
        self._send = send
        self._sent = 0
        self._waited = 0.0

    async def takes(self, piece: bytes) -> bool:
        """Send a piece. Return False if the client reads too slowly."""
        now = asyncio.get_running_loop().time
        self._sent += len(piece)
        allowed = self._pace.grace_seconds + self._sent / self._pace.least_bytes_per_second - self._waited
        began = now()
        try:
            async with asyncio.timeout(max(0.0, allowed)):
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            log.warning("client_too_slow", sent_bytes=self._sent, waited_seconds=round(self._waited + now() - began, 1))
            return False
        self._waited += now() - began
        return True


async def _until_gone(receive: Receive, over: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    over.set()
