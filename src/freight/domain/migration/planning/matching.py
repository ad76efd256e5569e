"""Matching: which records of the target are ones that the ledger does not know."""

from collections.abc import Sequence

import msgspec

from freight import database
from freight.connectors.protocols import Draft, TargetRecord, Writer
from freight.database import Connection
from freight.domain.jobs.model import Job
from freight.domain.migration.planning.drafts import without_value
from freight.domain.migration.records import ledger, records, reservations
from freight.model.addresses import comparable
from freight.model.crm import Entity


class Matches:
    """What the target holds of some drafts."""

    def __init__(
        self,
        found: Sequence[TargetRecord],
        drafts: Sequence[Draft],
        *,
        staged_ids: set[str],
        owners: dict[str, str],
    ) -> None:
        self.found = found
        self._staged_ids = staged_ids
        self._owners = owners
        self._by_source_id: dict[str, TargetRecord] = {}
        # Files that are alike may each be that of several drafts.
        taken = dict(owners) if drafts and drafts[0].entity == "files" else {}
        for record in found:
            if record.source_id is not None and taken.setdefault(record.id, record.source_id) == record.source_id:
                self._by_source_id.setdefault(record.source_id, record)
        slugs = {slug for draft in drafts for slug in draft.unique}
        self._by_value = {
            (record.container, slug, comparable(value)): record
            for record in reversed(found)
            for slug in slugs
            for value in map(str, record.values.get(slug, []))
        }
        self._lost: set[tuple[str, str]] = set()
        """Claims to records of the target that other drafts made before, each with who made it in vain."""

    @classmethod
    async def find(
        cls, job: Job, target: Writer, entity: Entity, unmatched: Sequence[Draft], matched: Sequence[Draft]
    ) -> "Matches":
        """Look for the `unmatched` drafts, and for whoever else holds unique values of these and of the `matched`."""
        drafts = [*unmatched, *matched]
        found = await target.find(drafts) if drafts else []
        if not found:
            return cls(found, drafts, staged_ids=set(), owners={})
        async with database.as_tenant(job.tenant_id) as tx:
            owners = await ledger.owners(tx, job.pair, entity, [record.id for record in found])
            ids = {record.source_id for record in found if record.source_id is not None}
            staged_ids = await records.staged_ids(tx, job.id, entity, {*ids, *owners.values()})
            matches = cls(found, drafts, staged_ids=staged_ids, owners=owners)
            # A record may stand on a list several times, and the target tells its entries apart.
            if entity != "list_entries":
                await matches._claim(tx, job, entity, unmatched)
        return matches

    async def _claim(self, tx: Connection, job: Job, entity: Entity, drafts: Sequence[Draft]) -> None:
        """Let each record of the target be that of one draft only, the first one."""
        lost: set[tuple[str, str]] | None = None
        # A draft that loses one record may match another, which it has to claim as well.
        while lost is None or lost:
            wanted = [
                (f"target record {record.id}", draft.source_id)
                for draft in drafts
                if (record := self.of(draft)) is not None and record.source_id != draft.source_id
            ]
            first = dict(reversed(wanted))
            holders = await reservations.claim(tx, job.tenant_id, job.id, entity, list(first.items()))
            lost = {(value, source_id) for value, source_id in wanted if holders[value] != source_id}
            self._lost |= lost

    def of(self, draft: Draft) -> TargetRecord | None:
        """The record that the draft is, if the target has it."""
        if (match := self._by_source_id.get(draft.source_id)) is not None:
            return match
        for slug, values in draft.unique.items():
            for value in values:
                match = self._holder(draft, slug, value)
                if match is not None and not self._belongs_to_another(match, draft):
                    return match
        return None

    def without_values_of_others(self, draft: Draft, own_id: str | None) -> Draft:
        """The draft without the unique values of records other than its own."""
        if draft.entity == "list_entries":
            # A record may stand on a list several times: nothing is taken from one entry because of another.
            taken = any(self._holder(draft, slug, value) for slug, values in draft.unique.items() for value in values)
            return msgspec.structs.replace(draft, unique={}) if taken and own_id is None else draft
        for slug, values in draft.unique.items():
            for value in values:
                holder = self._holder(draft, slug, value)
                if holder is not None and holder.id != own_id and value in draft.values.get(slug, ()):
                    draft = without_value(draft, slug, value, holder=holder.id)
        return draft

    def _holder(self, draft: Draft, slug: str, value: str) -> TargetRecord | None:
        return self._by_value.get((draft.container, slug, comparable(value)))

    def _belongs_to_another(self, match: TargetRecord, draft: Draft) -> bool:
        # A record that carries the id of a source record which is gone may be taken over; of one that is not, never.
        owners = {match.source_id, self._owners.get(match.id)} - {draft.source_id}
        return (f"target record {match.id}", draft.source_id) in self._lost or not owners.isdisjoint(self._staged_ids)
