"""Run the steps of jobs: claim the row, run, and decide what the result of the attempt means for the job."""

import asyncio
from abc import ABC, abstractmethod
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
from freight.domain.current_step import CurrentStep, Interrupted, TimedOut
from freight.domain.jobs import model as jobs
from freight.domain.jobs import waiting
from freight.domain.jobs.model import Job
from freight.domain.jobs.waiting import Waiting
from freight.domain.jobs.workspace_conflicts import WORKSPACE_BUSY
from freight.domain.migration.records import leases, logs
from freight.domain.migration.records.leases import Lease, Leased, LeaseLost
from freight.domain.migration.records.logs import Entry
from freight.encryption import SecretError

STEP_SECONDS = 840
"""How long an attempt may take: less than arq's limit for a task, whose cancellation would count as no attempt."""

MAX_WAIT = timedelta(hours=1)
"""The longest wait before a step tries again, whatever a vendor has asked for."""

MAX_VENDOR_WAIT = timedelta(hours=24)
"""How long a job waits for a vendor without any progress before it is paused."""

log = structlog.get_logger()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt failed."""

    code: str
    message: str


class Step(ABC):
    """One attempt at a row of a job: what one kind of step does, and what its failure means."""

    def __init__(self, job: Job, lease: Lease) -> None:
        self.job = job
        self.lease = lease

    @property
    def may_begin(self) -> bool:
        """Whether there is something to do."""
        return self.job.may_go_on

    async def begin(self, tx: Connection) -> None:  # noqa: B027 - most steps have nothing to record
        """Record that the attempt begins, in the transaction that claimed the row."""

    @abstractmethod
    async def run(self) -> None:
        """Do the work. Raise the `ConnectorError` or `Interrupted` that stopped some of it."""

    async def retry(self, tx: Connection, failure: Failure, *, seconds: float) -> datetime:  # noqa: ARG002
        """Count a failed attempt. Return when the next one begins, in `seconds` from now. Raise `LeaseLost`."""
        return await leases.postpone(tx, self.lease, seconds=seconds)

    @abstractmethod
    async def give_up(self, tx: Connection, failure: Failure) -> None:
        """Store the failure of the last attempt. Raise `LeaseLost`."""


class Outages:
    """Jobs whose steps this process interrupted because PostgreSQL was unavailable, and since when."""

    def __init__(self) -> None:
        self._since: dict[UUID, datetime] = {}

    def note(self, job: Job) -> None:
        """Record that a step of the job is interrupted now."""
        self._since.setdefault(job.id, datetime.now(UTC))

    async def log(self, job: Job) -> None:
        """Log that the job was interrupted, once per interruption."""
        since = self._since.get(job.id)
        if since is None:
            return
        issue = Issue(
            level="warning",
            code="database_unavailable",
            message=f"PostgreSQL was unavailable from {since:%F %T} UTC on, so the job was interrupted. It continues "
            "where it stopped. You do not have to do anything.",
        )
        async with database.as_tenant(job.tenant_id) as tx:
            await logs.write(tx, job.tenant_id, job.id, [Entry(issue=issue)])
        self._since.pop(job.id, None)


OUTAGES = Outages()

Read = Callable[[Connection, Lease], Awaitable[Step]]
"""Reads what an attempt at a claimed row needs."""


async def run(table: Leased, tenant_id: UUID, row_id: UUID, worker: str, read: Read) -> UUID | None:
    """Attempt a step. Return its job's id, or None if another worker holds the lease or there is nothing to do."""
    async with database.as_tenant(tenant_id) as tx:
        lease = await leases.claim(tx, table, tenant_id, row_id, worker)
        if lease is None:
            return None
        step = await read(tx, lease)
        if not step.may_begin:
            await leases.release(tx, lease)
            return None
        await step.begin(tx)
    await attempt(step)
    return step.job.id


async def attempt(step: Step, *, seconds: float = STEP_SECONDS) -> None:
    """Run a step under its lease, which is renewed meanwhile and released at the end.

    A refused key or a missing permission stops the job, an exhausted quota or a full plan pauses it, and a vendor's
    request to wait is followed. Any other failure is retried by the job's retry policy, and the step is given up after
    the last attempt, or at once if every repetition would fail in the same way. An attempt is ended after `seconds`: it
    has failed if it has stored nothing, and is continued otherwise.

    The wait for an unavailable PostgreSQL has no limit, because nothing can be stored about it: the sweep enqueues the
    step again. The first attempt afterwards logs the interruption.
    """
    job, lease = step.job, step.lease
    current: CurrentStep | None = None
    try:
        await OUTAGES.log(job)
        async with leases.kept(lease) as hold:
            current = CurrentStep(lease.table, hold.ensure)
            async with current.running(seconds=seconds):
                if lease.taken_over:
                    await asyncio.sleep(leases.SURE_SECONDS)
                await step.run()
    except LeaseLost:
        leases.LOSSES.note(lease)
    except Interrupted:
        pass
    except TimedOut:
        if current is not None and current.has_progressed:
            log.info("step_interrupted", table=lease.table, id=str(lease.id), seconds=seconds)
        else:
            await _failed(step, _timed_out(seconds))
    except (CredentialsRefused, PermissionMissing) as error:
        await _stop(job, error.code, error)
    except SecretError as error:
        await _stop(job, "credentials_unreadable", error)
    except QuotaExhausted as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.pause_until(tx, job.id, resume_at=error.resets_at, message=str(error))
    except PlanLimitReached as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.pause_for_plan(tx, job.id, message=str(error))
    except MustWait as error:
        await _wait(step, error)
    except QueryTooComplex as error:
        await _failed(step, Failure(code=error.code, message=str(error)), is_final=True)
    except ConnectorError as error:
        await _failed(step, Failure(code=error.code, message=str(error)))
    except database.Unavailable:
        OUTAGES.note(job)
        raise
    except Exception as error:
        log.exception("step_failed", table=lease.table, id=str(lease.id))
        message = f"An internal error occurred: {type(error).__name__}."
        await _failed(step, Failure(code="internal_error", message=message))
    finally:
        await asyncio.shield(_release(lease))


def _timed_out(seconds: float) -> Failure:
    message = (
        f"The step had no result after {seconds / 60:.0f} minutes, so it was ended: a vendor answers too slowly. If "
        "this continues, contact the vendor."
    )
    return Failure(code="timed_out", message=message)


async def _stop(job: Job, code: str, error: Exception) -> None:
    async with database.as_tenant(job.tenant_id) as tx:
        await jobs.stop(tx, job.id, code=code, message=str(error))


async def _wait(step: Step, error: MustWait) -> None:
    now = datetime.now(UTC)
    until = min(error.until, now + MAX_WAIT)
    async with _deciding(step) as tx:
        await leases.wait(tx, step.lease, seconds=max(0.0, (until - now).total_seconds()))
        noted = await _note_wait(tx, step, code=error.code, message=str(error), until=until)
        # A wait for workspaces has a limit of its own, and no vendor causes it.
        if error.code != WORKSPACE_BUSY and now - noted.since >= MAX_VENDOR_WAIT:
            message = (
                f"The job has made no progress since {noted.since:%F %T} UTC, so it is paused. {error} When the "
                "vendor is available again, resume the job."
            )
            await jobs.pause_for_vendor(tx, step.job.id, message=message)


async def _failed(step: Step, failure: Failure, *, is_final: bool = False) -> None:
    """Schedule a retry, or give the step up after the last attempt or a failure that would recur."""
    async with _deciding(step) as tx:
        if is_final:
            await step.give_up(tx, failure)
            return
        lease, policy = step.lease, step.job.retry_policy
        failures = await leases.failed_attempts(tx, lease) + 1
        log.warning(
            "attempt_failed",
            table=lease.table,
            id=str(lease.id),
            attempt=failures,
            code=failure.code,
            message=failure.message,
        )
        if failures >= policy.max_attempts:
            await step.give_up(tx, failure)
            return
        due_at = await step.retry(tx, failure, seconds=policy.delay(failures))
        message = f"{failure.message} Attempt {failures + 1} of {policy.max_attempts} begins at {due_at:%T} UTC."
        await _note_wait(tx, step, code=failure.code, message=message, until=due_at)


async def _note_wait(tx: Connection, step: Step, *, code: str, message: str, until: datetime) -> Waiting:
    """Store on the job what the step waits for."""
    job = step.job
    return await waiting.note(tx, job.tenant_id, job.id, by=step.lease.table, code=code, message=message, until=until)


@asynccontextmanager
async def _deciding(step: Step) -> AsyncIterator[Connection]:
    """Open a transaction for the consequences of an attempt. Ignore `LeaseLost`: without the lease there are none."""
    try:
        async with database.as_tenant(step.job.tenant_id) as tx:
            yield tx
    except LeaseLost:
        leases.LOSSES.note(step.lease)


async def _release(lease: Lease) -> None:
    async with database.as_tenant(lease.tenant_id) as tx:
        await leases.release(tx, lease)
