"""Sending: requests to vendors, which are never completed for a step that has lost its lease.

A process may be frozen at any point: while a request waits for its turn, for a connection or for a TLS handshake, or in
the middle of a large body. So the lease is checked immediately before each part of a request is written.
"""

from collections.abc import AsyncIterator

import httpx

from freight.domain import current_step, slots
from freight.domain.current_step import CurrentStep
from freight.domain.slots import Slot

TAKEN_AT_ONCE = 8 * 1024
"""Bytes that the system takes from the process at once on a connection that was idle."""


class OwnedTransport(httpx.AsyncBaseTransport):
    """Sends requests over another transport while their step may send, and raises `Interrupted` afterwards."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        step = current_step.get()
        if step is None:
            return await self._transport.handle_async_request(request)
        await step.ensure()
        owned = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            stream=_OwnedBody(request.stream, step),
            extensions=request.extensions,
        )
        if (slot := slots.current()) is None:
            return await self._transport.handle_async_request(owned)
        slot.asked()
        try:
            response = await self._transport.handle_async_request(owned)
        except BaseException:
            slot.answered(whole=False)
            raise
        response.stream = _AwaitedBody(response.stream, slot)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


class _OwnedBody(httpx.AsyncByteStream):
    """A body whose parts are returned only while the step may send: a server ignores an incomplete body."""

    def __init__(self, body: httpx.SyncByteStream | httpx.AsyncByteStream, step: CurrentStep) -> None:
        assert isinstance(body, httpx.AsyncByteStream)  # noqa: S101 - httpx gives an asynchronous client no other
        self._body = body
        self._step = step

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            for piece in _pieces(part):
                await self._step.ensure()
                yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


def _pieces(part: bytes) -> tuple[bytes, ...]:
    """Return the pieces in which a part of a body is written.

    The system takes a large part by and by, and the rest of it waits in the process, where it would be sent without a
    question. So the last byte of it is written by itself, when all before it has been taken.
    """
    return (part,) if len(part) <= TAKEN_AT_ONCE else (part[:-1], part[-1:])


class _AwaitedBody(httpx.AsyncByteStream):
    """The body of a response, for whose end the step waits."""

    def __init__(self, body: httpx.SyncByteStream | httpx.AsyncByteStream, slot: Slot) -> None:
        assert isinstance(body, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport returns no other
        self._body = body
        self._slot = slot
        self._is_whole = True
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._body:
                yield part
        except BaseException:
            self._is_whole = False
            raise

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._slot.answered(whole=self._is_whole)
        await self._body.aclose()
