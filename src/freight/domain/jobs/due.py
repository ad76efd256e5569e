"""Due work: jobs, and rows of jobs, that workers may claim."""

from uuid import UUID

from freight.database import Connection
from freight.domain.jobs.model import CANCELLING
from freight.domain.migration.records import batches, leases, streams


async def live_jobs(tx: Connection) -> list[tuple[UUID, UUID]]:
    """Return all jobs that may have work, as (tenant id, job id), as the platform; paused ones only if they are ending.

    One job of each tenant comes first, then a second one of each, and so on, in random order: a caller that has no time
    for all of them neglects no tenant and no job.
    """
    rows = await tx.fetch(
        """SELECT tenant_id, id FROM jobs
           WHERE status IN ('pending', 'running') OR (status = 'paused' AND (error_code IS NOT NULL OR stage = $1))
           ORDER BY row_number() OVER (PARTITION BY tenant_id ORDER BY random()), random()""",
        CANCELLING,
    )
    return [(row["tenant_id"], row["id"]) for row in rows]


async def fence_of(tx: Connection, job_id: UUID) -> int | None:
    """Return the fence of a job whose own row may be claimed now, None if it may not be."""
    fence: int | None = await tx.fetchval(f"SELECT fence FROM jobs WHERE id = $1 AND {leases.DUE}", job_id)
    return fence


async def is_worked_on(tx: Connection, job_id: UUID) -> bool:
    """Return whether a worker holds a lease of the job, or of one of its streams or batches."""
    return bool(
        await tx.fetchval(
            f"""SELECT EXISTS (SELECT FROM streams WHERE job_id = $1 AND NOT {leases.FREE})
                    OR EXISTS (SELECT FROM batches WHERE job_id = $1 AND NOT {leases.FREE})
                    OR EXISTS (SELECT FROM jobs WHERE id = $1 AND NOT {leases.FREE})""",
            job_id,
        )
    )


async def hurry(tx: Connection, job_id: UUID) -> None:
    """Make everything of a job due now that was due later. Call it before the job is locked."""
    for table, condition in (
        ("batches", f"job_id = $1 AND {batches.OPEN}"),
        ("streams", f"job_id = $1 AND {streams.UNREAD}"),
        ("jobs", "id = $1"),
    ):
        await tx.execute(f"UPDATE {table} SET due_at = now() WHERE {condition} AND due_at > now()", job_id)
