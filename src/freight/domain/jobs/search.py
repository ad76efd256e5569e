"""Job search: a tenant's jobs that match filters, and whether any of them has changed."""

from datetime import datetime
from typing import Literal

import msgspec

from freight.database import Connection, jsonb
from freight.domain.jobs import model as jobs
from freight.domain.jobs.model import Job
from freight.domain.jobs.transitions import Status

Sort = Literal[
    "created_at",
    "-created_at",
    "updated_at",
    "-updated_at",
    "started_at",
    "-started_at",
    "completed_at",
    "-completed_at",
    "name",
    "-name",
    "status",
    "-status",
]
"""The order of the list of jobs; a minus means descending."""


LISTED = ", ".join("'{}'::jsonb AS mapping" if name == "mapping" else name for name in jobs.COLUMNS.split(", "))
"""The columns that lists read: without the mapping, which may be as large as the rest of the page."""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of jobs; empty or None for all."""

    status: tuple[Status, ...] = ()
    mode: str | None = None
    name: str | None = None
    """A case-insensitive substring of the name."""
    labels: dict[str, str] = {}
    """Labels that the job has, all of them."""
    started_by: str | None = None
    """A case-insensitive substring of who started it."""
    created_after: datetime | None = None
    created_before: datetime | None = None


async def page(tx: Connection, filters: Filters, sort: Sort, *, limit: int, offset: int) -> tuple[list[Job], int]:
    """Return a page of a tenant's jobs, without their mappings, and the number of all."""
    where = """deleted_at IS NULL AND (cardinality($1::text[]) = 0 OR status = ANY($1))
               AND ($2::text IS NULL OR mode = $2) AND ($3::text IS NULL OR strpos(lower(name), lower($3)) > 0)
               AND labels @> $4::jsonb AND ($5::text IS NULL OR strpos(lower(started_by), lower($5)) > 0)
               AND ($6::timestamptz IS NULL OR created_at > $6) AND ($7::timestamptz IS NULL OR created_at < $7)"""
    given = (
        list(filters.status),
        filters.mode,
        filters.name,
        jsonb(filters.labels),
        filters.started_by,
        filters.created_after,
        filters.created_before,
    )
    column, direction = sort.removeprefix("-"), "DESC" if sort.startswith("-") else "ASC"
    total = await tx.fetchval(f"SELECT count(*) FROM jobs WHERE {where}", *given)
    rows = await tx.fetch(
        f"""SELECT {LISTED} FROM jobs WHERE {where}
            ORDER BY {column} {direction} NULLS LAST, id LIMIT $8 OFFSET $9""",
        *given,
        limit,
        offset,
    )
    return [jobs.read_row(row) for row in rows], total


async def state(tx: Connection) -> str:
    """Return a text that changes whenever any of the tenant's jobs changes.

    `xmin` is the transaction that last wrote a row; everything else that is shown of a job changes in transactions that
    also write the row.
    """
    row = await tx.fetchrow("SELECT count(*), sum(hashtextextended(id::text || xmin::text, 0)) AS rows FROM jobs")
    return f"{row['count']} {row['rows']}" if row else ""
