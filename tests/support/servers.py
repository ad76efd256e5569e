"""Servers that a test has for itself."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

import freight_embedded
from freight_embedded import Servers, redis_program


@asynccontextmanager
async def embedded_servers() -> AsyncIterator[Servers]:
    """Yield a PostgreSQL and a Redis, empty, in a folder of their own that is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="freight-test-"))
    async with freight_embedded.hold(home) as servers:
        await wait_for_no_disk(servers)
        yield servers
    await freight_embedded.stopped(home)
    shutil.rmtree(home)


async def wait_for_no_disk(servers: Servers) -> None:
    """Have PostgreSQL leave it to the system when to write to the disk: what is committed survives a crash of
    PostgreSQL still, and no test crashes the system."""
    connection = await asyncpg.connect(as_superuser(servers.database_url))
    try:
        await connection.execute("ALTER SYSTEM SET fsync = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def as_superuser(url: str) -> str:
    """Return the same database of an embedded server, as the server's superuser."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"postgres@{parts.netloc.rpartition('@')[2]}").geturl()


class RedisServer:
    """A Redis that keeps nothing on disk, so that one that is started again is empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/redis.sock"

    async def start(self) -> None:
        """Start it; it answers when this returns."""
        self._process = await asyncio.create_subprocess_exec(
            redis_program.find(os.environ["PATH"]).path,
            *("--port", "0", "--unixsocket", f"{self._folder}/redis.sock", "--save", "", "--logfile", os.devnull),
            cwd=self._folder,
        )
        async with asyncio.timeout(30), Redis.from_url(self.url) as redis:
            while True:
                with suppress(RedisError):
                    await redis.ping()
                    return
                await asyncio.sleep(0.02)

    def freeze(self) -> None:
        """Take its time away: connections stay open and nothing is answered."""
        self._process.send_signal(signal.SIGSTOP)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL, also of one that is gone."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Yield a Redis of its own."""
    folder = Path(tempfile.mkdtemp(prefix="freight-test-"))
    server = RedisServer(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
        shutil.rmtree(folder)
