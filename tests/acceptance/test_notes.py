"""Notes stand once, whatever happens: a worker is killed while it writes them, or Freight forgets all that it did."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec
import pytest

from freight.settings import Settings
from freight_sandbox import Sandbox, running
from support import comparison, jobs, leases, migration, processes
from support.comparison.explanation import unexplained
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

OPTIONS = sandbox_options(companies=12, people=15, notes=70, unlimited=True, deals_enabled=True)
WRITES_PER_SECOND = 40


@pytest.fixture
async def workspace() -> AsyncIterator[Sandbox]:
    """An Affinity with notes of all kinds, and an empty Attio."""
    async with running(OPTIONS) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def with_worker() -> bool:
    """The tests start workers of their own."""
    return False


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """Slow enough for a worker to be killed in the middle of the notes."""
    return msgspec.structs.replace(
        settings, vendor_hosts="127.0.0.1,localhost", attio_writes_per_second=WRITES_PER_SECOND, worker_concurrency=2
    )


async def test_no_note_is_lost_or_doubled_by_a_kill_in_the_middle_or_by_a_lost_ledger(
    service: Service, settings: Settings, tenant: Tenant, other_tenant: Tenant, workspace: Sandbox
) -> None:
    async with AsyncExitStack() as stack:
        doomed = await stack.enter_async_context(processes.worker(settings))
        job = await jobs.create(tenant, workspace)
        await jobs.until(tenant, job["id"], lambda job: written(job) >= 15)
        await doomed.kill()
        await leases.run_out(tenant)
        await stack.enter_async_context(processes.worker(settings))
        job = await jobs.until_ended(tenant, job["id"])
        assert job["status"] == "completed"
        await check_notes(workspace, tenant, job["id"])

        # Another tenant has a ledger of its own, with nothing in it.
        forgetful = await migration.carry(other_tenant, workspace)
    await check_notes(workspace, other_tenant, forgetful["id"])
    counts = migration.outcomes(forgetful)["notes"]
    assert counts == {**counts, "created": 0, "updated": 0, "failed": 0}


def written(job: dict[str, Any]) -> int:
    """How many notes a job has written so far."""
    return migration.outcomes(job).get("notes", {}).get("created", 0)


async def check_notes(workspace: Sandbox, tenant: Tenant, job_id: str) -> None:
    """Every note is there once, with its date, author and replies, or the job says why it is not."""
    found = [given for given in await comparison.differences(workspace) if given.entity == "notes"]
    assert unexplained(found, await migration.said(tenant, job_id)) == []
