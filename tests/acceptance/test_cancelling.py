"""A job that is cancelled ends within seconds, whatever a vendor does meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from freight_sandbox import Sandbox, SandboxOptions, running
from support import faults, jobs, migration
from support.service import Tenant

PROMISED_SECONDS = 5
SLOW_MACHINE_SECONDS = 5
"""What a busy machine may add; without a deadline these requests would last a minute and longer."""


@pytest.fixture
async def fresh(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """A small Affinity with files, and an Attio that nobody has written to."""
    async with running(SandboxOptions(companies=10, people=10, files=3, unlimited=True)) as fresh:
        yield fresh


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
    await faults.add(fresh.attio_url, "hang", method="PUT", path_prefix="/v2/objects/companies/records")
    job = await jobs.create(tenant, fresh)
    await jobs.until(tenant, job["id"], lambda job: job["stage"] == "companies")
    await asyncio.sleep(1)
    job = await cancelled(tenant, job)
    rows = await migration.records(tenant, job["id"], code="cancelled")
    # What had been sent may have taken effect.
    assert any("may be in the target" in row["message"] for row in rows)


async def test_a_source_that_never_answers(tenant: Tenant, fresh: Sandbox) -> None:
    await faults.add(fresh.affinity_url, "hang", path_prefix="/v2/companies")
    job = await jobs.create(tenant, fresh)
    await jobs.until(tenant, job["id"], lambda job: job["stage"] is not None)
    await asyncio.sleep(1)
    await cancelled(tenant, job)


async def test_a_storage_that_gives_a_file_byte_by_byte(tenant: Tenant, fresh: Sandbox) -> None:
    await faults.add(fresh.affinity_files_url, "drip", path_prefix="/userfiles/", milliseconds=2000)
    job = await jobs.create(tenant, fresh, entities=["companies", "people", "files"])
    await jobs.until(tenant, job["id"], lambda job: job["stage"] == "files")
    await asyncio.sleep(1)
    await cancelled(tenant, job)


async def test_a_target_that_limits_every_write(tenant: Tenant, fresh: Sandbox) -> None:
    await faults.add(fresh.attio_url, "rate_limit", method="PUT", path_prefix="/v2/objects")
    job = await jobs.create(tenant, fresh)
    await jobs.until(tenant, job["id"], lambda job: job["stage"] == "companies")
    await asyncio.sleep(1)
    await cancelled(tenant, job)
