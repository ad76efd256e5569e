"""Transactions, and what they leave behind."""

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from freight import database
from support.failover import read_only
from support.relay import relaying

POOL_SIZE = 2
ATTEMPTS = 150


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[None]:
    async with database.connected(database_url, pool_size=POOL_SIZE):
        yield


async def test_a_transaction_that_is_cancelled_at_any_moment_gives_its_connection_back(pool: None) -> None:
    async def work() -> None:
        async with database.as_platform() as tx:
            await tx.execute("SELECT 1")

    for attempt in range(ATTEMPTS):
        working = asyncio.create_task(work())
        for pause in (attempt / 50_000, 0):
            # The second time it is already rolling back.
            await asyncio.sleep(pause)
            working.cancel()
        await asyncio.wait([working])
    async with asyncio.timeout(60), asyncio.TaskGroup() as all_connections:
        for _ in range(POOL_SIZE):
            all_connections.create_task(work())


async def test_after_a_transaction_that_was_cancelled_twice_the_same_task_can_begin_another(pool: None) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        try:
            async with database.as_platform():
                begun.set()
                await asyncio.sleep(60)
        except asyncio.CancelledError:
            async with database.as_platform() as tx:
                assert await tx.fetchval("SELECT 1") == 1
            raise

    for pause in (0, 0.0001, 0.0002, 0.0005):
        begun.clear()
        working = asyncio.create_task(work())
        await begun.wait()
        working.cancel()
        await asyncio.sleep(pause)
        working.cancel()
        await asyncio.wait([working])
        assert working.cancelled(), working.exception()


async def test_a_transaction_within_another_is_refused_before_it_waits_for_a_second_connection(pool: None) -> None:
    async with database.as_platform():
        with pytest.raises(RuntimeError, match="already"):
            async with database.as_platform():
                pass


async def write() -> None:
    async with database.as_platform() as tx:
        await tx.execute("CREATE TEMPORARY TABLE written (id int) ON COMMIT DROP")
        await tx.fetchval("SELECT pg_sleep(0.05)")


async def every_connection_writes() -> None:
    async with asyncio.TaskGroup() as all_connections:
        for _ in range(POOL_SIZE):
            all_connections.create_task(write())


async def test_after_a_fail_over_no_connection_is_left_that_cannot_write(database_url: str, pool: None) -> None:
    await every_connection_writes()
    async with read_only(database_url):
        for _ in range(POOL_SIZE + 1):
            with pytest.raises(database.Unavailable):
                await write()
    await every_connection_writes()


async def test_a_server_that_turns_read_only_under_its_connections_is_unavailable(
    database_url: str, pool: None
) -> None:
    await every_connection_writes()
    async with read_only(database_url, terminate=False):
        async with database.as_platform() as tx:
            before = await tx.fetchval("SELECT pg_backend_pid()")
        with pytest.raises(database.Unavailable):
            async with database.as_platform() as tx:
                await tx.execute("SET TRANSACTION READ ONLY; DELETE FROM jobs")
    async with database.as_platform() as tx:
        assert await tx.fetchval("SELECT pg_backend_pid()") != before
    await every_connection_writes()


async def test_a_database_that_cannot_be_written_does_not_answer_the_ping(database_url: str) -> None:
    async with database.connected(database_url, pool_size=1):
        await database.ping()
        async with read_only(database_url):
            with pytest.raises(database.Unavailable):
                await database.ping()
        await database.ping()


async def test_a_database_that_cannot_be_written_is_named_at_the_start(database_url: str) -> None:
    async with read_only(database_url):
        with pytest.raises(database.DatabaseError, match="does not accept writes"):
            async with database.connected(database_url, pool_size=1):
                pass


async def test_when_all_connections_were_ended_at_most_one_transaction_fails(database_url: str, pool: None) -> None:
    await every_connection_writes()
    other = await asyncpg.connect(database_url)
    await other.execute(
        """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    )
    await other.close()
    failures = 0
    for _ in range(2 * POOL_SIZE):
        try:
            await every_connection_writes()
        except* database.Unavailable:
            failures += 1
    assert failures <= 1


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57P01", "53300", "53100", "25006", "08006"])
async def test_what_says_nothing_about_the_statement_is_an_unavailable_database(pool: None, state: str) -> None:
    for _ in range(POOL_SIZE + 1):
        with pytest.raises(database.Unavailable):
            async with database.as_platform() as tx:
                await tx.execute(f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{state}'; END $$")
    await every_connection_writes()


async def test_an_error_about_a_value_is_none(pool: None) -> None:
    with pytest.raises(asyncpg.PostgresError):
        async with database.as_platform() as tx:
            await tx.execute("SELECT 1 / 0")


async def test_a_lock_that_is_not_to_be_had_in_time_is_an_unavailable_database(pool: None) -> None:
    async def wait() -> None:
        async with database.as_platform() as tx:
            await tx.execute("SET LOCAL lock_timeout = '50ms'")
            await tx.execute("SELECT pg_advisory_xact_lock(7)")

    async with database.as_platform() as tx:
        await tx.execute("SELECT pg_advisory_xact_lock(7)")
        with pytest.raises(database.Unavailable):
            await asyncio.create_task(wait(), context=contextvars.Context())


async def test_a_transaction_that_is_cancelled_while_the_server_hangs_ends_and_leaves_no_connection_behind(
    database_url: str, tmp_path: Path
) -> None:
    async with relaying(tmp_path, database_url) as relay, database.connected(relay.url, pool_size=POOL_SIZE):
        await every_connection_writes()
        relay.hang()
        waiting = [asyncio.create_task(every_connection_writes()) for _ in range(3)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert time.monotonic() - began < 3 * database.ROLLBACK_SECONDS + database.RELEASE_SECONDS
        relay.pass_on()
        await every_connection_writes()


async def test_a_pool_is_closed_although_the_server_hangs(database_url: str, tmp_path: Path) -> None:
    async with relaying(tmp_path, database_url) as relay:
        async with database.connected(relay.url, pool_size=POOL_SIZE):
            await every_connection_writes()
            relay.hang()
            began = time.monotonic()
        assert time.monotonic() - began < database.CLOSE_SECONDS + 5


@pytest.mark.parametrize("state", ["26000", "42P05"])
async def test_prepared_statements_that_a_pooler_loses_are_explained(pool: None, state: str) -> None:
    with pytest.raises(database.DatabaseError, match="statement_cache_size=0"):
        async with database.as_platform() as tx:
            await tx.execute(f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{state}'; END $$")


async def kept_statements() -> int:
    for _ in range(2):
        async with database.as_platform() as tx:
            assert await tx.fetchval("SELECT $1::int", 1) == 1
            kept = int(await tx.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''"))
    return kept


async def test_statements_are_kept_prepared_unless_the_url_says_otherwise(database_url: str) -> None:
    for url, any_kept in ((database_url, True), (f"{database_url}&statement_cache_size=0", False)):
        async with database.connected(url, pool_size=1):
            assert (await kept_statements() > 0) == any_kept


async def test_behind_a_pooler_no_statement_is_kept_prepared(database_url: str, tmp_path: Path) -> None:
    async with relaying(tmp_path, database_url) as relay:
        relay.poses_as_pooler = True
        async with database.connected(relay.url, pool_size=1):
            assert await kept_statements() == 0


async def test_a_cache_size_that_is_no_number_is_named() -> None:
    with pytest.raises(database.DatabaseError, match="not a number"):
        database.configure("postgresql://host/freight?statement_cache_size=none")
