"""A database that holds rows of an earlier version is migrated: every row is kept, and the API reads it."""

from collections.abc import AsyncIterator
from string import Formatter
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pytest

from freight import database
from freight.settings import Settings
from freight_embedded import Servers
from freight_embedded.postgres import ROLE
from support import rows
from support import service as support
from support.earlier import migrate_to, versions
from support.servers import as_superuser
from support.service import ALL_SCOPES, Service

OBJECTS = {
    "job_id": "jobs",
    "batch_id": "batches",
    "record_id": "records",
    "key_id": "api_keys",
    "webhook_id": "webhooks",
    "delivery_id": "webhook_deliveries",
}
"""Which table the object is in that a parameter of a path names."""

FOR_ALL = ("/api/v1/tenants", "/api/v1/tenants/{tenant_id}")
"""What only the platform's administrator reads."""


class Earlier(msgspec.Struct):
    """A database as an earlier version left it."""

    url: str
    tenant_id: UUID
    ids: dict[str, Any]
    """The id of a row, by table."""
    kept: dict[int, int]
    """The number of rows by the table's number in PostgreSQL, which a table keeps when it is renamed."""


@pytest.fixture(params=[versions()[0], versions()[-2]], ids=["first", "last but one"])
async def earlier(request: pytest.FixtureRequest, servers: Servers) -> AsyncIterator[Earlier]:
    name = f"test_{uuid4().hex}"
    administrator = await asyncpg.connect(as_superuser(servers.database_url))
    await administrator.execute(f"CREATE DATABASE {name} OWNER {ROLE}")
    url = urlsplit(servers.database_url)._replace(path=f"/{name}").geturl()
    tenant_id = uuid4()
    async with database.connected(url, pool_size=2):
        await migrate_to(request.param)
        async with database.as_platform() as tx:
            await tx.execute("INSERT INTO tenants (id, name) VALUES ($1, 'Example Ventures')", tenant_id)
        ids = await rows.fill_all(tenant_id)
    yield Earlier(url, tenant_id, ids, await row_counts(url))
    await administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await administrator.close()


async def row_counts(url: str) -> dict[int, int]:
    connection = await asyncpg.connect(as_superuser(url))
    tables = await connection.fetch(
        """SELECT oid::int, relname FROM pg_class
           WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'migration'"""
    )
    counts = {row["oid"]: await connection.fetchval(f"SELECT count(*) FROM {row['relname']}") for row in tables}
    await connection.close()
    return counts


async def test_every_row_is_kept_and_every_route_reads_it(earlier: Earlier, settings: Settings) -> None:
    assert set(earlier.kept.values()) == {1}
    async with database.connected(earlier.url, pool_size=2):
        await database.migrate()
    counts = await row_counts(earlier.url)
    assert {table: counts.get(table) for table in earlier.kept} == earlier.kept
    async with support.running(msgspec.structs.replace(settings, database_url=earlier.url)) as service:
        assert await refused(service, earlier) == {}


async def refused(service: Service, earlier: Earlier) -> dict[str, str]:
    """Every route that does not answer with the rows that the earlier version wrote, with its answer."""
    ids = {name: earlier.ids[table] for name, table in OBJECTS.items() if table in earlier.ids}
    key = await service.new_key(earlier.tenant_id, ALL_SCOPES)
    async with service.client(key) as client:
        paths = [path for path in await readable(client) if parameters(path) <= ids.keys()]
        assert {name for path in paths for name in parameters(path)} == ids.keys()
        answers = {path: await client.get(path.format(**ids)) for path in paths}
    return {
        path: f"{answer.status_code} {answer.text}" for path, answer in answers.items() if answer.status_code != 200
    }


async def readable(client: httpx.AsyncClient) -> list[str]:
    """The paths of all GET routes of a tenant, with their parameters."""
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    return [
        path for path, item in paths.items() if "get" in item and path.startswith("/api/v1/") and path not in FOR_ALL
    ]


def parameters(path: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(path) if name}
