"""Dispatch: commit changes of jobs, and enqueue at once what is due because of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from freight import database
from freight.domain.jobs.changes import JobChanges
from freight.domain.migration.steps import scheduling
from freight.queue import Queue


@asynccontextmanager
async def changing(queue: Queue, tenant_id: UUID) -> AsyncIterator[JobChanges]:
    """Open a transaction for changes of jobs. Once it is committed, enqueue what is due for them."""
    async with database.as_tenant(tenant_id) as tx:
        changes = JobChanges(tx)
        yield changes
        wake_ups = [wake_up for job_id in changes.job_ids for wake_up in await scheduling.schedule(tx, job_id)]
    await queue.enqueue(wake_ups)


async def dispatch(queue: Queue, tenant_id: UUID, job_id: UUID) -> None:
    """Schedule a job's next work, and enqueue what is due."""
    async with changing(queue, tenant_id) as changes:
        changes.note(job_id)
