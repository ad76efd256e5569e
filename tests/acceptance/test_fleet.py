"""Workers as processes of their own: they share a job, and one that is killed is no loss."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import pytest

from freight.settings import Settings
from freight_sandbox import Sandbox, running
from support import jobs, processes, workspaces
from support.processes import Running
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

WRITES_PER_SECOND = 40
ONE_BATCH = sandbox_options(companies=130, people=20, unlimited=True)
"""A batch of companies that goes on for seconds."""
COMPANIES = 20
TWO_BATCHES = sandbox_options(companies=COMPANIES, people=200, unlimited=True)
"""Two batches of people that go on for seconds, of which a worker takes one at a time."""


@pytest.fixture(scope="module")
def with_worker() -> bool:
    """The tests start workers of their own."""
    return False


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Slow enough for a process to be killed in the middle of its work, and no worker takes two batches at once."""
    return msgspec.structs.replace(
        settings, vendor_hosts="127.0.0.1", attio_writes_per_second=WRITES_PER_SECOND, worker_concurrency=1
    )


@asynccontextmanager
async def two_workers(settings: Settings) -> AsyncIterator[list[Running]]:
    """Both are ready for work, and start at the same time."""
    async with AsyncExitStack() as stack:
        async with asyncio.TaskGroup() as starting:
            ready = [starting.create_task(stack.enter_async_context(processes.worker(settings))) for _ in range(2)]
        yield [worker.result() for worker in ready]


async def test_two_workers_share_one_job(service: Service, settings: Settings, tenant: Tenant) -> None:
    async with running(TWO_BATCHES) as sandbox, two_workers(settings) as workers:
        job = await jobs.create(tenant, sandbox, batch_size=100)
        job = await jobs.until_ended(tenant, job["id"])
        assert job["status"] == "completed"
        # The job may have ended before the last of them is read.
        for worker in workers:
            await worker.printed("batch_completed")
        await check_everything_is_there_once(sandbox, job)


async def test_a_worker_killed_in_the_middle_of_a_batch_is_replaced_and_nothing_is_lost_or_doubled(
    service: Service, settings: Settings, tenant: Tenant
) -> None:
    async with running(ONE_BATCH) as sandbox, AsyncExitStack() as stack:
        doomed = await stack.enter_async_context(processes.worker(settings))
        job = await jobs.create(tenant, sandbox, batch_size=200)
        before = await jobs.until(tenant, job["id"], lambda job: job["processed_records"] >= 30)
        await doomed.kill()
        await stack.enter_async_context(processes.worker(settings))
        await jobs.until(
            tenant, job["id"], lambda job: job["processed_records"] > before["processed_records"] + 40, timeout=60
        )
        job = await jobs.until_ended(tenant, job["id"])
        assert job["status"] == "completed"
        await check_everything_is_there_once(sandbox, job)


async def test_a_worker_that_is_told_to_stop_leaves_its_work_to_others_at_once(
    service: Service, settings: Settings, tenant: Tenant
) -> None:
    async with running(TWO_BATCHES) as sandbox, two_workers(settings) as (leaving, _):
        job = await jobs.create(tenant, sandbox, batch_size=100)
        # Each has a batch of people.
        await jobs.until(tenant, job["id"], lambda job: job["processed_records"] >= COMPANIES + 40)
        assert await leaving.stop() == 0
        job = await jobs.until_ended(tenant, job["id"])
        assert job["status"] == "completed"
        await check_everything_is_there_once(sandbox, job)


async def check_everything_is_there_once(sandbox: Sandbox, job: dict) -> None:
    for entity, collection in (("companies", "companies"), ("people", "persons")):
        source = {
            str(row["id"]) for row in await workspaces.in_source(sandbox, collection) if row.get("type") != "internal"
        }
        target = await workspaces.in_target(sandbox, entity)
        assert target.keys() == source
        assert all(len(records) == 1 for records in target.values())
        counts = jobs.counts(job, entity)
        assert counts["created"] == len(source)
        assert counts["read"] == sum(number for outcome, number in counts.items() if outcome != "read")
