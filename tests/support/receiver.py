"""A receiver of webhooks on a port of this machine."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> dict[str, Any]:
        """Return what it says, once its signature has been found right."""
        said: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return said


@dataclass(frozen=True)
class Answer:
    """What is answered; without a status the connection is dropped."""

    status: int | None = 200
    body: bytes = b"thanks"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Receiver:
    """Answers 200 to everything, unless told otherwise."""

    address: str = ""
    """`127.0.0.1:41234`"""
    requests: list[Received] = field(default_factory=list)
    answers: deque[Answer] = field(default_factory=deque)
    """For the next requests."""
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def url(self) -> str:
        return f"http://{self.address}/hooks"

    def of(self, event: str) -> list[Received]:
        """Return the requests about this event."""
        return [request for request in self.requests if f'"{event}"'.encode() in request.body]

    async def received(self, *, times: int, timeout: float = 60) -> list[Received]:
        """Wait until so many requests have come; they."""
        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(lambda: len(self.requests) >= times)
        return self.requests

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            answer = self.answers.popleft() if self.answers else Answer()
            if answer.status is not None:
                said = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
                writer.write(
                    f"HTTP/1.1 {answer.status} X\r\n{said}Content-Length: {len(answer.body)}\r\n\r\n".encode()
                    + answer.body
                )
                await writer.drain()
            async with self._news:
                self.requests.append(Received(first.split()[1], headers, body))
                self._news.notify_all()
        writer.close()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Yield a receiver for as long as the context lasts."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.connected, "127.0.0.1", 0)
    receiver.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        server.close()
