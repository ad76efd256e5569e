"""An attempt at a step: what its end, good or bad, means for the job."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import msgspec
import structlog

from freight import database
from freight.connectors.errors import ConnectorError, CredentialsRefused, PermissionMissing, QuotaExhausted
from freight.database import Connection
from freight.domain import jobs, leases
from freight.domain.jobs import Job
from freight.domain.leases import Lease, LeaseLost
from freight.domain.pipeline.watch import Interrupted
from freight.encryption import SecretError

log = structlog.get_logger()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an attempt failed."""

    code: str
    message: str


Decide = Callable[[Connection, Failure], Awaitable[None]]
"""Carries out a decision about a failed step."""


@asynccontextmanager
async def attempt(job: Job, lease: Lease, *, retry: Decide, give_up: Decide) -> AsyncIterator[None]:
    """Run the body under a lease that is renewed meanwhile and released at the end.

    A refused key or a missing permission stops the job, a used-up quota pauses it. Any other failure is tried again
    as the job's retry policy has it, by `retry`, and after the last attempt ends in `give_up`.
    """
    try:
        async with leases.kept(lease):
            yield
    except Interrupted:
        pass
    except LeaseLost:
        leases.LOSSES.note(lease)
    except (CredentialsRefused, PermissionMissing) as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.stop(tx, job.id, code=error.code, message=str(error))
    except SecretError as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.stop(tx, job.id, code="credentials_unreadable", message=str(error))
    except QuotaExhausted as error:
        async with database.as_tenant(job.tenant_id) as tx:
            await jobs.pause_until(tx, job.id, resume_at=error.resets_at, message=str(error))
    except ConnectorError as error:
        await _failed(job, lease, retry, give_up, Failure(code=error.code, message=str(error)))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        # The database was away: nothing can be written about it, and the sweep takes the step up again.
        raise
    except Exception as error:
        log.exception("step_failed", table=lease.table, id=str(lease.id))
        failure = Failure(code="internal_error", message=f"Freight itself failed: {type(error).__name__}.")
        await _failed(job, lease, retry, give_up, failure)
    finally:
        await asyncio.shield(_release(lease))


async def _failed(job: Job, lease: Lease, retry: Decide, give_up: Decide, failure: Failure) -> None:
    failures = lease.attempt + 1
    decide = give_up if failures >= job.retry_policy.max_attempts else retry
    log.warning(
        "attempt_failed",
        table=lease.table,
        id=str(lease.id),
        attempt=failures,
        code=failure.code,
        message=failure.message,
    )
    try:
        async with database.as_tenant(job.tenant_id) as tx:
            await decide(tx, failure)
    except LeaseLost:
        leases.LOSSES.note(lease)


async def _release(lease: Lease) -> None:
    async with database.as_tenant(lease.tenant_id) as tx:
        await leases.release(tx, lease)
