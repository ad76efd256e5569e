"""What a job says of why it makes no progress."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from freight import database
from freight.domain.jobs import model as domain_jobs
from freight.domain.jobs import stalls, waiting
from freight.domain.jobs.waiting import Waiting
from freight.domain.migration.steps.running import Step
from support import filled, jobs
from support.service import Tenant

UNTIL = datetime(2036, 1, 1, tzinfo=UTC)


@pytest.fixture
async def job(tenant: Tenant) -> UUID:
    """A running job."""
    return await filled.a_job(tenant, status="running", stage="extract")


async def note(tenant: Tenant, job: UUID, code: str = "rate_limited", *, by: str = "batches", **given: Any) -> Waiting:
    async with database.as_tenant(tenant.id) as tx:
        values = {"message": "The vendor asks for a wait.", "until": UNTIL, **given}
        return await waiting.note(tx, tenant.id, job, by=by, code=code, **values)


async def progress(tenant: Tenant, job: UUID, *, by: str = "batches") -> Step:
    async def ensure() -> None:
        pass

    step = Step(by, ensure)
    async with step.running(seconds=60), database.as_tenant(tenant.id) as tx:
        await waiting.over(tx, job)
    return step


async def waits(tenant: Tenant, job: UUID) -> dict[str, Any] | None:
    answer = (await tenant.client.get(f"/api/v1/jobs/{job}")).raise_for_status().json()
    found: dict[str, Any] | None = answer["waiting_for"]
    return found


async def change(tenant: Tenant, job: UUID, values: str, *args: object) -> None:
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(f"UPDATE jobs SET {values} WHERE id = $1", job, *args)


async def logged(tenant: Tenant, job: UUID) -> list[str]:
    return [row["code"] for row in await jobs.logs(tenant, str(job))]


async def test_a_wait_is_shown_logged_once_and_gone_with_the_next_progress(tenant: Tenant, job: UUID) -> None:
    assert await waits(tenant, job) is None
    began = await note(tenant, job)
    again = await note(tenant, job, message="It still asks for a wait.")
    assert again.since == began.since
    shown = await waits(tenant, job)
    assert shown is not None
    assert (shown["code"], shown["message"]) == ("rate_limited", "It still asks for a wait.")
    assert datetime.fromisoformat(shown["until"]) == UNTIL
    assert set(shown) == {"code", "message", "since", "until"}
    assert (await progress(tenant, job)).has_progressed
    assert await waits(tenant, job) is None
    assert await logged(tenant, job) == ["rate_limited"]


async def test_waiting_for_another_thing_without_progress_keeps_its_beginning(tenant: Tenant, job: UUID) -> None:
    began = await note(tenant, job)
    other = await note(tenant, job, "vendor_unavailable", until=None)
    assert (other.code, other.since, other.until) == ("vendor_unavailable", began.since, None)
    assert await logged(tenant, job) == ["rate_limited", "vendor_unavailable"]


async def test_a_wait_that_comes_and_goes_is_not_logged_each_time(tenant: Tenant, job: UUID) -> None:
    for _ in range(3):
        await note(tenant, job)
        await progress(tenant, job)
    assert await logged(tenant, job) == ["rate_limited"]


async def test_a_job_that_went_on_after_long_says_for_how_long_it_waited(tenant: Tenant, job: UUID) -> None:
    await note(tenant, job)
    since = (datetime.now(UTC) - timedelta(minutes=123)).isoformat()
    await change(tenant, job, "waiting_for = waiting_for || jsonb_build_object('since', $2::text)", since)
    await progress(tenant, job)
    (row,) = await jobs.logs(tenant, str(job), code="job_went_on")
    assert row["level"] == "info"
    assert "2 hours and 3 minutes" in row["message"]


async def test_reading_on_does_not_hide_that_loading_waits(tenant: Tenant, job: UUID) -> None:
    await note(tenant, job, by="batches")
    await progress(tenant, job, by="streams")
    assert await waits(tenant, job) is not None
    await note(tenant, job, by="batches", until=datetime.now(UTC) - timedelta(hours=1))
    await progress(tenant, job, by="streams")
    assert await waits(tenant, job) is None, "loading has had the time to say that it waits on"


@pytest.mark.parametrize("action", ["pause", "cancel"])
async def test_a_job_that_a_person_pauses_or_cancels_waits_for_nothing_else(
    tenant: Tenant, job: UUID, action: str
) -> None:
    await note(tenant, job)
    (await tenant.client.post(f"/api/v1/jobs/{job}/{action}")).raise_for_status()
    assert await waits(tenant, job) is None


async def test_a_quiet_job_says_why(tenant: Tenant, job: UUID) -> None:
    long_ago = "updated_at = now() - interval '10 minutes'"
    await change(tenant, job, f"{long_ago}, status = 'pending', stage = NULL")
    shown = await waits(tenant, job)
    assert shown is not None
    assert shown["code"] == "queued"
    assert datetime.now(UTC) - datetime.fromisoformat(shown["since"]) > timedelta(minutes=9)
    await change(tenant, job, f"{long_ago}, due_at = now() + interval '5 minutes'")
    shown = await waits(tenant, job)
    assert shown is not None
    assert shown["code"] == "retrying"
    assert datetime.fromisoformat(shown["until"]) > datetime.now(UTC)
    await change(tenant, job, f"{long_ago}, status = 'running', lease_until = now() + interval '20 seconds'")
    shown = await waits(tenant, job)
    assert shown is not None
    assert shown["code"] == "no_progress"
    await change(tenant, job, "updated_at = now()")
    assert await waits(tenant, job) is None


async def test_a_job_whose_open_batch_is_tried_later_says_until_when(tenant: Tenant, job: UUID) -> None:
    await change(tenant, job, "updated_at = now() - interval '10 minutes', stage = 'companies'")
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            """INSERT INTO batches (id, tenant_id, job_id, entity, number, first_position, size, status,
                                    processed_records, failed_records, due_at)
               VALUES (gen_random_uuid(), $1, $2, 'companies', 0, 0, 10, 'retrying', 0, 0, $3)""",
            tenant.id,
            job,
            UNTIL,
        )
    shown = await waits(tenant, job)
    assert shown is not None
    assert (shown["code"], datetime.fromisoformat(shown["until"])) == ("retrying", UNTIL)


async def test_a_job_that_has_ended_or_is_to_end_waits_for_nothing(tenant: Tenant, job: UUID) -> None:
    await change(tenant, job, "updated_at = now() - interval '10 minutes', status = 'completed'")
    assert await waits(tenant, job) is None
    await change(tenant, job, "status = 'running', stage = 'cancelling', lease_until = now() + interval '20 seconds'")
    assert await waits(tenant, job) is None


async def test_metrics_count_waiting_jobs_by_what_they_wait_for(tenant: Tenant, job: UUID) -> None:
    async with database.as_platform() as tx:
        before = await stalls.count(tx)
    await note(tenant, job)
    quiet = await filled.a_job(tenant, status="pending")
    await change(tenant, quiet, "updated_at = now() - interval '10 minutes'")
    async with database.as_platform() as tx:
        after = await stalls.count(tx)
    grown = {code: number - before[code] for code, number in after.items()}
    assert {code: number for code, number in grown.items() if number} == {"rate_limited": 1, "queued": 1}


async def test_the_report_and_the_list_say_what_a_job_waits_for(tenant: Tenant, job: UUID) -> None:
    await note(tenant, job)
    report = (await tenant.client.get(f"/api/v1/jobs/{job}/report")).raise_for_status().json()
    assert report["job"]["waiting_for"]["code"] == "rate_limited"
    assert "The job waits: The vendor asks for a wait." in report["remarks"]
    listed = (await tenant.client.get("/api/v1/jobs")).raise_for_status().json()
    assert listed["items"][0]["waiting_for"]["code"] == "rate_limited"


async def test_a_job_that_is_resumed_tries_at_once(tenant: Tenant, job: UUID) -> None:
    await change(
        tenant, job, "status = 'paused', paused_by = 'vendor', started_at = now(), due_at = now() + interval '1 hour'"
    )
    (await tenant.client.post(f"/api/v1/jobs/{job}/resume")).raise_for_status()
    async with database.as_tenant(tenant.id) as tx:
        assert (await domain_jobs.get(tx, job)).status == "running"
        assert await tx.fetchval("SELECT due_at <= now() FROM jobs WHERE id = $1", job)
