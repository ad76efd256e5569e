"""Staging: store rows of the source as records of a job, which are then loaded."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

import msgspec

from freight import database
from freight.connectors.protocols import Issue, ReplyRow, Row
from freight.database import Connection, jsonb, storable
from freight.domain.migration.records import logs, records, refusals, reservations
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Staged
from freight.domain.migration.records.refusals import NOT_STORABLE
from freight.model import crm
from freight.model.crm import Entity, Reply, UniquePart

MAX_PAYLOAD_LENGTH = 128 * 1024 * 1024
"""Maximum characters of a record. PostgreSQL accepts less than 256 MiB for the elements of one JSON value."""

PORTION_LENGTH = 16 * 1024 * 1024
"""Maximum characters of the records that one statement stores, unless a single one is longer."""

SHOWN_ID = 100
"""Characters shown of an id that cannot be stored."""

EARLIEST = datetime.min.replace(tzinfo=UTC)


class Staging(msgspec.Struct, frozen=True, kw_only=True):
    """The result of staging a page."""

    stored: int = 0
    skipped: int = 0
    """How many of them were skipped because they are not for the target."""
    failed: int = 0
    """How many of them failed because they could not be stored as they are."""
    records: tuple[crm.Record, ...] = ()
    """Those that wait to be loaded."""


class _Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A row at its position in the stream. With a `refusal`, only its id is stored, as a failed record."""

    position: int
    row: Row
    payload: str | None = None
    refusal: str | None = None

    @property
    def record(self) -> crm.Record | None:
        """The record to load, if the row is one."""
        return None if self.refusal is not None or self.row.skip is not None else self.row.record


async def stage(
    tx: Connection,
    tenant_id: UUID,
    job_id: UUID,
    entity: Entity,
    rows: Sequence[Row],
    *,
    first_position: int,
    unique: Mapping[Entity, UniquePart],
) -> Staging:
    """Store rows of the source that the job does not have yet, and log their issues.

    Of the parts that are `unique` in the target, the record that is read first keeps each value. A row that the source
    returns twice, as cursors over changing data do, is stored once. A row that cannot be stored becomes a failed
    record, with a log row.
    """
    checked = [_checked(row) for row in rows]
    held = await records.staged_ids(tx, job_id, entity, [row.id for row, _ in checked])
    reasons = {row.id: reason for row, reason in reversed(checked)}
    new = distinct([row for row, _ in checked if row.id not in held])
    candidates = [_candidate(position, row, reasons[row.id]) for position, row in enumerate(new, start=first_position)]
    written = await refusals.store(
        tx,
        candidates,
        lambda some: _write(tx, tenant_id, job_id, entity, some, unique),
        lambda candidate, reason: msgspec.structs.replace(candidate, payload=None, refusal=reason),
    )
    return Staging(
        stored=len(written),
        skipped=sum(candidate.refusal is None and candidate.row.skip is not None for candidate in written),
        failed=sum(candidate.refusal is not None for candidate in written),
        records=tuple(candidate.record for candidate in written if candidate.record is not None),
    )


def _checked(row: Row) -> tuple[Row, str | None]:
    """Return the row under an id that can be indexed, and why it cannot be stored if that is not its own id."""
    key = reservations.key_of(row.id)
    if key == row.id:
        return row, None
    shown = storable(row.id)[:SHOWN_ID]
    return msgspec.structs.replace(row, id=f"{shown}… ({key})"), "its id is too long or contains invalid characters"


def _candidate(position: int, row: Row, refusal: str | None) -> _Candidate:
    if refusal is not None or row.record is None or row.skip is not None:
        return _Candidate(position=position, row=row, refusal=refusal)
    try:
        payload = jsonb(row.record)
        # A record that cannot be read back would keep its whole batch from being loaded.
        msgspec.json.decode(payload, type=crm.Record)
    except Exception as error:
        if not database.is_about_data(error):
            raise
        return _Candidate(position=position, row=row, refusal=refusals.reason_of(error))
    if len(payload) > MAX_PAYLOAD_LENGTH:
        return _Candidate(position=position, row=row, refusal=f"it has {len(payload):,} characters")
    return _Candidate(position=position, row=row, payload=payload)


async def _write(
    tx: Connection,
    tenant_id: UUID,
    job_id: UUID,
    entity: Entity,
    candidates: Sequence[_Candidate],
    unique: Mapping[Entity, UniquePart],
) -> Sequence[_Candidate]:
    claims = {one.row.id: crm.claims(one.record, unique) for one in candidates if one.record is not None}
    wanted = [(value, row_id) for row_id, values in claims.items() for value in values]
    owners = await reservations.reserve(tx, tenant_id, job_id, entity, wanted)
    entries: list[Entry] = []
    complete: list[_Candidate] = []
    for candidate in candidates:
        record, issues = _without_lost_claims(candidate, claims.get(candidate.row.id, ()), owners)
        if record is not candidate.record:
            candidate = msgspec.structs.replace(candidate, payload=jsonb(record))
        complete.append(candidate)
        reason = [_reason(candidate)] if _outcome(candidate) is not None else []
        entries += [
            Entry(issue=issue, entity=entity, source_id=candidate.row.id)
            for issue in (*candidate.row.issues, *issues, *reason)
        ]
    for portion in _portions(complete):
        await _insert(tx, tenant_id, job_id, entity, portion)
    if entity == "list_entries":
        await _mark_repeated(tx, job_id, _repeated(claims, owners))
    await logs.write(tx, tenant_id, job_id, entries)
    return candidates


async def _insert(
    tx: Connection, tenant_id: UUID, job_id: UUID, entity: Entity, candidates: Sequence[_Candidate]
) -> None:
    settled = [None if _outcome(candidate) is None else _reason(candidate) for candidate in candidates]
    await tx.execute(
        """INSERT INTO records
               (tenant_id, job_id, entity, position, source_id, payload, part_of, outcome, code, message)
           SELECT $1, $2, $3, position, source_id, payload, part_of, outcome, code, message
           FROM unnest($4::bigint[], $5::text[], $6::jsonb[], $7::text[], $8::text[], $9::text[], $10::text[])
                AS row (position, source_id, payload, part_of, outcome, code, message)""",
        tenant_id,
        job_id,
        entity,
        [candidate.position for candidate in candidates],
        [candidate.row.id for candidate in candidates],
        [candidate.payload for candidate in candidates],
        [_part_of(candidate) for candidate in candidates],
        [_outcome(candidate) for candidate in candidates],
        [reason and reason.code for reason in settled],
        [reason and storable(reason.message) for reason in settled],
    )


def _part_of(candidate: _Candidate) -> str | None:
    record = candidate.row.record
    part_of = record.part_of if isinstance(record, crm.Note) else None
    return part_of and storable(part_of)


def _outcome(candidate: _Candidate) -> Literal["failed", "skipped"] | None:
    if candidate.refusal is not None:
        return "failed"
    return "skipped" if candidate.row.skip is not None else None


def _reason(candidate: _Candidate) -> Issue:
    if candidate.refusal is None and candidate.row.skip is not None:
        return candidate.row.skip
    return Issue(
        level="error",
        code=NOT_STORABLE,
        message=f"Freight cannot store this record, so it is not migrated: {candidate.refusal}. Correct it at the "
        "source and run the job again.",
    )


def _portions(candidates: Sequence[_Candidate]) -> Iterator[list[_Candidate]]:
    """Return the candidates in portions for one statement each: a message to PostgreSQL has at most a gigabyte."""
    portion: list[_Candidate] = []
    length = 0
    for candidate in candidates:
        size = len(candidate.payload or "")
        if portion and length + size > PORTION_LENGTH:
            yield portion
            portion, length = [], 0
        portion.append(candidate)
        length += size
    if portion:
        yield portion


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Return each row once, as it was returned first: a source may repeat one with less data."""
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.id, row)
    return list(first.values())


async def stage_replies(tx: Connection, tenant_id: UUID, job_id: UUID, rows: Sequence[ReplyRow]) -> None:
    """Store replies until their notes are loaded. Log those that cannot be stored."""
    if not rows:
        return
    await refusals.store(
        tx, list[ReplyRow | Entry](rows), lambda some: _write_replies(tx, tenant_id, job_id, some), _refused_reply
    )


async def _write_replies(tx: Connection, tenant_id: UUID, job_id: UUID, items: Sequence[ReplyRow | Entry]) -> None:
    rows = [item for item in items if isinstance(item, ReplyRow)]
    await tx.execute(
        """INSERT INTO replies (tenant_id, job_id, note_id, source_id, payload)
           SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::jsonb[]) ON CONFLICT DO NOTHING""",
        tenant_id,
        job_id,
        [row.note_id for row in rows],
        [row.reply.id for row in rows],
        [jsonb(row.reply) for row in rows],
    )
    await logs.write(tx, tenant_id, job_id, [item for item in items if isinstance(item, Entry)])


def _refused_reply(item: ReplyRow | Entry, reason: str) -> Entry:
    if isinstance(item, Entry):
        return item
    message = (
        f"Freight cannot store this reply to the note {item.note_id[:SHOWN_ID]}, so it is not migrated: {reason}. "
        "Correct it at the source and run the job again."
    )
    issue = Issue(level="error", code=NOT_STORABLE, message=message)
    return Entry(issue=issue, entity="notes", source_id=item.reply.id[:SHOWN_ID])


async def with_replies(tx: Connection, job_id: UUID, notes: Sequence[Staged]) -> list[Staged]:
    """Return the notes with their replies, in the order in which these were written."""
    rows = await tx.fetch(
        "SELECT note_id, payload FROM replies WHERE job_id = $1 AND note_id = ANY($2) AND payload IS NOT NULL",
        job_id,
        [_note_id(staged) for staged in notes],
    )
    replies: dict[str, list[Reply]] = {}
    for row in rows:
        replies.setdefault(row["note_id"], []).append(msgspec.json.decode(row["payload"], type=Reply))
    complete = []
    for staged in notes:
        given = replies.get(_note_id(staged))
        if given and isinstance(staged.record, crm.Note):
            given.sort(key=lambda reply: (reply.created_at or EARLIEST, reply.id))
            note = msgspec.structs.replace(staged.record, replies=tuple(given))
            staged = msgspec.structs.replace(staged, record=note)
        complete.append(staged)
    return complete


def _note_id(staged: Staged) -> str:
    """Return the id of the note that a record is or copies."""
    part_of = staged.record.part_of if isinstance(staged.record, crm.Note) else None
    return part_of or staged.source_id


async def log_orphaned_replies(tx: Connection, job_id: UUID) -> None:
    """Log the replies whose notes the source does not return, once all notes have been read."""
    await tx.execute(
        """INSERT INTO logs (tenant_id, job_id, entity, source_id, level, code, message, value)
           SELECT tenant_id, job_id, 'notes', source_id, 'warning', 'reply_without_note',
                  'This is a reply to the note ' || note_id || ', which the key cannot read, so it is not '
                  || 'migrated. Use the key of a user who can read that note.', left(payload ->> 'content', $2)
           FROM replies
           WHERE job_id = $1 AND NOT EXISTS (
               SELECT FROM records WHERE records.job_id = $1 AND entity = 'notes'
                                     AND coalesce(records.part_of, records.source_id) = note_id
           )""",
        job_id,
        logs.VALUE_LENGTH,
    )


def _without_lost_claims(
    candidate: _Candidate, claims: Collection[str], owners: Mapping[str, str]
) -> tuple[crm.Record | None, list[Issue]]:
    if candidate.record is None:
        return None, []
    own_id = candidate.row.id
    lost = {value: owner for value in claims if (owner := owners.get(value, own_id)) != own_id}
    record = crm.without_claims(candidate.record, lost)
    if isinstance(record, crm.ListEntry):
        return record, []
    issues = [
        Issue(
            code="claimed_by_another_record",
            message=f"Record {owner}, which was read first, also has {value} and keeps it: the target allows it "
            "only once. This record is migrated without it.",
            field="domains" if isinstance(record, crm.Company) else "emails",
            value=value,
        )
        for value, owner in lost.items()
    ]
    return record, issues


def _repeated(claims: Mapping[str, Collection[str]], owners: Mapping[str, str]) -> set[str]:
    """Return the first entries of records that are on the same list again."""
    return {
        owner for row_id, values in claims.items() for value in values if (owner := owners.get(value, row_id)) != row_id
    }


async def _mark_repeated(tx: Connection, job_id: UUID, source_ids: Collection[str]) -> None:
    await tx.execute(
        """UPDATE records SET payload = jsonb_set(payload, '{repeated}', 'true')
           WHERE job_id = $1 AND entity = 'list_entries' AND source_id = ANY($2)""",
        job_id,
        list(source_ids),
    )
