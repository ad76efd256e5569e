"""A relay in front of PostgreSQL, so that a test can take the database away from the service alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

KEY_OF_PROCESS = b"K\0\0\0\x0c"
"""The message before the process id and the secret by which a connection's statements may be cancelled."""


class Relay:
    """Passes bytes between the service and the database for as long as it is told to."""

    def __init__(self, folder: Path, database_url: str) -> None:
        parts = urlsplit(database_url)
        there = parse_qs(parts.query)
        self._to = f"{there['host'][0]}/.s.PGSQL.{there.get('port', ['5432'])[0]}"
        self._at = folder / ".s.PGSQL.5432"
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing = asyncio.Event()
        self.poses_as_pooler = False
        """Whether it gives connections a process id of its own, as pgbouncer does."""
        self.wanted = asyncio.Event()
        """Set as soon as a connection has been opened."""
        self.url = parts._replace(query=f"host={quote(str(folder))}&port=5432").geturl()

    async def open(self) -> None:
        """Let the service reach the database."""
        self._passing.set()
        self._server = await asyncio.start_unix_server(self._connected, self._at)

    async def cut(self) -> None:
        """Close every connection, and let nobody open one."""
        self._server.close()
        self._at.unlink(missing_ok=True)
        for writer in self._writers:
            writer.close()

    def hang(self) -> None:
        """Keep connections open and pass nothing on."""
        self._passing.clear()

    def pass_on(self) -> None:
        """Pass on what has been held back since it hung."""
        self._passing.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wanted.set()
        there, back = await asyncio.open_unix_connection(self._to)
        self._writers |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._passing.wait()
                if self.poses_as_pooler:
                    data = re.sub(KEY_OF_PROCESS + rb"....", KEY_OF_PROCESS + b"\0\0\0\7", data, flags=re.DOTALL)
                writer.write(data)
        writer.close()


@asynccontextmanager
async def relaying(folder: Path, database_url: str) -> AsyncIterator[Relay]:
    """Yield a relay whose socket is in this folder."""
    relay = Relay(folder, database_url)
    await relay.open()
    try:
        yield relay
    finally:
        await relay.cut()
        relay.pass_on()
