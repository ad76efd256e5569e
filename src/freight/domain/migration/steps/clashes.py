"""Clashes: a created record turned out to be another source record's, and overwrote its values.

Matching finds every value that two records share and that Freight compares as the target does. The rest are values that
the target treats as equal and Freight does not.
"""

import msgspec

from freight import database
from freight.connectors.protocols import Attributes, Draft, Issue
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.drafts import without_value
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import ledger, results
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.results import Clash, Result
from freight.domain.migration.steps.write import RecordWriter
from freight.model import crm

MERGED = "merged_in_target"


async def part(job: Job, writer: RecordWriter, plan: RecordPlan, clash: Clash) -> tuple[Result, list[Entry]]:
    """Restore the first record's values, and create the second record again without the values that both share.

    Return the result of the second, and the log entry about the first. Safe to repeat.
    """
    restored = await _restore(job, writer, plan, clash)
    draft = _without_shared(plan.draft, clash.target_id)
    if draft is plan.draft:
        return merged(clash), restored
    again = msgspec.structs.replace(plan, draft=draft, issues=draft.issues)
    return await writer.write(again), restored


async def restore(job: Job, writer: RecordWriter, plan: RecordPlan, clash: Clash) -> tuple[Result, list[Entry]]:
    """Restore the first record's values, and fail the second record, which the target cannot distinguish from it."""
    return merged(clash), await _restore(job, writer, plan, clash)


def merged(clash: Clash) -> Result:
    """Return the result of a record that the target does not distinguish from another one."""
    message = (
        f"The target treats this record as the source record {clash.owner}: it answered with that one's target record "
        f"{clash.target_id}, so this record is not migrated. Merge the two at the source, or change what they share, "
        "and run the job again."
    )
    return results.failed(clash.result, code=MERGED, message=message)


async def _restore(job: Job, writer: RecordWriter, plan: RecordPlan, clash: Clash) -> list[Entry]:
    async with database.as_tenant(job.tenant_id) as tx:
        known = (await ledger.look_up(tx, job.pair, plan.draft.entity, [clash.owner])).get(clash.owner)
    sent = {**plan.draft.values, **plan.draft.on_create}
    values, unknown = ({}, sorted(sent)) if known is None else _standing_before(known, sent)
    issues: tuple[Issue, ...] = ()
    if values:
        result = await writer.write(_plan_to_restore(plan, clash, values))
        issues = result.issues
    entity = crm.entity_of(plan.staged.record)
    told = Issue(
        level="warning" if unknown or issues else "info",
        code="restored_after_overwrite",
        message=_told(clash, unknown),
        value=clash.target_id,
    )
    return [Entry(issue=issue, entity=entity, source_id=clash.owner) for issue in (told, *issues)]


def _standing_before(known: LedgerEntry, sent: Attributes) -> tuple[Attributes, list[str]]:
    """Return the former values of the attributes, and the attributes whose former values are unknown."""
    values: Attributes = {}
    unknown: list[str] = []
    for slug in sent:
        if slug in known.written:
            values[slug] = known.values.get(slug, [])
        elif slug in known.given:
            values[slug] = known.given[slug]
        elif known.origin == "created" and slug not in known.kept:
            values[slug] = []
        else:
            unknown.append(slug)
    return values, sorted(unknown)


def _plan_to_restore(plan: RecordPlan, clash: Clash, values: Attributes) -> RecordPlan:
    draft = Draft(
        entity=plan.draft.entity,
        source_id=clash.owner,
        values=values,
        unique={slug: tuple(map(str, values[slug])) for slug in plan.draft.unique if slug in values},
        multiple=plan.draft.multiple,
        parents=plan.draft.parents,
        container=plan.draft.container,
    )
    return RecordPlan(
        staged=plan.staged, draft=draft, drafted=values, write="update", target_id=clash.target_id, values=values
    )


def _without_shared(draft: Draft, holder: str) -> Draft:
    if draft.entity == "list_entries":
        return msgspec.structs.replace(draft, unique={}) if draft.unique else draft
    for slug, values in draft.unique.items():
        for value in values:
            draft = without_value(draft, slug, value, holder=holder)
    return draft


def _told(clash: Clash, unknown: list[str]) -> str:
    message = (
        f"The target treated the source record {clash.result.source_id} as this one and wrote its values to the target "
        f"record {clash.target_id}. Freight has restored the values of this record there."
    )
    if unknown:
        message += f" The former values of {', '.join(unknown)} are not known: check these by hand."
    return message
