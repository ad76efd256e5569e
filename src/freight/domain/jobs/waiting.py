"""Waiting: why a job makes no progress, since when and until when.

A step that has to wait for long releases its lease and is due again when it may continue, so that a waiting job
occupies no worker.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from freight.connectors.protocols import Issue
from freight.database import Connection, jsonb
from freight.domain import current_step
from freight.domain.migration.records import logs
from freight.domain.migration.records.logs import Entry

LONG = timedelta(minutes=5)
"""The shortest wait whose end is logged."""

SAME_SECONDS = 600
"""How long the start of a wait with the same code is not logged again."""

OTHERS_SECONDS = 60
"""How long after the end of a step's wait the progress of other kinds of steps does not clear it: the step may be about
to report that it still waits."""


ALL_MEET = ("rate_limited", "vendor_unavailable")
"""Codes of waits that affect every other step of the same kind."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What a job, or one of its steps, waits for."""

    code: Annotated[
        str,
        Meta(
            description="A stable code: `rate_limited`, `vendor_unavailable` …, or why the last attempt failed; "
            "`queued` while no worker has taken the job, `no_progress` while one runs it without finishing anything."
        ),
    ]
    message: Annotated[str, Meta(description="What it waits for, and what you can do about it.")]
    since: Annotated[datetime, Meta(description="Since when it has made no progress.")]
    until: Annotated[datetime | None, Meta(description="When it tries again, if known.")]


async def note(
    tx: Connection, tenant_id: UUID, job_id: UUID, *, by: str, code: str, message: str, until: datetime | None
) -> Waiting:
    """Store what a job waits for, and log the start of the wait. Return what is stored now.

    `by` is the table of the step that waits. A wait that follows another one without any progress keeps its start, even
    if the reason differs.
    """
    waiting = Waiting(code=code, message=message, since=await tx.fetchval("SELECT now()"), until=until)
    row = await tx.fetchrow(
        """WITH before AS (SELECT id, waiting_for FROM jobs WHERE id = $1 FOR NO KEY UPDATE)
           UPDATE jobs SET updated_at = now(),
                  waiting_for = $2::jsonb || jsonb_build_object('by', $4::text)
                      || CASE WHEN before.waiting_for IS NULL THEN '{}'
                         ELSE jsonb_build_object('since', before.waiting_for -> 'since') END
           FROM before WHERE jobs.id = before.id
           RETURNING jobs.waiting_for,
                     before.waiting_for ->> 'code' IS DISTINCT FROM $3 AND NOT EXISTS (
                         SELECT FROM logs
                         WHERE job_id = $1 AND code = $3 AND entity IS NULL
                           AND created_at > now() - $5 * interval '1 second'
                     ) AS is_new""",
        job_id,
        jsonb(waiting),
        code,
        by,
        float(SAME_SECONDS),
    )
    if row is None:
        return waiting
    if row["is_new"]:
        await logs.write(tx, tenant_id, job_id, [Entry(issue=Issue(level="warning", code=code, message=message))])
    return read(row["waiting_for"]) or waiting


async def steps_that_wait(tx: Connection, job_id: UUID) -> frozenset[str]:
    """Return the tables of a job's steps that wait for a vendor until a time in the future: `streams`, `batches`.

    Return both if the stored wait does not name its table.
    """
    by = await tx.fetchval(
        """SELECT coalesce(waiting_for ->> 'by', '') FROM jobs
           WHERE id = $1 AND waiting_for ->> 'code' = ANY($2) AND (waiting_for ->> 'until')::timestamptz > now()""",
        job_id,
        list(ALL_MEET),
    )
    if by is None:
        return frozenset()
    return frozenset([by] if by else ["streams", "batches"])


async def over(tx: Connection, job_id: UUID) -> None:
    """Clear what a job waits for, because the current step has made progress; log the end of a long wait.

    The wait of another kind of step stays until that step has had time to report that it still waits.
    """
    step = current_step.get()
    if step is not None:
        step.has_progressed = True
    row = await tx.fetchrow(
        """WITH before AS (
               SELECT id, waiting_for FROM jobs
               WHERE id = $1 AND waiting_for IS NOT NULL
                 AND (waiting_for ->> 'by' IS NOT DISTINCT FROM $2 OR waiting_for ->> 'until' IS NULL
                      OR (waiting_for ->> 'until')::timestamptz < now() - $3 * interval '1 second')
               FOR NO KEY UPDATE
           )
           UPDATE jobs SET waiting_for = NULL, updated_at = now() FROM before WHERE jobs.id = before.id
           RETURNING jobs.tenant_id, before.waiting_for""",
        job_id,
        None if step is None else step.table,
        float(OTHERS_SECONDS),
    )
    if row is None or (waited := read(row["waiting_for"])) is None:
        return
    lasted = datetime.now(UTC) - waited.since
    if lasted >= LONG:
        message = f"The job continues. It made no progress for {_said(lasted)}: {waited.message}"
        await logs.write(
            tx, row["tenant_id"], job_id, [Entry(issue=Issue(level="info", code="job_went_on", message=message))]
        )


def read(stored: str | None) -> Waiting | None:
    """Return the decoded column of a job."""
    return None if stored is None else msgspec.json.decode(stored, type=Waiting)


def _said(lasted: timedelta) -> str:
    minutes = round(lasted.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes % 60 == 0 else f"{minutes // 60} hours and {minutes % 60} minutes"
