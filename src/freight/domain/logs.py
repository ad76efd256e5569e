"""The log of a job: append-only rows about its records, its batches and itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from freight.connectors.protocols import Issue
from freight.crm import Entity
from freight.database import Connection

Level = Literal["info", "warning", "error"]

VALUE_LENGTH = 500
"""Longest value that a log row quotes, in characters."""


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log. Without an entity it is about the whole job."""

    id: int
    entity: str | None
    source_id: str | None
    level: Level
    code: str
    message: str
    field: str | None
    value: str | None
    created_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be logged about a record, or about the job if it names none."""

    issue: Issue
    entity: Entity | None = None
    source_id: str | None = None


async def write(tx: Connection, tenant_id: UUID, job_id: UUID, entries: Sequence[Entry]) -> None:
    """Append rows."""
    if not entries:
        return
    await tx.execute(
        """INSERT INTO logs (tenant_id, job_id, entity, source_id, level, code, message, field, value)
           SELECT $1, $2, *
           FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])""",
        tenant_id,
        job_id,
        [entry.entity for entry in entries],
        [_storable(entry.source_id) for entry in entries],
        [entry.issue.level for entry in entries],
        [entry.issue.code for entry in entries],
        [_storable(entry.issue.message) for entry in entries],
        [_storable(entry.issue.field) for entry in entries],
        [_storable(entry.issue.value, VALUE_LENGTH) for entry in entries],
    )


async def page(
    tx: Connection,
    job_id: UUID,
    *,
    entity: str | None,
    level: str | None,
    code: str | None,
    limit: int,
    offset: int,
) -> tuple[list[LogRow], int]:
    """Rows of a job's log, oldest first, and how many there are in all."""
    where = """job_id = $1 AND ($2::text IS NULL OR entity = $2) AND ($3::text IS NULL OR level = $3)
               AND ($4::text IS NULL OR code = $4)"""
    total = await tx.fetchval(f"SELECT count(*) FROM logs WHERE {where}", job_id, entity, level, code)
    rows = await tx.fetch(
        f"""SELECT id, entity, source_id, level, code, message, field, value, created_at
            FROM logs WHERE {where} ORDER BY id LIMIT $5 OFFSET $6""",
        job_id,
        entity,
        level,
        code,
        limit,
        offset,
    )
    return [LogRow(**row) for row in rows], total


def _storable(text: str | None, length: int | None = None) -> str | None:
    # PostgreSQL's text holds every character but NUL, and vendors' data hold that one too.
    return None if text is None else text.replace("\0", "")[:length]
