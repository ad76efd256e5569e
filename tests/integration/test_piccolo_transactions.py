"""Piccolo's queries run in the transaction of the task that awaits them, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from freight import database
from freight.database import DB
from freight.domain.tables import Tenant
from freight.piccolo_engine import OutsideTransaction
from support.relay import relaying


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[None]:
    async with database.connected(database_url, pool_size=2):
        yield


@pytest.fixture
async def tenant_id(pool: None) -> UUID:
    tenant = Tenant(name=uuid4().hex)
    async with database.as_platform():
        await Tenant.insert(tenant)
    return tenant.id


async def who_and_where() -> dict[str, Any]:
    (row,) = await Tenant.raw(
        "SELECT current_user AS role, pg_backend_pid() AS process, current_setting('freight.tenant_id', true) AS tenant"
    )
    return dict(row)


async def test_a_query_runs_on_the_connection_of_the_transaction_and_as_its_tenant(tenant_id: UUID) -> None:
    async with database.as_tenant(tenant_id) as tx:
        process = await tx.fetchval("SELECT pg_backend_pid()")
        assert await who_and_where() == {"role": "freight_tenant", "process": process, "tenant": str(tenant_id)}
    async with database.as_platform() as tx:
        process = await tx.fetchval("SELECT pg_backend_pid()")
        found = await who_and_where()
    assert (found["role"], found["process"]) == ("freight_platform", process)


async def test_a_query_outside_of_a_transaction_is_refused(tenant_id: UUID) -> None:
    with pytest.raises(OutsideTransaction, match="as_tenant"):
        await Tenant.select()
    async with database.as_tenant(tenant_id):
        pass
    for query in (Tenant.select(), Tenant.delete(force=True), Tenant.insert(Tenant(name="x")), Tenant.count()):
        with pytest.raises(OutsideTransaction, match="as_tenant"):
            await query


async def test_a_task_that_was_created_inside_a_transaction_is_refused_during_and_after_it(tenant_id: UUID) -> None:
    over = asyncio.Event()

    async def select(first: asyncio.Event | None = None) -> None:
        if first is not None:
            await first.wait()
        await Tenant.select()

    async with database.as_tenant(tenant_id):
        during, after = asyncio.create_task(select()), asyncio.create_task(select(over))
        await asyncio.wait([during])
        assert len(await Tenant.select()) == 1
    over.set()
    await asyncio.wait([after])
    assert isinstance(during.exception(), OutsideTransaction)
    assert isinstance(after.exception(), OutsideTransaction)


async def test_a_query_in_the_thread_of_another_event_loop_is_refused(tenant_id: UUID) -> None:
    async with database.as_tenant(tenant_id):
        with pytest.raises(OutsideTransaction):
            Tenant.select().run_sync()


async def test_what_piccolo_would_do_on_a_connection_of_its_own_is_refused(tenant_id: UUID) -> None:
    async with database.as_tenant(tenant_id):
        with pytest.raises(OutsideTransaction):
            async with DB.transaction():
                pass
        with pytest.raises(OutsideTransaction):
            await DB.atomic()
        with pytest.raises(OutsideTransaction):
            await Tenant.select().batch()
        with pytest.raises(OutsideTransaction):
            await Tenant.alter().drop_column("name")


async def test_a_savepoint_undoes_what_piccolo_wrote(tenant_id: UUID) -> None:
    added = Tenant(name=uuid4().hex)
    async with database.as_platform() as tx:
        async with database.savepoint(tx, keep=False):
            await Tenant.insert(added)
            assert await Tenant.exists().where(Tenant.id == added.id)
        assert not await Tenant.exists().where(Tenant.id == added.id)
        assert await Tenant.exists().where(Tenant.id == tenant_id)


async def test_a_transaction_that_fails_undoes_what_piccolo_wrote(pool: None) -> None:
    added = Tenant(name=uuid4().hex)

    async def insert_twice() -> None:
        async with database.as_platform():
            await Tenant.insert(added)
            await Tenant.insert(Tenant(name=added.name))

    with pytest.raises(asyncpg.UniqueViolationError):
        await insert_twice()
    async with database.as_platform():
        assert not await Tenant.exists().where(Tenant.id == added.id)


async def test_a_cancelled_query_gives_the_connection_back(database_url: str) -> None:
    async def sleep() -> None:
        async with database.as_platform():
            await Tenant.raw("SELECT pg_sleep(30)")

    async with database.connected(database_url, pool_size=1):
        for _ in range(3):
            sleeping = asyncio.create_task(sleep())
            await asyncio.sleep(0.05)
            sleeping.cancel()
            await asyncio.wait([sleeping])
            assert sleeping.cancelled()
            async with database.as_platform():
                assert (await who_and_where())["role"] == "freight_platform"


async def test_a_connection_that_is_gone_is_unavailable_and_the_next_transaction_has_another(
    pool: None, superuser_url: str
) -> None:
    async def select_on_a_connection_that_ends() -> None:
        async with database.as_platform():
            process = (await who_and_where())["process"]
            other = await asyncpg.connect(superuser_url)
            await other.execute("SELECT pg_terminate_backend($1)", process)
            await other.close()
            await Tenant.select()

    with pytest.raises(database.Unavailable):
        await select_on_a_connection_that_ends()
    async with database.as_platform():
        assert (await who_and_where())["role"] == "freight_platform"


async def test_behind_a_pooler_piccolo_s_statements_are_not_kept_prepared(database_url: str, tmp_path: Path) -> None:
    async with relaying(tmp_path, database_url) as relay:
        relay.poses_as_pooler = True
        async with database.connected(relay.url, pool_size=1), database.as_platform() as tx:
            for _ in range(2):
                await Tenant.select().where(Tenant.id == uuid4())
            assert await tx.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''") == 0
