"""References: what the records of a chunk refer to, and the matching records in the target."""

from collections.abc import Collection, Mapping, Sequence, Set
from uuid import UUID

import msgspec

from freight.connectors.protocols import References, is_planned, planned_id
from freight.database import Connection
from freight.domain.jobs import discovered_schema
from freight.domain.jobs.model import Job
from freight.domain.migration.planning import note_copies
from freight.domain.migration.records import conventions, ledger
from freight.domain.migration.records.ledger import LedgerEntry
from freight.model import crm
from freight.model.crm import Entity, Note, Person, Record, Reference
from freight.model.fields import PersonRef

CROSS_REFERRING: tuple[Entity, ...] = ("companies", "people")
"""Entities whose records may point to records that are loaded after them: to each other, and to their own kind."""

READ_LAST = """SELECT DISTINCT ON (entity, source_id) entity, source_id, payload FROM records
    JOIN jobs ON jobs.id = records.job_id
    WHERE source_system = $1 AND source_workspace = $2 AND payload IS NOT NULL
      AND (entity, source_id) IN (SELECT * FROM unnest($3::text[], $4::text[]))
    ORDER BY entity, source_id, jobs.created_at DESC"""
"""Records of the source as they were last read, also by an earlier job, because this job may migrate only notes."""


class Related(msgspec.Struct, frozen=True, kw_only=True):
    """Other records on which those of a chunk depend."""

    references: References
    """What drafting needs to know about them."""
    to_come: frozenset[Reference] = frozenset()
    """Those that are not in the target yet and that the job will load."""
    older: frozenset[Reference] = frozenset()
    """Those that have been in the target since before the job."""


async def look_up(
    tx: Connection, job: Job, records: Sequence[Record], held: Mapping[str, LedgerEntry], *, references_only: bool
) -> Related:
    """Return what these records of one entity refer to. `held` are their own ledger entries.

    With `references_only`, in the second pass, nothing is loaded later: what is not in the target will not be.
    """
    entity = crm.entity_of(records[0])
    wanted = {reference for record in records for reference in crm.references(record)}
    found, older = await _in_target(tx, job, wanted)
    to_come: frozenset[Reference] = frozenset()
    if not references_only and entity in CROSS_REFERRING:
        to_come = await _to_come(tx, job, wanted - found.keys())
    # The log names left-out references by more than their ids.
    missing = wanted - found.keys() - to_come
    named = {id_ for record in records for id_ in crm.people_named(record)}
    named |= {source_id for kind, source_id in missing if kind == "people"}
    called = wanted if entity in ("deals", "notes") else missing
    called = {reference for reference in called if reference[0] != "people"}
    references = References(
        found=found,
        people=await _people(tx, job, named) if named else {},
        names=await _names(tx, job, called) if called else {},
    )
    if entity == "notes":
        notes = [record for record in records if isinstance(record, Note)]
        references = await _of_notes(tx, job, notes, held, references)
    else:
        references = msgspec.structs.replace(references, numerals=await conventions.read(tx, job.id, entity))
    return Related(references=references, to_come=to_come, older=older)


async def _of_notes(
    tx: Connection, job: Job, notes: Sequence[Note], held: Mapping[str, LedgerEntry], references: References
) -> References:
    return msgspec.structs.replace(
        references,
        earlier={note.id: held[note.id].values for note in notes if note.id in held},
        copies={note.id: note_copies.held_elsewise(note, held) for note in notes},
        own_companies=await _own_companies(tx, job),
    )


async def _in_target(
    tx: Connection, job: Job, wanted: Set[Reference]
) -> tuple[dict[Reference, str], frozenset[Reference]]:
    """Return the target ids of those that are in the target, and which of these have been there since before the job.

    A dry run includes what a full run would have written by now; records that it would create have planned ids.
    """
    if not wanted:
        return {}, frozenset()
    known = await ledger.linked_records(tx, job.pair, wanted)
    found = {reference: counterpart.target_id for reference, counterpart in known.items()}
    older = {
        reference
        for reference, counterpart in known.items()
        if counterpart.origin == "matched" or counterpart.created_at < job.created_at
    }
    if not job.writes and (missing := wanted - found.keys()):
        predicted = await _predicted(tx, job.id, missing)
        found |= predicted
        older |= {reference for reference, target_id in predicted.items() if not is_planned(target_id)}
    return found, frozenset(older)


async def _predicted(tx: Connection, job_id: UUID, wanted: Collection[Reference]) -> dict[Reference, str]:
    rows = await tx.fetch(
        """SELECT entity, source_id, target_id FROM records
           WHERE job_id = $1 AND (outcome IN ('created', 'updated', 'unchanged')
                                  OR outcome = 'skipped' AND target_id IS NOT NULL)
             AND (entity, source_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))""",
        job_id,
        [entity for entity, _ in wanted],
        [source_id for _, source_id in wanted],
    )
    predicted = {(row["entity"], row["source_id"]): row["target_id"] for row in rows}
    return {reference: target_id or planned_id(reference) for reference, target_id in predicted.items()}


async def _to_come(tx: Connection, job: Job, wanted: Collection[Reference]) -> frozenset[Reference]:
    """Return those of these that the job will still load."""
    loaded = [reference for reference in wanted if reference[0] in CROSS_REFERRING and reference[0] in job.entities]
    if not loaded:
        return frozenset()
    rows = await tx.fetch(
        """SELECT entity, source_id FROM unnest($2::text[], $3::text[]) AS wanted (entity, source_id)
           WHERE EXISTS (SELECT FROM streams WHERE job_id = $1 AND streams.entity = wanted.entity AND NOT done)
              OR EXISTS (SELECT FROM records WHERE job_id = $1 AND records.entity = wanted.entity
                           AND records.source_id = wanted.source_id
                           AND (outcome IS NULL OR outcome NOT IN ('skipped', 'failed')))""",
        job.id,
        [entity for entity, _ in loaded],
        [source_id for _, source_id in loaded],
    )
    return frozenset((row["entity"], row["source_id"]) for row in rows)


async def _people(tx: Connection, job: Job, ids: Collection[str]) -> dict[str, PersonRef]:
    people = {user.id: user for user in await discovered_schema.users(tx, job.id) if user.id in ids}
    rows = await tx.fetch(
        f"SELECT payload FROM ({READ_LAST}) AS last",
        job.source_system,
        job.source_workspace,
        ["people"] * len(ids),
        list(ids),
    )
    for row in rows:
        person = msgspec.json.decode(row["payload"], type=Person)
        name = " ".join(part for part in (person.first_name, person.last_name) if part)
        people[person.id] = PersonRef(
            id=person.id, name=name or None, email=next(iter(person.emails), None), internal=person.internal
        )
    return people


async def _names(tx: Connection, job: Job, wanted: Collection[Reference]) -> dict[Reference, str]:
    rows = await tx.fetch(
        f"""SELECT entity, source_id, payload ->> 'name' AS name FROM ({READ_LAST}) AS last
            WHERE payload ->> 'name' IS NOT NULL""",
        job.source_system,
        job.source_workspace,
        [entity for entity, _ in wanted],
        [source_id for _, source_id in wanted],
    )
    return {(row["entity"], row["source_id"]): row["name"] for row in rows}


async def _own_companies(tx: Connection, job: Job) -> frozenset[str]:
    # Also as read by earlier jobs, because a job may migrate only notes.
    rows = await tx.fetch(
        """SELECT DISTINCT source_id FROM reservations JOIN jobs ON jobs.id = job_id
           WHERE source_system = $1 AND source_workspace = $2 AND entity = 'companies' AND kind = 'value'
             AND value = ANY($3)""",
        job.source_system,
        job.source_workspace,
        await discovered_schema.own_domains(tx, job.id),
    )
    return frozenset(row["source_id"] for row in rows)
