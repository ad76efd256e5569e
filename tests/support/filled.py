"""Jobs of any size, written to the database directly, as workers would have left them."""

from typing import Any
from uuid import UUID, uuid4

from freight import database
from support.service import Tenant

MIX = """CASE WHEN n % 10 = 0 THEN NULL WHEN n % 10 = 1 THEN 'failed' WHEN n % 10 = 2 THEN 'skipped'
         WHEN n % 10 = 3 THEN 'updated' WHEN n % 10 = 4 THEN 'unchanged' ELSE 'created' END"""
"""What becomes of records by their number: of every ten, one has no outcome yet."""


async def a_job(tenant: Tenant, **changes: Any) -> UUID:
    """Return a completed job without records."""
    job_id = uuid4()
    values = {
        "id": job_id,
        "tenant_id": tenant.id,
        "labels": "{}",
        "status": "completed",
        "mode": "full",
        "entities": ["companies", "people"],
        "on_existing": "fill",
        "batch_size": 1000,
        "retry_policy": "{}",
        "source_system": "affinity",
        "source_base_url": "https://api.affinity.co",
        "source_workspace": str(job_id),
        "source_workspace_name": "Source",
        "source_credentials": b"",
        "target_system": "attio",
        "target_base_url": "https://api.attio.com",
        "target_workspace": str(job_id),
        "target_workspace_name": "Target",
        "target_credentials": b"",
        "started_by": "a test",
        "total_records": 0,
        "processed_records": 0,
        "failed_records": 0,
        **changes,
    }
    placeholders = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({placeholders})", *values.values())
    return job_id


async def add_records(tenant: Tenant, job_id: UUID, number: int, *, outcome: str = MIX) -> None:
    """So many records, companies and people by turns, with the counters that belong to them.

    `outcome` is SQL that gives the outcome of record `n`.
    """
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            f"""INSERT INTO records (tenant_id, job_id, entity, position, source_id, payload, outcome, code, message,
                                     target_id)
                SELECT $1, $2, CASE WHEN n % 2 = 0 THEN 'companies' ELSE 'people' END, n / 2, 'source ' || n,
                       jsonb_build_object('name', 'Record ' || n), outcome,
                       CASE WHEN outcome IN ('failed', 'skipped') THEN outcome || '_for_a_reason' END,
                       CASE WHEN outcome IN ('failed', 'skipped') THEN 'Record ' || n || ' is 100% wrong.' END,
                       CASE WHEN outcome IN ('created', 'updated', 'unchanged') THEN 'target ' || n END
                FROM (SELECT n, {outcome} AS outcome FROM generate_series(0, $3 - 1) AS n) AS made""",
            tenant.id,
            job_id,
            number,
        )
        counted = ", ".join(
            f"count(*) FILTER (WHERE outcome = '{name}')"
            for name in ("created", "updated", "unchanged", "skipped", "failed")
        )
        await tx.execute(
            f"""INSERT INTO streams (id, tenant_id, job_id, entity, done, read_records, created_records,
                                     updated_records, unchanged_records, skipped_records, failed_records)
                SELECT gen_random_uuid(), $1, $2, entity, true, count(*), {counted}
                FROM records WHERE job_id = $2 GROUP BY entity""",
            tenant.id,
            job_id,
        )
        await tx.execute(
            """UPDATE jobs SET (total_records, processed_records, failed_records) = (
                   SELECT count(*), count(outcome), count(*) FILTER (WHERE outcome = 'failed')
                   FROM records WHERE job_id = $1) WHERE id = $1""",
            job_id,
        )


async def add_logs(tenant: Tenant, job_id: UUID, number: int) -> None:
    """So many log rows: every tenth is an error, the others are warnings."""
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            """INSERT INTO logs (tenant_id, job_id, entity, source_id, level, code, message)
               SELECT $1, $2, CASE WHEN n % 2 = 0 THEN 'companies' ELSE 'people' END, 'source ' || n,
                      CASE WHEN n % 10 = 0 THEN 'error' ELSE 'warning' END, 'code_' || n % 10, 'Something about ' || n
               FROM generate_series(0, $3 - 1) AS n""",
            tenant.id,
            job_id,
            number,
        )
