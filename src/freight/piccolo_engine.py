"""Piccolo's engine, bound to the transactions that `freight.database` begins.

Row-level security protects a tenant only on a connection that has taken a role. Piccolo by itself takes any connection
of the pool, so this engine runs a query only on the connection that the current task holds, and refuses it otherwise.
"""

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, NoReturn

from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString

CONNECT_SECONDS = 10
"""How long opening a connection may take."""

EXPIRY_SECONDS = 1
"""The shortest time between two replacements of all connections."""

CACHE_SIZE = "statement_cache_size="

OUTSIDE = (
    "A Piccolo query needs a transaction of the task that runs it: await it inside `as_tenant` or `as_platform`, and "
    "not in a task that was created there."
)

OWN_TRANSACTION = "Piccolo's own transactions take no role. Use `as_tenant` or `as_platform`."

OWN_CONNECTION = "`batch` opens a connection of its own, which has taken no role. Use a cursor of the transaction."

_migrating: ContextVar[bool] = ContextVar("migrating", default=False)


class OutsideTransaction(RuntimeError):
    """A query would have run on a connection that has taken no role."""


class Bound(NamedTuple):
    """A connection whose transaction has taken its role, and the only task that may use it.

    A task that is created inside a transaction inherits its context variables but not the right to its connection:
    the two would send statements at the same time, or one of them after the end of the transaction.
    """

    connection: Any
    task: asyncio.Task[Any] | None


class Engine(PostgresEngine):
    """An engine that does not connect until it is configured, and runs queries in bound transactions only."""

    current_transaction: Any
    """Piccolo's own context variable. Here it holds a `Bound` instead of one of Piccolo's transactions."""

    async def check_version(self) -> None:
        """Do nothing: Piccolo would open a connection while modules are still being imported."""

    def configure(self, url: str) -> None:
        """Set the database that the engine is for, without connecting to it. Raise `ValueError` for a bad URL."""
        url, cache_size = _split_cache_size(url)
        # With several hosts in the URL, a server that does not accept writes is passed over.
        self.config = {"dsn": url, "timeout": CONNECT_SECONDS, "target_session_attrs": "read-write", **cache_size}
        self.expired_at = -math.inf

    async def expire(self) -> None:
        """Replace every connection before its next use: one is broken, so others may be too."""
        if self.pool is not None and time.monotonic() - self.expired_at >= EXPIRY_SECONDS:
            self.expired_at = time.monotonic()
            await self.pool.expire_connections()

    @contextmanager
    def bound_to(self, connection: Any) -> Iterator[None]:
        """Run the Piccolo queries of the current task on this connection."""
        token = self.current_transaction.set(Bound(connection, asyncio.current_task()))
        try:
            yield
        finally:
            self.current_transaction.reset(token)

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        """Run a query in the current transaction. Raise `OutsideTransaction` if the task holds none."""
        if _migrating.get():
            return await super().run_querystring(querystring, in_pool=in_pool)
        bound = self.current_transaction.get()
        if bound is None or bound.task is not asyncio.current_task():
            raise OutsideTransaction(OUTSIDE)
        statement, values = querystring.compile_string(engine_type=self.engine_type)
        return await bound.connection.fetch(statement, *values)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        """Change the schema. Raise `OutsideTransaction` outside of migrations."""
        if not _migrating.get():
            raise OutsideTransaction("Only migrations change the schema.")
        return await super().run_ddl(ddl, in_pool=in_pool)

    def transaction(self, allow_nested: bool = True) -> PostgresTransaction:
        """Return a transaction of Piccolo's own, for migrations only."""
        if not _migrating.get():
            raise OutsideTransaction(OWN_TRANSACTION)
        return super().transaction(allow_nested=allow_nested)

    async def batch(self, *_: Any, **__: Any) -> NoReturn:
        """Raise `OutsideTransaction`: Piccolo would open another connection for it."""
        raise OutsideTransaction(OWN_CONNECTION)


def allow_migrations() -> None:
    """Let the current context query without a role, as migrations must."""
    _migrating.set(True)


@contextmanager
def migrating() -> Iterator[None]:
    """Let the body query without a role, as migrations must."""
    token = _migrating.set(True)
    try:
        yield
    finally:
        _migrating.reset(token)


def _split_cache_size(url: str) -> tuple[str, dict[str, int]]:
    """Separate what is meant for asyncpg itself from a URL whose other parameters go to the server."""
    address, _, parameters = url.partition("?")
    given = [part for part in parameters.split("&") if part.startswith(CACHE_SIZE)]
    if not given:
        return url, {}
    try:
        size = int(given[-1].removeprefix(CACHE_SIZE))
    except ValueError:
        raise ValueError("The statement_cache_size in FREIGHT_DATABASE_URL is not a number.") from None
    others = "&".join(part for part in parameters.split("&") if not part.startswith(CACHE_SIZE))
    return f"{address}?{others}" if others else address, {"statement_cache_size": size}
