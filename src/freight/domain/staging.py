"""Staging: rows of the source become records of a job, which then wait to be loaded."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from freight import crm
from freight.connectors.protocols import Issue, ReplyRow, Row
from freight.crm import Entity, Reply
from freight.database import Connection, jsonb
from freight.domain import claims, logs, records
from freight.domain.logs import Entry
from freight.domain.records import Staged

EARLIEST = datetime.min.replace(tzinfo=UTC)


async def stage(
    tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, rows: Sequence[Row], *, first_position: int
) -> tuple[int, int]:
    """Store rows of the source that the job does not hold yet, and log their issues.

    A row that the source shows twice, as cursors over moving data do, is taken once. Returns how many were stored,
    and how many of these are settled already because they are not for the target.
    """
    held = await records.staged_ids(tx, job_id, entity, [row.id for row in rows])
    new = distinct([row for row in rows if row.id not in held])
    # The record that is read first keeps a value that only one may have.
    owners = await claims.claim(
        tx,
        tenant_id,
        job_id,
        entity,
        [
            (value, row.id)
            for row in new
            if row.record is not None and row.skip is None
            for value in crm.claims(row.record)
        ],
    )
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
    if entity == "list_entries":
        await _mark_repeated(tx, job_id, _repeated(new, owners))
    await logs.write(tx, tenant_id, job_id, entries)
    return len(new), sum(row.skip is not None for row in new)


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Each row once, as it was shown first: a source may show one again with less."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.id, row)
    return list(first.values())


async def stage_replies(tx: Connection, tenant_id: UUID, job_id: UUID, rows: Sequence[ReplyRow]) -> None:
    """Keep answers until their notes are loaded."""
    if not rows:
        return
    await tx.execute(
        """INSERT INTO replies (tenant_id, job_id, note_id, source_id, payload)
           SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::jsonb[]) ON CONFLICT DO NOTHING""",
        tenant_id,
        job_id,
        [row.note_id for row in rows],
        [row.reply.id for row in rows],
        [jsonb(row.reply) for row in rows],
    )


async def with_replies(tx: Connection, job_id: UUID, notes: Sequence[Staged]) -> list[Staged]:
    """The notes together with the answers to them, in the order in which these were written."""
    rows = await tx.fetch(
        "SELECT note_id, payload FROM replies WHERE job_id = $1 AND note_id = ANY($2) AND payload IS NOT NULL",
        job_id,
        [_note_id(staged.source_id) for staged in notes],
    )
    replies: dict[str, list[Reply]] = {}
    for row in rows:
        replies.setdefault(row["note_id"], []).append(msgspec.json.decode(row["payload"], type=Reply))
    complete = []
    for staged in notes:
        given = replies.get(_note_id(staged.source_id))
        if given and isinstance(staged.record, crm.Note):
            given.sort(key=lambda reply: (reply.created_at or EARLIEST, reply.id))
            note = msgspec.structs.replace(staged.record, replies=tuple(given))
            staged = msgspec.structs.replace(staged, record=note)
        complete.append(staged)
    return complete


def _note_id(source_id: str) -> str:
    # A note that is written to each of its records has an id for each, which begins with its own.
    return source_id.partition("/")[0]


async def log_orphaned_replies(tx: Connection, job_id: UUID) -> None:
    """Name the answers whose notes the source does not show, once all notes have been read."""
    await tx.execute(
        """INSERT INTO logs (tenant_id, job_id, entity, source_id, level, code, message, value)
           SELECT tenant_id, job_id, 'notes', source_id, 'warning', 'reply_without_note',
                  'This is an answer to the note ' || note_id || ', which the key does not show, so it is not carried '
                  || 'over. Use the key of somebody who may read that note.', left(payload ->> 'content', $2)
           FROM replies
           WHERE job_id = $1 AND NOT EXISTS (
               SELECT FROM records WHERE records.job_id = $1 AND entity = 'notes'
                                     AND split_part(records.source_id, '/', 1) = note_id
           )""",
        job_id,
        logs.VALUE_LENGTH,
    )


def _without_lost_claims(row: Row, owners: Mapping[str, str]) -> tuple[crm.Record | None, list[Issue]]:
    if row.record is None or row.skip is not None:
        return None, []
    lost = {value: owner for value in crm.claims(row.record) if (owner := owners.get(value, row.id)) != row.id}
    record = crm.without_claims(row.record, lost)
    if isinstance(record, crm.ListEntry):
        return record, []
    issues = [
        Issue(
            code="claimed_by_another_record",
            message=f"{value} also stands on record {owner}, which was read first and keeps it: the target allows it "
            "only once. This record is carried over without it.",
            field="domains" if isinstance(record, crm.Company) else "emails",
            value=value,
        )
        for value, owner in lost.items()
    ]
    return record, issues


def _repeated(rows: Sequence[Row], owners: Mapping[str, str]) -> set[str]:
    """The entries that were first on their list for a record that stands there once more."""
    return {
        owner
        for row in rows
        if row.record is not None and row.skip is None
        for value in crm.claims(row.record)
        if (owner := owners.get(value, row.id)) != row.id
    }


async def _mark_repeated(tx: Connection, job_id: UUID, source_ids: Collection[str]) -> None:
    await tx.execute(
        """UPDATE records SET payload = jsonb_set(payload, '{repeated}', 'true')
           WHERE job_id = $1 AND entity = 'list_entries' AND source_id = ANY($2)""",
        job_id,
        list(source_ids),
    )
