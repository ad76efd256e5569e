"""Advance: look at a job and say what is to be done next. Safe to do at any time, any number of times."""

from typing import NamedTuple
from uuid import UUID

from freight import database
from freight.database import Connection
from freight.domain.errors import NotFound
from freight.domain.jobs import model as jobs
from freight.domain.jobs import waiting
from freight.domain.jobs.model import Job
from freight.domain.migration.planning import estimates, note_copies
from freight.domain.migration.planning.references import CROSS_REFERRING
from freight.domain.migration.records import leases, records
from freight.domain.tenancy import tenants
from freight.domain.webhooks import deliveries
from freight.model.crm import LOAD_ORDER, Entity
from freight.queue import Task, WakeUp

WINDOW = 8
"""Batches of one job that are under way or enqueued at a time: more than one account at a vendor can do with."""

READ_WHOLE: tuple[Entity, ...] = ("list_entries", "notes")
"""Entities that are loaded only when all of them have been read: an entry because another one of the same record on
the same list may be read last, a note because answers to it may be. So are those whose texts have to be read as
numbers, since the last one may decide how; their streams say so."""

DUE = f"due_at <= now() AND {leases.FREE}"


async def schedule_next(tenant_id: UUID, job_id: UUID) -> list[WakeUp]:
    """Bring a job as far as its rows allow, and return what workers should look at now.

    Of steps that wait for a vendor that is none: the next one would meet the same wait.
    """
    async with database.as_tenant(tenant_id) as tx:
        try:
            job = await jobs.lock(tx, job_id)
        except NotFound:  # its tenant has been deleted
            return []
        steps = await _steps(tx, job, Windows(await waiting.steps_that_wait(tx, job_id), while_waiting=0))
        return steps + await deliveries.due(tx, job_id=job_id)


async def schedule_swept(tenant_id: UUID, job_id: UUID) -> list[WakeUp]:
    """Do the same for the sweep, which waits for no transaction that is changing the job, and which lets one of the
    steps that wait find out whether the wait is over."""
    async with database.as_tenant(tenant_id) as tx:
        job = await jobs.lock_if_free(tx, job_id)
        if job is None:
            return []
        return await _steps(tx, job, Windows(await waiting.steps_that_wait(tx, job_id), while_waiting=1))


class Windows(NamedTuple):
    """How many steps of a job may be under way or enqueued at a time."""

    waiting: frozenset[str]
    """The tables of those that wait for a vendor."""
    while_waiting: int

    def of(self, table: str) -> int:
        """The window of steps on the rows of a table."""
        return self.while_waiting if table in self.waiting else WINDOW


async def live_jobs() -> list[tuple[UUID, UUID]]:
    """All jobs that may need a push, as (tenant id, job id); paused ones only when it is time to resume them.

    One of each tenant comes first, then a second one of each, and so on, in another order each time: whoever has no
    time for all of them neglects no tenant and no job.
    """
    async with database.as_platform() as tx:
        await jobs.resume_due(tx)
        await tenants.follow_suspensions(tx)
        rows = await tx.fetch(
            """SELECT tenant_id, id FROM jobs
               WHERE status IN ('pending', 'running')
                  OR (status = 'paused' AND (error_code IS NOT NULL OR stage = $1))
               ORDER BY row_number() OVER (PARTITION BY tenant_id ORDER BY random()), random()""",
            jobs.CANCELLING,
        )
    return [(row["tenant_id"], row["id"]) for row in rows]


async def _steps(tx: Connection, job: Job, windows: Windows) -> list[WakeUp]:
    if job.is_ending:
        if not await _is_worked_on(tx, job):
            await jobs.end(tx, job)
        return []
    if job.status == "pending" or (job.status == "running" and job.stage in (None, "precheck", "schema")):
        return await _rings(tx, job, "start_job", f"SELECT id, fence FROM jobs WHERE id = $1 AND {DUE}")
    if job.status != "running":
        return []
    return (await _extract(tx, job))[: windows.of("streams")] + await _load(tx, job, windows.of("batches"))


async def _extract(tx: Connection, job: Job) -> list[WakeUp]:
    """Ring for streams that are not read to their end; of a sample only for the last entity's, since what that one
    refers to is read with the entities before it."""
    rows = await tx.fetch(f"SELECT id, fence, entity, {DUE} AS due FROM streams WHERE job_id = $1 AND NOT done", job.id)
    unread = sorted(rows, key=lambda row: LOAD_ORDER.index(row["entity"]))
    if job.mode == "sample":
        unread = unread[-1:]
    return [
        WakeUp(task="extract_stream", tenant_id=job.tenant_id, id=row["id"], fence=row["fence"], job_id=job.id)
        for row in unread
        if row["due"]
    ]


async def _load(tx: Connection, job: Job, window: int) -> list[WakeUp]:
    """Ring for batches of the first entity that is not finished: what is referred to is loaded first."""
    for entity in job.entities:
        if entity not in CROSS_REFERRING and await records.any_awaiting(tx, job.id):
            return await _link(tx, job)
        extracted, may_begin, open_batches = await _progress(tx, job, entity)
        if open_batches and may_begin:
            await jobs.enter_stage(tx, job, entity)
            return await _rings(
                tx,
                job,
                "load_batch",
                f"""SELECT id, fence FROM (
                        SELECT id, fence, lease_until, number FROM batches
                        WHERE job_id = $1 AND status NOT IN ('completed', 'failed') AND due_at <= now() AND entity = $2
                        ORDER BY number LIMIT $3
                    ) AS next WHERE {leases.FREE} ORDER BY number""",
                entity,
                window,
            )
        if not extracted:
            await jobs.enter_stage(tx, job, "extract")
            return []
    if await records.any_awaiting(tx, job.id):
        return await _link(tx, job)
    # A sample may have read only some of the copies of a note.
    if "notes" in job.entities and job.mode != "sample":
        await note_copies.log_further_copies(tx, job.tenant_id, job.id, job.pair)
    if not job.writes:
        await estimates.conclude(tx, job)
    await jobs.move(tx, job, "completed_with_errors" if job.failed_records else "completed")
    return []


async def _link(tx: Connection, job: Job) -> list[WakeUp]:
    return await _rings(tx, job, "link_records", f"SELECT id, fence FROM jobs WHERE id = $1 AND {DUE}")


async def _progress(tx: Connection, job: Job, entity: Entity) -> tuple[bool, bool, int]:
    """Whether an entity is read to its end, whether enough of it is read to load it, and how many of its batches have
    not ended."""
    row = await tx.fetchrow(
        """SELECT done, read_whole,
                  (SELECT count(*) FROM batches
                   WHERE job_id = $1 AND entity = $2 AND status NOT IN ('completed', 'failed')) AS open
           FROM streams WHERE job_id = $1 AND entity = $2""",
        job.id,
        entity,
    )
    if row is None:
        return False, False, 0
    may_begin = row["done"] or not (row["read_whole"] or entity in READ_WHOLE)
    return row["done"], may_begin, row["open"]


async def _is_worked_on(tx: Connection, job: Job) -> bool:
    return bool(
        await tx.fetchval(
            f"""SELECT EXISTS (SELECT FROM streams WHERE job_id = $1 AND NOT {leases.FREE})
                    OR EXISTS (SELECT FROM batches WHERE job_id = $1 AND NOT {leases.FREE})
                    OR EXISTS (SELECT FROM jobs WHERE id = $1 AND NOT {leases.FREE})""",
            job.id,
        )
    )


async def _rings(tx: Connection, job: Job, task: Task, query: str, *args: object) -> list[WakeUp]:
    rows = await tx.fetch(query, job.id, *args)
    return [WakeUp(task=task, tenant_id=job.tenant_id, id=row["id"], fence=row["fence"], job_id=job.id) for row in rows]
