"""What earlier versions reserved stays reserved, for jobs that are live while Freight is updated."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from freight import database
from freight.domain.migration.records import reservations
from freight_embedded import Servers
from freight_embedded.postgres import ROLE
from support import filled
from support.earlier import migrate_to
from support.servers import as_superuser
from support.service import Tenant

PREVIOUS = "2026-11-27T19:30:00:000000"
"""The last migration before the one that renames the table."""

OLD_ROWS = [
    ("companies", "acme.com", "1"),
    ("companies", "target record 0b6f-1", "2"),
    ("companies", "foreseen domains acme.io", "3"),
    ("companies", "named domains acme.io", "3"),
    ("companies", "written domains acme.net", "4"),
    ("list_entries", "8/companies/1", "5"),
    ("people", "sha256:" + "0" * 64, "6"),
]

NEW_ROWS = {
    ("companies", "value", "acme.com", "1"),
    ("companies", "target_record", "0b6f-1", "2"),
    ("companies", "foreseen", "domains acme.io", "3"),
    ("companies", "named", "domains acme.io", "3"),
    ("companies", "written", "domains acme.net", "4"),
    ("list_entries", "value", "8/companies/1", "5"),
    ("people", "value", "sha256:" + "0" * 64, "6"),
}


@pytest.fixture
async def previous_database(servers: Servers, migrated_template: str) -> AsyncIterator[str]:
    """A database of the version before, whose owner no policy lets see rows."""
    name = f"test_{uuid4().hex}"
    administrator = await asyncpg.connect(as_superuser(servers.database_url))
    await administrator.execute(f"CREATE DATABASE {name} OWNER {ROLE}")
    url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    async with database.connected(url, pool_size=2):
        await migrate_to(PREVIOUS)
        yield url
    await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administrator.close()


async def a_job_with(rows: list[tuple[str, str, str]]) -> tuple[UUID, UUID]:
    tenant_id = uuid4()
    async with database.as_platform() as tx:
        await tx.execute("INSERT INTO tenants (id, name) VALUES ($1, 'Example Ventures')", tenant_id)
    job_id = await filled.a_job(Tenant(id=tenant_id, key="", client=None), status="running")  # type: ignore[arg-type]
    async with database.as_tenant(tenant_id) as tx:
        await tx.executemany(
            "INSERT INTO claims (tenant_id, job_id, entity, value, source_id) VALUES ($1, $2, $3, $4, $5)",
            [(tenant_id, job_id, *row) for row in rows],
        )
    return tenant_id, job_id


async def test_rows_with_a_prefix_become_rows_of_a_kind_and_hold_what_they_held(previous_database: str) -> None:
    tenant_id, job_id = await a_job_with(OLD_ROWS)
    await database.migrate()
    async with database.as_tenant(tenant_id) as tx:
        rows = await tx.fetch("SELECT entity, kind, value, source_id FROM reservations")
        assert {tuple(row) for row in rows} == NEW_ROWS
        wanted = [("0b6f-1", "9"), ("0b6f-2", "9")]
        held = await reservations.reserve(tx, tenant_id, job_id, "companies", wanted, kind="target_record")
        values = await reservations.reserve(tx, tenant_id, job_id, "companies", [("acme.com", "9"), ("0b6f-1", "9")])
    assert held == {"0b6f-1": "2", "0b6f-2": "9"}
    assert values == {"acme.com": "1", "0b6f-1": "9"}


async def test_the_table_that_was_renamed_is_still_every_tenant_s_own(previous_database: str) -> None:
    tenant_id, job_id = await a_job_with(OLD_ROWS)
    await database.migrate()
    async with database.as_tenant(uuid4()) as tx:
        assert await tx.fetch("SELECT FROM reservations") == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reservations.reserve(tx, tenant_id, job_id, "companies", [("acme.net", "1")])
    connection = await asyncpg.connect(previous_database)
    named = await connection.fetch(
        """SELECT relname FROM pg_class WHERE relname LIKE 'claims%'
           UNION SELECT conname FROM pg_constraint WHERE conname LIKE 'claims%'"""
    )
    await connection.close()
    assert named == []
