"""A worker that was frozen, as by a suspended machine, sends nothing that another one does by now."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import msgspec
import pytest

from freight import database
from freight.settings import Settings
from freight_sandbox import Sandbox, running
from support import faults, jobs, migration, processes
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

NOTES = 120
WRITES_PER_SECOND = 40


@pytest.fixture
async def fresh(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """An Affinity with notes, and an Attio that nobody has written to."""
    async with running(sandbox_options(companies=10, people=10, notes=NOTES, unlimited=True)) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def with_worker() -> bool:
    """The tests start workers of their own."""
    return False


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Slow enough for a worker to be frozen in the middle of a batch."""
    return msgspec.structs.replace(settings, vendor_hosts="127.0.0.1", attio_writes_per_second=WRITES_PER_SECOND)


async def notes_sent(sandbox: Sandbox) -> int:
    return sum(
        n for (method, route), n in (await migration.requests(sandbox.attio_url)).items() if is_note(method, route)
    )


def is_note(method: str, route: str) -> bool:
    return (method, route) == ("POST", "/v2/notes")


async def until_notes(sandbox: Sandbox, number: int) -> None:
    """Wait until so many notes have been sent."""
    async with asyncio.timeout(60):
        while True:
            if await notes_sent(sandbox) >= number:
                return
            await asyncio.sleep(0.05)


async def let_leases_end(tenant: Tenant, job_id: str) -> None:
    """As if the time that they last had gone by."""
    async with database.as_tenant(tenant.id) as tx:
        for table in ("batches", "streams"):
            changed = f"UPDATE {table} SET lease_until = now() WHERE job_id = $1 AND lease_until IS NOT NULL"
            await tx.execute(changed, UUID(job_id))


async def test_a_worker_that_was_frozen_beyond_its_lease_sends_nothing_any_more_and_nothing_is_doubled(
    service: Service, settings: Settings, tenant: Tenant, fresh: Sandbox
) -> None:
    # Requests take a while, so that some are under way and others wait for their turn when the worker is frozen.
    await faults.add(fresh.attio_url, "latency", milliseconds=200, path_prefix="/v2/notes", method="POST")
    async with AsyncExitStack() as stack:
        frozen = await stack.enter_async_context(processes.worker(settings))
        job = await jobs.create(tenant, fresh, entities=["companies", "people", "notes"])
        await until_notes(fresh, 20)
        frozen.process.send_signal(signal.SIGSTOP)
        try:
            await let_leases_end(tenant, job["id"])
            await stack.enter_async_context(processes.worker(settings))
            await until_notes(fresh, 60)
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        job = await jobs.until_ended(tenant, job["id"])
        # It has noticed, and what it held is sent by now if it ever is.
        await frozen.printed("lease_lost")
        assert await frozen.stop() == 0
    assert job["status"] == "completed"
    created = jobs.counts(job, "notes")["created"]
    assert created > NOTES // 2
    assert await notes_sent(fresh) == created, f"answers by status: {await faults.shown(fresh.attio_url)}"
