"""What is decided about one record of a chunk, once everything about it is looked up."""

from typing import Any, cast

import msgspec
import pytest

from freight.connectors.protocols import Attributes, Draft, Issue, ReferenceSlot, SlotReference, TargetRecord
from freight.domain.migration.planning.context import Candidate, ChunkContext
from freight.domain.migration.planning.matching import Matches
from freight.domain.migration.planning.plan import RecordPlan, plan_record
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import Staged
from freight.model.crm import Company

VALUES: Attributes = {"name": ["Acme"]}
DRAFT = Draft(entity="companies", source_id="1", values=VALUES, unique={}, multiple=frozenset())
KNOWN = LedgerEntry(
    source_id="1", target_id="t1", origin="created", values=VALUES, written=frozenset(VALUES), replaced={}
)
STANDING = TargetRecord(id="t1", source_id="1", values=VALUES)
OPEN = ReferenceSlot(
    attribute="owner",
    references=(SlotReference(reference=("people", "9"), name="Ann", if_missing=Issue(code="any", message="Any.")),),
    multiple=False,
    value=lambda _entity, target_id: target_id,
)


class Matching:
    """What the target holds of records that the ledger does not know: one, or none."""

    def __init__(self, match: TargetRecord | None = None) -> None:
        self.found = [] if match is None else [match]

    def of(self, _draft: Draft) -> TargetRecord | None:
        return next(iter(self.found), None)

    def without_values_of_others(self, draft: Draft, _own_id: str | None) -> Draft:
        return draft


def decided(
    draft: Draft = DRAFT,
    *,
    known: LedgerEntry | None = None,
    match: TargetRecord | None = None,
    on_existing: Any = "fill",
    in_flight: Any = None,
    **read: Any,
) -> RecordPlan:
    staged = Staged(id=1, source_id="1", record=Company(id="1"), in_flight=in_flight)
    candidate = Candidate(staged=staged, draft=draft, known=known, **read)
    context = ChunkContext(
        on_existing=on_existing, is_keyless=False, candidates=(candidate,), matches=cast("Matches", Matching(match))
    )
    return plan_record(candidate, context)


def test_what_neither_the_ledger_nor_the_target_knows_is_created() -> None:
    plan = decided()
    assert (plan.write, plan.target_id, plan.drafted) == ("create", None, VALUES)


def test_what_matches_is_updated_where_it_differs() -> None:
    plan = decided(match=msgspec.structs.replace(STANDING, values={}))
    assert (plan.write, plan.target_id, plan.values) == ("update", "t1", VALUES)
    assert decided(match=STANDING).write is None


def test_a_record_whose_creation_was_interrupted_counts_as_created() -> None:
    plan = decided(match=STANDING, in_flight="create")
    assert (plan.write, plan.outcome, plan.target_id) == (None, "created", "t1")


def test_what_is_not_for_the_target_is_skipped_and_keeps_its_target_record() -> None:
    skip = Issue(code="any", message="Any.")
    plan = decided(msgspec.structs.replace(DRAFT, skip=skip), known=KNOWN)
    assert (plan.skip, plan.target_id, plan.write) == (skip, "t1", None)


@pytest.mark.parametrize(("is_read", "code"), [(True, "deleted_in_target"), (False, None)])
def test_a_known_record_is_missed_only_if_the_target_was_asked_for_it(is_read: bool, code: str | None) -> None:
    plan = decided(known=KNOWN, is_read=is_read)
    assert (None if plan.skip is None else plan.skip.code) == code
    assert plan.write is None


def test_a_known_record_is_compared_with_what_the_target_holds() -> None:
    changed = msgspec.structs.replace(DRAFT, values={"name": ["Acme Ltd"]})
    plan = decided(changed, known=KNOWN, is_read=True, standing=STANDING)
    assert plan.values == {"name": ["Acme Ltd"]}


@pytest.mark.parametrize(("on_existing", "waits"), [("fill", True), ("skip", False)])
def test_a_record_that_is_left_alone_waits_for_no_reference(on_existing: Any, waits: bool) -> None:
    plan = decided(msgspec.structs.replace(DRAFT, slots=(OPEN,)), known=KNOWN, on_existing=on_existing)
    assert bool(plan.draft.slots) is waits


def test_the_draft_of_a_note_follows_the_copy_that_the_target_holds() -> None:
    there = msgspec.structs.replace(DRAFT, values={"name": ["Acme"], "place": ["there"]})
    draft = msgspec.structs.replace(DRAFT, for_copy=lambda held: there if held == STANDING.values else DRAFT)
    assert decided(draft, match=STANDING).values == {"place": ["there"]}
