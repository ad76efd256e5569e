"""Batches: the portions in which the records of an entity are loaded."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

import msgspec

from freight.database import Connection, storable
from freight.domain.errors import NotFound
from freight.domain.migration.records import leases, records
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.records import OUTCOMES, Leftover, Outcome
from freight.model.crm import LOAD_ORDER, Entity

Status = Literal["pending", "processing", "retrying", "completed", "failed"]

ENDED: tuple[Status, ...] = ("completed", "failed")
OPEN = f"status NOT IN {ENDED}"
"""SQL: whether a batch has not ended."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one entity at `size` positions from `first_position` on."""

    id: UUID
    job_id: UUID
    entity: Entity
    number: int
    first_position: int
    size: int
    status: Status
    attempt: int
    """How many attempts have failed."""
    processed_records: int
    failed_records: int
    error_code: str | None
    error_message: str | None
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def positions(self) -> range:
        """The positions of its records in the stream."""
        return range(self.first_position, self.first_position + self.size)


COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Batch))


async def cut(
    tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, *, start: int, end: int, size: int, last: bool
) -> None:
    """Create the batches that became full as the stream grew from `start` to `end` records, or all at its end."""
    numbers = range(start // size, end // size)
    cuts = [(number, number * size, size) for number in numbers]
    if last and end % size:
        cuts.append((end // size, end - end % size, end % size))
    await tx.execute(
        """INSERT INTO batches (id, tenant_id, job_id, entity, number, first_position, size, status,
                                processed_records, failed_records)
           SELECT id, $1, $2, $3, number, first_position, size, 'pending', 0, 0
           FROM unnest($4::uuid[], $5::int[], $6::bigint[], $7::int[]) AS batch (id, number, first_position, size)""",
        tenant_id,
        job_id,
        entity,
        [uuid4() for _ in cuts],
        [number for number, _, _ in cuts],
        [first for _, first, _ in cuts],
        [length for _, _, length in cuts],
    )


async def get(tx: Connection, batch_id: UUID) -> Batch:
    """Return the batch with this id. Raise `NotFound`."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM batches WHERE id = $1", batch_id)
    if row is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return msgspec.convert(dict(row), Batch)


async def of_job(tx: Connection, job_id: UUID, batch_id: UUID) -> Batch:
    """Return the batch of the job with this id. Raise `NotFound`."""
    batch = await get(tx, batch_id)
    if batch.job_id != job_id:
        raise NotFound(f"There is no batch {batch_id} in the job {job_id}.")
    return batch


async def page(
    tx: Connection, job_id: UUID, *, entity: Entity | None, status: Sequence[Status], limit: int, offset: int
) -> tuple[list[Batch], int]:
    """Return a page of a job's batches in load order, and the number of all."""
    where = """job_id = $1 AND ($2::text IS NULL OR entity = $2)
               AND (cardinality($3::text[]) = 0 OR status = ANY($3))"""
    total = await tx.fetchval(f"SELECT count(*) FROM batches WHERE {where}", job_id, entity, list(status))
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM batches WHERE {where}
            ORDER BY array_position($4::text[], entity::text), number LIMIT $5 OFFSET $6""",
        job_id,
        entity,
        list(status),
        list(LOAD_ORDER),
        limit,
        offset,
    )
    return [msgspec.convert(dict(row), Batch) for row in rows], total


async def to_retry(tx: Connection, job_id: UUID, *, failed_only: bool) -> list[Batch]:
    """Return the batches of an ended job that a retry runs again, locked."""
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM batches WHERE job_id = $1 AND (NOT $2 OR status = 'failed' OR failed_records > 0)
            ORDER BY id FOR UPDATE""",
        job_id,
        failed_only,
    )
    return [msgspec.convert(dict(row), Batch) for row in rows]


async def holding(tx: Connection, job_id: UUID, record_ids: Collection[int]) -> list[Batch]:
    """Return the batches of an ended job that hold these records, locked."""
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM batches WHERE job_id = $1 AND EXISTS (
                SELECT FROM records
                WHERE records.id = ANY($2) AND records.entity = batches.entity
                  AND position >= first_position AND position < first_position + size
            )
            ORDER BY id FOR UPDATE""",
        job_id,
        list(record_ids),
    )
    return [msgspec.convert(dict(row), Batch) for row in rows]


async def queue_again(tx: Connection, batch: Batch, outcomes: Collection[Outcome], also: Collection[int] = ()) -> None:
    """Reset these outcomes of an ended batch, and those of the records `also`, and let workers load the batch again."""
    taken_back = await records.take_back(tx, batch.job_id, batch.entity, batch.positions, outcomes, also)
    await tx.execute(
        f"""UPDATE batches SET status = 'pending', error_code = NULL, error_message = NULL, started_at = NULL,
                   completed_at = NULL, {leases.RESET}
            WHERE id = $1""",
        batch.id,
    )
    await count(tx, batch, Counter({outcome: -number for outcome, number in taken_back.items()}))


async def delete_partial(tx: Connection, job_id: UUID) -> set[UUID]:
    """Delete the batches that are incomplete because their stream was not read to its end, and return their ids."""
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM batches
            WHERE job_id = $1 AND size < (SELECT batch_size FROM jobs WHERE id = $1)
              AND entity IN (SELECT entity FROM streams WHERE job_id = $1 AND NOT done)
            ORDER BY id FOR UPDATE""",
        job_id,
    )
    short = [msgspec.convert(dict(row), Batch) for row in rows]
    for batch in short:
        await queue_again(tx, batch, OUTCOMES)
    ids = {batch.id for batch in short}
    await tx.execute("DELETE FROM batches WHERE id = ANY($1)", list(ids))
    return ids


async def due(tx: Connection, job_id: UUID, entity: Entity, *, limit: int) -> list[tuple[UUID, int]]:
    """Return the claimable ones among the next `limit` batches of an entity, as (id, fence)."""
    rows = await tx.fetch(
        f"""SELECT id, fence FROM (
                SELECT id, fence, lease_until, number FROM batches
                WHERE job_id = $1 AND {OPEN} AND due_at <= now() AND entity = $2
                ORDER BY number LIMIT $3
            ) AS next WHERE {leases.FREE} ORDER BY number""",
        job_id,
        entity,
        limit,
    )
    return [(row["id"], row["fence"]) for row in rows]


async def count_open(tx: Connection, job_id: UUID, entity: Entity) -> int:
    """Return how many batches of an entity have not ended."""
    found: int = await tx.fetchval(
        f"SELECT count(*) FROM batches WHERE job_id = $1 AND entity = $2 AND {OPEN}", job_id, entity
    )
    return found


async def begin(tx: Connection, lease: Lease) -> None:
    """Mark a claimed batch as being processed."""
    await tx.execute(
        "UPDATE batches SET status = 'processing', started_at = coalesce(started_at, now()) WHERE id = $1", lease.id
    )


async def complete(tx: Connection, lease: Lease) -> None:
    """End a batch whose records all have outcomes. Raise `LeaseLost`."""
    await leases.check(tx, lease)
    await tx.execute(
        """UPDATE batches SET status = 'completed', completed_at = now(), error_code = NULL, error_message = NULL
           WHERE id = $1""",
        lease.id,
    )


async def retry_later(tx: Connection, lease: Lease, *, seconds: float, code: str, message: str) -> datetime:
    """Count a failed attempt. Return when the next one may begin, in `seconds` from now. Raise `LeaseLost`."""
    due_at = await leases.postpone(tx, lease, seconds=seconds)
    await tx.execute(
        "UPDATE batches SET status = 'retrying', error_code = $2, error_message = $3 WHERE id = $1",
        lease.id,
        code,
        storable(message),
    )
    return due_at


async def fail(tx: Connection, lease: Lease, batch: Batch, *, code: str, message: str) -> None:
    """Fail a batch: its records without an outcome fail, each with a log row. Raise `LeaseLost`."""
    await leases.check(tx, lease)
    await _fail(tx, batch, Leftover(outcome="failed", code=code, message=message), log=True)


async def fail_open(tx: Connection, job_id: UUID, rest: Leftover) -> None:
    """Fail every batch of a job that has not ended. New fences stop workers that lost their leases without noticing."""
    rows = await tx.fetch(f"SELECT {COLUMNS} FROM batches WHERE job_id = $1 AND {OPEN} ORDER BY id FOR UPDATE", job_id)
    for row in rows:
        # A person who cancels a job knows why the rest is skipped.
        await _fail(tx, msgspec.convert(dict(row), Batch), rest, log=rest.outcome == "failed")
    await tx.execute(f"UPDATE batches SET {leases.REVOKED} WHERE id = ANY($1)", [row["id"] for row in rows])


async def _fail(tx: Connection, batch: Batch, rest: Leftover, *, log: bool) -> None:
    settled = await records.settle_waiting(tx, batch.job_id, batch.entity, batch.positions, rest, log=log)
    await tx.execute(
        """UPDATE batches SET status = 'failed', completed_at = now(), attempt = attempt + 1, error_code = $2,
                  error_message = $3 WHERE id = $1""",
        batch.id,
        rest.code,
        storable(rest.message),
    )
    await count(tx, batch, Counter({rest.outcome: settled}))


async def count(tx: Connection, batch: Batch, outcomes: Counter[Outcome]) -> None:
    """Add outcomes of a batch to its counters and those of its stream and job, in the transaction that stores them."""
    # Always in the order batch, stream, job: another order would deadlock with this.
    processed, failed = outcomes.total(), outcomes["failed"]
    await tx.execute(
        """UPDATE batches SET processed_records = processed_records + $2, failed_records = failed_records + $3
           WHERE id = $1""",
        batch.id,
        processed,
        failed,
    )
    added = ", ".join(f"{outcome}_records = {outcome}_records + ${n}" for n, outcome in enumerate(OUTCOMES, start=3))
    await tx.execute(
        f"UPDATE streams SET {added} WHERE job_id = $1 AND entity = $2",
        batch.job_id,
        batch.entity,
        *(outcomes[outcome] for outcome in OUTCOMES),
    )
    await tx.execute(
        """UPDATE jobs SET processed_records = processed_records + $2, failed_records = failed_records + $3,
                  updated_at = now() WHERE id = $1""",
        batch.job_id,
        processed,
        failed,
    )
