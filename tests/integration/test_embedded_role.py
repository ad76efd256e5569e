"""The embedded database is used through a role that row-level security binds."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

import freight_embedded
from freight import database
from freight.domain.tables import Tenant
from freight.migrations import freight_2026_11_28_login_role as login_role
from freight_embedded import Servers
from freight_embedded.postgres import ROLE
from support.servers import as_superuser


@pytest.fixture(scope="module")
async def earlier() -> AsyncIterator[Servers]:
    """Servers of a home folder in which an earlier version had everything made and owned by the superuser."""
    home = Path(tempfile.mkdtemp(prefix="freight-test-"))
    async with freight_embedded.hold(home) as servers:
        url = as_superuser(servers.database_url)
        await execute(url, f"ALTER DATABASE freight OWNER TO postgres; DROP ROLE {ROLE}")
        async with database.connected(url, pool_size=1):
            await database.migrate()
            async with database.as_platform():
                await Tenant.insert(Tenant(name="From before"))
    await freight_embedded.stopped(home)
    async with freight_embedded.hold(home) as servers:
        yield servers
    await freight_embedded.stopped(home)
    shutil.rmtree(home)


@pytest.fixture
async def tenant_id(database_url: str) -> UUID:
    """A tenant in a database that this version made."""
    tenant = Tenant(name=uuid4().hex)
    async with database.connected(database_url, pool_size=1), database.as_platform():
        await Tenant.insert(tenant)
    return tenant.id


async def execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def owners(url: str) -> set[str]:
    """Who owns the database, its tables and their sequences."""
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        """SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace
           UNION SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"""
    )
    await connection.close()
    return {row["owner"] for row in rows}


async def tenants_seen_without_a_role(url: str) -> list[UUID]:
    connection = await asyncpg.connect(url)
    # The policy for tenants asks for it, and may be evaluated first.
    await connection.execute("SELECT set_config('freight.tenant_id', $1, false)", str(uuid4()))
    rows = await connection.fetch("SELECT id FROM tenants")
    await connection.close()
    return [row["id"] for row in rows]


async def test_the_login_role_is_no_superuser_and_sees_nothing_before_it_takes_a_role(
    database_url: str, tenant_id: UUID
) -> None:
    async with database.connected(database_url, pool_size=1), database.as_platform() as tx:
        rights = await tx.fetchrow(
            "SELECT session_user AS name, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user"
        )
    assert dict(rights or {}) == {"name": ROLE, "rolsuper": False, "rolbypassrls": False}
    assert await owners(database_url) == {ROLE}
    assert await tenants_seen_without_a_role(database_url) == []


async def test_a_login_role_that_inherited_the_rights_of_both_roles_has_them_no_more(
    database_url: str, tenant_id: UUID
) -> None:
    await execute(
        database_url,
        f"GRANT freight_tenant, freight_platform TO {ROLE} WITH INHERIT TRUE",
        f"DELETE FROM migration WHERE name = '{login_role.ID}'",
    )
    assert tenant_id in await tenants_seen_without_a_role(database_url)
    async with database.connected(database_url, pool_size=1):
        await database.migrate()
    assert await tenants_seen_without_a_role(database_url) == []


async def test_a_database_that_an_earlier_version_made_is_handed_over_with_its_rows(earlier: Servers) -> None:
    assert await owners(earlier.database_url) == {ROLE}
    async with database.connected(earlier.database_url, pool_size=1):
        assert await database.is_migrated()
        async with database.as_platform():
            (before,) = await Tenant.select(Tenant.id, Tenant.name)
            assert before["name"] == "From before"
            await Tenant.insert(Tenant(name="From now"))
        async with database.as_tenant(before["id"]):
            assert [row["name"] for row in await Tenant.select(Tenant.name)] == ["From before"]
    assert await tenants_seen_without_a_role(earlier.database_url) == []


async def test_migrations_can_change_what_an_earlier_version_made(earlier: Servers) -> None:
    await execute(
        earlier.database_url,
        "ALTER TABLE records ADD COLUMN more text",
        "DROP INDEX records_code",
        "CREATE TABLE more (id bigserial PRIMARY KEY)",
        "GRANT SELECT ON more TO freight_tenant, freight_platform",
    )
    async with database.connected(earlier.database_url, pool_size=1):
        await database.migrate()
