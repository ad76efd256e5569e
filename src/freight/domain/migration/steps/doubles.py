"""Doubles: duplicate records in the target, created by a request that seemed to have had no effect.

Records that were sent twice are looked for once more at the end of their batch. A record in the target other than the
one in the ledger came from one of Freight's own requests, because there was none before the second one: it is removed.
"""

from collections.abc import Mapping, Sequence

from freight import database
from freight.connectors.errors import NotFound, PermissionMissing, Rejected
from freight.connectors.protocols import Draft, Issue, TargetRecord, Writer
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.chunks import plan_each
from freight.domain.migration.planning.note_copies import place_of
from freight.domain.migration.records import in_flight, leases, ledger, logs, reservations
from freight.domain.migration.records.batches import Batch
from freight.domain.migration.records.leases import Lease
from freight.domain.migration.records.logs import Entry
from freight.domain.migration.records.records import Staged
from freight.model import crm
from freight.model.crm import note_of

CHUNK = 100

LOOK = 1 / 6
"""How long after a second request doubles are looked for, as a fraction of the time before it was sent."""

DIFFERENT = "it may be a record that a person created or changed"


async def remove(job: Job, batch: Batch, lease: Lease, target: Writer) -> None:
    """Remove the doubles of a batch from the target, and log each. Raise any `ConnectorError`."""
    async with database.as_tenant(job.tenant_id) as tx:
        found = await in_flight.perhaps_doubled(tx, job.id, batch.entity, batch.positions)
    for start in range(0, len(found), CHUNK):
        chunk = found[start : start + CHUNK]
        entries = await _remove(job, target, [staged for staged, _ in chunk], {s.source_id: id_ for s, id_ in chunk})
        async with database.as_tenant(job.tenant_id) as tx:
            await leases.check(tx, lease)
            await in_flight.clear_doubts(tx, [staged.id for staged, _ in chunk])
            await logs.write(tx, job.tenant_id, job.id, entries)


async def _remove(job: Job, target: Writer, chunk: Sequence[Staged], own_ids: Mapping[str, str]) -> list[Entry]:
    plans, _ = await plan_each(job, target, chunk)
    drafts = [plan.draft for plan in plans if plan.draft.skip is None]
    found = {record.id: record for record in (await target.find(drafts) if drafts else [])}
    entity = crm.entity_of(chunk[0].record)
    async with database.as_tenant(job.tenant_id) as tx:
        reserved = await reservations.holders(tx, job.id, entity, list(found), kind="target_record")
        known = {*await ledger.owners(tx, job.pair, entity, list(found)), *reserved, *own_ids.values()}
        alike = await in_flight.with_equals(tx, job.id, [staged.id for staged in chunk]) if entity == "files" else set()
    free = [record for record in found.values() if record.id not in known]
    entries: list[Entry] = []
    for draft in drafts:
        own = found.get(own_ids[draft.source_id])
        for record in free:
            if own is not None and _is_of(record, draft, own):
                is_certain = _says_the_same(record, draft, own) and draft.source_id not in alike
                issue = await _removed(target, draft, own, record) if is_certain else _left(own, record, DIFFERENT)
                entries.append(Entry(issue=issue, entity=entity, source_id=draft.source_id))
    return entries


def _is_of(record: TargetRecord, draft: Draft, own: TargetRecord) -> bool:
    """Return whether a record of the target has the provenance of this source record."""
    if draft.entity == "notes" and record.source_id is not None:
        # A note on another record is another copy.
        is_at_own_place = place_of(record.values, draft) == place_of(own.values, draft)
        return note_of(record.source_id) == note_of(draft.source_id) and is_at_own_place
    return record.source_id == draft.source_id


def _says_the_same(record: TargetRecord, draft: Draft, own: TargetRecord) -> bool:
    """Return whether a record holds nothing that was added to it later."""
    return all(slug not in record.values or _alike(record, own, slug) for slug in draft.values)


def _alike(record: TargetRecord, own: TargetRecord, slug: str) -> bool:
    return record.values.get(slug) == own.values.get(slug)


async def _removed(target: Writer, draft: Draft, own: TargetRecord, double: TargetRecord) -> Issue:
    try:
        await target.delete(draft, double.id)
    except NotFound:
        pass
    except (Rejected, PermissionMissing) as error:
        return _left(own, double, f"it could not be removed: {error}")
    return Issue(
        level="info",
        code="double_removed",
        message=f"A request to create this record that seemed to have failed took effect later, so the target held it "
        f"twice. Freight removed {double.id} and kept {own.id}.",
        value=double.id,
    )


def _left(own: TargetRecord, double: TargetRecord, why: str) -> Issue:
    return Issue(
        code="double_not_removed",
        message=f"A request to create this record that seemed to have failed may have taken effect later: the "
        f"target holds {double.id} in addition to {own.id}. Freight left it there, because {why.removesuffix('.')}. "
        "Compare the two in the target and delete the one that you do not want.",
        value=double.id,
    )
