"""A PostgreSQL that takes no writes for a while, as after a fail-over whose address still leads to the old server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg


@asynccontextmanager
async def read_only(database_url: str, *, terminate: bool = True) -> AsyncIterator[None]:
    """Give every new connection to this database transactions that may only read; and end those that are open."""
    name = urlsplit(database_url).path.removeprefix("/")
    other = await asyncpg.connect(urlsplit(database_url)._replace(path="/postgres").geturl())
    try:
        await other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        if terminate:
            await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        try:
            yield
        finally:
            await other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    finally:
        await other.close()
