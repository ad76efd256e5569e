"""A door in front of a vendor, by which it refuses all requests for as long as a test likes, or never answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

State = Literal["open", "limited", "silent"]

BODY = b'{"status_code":429,"type":"rate_limit_error","code":"rate_limit_exceeded","message":"Too many requests."}'


class Door:
    """Passes connections on while it is open; answers 429 while it is limited, and nothing while it is silent."""

    def __init__(self, host: str, port: int, *, retry_after: int) -> None:
        self.url = ""
        self.refused = 0
        """Requests that met the limit."""
        self._host = host
        self._port = port
        self._retry_after = retry_after
        self._state: State = "open"
        self._connections: set[asyncio.StreamWriter] = set()

    def become(self, state: State) -> None:
        """From now on be in this state; connections that are open are cut."""
        self._state = state
        for connection in self._connections:
            connection.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Take connections as long as the context lasts."""
        server = await asyncio.start_server(self._connected, self._host)
        self.url = f"http://{self._host}:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            self.become("open")
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            # A peer that goes, or the door itself that is shut, ends a connection.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                if self._state == "open":
                    await self._pass_through(reader, writer)
                elif self._state == "limited":
                    await self._refuse(reader, writer)
                else:
                    await reader.read()
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _pass_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.refused += 1
        head = (
            f"HTTP/1.1 429 Too Many Requests\r\nRetry-After: {self._retry_after}\r\nContent-Type: application/json\r\n"
        )
        writer.write(f"{head}Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n".encode() + BODY)
        await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
