"""Dispatch: commit a change of a job, and enqueue at once what is due because of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from freight import database
from freight.domain.jobs.changes import JobChanges
from freight.domain.migration.steps import scheduling
from freight.queue import Queue


@asynccontextmanager
async def changing(queue: Queue, tenant_id: UUID) -> AsyncIterator[JobChanges]:
    """Open a transaction for changes of jobs; once it is committed, enqueue what is due for them."""
    async with database.as_tenant(tenant_id) as tx:
        changes = JobChanges(tx)
        yield changes
        wake_ups = [wake_up for job_id in changes.job_ids for wake_up in await scheduling.schedule(tx, job_id)]
    await queue.enqueue(wake_ups)


async def dispatch(queue: Queue, tenant_id: UUID, job_id: UUID) -> None:
    """Bring a job as far as its rows allow, and enqueue what is due for it."""
    async with changing(queue, tenant_id) as changes:
        changes.note(job_id)
