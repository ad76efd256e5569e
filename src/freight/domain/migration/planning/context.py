"""The context of a chunk: what decisions about its records need from the database and the target.

Everything is looked up before anything is decided, so that deciding is pure: see `planning.plan`.
"""

from collections.abc import Mapping, Sequence, Set

import msgspec

from freight import database
from freight.connectors import registry
from freight.connectors.protocols import Draft, TargetRecord, Writer
from freight.domain.jobs.model import Job
from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning import merging, note_copies, references
from freight.domain.migration.planning.drafts import make_drafts
from freight.domain.migration.planning.lookup import find_matches
from freight.domain.migration.planning.matching import Matches
from freight.domain.migration.records import ledger
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import Staged
from freight.model import crm
from freight.model.crm import Note, Reference


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the chunk, with what is known about it."""

    staged: Staged
    draft: Draft
    known: LedgerEntry | None
    """Its ledger entry, if the record still goes to that target record."""
    is_read: bool = False
    """Whether the target was asked for the record in the ledger entry."""
    standing: TargetRecord | None = None
    """What the target answered; None if that record is gone."""


class ChunkContext(msgspec.Struct, frozen=True, kw_only=True):
    """What decisions about the records of a chunk need."""

    on_existing: OnExisting
    is_keyless: bool
    """Whether the target finds such records only through what they are attached to."""
    candidates: tuple[Candidate, ...]
    """The records, in the order of the chunk."""
    matches: Matches
    """Records of the target that match records without a ledger entry, or that hold unique values."""


async def look_up(job: Job, target: Writer, chunk: Sequence[Staged], *, references_only: bool) -> ChunkContext:
    """Look up what decisions about a chunk of one entity need: once in the ledger, at most twice in the target."""
    entity = crm.entity_of(chunk[0].record)
    is_keyless = entity in registry.target_role(job.target_system).keyless
    on_existing = "fill" if references_only and job.on_existing == "skip" else job.on_existing
    given = [staged.record for staged in chunk]
    async with database.as_tenant(job.tenant_id) as tx:
        held = await ledger.look_up(tx, job.pair, entity, note_copies.ledger_ids(given))
        related = await references.look_up(tx, job, given, held, references_only=references_only)
    drafts = await make_drafts(target, given, related, references_only=references_only)
    candidates = [
        Candidate(staged=staged, draft=draft, known=recognise(staged, draft, held))
        for staged, draft in zip(chunk, drafts, strict=True)
    ]
    candidates = await _with_standing(
        target, candidates, on_existing, references_only=references_only, is_keyless=is_keyless
    )
    to_find = [
        one.draft
        if not is_keyless
        else note_copies.narrowed(one.draft, related.older, in_flight=bool(one.staged.in_flight))
        for one in candidates
        if is_to_be_found(one, related.older, is_keyless=is_keyless)
    ]
    gaining = [one.draft for one in candidates if gains_unique_values(one, on_existing)]
    matches = await find_matches(job, target, entity, to_find, gaining)
    return ChunkContext(on_existing=on_existing, is_keyless=is_keyless, candidates=tuple(candidates), matches=matches)


async def _with_standing(
    target: Writer,
    candidates: Sequence[Candidate],
    on_existing: OnExisting,
    *,
    references_only: bool,
    is_keyless: bool,
) -> list[Candidate]:
    """Ask the target, with one call, for the records to compare."""
    to_read = {
        one.staged.id: one.known.target_id
        for one in candidates
        if one.known is not None
        and is_to_be_read(one, on_existing, references_only=references_only, is_keyless=is_keyless)
    }
    read = await target.read({to_read[one.staged.id]: one.draft for one in candidates if one.staged.id in to_read})
    standing = {record.id: record for record in read}
    return [
        msgspec.structs.replace(one, is_read=True, standing=standing.get(to_read[one.staged.id]))
        if one.staged.id in to_read
        else one
        for one in candidates
    ]


def recognise(staged: Staged, draft: Draft, held: Mapping[str, LedgerEntry]) -> LedgerEntry | None:
    """Return the ledger entry of a record, if the record still goes to that target record."""
    known = held.get(staged.source_id)
    if known is None:
        if isinstance(staged.record, Note) and draft.skip is None:
            return note_copies.known_copy(staged.record, draft, held)
        return None
    if draft.skip is not None:
        return known
    match draft.entity:
        case "notes":
            return note_copies.counted(known, draft, known.values)
        # An entry that goes to another list than before is not in the target yet.
        case "lists":
            return known if known.target_id == draft.container else None
        case "list_entries":
            return known if known.container in (None, draft.container) else None
        case _:
            return known


def is_to_be_read(candidate: Candidate, on_existing: OnExisting, *, references_only: bool, is_keyless: bool) -> bool:
    """Return whether to compare a record that has a ledger entry with the target's present state."""
    draft, known = candidate.draft, candidate.known
    if draft.skip is not None or known is None:
        return False
    if merging.differs(known, draft):
        return True
    if references_only or on_existing == "skip":
        return False
    # Where reading back takes a request per record, only records that may have to be written again are compared.
    return not is_keyless or (on_existing == "overwrite" and not draft.values.keys() <= draft.fixed)


def is_to_be_found(candidate: Candidate, older: Set[Reference], *, is_keyless: bool) -> bool:
    """Return whether the target may hold a record without a ledger entry. `older` are entries under its former ids."""
    draft = candidate.draft
    if draft.skip is not None or candidate.known is not None:
        return False
    if not is_keyless or candidate.staged.in_flight or not draft.parents:
        return True
    # Records that this job created have nothing attached by an earlier run without a ledger.
    return not older.isdisjoint({*draft.parents, *draft.places})


def gains_unique_values(candidate: Candidate, on_existing: OnExisting) -> bool:
    """Return whether an existing record may get unique values, which other records may hold."""
    draft, known, standing = candidate.draft, candidate.known, candidate.standing
    if known is None or standing is None or draft.entity == "list_entries":
        return False
    return any(
        slug in draft.values
        and (
            known.values.get(slug) != draft.values[slug]
            or (on_existing == "overwrite" and not set(values) <= set(map(str, standing.values.get(slug, []))))
        )
        for slug, values in draft.unique.items()
    )
