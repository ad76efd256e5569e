"""Rows in every table, whatever tables there are."""

from typing import Any
from uuid import UUID, uuid4

from freight import database
from freight.database import Connection

SENSIBLE: dict[str, Any] = {
    "batches.status": "completed",
    "entities": ["companies"],
    "entity": "companies",
    "event": "job.started",
    "events": ["job.started"],
    "jobs.status": "completed",
    "level": "warning",
    "mode": "full",
    "on_existing": "fill",
    "origin": "created",
    "scopes": ["jobs:read"],
    "size": 100,
    "source_system": "affinity",
    "target_system": "attio",
    "url": "https://example.com/hook",
    "webhook_deliveries.status": "pending",
}
"""Values for columns that do not take just any, by `column` or `table.column`."""

ANY: dict[str, Any] = {"integer": 1, "bigint": 1, "boolean": False, "jsonb": "{}", "ARRAY": [], "bytea": b""}
"""Values by the type of the column."""


async def tenant_tables(tx: Connection) -> list[str]:
    """Return every table whose rows belong to tenants."""
    found = await tx.fetch(
        """SELECT table_name FROM information_schema.columns
           WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY 1"""
    )
    return [row["table_name"] for row in found]


async def fill_all(tenant_id: UUID) -> dict[str, Any]:
    """Return the id of a row of the tenant in every such table."""
    async with database.as_platform() as tx:
        return {table: await fill(tx, table, tenant_id) for table in await tenant_tables(tx)}


async def fill(tx: Connection, table: str, tenant_id: UUID) -> Any:
    """Return the id of a row of the tenant in this table; one is made if there is none, whatever its columns are."""
    row_id = await tx.fetchval(f"SELECT id FROM {table} WHERE tenant_id = $1", tenant_id)
    if row_id is not None:
        return row_id
    columns = await tx.fetch(
        """SELECT column_name, data_type FROM information_schema.columns
           WHERE table_name = $1 AND (is_nullable = 'NO' OR column_name LIKE '%_id') AND column_default IS NULL""",
        table,
    )
    values = {
        row["column_name"]: await _value(tx, table, row["column_name"], row["data_type"], tenant_id) for row in columns
    }
    placeholders = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    return await tx.fetchval(
        f"INSERT INTO {table} ({', '.join(values)}) VALUES ({placeholders}) RETURNING id", *values.values()
    )


async def _value(tx: Connection, table: str, column: str, data_type: str, tenant_id: UUID) -> Any:
    for name in (f"{table}.{column}", column):
        if name in SENSIBLE:
            return SENSIBLE[name]
    if column == "tenant_id":
        return tenant_id
    referred = {"batch_id": "batches", "delivery_id": "webhook_deliveries"}.get(
        column, f"{column.removesuffix('_id')}s"
    )
    if referred in await tenant_tables(tx):
        return await fill(tx, referred, tenant_id)
    return uuid4() if data_type == "uuid" else ANY.get(data_type, "x")
