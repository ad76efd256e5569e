"""Tenants beside each other on one worker: the vendors of one, and how much it has to do, are nothing to the others."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from freight.settings import Settings
from freight_sandbox import Sandbox, running
from support import faults, jobs
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

CONCURRENCY = 4

SLOW = 4000
"""Milliseconds that the slow target takes for each write: with all writes that are under way at once that makes about
eight a second."""


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, worker_concurrency=CONCURRENCY)


@pytest.fixture
async def huge(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """An Affinity with much to read, and an Attio that is slow to write to."""
    async with running(sandbox_options(companies=1000, people=10, unlimited=True)) as huge:
        await faults.add(huge.attio_url, "latency", milliseconds=SLOW, path_prefix="/v2/objects/companies/records")
        yield huge


async def test_a_small_job_ends_while_a_huge_one_of_another_tenant_has_more_batches_than_there_are_slots(
    service: Service, tenant: Tenant, other_tenant: Tenant, huge: Sandbox, sandbox: Sandbox
) -> None:
    big = await jobs.create(tenant, huge, entities=["companies"], batch_size=100)
    await jobs.until(tenant, big["id"], lambda job: job["total_records"] == 1000)
    small = await jobs.create(other_tenant, sandbox)
    small = await jobs.until_ended(other_tenant, small["id"])
    assert small["status"] == "completed"
    big = (await tenant.client.get(f"/api/v1/jobs/{big['id']}")).json()
    assert (big["status"], big["processed_records"] < big["total_records"]) == ("running", True)
    (await tenant.client.post(f"/api/v1/jobs/{big['id']}/cancel")).raise_for_status()
