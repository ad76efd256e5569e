"""Plan: what is to become of each record of a chunk. Nothing here writes to the target."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

import msgspec

from freight import database
from freight.connectors.protocols import Attributes, Draft, Implied, Issue, References, TargetRecord, Writer
from freight.database import Connection
from freight.domain.jobs.model import Job
from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning import merging, note_copies, references
from freight.domain.migration.planning.drafts import make_draft
from freight.domain.migration.planning.matching import Matches
from freight.domain.migration.records import ledger, records
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import Intent, Staged
from freight.model import crm
from freight.model.crm import Entity


class RecordPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of one record."""

    staged: Staged
    draft: Draft
    """What can be written of it."""
    drafted: Attributes
    """All that was drafted, also values that another record of the target holds."""
    write: Intent | None
    """The request to send; None if the target needs none."""
    target_id: str | None = None
    values: Attributes = {}
    """What an update sends."""
    standing: Attributes = {}
    """What the target holds in the attributes that an update sends."""
    untouched: frozenset[str] = frozenset()
    """Those of them that hold what Freight itself wrote."""
    known: LedgerEntry | None = None
    """What the ledger is to remember, before anything that a create or an update will add."""
    outcome: records.Outcome = "unchanged"
    """The outcome where nothing is sent; `created` for an update that completes what an earlier request created."""
    issues: tuple[Issue, ...] = ()
    skip: Issue | None = None
    implied: tuple[Implied, ...] = ()
    """What the target makes by itself if this creates a record."""


SKIPPED_EXISTING = Issue(
    level="info",
    code="exists_in_target",
    message="The target has this record already, and the job leaves existing records alone (on_existing is skip).",
)
DELETED_IN_TARGET = Issue(
    code="deleted_in_target",
    message="Freight carried this record over earlier and somebody deleted it in the target since, so it is not made "
    "again. Restore or recreate it there if it is wanted.",
)


LONG_TEXT = 5_000
"""Characters of a note from which on a thread drafts it."""

KEYLESS: tuple[Entity, ...] = ("notes", "tasks", "files")
"""Entities whose records the target can find only by way of what they are attached to, at a request for each, and
read back only one by one."""


async def plan(job: Job, target: Writer, chunk: Sequence[Staged], *, late: bool = False) -> list[RecordPlan]:
    """Decide about every record of a chunk, all of one entity, with one look at the ledger and two at the target.

    `late` is for records that this job has carried and that are planned again, for the sake of their references
    alone, after all that they refer to has been loaded.
    """
    entity = crm.entity_of(chunk[0].record)
    on_existing = "fill" if late and job.on_existing == "skip" else job.on_existing
    given = [staged.record for staged in chunk]
    async with database.as_tenant(job.tenant_id) as tx:
        held = await ledger.look_up(tx, job.pair, entity, note_copies.ledger_ids(given))
        gathered = await references.gather(tx, job, given, late=late)
        drafts = []
        for staged in chunk:
            # Other records' requests, which must leave on time, do not wait for a whole chunk or a long text.
            if isinstance(staged.record, crm.Note) and len(staged.record.content) > LONG_TEXT:
                draft = await asyncio.to_thread(make_draft, target, staged.record, gathered, late=late)
            else:
                draft = make_draft(target, staged.record, gathered, late=late)
                await asyncio.sleep(0)
            drafts.append((staged, draft))
        known = {
            draft.source_id: entry for staged, draft in drafts if (entry := _recognise(staged, draft, held)) is not None
        }
        unmatched = [
            (staged, draft) for staged, draft in drafts if draft.skip is None and staged.source_id not in known
        ]
        to_find = await _to_find(tx, job, entity, unmatched)
    to_read = {
        draft.source_id: draft
        for _, draft in drafts
        if draft.skip is None
        and (entry := known.get(draft.source_id)) is not None
        and _is_to_be_read(entry, draft, on_existing, late=late)
    }
    read = await target.read({known[source_id].target_id: draft for source_id, draft in to_read.items()})
    standing = {record.id: record for record in read}
    gaining = [
        draft
        for source_id, draft in to_read.items()
        if (existing := standing.get(known[source_id].target_id)) is not None
        and _gains_unique_values(known[source_id], draft, existing, on_existing)
    ]
    matches = await Matches.find(job, target, entity, to_find, gaining)
    plans = []
    for staged, draft in drafts:
        await asyncio.sleep(0)
        entry = known.get(draft.source_id)
        if draft.skip is not None:
            target_id = None if entry is None else entry.target_id
            plans.append(_leave(staged, draft, target_id, issues=draft.issues, skip=draft.skip))
        elif entry is None:
            if entity == "notes" and (match := matches.of(draft)) is not None:
                draft = _draft_again(target, staged, gathered, match, late=late)
            plans.append(_plan_unknown(staged, draft, matches, on_existing))
        elif draft.source_id in to_read:
            plans.append(_plan_known(staged, draft, entry, standing.get(entry.target_id), matches, on_existing))
        else:
            plans.append(_plan_unread(staged, draft, entry, on_existing))
    return plans


def _recognise(staged: Staged, draft: Draft, held: Mapping[str, LedgerEntry]) -> LedgerEntry | None:
    """Return what the ledger knows of a record, if that still is what the record goes to."""
    known = held.get(staged.source_id)
    if known is None:
        is_note = isinstance(staged.record, crm.Note) and draft.skip is None
        return note_copies.known_copy(staged.record, draft, held) if is_note else None  # type: ignore[arg-type]
    if draft.skip is not None:
        return known
    match draft.entity:
        case "notes":
            return note_copies.counted(known, draft, known.values)
        # What goes to another list than the last time is not in the target yet.
        case "lists":
            return known if known.target_id == draft.container else None
        case "list_entries":
            return known if known.container in (None, draft.container) else None
        case _:
            return known


def _is_to_be_read(known: LedgerEntry, draft: Draft, on_existing: OnExisting, *, late: bool) -> bool:
    """Whether to compare a record with what the target holds of it now."""
    if merging.differs(known, draft):
        return True
    if late or on_existing == "skip":
        return False
    # What is read back at a request for each record is compared where the job may have to write it again.
    return draft.entity not in KEYLESS or (on_existing == "overwrite" and not draft.values.keys() <= draft.fixed)


def _draft_again(target: Writer, staged: Staged, gathered: References, match: TargetRecord, *, late: bool) -> Draft:
    """Return the draft of a note for the copy of it that the target holds: on the record on which that one hangs."""
    known = msgspec.structs.replace(gathered, copies={staged.source_id: (match.values,)})
    return make_draft(target, staged.record, known, late=late)


def _gains_unique_values(known: LedgerEntry, draft: Draft, existing: TargetRecord, on_existing: OnExisting) -> bool:
    """Whether the record may be given unique values, which other records may hold."""
    return draft.entity != "list_entries" and any(
        slug in draft.values
        and (
            known.values.get(slug) != draft.values[slug]
            or (on_existing == "overwrite" and not set(values) <= set(map(str, existing.values.get(slug, []))))
        )
        for slug, values in draft.unique.items()
    )


async def _to_find(tx: Connection, job: Job, entity: Entity, unmatched: Sequence[tuple[Staged, Draft]]) -> list[Draft]:
    """The drafts for which the target may hold a record that the ledger does not know."""
    unmatched = [(staged, draft) for staged, draft in unmatched if draft.skip is None]
    if entity not in KEYLESS:
        return [draft for _, draft in unmatched]
    # What this job has made holds nothing that an earlier, forgotten run attached to it.
    parents = {parent for _, draft in unmatched for parent in (*draft.parents, *draft.places)}
    older = await references.older(tx, job, parents)
    return [
        note_copies.narrowed(draft, older, in_flight=staged.in_flight is not None)
        for staged, draft in unmatched
        if staged.in_flight or not draft.parents or not older.isdisjoint({*draft.parents, *draft.places})
    ]


def plan_update(
    staged: Staged,
    draft: Draft,
    drafted: Attributes,
    existing: TargetRecord,
    known: LedgerEntry | None,
    on_existing: OnExisting,
) -> RecordPlan:
    """Decide what to send to a record that exists in the target.

    `known` is what the ledger holds about it, None if it was only just matched.
    """
    base = known or _matched(draft, existing)
    made_for_it = base.origin == "created" and not base.values
    if on_existing == "skip" and not made_for_it:
        return _leave(staged, draft, existing.id, known=base, skip=SKIPPED_EXISTING)
    # What an interrupted attempt sent, or what a list was made with, Freight itself wrote.
    interrupted = staged.in_flight == "update" or made_for_it
    merged = merging.merge(draft, drafted, existing, base, on_existing, interrupted=interrupted)
    standing = {slug: existing.values.get(slug, []) for slug in merged.sent}
    learned = msgspec.structs.replace(
        base,
        target_id=existing.id,
        values=merged.values,
        written=merged.written,
        kept=merged.kept,
        # What stood there before Freight first wrote to it.
        replaced={**standing, **base.replaced},
        refused=merged.refused,
        container=draft.container,
    )
    nothing_new = not merged.sent and learned == known and learned.formerly is None
    return RecordPlan(
        staged=staged,
        draft=draft,
        drafted=drafted,
        write="update" if merged.sent else None,
        target_id=existing.id,
        values=merged.sent,
        standing=standing,
        untouched=merged.untouched,
        known=None if nothing_new else learned,
        outcome=_outcome_without_request(staged, base),
        issues=(*draft.issues, *merged.issues),
    )


def _matched(draft: Draft, existing: TargetRecord) -> LedgerEntry:
    """What is known of a record of the target that was matched just now."""
    known = LedgerEntry(
        source_id=draft.source_id,
        target_id=existing.id,
        origin="matched",
        values={},
        written=frozenset(draft.alike),
        replaced={},
        container=draft.container,
    )
    return note_copies.counted(known, draft, existing.values)


def _plan_unknown(staged: Staged, draft: Draft, matches: Matches, on_existing: OnExisting) -> RecordPlan:
    match = matches.of(draft)
    drafted = draft.values
    draft = matches.without_values_of_others(draft, None if match is None else match.id)
    if match is None:
        return RecordPlan(staged=staged, draft=draft, drafted=drafted, write="create", issues=draft.issues)
    if staged.in_flight == "create" and match.source_id == draft.source_id:
        # The request of an interrupted attempt did arrive.
        known = created(draft, drafted, match)
        if missing := lost(draft, match):
            return RecordPlan(
                staged=staged, draft=draft, drafted=drafted, write="update", target_id=match.id, values=missing,
                known=known, outcome="created", issues=draft.issues,
            )  # fmt: skip
        return _leave(staged, draft, match.id, known=known, outcome="created", issues=draft.issues)
    planned = plan_update(staged, draft, drafted, match, None, on_existing)
    further = note_copies.further_copies(draft, matches.found, match.id) if draft.entity == "notes" else []
    return msgspec.structs.replace(planned, issues=(*planned.issues, *further))


def _plan_unread(staged: Staged, draft: Draft, known: LedgerEntry, on_existing: OnExisting) -> RecordPlan:
    if on_existing == "skip":
        # Nothing is added later to what is left alone.
        draft = msgspec.structs.replace(draft, pending=())
    learned = known if known.formerly is not None else None
    return _leave(staged, draft, known.target_id, known=learned, issues=draft.issues)


def _plan_known(
    staged: Staged,
    draft: Draft,
    known: LedgerEntry,
    existing: TargetRecord | None,
    matches: Matches,
    on_existing: OnExisting,
) -> RecordPlan:
    if existing is None:
        return _leave(staged, draft, known.target_id, skip=DELETED_IN_TARGET)
    left = matches.without_values_of_others(draft, known.target_id)
    return plan_update(staged, left, draft.values, existing, known, on_existing)


def _outcome_without_request(staged: Staged, known: LedgerEntry) -> records.Outcome:
    if known.origin == "created" and not known.values:
        # Lists are made before the records about them are loaded.
        return "created"
    # An earlier attempt that was interrupted may have sent it all already.
    return "updated" if staged.in_flight == "update" else "unchanged"


def created(draft: Draft, drafted: Attributes, record: TargetRecord) -> LedgerEntry:
    """What the ledger is to remember of a record that Freight made, as the target shows it."""
    return LedgerEntry(
        source_id=draft.source_id,
        target_id=record.id,
        origin="created",
        values=drafted,
        written=frozenset(draft.values),
        replaced={},
        given={
            **{
                slug: items
                for slug, items in record.values.items()
                if items and slug not in draft.values and slug in {*draft.carried, *draft.on_create}
            },
            **merging.shown_otherwise(draft.values, record.values),
        },
        refused=merging.not_taken(drafted, draft.values),
        container=draft.container,
    )


def updated(plan: RecordPlan, draft: Draft, sent: Attributes, record: TargetRecord | None) -> LedgerEntry | None:
    """What the ledger is to remember once an update was sent: of the plan's draft, `draft` is what the target took,
    and `record` is what it holds now; None if nothing was left to send."""
    if plan.known is None:
        return None
    known = without_written(plan.known, plan.values.keys() - sent.keys(), plan)
    shown = {} if record is None else merging.shown_otherwise(sent, record.values)
    lost = merging.not_taken(plan.draft.values, draft.values)
    return msgspec.structs.replace(
        known,
        given={**{slug: items for slug, items in known.given.items() if slug not in sent}, **shown},
        refused={**known.refused, **{slug: [*known.refused.get(slug, []), *items] for slug, items in lost.items()}},
    )


def lost(draft: Draft, record: TargetRecord) -> Attributes:
    """Return what a record lacks that was made from this draft by a request without an answer.

    A target that answers checks what it has kept; of one that does not, a task may have lost its links.
    """
    if draft.entity not in KEYLESS:
        return {}
    return {
        slug: items for slug, items in draft.values.items() if slug not in record.values and slug not in draft.fixed
    }


def without_written(known: LedgerEntry, refused: Collection[str], plan: RecordPlan) -> LedgerEntry:
    """What the ledger is to remember after the target has refused these attributes of the plan's."""
    return msgspec.structs.replace(
        known,
        written=known.written - set(refused),
        given={**known.given, **{slug: plan.standing[slug] for slug in plan.untouched.intersection(refused)}},
        replaced={slug: items for slug, items in known.replaced.items() if slug not in refused},
    )


def _leave(
    staged: Staged,
    draft: Draft,
    target_id: str | None,
    *,
    known: LedgerEntry | None = None,
    outcome: records.Outcome = "unchanged",
    issues: tuple[Issue, ...] = (),
    skip: Issue | None = None,
) -> RecordPlan:
    return RecordPlan(
        staged=staged, draft=draft, drafted=draft.values, write=None, target_id=target_id, known=known, outcome=outcome,
        issues=issues, skip=skip,
    )  # fmt: skip
