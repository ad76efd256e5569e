"""A change of a job that workers have to follow is enqueued at once, without a sweep."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from freight import database
from freight.domain.errors import StateConflict
from freight.domain.jobs import lifecycle
from freight.domain.migration.records import batches
from freight.domain.migration.steps.dispatch import changing, dispatch
from freight.queue import WakeUp
from support import filled as rows
from support.service import Tenant


class RecordingQueue:
    """A queue that holds what was enqueued, and what could be read of the jobs by then on another connection."""

    def __init__(self, tenant: Tenant) -> None:
        self.wake_ups: list[WakeUp] = []
        self.seen: list[str] = []
        self._tenant = tenant

    async def enqueue(self, wake_ups: Sequence[WakeUp]) -> None:
        self.wake_ups += wake_ups
        async with database.as_tenant(self._tenant.id) as tx:
            self.seen += [row["status"] for row in await tx.fetch("SELECT status FROM jobs")]

    @property
    def tasks(self) -> list[str]:
        return [wake_up.task for wake_up in self.wake_ups]


@pytest.fixture
def queue(tenant: Tenant) -> Any:
    return RecordingQueue(tenant)


async def a_batch(tenant: Tenant, job_id: UUID) -> UUID:
    """A batch of companies that failed, in a job whose companies have been read."""
    batch_id = uuid4()
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            """INSERT INTO streams (id, tenant_id, job_id, entity, read_whole, done, read_records, created_records,
                                    updated_records, unchanged_records, skipped_records, failed_records)
               SELECT gen_random_uuid(), $1, $2, 'companies', false, true, 0, 0, 0, 0, 0, 0""",
            tenant.id,
            job_id,
        )
        await tx.execute(
            """INSERT INTO batches (id, tenant_id, job_id, entity, number, first_position, size, status,
                                    processed_records, failed_records)
               VALUES ($3, $1, $2, 'companies', 0, 0, 10, 'failed', 0, 0)""",
            tenant.id,
            job_id,
            batch_id,
        )
    return batch_id


async def test_a_resumed_job_is_enqueued_as_soon_as_its_change_is_committed(tenant: Tenant, queue: Any) -> None:
    job_id = await rows.a_job(tenant, status="paused", paused_by="person")
    async with changing(queue, tenant.id) as changes:
        await lifecycle.resume(changes, job_id, by="a person")
        assert queue.wake_ups == []
    assert queue.tasks == ["start_job"]
    assert queue.seen == ["pending"]


async def test_a_retried_job_and_a_retried_batch_are_enqueued(tenant: Tenant, queue: Any) -> None:
    job_id = await rows.a_job(tenant, status="failed", source_credentials=b"sealed")
    batch_id = await a_batch(tenant, job_id)
    async with changing(queue, tenant.id) as changes:
        assert await lifecycle.retry_batch(changes, job_id, batch_id, by="a person") == 1
    async with database.as_tenant(tenant.id) as tx:
        assert (await batches.get(tx, batch_id)).status == "pending"
        await tx.execute("UPDATE jobs SET status = 'failed' WHERE id = $1", job_id)
    async with changing(queue, tenant.id) as changes:
        await lifecycle.retry(changes, job_id, failed_only=False, by="a person")
    assert queue.tasks == ["start_job", "start_job"]
    assert queue.wake_ups[0].fence != queue.wake_ups[1].fence


async def test_a_cancelled_job_that_no_worker_holds_has_ended_when_its_change_is_committed(
    tenant: Tenant, queue: Any
) -> None:
    job_id = await rows.a_job(tenant, status="running", stage="companies")
    async with changing(queue, tenant.id) as changes:
        await lifecycle.cancel(changes, job_id, by="a person")
    assert queue.tasks == []
    assert queue.seen == ["cancelled"]


async def test_nothing_is_enqueued_for_a_change_that_is_refused(tenant: Tenant, queue: Any) -> None:
    job_id = await rows.a_job(tenant, status="completed")
    with pytest.raises(StateConflict):
        async with changing(queue, tenant.id) as changes:
            await lifecycle.pause(changes, job_id, by="a person")
    assert queue.wake_ups == []
    assert queue.seen == []


async def test_what_is_due_for_a_job_is_enqueued_after_a_step(tenant: Tenant, queue: Any) -> None:
    job_id = await rows.a_job(tenant, status="pending")
    await dispatch(queue, tenant.id, job_id)
    assert queue.wake_ups == [
        WakeUp(task="start_job", tenant_id=tenant.id, id=job_id, fence=0, job_id=job_id),
    ]
