"""What can be done with a job in which state; what workers make of it is tested with workers."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from freight import database
from freight.domain.jobs import model as domain_jobs
from freight.domain.jobs.transitions import ACTIONS, STATUSES
from freight_sandbox import Sandbox
from support.errors import error_of
from support.service import Tenant, job_request

JOBS = "/api/v1/jobs"
CONTROLS = ("pause", "resume", "cancel", "retry")


@pytest.fixture
async def job(tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    made: dict[str, Any] = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    return made


async def change(tenant: Tenant, job: dict[str, Any], changes: str, *args: object) -> dict[str, Any]:
    """The job after these columns were changed."""
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(f"UPDATE jobs SET {changes} WHERE id = $1", job["id"], *args)
    changed: dict[str, Any] = (await tenant.client.get(job["links"]["self"])).json()
    return changed


async def with_batch(tenant: Tenant, job: dict[str, Any], *, status: str = "failed", failed: int = 2) -> UUID:
    """A batch of the job, of three records, of which so many failed."""
    batch_id = uuid4()
    async with database.as_tenant(tenant.id) as tx:
        await tx.execute(
            """INSERT INTO streams (id, tenant_id, job_id, entity, done, read_records, created_records, updated_records,
                                    unchanged_records, skipped_records, failed_records)
               VALUES ($1, $2, $3, 'companies', true, 3, 3 - $4::int, 0, 0, 0, $4::int)""",
            uuid4(),
            tenant.id,
            job["id"],
            failed,
        )
        await tx.execute(
            """INSERT INTO batches (id, tenant_id, job_id, entity, number, first_position, size, status,
                                    processed_records, failed_records)
               VALUES ($1, $2, $3, 'companies', 0, 0, 3, $4, 3, $5)""",
            batch_id,
            tenant.id,
            job["id"],
            status,
            failed,
        )
        await tx.execute(
            """INSERT INTO records (tenant_id, job_id, entity, position, source_id, payload, outcome, code, message)
               SELECT $1, $2, 'companies', position, position::text, '{}',
                      CASE WHEN position < $3 THEN 'failed' ELSE 'created' END, 'x', 'x'
               FROM generate_series(0, 2) AS position""",
            tenant.id,
            job["id"],
            failed,
        )
        await tx.execute(
            "UPDATE jobs SET total_records = 3, processed_records = 3, failed_records = $2 WHERE id = $1",
            job["id"],
            failed,
        )
    return batch_id


@pytest.mark.parametrize("status", STATUSES)
async def test_a_job_links_to_what_can_be_done_with_it_and_refuses_the_rest_naming_both_states(
    status: str, tenant: Tenant, job: dict[str, Any]
) -> None:
    for action in CONTROLS:
        job = await change(tenant, job, "status = $2, stage = NULL", status)
        address = f"{JOBS}/{job['id']}/{action}"
        allowed = status in ACTIONS[action]
        assert job["links"][action] == (address if allowed else None)
        answer = await tenant.client.post(address)
        if allowed:
            assert answer.status_code == 200, answer.text
        else:
            error = error_of(answer, 409)
            assert error["error"] == "state_conflict"
            assert f"is {status} " in error["message"]
            assert all(fitting in error["message"] for fitting in ACTIONS[action])


async def test_a_job_that_is_paused_before_its_start_is_pending_again_when_resumed(
    tenant: Tenant, job: dict[str, Any]
) -> None:
    for action, status in (("pause", "paused"), ("resume", "pending")):
        answer = await tenant.client.post(f"{JOBS}/{job['id']}/{action}")
        assert answer.json()["status"] == status


async def test_a_job_that_nobody_works_on_is_cancelled_at_once(tenant: Tenant, job: dict[str, Any]) -> None:
    cancelled = (await tenant.client.post(job["links"]["cancel"])).json()
    assert (cancelled["status"], cancelled["stage"]) == ("cancelled", None)
    assert cancelled["completed_at"] is not None


async def test_a_job_that_is_worked_on_is_cancelling_until_the_worker_lets_go(
    tenant: Tenant, job: dict[str, Any]
) -> None:
    job = await change(
        tenant, job, "status = 'running', stage = 'extract', lease_until = now() + interval '25 seconds'"
    )
    cancelling = (await tenant.client.post(job["links"]["cancel"])).json()
    assert (cancelling["status"], cancelling["stage"]) == ("running", "cancelling")
    for action in CONTROLS:
        assert cancelling["links"][action] is None
        error_of(await tenant.client.post(f"{JOBS}/{job['id']}/{action}"), 409)


async def test_a_person_s_pause_outlasts_a_quota_s(tenant: Tenant, job: dict[str, Any]) -> None:
    waits = "status = 'paused', paused_by = 'quota', resume_at = now() - interval '1 minute'"
    await change(tenant, job, waits)
    paused = (await tenant.client.post(f"{JOBS}/{job['id']}/pause")).json()
    assert (paused["paused_by"], paused["resume_at"]) == ("person", None)
    async with database.as_platform() as tx:
        await domain_jobs.resume_due(tx)
    assert (await tenant.client.get(job["links"]["self"])).json()["status"] == "paused"
    await change(tenant, job, waits)
    async with database.as_platform() as tx:
        await domain_jobs.resume_due(tx)
    resumed = (await tenant.client.get(job["links"]["self"])).json()
    assert (resumed["status"], resumed["paused_by"]) == ("pending", None)


async def test_a_job_that_waits_for_a_plan_goes_on_only_when_it_is_resumed(tenant: Tenant, job: dict[str, Any]) -> None:
    waits = "status = 'paused', paused_by = 'plan', resume_at = NULL"
    assert (await change(tenant, job, waits))["paused_by"] == "plan"
    async with database.as_platform() as tx:
        await domain_jobs.resume_due(tx)
    paused = (await tenant.client.post(f"{JOBS}/{job['id']}/pause")).json()
    assert (paused["status"], paused["paused_by"]) == ("paused", "person")
    await change(tenant, job, waits)
    resumed = (await tenant.client.post(f"{JOBS}/{job['id']}/resume")).json()
    assert (resumed["status"], resumed["paused_by"]) == ("pending", None)


async def test_a_person_can_end_a_quota_s_pause(tenant: Tenant, job: dict[str, Any]) -> None:
    await change(tenant, job, "status = 'paused', paused_by = 'quota', resume_at = now() + interval '9 days'")
    resumed = (await tenant.client.post(f"{JOBS}/{job['id']}/resume")).json()
    assert (resumed["status"], resumed["resume_at"]) == ("pending", None)


async def test_a_retry_is_refused_while_another_job_over_the_same_workspaces_is_live(
    tenant: Tenant, job: dict[str, Any], sandbox: Sandbox
) -> None:
    batch_id = await with_batch(tenant, job)
    await change(tenant, job, "status = 'failed'")
    second = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    for path in ("retry", f"batches/{batch_id}/retry"):
        error = error_of(await tenant.client.post(f"{JOBS}/{job['id']}/{path}"), 409)
        assert error["error"] == "live_job_exists"
        assert [detail["message"] for detail in error["details"]] == [second["id"]]
    assert (await tenant.client.get(job["links"]["self"])).json()["failed_records"] == 2


async def test_a_retry_is_refused_once_the_vendors_keys_are_erased(tenant: Tenant, job: dict[str, Any]) -> None:
    await change(tenant, job, "status = 'failed', source_credentials = '', target_credentials = ''")
    error = error_of(await tenant.client.post(f"{JOBS}/{job['id']}/retry"), 409)
    assert "Create a new job" in error["message"]


@pytest.mark.parametrize(("failed_only", "left"), [("true", 1), ("false", 0)])
async def test_a_retry_takes_outcomes_back_and_the_counters_with_them(
    failed_only: str, left: int, tenant: Tenant, job: dict[str, Any]
) -> None:
    await with_batch(tenant, job)
    job = await change(tenant, job, "status = 'failed', error_code = 'x', error_message = 'X.', completed_at = now()")
    answer = await tenant.client.post(job["links"]["retry"], params={"retry_failed_only": failed_only})
    assert answer.json()["job_id"] == job["id"]
    assert answer.json()["batches_queued_for_retry"] == 1
    assert answer.json()["message"].startswith("1 batch is queued again")
    job = (await tenant.client.get(job["links"]["self"])).json()
    assert (job["status"], job["error"], job["completed_at"]) == ("running", None, None)
    assert (job["total_records"], job["processed_records"], job["failed_records"]) == (3, left, 0)
    (counts,) = job["counts"]
    assert (counts["read"], counts["created"], counts["failed"]) == (3, left, 0)
    (batch,) = (await tenant.client.get(job["links"]["batches"])).json()["items"]
    assert (batch["status"], batch["processed_records"], batch["failed_records"]) == ("pending", left, 0)


async def test_whether_only_failed_records_are_meant_is_true_or_false(tenant: Tenant, job: dict[str, Any]) -> None:
    answer = await tenant.client.post(f"{JOBS}/{job['id']}/retry", params={"retry_failed_only": "perhaps"})
    assert [detail["field"] for detail in error_of(answer, 422)["details"]] == ["retry_failed_only"]


async def test_a_batch_without_failed_records_cannot_be_retried(tenant: Tenant, job: dict[str, Any]) -> None:
    batch_id = await with_batch(tenant, job, status="completed", failed=0)
    await change(tenant, job, "status = 'completed_with_errors'")
    error = error_of(await tenant.client.post(f"{JOBS}/{job['id']}/batches/{batch_id}/retry"), 409)
    assert "completed" in error["message"]


@pytest.mark.parametrize("status", ["running", "completed", "cancelled"])
async def test_a_batch_is_retried_only_where_its_job_could_be(status: str, tenant: Tenant, job: dict[str, Any]) -> None:
    batch_id = await with_batch(tenant, job)
    await change(tenant, job, "status = $2", status)
    error = error_of(await tenant.client.post(f"{JOBS}/{job['id']}/batches/{batch_id}/retry"), 409)
    assert status in error["message"]


async def test_batches_are_listed_filtered_and_looked_at(tenant: Tenant, job: dict[str, Any]) -> None:
    assert (await tenant.client.get(job["links"]["batches"])).json()["items"] == []
    batch_id = await with_batch(tenant, job)
    (batch,) = (await tenant.client.get(job["links"]["batches"])).json()["items"]
    assert batch["id"] == str(batch_id)
    assert (batch["entity"], batch["number"], batch["size"], batch["attempt"]) == ("companies", 0, 3, 0)
    assert (await tenant.client.get(batch["links"]["self"])).json() == batch
    for filters, number in (
        ({"status": "failed", "entity": "companies"}, 1),
        ({"status": ["pending", "completed"]}, 0),
        ({"entity": "people"}, 0),
    ):
        assert (await tenant.client.get(job["links"]["batches"], params=filters)).json()["total"] == number
    error_of(await tenant.client.get(job["links"]["batches"], params={"status": "lost"}), 422)


async def test_a_batch_is_found_only_below_its_own_job_and_by_its_own_tenant(
    tenant: Tenant, other_tenant: Tenant, job: dict[str, Any], sandbox: Sandbox
) -> None:
    batch_id = await with_batch(tenant, job)
    await change(tenant, job, "status = 'failed'")
    second = (await tenant.client.post(JOBS, json=job_request(sandbox))).json()
    for one, job_id in ((tenant, second["id"]), (other_tenant, job["id"]), (tenant, str(uuid4()))):
        error_of(await one.client.get(f"{JOBS}/{job_id}/batches/{batch_id}"), 404)
        error_of(await one.client.post(f"{JOBS}/{job_id}/batches/{batch_id}/retry"), 404)
    error_of(await other_tenant.client.get(f"{JOBS}/{job['id']}/batches"), 404)


async def test_what_a_person_does_with_a_job_stands_in_its_log(tenant: Tenant, job: dict[str, Any]) -> None:
    for action in ("pause", "resume", "cancel"):
        await tenant.client.post(f"{JOBS}/{job['id']}/{action}")
    rows = (await tenant.client.get(job["links"]["logs"])).json()["items"]
    assert [row["code"] for row in rows] == ["job_paused", "job_resumed", "job_cancelled"]
    assert all(tenant.key[:17] in row["message"] for row in rows)
