"""One tenant's data is never visible to another."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest

from freight import database
from freight.database import Connection
from freight_sandbox import Sandbox
from support import rows
from support.errors import error_of
from support.service import Tenant, job_request

JOBS = "/api/v1/jobs"

OWN_RULES = {"tenants", "migration"}
"""Tables without a `tenant_id`: the tenants themselves, and Piccolo's list of migrations."""


@pytest.fixture
async def job_id(tenant: Tenant, sandbox: Sandbox) -> str:
    answer = await tenant.client.post(JOBS, json=job_request(sandbox))
    return str(answer.json()["id"])


async def tables(tx: Connection) -> set[str]:
    found = await tx.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in found}


async def touched(tx: Connection, statement: str, *args: object) -> int:
    """How many rows a statement touched; none if it is not allowed at all."""
    await tx.execute("SAVEPOINT attempt")
    try:
        tag = await tx.execute(statement, *args)
    except asyncpg.InsufficientPrivilegeError:
        await tx.execute("ROLLBACK TO SAVEPOINT attempt")
        return 0
    return int(tag.split()[-1])


async def test_another_tenant_s_job_does_not_exist(tenant: Tenant, other_tenant: Tenant, job_id: str) -> None:
    for path in (f"{JOBS}/{job_id}", f"{JOBS}/{job_id}/logs"):
        assert (await tenant.client.get(path)).status_code == 200
        stranger = error_of(await other_tenant.client.get(path), 404)
        nobody = error_of(await other_tenant.client.get(path.replace(job_id, str(uuid4()))), 404)
        assert stranger["message"].replace(job_id, "") != stranger["message"]
        assert stranger["error"] == nobody["error"]
    page = (await other_tenant.client.get(JOBS)).json()
    assert (page["items"], page["total"]) == ([], 0)


async def test_two_tenants_may_migrate_the_same_workspaces(
    tenant: Tenant, other_tenant: Tenant, job_id: str, sandbox: Sandbox
) -> None:
    answer = await other_tenant.client.post(JOBS, json=job_request(sandbox))
    assert answer.status_code == 201
    assert answer.json()["id"] != job_id


async def test_every_table_belongs_to_tenants_and_forces_row_level_security(tenant: Tenant) -> None:
    async with database.as_platform() as tx:
        assert await tables(tx) - OWN_RULES == set(await rows.tenant_tables(tx))
        protected = await tables(tx) - {"migration"}
        found = await tx.fetch(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'"
        )
    assert {row["relname"] for row in found} == protected


async def test_in_sql_another_tenant_s_rows_can_be_neither_seen_nor_touched(
    tenant: Tenant, other_tenant: Tenant, job_id: str
) -> None:
    for table in await rows.fill_all(tenant.id):
        async with database.as_tenant(tenant.id) as tx:
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") > 0, table
        async with database.as_tenant(other_tenant.id) as tx:
            mine = await tx.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", other_tenant.id)
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") == mine, table
            assert await touched(tx, f"UPDATE {table} SET tenant_id = tenant_id") in (0, mine), table
            assert await touched(tx, f"DELETE FROM {table} WHERE tenant_id = $1", tenant.id) == 0, table
        async with database.as_tenant(tenant.id) as tx:
            assert await tx.fetchval(f"SELECT count(*) FROM {table}") > 0, table


async def test_in_sql_a_row_cannot_be_given_to_another_tenant(
    tenant: Tenant, other_tenant: Tenant, job_id: str
) -> None:
    for table in await rows.fill_all(tenant.id):
        async with database.as_tenant(tenant.id) as tx:
            assert await touched(tx, f"UPDATE {table} SET tenant_id = $1", other_tenant.id) == 0, table


async def test_in_sql_a_tenant_sees_only_itself_and_cannot_change_itself(tenant: Tenant, other_tenant: Tenant) -> None:
    async with database.as_tenant(tenant.id) as tx:
        assert [row["id"] for row in await tx.fetch("SELECT id FROM tenants")] == [tenant.id]
        assert await touched(tx, "UPDATE tenants SET name = name") == 0
        assert await touched(tx, "DELETE FROM tenants") == 0


async def test_tenants_that_share_a_pool_of_connections_stay_apart(
    tenant: Tenant, other_tenant: Tenant, job_id: str
) -> None:
    async def seen(tenant_id: UUID) -> Sequence[str]:
        async with database.as_tenant(tenant_id) as tx:
            return [str(row["id"]) for row in await tx.fetch("SELECT id FROM jobs")]

    answers = await asyncio.gather(*(seen(one.id) for _ in range(50) for one in (tenant, other_tenant)))
    assert answers[::2] == [[job_id]] * 50
    assert answers[1::2] == [[]] * 50


async def test_in_sql_tenants_that_work_at_once_on_shared_connections_touch_only_their_own_rows_of_every_table(
    tenant: Tenant, other_tenant: Tenant, job_id: str
) -> None:
    filled = {one.id: await rows.fill_all(one.id) for one in (tenant, other_tenant)}

    async def work(table: str, own: UUID, foreign: UUID) -> None:
        async with database.as_tenant(own) as tx:
            seen = {row["id"] for row in await tx.fetch(f"SELECT id FROM {table}")}
            assert filled[own][table] in seen, table
            assert filled[foreign][table] not in seen, table
            for condition, value in (("id = $1", filled[foreign][table]), ("tenant_id <> $1", own)):
                assert await tx.fetchval(f"SELECT count(*) FROM {table} WHERE {condition}", value) == 0, table
                assert await touched(tx, f"UPDATE {table} SET id = id WHERE {condition}", value) == 0, table
                assert await touched(tx, f"DELETE FROM {table} WHERE {condition}", value) == 0, table

    pairs = ((tenant.id, other_tenant.id), (other_tenant.id, tenant.id))
    await asyncio.gather(*(work(table, *pair) for _ in range(5) for table in filled[tenant.id] for pair in pairs))
    async with database.as_platform() as tx:
        for tenant_id, ids in filled.items():
            for table, row_id in ids.items():
                kept = await tx.fetchval(f"SELECT tenant_id FROM {table} WHERE id = $1", row_id)
                assert kept == tenant_id, table
