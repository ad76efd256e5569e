"""What the steps of a worker share, and what keeps those of one tenant from holding up those of another."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from freight import database
from freight.domain.jobs import model as domain_jobs
from freight.domain.jobs.model import Job
from freight.domain.migration.steps import worker_context
from freight.domain.migration.steps.worker_context import WRITES_AT_ONCE, WorkerContext
from support import filled as rows
from support.service import Tenant


async def a_job(tenant: Tenant, target: str) -> Job:
    job_id = await rows.a_job(tenant, status="running", target_workspace=target)
    async with database.as_tenant(tenant.id) as tx:
        return await domain_jobs.get(tx, job_id)


async def test_a_target_that_holds_up_all_its_writes_holds_up_no_other_target(
    context: WorkerContext, tenant: Tenant
) -> None:
    slow, same, other = [await a_job(tenant, target) for target in ("slow", "slow", "other")]
    async with AsyncExitStack() as stack:
        for _ in range(WRITES_AT_ONCE):
            await stack.enter_async_context(context.writing(slow))
        async with asyncio.timeout(30), context.writing(other):
            pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), context.writing(same):
                pass
    async with asyncio.timeout(30), context.writing(same):
        pass


class Opened:
    """A connector of a job."""

    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def test_connecting_for_one_job_holds_up_no_other_and_its_steps_share_what_was_opened(tenant: Tenant) -> None:
    slow, quick = [await a_job(tenant, target) for target in ("one", "two")]
    looked_up: list[UUID] = []
    asked, answered = asyncio.Event(), asyncio.Event()

    async def look_up(job: Job):
        looked_up.append(job.id)
        if job is slow:
            asked.set()
            await answered.wait()
        return None, None

    connectors: list[Opened] = []

    def connect(*_):
        connectors.append(Opened())
        return connectors[-1]

    shared = worker_context._Shared(look_up, connect, lambda *_: None)

    both = asyncio.Barrier(2)

    async def use(job: Job) -> Opened:
        async with shared.of(job) as connector:
            if job is slow:
                await both.wait()
            return connector

    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(use(slow)) for _ in range(2)]
        await asked.wait()
        async with asyncio.timeout(30):
            await use(quick)
        answered.set()
    assert waiting[0].result() is waiting[1].result()
    assert looked_up == [slow.id, quick.id]
    assert [connector.closed for connector in connectors] == [1, 1]
