"""No query of Piccolo's sees, changes or deletes another tenant's rows, in any table and under any login role."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest
from piccolo.query.base import Query
from piccolo.table import Table

from freight import database
from freight.database import Connection
from freight.domain import tables
from freight.piccolo_app import APP_CONFIG
from support import rows

TABLES: list[type[Table]] = sorted(APP_CONFIG.table_classes, key=lambda table: table._meta.tablename)

ORDINARY = "freight_ordinary_login"


@pytest.fixture(scope="module", params=["the embedded server's role", "a superuser", "an ordinary role"])
async def pool(request: pytest.FixtureRequest, database_url: str, superuser_url: str) -> AsyncIterator[None]:
    """Connections of each kind of login role."""
    url = superuser_url if request.param == "a superuser" else database_url
    if request.param == "an ordinary role":
        parts = urlsplit(database_url)
        url = parts._replace(netloc=f"{ORDINARY}@{parts.netloc.rpartition('@')[2]}").geturl()
        await execute(superuser_url, f"CREATE ROLE {ORDINARY} LOGIN IN ROLE freight_tenant, freight_platform")
    async with database.connected(url, pool_size=2):
        yield
    if request.param == "an ordinary role":
        await execute(superuser_url, f"DROP ROLE {ORDINARY}")


@pytest.fixture(scope="module")
async def owner(pool: None) -> UUID:
    """A tenant with a row in every table."""
    tenant_id = await a_tenant()
    await rows.fill_all(tenant_id)
    return tenant_id


@pytest.fixture(scope="module")
async def stranger(pool: None) -> UUID:
    """A tenant without any."""
    return await a_tenant()


async def a_tenant() -> UUID:
    tenant = tables.Tenant(name=uuid4().hex)
    async with database.as_platform():
        await tables.Tenant.insert(tenant)
    return tenant.id


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def whose(table: type[Table]) -> str:
    return "id" if table is tables.Tenant else "tenant_id"


def queries(table: type[Table]) -> dict[str, Query]:
    """Queries of all rows that answer with whose rows they met."""
    column = table._meta.get_column_by_name(whose(table))
    last = table._meta.columns[-1]
    return {
        "select": table.select(column),
        "update": table.update({last: last}, force=True).returning(column),
        "delete": table.delete(force=True).returning(column),
    }


async def met(tx: Connection, query: Query, table: type[Table]) -> set[UUID] | None:
    """Whose rows the query met; None if the tenant's role may not run it at all. Its effect is undone."""
    try:
        async with database.savepoint(tx, keep=False):
            return {row[whose(table)] for row in await query}
    except asyncpg.InsufficientPrivilegeError:
        return None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.tablename)
async def test_a_tenant_s_queries_meet_its_own_rows_only(owner: UUID, stranger: UUID, table: type[Table]) -> None:
    for name, query in queries(table).items():
        async with database.as_tenant(owner) as tx:
            own = await met(tx, query, table)
        async with database.as_tenant(stranger) as tx:
            others = await met(tx, query, table)
        if own is None:
            assert (name, others) in (("update", None), ("delete", None))
        else:
            assert own == {owner}
            assert others == ({stranger} if table is tables.Tenant else set())


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.tablename)
async def test_after_a_stranger_changed_and_deleted_all_it_could_the_rows_are_as_before(
    owner: UUID, stranger: UUID, table: type[Table]
) -> None:
    mine = table._meta.get_column_by_name(whose(table)) == owner
    async with database.as_tenant(owner):
        before = await table.select().where(mine)
    for name in ("update", "delete"):
        try:
            async with database.as_tenant(stranger):
                await queries(table)[name]
        except asyncpg.InsufficientPrivilegeError:
            continue
    async with database.as_tenant(owner):
        after = await table.select().where(mine)
    assert before
    assert after == before


@pytest.mark.parametrize("table", [table for table in TABLES if table is not tables.Tenant])
async def test_a_row_cannot_be_given_to_another_tenant(owner: UUID, stranger: UUID, table: type[Table]) -> None:
    tenant_id = table._meta.get_column_by_name("tenant_id")
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ForeignKeyViolationError)):
        async with database.as_tenant(owner):
            await table.update({tenant_id: stranger}, force=True)
