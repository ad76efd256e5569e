"""Plan: decide what to do with one record, given what is known about it and about its chunk. Pure."""

from collections.abc import Collection

import msgspec

from freight.connectors.protocols import Attributes, Draft, Implied, Issue, TargetRecord
from freight.domain.jobs.requests import OnExisting
from freight.domain.migration.planning import merging, note_copies
from freight.domain.migration.planning.context import Candidate, ChunkContext
from freight.domain.migration.records import records
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import Intent, Staged


class RecordPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with one record."""

    staged: Staged
    draft: Draft
    """The values that can be written."""
    drafted: Attributes
    """All drafted values, also those that another record of the target holds."""
    write: Intent | None
    """The request to send, None for none."""
    target_id: str | None = None
    values: Attributes = {}
    """The values that an update sends."""
    standing: Attributes = {}
    """The target's values in the attributes that an update sends."""
    untouched: frozenset[str] = frozenset()
    """Those of these attributes that hold what Freight itself wrote."""
    known: LedgerEntry | None = None
    """The ledger entry to store, before the additions of a create or an update."""
    outcome: records.Outcome = "unchanged"
    """The outcome if nothing is sent; `created` for an update that completes what an earlier request created."""
    issues: tuple[Issue, ...] = ()
    skip: Issue | None = None
    implied: tuple[Implied, ...] = ()
    """The records that the target creates by itself if this creates a record."""


SKIPPED_EXISTING = Issue(
    level="info",
    code="exists_in_target",
    message="This record exists in the target, and the job does not change existing records (on_existing is skip).",
)
DELETED_IN_TARGET = Issue(
    code="deleted_in_target",
    message="An earlier job migrated this record and it was then deleted in the target, so it is not created again. "
    "Restore or recreate it there if you need it.",
)


def plan_record(candidate: Candidate, context: ChunkContext) -> RecordPlan:
    """Return the plan for a record: create it, update the record of the target that it is, leave it, or skip it."""
    staged, draft, known = candidate.staged, candidate.draft, candidate.known
    if draft.skip is not None:
        target_id = None if known is None else known.target_id
        return _leave(staged, draft, target_id, issues=draft.issues, skip=draft.skip)
    if known is None:
        return _plan_unknown(staged, draft, context)
    if candidate.is_read:
        return _plan_known(staged, draft, known, candidate.standing, context)
    return _plan_unread(staged, draft, known, context.on_existing)


def plan_update(
    staged: Staged,
    draft: Draft,
    drafted: Attributes,
    existing: TargetRecord,
    known: LedgerEntry | None,
    on_existing: OnExisting,
) -> RecordPlan:
    """Decide what to send to a record that exists in the target.

    `known` is its ledger entry, None if it has just been matched.
    """
    base = known or _matched(draft, existing)
    made_for_it = base.origin == "created" and not base.values
    if on_existing == "skip" and not made_for_it:
        return _leave(staged, draft, existing.id, known=base, skip=SKIPPED_EXISTING)
    # Freight itself wrote what an interrupted attempt sent and what a list was created with.
    interrupted = staged.in_flight == "update" or made_for_it
    merged = merging.merge(draft, drafted, existing, base, on_existing, interrupted=interrupted)
    standing = {slug: existing.values.get(slug, []) for slug in merged.sent}
    learned = msgspec.structs.replace(
        base,
        target_id=existing.id,
        values=merged.values,
        written=merged.written,
        kept=merged.kept,
        # The values before Freight first wrote to the attribute.
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
    """Return a ledger entry for a record of the target that has just been matched."""
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


def _plan_unknown(staged: Staged, draft: Draft, context: ChunkContext) -> RecordPlan:
    """Plan a record without a ledger entry: create it, or update the record that matches it."""
    match = context.matches.of(draft)
    if match is not None and draft.for_copy is not None:
        draft = draft.for_copy(match.values)
    drafted = draft.values
    draft = context.matches.without_values_of_others(draft, None if match is None else match.id)
    if match is None:
        return RecordPlan(staged=staged, draft=draft, drafted=drafted, write="create", issues=draft.issues)
    if staged.in_flight == "create" and match.source_id == draft.source_id:
        # The request of an interrupted attempt took effect.
        known = created(draft, drafted, match)
        if missing := lost(draft, match, is_keyless=context.is_keyless):
            return RecordPlan(
                staged=staged, draft=draft, drafted=drafted, write="update", target_id=match.id, values=missing,
                known=known, outcome="created", issues=draft.issues,
            )  # fmt: skip
        return _leave(staged, draft, match.id, known=known, outcome="created", issues=draft.issues)
    planned = plan_update(staged, draft, drafted, match, None, context.on_existing)
    further = note_copies.further_copies(draft, context.matches.found, match.id) if draft.entity == "notes" else []
    return msgspec.structs.replace(planned, issues=(*planned.issues, *further))


def _plan_unread(staged: Staged, draft: Draft, known: LedgerEntry, on_existing: OnExisting) -> RecordPlan:
    if on_existing == "skip":
        # Records that are not changed get no references later either.
        draft = msgspec.structs.replace(draft, slots=())
    learned = known if known.formerly is not None else None
    return _leave(staged, draft, known.target_id, known=learned, issues=draft.issues)


def _plan_known(
    staged: Staged, draft: Draft, known: LedgerEntry, standing: TargetRecord | None, context: ChunkContext
) -> RecordPlan:
    if standing is None:
        return _leave(staged, draft, known.target_id, skip=DELETED_IN_TARGET)
    left = context.matches.without_values_of_others(draft, known.target_id)
    return plan_update(staged, left, draft.values, standing, known, context.on_existing)


def _outcome_without_request(staged: Staged, known: LedgerEntry) -> records.Outcome:
    if known.origin == "created" and not known.values:
        # Lists are created before their records are loaded.
        return "created"
    # An earlier, interrupted attempt may have sent everything.
    return "updated" if staged.in_flight == "update" else "unchanged"


def created(draft: Draft, drafted: Attributes, record: TargetRecord) -> LedgerEntry:
    """Return the ledger entry of a record that Freight created, as the target shows it."""
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
                if items and slug not in draft.values and slug in {*draft.migrated, *draft.on_create}
            },
            **merging.shown_otherwise(draft.values, record.values),
        },
        refused=merging.not_taken(drafted, draft.values),
        container=draft.container,
    )


def updated(plan: RecordPlan, draft: Draft, sent: Attributes, record: TargetRecord | None) -> LedgerEntry | None:
    """Return the ledger entry after an update.

    `draft` is the part of the plan's draft that the target accepted. `record` is its present state, None if nothing was
    left to send.
    """
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


def lost(draft: Draft, record: TargetRecord, *, is_keyless: bool) -> Attributes:
    """Return what a record lacks that was created from this draft by a request without a response.

    After a response, the connector checks what the target has kept; without one, a task may have lost its links.
    """
    if not is_keyless:
        return {}
    return {
        slug: items for slug, items in draft.values.items() if slug not in record.values and slug not in draft.fixed
    }


def without_written(known: LedgerEntry, refused: Collection[str], plan: RecordPlan) -> LedgerEntry:
    """Return the ledger entry after the target has refused these attributes of the plan."""
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
