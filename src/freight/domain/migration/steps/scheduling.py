"""Scheduling: advance a job as far as its rows allow, and return the rows that workers should claim now.

Safe at any time, any number of times.
"""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from freight import database
from freight.database import Connection
from freight.domain.errors import NotFound
from freight.domain.jobs import due, waiting
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.domain.migration.planning import estimates, note_copies
from freight.domain.migration.planning.references import CROSS_REFERRING
from freight.domain.migration.records import batches, records, streams
from freight.domain.tenancy import tenants
from freight.domain.webhooks import deliveries
from freight.model.crm import Entity
from freight.queue import Task, WakeUp

WINDOW = 8
"""Batches of one job in progress or enqueued at a time: more than one vendor account can use."""

READ_WHOLE: tuple[Entity, ...] = ("list_entries", "notes")
"""Entities that are loaded only after all of their records are read: for an entry, because another entry of the same
record on the same list may be read last; for a note, because its replies may be. The same holds for entities whose
texts are parsed as numbers, because the last one may decide how; their streams are marked as `read_whole`."""

BEFORE_EXTRACTION = (None, "precheck", "schema")
"""The stages of a job that is being started."""


class Windows(NamedTuple):
    """How many steps of a job may be in progress or enqueued at a time."""

    waiting: frozenset[str]
    """The tables of the steps that wait for a vendor."""
    while_waiting: int

    def of(self, table: str) -> int:
        """Return the window of steps on the rows of a table."""
        return self.while_waiting if table in self.waiting else WINDOW


async def schedule(tx: Connection, job_id: UUID) -> list[WakeUp]:
    """Advance a job as far as its rows allow, and return what workers should claim now, deliveries included.

    Kinds of steps that wait for a vendor are left out: the next one would wait too.
    """
    try:
        job = await jobs.lock(tx, job_id)
    except NotFound:  # its tenant has been deleted
        return []
    steps = await _steps(tx, job, Windows(await waiting.steps_that_wait(tx, job_id), while_waiting=0))
    return steps + await deliveries.due(tx, job_id=job_id)


async def schedule_swept(tenant_id: UUID, job_id: UUID) -> list[WakeUp]:
    """Do the same for the sweep.

    Do not wait for transactions that change the job, and let one of the waiting steps find out whether the wait is
    over.
    """
    async with database.as_tenant(tenant_id) as tx:
        job = await jobs.lock_if_free(tx, job_id)
        if job is None:
            return []
        return await _steps(tx, job, Windows(await waiting.steps_that_wait(tx, job_id), while_waiting=1))


async def live_jobs() -> list[tuple[UUID, UUID]]:
    """Resume paused jobs that are due, and return all jobs that may have work, as (tenant id, job id)."""
    async with database.as_platform() as tx:
        await jobs.resume_due(tx)
        await tenants.follow_suspensions(tx)
        return await due.live_jobs(tx)


async def _steps(tx: Connection, job: Job, windows: Windows) -> list[WakeUp]:
    if job.is_ending:
        if not await due.is_worked_on(tx, job.id):
            await jobs.end(tx, job)
        return []
    if job.status == "pending" or (job.status == "running" and job.stage in BEFORE_EXTRACTION):
        return await _of_job(tx, job, "start_job")
    if job.status != "running":
        return []
    return (await _extract(tx, job))[: windows.of("streams")] + await _load(tx, job, windows.of("batches"))


async def _extract(tx: Connection, job: Job) -> list[WakeUp]:
    """Return the streams to read.

    For a sample, only the last entity's, because what it refers to is read with the entities before it.
    """
    unread = await streams.unread(tx, job.id)
    if job.mode == "sample":
        unread = unread[-1:]
    return _wake_ups(job, "extract_stream", ((stream.id, stream.fence) for stream in unread if stream.is_due))


async def _load(tx: Connection, job: Job, window: int) -> list[WakeUp]:
    """Return batches of the first unfinished entity: referenced records are loaded first."""
    for entity in job.entities:
        if entity not in CROSS_REFERRING and await records.any_awaiting(tx, job.id):
            return await _of_job(tx, job, "link_records")
        stream = await streams.of_entity(tx, job.id, entity)
        is_read = stream is not None and stream.done
        may_begin = is_read or not (stream is None or stream.read_whole or entity in READ_WHOLE)
        if may_begin and await batches.count_open(tx, job.id, entity):
            await jobs.enter_stage(tx, job, entity)
            return _wake_ups(job, "load_batch", await batches.due(tx, job.id, entity, limit=window))
        if not is_read:
            await jobs.enter_stage(tx, job, "extract")
            return []
    if await records.any_awaiting(tx, job.id):
        return await _of_job(tx, job, "link_records")
    await _complete(tx, job)
    return []


async def _complete(tx: Connection, job: Job) -> None:
    # A sample may have read only some of the copies of a note.
    if "notes" in job.entities and job.mode != "sample":
        await note_copies.log_further_copies(tx, job.tenant_id, job.id, job.pair)
    if not job.writes:
        await estimates.conclude(tx, job)
    await jobs.move(tx, job, "completed_with_errors" if job.failed_records else "completed")


async def _of_job(tx: Connection, job: Job, task: Task) -> list[WakeUp]:
    """Return a step on the job's own row, if it may be claimed."""
    fence = await due.fence_of(tx, job.id)
    return _wake_ups(job, task, [] if fence is None else [(job.id, fence)])


def _wake_ups(job: Job, task: Task, found: Iterable[tuple[UUID, int]]) -> list[WakeUp]:
    return [WakeUp(task=task, tenant_id=job.tenant_id, id=id_, fence=fence, job_id=job.id) for id_, fence in found]
