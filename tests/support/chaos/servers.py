"""PostgreSQL and Redis as a fleet has them, with what can happen to them."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError

from freight import database
from freight_embedded import Servers
from freight_embedded.postgres import ROLE
from support.chaos.processes import signal_all
from support.servers import RedisServer, as_superuser, embedded_servers, redis_server

TEMPLATE = "freight_chaos"

REFUSALS = {
    "read_only": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    "out_of_memory": (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
    "no_replicas": (
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "0"),
    ),
}
"""What makes a Redis refuse writes, and what ends that."""


class Postgres:
    """The PostgreSQL of all runs, where each run has a database of its own."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """Yield the URL of a migrated database with no rows in it."""
        name = f"chaos_{uuid4().hex}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER {ROLE}")
        try:
            yield _named(self._servers.database_url, name)
        finally:
            await self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def prepare(self) -> None:
        """Make the database of which the others are copies."""
        await self.execute(f"CREATE DATABASE {TEMPLATE} OWNER {ROLE}")
        async with database.connected(_named(self._servers.database_url, TEMPLATE), pool_size=2):
            await database.migrate()

    async def execute(self, statement: str) -> None:
        """Run a statement as soon as the server takes one."""
        async with asyncio.timeout(90):
            while True:
                with suppress(OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
                    connection = await asyncpg.connect(as_superuser(self._servers.database_url))
                    try:
                        await connection.execute(statement)
                    finally:
                        await connection.close()
                    return
                await asyncio.sleep(0.2)

    async def restart(self, number: int) -> None:
        """End the server with a signal (SIGKILL crashes it, SIGINT and SIGQUIT stop it); its keeper starts another."""
        (await self._postmaster()).send_signal(number)

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """Stop all answers without ending a connection."""
        postmaster = await self._postmaster()
        pids = [postmaster.pid, *(child.pid for child in postmaster.children(recursive=True))]
        signal_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_all(pids, signal.SIGCONT)

    async def drop_connections(self, url: str) -> None:
        """End all connections to a database."""
        await self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name(url)}'")

    @asynccontextmanager
    async def failing_over(self, url: str) -> AsyncIterator[None]:
        """End all connections, and keep those that are opened meanwhile read-only."""
        await self.execute(f"ALTER DATABASE {_name(url)} SET default_transaction_read_only = on")
        try:
            await self.drop_connections(url)
            yield
        finally:
            await self.execute(f"ALTER DATABASE {_name(url)} RESET default_transaction_read_only")

    async def _postmaster(self) -> psutil.Process:
        async with asyncio.timeout(60):
            while True:
                for process in psutil.process_iter(["name", "cmdline"]):
                    if process.info["name"] == "postgres" and self._sockets in (process.info["cmdline"] or ()):
                        return process
                await asyncio.sleep(0.1)

    @property
    def _sockets(self) -> str:
        return f"unix_socket_directories={self._servers.redis_url.removeprefix('unix://').rpartition('/')[0]}"


class FleetRedis:
    """The Redis of one run."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.url = server.url

    async def command(self, *words: str) -> None:
        """Run a command, if the server is there."""
        async with Redis.from_url(self.url, socket_timeout=5) as redis:
            with suppress(RedisError):
                await redis.execute_command(*words)

    @asynccontextmanager
    async def down(self) -> AsyncIterator[None]:
        """Kill it; it is empty when it restarts."""
        await self.server.kill()
        try:
            yield
        finally:
            await self.server.start()

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        """Make it accept connections and answer nothing."""
        self.server.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.server.signal(signal.SIGCONT)

    @asynccontextmanager
    async def refusing_writes(self, reason: str) -> AsyncIterator[None]:
        """Make it answer each write with an error."""
        begin, end = REFUSALS[reason]
        await self.command(*begin)
        try:
            yield
        finally:
            await self.command(*end)


@asynccontextmanager
async def postgres() -> AsyncIterator[Postgres]:
    """Yield a PostgreSQL of its own."""
    async with embedded_servers() as servers:
        server = Postgres(servers)
        await server.prepare()
        yield server


@asynccontextmanager
async def redis() -> AsyncIterator[FleetRedis]:
    """Yield a Redis of its own."""
    async with redis_server() as server:
        yield FleetRedis(server)


def _named(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
