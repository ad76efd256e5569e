"""Waiting: why a job makes no progress, since when and until when.

A step that has to wait for long gives its lease back and is due again when it may go on, so that a waiting job occupies
no worker.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from freight.connectors.protocols import Issue
from freight.database import Connection, jsonb
from freight.domain import logs
from freight.domain.logs import Entry


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What a job waits for."""

    code: Annotated[str, Meta(description="A stable code: `rate_limited`, `vendor_unavailable` …")]
    message: Annotated[str, Meta(description="What it waits for, and what to do if it should not.")]
    since: Annotated[datetime, Meta(description="Since when it has waited without a break.")]
    until: Annotated[datetime | None, Meta(description="When it tries again, if that is known.")]


async def note(
    tx: Connection, tenant_id: UUID, job_id: UUID, *, code: str, message: str, until: datetime | None
) -> None:
    """Say on the job what it waits for, and in its log when the waiting begins. Waiting on for the same thing keeps
    its beginning."""
    waiting = Waiting(code=code, message=message, since=await tx.fetchval("SELECT now()"), until=until)
    began = await tx.fetchval(
        """WITH before AS (SELECT id, waiting_for FROM jobs WHERE id = $1 FOR NO KEY UPDATE)
           UPDATE jobs SET updated_at = now(), waiting_for = $2::jsonb || CASE
                    WHEN before.waiting_for ->> 'code' = $3
                    THEN jsonb_build_object('since', before.waiting_for -> 'since') ELSE '{}' END
           FROM before WHERE jobs.id = before.id
           RETURNING before.waiting_for ->> 'code' IS DISTINCT FROM $3""",
        job_id,
        jsonb(waiting),
        code,
    )
    if began:
        await logs.write(tx, tenant_id, job_id, [Entry(issue=Issue(level="warning", code=code, message=message))])


async def steps_that_wait(tx: Connection, job_id: UUID) -> frozenset[str]:
    """Return which of a job's steps wait until a time that has not come yet, by their tables: `streams`, `batches`. If
    the wait does not say whose it is, both do."""
    by = await tx.fetchval(
        """SELECT coalesce(waiting_for ->> 'by', '') FROM jobs
           WHERE id = $1 AND (waiting_for ->> 'until')::timestamptz > now()""",
        job_id,
    )
    if by is None:
        return frozenset()
    return frozenset([by] if by else ["streams", "batches"])


async def over(tx: Connection, job_id: UUID) -> None:
    """The job makes progress: it waits for nothing."""
    await tx.execute("UPDATE jobs SET waiting_for = NULL WHERE id = $1 AND waiting_for IS NOT NULL", job_id)
