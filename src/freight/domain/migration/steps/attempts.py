"""An attempt at a step: what its end, good or bad, means for the job."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import structlog

from freight import database
from freight.connectors.errors import (
    ConnectorError,
    CredentialsRefused,
    MustWait,
    PermissionMissing,
    PlanLimitReached,
    QueryTooComplex,
    QuotaExhausted,
)
from freight.connectors.protocols import Issue
from freight.database import Connection
from freight.domain.jobs import model as jobs
from freight.domain.jobs import waiting
from freight.domain.jobs.model import Job
from freight.domain.jobs.workspace_conflicts import WORKSPACE_BUSY
from freight.domain.migration.records import leases, logs
from freight.domain.migration.records.leases import Lease, LeaseLost
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.steps.running import Interrupted, Step, TimedOut
from freight.encryption import SecretError

STEP_SECONDS = 840
"""How long an attempt may take: less than arq allows a task, whose cancellation would count as nothing."""

LONGEST_WAIT = timedelta(hours=1)
"""After so long a step tries again, whatever a vendor has asked for."""

PATIENCE = timedelta(hours=24)
"""For how long a job waits for a vendor without any progress before it is paused."""

log = structlog.get_logger()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt failed."""

    code: str
    message: str


class Outages:
    """Which jobs this process has interrupted because PostgreSQL was unavailable, and since when."""

    def __init__(self) -> None:
        self._since: dict[UUID, datetime] = {}

    def note(self, job: Job) -> None:
        """Remember that a step of the job has been interrupted now."""
        self._since.setdefault(job.id, datetime.now(UTC))

    async def log(self, job: Job) -> None:
        """Write into the job's log that it was interrupted, once per interruption."""
        since = self._since.get(job.id)
        if since is None:
            return
        issue = Issue(
            level="warning",
            code="database_unavailable",
            message=f"PostgreSQL was unavailable from {since:%F %T} UTC on, so the job was interrupted. It goes on "
            "where it was; nothing has to be done.",
        )
        async with database.as_tenant(job.tenant_id) as tx:
            await logs.write(tx, job.tenant_id, job.id, [Entry(issue=issue)])
        self._since.pop(job.id, None)


OUTAGES = Outages()

Decide = Callable[[Connection, Failure], Awaitable[None]]
"""Carries out a decision about a failed step."""


@asynccontextmanager
async def attempt(
    job: Job, lease: Lease, *, retry: Decide, give_up: Decide, seconds: float = STEP_SECONDS
) -> AsyncIterator[None]:
    """Run the body under a lease that is renewed meanwhile and released at the end.

    A refused key or a missing permission stops the job, a used-up quota or a full plan pauses it, and a vendor that
    asks for a wait is waited for. Any other failure is tried again as the job's retry policy has it, by `retry`, and
    after the last attempt ends in `give_up`; one that every repetition would meet ends there at once. An attempt
    is ended after so many seconds: it has failed if it has stored nothing, and is gone on with otherwise.

    Only an unavailable PostgreSQL is waited for without end: nothing can be written about it then, and the sweep takes
    the step up again. The first attempt afterwards logs the interruption.
    """
    try:
        await OUTAGES.log(job)
        async with leases.kept(lease) as hold:
            step = Step(lease.table, hold.ensure)
            async with step.running(seconds=seconds):
                if lease.taken_over:
                    await asyncio.sleep(leases.SURE_SECONDS)
                yield
    except LeaseLost:
        leases.LOSSES.note(lease)
    except Interrupted:
        pass
    except TimedOut:
        if step.has_progressed:
            log.info("step_interrupted", table=lease.table, id=str(lease.id), seconds=seconds)
        else:
            await _failed(job, lease, retry, give_up, _timed_out(seconds))
    except (CredentialsRefused, PermissionMissing) as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.stop(tx, job.id, code=error.code, message=str(error))
    except SecretError as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.stop(tx, job.id, code="credentials_unreadable", message=str(error))
    except QuotaExhausted as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.pause_until(tx, job.id, resume_at=error.resets_at, message=str(error))
    except PlanLimitReached as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.pause_for_plan(tx, job.id, message=str(error))
    except MustWait as error:
        await _wait(job, lease, error)
    except QueryTooComplex as error:
        await _decide(job, lease, give_up, Failure(code=error.code, message=str(error)))
    except ConnectorError as error:
        await _failed(job, lease, retry, give_up, Failure(code=error.code, message=str(error)))
    except database.Unavailable:
        OUTAGES.note(job)
        raise
    except Exception as error:
        log.exception("step_failed", table=lease.table, id=str(lease.id))
        failure = Failure(code="internal_error", message=f"Freight itself failed: {type(error).__name__}.")
        await _failed(job, lease, retry, give_up, failure)
    finally:
        await asyncio.shield(_release(lease))


def _timed_out(seconds: float) -> Failure:
    message = (
        f"In {seconds / 60:.0f} minutes the step came to no result, so it was ended: a vendor answers too slowly. If "
        "that lasts, ask the vendor."
    )
    return Failure(code="timed_out", message=message)


async def _wait(job: Job, lease: Lease, error: MustWait) -> None:
    now = datetime.now(UTC)
    until = min(error.until, now + LONGEST_WAIT)
    try:
        async with database.as_tenant(job.tenant_id) as tx:
            await leases.wait(tx, lease, seconds=max(0.0, (until - now).total_seconds()))
            noted = await waiting.note(
                tx, job.tenant_id, job.id, by=lease.table, code=error.code, message=str(error), until=until
            )
            # A job that waits for its workspaces has a limit of its own, and no vendor keeps it waiting.
            if error.code != WORKSPACE_BUSY and now - noted.since >= PATIENCE:
                message = (
                    f"The job has made no progress since {noted.since:%F %T} UTC, so it is paused. {error} When the "
                    "vendor can be used again, resume the job."
                )
                await jobs.pause_for_vendor(tx, job.id, message=message)
    except LeaseLost:
        leases.LOSSES.note(lease)


async def _failed(job: Job, lease: Lease, retry: Decide, give_up: Decide, failure: Failure) -> None:
    async def decide(tx: Connection, failure: Failure) -> None:
        failures = await leases.failed_attempts(tx, lease) + 1
        log.warning(
            "attempt_failed",
            table=lease.table,
            id=str(lease.id),
            attempt=failures,
            code=failure.code,
            message=failure.message,
        )
        if failures >= job.retry_policy.max_attempts:
            await give_up(tx, failure)
            return
        await retry(tx, failure)
        await _note_retry(tx, job, lease, failure, failures)

    await _decide(job, lease, decide, failure)


async def _note_retry(tx: Connection, job: Job, lease: Lease, failure: Failure, failures: int) -> None:
    """Say on the job what the step waits for."""
    due_at = await tx.fetchval(f"SELECT due_at FROM {lease.table} WHERE id = $1", lease.id)
    message = f"{failure.message} Attempt {failures + 1} of {job.retry_policy.max_attempts} begins at {due_at:%T} UTC."
    await waiting.note(tx, job.tenant_id, job.id, by=lease.table, code=failure.code, message=message, until=due_at)


async def _decide(job: Job, lease: Lease, decide: Decide, failure: Failure) -> None:
    try:
        async with database.as_tenant(job.tenant_id) as tx:
            await decide(tx, failure)
    except LeaseLost:
        leases.LOSSES.note(lease)


async def _release(lease: Lease) -> None:
    async with database.as_tenant(lease.tenant_id) as tx:
        await leases.release(tx, lease)
