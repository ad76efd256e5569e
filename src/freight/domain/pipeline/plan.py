"""Plan: what is to become of each record of a chunk. Nothing here writes to the target."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from freight import crm, database
from freight.connectors.protocols import Attributes, Draft, Issue, References, Target, TargetRecord
from freight.crm import Entity
from freight.database import Connection
from freight.domain import ledger, records
from freight.domain.job_requests import OnExisting
from freight.domain.jobs import Job
from freight.domain.ledger import Known
from freight.domain.pipeline import references
from freight.domain.records import Intent, Staged


class Plan(msgspec.Struct, frozen=True, kw_only=True):
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
    known: Known | None = None
    """What the ledger is to remember, before anything that a create or an update will add."""
    outcome: records.Outcome = "unchanged"
    """The outcome where nothing is sent."""
    issues: tuple[Issue, ...] = ()
    skip: Issue | None = None


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


INTERNAL_PERSON = Issue(
    level="info",
    code="internal_person",
    message="This person belongs to the firm itself: in the target such people are members of the workspace, who are "
    "invited there and not migrated.",
)

KEYLESS: tuple[Entity, ...] = ("notes", "tasks", "files")
"""Entities whose records the target can find only by way of what they are attached to, at a request for each."""


async def plan(job: Job, target: Target, chunk: Sequence[Staged], *, late: bool = False) -> list[Plan]:
    """Decide about every record of a chunk, all of one entity, with one look at the ledger and one at the target.

    `late` is for records that are planned again after all that they refer to has been loaded.
    """
    entity = crm.entity_of(chunk[0].record)
    async with database.as_tenant(job.tenant_id) as tx:
        known = await ledger.look_up(tx, job.pair, entity, [staged.source_id for staged in chunk])
        gathered = await references.gather(tx, job, [staged.record for staged in chunk], late=late)
        drafts = [(staged, _draft(target, staged.record, gathered, late=late)) for staged in chunk]
        unmatched = [
            (staged, draft) for staged, draft in drafts if draft.skip is None and staged.source_id not in known
        ]
        to_find = await _to_find(tx, job, entity, unmatched)
    changed = [draft for _, draft in drafts if draft.skip is None and _differs(known.get(draft.source_id), draft)]
    standing = (
        {found.id: found for found in await target.read({known[draft.source_id].target_id: draft for draft in changed})}
        if changed
        else {}
    )
    matches = await _Matches.find(job, target, entity, to_find)
    plans = []
    for staged, draft in drafts:
        entry = known.get(draft.source_id)
        if draft.skip is not None:
            target_id = None if entry is None else entry.target_id
            plans.append(_leave(staged, draft, target_id, issues=draft.issues, skip=draft.skip))
        elif entry is None:
            plans.append(matches.plan(staged, draft))
        elif not _differs(entry, draft):
            plans.append(_leave(staged, draft, entry.target_id, issues=draft.issues))
        else:
            plans.append(_plan_known(staged, draft, entry, standing.get(entry.target_id), job.on_existing))
    return plans


def _draft(target: Target, record: crm.Record, gathered: References, *, late: bool) -> Draft:
    if isinstance(record, crm.Person) and record.internal:
        return Draft(
            entity="people", source_id=record.id, values={}, unique={}, multiple=frozenset(), skip=INTERNAL_PERSON
        )
    draft = target.draft(record, gathered)
    if not late:
        return draft
    # What was to be said of all else has been logged when the record was planned first.
    all_to_come = msgspec.structs.replace(gathered, expected=frozenset(crm.references(record)))
    said = target.draft(record, all_to_come).issues
    return msgspec.structs.replace(draft, issues=tuple(issue for issue in draft.issues if issue not in said))


async def _to_find(tx: Connection, job: Job, entity: Entity, unmatched: Sequence[tuple[Staged, Draft]]) -> list[Draft]:
    """The drafts for which the target may hold a record that the ledger does not know."""
    unmatched = [(staged, draft) for staged, draft in unmatched if draft.skip is None]
    if entity not in KEYLESS:
        return [draft for _, draft in unmatched]
    # What Freight made itself holds nothing that an earlier, forgotten run attached to it.
    parents = {parent for _, draft in unmatched for parent in draft.parents}
    counterparts = await ledger.counterparts(tx, job.pair, parents)
    matched = {parent for parent, counterpart in counterparts.items() if counterpart.origin == "matched"}
    return [draft for staged, draft in unmatched if staged.in_flight or not matched.isdisjoint(draft.parents)]


def plan_update(
    staged: Staged,
    draft: Draft,
    drafted: Attributes,
    existing: TargetRecord,
    known: Known | None,
    on_existing: OnExisting,
) -> Plan:
    """Decide what to send to a record that exists in the target.

    `known` is what the ledger holds about it, None if it was only just matched.
    """
    base = known or Known(
        source_id=draft.source_id, target_id=existing.id, origin="matched", values={}, written=frozenset(), replaced={}
    )
    if on_existing == "skip":
        return _leave(staged, draft, existing.id, skip=SKIPPED_EXISTING)
    values: Attributes = {}
    kept: list[str] = []
    written = set(base.written)
    for attribute in sorted(_differing(base.values, draft.values)):
        wanted, current = draft.values.get(attribute, []), existing.values.get(attribute, [])
        if wanted == current:
            continue
        sent = _merged(wanted, current) if on_existing == "fill" and attribute in draft.multiple else wanted
        ours = not current or (attribute in base.written and current == base.values.get(attribute))
        if sent == current:
            continue
        if on_existing == "overwrite" or (wanted and (ours or attribute in draft.multiple)):
            values[attribute] = sent
            written.add(attribute)
        elif wanted:
            kept.append(attribute)
            written.discard(attribute)
    issues = list(draft.issues)
    issues += [
        Issue(
            level="info",
            code="kept_in_target",
            message=f"The target holds another value for {attribute}, which stays (on_existing is fill).",
            field=attribute,
        )
        for attribute in kept
    ]
    return Plan(
        staged=staged,
        draft=draft,
        drafted=drafted,
        write="update" if values else None,
        target_id=existing.id,
        values=values,
        known=msgspec.structs.replace(
            base,
            target_id=existing.id,
            values=drafted,
            written=frozenset(written),
            replaced={**{slug: existing.values.get(slug, []) for slug in values}, **base.replaced},
        ),
        outcome=_outcome_without_request(staged, base),
        issues=tuple(issues),
    )


class _Matches:
    """Records of the target that may be ones that the ledger does not know."""

    def __init__(self, found: Sequence[TargetRecord], drafts: Sequence[Draft], job: Job, staged_ids: set[str]) -> None:
        self._job = job
        self._staged_ids = staged_ids
        self._by_source_id = {record.source_id: record for record in reversed(found) if record.source_id is not None}
        slugs = {slug for draft in drafts for slug in draft.unique}
        self._by_value = {
            (slug, crm.normalise_claim(value)): record
            for record in reversed(found)
            for slug in slugs
            for value in map(str, record.values.get(slug, []))
        }

    @classmethod
    async def find(cls, job: Job, target: Target, entity: Entity, drafts: Sequence[Draft]) -> "_Matches":
        found = await target.find(drafts) if drafts else []
        ids = {record.source_id for record in found if record.source_id is not None}
        staged_ids: set[str] = set()
        if ids:
            async with database.as_tenant(job.tenant_id) as tx:
                staged_ids = await records.staged_ids(tx, job.id, entity, ids)
        return cls(found, drafts, job, staged_ids)

    def plan(self, staged: Staged, draft: Draft) -> Plan:
        match = self._match(draft)
        drafted = draft.values
        draft = self._without_values_of_others(draft, match)
        if match is None:
            return Plan(staged=staged, draft=draft, drafted=drafted, write="create", issues=draft.issues)
        if staged.in_flight == "create" and match.source_id == draft.source_id:
            # The request of an interrupted attempt did arrive.
            known = created(draft, drafted, match.id)
            return _leave(staged, draft, match.id, known=known, outcome="created", issues=draft.issues)
        return plan_update(staged, draft, drafted, match, None, self._job.on_existing)

    def _match(self, draft: Draft) -> TargetRecord | None:
        if (match := self._by_source_id.get(draft.source_id)) is not None:
            return match
        for slug, values in draft.unique.items():
            for value in values:
                match = self._holder(slug, value)
                if match is not None and not self._belongs_to_another(match, draft):
                    return match
        return None

    def _holder(self, slug: str, value: str) -> TargetRecord | None:
        return self._by_value.get((slug, crm.normalise_claim(value)))

    def _belongs_to_another(self, match: TargetRecord, draft: Draft) -> bool:
        # A record that carries the id of a source record which is gone may be taken over; of one that is not, never.
        return match.source_id != draft.source_id and match.source_id in self._staged_ids

    def _without_values_of_others(self, draft: Draft, match: TargetRecord | None) -> Draft:
        own = None if match is None else match.id
        if draft.entity == "list_entries":
            # A record may stand on a list several times: nothing is taken from one entry because of another.
            taken = any(self._holder(slug, value) for slug, values in draft.unique.items() for value in values)
            return msgspec.structs.replace(draft, unique={}) if taken and match is None else draft
        for slug, values in draft.unique.items():
            for value in values:
                holder = self._holder(slug, value)
                if holder is not None and holder.id != own:
                    draft = without_value(draft, slug, value, holder=holder.id)
        return draft


def _outcome_without_request(staged: Staged, known: Known) -> records.Outcome:
    if known.origin == "created" and not known.values:
        # Lists are made before the records about them are loaded.
        return "created"
    # An earlier attempt that was interrupted may have sent it all already.
    return "updated" if staged.in_flight == "update" else "unchanged"


def created(draft: Draft, drafted: Attributes, target_id: str) -> Known:
    """What the ledger is to remember of a record that Freight made."""
    return Known(
        source_id=draft.source_id,
        target_id=target_id,
        origin="created",
        values=drafted,
        written=frozenset(draft.values),
        replaced={},
    )


def without_written(known: Known, refused: Collection[str]) -> Known:
    """What the ledger is to remember after the target has refused these attributes."""
    return msgspec.structs.replace(
        known,
        written=known.written - set(refused),
        replaced={slug: items for slug, items in known.replaced.items() if slug not in refused},
    )


def without_value(draft: Draft, slug: str, value: str, *, holder: str | None = None) -> Draft:
    """The draft without a unique value that another record of the target holds, and with an issue that says so."""
    issue = Issue(
        code="held_by_another_record",
        message=f"{value} stands on another record of the target{f' ({holder})' if holder else ''}, which keeps it: it "
        "is allowed only once. This record is carried over without it.",
        field=slug,
        value=value,
    )
    return msgspec.structs.replace(
        draft,
        values=_without_items(draft.values, slug, value),
        unique={
            name: kept
            for name, values in draft.unique.items()
            if (kept := tuple(item for item in values if (name, item) != (slug, value)))
        },
        issues=(*draft.issues, issue),
    )


def without_attribute(draft: Draft, slug: str, reason: str) -> Draft:
    """The draft without an attribute that the target refused, and with an issue that quotes why."""
    issue = Issue(
        code="refused_by_target",
        message=f"The target refused the value of {slug}, so the record is carried over without it: {reason}",
        field=slug,
        value=database.jsonb(draft.values.get(slug, [])),
    )
    return msgspec.structs.replace(
        draft,
        values={name: items for name, items in draft.values.items() if name != slug},
        unique={name: values for name, values in draft.unique.items() if name != slug},
        issues=(*draft.issues, issue),
    )


def _leave(
    staged: Staged,
    draft: Draft,
    target_id: str | None,
    *,
    known: Known | None = None,
    outcome: records.Outcome = "unchanged",
    issues: tuple[Issue, ...] = (),
    skip: Issue | None = None,
) -> Plan:
    return Plan(
        staged=staged, draft=draft, drafted=draft.values, write=None, target_id=target_id, known=known, outcome=outcome,
        issues=issues, skip=skip,
    )  # fmt: skip


def _plan_known(
    staged: Staged, draft: Draft, known: Known, existing: TargetRecord | None, on_existing: OnExisting
) -> Plan:
    if existing is None:
        return _leave(staged, draft, known.target_id, skip=DELETED_IN_TARGET)
    return plan_update(staged, draft, draft.values, existing, known, on_existing)


def _differs(known: Known | None, draft: Draft) -> bool:
    return known is not None and bool(_differing(known.values, draft.values))


def _differing(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    return {slug for slug in before.keys() | after.keys() if before.get(slug) != after.get(slug)}


def _merged(wanted: list[object], current: list[object]) -> list[object]:
    # What stands there stays in front: the first address of a person is the primary one.
    return [*current, *(item for item in wanted if item not in current)]


def _without_items(values: Attributes, slug: str, value: str) -> Attributes:
    kept = [item for item in values.get(slug, []) if item != value]
    return {name: (kept if name == slug else items) for name, items in values.items() if name != slug or kept}
