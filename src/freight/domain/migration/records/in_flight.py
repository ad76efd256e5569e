"""In flight: records that requests may have written, without a known result."""

from collections.abc import Collection, Mapping
from uuid import UUID

from freight.database import Connection
from freight.domain.migration.records import records
from freight.domain.migration.records.records import Intent, Staged
from freight.model.crm import Entity


async def ids(tx: Connection, job_id: UUID, entity: Entity, positions: range) -> list[int]:
    """Return the ids of the records at these positions that an earlier attempt may have written or failed to write."""
    rows = await tx.fetch(
        """SELECT id FROM records
           WHERE job_id = $1 AND entity = $2 AND position >= $3 AND position < $4 AND outcome IS NULL
             AND in_flight IS NOT NULL
           ORDER BY position""",
        job_id,
        entity,
        positions.start,
        positions.stop,
    )
    return [row["id"] for row in rows]


async def mark(tx: Connection, intents: Mapping[int, Intent]) -> None:
    """Record what requests will do before they are sent: records without an outcome are looked up again."""
    await tx.execute(
        """UPDATE records SET in_flight = intent, doubted_at = NULL, updated_at = now()
           FROM unnest($1::bigint[], $2::text[]) AS mark (record_id, intent)
           WHERE id = record_id AND (in_flight IS DISTINCT FROM intent OR intent = 'create')""",
        list(intents),
        list(intents.values()),
    )


async def mark_unsent(tx: Connection, record_ids: Collection[int]) -> None:
    """Clear the mark of records whose requests were not sent."""
    await tx.execute(
        "UPDATE records SET in_flight = NULL WHERE id = ANY($1) AND outcome IS NULL AND doubts = 0", list(record_ids)
    )


async def mark_doubted(tx: Connection, record_ids: Collection[int]) -> None:
    """Record that requests to create these were sent, and that it is unknown whether they took effect."""
    await tx.execute(
        """UPDATE records SET in_flight = 'create', doubted_at = now(), doubts = greatest(doubts, 1)
           WHERE id = ANY($1) AND outcome IS NULL""",
        list(record_ids),
    )


async def mark_sent_again(tx: Connection, record_ids: Collection[int]) -> None:
    """Note that these are sent although an earlier request may still arrive: they are looked for once more."""
    await tx.execute(
        "UPDATE records SET doubts = greatest(doubts, 1) WHERE id = ANY($1) AND outcome IS NULL", list(record_ids)
    )


async def count_doubts(tx: Connection, record_ids: Collection[int]) -> None:
    """Record that one more request to create these had an unknown effect, although the target answers others."""
    await tx.execute("UPDATE records SET doubts = doubts + 1 WHERE id = ANY($1) AND outcome IS NULL", list(record_ids))


async def perhaps_doubled(tx: Connection, job_id: UUID, entity: Entity, positions: range) -> list[tuple[Staged, str]]:
    """Return the records at these positions that are in the target and may have been sent more than once.

    Each comes with its id in the target.
    """
    rows = await tx.fetch(
        f"""SELECT target_id, {records.STAGED} FROM records
            WHERE job_id = $1 AND entity = $2 AND position >= $3 AND position < $4 AND doubts > 0
               AND outcome IN ('created', 'updated', 'unchanged') AND target_id IS NOT NULL
            ORDER BY position""",
        job_id,
        entity,
        positions.start,
        positions.stop,
    )
    return [(records.read_staged(row), row["target_id"]) for row in rows]


async def with_equals(tx: Connection, job_id: UUID, record_ids: Collection[int]) -> set[str]:
    """Return the source ids of those of these files that share name and size with another file of the job."""
    rows = await tx.fetch(
        """SELECT source_id FROM records AS file WHERE id = ANY($2) AND EXISTS (
               SELECT FROM records AS other
               WHERE other.job_id = $1 AND other.entity = 'files' AND other.id <> file.id
                 AND other.payload ->> 'name' = file.payload ->> 'name'
                 AND other.payload ->> 'size' IS NOT DISTINCT FROM file.payload ->> 'size'
           )""",
        job_id,
        list(record_ids),
    )
    return {row["source_id"] for row in rows}


async def clear_doubts(tx: Connection, record_ids: Collection[int]) -> None:
    """Record that these were looked for once more and are in the target once."""
    await tx.execute("UPDATE records SET doubted_at = NULL, doubts = 0 WHERE id = ANY($1)", list(record_ids))
