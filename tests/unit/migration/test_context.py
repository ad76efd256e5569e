"""What is asked of the target before a chunk is decided about."""

from typing import Any

import msgspec
import pytest

from freight.connectors.protocols import Attributes, Draft, Issue, TargetRecord
from freight.domain.migration.planning.context import (
    Candidate,
    gains_unique_values,
    is_to_be_found,
    is_to_be_read,
    recognise,
)
from freight.domain.migration.records.ledger import LedgerEntry
from freight.domain.migration.records.records import Staged
from freight.model.crm import Company, Entity, ListEntry, Note, Record, Task

DRAFT = Draft(
    entity="companies",
    source_id="1",
    values={"name": ["Acme"], "domains": ["acme.com"]},
    unique={"domains": ("acme.com",)},
    multiple=frozenset({"domains"}),
)
KNOWN = LedgerEntry(
    source_id="1", target_id="t1", origin="created", values=DRAFT.values, written=frozenset(DRAFT.values), replaced={}
)
TASK = Draft(
    entity="tasks",
    source_id="1",
    values={"content": ["Call"]},
    unique={},
    multiple=frozenset(),
    fixed=frozenset({"content"}),
    parents=(("companies", "7"),),
)


def staged(record: Record, in_flight: Any = None) -> Staged:
    return Staged(id=1, source_id=record.id, record=record, in_flight=in_flight)


def candidate(draft: Draft = DRAFT, known: LedgerEntry | None = None, **more: Any) -> Candidate:
    return Candidate(staged=more.pop("staged", staged(Company(id="1"))), draft=draft, known=known, **more)


def asks(one: Candidate, on_existing: Any = "fill", *, second_pass: bool = False, is_keyless: bool = False) -> bool:
    return is_to_be_read(one, on_existing, references_only=second_pass, is_keyless=is_keyless)


def test_a_record_that_the_ledger_knows_is_compared_with_the_target() -> None:
    assert asks(candidate(known=KNOWN))
    assert not asks(candidate())
    assert not asks(candidate(msgspec.structs.replace(DRAFT, skip=Issue(code="any", message="Any.")), KNOWN))


def test_what_has_changed_is_compared_even_where_the_rest_is_left_alone() -> None:
    changed = msgspec.structs.replace(KNOWN, values={"name": ["Acme Ltd"]})
    for how in ({"on_existing": "skip"}, {"second_pass": True}, {"is_keyless": True}):
        assert asks(candidate(known=changed), **how)
        assert not asks(candidate(known=KNOWN), **how)


def test_what_costs_a_request_each_is_compared_only_if_it_may_have_to_be_written_again() -> None:
    known = msgspec.structs.replace(KNOWN, values=TASK.values)
    assert not asks(candidate(TASK, known), "overwrite", is_keyless=True)
    changeable = msgspec.structs.replace(TASK, fixed=frozenset())
    assert asks(candidate(changeable, known), "overwrite", is_keyless=True)
    assert not asks(candidate(changeable, known), "fill", is_keyless=True)


@pytest.mark.parametrize(
    ("in_flight", "older", "expected"),
    [(None, False, False), (None, True, True), ("create", False, True)],
)
def test_what_hangs_on_a_record_of_this_job_is_looked_for_only_after_an_interruption(
    in_flight: Any, older: bool, expected: bool
) -> None:
    one = candidate(TASK, staged=staged(Task(id="1", company_id="7"), in_flight))
    assert is_to_be_found(one, {("companies", "7")} if older else set(), is_keyless=True) is expected
    assert is_to_be_found(one, set(), is_keyless=False)


def test_a_known_record_is_not_looked_for() -> None:
    assert not is_to_be_found(candidate(known=KNOWN), set(), is_keyless=False)


def test_other_holders_of_a_unique_value_matter_once_the_record_is_to_get_it() -> None:
    standing = TargetRecord(id="t1", source_id="1", values={"domains": []})
    same = candidate(known=KNOWN, standing=standing)
    assert not gains_unique_values(same, "fill")
    assert gains_unique_values(same, "overwrite")
    new = msgspec.structs.replace(KNOWN, values={"domains": ["old.com"]})
    assert gains_unique_values(candidate(known=new, standing=standing), "fill")
    assert not gains_unique_values(candidate(known=new), "fill")


@pytest.mark.parametrize(
    ("entity", "record", "known", "draft", "expected"),
    [
        ("companies", Company(id="1"), {}, {}, True),
        ("lists", Company(id="1"), {"target_id": "l1"}, {"container": "l1"}, True),
        ("lists", Company(id="1"), {"target_id": "l1"}, {"container": "l2"}, False),
        ("list_entries", ListEntry(id="1", list_id="8", parent=("people", "1")), {"container": "l1"}, {}, False),
        ("list_entries", ListEntry(id="1", list_id="8", parent=("people", "1")), {}, {"container": "l1"}, True),
    ],
)
def test_what_goes_to_another_list_than_the_last_time_is_not_known(
    entity: Entity, record: Record, known: dict[str, Any], draft: dict[str, Any], expected: bool
) -> None:
    held = {"1": msgspec.structs.replace(KNOWN, **known)}
    assert (recognise(staged(record), msgspec.structs.replace(DRAFT, entity=entity, **draft), held) is None) != expected


def test_a_note_is_known_by_the_copy_on_the_same_record() -> None:
    note = Note(id="1", content="Hi", company_ids=("7",))
    values: Attributes = {"parent": ["c7"], "content": ["Hi"]}
    draft = msgspec.structs.replace(DRAFT, entity="notes", values=values, places={("companies", "7"): "c7"})
    copy = msgspec.structs.replace(KNOWN, source_id="1/companies/7", values={"parent": ["c7"]})
    known = recognise(staged(note), draft, {copy.source_id: copy})
    assert known is not None
    assert (known.source_id, known.formerly, known.target_id) == ("1", "1/companies/7", "t1")
    elsewhere = msgspec.structs.replace(copy, values={"parent": ["c8"]})
    assert recognise(staged(note), draft, {copy.source_id: elsewhere}) is None
