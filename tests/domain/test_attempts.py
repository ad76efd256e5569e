"""What the end of an attempt at a step means for its job."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from freight import database
from freight.database import Connection
from freight.domain import jobs as domain_jobs
from freight.domain import leases
from freight.domain.jobs import Job
from freight.domain.leases import Lease
from freight.domain.pipeline.attempts import Failure, attempt
from freight.sandbox import Sandbox
from support import jobs
from support.service import Tenant


@pytest.fixture
async def job(tenant: Tenant, sandbox: Sandbox) -> Job:
    """A running job."""
    made = await jobs.create(tenant, sandbox, retry_policy={"max_attempts": 2})
    async with database.as_tenant(tenant.id) as tx:
        await domain_jobs.move(tx, await domain_jobs.lock(tx, UUID(made["id"])), "running")
        return await domain_jobs.get(tx, UUID(made["id"]))


class Decisions:
    """What was decided about failed attempts."""

    def __init__(self) -> None:
        self.retried: list[Failure] = []
        self.given_up: list[Failure] = []

    async def retry(self, _: Connection, failure: Failure) -> None:
        self.retried.append(failure)

    async def give_up(self, _: Connection, failure: Failure) -> None:
        self.given_up.append(failure)


async def attempted(job: Job, error: Exception | None, *, failed_before: int = 0) -> Decisions:
    """An attempt at a step of the job, which ends with the error."""
    decisions = Decisions()
    async with database.as_tenant(job.tenant_id) as tx:
        lease = await leases.claim(tx, "jobs", job.tenant_id, job.id, "worker")
    assert lease is not None
    lease = Lease(table="jobs", tenant_id=lease.tenant_id, id=lease.id, fence=lease.fence, attempt=failed_before)
    async with attempt(job, lease, retry=decisions.retry, give_up=decisions.give_up):
        if error is not None:
            raise error
    return decisions


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


async def interruptions(tenant: Tenant, job: Job) -> list[dict[str, Any]]:
    return await jobs.logs(tenant, str(job.id), code="database_unavailable")
