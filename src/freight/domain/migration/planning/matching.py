"""Matching: which record of the target a draft is, where the ledger has no entry. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from freight.connectors.protocols import Draft, TargetRecord
from freight.domain.migration.planning.drafts import without_value
from freight.model.addresses import comparable


class TargetIndex:
    """Records of the target, by the source ids on them and by their unique values.

    `owners` are the ledger's source ids by ids in the target. `staged_ids` are the source ids, in the ledger or on the
    records, that are records of the job: only a record that belongs to none of these can be taken over.
    """

    def __init__(
        self,
        found: Sequence[TargetRecord],
        slugs: Collection[str],
        *,
        owners: Mapping[str, str],
        staged_ids: Collection[str],
    ) -> None:
        self.found = found
        self._owners = owners
        self._staged_ids = frozenset(staged_ids)
        self._carriers: dict[str, TargetRecord] = {}
        self._guesses: dict[str, list[TargetRecord]] = {}
        for record in found:
            if record.source_id is None:
                continue
            if not record.is_guess:
                self._carriers.setdefault(record.source_id, record)
            elif owners.get(record.id, record.source_id) == record.source_id:
                self._guesses.setdefault(record.source_id, []).append(record)
        # If several records have one value, the first one counts.
        self._by_value = {
            (record.container, slug, comparable(value)): record
            for record in reversed(found)
            for slug in slugs
            for value in map(str, record.values.get(slug, []))
        }

    def carrier(self, draft: Draft) -> TargetRecord | None:
        """Return the record that has the draft's source id."""
        return self._carriers.get(draft.source_id)

    def holder(self, draft: Draft, slug: str, value: str) -> TargetRecord | None:
        """Return the record that holds a unique value where the draft would hold it."""
        return self._by_value.get((draft.container, slug, comparable(value)))

    def candidates(self, draft: Draft) -> Iterator[TargetRecord]:
        """Yield the records that may be the draft's although none has its source id, the likeliest first."""
        yield from self._guesses.get(draft.source_id, ())
        for slug, values in draft.unique.items():
            for value in values:
                holder = self.holder(draft, slug, value)
                if holder is not None and not self._belongs_to_another(holder, draft):
                    yield holder

    def _belongs_to_another(self, record: TargetRecord, draft: Draft) -> bool:
        owners = {record.source_id, self._owners.get(record.id)} - {draft.source_id}
        return not owners.isdisjoint(self._staged_ids)


def assign(drafts: Sequence[Draft], index: TargetIndex, reserved: Mapping[str, str]) -> dict[str, TargetRecord]:
    """Return the target's record of each draft, by source id. Drafts that are new to the target are absent.

    A draft matches the record that has its source id. Otherwise it matches the first of its candidates that is neither
    reserved for another draft nor taken by an earlier one; one that is reserved for the draft itself comes first.
    `reserved` has ids in the target with the source ids for which they are reserved.
    """
    assigned = {draft.source_id: carrier for draft in drafts if (carrier := index.carrier(draft)) is not None}
    taken = {**reserved, **{record.id: source_id for source_id, record in assigned.items()}}
    for draft in drafts:
        if draft.source_id in assigned:
            continue
        for record in sorted(index.candidates(draft), key=lambda one: reserved.get(one.id) != draft.source_id):
            if taken.setdefault(record.id, draft.source_id) == draft.source_id:
                assigned[draft.source_id] = record
                break
    return assigned


class Matches(msgspec.Struct, frozen=True):
    """The records of the target that some drafts match, and those that hold their unique values."""

    index: TargetIndex
    assigned: Mapping[str, TargetRecord]

    @property
    def found(self) -> Sequence[TargetRecord]:
        """All records that the target returned."""
        return self.index.found

    def of(self, draft: Draft) -> TargetRecord | None:
        """Return the record that the draft matches, if any."""
        return self.assigned.get(draft.source_id)

    def without_values_of_others(self, draft: Draft, own_id: str | None) -> Draft:
        """Return the draft without the unique values of records other than its own."""
        if draft.entity == "list_entries":
            # A record may be on a list several times, so no entry loses a value because of another.
            taken = any(
                self.index.holder(draft, slug, value) for slug, values in draft.unique.items() for value in values
            )
            return msgspec.structs.replace(draft, unique={}) if taken and own_id is None else draft
        for slug, values in draft.unique.items():
            for value in values:
                holder = self.index.holder(draft, slug, value)
                if holder is not None and holder.id != own_id and value in draft.values.get(slug, ()):
                    draft = without_value(draft, slug, value, holder=holder.id)
        return draft
