"""Lookup: get what `matching` needs from the target, the ledger and the reservations, and reserve what it assigns."""

from collections.abc import Sequence

from freight import database
from freight.connectors.protocols import Draft, TargetRecord, Writer
from freight.database import Connection
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.matching import Matches, TargetIndex, assign
from freight.domain.migration.records import ledger, records, reservations
from freight.model.crm import Entity


async def find_matches(
    job: Job, target: Writer, entity: Entity, unmatched: Sequence[Draft], matched: Sequence[Draft] = ()
) -> Matches:
    """Find the records of the `unmatched` drafts, and those that hold unique values of any of the drafts."""
    drafts = [*unmatched, *matched]
    found = await target.find(drafts) if drafts else []
    if not found:
        return Matches(TargetIndex([], (), owners={}, staged_ids=()), {})
    slugs = {slug for draft in drafts for slug in draft.unique}
    async with database.as_tenant(job.tenant_id) as tx:
        owners = await ledger.owners(tx, job.pair, entity, [record.id for record in found])
        source_ids = {record.source_id for record in found if record.source_id is not None}
        staged_ids = await records.staged_ids(tx, job.id, entity, {*source_ids, *owners.values()})
        index = TargetIndex(found, slugs, owners=owners, staged_ids=staged_ids)
        return Matches(index, await _reserved(tx, job, entity, unmatched, index))


async def find_match(job: Job, target: Writer, draft: Draft) -> TargetRecord | None:
    """Find the record of one draft."""
    return (await find_matches(job, target, draft.entity, [draft])).of(draft)


async def reserve_created(job: Job, entity: Entity, source_id: str, target_id: str) -> None:
    """Reserve a record that was just created and does not show a source id.

    Until it is in the ledger, any other draft that looks the same could match it.
    """
    async with database.as_tenant(job.tenant_id) as tx:
        await reservations.reserve(tx, job.tenant_id, job.id, entity, [(target_id, source_id)], kind="target_record")


async def _reserved(
    tx: Connection, job: Job, entity: Entity, drafts: Sequence[Draft], index: TargetIndex
) -> dict[str, TargetRecord]:
    """Assign the target's records, and reserve each for its draft, also against other workers."""
    if entity == "list_entries":
        # A record may be on a list several times, and the target distinguishes its entries.
        return assign(drafts, index, {})
    # A file that an earlier attempt uploaded takes precedence over one that only looks like it.
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
        # A draft that loses a record to another worker may match another one, which then has to be reserved too.
        reserved |= await reservations.reserve(tx, job.tenant_id, job.id, entity, wanted, kind="target_record")
