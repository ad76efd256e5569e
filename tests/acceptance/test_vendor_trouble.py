"""Vendors that refuse, break off and keep silent: nothing is lost, nothing is doubled, and nobody is blamed for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from freight_sandbox import Sandbox, running
from support import faults, jobs, workspaces
from support.sandboxes import sandbox_options
from support.service import Service, Tenant

COMPANIES, PEOPLE = 90, 220

BEFORE_THE_WRITE = ("rate_limit", "server_error", "html_error", "drop_before", "write_conflict")
PAGES_OF_OTHERS = ("html_forbidden", "html_success", "wrong_body", "truncated")
AFTER_THE_WRITE = ("server_error_after_write", "drop_after_write")


def a_fresh_sandbox() -> AbstractAsyncContextManager[Sandbox]:
    """An Affinity, and an Attio that has not been written to."""
    return running(sandbox_options(companies=COMPANIES, people=PEOPLE, unlimited=True))


@pytest.fixture
async def fresh() -> AsyncIterator[Sandbox]:
    """The same for a whole test."""
    async with a_fresh_sandbox() as fresh:
        yield fresh


async def test_a_target_that_fails_again_and_again_loses_and_doubles_nothing(service: Service, tenant: Tenant) -> None:
    # At the same time: most of it is waiting to send again.
    async with asyncio.TaskGroup() as targets:
        for kinds in (BEFORE_THE_WRITE, PAGES_OF_OTHERS, AFTER_THE_WRITE):
            targets.create_task(check_nothing_is_lost_or_doubled_by(kinds, tenant), name=", ".join(kinds))


async def test_a_source_that_fails_again_and_again_is_read_to_its_end(
    service: Service, tenant: Tenant, fresh: Sandbox
) -> None:
    kinds = ("rate_limit", "html_error", "drop_before")
    for kind in kinds:
        await faults.add(fresh.affinity_url, kind, times=1, path_prefix="/v2/persons")
    for kind in ("html_forbidden", "wrong_body"):
        await faults.add(fresh.affinity_url, kind, times=1, path_prefix="/v2/companies")
    job = await jobs.create(tenant, fresh)
    job = await jobs.until_ended(tenant, job["id"])
    statuses = await faults.shown(fresh.affinity_url)
    assert (statuses[429], statuses[502], statuses[0]) == (1, 1, 1)
    await check_everything_is_there_once(fresh, job)


async def test_a_record_that_the_target_refuses_fails_alone(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    rows = [company(1, phone="+14155550101"), company(2, phone=None), company(3, phone="+14155550103")]
    (tmp_path / "companies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "persons.jsonl").touch()
    async with running(sandbox_options(workspace=tmp_path, unlimited=True)) as strict:
        await workspaces.require_phone_numbers(strict)
        job = await jobs.create(tenant, strict)
        job = await jobs.until_ended(tenant, job["id"])
        assert (await workspaces.in_target(strict, "companies")).keys() == {"1", "3"}
    assert job["status"] == "completed_with_errors"
    counts = jobs.counts(job, "companies")
    assert (counts["read"], counts["created"], counts["failed"], job["failed_records"]) == (3, 2, 1, 1)
    (row,) = await jobs.logs(tenant, job["id"], level="error")
    assert (row["source_id"], row["code"]) == ("2", "rejected_by_target")
    assert "was not provided" in row["message"]


async def test_a_key_that_is_revoked_ends_the_job_and_every_record_has_an_outcome(
    service: Service, tenant: Tenant, fresh: Sandbox
) -> None:
    # Slow enough for the key to be revoked in the middle.
    await faults.add(fresh.attio_url, "latency", milliseconds=300, path_prefix="/v2/objects")
    job = await jobs.create(tenant, fresh, batch_size=100)
    await jobs.until(tenant, job["id"], lambda job: job["processed_records"] >= 20)
    await faults.add(fresh.attio_url, "unauthorized")
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "credentials_refused")
    assert "Attio refused the API key" in job["error"]["message"]
    for counts in job["counts"]:
        outcomes = {name: number for name, number in counts.items() if name not in ("entity", "read")}
        assert counts["read"] == sum(outcomes.values())
    assert job["processed_records"] == job["total_records"]
    assert job["failed_records"] > 0
    await faults.clear(fresh.attio_url)
    for entity in ("companies", "people"):
        assert len(await workspaces.in_target(fresh, entity)) == jobs.counts(job, entity)["created"]


async def test_a_monthly_quota_that_is_used_up_pauses_the_job_until_a_date(service: Service, tenant: Tenant) -> None:
    options = sandbox_options(companies=COMPANIES, people=PEOPLE, unlimited=True, affinity_monthly_quota=2)
    async with running(options) as meagre:
        job = await jobs.create(tenant, meagre)
        job = await jobs.until(tenant, job["id"], lambda job: job["status"] not in ("pending", "running"))
    assert job["status"] == "paused"
    assert job["error"] is None
    resume_at = datetime.fromisoformat(job["resume_at"])
    assert resume_at > datetime.now(UTC)
    assert (resume_at + timedelta(minutes=1)).day == 1, "the month ends then"
    (row,) = await jobs.logs(tenant, job["id"], code="quota_exhausted")
    assert "has used up its API calls for this month" in row["message"]


async def check_nothing_is_lost_or_doubled_by(kinds: tuple[str, ...], tenant: Tenant) -> None:
    async with a_fresh_sandbox() as fresh:
        for kind in kinds:
            await faults.add(fresh.attio_url, kind, times=3, probability=0.2, path_prefix="/v2/objects/people/records")
        job = await jobs.create(tenant, fresh, batch_size=100)
        job = await jobs.until_ended(tenant, job["id"])
        assert await faults.left(fresh.attio_url) == [], f"not every fault was met of {kinds}"
        await check_everything_is_there_once(fresh, job)


async def check_everything_is_there_once(sandbox: Sandbox, job: dict[str, Any]) -> None:
    assert job["status"] == "completed"
    assert job["failed_records"] == 0
    for entity, collection in (("companies", "companies"), ("people", "persons")):
        rows = await workspaces.in_source(sandbox, collection)
        target = await workspaces.in_target(sandbox, entity)
        assert target.keys() == {str(row["id"]) for row in rows if row.get("type") != "internal"}
        assert {len(records) for records in target.values()} == {1}
        counts = jobs.counts(job, entity)
        assert counts["read"] == sum(number for outcome, number in counts.items() if outcome != "read")


def company(number: int, *, phone: str | None) -> dict[str, Any]:
    """A company as Affinity returns it, with a field for telephone numbers that the firm added."""
    value = {"type": "filterable-text-multi", "data": None if phone is None else [phone]}
    field = {"id": "field-1", "name": "Phone", "type": "global", "enrichmentSource": None, "value": value}
    domain = f"company-{number}.com"
    return {
        "id": number,
        "name": f"Company {number}",
        "domain": domain,
        "domains": [domain],
        "isGlobal": False,
        "fields": [field],
    }
