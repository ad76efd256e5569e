"""The log of a job: append-only rows about its records, its batches and itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from freight.connectors.protocols import Issue
from freight.database import Connection, storable
from freight.domain import pages
from freight.domain.pages import Selection, Slice, Window
from freight.model.crm import Entity

Level = Literal["info", "warning", "error"]

VALUE_LENGTH = 500
"""Maximum length of a value that a log row quotes, in characters."""

MESSAGE_LENGTH = 10_000
"""Maximum length of a log row's message, in characters: a message may quote a value of any length."""


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
    """A log row to write about a record, or about the job if it names none."""

    issue: Issue
    entity: Entity | None = None
    source_id: str | None = None


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of log rows; None for all."""

    entity: Entity | None = None
    level: Level | None = None
    code: str | None = None
    source_id: str | None = None
    text: str | None = None
    """A case-insensitive substring of the source id or the message."""


FIELDS = LogRow.__struct_fields__


async def not_logged(tx: Connection, job_id: UUID, issues: Sequence[Issue]) -> list[Entry]:
    """Return entries for those of these issues about the whole job that are not in its log yet."""
    rows = await tx.fetch("SELECT code, message FROM logs WHERE job_id = $1 AND entity IS NULL", job_id)
    logged = {(row["code"], row["message"]) for row in rows}
    return [Entry(issue=issue) for issue in issues if (issue.code, issue.message) not in logged]


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
        [_storable(entry.issue.message, MESSAGE_LENGTH) for entry in entries],
        [_storable(entry.issue.field) for entry in entries],
        [_storable(entry.issue.value, VALUE_LENGTH) for entry in entries],
    )


def select(job_id: UUID, filters: Filters) -> Selection:
    """Return the selection of a job's log rows that match the filters, oldest first."""
    given = {
        "entity = {}": filters.entity,
        "level = {}": filters.level,
        "code = {}": filters.code,
        "source_id = {}": filters.source_id,
        "(source_id ILIKE {} OR message ILIKE {})": filters.text and pages.containing(filters.text),
    }
    used = {condition: value for condition, value in given.items() if value is not None}
    return Selection(
        table="logs",
        job_id=job_id,
        columns=", ".join(FIELDS),
        conditions=tuple(used),
        values=tuple(used.values()),
    )


async def page(tx: Connection, job_id: UUID, filters: Filters, window: Window, *, complete: bool) -> Slice:
    """Return a page of a job's log. `complete` says that no rows will be added.

    Raise `InvalidRequest` for a bad cursor.
    """
    return await pages.read(tx, select(job_id, filters), window, total=None, complete=complete)


def _storable(text: str | None, length: int | None = None) -> str | None:
    return None if text is None else storable(text[:length])
