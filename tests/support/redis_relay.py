"""A relay in front of Redis that can answer every command with an error, as a Redis in trouble does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path


class RedisRelay:
    """Passes commands on, or refuses them."""

    def __init__(self, at: Path, redis_url: str) -> None:
        self._to = redis_url.removeprefix("unix://")
        self._at = at
        self.url = f"unix://{at}"
        self.refusal: str | None = None
        """What every command is answered, such as `MISCONF no writes`; passed on if None."""
        self.refused = 0
        """How many commands have been refused."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._to)
        answering = asyncio.create_task(_pass(there, writer))
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                command = await _command(reader)
                if self.refusal is None:
                    back.write(command)
                else:
                    self.refused += 1
                    writer.write(f"-{self.refusal}\r\n".encode())
        back.close()
        await answering


@asynccontextmanager
async def relaying_redis(folder: Path, redis_url: str) -> AsyncIterator[RedisRelay]:
    """Yield a relay whose socket is in this folder."""
    relay = RedisRelay(folder / "relayed.sock", redis_url)
    async with await asyncio.start_unix_server(relay.connected, folder / "relayed.sock"):
        yield relay


async def _command(reader: asyncio.StreamReader) -> bytes:
    """Return one command: an array of strings with their lengths."""
    head = await reader.readuntil(b"\r\n")
    parts = [head]
    for _ in range(int(head[1:])):
        length = await reader.readuntil(b"\r\n")
        parts += [length, await reader.readexactly(int(length[1:]) + 2)]
    return b"".join(parts)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
