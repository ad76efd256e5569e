"""Retention: erase data after its retention time. Everything here runs as the platform, in portions."""

from typing import Literal
from uuid import UUID

import structlog

from freight import database
from freight.domain.jobs import transitions
from freight.domain.tables import NOW, Job

PORTION = 10_000
"""Rows that one transaction changes."""

IDEMPOTENCY_HOURS = 24
DELIVERY_DAYS = 30

ERASED = "The text was erased after the retention time of the job."

log = structlog.get_logger()


async def purge() -> None:
    """Erase everything that is due. Safe to interrupt and to repeat."""
    for tenant_id, job_id in await _due():
        await _purge_job(tenant_id, job_id)
        log.info("job_purged", tenant=str(tenant_id), job=str(job_id))
    await delete_rows("idempotency_keys", f"created_at < now() - interval '{IDEMPOTENCY_HOURS} hours'")
    await delete_rows(
        "webhook_deliveries", f"status <> 'pending' AND created_at < now() - interval '{DELIVERY_DAYS} days'"
    )


async def delete_rows(table: str, condition: str, *args: object) -> None:
    """Delete the rows of a table for which the condition holds."""
    tag = f"DELETE {PORTION}"
    while tag == f"DELETE {PORTION}":
        async with database.as_platform() as tx:
            tag = await tx.execute(
                f"""DELETE FROM {table}
                    WHERE id = ANY (ARRAY (SELECT id FROM {table} WHERE {condition} LIMIT {PORTION}))""",
                *args,
            )


async def _due() -> list[tuple[UUID, UUID]]:
    async with database.as_platform() as tx:
        rows = await tx.fetch(
            """SELECT tenant_id, jobs.id FROM jobs JOIN tenants ON tenants.id = tenant_id
               WHERE purged_at IS NULL AND completed_at < now() - retention_days * interval '1 day'
                 AND status NOT IN ('pending', 'running', 'paused')"""
        )
    return [(row["tenant_id"], row["id"]) for row in rows]


async def _purge_job(tenant_id: UUID, job_id: UUID) -> None:
    """Erase the vendors' keys, the records' data and the texts that quote it. Ids, outcomes and codes stay."""
    async with database.as_platform():
        # The keys go first: without them no retry can start while the rest is erased.
        erased = await (
            Job.update({Job.source_credentials: b"", Job.target_credentials: b""})
            .where(Job.id == job_id, Job.status.not_in(sorted(transitions.LIVE)))
            .returning(Job.id)
        )
    if not erased:
        return
    message = f"message = CASE WHEN message IS NOT NULL THEN '{ERASED}' END"
    await _erase(tenant_id, job_id, "records", f"payload = NULL, {message}")
    # The rows about the job itself quote nothing of its records.
    await _erase(tenant_id, job_id, "logs", f"value = NULL, {message}", "AND source_id IS NOT NULL")
    for table in ("reservations", "replies"):
        await delete_rows(table, "tenant_id = $1 AND job_id = $2", tenant_id, job_id)
    async with database.as_platform():
        # The schema names internal users.
        await Job.update({Job.purged_at: NOW, Job.source_schema: None, Job.layout: None}).where(Job.id == job_id)


async def _erase(
    tenant_id: UUID, job_id: UUID, table: Literal["records", "logs"], change: str, condition: str = ""
) -> None:
    last: int | None = 0
    while last is not None:
        async with database.as_platform() as tx:
            last = await tx.fetchval(
                f"""WITH portion AS (
                        SELECT id FROM {table} WHERE tenant_id = $1 AND job_id = $2 AND id > $3 {condition}
                        ORDER BY id LIMIT {PORTION}
                    ), changed AS (UPDATE {table} SET {change} WHERE id IN (SELECT id FROM portion))
                    SELECT max(id) FROM portion""",
                tenant_id,
                job_id,
                last,
            )
