"""Lookup: ask the target, the ledger and the reservations what `matching` has to know, and reserve what it assigns."""

from collections.abc import Sequence

from freight import database
from freight.connectors.protocols import Draft, Target, TargetRecord
from freight.database import Connection
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.matching import Matches, TargetIndex, assign
from freight.domain.migration.records import ledger, records, reservations
from freight.model.crm import Entity


async def find_matches(
    job: Job, target: Target, entity: Entity, unmatched: Sequence[Draft], matched: Sequence[Draft] = ()
) -> Matches:
    """Look for the `unmatched` drafts, and for the records that hold unique values of these or of the `matched`."""
    drafts = [*unmatched, *matched]
    found = await target.find(drafts) if drafts else []
    if not found:
        return Matches(TargetIndex([], (), owners={}, staged_ids=()), {})
    slugs = {slug for draft in drafts for slug in draft.unique}
    async with database.as_tenant(job.tenant_id) as tx:
        owners = await ledger.owners(tx, job.pair, entity, [record.id for record in found])
        carried = {record.source_id for record in found if record.source_id is not None}
        staged_ids = await records.staged_ids(tx, job.id, entity, {*carried, *owners.values()})
        index = TargetIndex(found, slugs, owners=owners, staged_ids=staged_ids)
        return Matches(index, await _reserved(tx, job, entity, unmatched, index))


async def find_match(job: Job, target: Target, draft: Draft) -> TargetRecord | None:
    """Look for one draft."""
    return (await find_matches(job, target, draft.entity, [draft])).of(draft)


async def reserve_created(job: Job, entity: Entity, source_id: str, target_id: str) -> None:
    """Reserve a record that was just created and that shows no source id: it looks like that of any other such draft
    until the ledger knows it."""
    async with database.as_tenant(job.tenant_id) as tx:
        await reservations.reserve(tx, job.tenant_id, job.id, entity, [(target_id, source_id)], kind="target_record")


async def _reserved(
    tx: Connection, job: Job, entity: Entity, drafts: Sequence[Draft], index: TargetIndex
) -> dict[str, TargetRecord]:
    """Assign the records of the target, and reserve each for its draft, also against other workers."""
    if entity == "list_entries":
        # A record may be on a list several times, and the target tells its entries apart.
        return assign(drafts, index, {})
    # What an earlier attempt uploaded comes before what only looks like it.
    guesses = {record.id for record in index.found if record.is_guess}
    reserved = await reservations.holders(tx, job.id, entity, guesses, kind="target_record") if guesses else {}
    while True:
        assigned = assign(drafts, index, reserved)
        wanted = [
            (record.id, source_id)
            for source_id, record in assigned.items()
            if record.id not in reserved and (record.is_guess or record.source_id != source_id)
        ]
        if not wanted:
            return assigned
        # A draft that loses a record to another worker may be another one, which has to be reserved as well.
        reserved |= await reservations.reserve(tx, job.tenant_id, job.id, entity, wanted, kind="target_record")
