"""Jobs that are paused, resumed, cancelled and retried in the middle of their work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from freight import database
from freight_sandbox import Sandbox, running
from support import faults, jobs, workspaces
from support.sandboxes import sandbox_options
from support.service import Tenant

COMPANIES, PEOPLE = 110, 40
"""Of companies more than a batch, so that there is a second one."""
MORE_THAN_TWO_PAGES = 210
OUTCOMES = ("created", "updated", "unchanged", "skipped", "failed")


@pytest.fixture
async def fresh(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """An Affinity, and an Attio that nobody has written to."""
    async with running(sandbox_options(companies=COMPANIES, people=PEOPLE, unlimited=True)) as fresh:
        yield fresh


@pytest.fixture
async def long_to_read(sandbox: Sandbox) -> AsyncIterator[Sandbox]:
    """The same with people on several pages."""
    async with running(sandbox_options(companies=COMPANIES, people=MORE_THAN_TWO_PAGES, unlimited=True)) as fresh:
        yield fresh


@pytest.fixture
async def slow(fresh: Sandbox) -> Sandbox:
    """The same, so slow that there is time to do something in the middle."""
    await slow_down(fresh)
    return fresh


async def test_a_paused_job_writes_nothing_until_it_is_resumed_and_then_finishes(
    tenant: Tenant, slow: Sandbox, sandbox: Sandbox
) -> None:
    job = await begun(tenant, slow)
    paused = await do(tenant, job, "pause")
    assert (paused["status"], paused["paused_by"]) == ("paused", "person")
    assert (paused["links"]["pause"], paused["eta_seconds"]) == (None, None)
    await nobody_works_on(tenant, job)
    standing = await workspaces.writes_received(slow)
    # Meanwhile the worker does all that another job has to do.
    other = await jobs.create(tenant, sandbox, mode="dry_run")
    assert (await jobs.until_ended(tenant, other["id"]))["status"] == "completed"
    assert await workspaces.writes_received(slow) == standing
    assert (await look(tenant, job))["processed_records"] < paused["total_records"]
    resumed = await do(tenant, job, "resume")
    assert (resumed["status"], resumed["paused_by"]) == ("running", None)
    await faults.clear(slow.attio_url)
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed"
    await everything_is_there_once(slow, job)


async def test_what_a_cancelled_job_has_written_stays_and_the_rest_is_skipped(tenant: Tenant, slow: Sandbox) -> None:
    job = await begun(tenant, slow)
    answer = await do(tenant, job, "cancel")
    assert (answer["status"], answer["stage"]) in {("running", "cancelling"), ("cancelled", None)}
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["stage"], job["error"]) == ("cancelled", None, None)
    await counters_are_exact(tenant, job)
    written = sum(counts["created"] for counts in job["counts"])
    found = [await workspaces.in_target(slow, entity) for entity in ("companies", "people")]
    assert 0 < written == sum(len(records) for records in found) < job["total_records"]
    async with database.as_tenant(tenant.id) as tx:
        rows = await tx.fetch("SELECT code, message FROM records WHERE job_id = $1 AND outcome = 'skipped'", job["id"])
    assert len(rows) == job["total_records"] - written
    cancelled = [row for row in rows if row["code"] == "cancelled"]
    assert cancelled
    assert all("cancelled before this record was migrated" in row["message"] for row in cancelled)


async def test_after_a_cancelled_job_another_carries_the_rest_and_doubles_nothing(
    tenant: Tenant, slow: Sandbox
) -> None:
    first = await begun(tenant, slow)
    await do(tenant, first, "cancel")
    first = await jobs.until_ended(tenant, first["id"])
    await faults.clear(slow.attio_url)
    job = await jobs.create(tenant, slow)
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed"
    await everything_is_there_once(slow, job)


async def test_a_paused_job_that_is_cancelled_ends_at_once(tenant: Tenant, slow: Sandbox) -> None:
    job = await begun(tenant, slow)
    await do(tenant, job, "pause")
    await nobody_works_on(tenant, job)
    job = await do(tenant, job, "cancel")
    assert job["status"] == "cancelled"
    await counters_are_exact(tenant, job)


async def test_a_retry_loads_the_batches_that_failed_and_doubles_nothing(tenant: Tenant, fresh: Sandbox) -> None:
    # One record that may not be written would fail alone.
    await faults.add(fresh.attio_url, "forbidden", method="PUT", path_prefix="/v2/objects/companies/records")
    job = await jobs.create(tenant, fresh, batch_size=100)
    job = await jobs.until_ended(tenant, job["id"])
    await faults.clear(fresh.attio_url)
    assert job["status"] == "failed"
    await counters_are_exact(tenant, job)
    failed = await batches(tenant, job, status="failed")
    assert failed
    assert all(batch["error"]["code"] == "permission_missing" for batch in failed)
    answer = (await tenant.client.post(job["links"]["retry"])).json()
    assert (answer["job_id"], answer["batches_queued_for_retry"]) == (job["id"], len(failed))
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["failed_records"], job["error"]) == ("completed", 0, None)
    await counters_are_exact(tenant, job)
    await everything_is_there_once(fresh, job)
    assert {batch["status"] for batch in await batches(tenant, job)} == {"completed"}


async def test_one_batch_can_be_retried_by_itself(tenant: Tenant, fresh: Sandbox) -> None:
    job = await with_failed_records(tenant, fresh)
    failed = [batch for batch in await batches(tenant, job) if batch["failed_records"]]
    first, others = failed[0], failed[1:]
    assert others
    answer = (await tenant.client.post(first["links"]["retry"])).json()
    assert answer["batches_queued_for_retry"] == 1
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed_with_errors"
    assert job["failed_records"] == sum(batch["failed_records"] for batch in others)
    assert (await tenant.client.get(first["links"]["self"])).json()["failed_records"] == 0
    await counters_are_exact(tenant, job)


async def test_a_retry_of_everything_writes_only_what_is_lacking(tenant: Tenant, fresh: Sandbox) -> None:
    job = await with_failed_records(tenant, fresh)
    before = await workspaces.writes_received(fresh)
    number = len(await batches(tenant, job))
    answer = (await tenant.client.post(job["links"]["retry"], params={"retry_failed_only": "false"})).json()
    assert answer["batches_queued_for_retry"] == number
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed"
    # Only people who refer to a company that had failed are written again.
    assert jobs.counts(job, "people")["created"] == 0
    assert jobs.counts(job, "people")["unchanged"] > 0
    written = sum(counts["created"] + counts["updated"] for counts in job["counts"])
    assert await workspaces.writes_received(fresh) - before == written
    await counters_are_exact(tenant, job)
    await everything_is_there_once(fresh, job)


async def test_a_job_that_failed_while_it_read_is_read_on_by_a_retry(tenant: Tenant, long_to_read: Sandbox) -> None:
    await slow_down(long_to_read)
    await faults.add(long_to_read.affinity_url, "latency", milliseconds=400, path_prefix="/v2/persons")
    job = await jobs.create(tenant, long_to_read, batch_size=170)
    await jobs.until(tenant, job["id"], lambda job: any(count["read"] for count in job["counts"]))
    await faults.add(long_to_read.affinity_url, "unauthorized", path_prefix="/v2/persons")
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "credentials_refused")
    await counters_are_exact(tenant, job)
    for url in (long_to_read.affinity_url, long_to_read.attio_url):
        await faults.clear(url)
    await tenant.client.post(job["links"]["retry"])
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["error"]) == ("completed", None)
    await counters_are_exact(tenant, job)
    await everything_is_there_once(long_to_read, job)


async def test_a_job_that_failed_in_its_precheck_begins_again_with_it(tenant: Tenant, fresh: Sandbox) -> None:
    await faults.add(fresh.attio_url, "forbidden", times=1, path_prefix="/v2/objects")
    job = await jobs.create(tenant, fresh)
    job = await jobs.until_ended(tenant, job["id"])
    assert (job["status"], job["error"]["code"], job["total_records"]) == ("failed", "permission_missing", 0)
    answer = (await tenant.client.post(job["links"]["retry"])).json()
    assert answer["batches_queued_for_retry"] == 0
    job = await jobs.until_ended(tenant, job["id"])
    assert job["status"] == "completed"
    await everything_is_there_once(fresh, job)


async def slow_down(sandbox: Sandbox) -> None:
    """Have the Attio take its time for records."""
    for entity in ("companies", "people"):
        await faults.add(sandbox.attio_url, "latency", milliseconds=300, path_prefix=f"/v2/objects/{entity}/records")


async def begun(tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    """A job in the middle of its work."""
    job = await jobs.create(tenant, sandbox, batch_size=100)
    return await jobs.until(tenant, job["id"], lambda job: job["processed_records"] >= 40)


async def with_failed_records(tenant: Tenant, sandbox: Sandbox) -> dict[str, Any]:
    """A job that has ended with failed records in several batches, of which nothing would fail again."""
    await workspaces.require_phone_numbers(sandbox)
    job = await jobs.create(tenant, sandbox, batch_size=100)
    job = await jobs.until_ended(tenant, job["id"])
    await workspaces.require_phone_numbers_no_more(sandbox)
    assert job["status"] == "completed_with_errors"
    return job


async def do(tenant: Tenant, job: dict[str, Any], action: str) -> dict[str, Any]:
    answer = await tenant.client.post(f"/api/v1/jobs/{job['id']}/{action}")
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


async def look(tenant: Tenant, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await tenant.client.get(f"/api/v1/jobs/{job['id']}")).json()
    return found


async def batches(tenant: Tenant, job: dict[str, Any], **filters: str) -> list[dict[str, Any]]:
    page = (await tenant.client.get(job["links"]["batches"], params=filters)).json()
    items: list[dict[str, Any]] = page["items"]
    return items


async def nobody_works_on(tenant: Tenant, job: dict[str, Any]) -> None:
    """Wait until every worker has let go of the job."""
    async with asyncio.timeout(60):
        while True:
            async with database.as_tenant(tenant.id) as tx:
                held = await tx.fetchval(
                    """SELECT EXISTS (SELECT FROM batches WHERE job_id = $1 AND lease_until > now())
                           OR EXISTS (SELECT FROM streams WHERE job_id = $1 AND lease_until > now())""",
                    job["id"],
                )
            if not held:
                return
            await asyncio.sleep(0.1)


async def counters_are_exact(tenant: Tenant, job: dict[str, Any]) -> None:
    """The counters of an ended job are what its records say, and every record has an outcome."""
    async with database.as_tenant(tenant.id) as tx:
        rows = await tx.fetch(
            "SELECT entity, outcome, count(*) AS records FROM records WHERE job_id = $1 GROUP BY 1, 2", job["id"]
        )
        within = await tx.fetchrow(
            """SELECT coalesce(sum(processed_records), 0) AS processed, coalesce(sum(failed_records), 0) AS failed
               FROM batches WHERE job_id = $1""",
            job["id"],
        )
        for_nobody = await tx.fetchval("SELECT count(*) FROM records WHERE job_id = $1 AND payload IS NULL", job["id"])
    held = {(row["entity"], row["outcome"]): row["records"] for row in rows}
    assert None not in {outcome for _, outcome in held}
    for counts in job["counts"]:
        assert {name: counts[name] for name in OUTCOMES} == {
            name: held.get((counts["entity"], name), 0) for name in OUTCOMES
        }
        assert counts["read"] == sum(counts[name] for name in OUTCOMES)
    assert job["total_records"] == job["processed_records"] == sum(held.values())
    assert job["failed_records"] == sum(number for (_, outcome), number in held.items() if outcome == "failed")
    assert within is not None
    assert (within["processed"] + for_nobody, within["failed"]) == (job["processed_records"], job["failed_records"])


async def everything_is_there_once(sandbox: Sandbox, job: dict[str, Any]) -> None:
    for entity, collection in (("companies", "companies"), ("people", "persons")):
        rows = await workspaces.in_source(sandbox, collection)
        target = await workspaces.in_target(sandbox, entity)
        assert target.keys() == {str(row["id"]) for row in rows if row.get("type") != "internal"}
        assert {len(records) for records in target.values()} == {1}
        counts = jobs.counts(job, entity)
        assert counts["read"] == sum(number for outcome, number in counts.items() if outcome != "read")
