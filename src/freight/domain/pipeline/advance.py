"""Advance: look at a job and say what is to be done next. Safe to do at any time, any number of times."""

from uuid import UUID

from freight import database
from freight.crm import Entity
from freight.database import Connection
from freight.domain import deliveries, jobs, tenants
from freight.domain.errors import NotFound
from freight.domain.jobs import Job
from freight.queue import Ring

WINDOW = 16
"""Batches of one job that are rung for at a time, so that no job stands in front of all others."""

FREE = "(lease_until IS NULL OR lease_until < now())"
DUE = f"due_at <= now() AND {FREE}"


async def advance(tenant_id: UUID, job_id: UUID) -> list[Ring]:
    """Bring a job as far as its rows allow, and return what workers should look at now."""
    async with database.as_tenant(tenant_id) as tx:
        try:
            job = await jobs.lock(tx, job_id)
        except NotFound:  # its tenant has been deleted
            return []
        steps = await _steps(tx, job)
        return steps + await deliveries.due(tx, job_id=job_id)


async def live_jobs() -> list[tuple[UUID, UUID]]:
    """All jobs that may need a push, as (tenant id, job id); paused ones only when it is time to resume them."""
    async with database.as_platform() as tx:
        await jobs.resume_due(tx)
        await tenants.follow_suspensions(tx)
        rows = await tx.fetch(
            """SELECT tenant_id, id FROM jobs
               WHERE status IN ('pending', 'running')
                  OR (status = 'paused' AND (error_code IS NOT NULL OR stage = $1))
               ORDER BY created_at""",
            jobs.CANCELLING,
        )
    return [(row["tenant_id"], row["id"]) for row in rows]


async def _steps(tx: Connection, job: Job) -> list[Ring]:
    if job.is_ending:
        if not await _is_worked_on(tx, job):
            await jobs.end(tx, job)
        return []
    if job.status == "pending" or (job.status == "running" and job.stage in (None, "precheck", "schema")):
        return await _rings(tx, job, "advance_job", f"SELECT id, fence FROM jobs WHERE id = $1 AND {DUE}")
    if job.status != "running":
        return []
    streams = await _rings(
        tx, job, "extract_stream", f"SELECT id, fence FROM streams WHERE job_id = $1 AND NOT done AND {DUE}"
    )
    return streams + await _load(tx, job)


async def _load(tx: Connection, job: Job) -> list[Ring]:
    """Ring for batches of the first entity that is not finished: what is referred to is loaded first."""
    for entity in job.entities:
        extracted, open_batches = await _progress(tx, job, entity)
        if open_batches:
            await jobs.enter_stage(tx, job, entity)
            return await _rings(
                tx,
                job,
                "load_batch",
                f"""SELECT id, fence FROM batches
                    WHERE job_id = $1 AND status NOT IN ('completed', 'failed') AND {DUE} AND entity = $2
                    ORDER BY number LIMIT {WINDOW}""",
                entity,
            )
        if not extracted:
            await jobs.enter_stage(tx, job, "extract")
            return []
    await jobs.move(tx, job, "completed_with_errors" if job.failed_records else "completed")
    return []


async def _progress(tx: Connection, job: Job, entity: Entity) -> tuple[bool, int]:
    """Whether an entity is read to its end, and how many of its batches have not ended."""
    row = await tx.fetchrow(
        """SELECT (SELECT done FROM streams WHERE job_id = $1 AND entity = $2) AS done,
                  (SELECT count(*) FROM batches
                   WHERE job_id = $1 AND entity = $2 AND status NOT IN ('completed', 'failed')) AS open""",
        job.id,
        entity,
    )
    return (bool(row["done"]), row["open"]) if row else (False, 0)


async def _is_worked_on(tx: Connection, job: Job) -> bool:
    return bool(
        await tx.fetchval(
            """SELECT EXISTS (SELECT FROM streams WHERE job_id = $1 AND lease_until > now())
                   OR EXISTS (SELECT FROM batches WHERE job_id = $1 AND lease_until > now())
                   OR EXISTS (SELECT FROM jobs WHERE id = $1 AND lease_until > now())""",
            job.id,
        )
    )


async def _rings(tx: Connection, job: Job, task: str, query: str, *args: object) -> list[Ring]:
    rows = await tx.fetch(query, job.id, *args)
    return [Ring(task=task, tenant_id=job.tenant_id, id=row["id"], fence=row["fence"]) for row in rows]  # type: ignore[arg-type]
