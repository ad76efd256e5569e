"""Figures of a job, and of all of a tenant's jobs."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from freight import database
from support import filled
from support.errors import error_of
from support.service import Tenant

COST = {"source_reads": 7, "target_reads": 20, "target_writes": 300, "waited_seconds": 12.25}


@pytest.fixture
async def job(tenant: Tenant) -> UUID:
    """A job of 1000 records that has run for ten minutes."""
    started = datetime.now(UTC) - timedelta(minutes=10)
    job_id = await filled.a_job(tenant, status="running", stage="people", started_at=started, **COST)
    await filled.add_records(tenant, job_id, 1000)
    return job_id


async def add_batches(tenant: Tenant, job_id: UUID, *batches: tuple[str, int]) -> None:
    """Batches of which each has a status and so many failed attempts."""
    async with database.as_tenant(tenant.id) as tx:
        for number, (status, attempt) in enumerate(batches):
            await tx.execute(
                """INSERT INTO batches (id, tenant_id, job_id, entity, number, first_position, size, status,
                                        processed_records, failed_records, attempt, started_at)
                   VALUES (gen_random_uuid(), $1, $2, 'people', $3, 0, 1, $4::text, 0, 0, $5,
                           CASE WHEN $4::text <> 'pending' THEN now() END)""",
                tenant.id,
                job_id,
                number,
                status,
                attempt,
            )


async def figures(tenant: Tenant, path: str) -> dict[str, Any]:
    answer = await tenant.client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_job_s_records_are_counted_by_entity_and_outcome(tenant: Tenant, job: UUID) -> None:
    found = await figures(tenant, f"jobs/{job}/stats")
    assert found["entities"] == [
        {
            "entity": "companies",
            "read": 500,
            "created": 200,
            "updated": 0,
            "unchanged": 100,
            "skipped": 100,
            "failed": 0,
        },
        {"entity": "people", "read": 500, "created": 300, "updated": 100, "unchanged": 0, "skipped": 0, "failed": 100},
    ]
    assert found["outcomes"] == {
        "read": 1000,
        "created": 500,
        "updated": 100,
        "unchanged": 100,
        "skipped": 100,
        "failed": 100,
    }
    assert found["failures"] == [{"entity": "people", "code": "failed_for_a_reason", "records": 100}]


async def test_a_job_s_rate_and_remaining_time_come_from_what_it_has_done(tenant: Tenant, job: UUID) -> None:
    found = await figures(tenant, f"jobs/{job}/stats")
    assert found["status"] == "running"
    assert found["records_per_minute"] == pytest.approx(90, rel=0.2)
    assert found["eta_seconds"] == pytest.approx(100 / found["records_per_minute"] * 60, rel=0.05)
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            "UPDATE jobs SET status = 'completed', completed_at = started_at + interval '1 minute' WHERE id = $1", job
        )
    ended = await figures(tenant, f"jobs/{job}/stats")
    assert (ended["records_per_minute"], ended["eta_seconds"]) == (900, None)


async def test_what_a_job_has_cost_is_told(tenant: Tenant, job: UUID) -> None:
    found = await figures(tenant, f"jobs/{job}/stats")
    assert found["vendor_calls"] == {name: COST[name] for name in ("source_reads", "target_reads", "target_writes")}
    assert found["waited_seconds"] == pytest.approx(12.25, abs=0.1)
    assert found["mean_attempts"] is None
    await add_batches(tenant, job, ("completed", 0), ("completed", 2), ("failed", 5), ("retrying", 1), ("pending", 0))
    assert (await figures(tenant, f"jobs/{job}/stats"))["mean_attempts"] == (1 + 3 + 5 + 1) / 4


async def test_a_job_that_has_done_nothing_has_no_rate(tenant: Tenant) -> None:
    job_id = await filled.a_job(tenant, status="pending")
    found = await figures(tenant, f"jobs/{job_id}/stats")
    assert (found["records_per_minute"], found["eta_seconds"], found["mean_attempts"]) == (None, None, None)
    assert (found["entities"], found["failures"], found["outcomes"]["read"]) == ([], [], 0)


async def test_a_tenant_s_figures_are_the_sums_over_its_jobs(tenant: Tenant, other_tenant: Tenant, job: UUID) -> None:
    second = await filled.a_job(tenant, **COST)
    await filled.add_records(tenant, second, 100)
    deleted = await filled.a_job(tenant, deleted_at=datetime.now(UTC), **COST)
    await filled.add_records(tenant, deleted, 100)
    stranger = await filled.a_job(other_tenant, **COST)
    await filled.add_records(other_tenant, stranger, 100)
    found = await figures(tenant, "stats")
    assert found["jobs"] == {
        "pending": 0,
        "running": 1,
        "paused": 0,
        "completed": 1,
        "completed_with_errors": 0,
        "failed": 0,
        "cancelled": 0,
    }
    assert found["outcomes"]["read"] == sum(counts["read"] for counts in found["entities"]) == 1100
    assert found["failures"] == [{"entity": "people", "code": "failed_for_a_reason", "records": 110}]
    assert found["vendor_calls"]["target_writes"] == 600
    assert found["waited_seconds"] == pytest.approx(24.5)
    alone = await figures(tenant, f"jobs/{job}/stats")
    assert found["records_per_minute"] == pytest.approx(alone["records_per_minute"], rel=0.05)


async def test_a_tenant_without_jobs_has_figures_of_nothing(tenant: Tenant) -> None:
    found = await figures(tenant, "stats")
    assert (found["outcomes"]["read"], found["records_per_minute"], set(found["jobs"].values())) == (0, None, {0})


async def test_another_tenant_s_figures_do_not_exist(other_tenant: Tenant, job: UUID) -> None:
    for job_id in (job, uuid4()):
        error_of(await other_tenant.client.get(f"/api/v1/jobs/{job_id}/stats"), 404)
