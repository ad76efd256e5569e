"""The database: its connection pool, and the transactions in which all work is done.

Row-level security is forced on every table, so a transaction sees rows only after it has taken one of two roles:
`freight_tenant`, which sees the rows of the tenant it names, or `freight_platform`, which sees all. Both are taken for
the transaction only: a setting that outlived it would stay on the pooled connection.

Inside `as_tenant` and `as_platform` Piccolo's queries run on the transaction's connection, as SQL on the yielded one
does; outside of them they raise `OutsideTransaction`.
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
import structlog
from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager

from freight.piccolo_engine import Engine, migrating

Row = Mapping[str, Any]
"""A result row, by column."""


class Cursor(Protocol):
    """Rows that are fetched in portions."""

    async def fetch(self, n: int) -> list[Row]:
        """Return the next `n` rows, or fewer at the end."""
        ...


class Connection(Protocol):
    """The part of an asyncpg connection that Freight uses, with types. `$1`, `$2` … are the `args`."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement and return its command tag, such as `UPDATE 3`."""
        ...

    async def fetch(self, query: str, *args: object) -> list[Row]:
        """Return all rows."""
        ...

    async def fetchrow(self, query: str, *args: object) -> Row | None:
        """Return the first row."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:
        """Return the first column of the first row."""
        ...

    def cursor(self, query: str, *args: object) -> Awaitable[Cursor]:
        """Return a cursor over the rows, which lasts as long as the transaction."""
        ...


log = structlog.get_logger()

SURROGATES = re.compile("[\ud800-\udfff]")

_in_progress: ContextVar[bool] = ContextVar("transaction_in_progress", default=False)

MIGRATION_LOCK = 0x46524549
"""Key of the advisory lock that lets one process at a time apply migrations."""


class DatabaseError(Exception):
    """The database cannot be used as it is; the message says what to do."""


class Unavailable(ConnectionError):
    """PostgreSQL is unreachable, starting, stopping or out of resources. The statement is not the cause."""


GONE_STATES = ("08", "57P0", "25006", "25P03", "25P04")
"""Prefixes of the SQLSTATEs after which a connection cannot be used: connection exceptions, shutdown and start-up, a
server that became a replica, and sessions that the server ended because they took too long."""

UNAVAILABLE_STATES = (*GONE_STATES, "28", "3D", "40", "53", "55P03", "58")
"""Prefixes of the SQLSTATEs that are not about the statement, so that it may be repeated: those above, and also refused
logins, a missing database, conflicts between transactions, insufficient resources, lock timeouts, and system errors."""

DATA_STATES = ("21", "22", "23", "44", "54", "XX")
"""Prefixes of the SQLSTATEs that are about the data of a statement: cardinality, data exceptions, integrity
constraints, views with a check, program limits, and the internal errors with which PostgreSQL refuses values that are
too large for its memory."""


ACQUIRE_SECONDS = 30
"""How long a transaction waits for a connection, including the time to open one."""

COMMAND_SECONDS = 60

ROLLBACK_SECONDS = 2
"""How long a failed transaction waits for the server to roll it back. After that its connection is closed, which also
rolls it back."""

RELEASE_SECONDS = 5
"""How long resetting a connection for the next transaction may take."""

CLOSE_SECONDS = 2
"""How long closing all connections may take once no transaction is in progress."""

READ_ONLY = (
    "PostgreSQL does not accept writes at the moment: it is a replica, or its transactions are read-only by default."
)

NO_CONNECTION = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)

PREPARED_STATEMENT_LOST = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)

POOLED = (
    "A prepared statement was lost, as happens behind a pooler such as pgbouncer in transaction mode. Add "
    "`statement_cache_size=0` to the parameters of FREIGHT_DATABASE_URL, and start Freight again."
)


DB = Engine(config={})
"""The engine of every table."""

# Piccolo's migrations would otherwise look for a `piccolo_conf.py` in the working folder.
os.environ.setdefault("PICCOLO_CONF", "freight.piccolo_conf")


def configure(url: str) -> None:
    """Set the database that the engine is for, without connecting to it. Raise `DatabaseError` for a bad URL."""
    try:
        DB.configure(url)
    except ValueError as error:
        raise DatabaseError(str(error)) from None


@asynccontextmanager
async def connected(url: str, *, pool_size: int) -> AsyncIterator[None]:
    """Hold a connection pool for the database at `url`. Raise `DatabaseError` if it cannot be reached."""
    configure(url)
    try:
        if "statement_cache_size" not in DB.config and await _is_pooled():
            log.info("database_behind_pooler", consequence="Statements are not kept prepared.")
            DB.config["statement_cache_size"] = 0
        # Connect once, to see that it is possible. With a minimum pool size, asyncpg would connect in the background,
        # which delays transactions that begin and logs a traceback for each attempt during an outage.
        await DB.start_connection_pool(init_size=1, min_size=0, max_size=pool_size, command_timeout=COMMAND_SECONDS)
    except asyncpg.exceptions.TargetServerAttributeNotMatched as error:
        raise DatabaseError(f"{READ_ONLY} Check FREIGHT_DATABASE_URL.") from error
    except PREPARED_STATEMENT_LOST as error:
        raise DatabaseError(POOLED) from error
    except (OSError, asyncpg.PostgresError) as error:
        raise DatabaseError(
            f"PostgreSQL could not be reached ({error or type(error).__name__}). Check FREIGHT_DATABASE_URL and that "
            "the server runs."
        ) from error
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await DB.close_connection_pool()
        except TimeoutError:
            # A connection that is not released must not delay the end of the process.
            abandon()
        DB.pool = None


async def _is_pooled() -> bool:
    """Return whether connections go through a pooler such as pgbouncer, which reports a process id of its own.

    In transaction mode every transaction may run in another session, in which a statement that an earlier one
    prepared does not exist, or is a different one.
    """
    connection = await asyncpg.connect(**DB.config, statement_cache_size=0)
    try:
        async with connection.transaction():
            return bool(await connection.fetchval("SELECT pg_backend_pid()") != connection.get_server_pid())
    finally:
        connection.terminate()


def abandon() -> None:
    """Close all connections at once. Tasks that use one, wait for one or request one fail."""
    if DB.pool is not None:
        DB.pool.terminate()


@asynccontextmanager
async def as_tenant(tenant_id: UUID) -> AsyncIterator[Connection]:
    """Begin a transaction that sees and writes the rows of this tenant only."""
    async with _transaction() as tx:
        await tx.execute(
            "SELECT set_config('role', 'freight_tenant', true), set_config('freight.tenant_id', $1, true)",
            str(tenant_id),
        )
        with DB.bound_to(tx):
            yield tx


@asynccontextmanager
async def as_platform() -> AsyncIterator[Connection]:
    """Begin a transaction that sees the rows of all tenants, for authentication, the sweep and the administrator."""
    async with _transaction() as tx:
        await tx.execute("SELECT set_config('role', 'freight_platform', true)")
        with DB.bound_to(tx):
            yield tx


@asynccontextmanager
async def _transaction() -> AsyncIterator[Connection]:
    """Begin a transaction on a connection of the pool. The connection is released even if this is cancelled.

    Piccolo's own transactions keep the connection if they are cancelled while they begin or roll back, and the task
    cannot begin another one afterwards.
    """
    if _in_progress.get():
        raise RuntimeError(
            "A transaction is in progress already: another within it could wait for its connection forever."
        )
    if DB.pool is None:
        raise Unavailable("There are no connections to PostgreSQL: they have been closed, or were never opened.")
    pool, token = DB.pool, _in_progress.set(True)
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            connection = await pool.acquire()
        try:
            async with _begun(connection):
                yield connection
        finally:
            # If it cannot be reset within this time, asyncpg closes it.
            with contextlib.suppress(Exception):
                await pool.release(connection, timeout=RELEASE_SECONDS)
    except PREPARED_STATEMENT_LOST as error:
        raise DatabaseError(POOLED) from error
    except (*NO_CONNECTION, asyncpg.PostgresError) as error:
        if isinstance(error, Unavailable) or not is_unavailable(error):
            raise
        raise Unavailable(str(error) or type(error).__name__) from error
    finally:
        _in_progress.reset(token)


@asynccontextmanager
async def _begun(connection: Any) -> AsyncIterator[None]:
    """Begin a transaction on this connection. Close the connection if it can no longer be used."""
    transaction = connection.transaction()
    try:
        await transaction.start()
    except BaseException as error:
        connection.terminate()
        if isinstance(error, Exception) and _is_gone(error):
            await DB.expire()
        raise
    try:
        yield
    except BaseException as error:
        if isinstance(error, Exception) and _is_gone(error):
            connection.terminate()
            await DB.expire()
        else:
            await _undo(connection, transaction)
        raise
    try:
        await transaction.commit()
    except BaseException as error:
        if not isinstance(error, asyncpg.PostgresError) or _is_gone(error):
            connection.terminate()
        raise


async def _undo(connection: Any, transaction: Any) -> None:
    try:
        async with asyncio.timeout(ROLLBACK_SECONDS):
            await transaction.rollback()
    except asyncio.CancelledError:
        connection.terminate()
        raise
    except (*NO_CONNECTION, asyncpg.PostgresError):
        connection.terminate()


def is_unavailable(error: Exception) -> bool:
    """Return whether an error says that PostgreSQL cannot be used, whatever the statement."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(UNAVAILABLE_STATES)
    return isinstance(error, NO_CONNECTION) and not is_about_data(error)


def _is_gone(error: Exception) -> bool:
    """Return whether an error leaves its connection unusable."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(GONE_STATES)
    return is_unavailable(error)


def is_about_data(error: Exception) -> bool:
    """Return whether an error is about the values of a statement, so that other values could be stored."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(DATA_STATES)
    # asyncpg's own errors about arguments are ValueErrors too; so is what encoding them as JSON or UTF-8 raises.
    return isinstance(error, ValueError | OverflowError | RecursionError | TypeError | msgspec.MsgspecError)


@asynccontextmanager
async def savepoint(tx: Connection, *, keep: bool = True) -> AsyncIterator[None]:
    """Run the body in a savepoint. Roll back to it if the body raises or `keep` is false."""
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
    """Return the text in a form that PostgreSQL stores: NUL is removed, a lone surrogate becomes U+FFFD."""
    text = text.replace("\0", "")
    return text if text.isascii() else SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def jsonb(value: object) -> str:
    """Return the value as JSON for a jsonb column. NUL characters are removed, as PostgreSQL refuses them."""
    # After an escaped backslash, u0000 is text and not NUL.
    return re.sub(r"(?<!\\)((?:\\\\)*)\\u0000", r"\1", msgspec.json.encode(value).decode())


async def ping() -> None:
    """Check that the database accepts writes. Raise `Unavailable` if it does not, or does not answer."""
    async with _transaction() as tx:
        if await tx.fetchval("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"):
            raise Unavailable(READ_ONLY)


async def migrate() -> str:
    """Apply the missing migrations and return what Piccolo printed about them.

    Any number of processes may call this at once. Raise `DatabaseError` if a migration fails.
    """
    printed = io.StringIO()
    lock = await DB.get_new_connection()
    try:
        # A transaction-level lock, because behind a pooler a session-level lock is never released.
        async with lock.transaction():
            await lock.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
            with contextlib.redirect_stdout(printed), migrating():
                result = await ForwardsMigrationManager(app_name="freight").run()
    finally:
        await lock.close()
    if not result.success:
        raise DatabaseError(f"The database could not be migrated: {result.message}")
    return printed.getvalue()


async def is_migrated() -> bool:
    """Return whether every migration of this version of Freight has been applied."""
    from freight.piccolo_app import APP_CONFIG

    manager = ForwardsMigrationManager(app_name="freight")
    known = manager.get_migration_ids(manager.get_migration_modules(APP_CONFIG.resolved_migrations_folder_path))
    async with _transaction() as tx:
        if await tx.fetchval("SELECT to_regclass('migration')") is None:
            return False
        applied = await tx.fetch("SELECT name FROM migration WHERE app_name = 'freight'")
    return set(known) <= {row["name"] for row in applied}
