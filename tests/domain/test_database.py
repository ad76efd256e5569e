"""Transactions, and what they leave behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from freight import database

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
