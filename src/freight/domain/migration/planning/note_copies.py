"""Copies of notes: jobs write a note to one of its records or to all, and recognise the copies of the other kind."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from freight.connectors.protocols import Attributes, Draft, Issue, TargetRecord
from freight.database import Connection
from freight.domain.migration.records import logs
from freight.domain.migration.records.ledger import LedgerEntry, WorkspacePair
from freight.domain.migration.records.logs import Entry
from freight.model.crm import Note, Record, Reference, note_ids, note_of

CODE = "further_copy_stays"

FURTHER_AT_ONCE = 1000
"""Copies that one statement logs."""


def ledger_ids(records: Sequence[Record]) -> list[str]:
    """Return the source ids under which the ledger may have these records."""
    return [id_ for record in records for id_ in (note_ids(record) if isinstance(record, Note) else ())] + [
        record.id for record in records
    ]


def held_elsewise(note: Note, held: Mapping[str, LedgerEntry]) -> tuple[Attributes, ...]:
    """Return the ledger's entries of the note under other ids, or nothing if its own id has an entry."""
    if note.id in held:
        return ()
    return tuple(held[id_].values for id_ in note_ids(note) if id_ in held)


def known_copy(note: Note, draft: Draft, held: Mapping[str, LedgerEntry]) -> LedgerEntry | None:
    """Return the ledger entry of the copy on the same record, under the present id of the note."""
    place = place_of(draft.values, draft)
    for id_ in note_ids(note):
        known = held.get(id_)
        if known is not None and place is not None and place_of(known.values, draft) == place:
            return counted(msgspec.structs.replace(known, source_id=note.id, formerly=id_), draft, known.values)
    return None


def place_of(values: Attributes, draft: Draft) -> Any | None:
    """Return which of the places of a draft a note with these values is attached to; None for none of them."""
    return next((place for place in draft.places.values() if [place] in values.values()), None)


def counted(known: LedgerEntry, draft: Draft, held: Attributes) -> LedgerEntry:
    """Return the entry with the draft's values where the copy has equivalent ones, so that they count as drafted."""
    same = {slug: items for slug, items in draft.alike.items() if held.get(slug) == items}
    return msgspec.structs.replace(
        known,
        values={**known.values, **{slug: draft.values[slug] for slug in same}},
        given={**same, **known.given},
    )


def narrowed(draft: Draft, older: Collection[Reference], *, in_flight: bool) -> Draft:
    """Return the draft with only those places that may have a copy that this job did not create."""
    places = {
        link: place for link, place in draft.places.items() if link in older or (in_flight and link in draft.parents)
    }
    return msgspec.structs.replace(draft, places=places)


def further_copies(draft: Draft, found: Sequence[TargetRecord], own_id: str) -> list[Issue]:
    """Return issues about further copies in the target of a note that is written to one record."""
    if note_of(draft.source_id) != draft.source_id:
        return []
    return [
        _stays(record.source_id, record.id)
        for record in found
        if record.id != own_id and record.source_id is not None and note_of(record.source_id) == draft.source_id
    ]


async def log_further_copies(tx: Connection, tenant_id: UUID, job_id: UUID, pair: WorkspacePair) -> None:
    """Log the copies that earlier jobs made of this job's notes and that are not records of this job.

    Either the job writes notes to one record each, or the note is no longer attached to that record. Each copy is
    logged once per job.
    """
    after = 0
    while rows := await _further_in_ledger(tx, job_id, pair, after=after):
        after = rows[-1]["id"]
        await logs.write(tx, tenant_id, job_id, [_further(row) for row in rows])


async def _further_in_ledger(tx: Connection, job_id: UUID, pair: WorkspacePair, *, after: int) -> Sequence[Any]:
    return await tx.fetch(
        f"""WITH read AS (
               SELECT source_id, target_id, coalesce(part_of, source_id) AS note
               FROM records WHERE job_id = $1 AND entity = 'notes'
           )
           SELECT id, source_id, target_id, coalesce(part_of, source_id) AS note,
                  coalesce(part_of, source_id) IN (SELECT source_id FROM read) AS is_of_note
           FROM ledger AS copy
           WHERE source_workspace = $2 AND target_workspace = $3 AND entity = 'notes' AND id > $4
             AND coalesce(part_of, source_id) IN (SELECT note FROM read)
             AND NOT EXISTS (SELECT FROM read WHERE read.source_id = copy.source_id)
             AND NOT EXISTS (SELECT FROM read WHERE read.target_id = copy.target_id)
             AND NOT EXISTS (SELECT FROM logs WHERE job_id = $1 AND code = '{CODE}' AND value = copy.target_id)
           ORDER BY id LIMIT {FURTHER_AT_ONCE}""",
        job_id,
        pair.source,
        pair.target,
        after,
    )


def _further(row: Any) -> Entry:
    source_id = row["note"] if row["is_of_note"] else row["source_id"]
    return Entry(issue=_stays(row["source_id"], row["target_id"]), entity="notes", source_id=source_id)


def _stays(copy_id: str | None, target_id: str) -> Issue:
    return Issue(
        level="info",
        code=CODE,
        message=f"An earlier job also wrote this note to {_place(copy_id or '')}, and that copy stays. Delete it in "
        "the target if you do not want it.",
        value=target_id,
    )


def _place(source_id: str) -> str:
    _, _, link = source_id.partition("/")
    entity, _, id_ = link.partition("/")
    return f"{id_} of the {entity}" if id_ else "another record"
