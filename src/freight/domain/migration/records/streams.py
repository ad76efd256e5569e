"""Streams: the progress of the extraction of each entity."""

from collections.abc import Collection, Sequence
from uuid import UUID, uuid4

import msgspec

from freight.connectors.protocols import Page
from freight.database import Connection
from freight.domain.migration.records import batches, leases
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.staging import Staging
from freight.model.crm import LOAD_ORDER, Entity


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """The extraction of one entity of a job."""

    id: UUID
    job_id: UUID
    entity: Entity
    cursor: str | None
    done: bool
    read_records: int
    read_whole: bool
    """Whether it is read to its end before any of its records is loaded."""


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that has not been read to its end."""

    id: UUID
    fence: int
    entity: Entity
    is_due: bool
    """Whether it may be claimed now."""


UNREAD = "NOT done"
"""SQL: whether a stream has not been read to its end."""

COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Stream))


async def open_all(
    tx: Connection, tenant_id: UUID, job_id: UUID, entities: Sequence[Entity], *, read_whole: Collection[Entity]
) -> None:
    """Create the streams of a job, once. Those in `read_whole` are read to their end before any record is loaded."""
    await tx.execute(
        """INSERT INTO streams (id, tenant_id, job_id, entity, read_whole, done, read_records, created_records,
                                updated_records, unchanged_records, skipped_records, failed_records)
           SELECT id, $1, $2, entity, read_whole, false, 0, 0, 0, 0, 0, 0
           FROM unnest($3::uuid[], $4::text[], $5::boolean[]) AS stream (id, entity, read_whole)
           ON CONFLICT (tenant_id, job_id, entity) DO NOTHING""",
        tenant_id,
        job_id,
        [uuid4() for _ in entities],
        list(entities),
        [entity in read_whole for entity in entities],
    )


async def get(tx: Connection, stream_id: UUID) -> Stream:
    """Return the stream with this id."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM streams WHERE id = $1", stream_id)
    return msgspec.convert(dict(row or {}), Stream)


async def of_entity(tx: Connection, job_id: UUID, entity: Entity) -> Stream | None:
    """Return the job's stream of an entity, None before the streams are created."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM streams WHERE job_id = $1 AND entity = $2", job_id, entity)
    return None if row is None else msgspec.convert(dict(row), Stream)


async def unread(tx: Connection, job_id: UUID) -> list[Unread]:
    """Return the job's streams that have not been read to their end, in load order."""
    rows = await tx.fetch(
        f"SELECT id, fence, entity, {leases.DUE} AS is_due FROM streams WHERE job_id = $1 AND {UNREAD}", job_id
    )
    found = [msgspec.convert(dict(row), Unread) for row in rows]
    return sorted(found, key=lambda stream: LOAD_ORDER.index(stream.entity))


async def read_again(tx: Connection, job_id: UUID) -> None:
    """Let workers continue the streams of an ended job that have not been read to their end."""
    await tx.execute(f"UPDATE streams SET {leases.RESET} WHERE job_id = $1 AND {UNREAD}", job_id)


async def advance(
    tx: Connection, lease: Lease, stream: Stream, page: Page, staged: Staging, *, batch_size: int
) -> Stream:
    """Store the cursor after a page that was staged, update the counters, and create the batches that are full now.

    Return the stream after that.
    """
    done = page.next_cursor is None
    read = stream.read_records + staged.stored
    await tx.execute(
        """UPDATE streams SET cursor = $2, done = $3, read_records = $4, skipped_records = skipped_records + $5,
                  failed_records = failed_records + $6, attempt = CASE WHEN $7 THEN 0 ELSE attempt END,
                  due_at = now()
           WHERE id = $1""",
        stream.id,
        page.next_cursor,
        done,
        read,
        staged.skipped,
        staged.failed,
        # A page without anything new is not progress.
        staged.stored > 0 or bool(page.replies),
    )
    await batches.cut(
        tx,
        lease.tenant_id,
        stream.job_id,
        stream.entity,
        start=stream.read_records,
        end=read,
        size=batch_size,
        last=done,
    )
    await tx.execute(
        """UPDATE jobs SET total_records = total_records + $2, processed_records = processed_records + $3,
                  failed_records = failed_records + $4, updated_at = now() WHERE id = $1""",
        stream.job_id,
        staged.stored,
        staged.skipped + staged.failed,
        staged.failed,
    )
    return msgspec.structs.replace(stream, cursor=page.next_cursor, done=done, read_records=read)


async def forget_cursor(tx: Connection, lease: Lease) -> None:
    """Restart a stream from its first page; rows that it returns again are stored once. Raise `LeaseLost`."""
    await leases.check(tx, lease)
    await tx.execute("UPDATE streams SET cursor = NULL WHERE id = $1", lease.id)


async def recount(tx: Connection, job_id: UUID, entity: Entity, *, updated: int) -> None:
    """Count `updated` records as updated instead of unchanged."""
    await tx.execute(
        """UPDATE streams SET updated_records = updated_records + $3, unchanged_records = unchanged_records - $3
           WHERE job_id = $1 AND entity = $2""",
        job_id,
        entity,
        updated,
    )
