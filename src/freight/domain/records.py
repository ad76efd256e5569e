"""Records: what was read from the source within a job, and what became of it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, get_args
from uuid import UUID

import msgspec

from freight import crm
from freight.connectors.protocols import Issue, Row
from freight.crm import Entity
from freight.database import Connection, jsonb
from freight.domain import logs
from freight.domain.logs import Entry

Outcome = Literal["created", "updated", "unchanged", "skipped", "failed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

Intent = Literal["create", "update"]
"""What a request that may be under way would do to the target."""


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """A record that waits to be loaded. With `in_flight` set, an earlier attempt may have written it already."""

    id: int
    source_id: str
    record: crm.Record
    in_flight: Intent | None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a record."""

    id: int
    outcome: Outcome
    target_id: str | None = None
    code: str | None = None
    message: str | None = None


async def stage(
    tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, rows: Sequence[Row], *, first_position: int
) -> tuple[int, int]:
    """Store rows of the source that the job does not hold yet, and log their issues.

    A row that the source shows twice, as cursors over moving data do, is taken once. Returns how many were stored,
    and how many of these are settled already because they are not for the target.
    """
    held = await staged_ids(tx, job_id, entity, [row.id for row in rows])
    new = list({row.id: row for row in rows if row.id not in held}.values())
    owners = await _claim(tx, tenant_id, job_id, entity, new)
    entries: list[Entry] = []
    payloads: list[str | None] = []
    for row in new:
        record, issues = _without_lost_claims(row, owners)
        payloads.append(None if record is None else jsonb(record))
        entries += [
            Entry(issue=issue, entity=entity, source_id=row.id)
            for issue in (*row.issues, *issues, *((row.skip,) if row.skip else ()))
        ]
    await tx.execute(
        """INSERT INTO records (tenant_id, job_id, entity, position, source_id, payload, outcome, code, message)
           SELECT $1, $2, $3, $4 + ordinality - 1, source_id, payload, outcome, code, message
           FROM unnest($5::text[], $6::jsonb[], $7::text[], $8::text[], $9::text[]) WITH ORDINALITY
                AS row (source_id, payload, outcome, code, message, ordinality)""",
        tenant_id,
        job_id,
        entity,
        first_position,
        [row.id for row in new],
        payloads,
        ["skipped" if row.skip else None for row in new],
        [row.skip.code if row.skip else None for row in new],
        [row.skip.message if row.skip else None for row in new],
    )
    await logs.write(tx, tenant_id, job_id, entries)
    return len(new), sum(row.skip is not None for row in new)


async def waiting(
    tx: Connection, job_id: UUID, entity: Entity, *, first_position: int, size: int, after: int, limit: int
) -> list[tuple[int, Staged]]:
    """Records without an outcome among the `size` positions from `first_position` on, as (position, record).

    `after` is the position of the last one that was handed out, `limit` the most to return.
    """
    rows = await tx.fetch(
        """SELECT position, id, source_id, payload, in_flight FROM records
           WHERE job_id = $1 AND entity = $2 AND position >= $3 AND position < $3 + $4 AND position > $5
             AND outcome IS NULL
           ORDER BY position LIMIT $6""",
        job_id,
        entity,
        first_position,
        size,
        after,
        limit,
    )
    return [
        (
            row["position"],
            Staged(
                id=row["id"],
                source_id=row["source_id"],
                record=msgspec.json.decode(row["payload"], type=crm.Record),
                in_flight=row["in_flight"],
            ),
        )
        for row in rows
    ]


async def staged_ids(tx: Connection, job_id: UUID, entity: Entity, source_ids: Collection[str]) -> set[str]:
    """Which of these source ids are records of the job."""
    rows = await tx.fetch(
        "SELECT source_id FROM records WHERE job_id = $1 AND entity = $2 AND source_id = ANY($3)",
        job_id,
        entity,
        list(source_ids),
    )
    return {row["source_id"] for row in rows}


async def mark_in_flight(tx: Connection, intents: Mapping[int, Intent]) -> None:
    """Note, before the requests are sent, what they would do: whatever ends without an outcome is looked up again."""
    await tx.execute(
        """UPDATE records SET in_flight = intent, updated_at = now()
           FROM unnest($1::bigint[], $2::text[]) AS mark (record_id, intent)
           WHERE id = record_id AND in_flight IS DISTINCT FROM intent""",
        list(intents),
        list(intents.values()),
    )


async def settle(tx: Connection, settled: Sequence[Settled]) -> None:
    """Store outcomes."""
    await tx.execute(
        """UPDATE records SET outcome = result.outcome, target_id = result.target_id, code = result.code,
                  message = result.message, in_flight = NULL, updated_at = now()
           FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
                AS result (record_id, outcome, target_id, code, message)
           WHERE id = record_id""",
        [result.id for result in settled],
        [result.outcome for result in settled],
        [result.target_id for result in settled],
        [result.code for result in settled],
        [result.message for result in settled],
    )


async def fail_waiting(tx: Connection, job_id: UUID, entity: Entity, positions: range, code: str, message: str) -> int:
    """Settle whatever has no outcome at these positions as failed, and return how many these were."""
    tag = await tx.execute(
        """UPDATE records SET outcome = 'failed', code = $5, message = $6, in_flight = NULL, updated_at = now()
           WHERE job_id = $1 AND entity = $2 AND position >= $3 AND position < $4 AND outcome IS NULL""",
        job_id,
        entity,
        positions.start,
        positions.stop,
        code,
        message,
    )
    return int(tag.rpartition(" ")[2])


async def _claim(tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, rows: Sequence[Row]) -> dict[str, str]:
    """Claim the unique values of these rows for them, and return who holds each: the first record read keeps it."""
    wanted = [
        (value, row.id)
        for row in rows
        if row.record is not None and row.skip is None
        for value in crm.claims(row.record)
    ]
    if not wanted:
        return {}
    values = [value.replace("\0", "") for value, _ in wanted]
    await tx.execute(
        """INSERT INTO claims (tenant_id, job_id, entity, value, source_id)
           SELECT $1, $2, $3, value, source_id FROM unnest($4::text[], $5::text[]) AS claim (value, source_id)
           ON CONFLICT DO NOTHING""",
        tenant_id,
        job_id,
        entity,
        values,
        [source_id for _, source_id in wanted],
    )
    held = await tx.fetch(
        "SELECT value, source_id FROM claims WHERE job_id = $1 AND entity = $2 AND value = ANY($3)",
        job_id,
        entity,
        values,
    )
    return {row["value"]: row["source_id"] for row in held}


def _without_lost_claims(row: Row, owners: Mapping[str, str]) -> tuple[crm.Record | None, list[Issue]]:
    if row.record is None or row.skip is not None:
        return None, []
    lost = {value: owner for value in crm.claims(row.record) if (owner := owners.get(value, row.id)) != row.id}
    issues = [
        Issue(
            code="claimed_by_another_record",
            message=f"{value} also stands on record {owner}, which was read first and keeps it: the target allows it "
            "only once. This record is carried over without it.",
            field="domains" if isinstance(row.record, crm.Company) else "emails",
            value=value,
        )
        for value, owner in lost.items()
    ]
    return crm.without_claims(row.record, lost), issues
