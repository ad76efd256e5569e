"""What the end of an attempt at a step means for its job."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from freight import database, tasks
from freight.connectors.errors import MustWait, Unavailable
from freight.connectors.protocols import Kind, Pacer
from freight.database import Connection
from freight.domain.current_step import Interrupted
from freight.domain.jobs import model as domain_jobs
from freight.domain.jobs import waiting
from freight.domain.jobs.model import Job
from freight.domain.jobs.workspace_conflicts import WAITING, WORKSPACE_BUSY
from freight.domain.migration.records import leases
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.steps import runner
from freight.domain.migration.steps.cancellation import CancellationMonitor
from freight.domain.migration.steps.runner import MAX_VENDOR_WAIT, MAX_WAIT, Failure, Step, attempt
from freight_sandbox import Sandbox
from support import jobs
from support.service import Tenant


@pytest.fixture
async def job(tenant: Tenant, sandbox: Sandbox) -> Job:
    """A running job."""
    made = await jobs.create(tenant, sandbox, retry_policy={"max_attempts": 2})
    async with database.as_tenant(tenant.id) as tx:
        await domain_jobs.move(tx, await domain_jobs.lock(tx, UUID(made["id"])), "running")
        return await domain_jobs.get(tx, UUID(made["id"]))


class Decisions(Step):
    """A step that runs a body and ends with an error, and what was decided about its failure."""

    def __init__(self, job: Job, lease: Lease, body: Callable[[], Awaitable[None]] | None, error: Exception | None):
        super().__init__(job, lease)
        self.retried: list[Failure] = []
        self.given_up: list[Failure] = []
        self._body = body
        self._error = error

    async def run(self) -> None:
        if self._body is not None:
            await self._body()
        if self._error is not None:
            raise self._error

    async def retry(self, _: Connection, failure: Failure, *, seconds: float) -> datetime:
        self.retried.append(failure)
        return datetime.now(UTC) + timedelta(seconds=seconds)

    async def give_up(self, _: Connection, failure: Failure) -> None:
        self.given_up.append(failure)


async def attempted(
    job: Job,
    error: Exception | None,
    *,
    failed_before: int = 0,
    body: Callable[[], Awaitable[None]] | None = None,
    seconds: float = 60,
) -> Decisions:
    """An attempt at a step of the job, which runs the body and ends with the error."""
    async with database.as_tenant(job.tenant_id) as tx:
        await tx.execute("UPDATE jobs SET attempt = $2 WHERE id = $1", job.id, failed_before)
        lease = await leases.claim(tx, "jobs", job.tenant_id, job.id, "worker")
    assert lease is not None
    decisions = Decisions(job, lease, body, error)
    await attempt(decisions, seconds=seconds)
    return decisions


async def shown(tenant: Tenant, job: Job) -> dict[str, Any]:
    """The job as a client sees it."""
    found: dict[str, Any] = (await tenant.client.get(f"/api/v1/jobs/{job.id}")).raise_for_status().json()
    return found


async def due_in(job: Job) -> timedelta:
    """How long it takes until the job's next attempt."""
    async with database.as_tenant(job.tenant_id) as tx:
        found: timedelta = await tx.fetchval("SELECT due_at - now() FROM jobs WHERE id = $1", job.id)
        return found


async def test_an_unavailable_database_is_no_failed_attempt_and_the_next_one_logs_the_interruption(
    tenant: Tenant, job: Job
) -> None:
    with pytest.raises(database.Unavailable):
        await attempted(job, database.Unavailable("connection refused"), failed_before=1)
    assert await interruptions(tenant, job) == []
    await attempted(job, None)
    await attempted(job, None)
    (row,) = await interruptions(tenant, job)
    assert row["level"] == "warning"


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ProgramLimitExceededError("index row size 2824 exceeds maximum 2704"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        asyncpg.UndefinedColumnError('column "new" does not exist'),
        OSError(28, "No space left on device"),
        RecursionError("maximum recursion depth exceeded"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_any_other_error_is_retried_and_then_given_up(job: Job, error: Exception) -> None:
    first = await attempted(job, error)
    assert ([failure.code for failure in first.retried], first.given_up) == (["internal_error"], [])
    last = await attempted(job, error, failed_before=1)
    assert (last.retried, [failure.code for failure in last.given_up]) == ([], ["internal_error"])


@pytest.mark.parametrize("state", ["08006", "53300", "57P01", "57P03", "25006", "3D000"])
def test_errors_of_the_connection_and_the_server_are_about_no_data(state: str) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": "x"})
    assert database.is_unavailable(error)
    assert not database.is_about_data(error)


@pytest.mark.parametrize("state", ["22021", "22003", "23505", "54000", "21000"])
def test_errors_of_values_are_about_the_data(state: str) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": "x"})
    assert database.is_about_data(error)
    assert not database.is_unavailable(error)


async def test_an_argument_that_cannot_be_encoded_is_about_the_data(tenant: Tenant) -> None:
    async with database.as_tenant(tenant.id) as tx:
        with pytest.raises(asyncpg.DataError) as caught:
            await tx.fetchval("SELECT $1::text", "\ud83d")
    assert database.is_about_data(caught.value)
    assert not database.is_unavailable(caught.value)


async def test_a_connection_that_is_cut_makes_the_database_unavailable(tenant: Tenant) -> None:
    with pytest.raises(database.Unavailable):
        await query_after_a_cut(tenant)


async def query_after_a_cut(tenant: Tenant) -> None:
    async with database.as_tenant(tenant.id) as tx:
        connection: Any = tx
        connection.terminate()
        await tx.execute("SELECT 1")


async def test_a_wait_is_no_failed_attempt_and_the_job_says_what_it_waits_for(tenant: Tenant, job: Job) -> None:
    until = datetime.now(UTC) + timedelta(minutes=10)
    decisions = await attempted(job, MustWait("Attio asks for a wait.", until=until, code="rate_limited"))
    assert (decisions.retried, decisions.given_up) == ([], [])
    waits = (await shown(tenant, job))["waiting_for"]
    assert (waits["code"], waits["message"]) == ("rate_limited", "Attio asks for a wait.")
    assert datetime.fromisoformat(waits["until"]) == until
    assert timedelta(minutes=9) < await due_in(job) <= timedelta(minutes=10)
    (row,) = await jobs.logs(tenant, str(job.id), code="rate_limited")
    assert row["level"] == "warning"


async def test_no_wait_is_longer_than_an_hour_whatever_the_vendor_asks_for(tenant: Tenant, job: Job) -> None:
    until = datetime.now(UTC) + timedelta(days=365 * 57)
    await attempted(job, MustWait("Affinity asks for a long wait.", until=until, code="rate_limited"))
    assert await due_in(job) <= MAX_WAIT
    waits = (await shown(tenant, job))["waiting_for"]
    assert datetime.fromisoformat(waits["until"]) - datetime.now(UTC) <= MAX_WAIT


async def test_a_job_that_a_vendor_has_kept_waiting_for_a_day_is_paused_until_a_person_resumes_it(
    tenant: Tenant, job: Job
) -> None:
    error = MustWait("Attio is unavailable.", until=datetime.now(UTC))
    await attempted(job, error)
    assert (await shown(tenant, job))["status"] == "running"
    since = (datetime.now(UTC) - MAX_VENDOR_WAIT).isoformat()
    async with database.as_tenant(tenant.id) as tx:
        changed = "waiting_for = waiting_for || jsonb_build_object('since', $2::text)"
        await tx.execute(f"UPDATE jobs SET {changed} WHERE id = $1", job.id, since)
    await attempted(job, error)
    paused = await shown(tenant, job)
    assert (paused["status"], paused["paused_by"], paused["waiting_for"]) == ("paused", "vendor", None)
    (row,) = await jobs.logs(tenant, str(job.id), code="waited_too_long")
    assert "Attio is unavailable. When the vendor is available again, resume the job." in row["message"]
    resumed = (await tenant.client.post(paused["links"]["resume"])).raise_for_status().json()
    assert (resumed["status"], resumed["paused_by"]) == ("running", None)


async def test_a_job_that_waits_for_its_workspaces_is_not_paused_as_if_a_vendor_kept_it_waiting(
    tenant: Tenant, job: Job
) -> None:
    error = MustWait(WAITING, until=datetime.now(UTC), code=WORKSPACE_BUSY)
    await attempted(job, error)
    since = (datetime.now(UTC) - 2 * MAX_VENDOR_WAIT).isoformat()
    async with database.as_tenant(tenant.id) as tx:
        changed = "waiting_for = waiting_for || jsonb_build_object('since', $2::text)"
        await tx.execute(f"UPDATE jobs SET {changed} WHERE id = $1", job.id, since)
    await attempted(job, error)
    waits = await shown(tenant, job)
    assert (waits["status"], waits["waiting_for"]["code"]) == ("running", WORKSPACE_BUSY)
    # So the time adds up to the limit that such a wait has.
    assert datetime.fromisoformat(waits["waiting_for"]["since"]) == datetime.fromisoformat(since)


async def test_a_failed_attempt_says_on_the_job_why_and_when_the_next_one_begins(tenant: Tenant, job: Job) -> None:
    await attempted(job, Unavailable("Attio answered 500."))
    waits = (await shown(tenant, job))["waiting_for"]
    assert waits["code"] == "vendor_unavailable"
    assert waits["message"].startswith("Attio answered 500. Attempt 2 of 2 begins at ")
    assert waits["until"] is not None


async def test_attempts_that_failed_before_something_new_came_do_not_count(tenant: Tenant, job: Job) -> None:
    async def bring_something_new() -> None:
        # As a page with new rows does.
        async with database.as_tenant(job.tenant_id) as tx:
            await tx.execute("UPDATE jobs SET attempt = 0 WHERE id = $1", job.id)

    decisions = await attempted(job, Unavailable("Attio answered 500."), failed_before=1, body=bring_something_new)
    assert ([failure.code for failure in decisions.retried], decisions.given_up) == (["vendor_unavailable"], [])
    assert "Attempt 2 of 2" in (await shown(tenant, job))["waiting_for"]["message"]


async def test_a_step_that_comes_to_no_result_in_its_time_has_failed(job: Job) -> None:
    first = await attempted(job, None, body=lambda: asyncio.sleep(60), seconds=0.05)
    assert ([failure.code for failure in first.retried], first.given_up) == (["timed_out"], [])
    last = await attempted(job, None, body=lambda: asyncio.sleep(60), seconds=0.05, failed_before=1)
    assert (last.retried, [failure.code for failure in last.given_up]) == ([], ["timed_out"])


async def test_a_step_that_stores_results_may_go_on_in_another_attempt_as_often_as_it_likes(job: Job) -> None:
    async def slow() -> None:
        async with database.as_tenant(job.tenant_id) as tx:
            await waiting.over(tx, job.id)
        await asyncio.sleep(60)

    decisions = await attempted(job, None, body=slow, seconds=0.5, failed_before=1)
    assert (decisions.retried, decisions.given_up) == ([], [])
    assert await due_in(job) <= timedelta(0)


async def test_a_worker_that_is_told_to_stop_makes_no_failed_attempt(job: Job) -> None:
    began = asyncio.Event()

    async def slow() -> None:
        began.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(attempted(job, None, body=slow))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.as_tenant(job.tenant_id) as tx:
        assert await leases.claim(tx, "jobs", job.tenant_id, job.id, "another worker") is not None


def test_a_step_ends_before_arq_would_cancel_it() -> None:
    assert runner.STEP_SECONDS < tasks.TASK_SECONDS - 30


class Unpaced:
    """A pacer that has a turn for everyone."""

    async def turn(self, kind: Kind) -> None:
        pass

    async def pause(self, kind: Kind, until: datetime) -> None:
        pass

    async def succeeded(self) -> None:
        pass

    async def failed(self) -> None:
        pass


async def turns_without_end(pacer: Pacer) -> None:
    while True:
        await pacer.turn("write")
        await asyncio.sleep(0.05)


async def test_a_cancelled_job_gives_up_within_seconds_what_a_vendor_never_answers(tenant: Tenant, job: Job) -> None:
    watch = CancellationMonitor(job)

    async def ask_in_vain() -> None:
        await watch.pacer(Unpaced()).turn("write")
        (await tenant.client.post(f"/api/v1/jobs/{job.id}/cancel")).raise_for_status()
        await asyncio.sleep(60)

    async with asyncio.timeout(30):
        decisions = await attempted(job, None, body=ask_in_vain)
    await watch.aclose()
    assert (decisions.retried, decisions.given_up) == ([], [])


async def test_a_paused_job_sends_nothing_more_and_finishes_what_is_under_way(tenant: Tenant, job: Job) -> None:
    watch = CancellationMonitor(job)
    finished = False

    async def ask() -> None:
        nonlocal finished
        pacer = watch.pacer(Unpaced())
        await pacer.turn("write")
        (await tenant.client.post(f"/api/v1/jobs/{job.id}/pause")).raise_for_status()
        with pytest.raises(Interrupted):
            await turns_without_end(pacer)
        await asyncio.sleep(1)
        finished = True

    await attempted(job, None, body=ask)
    await watch.aclose()
    assert finished


async def interruptions(tenant: Tenant, job: Job) -> list[dict[str, Any]]:
    return await jobs.logs(tenant, str(job.id), code="database_unavailable")
