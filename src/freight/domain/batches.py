"""Batches: the portions in which the records of an entity are loaded."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal
from uuid import UUID, uuid4

import msgspec

from freight.connectors.protocols import Issue
from freight.crm import Entity
from freight.database import Connection
from freight.domain import leases, ledger, logs, records
from freight.domain.leases import Lease
from freight.domain.ledger import Known, Pair
from freight.domain.logs import Entry
from freight.domain.records import OUTCOMES, Settled

Status = Literal["pending", "processing", "retrying", "completed", "failed"]


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one entity at `size` positions from `first_position` on."""

    id: UUID
    job_id: UUID
    entity: Entity
    number: int
    first_position: int
    size: int
    status: Status


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record of a batch, what the ledger learned from it, and what its owner should know."""

    source_id: str
    settled: Settled
    learned: Known | None = None
    issues: tuple[Issue, ...] = ()


COLUMNS = ", ".join(field.name for field in msgspec.structs.fields(Batch))


async def cut(
    tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, *, start: int, end: int, size: int, last: bool
) -> None:
    """Make the batches that filled up while the stream grew from `start` to `end` records, and at its end the rest."""
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
    """The batch with this id."""
    row = await tx.fetchrow(f"SELECT {COLUMNS} FROM batches WHERE id = $1", batch_id)
    return msgspec.convert(dict(row or {}), Batch)


async def begin(tx: Connection, lease: Lease) -> None:
    """Mark a claimed batch as being processed."""
    await tx.execute(
        "UPDATE batches SET status = 'processing', started_at = coalesce(started_at, now()) WHERE id = $1", lease.id
    )


async def store(tx: Connection, lease: Lease, batch: Batch, pair: Pair, results: Sequence[Result]) -> None:
    """Store what became of records, what the ledger learned, and what is to be logged; move all counters.

    Raises `LeaseLost`.
    """
    await leases.check(tx, lease)
    await records.settle(tx, [result.settled for result in results])
    learned = [result.learned for result in results if result.learned is not None]
    await ledger.remember(tx, lease.tenant_id, batch.job_id, pair, batch.entity, learned)
    entries = [
        Entry(issue=issue, entity=batch.entity, source_id=result.source_id)
        for result in results
        for issue in result.issues
    ]
    await logs.write(tx, lease.tenant_id, batch.job_id, entries)
    await _count(tx, batch, Counter(result.settled.outcome for result in results))


async def complete(tx: Connection, lease: Lease) -> None:
    """End a batch whose records all have outcomes. Raises `LeaseLost`."""
    await leases.check(tx, lease)
    await tx.execute(
        """UPDATE batches SET status = 'completed', completed_at = now(), error_code = NULL, error_message = NULL
           WHERE id = $1""",
        lease.id,
    )


async def retry_later(tx: Connection, lease: Lease, *, seconds: float, code: str, message: str) -> None:
    """Count a failed attempt and let nobody begin the next one for so many seconds. Raises `LeaseLost`."""
    await leases.postpone(tx, lease, seconds=seconds)
    await tx.execute(
        "UPDATE batches SET status = 'retrying', error_code = $2, error_message = $3 WHERE id = $1",
        lease.id,
        code,
        message,
    )


async def fail(tx: Connection, lease: Lease, batch: Batch, *, code: str, message: str) -> None:
    """Give a batch up: whatever of it has no outcome fails. Raises `LeaseLost`."""
    await leases.check(tx, lease)
    await _fail(tx, batch, code=code, message=message)


async def fail_open(tx: Connection, job_id: UUID, *, code: str, message: str) -> None:
    """Give up every batch of a job that has not ended."""
    rows = await tx.fetch(
        f"""SELECT {COLUMNS} FROM batches WHERE job_id = $1 AND status NOT IN ('completed', 'failed')
            ORDER BY id FOR UPDATE""",
        job_id,
    )
    for row in rows:
        await _fail(tx, msgspec.convert(dict(row), Batch), code=code, message=message)


async def _fail(tx: Connection, batch: Batch, *, code: str, message: str) -> None:
    positions = range(batch.first_position, batch.first_position + batch.size)
    count = await records.fail_waiting(tx, batch.job_id, batch.entity, positions, code, message)
    await tx.execute(
        """UPDATE batches SET status = 'failed', completed_at = now(), attempt = attempt + 1, error_code = $2,
                  error_message = $3 WHERE id = $1""",
        batch.id,
        code,
        message,
    )
    await _count(tx, batch, Counter(failed=count))


async def _count(tx: Connection, batch: Batch, outcomes: Counter[str]) -> None:
    # Always in the order batch, stream, job: whoever locks them otherwise would deadlock with this.
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
