"""The database: one engine, its pool, and the transactions in which all work is done.

Row-level security is forced on every table, so a transaction sees rows only after it has taken one of two roles:
`freight_tenant`, which sees the rows of the tenant it names, or `freight_platform`, which sees all. Both are taken for
the transaction only: a setting that outlived it would stay on the pooled connection.
"""

import asyncio
import contextlib
import io
import os
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import msgspec
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.engine.postgres import PostgresEngine

Row = Mapping[str, Any]
"""A row of an answer, by column."""


class Cursor(Protocol):
    """Rows that stay in the database until they are asked for."""

    async def fetch(self, n: int) -> list[Row]:
        """The next `n` rows, fewer at the end, none after it."""
        ...


class Connection(Protocol):
    """What Freight uses of an asyncpg connection, which has no types of its own. `$1`, `$2` … stand for `args`."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement; answers its tag, `UPDATE 3`."""
        ...

    async def fetch(self, query: str, *args: object) -> list[Row]:
        """All rows."""
        ...

    async def fetchrow(self, query: str, *args: object) -> Row | None:
        """The first row."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:
        """The first column of the first row."""
        ...

    def cursor(self, query: str, *args: object) -> Awaitable[Cursor]:
        """A cursor over the rows, which lasts as long as the transaction."""
        ...


SURROGATES = re.compile("[\ud800-\udfff]")

_under_way: ContextVar[bool] = ContextVar("transaction_under_way", default=False)

MIGRATION_LOCK = 0x46524549
"""Key of the advisory lock under which one process at a time migrates."""


class DatabaseError(Exception):
    """The database cannot be used as it is; the message says what to do."""


class Unavailable(ConnectionError):
    """PostgreSQL cannot be reached, starts or stops, or has no room: the statement says nothing about it."""


UNAVAILABLE_STATES = ("08", "28", "3D", "53", "57P0", "58", "25006")
"""How the SQLSTATEs begin that are about the connection or the server, whatever was sent: connection exceptions,
refused logins, a database that is gone, insufficient resources, shutdown and start-up, errors of the system, and a
server that became a replica."""

DATA_STATES = ("21", "22", "23", "44", "54", "XX")
"""How the SQLSTATEs begin that are about the data of a statement: cardinality, data exceptions, integrity constraints,
views with a check, limits of the program, and the internal errors with which PostgreSQL refuses values that it has no
memory for."""


class _Engine(PostgresEngine):
    """Piccolo's engine, but one that connects to nothing until it is told where."""

    async def check_version(self) -> None:
        """Leave out the connection that Piccolo makes while modules are still being imported."""

    def configure(self, url: str) -> None:
        self.config = {"dsn": url}


DB = _Engine(config={})

# Piccolo's migrations would otherwise look for a `piccolo_conf.py` in the working folder.
os.environ.setdefault("PICCOLO_CONF", "freight.piccolo_conf")


def configure(url: str) -> None:
    """Say which database the engine is for, without connecting to it."""
    DB.configure(url)


@asynccontextmanager
async def connected(url: str, *, pool_size: int) -> AsyncIterator[None]:
    """Hold a pool of connections to the database at `url`. Raises `DatabaseError` if it cannot be reached."""
    configure(url)
    try:
        await DB.start_connection_pool(min_size=1, max_size=pool_size, command_timeout=60)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise DatabaseError(
            f"PostgreSQL could not be reached ({error}). Check FREIGHT_DATABASE_URL and that the server runs."
        ) from error
    try:
        yield
    finally:
        try:
            await asyncio.wait_for(DB.close_connection_pool(), timeout=10)
        except TimeoutError:
            # A connection that is not given back must not hold up the end of the process.
            if DB.pool is not None:
                DB.pool.terminate()
                DB.pool = None


@asynccontextmanager
async def as_tenant(tenant_id: UUID) -> AsyncIterator[Connection]:
    """A transaction that sees and writes the rows of this tenant only."""
    async with _transaction() as tx:
        await tx.execute(
            "SELECT set_config('role', 'freight_tenant', true), set_config('freight.tenant_id', $1, true)",
            str(tenant_id),
        )
        yield tx


@asynccontextmanager
async def as_platform() -> AsyncIterator[Connection]:
    """A transaction that sees the rows of all tenants: for looking up keys, for the sweep, for the administrator."""
    async with _transaction() as tx:
        await tx.execute("SELECT set_config('role', 'freight_platform', true)")
        yield tx


@asynccontextmanager
async def _transaction() -> AsyncIterator[Connection]:
    """A transaction on a connection of the pool, which gets it back however and whenever this is cancelled.

    Piccolo's own transactions keep the connection if they are cancelled while they begin or roll back, and the task
    can begin no other afterwards.
    """
    if _under_way.get():
        raise RuntimeError(
            "A transaction is under way already: another within it could wait for its connection forever."
        )
    if DB.pool is None:
        raise RuntimeError("There is no pool of connections: `connected` holds one.")
    token = _under_way.set(True)
    try:
        async with DB.pool.acquire() as connection, connection.transaction():
            yield connection
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        if isinstance(error, Unavailable) or not is_unavailable(error):
            raise
        raise Unavailable(str(error) or type(error).__name__) from error
    finally:
        _under_way.reset(token)


def is_unavailable(error: Exception) -> bool:
    """Return whether an error says that PostgreSQL cannot be used, and nothing about what was sent to it."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(UNAVAILABLE_STATES)
    return isinstance(error, OSError | asyncpg.InterfaceError) and not is_about_data(error)


def is_about_data(error: Exception) -> bool:
    """Return whether an error is about the values of a statement: others in their place would have been stored."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(DATA_STATES)
    # asyncpg's own errors about arguments are ValueErrors too; so is what encoding them as JSON or UTF-8 raises.
    return isinstance(error, ValueError | OverflowError | RecursionError | TypeError | msgspec.MsgspecError)


@asynccontextmanager
async def savepoint(tx: Connection, *, keep: bool = True) -> AsyncIterator[None]:
    """Undo what the body wrote, and no more of the transaction, if the body raises or `keep` is false."""
    await tx.execute("SAVEPOINT here")
    try:
        yield
    except Exception as error:
        if not is_unavailable(error):
            await _roll_back(tx)
        raise
    if keep:
        await tx.execute("RELEASE SAVEPOINT here")
    else:
        await _roll_back(tx)


async def _roll_back(tx: Connection) -> None:
    await tx.execute("ROLLBACK TO SAVEPOINT here")
    await tx.execute("RELEASE SAVEPOINT here")


def storable(text: str) -> str:
    """The text without what no text in PostgreSQL can hold: NUL is left out, half a surrogate pair becomes U+FFFD."""
    text = text.replace("\0", "")
    return text if text.isascii() else SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def jsonb(value: object) -> str:
    """The value as JSON that a jsonb column takes: PostgreSQL refuses the NUL character, so it is left out."""
    # An escaped backslash before the u means that no NUL is meant.
    return re.sub(r"(?<!\\)((?:\\\\)*)\\u0000", r"\1", msgspec.json.encode(value).decode())


async def ping() -> None:
    """Ask the database for an answer; raises whatever asyncpg raises if there is none."""
    async with _transaction() as tx:
        await tx.execute("SELECT 1")


async def migrate() -> str:
    """Bring the tables to the newest version and return what Piccolo printed about it.

    Any number of processes may call this at once. Raises `DatabaseError` if a migration fails.
    """
    printed = io.StringIO()
    lock = await DB.get_new_connection()
    try:
        await lock.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        with contextlib.redirect_stdout(printed):
            result = await ForwardsMigrationManager(app_name="freight").run()
    finally:
        await lock.close()
    if not result.success:
        raise DatabaseError(f"The database could not be migrated: {result.message}")
    return printed.getvalue()


async def is_migrated() -> bool:
    """Whether every migration of this version of Freight has been applied."""
    from freight.piccolo_app import APP_CONFIG

    manager = ForwardsMigrationManager(app_name="freight")
    known = manager.get_migration_ids(manager.get_migration_modules(APP_CONFIG.resolved_migrations_folder_path))
    async with _transaction() as tx:
        if await tx.fetchval("SELECT to_regclass('migration')") is None:
            return False
        applied = await tx.fetch("SELECT name FROM migration WHERE app_name = 'freight'")
    return set(known) <= {row["name"] for row in applied}
