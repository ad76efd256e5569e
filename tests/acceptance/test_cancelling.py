"""A job that is cancelled ends within seconds, whatever a vendor does meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from freight_sandbox import Sandbox, running
from support import faults, jobs, migration
from support.sandboxes import sandbox_options
from support.service import Tenant

PLENTY = 1_000_000
"""More requests than any test sends."""
PROMISED_SECONDS = 5
SLOW_MACHINE_SECONDS = 5
"""What a busy machine may add; without a deadline these requests would last a minute and longer."""


@pytest.fixture
async def fresh(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """A small Affinity with files, and an Attio that nobody has written to."""
    async with running(sandbox_options(companies=10, people=10, files=3, unlimited=True)) as fresh:
        yield fresh


async def trouble(url: str, kind: str, **given: Any) -> None:
    """Have the vendor at this URL show a fault until the end of the test."""
    await faults.add(url, kind, times=PLENTY, **given)


async def until_met(url: str) -> None:
    """Wait until a request has met the fault."""
    async with asyncio.timeout(60):
        while True:
            (fault,) = await faults.left(url)
            if fault["times"] < PLENTY:
                return
            await asyncio.sleep(0.05)


async def cancelled(tenant: Tenant, job: dict[str, Any]) -> dict[str, Any]:
    """The job, which has ended as soon as is promised."""
    began = time.monotonic()
    answer = await tenant.client.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert answer.is_success, answer.text
    job = await jobs.until_ended(tenant, job["id"])
    assert time.monotonic() - began < PROMISED_SECONDS + SLOW_MACHINE_SECONDS
    assert job["status"] == "cancelled"
    for counts in job["counts"]:
        assert counts["read"] == sum(number for name, number in counts.items() if name not in ("entity", "read"))
    return job


async def test_a_target_that_never_answers_a_create(tenant: Tenant, fresh: Sandbox) -> None:
    await trouble(fresh.attio_url, "hang", method="PUT", path_prefix="/v2/objects/companies/records")
    job = await jobs.create(tenant, fresh)
    await until_met(fresh.attio_url)
    job = await cancelled(tenant, job)
    rows = await migration.records(tenant, job["id"], code="cancelled")
    # What had been sent may have taken effect.
    assert any("may still be in the target" in row["message"] for row in rows)


async def test_a_source_that_never_answers(tenant: Tenant, fresh: Sandbox) -> None:
    await trouble(fresh.affinity_url, "hang", path_prefix="/v2/companies")
    job = await jobs.create(tenant, fresh)
    await until_met(fresh.affinity_url)
    await cancelled(tenant, job)


async def test_a_storage_that_gives_a_file_byte_by_byte(tenant: Tenant, fresh: Sandbox) -> None:
    await trouble(fresh.affinity_files_url, "drip", path_prefix="/userfiles/", milliseconds=2000)
    job = await jobs.create(tenant, fresh, entities=["companies", "people", "files"])
    await until_met(fresh.affinity_files_url)
    await cancelled(tenant, job)


async def test_a_target_that_limits_every_write(tenant: Tenant, fresh: Sandbox) -> None:
    await trouble(fresh.attio_url, "rate_limit", method="PUT", path_prefix="/v2/objects")
    job = await jobs.create(tenant, fresh)
    await until_met(fresh.attio_url)
    await cancelled(tenant, job)
