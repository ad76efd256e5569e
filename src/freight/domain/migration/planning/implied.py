"""Implied records, which the target creates by itself: predict them before the writes, and log each once."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from freight import database
from freight.connectors.protocols import Draft, Implied, Writer
from freight.database import Connection
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.plan import RecordPlan
from freight.domain.migration.records import reservations
from freight.domain.migration.records.reservations import Kind
from freight.domain.migration.records.results import Result
from freight.model.addresses import comparable
from freight.model.crm import Entity

FORESEEN: Kind = "foreseen"
"""Reserved before the write, so that a repeated attempt does not mistake what the first one caused for an existing
record."""
NAMED: Kind = "named"
"""Reserved with the log row, by the first record whose creation causes it."""
WRITTEN: Kind = "written"
"""Reserved in a dry run for values that a full run would have written by now."""


async def foresee(job: Job, target: Writer, plans: Sequence[RecordPlan]) -> list[RecordPlan]:
    """Return the plans of a chunk, each with the records that the target creates by itself because of it.

    Send one request for a chunk that creates records with values that no earlier chunk has looked up.
    """
    if not job.writes:
        await _note_written(job, target, plans)
    caused = {plan.staged.source_id: target.implied(plan.draft) for plan in plans if _creates(plan)}
    new: set[Implied] = set()
    for entity in sorted(target.makes):
        wanted = [(id_, one) for id_, implied in caused.items() for one in implied if one.entity == entity]
        new |= await _new(job, target, entity, wanted) if wanted else set()
    return [
        msgspec.structs.replace(plan, implied=tuple(one for one in caused.get(plan.staged.source_id, ()) if one in new))
        for plan in plans
    ]


async def name(tx: Connection, job: Job, results: Sequence[Result]) -> list[Result]:
    """Return results that will be stored, with an issue for each record that the target creates because of them.

    A record that several results cause is named once in a job, by the first of them that is stored.
    """
    caused = [(one, result.source_id) for result in results for one in result.implied]
    holders: dict[tuple[Entity, str], str] = {}
    for entity in sorted({one.entity for one, _ in caused}):
        wanted = [(_key(one), id_) for one, id_ in caused if one.entity == entity]
        held = await _reserved(tx, job, entity, NAMED, wanted)
        holders |= {(entity, value): id_ for value, id_ in held.items()}
    return [
        msgspec.structs.replace(
            result,
            issues=(
                *result.issues,
                *(one.issue for one in result.implied if holders[one.entity, _key(one)] == result.source_id),
            ),
        )
        for result in results
    ]


def _creates(plan: RecordPlan) -> bool:
    # The request of an interrupted attempt may have created the record, and the implied ones, already.
    return plan.write == "create" or (plan.staged.in_flight == "create" and plan.outcome == "created")


async def _note_written(job: Job, target: Writer, plans: Iterable[RecordPlan]) -> None:
    """Reserve the values by which a full run would find the records of these plans."""
    written: dict[Entity, list[tuple[str, str]]] = {}
    for plan in plans:
        if plan.draft.entity in target.makes and plan.write is not None:
            sent = plan.draft.values if plan.write == "create" else plan.values
            written.setdefault(plan.draft.entity, []).extend(
                (_key_of(slug, value), plan.staged.source_id)
                for slug in plan.draft.unique
                for value in map(str, sent.get(slug, []))
            )
    if written:
        async with database.as_tenant(job.tenant_id) as tx:
            for entity, wanted in written.items():
                await _reserved(tx, job, entity, WRITTEN, wanted)


async def _new(job: Job, target: Writer, entity: Entity, caused: Sequence[tuple[str, Implied]]) -> set[Implied]:
    """Return the records that the target does not have otherwise. `caused` has each with the id that causes it."""
    asked = {one for _, one in caused}
    async with database.as_tenant(job.tenant_id) as tx:
        keys = [_key(one) for one in asked]
        foreseen_keys = await reservations.holders(tx, job.id, entity, keys, kind=FORESEEN)
        written_keys = await reservations.holders(tx, job.id, entity, keys, kind=WRITTEN)
    foreseen = {one for one in asked if _key(one) in foreseen_keys}
    unknown = {one for one in asked - foreseen if _key(one) not in written_keys}
    standing = await _standing(target, entity, unknown) if unknown else set()
    new = {one for one in unknown if (one.slug, comparable(one.value)) not in standing}
    if new:
        async with database.as_tenant(job.tenant_id) as tx:
            await _reserved(tx, job, entity, FORESEEN, [(_key(one), id_) for id_, one in caused if one in new])
    return foreseen | new


async def _standing(target: Writer, entity: Entity, wanted: Iterable[Implied]) -> set[tuple[str, str]]:
    """Return which of the values records of the target have."""
    drafts = [
        Draft(entity=entity, source_id="", values={}, unique={one.slug: (one.value,)}, multiple=frozenset())
        for one in wanted
    ]
    return {
        (slug, comparable(str(value)))
        for record in await target.find(drafts)
        for slug, items in record.values.items()
        for value in items
    }


async def _reserved(
    tx: Connection, job: Job, entity: Entity, kind: Kind, wanted: Iterable[tuple[str, str]]
) -> Mapping[str, str]:
    return await reservations.reserve(tx, job.tenant_id, job.id, entity, wanted, kind=kind)


def _key(one: Implied) -> str:
    return _key_of(one.slug, one.value)


def _key_of(slug: str, value: str) -> str:
    return f"{slug} {comparable(value)}"
