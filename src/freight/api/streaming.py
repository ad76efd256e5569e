"""Answers whose bodies are made while they are sent."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

PATIENCE = 60.0
"""Seconds that a client may leave a piece of the body untaken."""

log = structlog.get_logger()

Body = Callable[[asyncio.Event], AsyncGenerator[bytes, None]]
"""Makes the body, piece by piece; the event is set when nobody waits for it any more."""


class Streamed(ASGIResponse):
    """Sends what a generator makes, and closes the generator before it returns, whether all was sent or not.

    Litestar's own streams are cancelled where they stand when the client goes, and again while they clean up: a
    transaction that is open then would keep its connection. Here the generator is asked to end.
    """

    _should_set_content_length = False

    def __init__(self, body: Body, *, media_type: str, headers: dict[str, str]) -> None:
        super().__init__(media_type=media_type, headers={"Cache-Control": "no-store", **headers})
        self._make = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the answer. An exception before the first piece can still be answered as any other."""
        over = asyncio.Event()
        watching = asyncio.create_task(_until_gone(receive, over))
        started = False
        try:
            async with aclosing(self._make(over)) as pieces:
                async for piece in pieces:
                    if not started:
                        started = True
                        await self.start_response(send)
                    if over.is_set() or not await _taken(send, piece):
                        return
            if not started:
                await self.start_response(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            watching.cancel()
            await asyncio.wait([watching])


async def _taken(send: Send, piece: bytes) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except TimeoutError:
        log.warning("client_too_slow", seconds=PATIENCE)
        return False
    return True


async def _until_gone(receive: Receive, over: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    over.set()
