"""Stalls: why a live job makes no progress although none of its steps reports a wait."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from freight.database import Connection, Row
from freight.domain.jobs.model import CANCELLING, Job
from freight.domain.jobs.waiting import Waiting
from freight.domain.migration.records import batches, leases, streams

QUIET = timedelta(seconds=30)
"""How long a job is unchanged before a reason is looked for."""


FREQUENT = ("queued", "no_progress", "retrying", "rate_limited", "vendor_unavailable")
"""Codes that are counted even if no job has them."""


async def explain(tx: Connection, found: Sequence[Job]) -> list[Job]:
    """Return the jobs, with what each live one that has long been unchanged waits for."""
    now = datetime.now(UTC)
    told = await _find(tx, {job.id: job.updated_at for job in found if _is_quiet(job, now)}, now)
    return [msgspec.structs.replace(job, waiting_for=told.get(job.id, job.waiting_for)) for job in found]


async def count(tx: Connection) -> dict[str, int]:
    """Return how many live jobs wait, by code (as the platform)."""
    rows = await tx.fetch(
        """SELECT id, updated_at, waiting_for ->> 'code' AS code FROM jobs
           WHERE status IN ('pending', 'running') AND error_code IS NULL AND stage IS DISTINCT FROM $2
             AND (waiting_for IS NOT NULL OR updated_at <= now() - $1::interval)""",
        QUIET,
        CANCELLING,
    )
    quiet = {row["id"]: row["updated_at"] for row in rows if row["code"] is None}
    told = await _find(tx, quiet, datetime.now(UTC))
    counted = Counter([*(row["code"] for row in rows if row["code"]), *(waiting.code for waiting in told.values())])
    return dict.fromkeys(FREQUENT, 0) | counted


async def _find(tx: Connection, quiet: Mapping[UUID, datetime], now: datetime) -> dict[UUID, Waiting]:
    if not quiet:
        return {}
    rows = await tx.fetch(
        f"""SELECT job_id, bool_or(NOT {leases.FREE}) AS is_held, min(due_at) AS due_at FROM (
                SELECT id AS job_id, lease_until,
                       CASE WHEN status = 'pending' OR due_at > now() THEN due_at END AS due_at
                FROM jobs WHERE id = ANY($1)
                UNION ALL SELECT job_id, lease_until, due_at FROM streams WHERE job_id = ANY($1) AND {streams.UNREAD}
                UNION ALL SELECT job_id, lease_until, due_at FROM batches WHERE job_id = ANY($1) AND {batches.OPEN}
            ) AS step GROUP BY job_id""",
        list(quiet),
    )
    return {row["job_id"]: _waiting(row, since=quiet[row["job_id"]], now=now) for row in rows}


def _is_quiet(job: Job, now: datetime) -> bool:
    is_at_work = job.status in ("pending", "running") and not job.is_ending
    return is_at_work and job.waiting_for is None and now - job.updated_at >= QUIET


def _waiting(row: Row, *, since: datetime, now: datetime) -> Waiting:
    if row["is_held"]:
        message = (
            "A worker runs the job, but has finished nothing since. Its requests wait for a vendor's answers, or for "
            "their turn within a vendor's rate limit. The job continues by itself."
        )
        return Waiting(code="no_progress", message=message, since=since, until=None)
    if row["due_at"] is not None and row["due_at"] > now:
        message = "The last attempt failed, and the next one begins later. The batches and the log say why it failed."
        return Waiting(code="retrying", message=message, since=since, until=row["due_at"])
    message = (
        "No worker has taken the job: all are busy with other jobs, or none is running. /health/ready shows how "
        "many workers there are and how many tasks are queued."
    )
    return Waiting(code="queued", message=message, since=since, until=None)
