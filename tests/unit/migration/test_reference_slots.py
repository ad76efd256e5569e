"""What becomes of the references of a draft in the first pass and in the second."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.protocols import Draft, Issue, ReferenceSlot, SlotReference
from freight.domain.migration.planning.reference_slots import fill, references_only
from freight.model.crm import Entity, Reference

IDS = ("1", "2", "3", "4")
EARLIER = Issue(code="earlier", message="Said of another value.", field="name")


def item(entity: Entity, target_id: str) -> dict[str, str]:
    return {"in": entity, "is": target_id}


def left_out(attribute: str, names: Sequence[str]) -> Issue:
    return Issue(code="left_out", message="Others are left out.", field=attribute, value=", ".join(names))


def slot(attribute: str, *ids: str, several: bool = True) -> ReferenceSlot:
    references = tuple(
        SlotReference(
            reference=("people", id_),
            name=f"person {id_}",
            if_missing=Issue(code="missing", message="It is missing.", field=attribute, value=id_),
        )
        for id_ in ids
    )
    return ReferenceSlot(
        attribute=attribute,
        references=references,
        multiple=several,
        value=item,
        if_several=None if several else partial(left_out, attribute),
    )


def draft(*slots: ReferenceSlot, **values: list[Any]) -> Draft:
    return Draft(
        entity="companies",
        source_id="c",
        values=values,
        unique={},
        multiple=frozenset(),
        migrated=frozenset({"name", *(slot.attribute for slot in slots)}),
        issues=(EARLIER,),
        slots=slots,
    )


def people(*ids: str) -> dict[Reference, str]:
    return {("people", id_): f"t{id_}" for id_ in ids}


def said(filled: Draft) -> list[tuple[str, str | None]]:
    return [(issue.code, issue.value) for issue in filled.issues if issue is not EARLIER]


def test_a_slot_is_filled_with_all_that_the_target_has_in_the_source_s_order() -> None:
    filled = fill(draft(slot("team", "2", "1"), name=["Acme"]), people("1", "2"))
    assert filled.values == {"name": ["Acme"], "team": [item("people", "t2"), item("people", "t1")]}
    assert filled.multiple == {"team"}
    assert (filled.slots, said(filled)) == ((), [])


def test_what_is_missing_is_named_and_leaves_the_attribute_out() -> None:
    filled = fill(draft(slot("team", "1"), slot("founder", "2", several=False)), {})
    assert filled.values == {}
    assert said(filled) == [("missing", "1"), ("missing", "2")]
    assert not filled.slots


def test_while_a_record_is_to_come_nothing_is_said_and_incomplete_slots_stay_open() -> None:
    given_draft = draft(slot("team", "1", "2"), slot("board", "3"), slot("owner", "1", several=False))
    filled = fill(given_draft, people("1"), to_come={("people", "2")})
    assert filled.values == {"team": [item("people", "t1")], "owner": [item("people", "t1")]}
    assert [open_slot.attribute for open_slot in filled.slots] == ["team", "board"]
    assert filled.issues == (EARLIER,)


def test_an_attribute_that_holds_one_takes_the_first_that_is_or_comes_and_names_the_rest() -> None:
    one = draft(slot("founder", "1", "2", "3", several=False))
    assert said(fill(one, people("2", "3"))) == [("missing", "1"), ("left_out", "person 3")]
    assert fill(one, people("2", "3")).values == {"founder": [item("people", "t2")]}
    assert fill(one, people("2"), to_come={("people", "1")}).values == {}
    assert not fill(one, people("1")).multiple


def test_an_attribute_that_holds_one_is_not_taken_for_one_with_several_because_it_has_one_reference() -> None:
    company = msgspec.structs.replace(slot("company", "1", several=False), if_several=None)
    filled = fill(draft(company), people("1"))
    assert (filled.values, filled.multiple) == ({"company": [item("people", "t1")]}, frozenset())


def test_two_records_that_are_one_in_the_target_are_one_value() -> None:
    found: dict[Reference, str] = {("people", "1"): "t", ("people", "2"): "t"}
    assert fill(draft(slot("team", "1", "2")), found).values == {"team": [item("people", "t")]}


def test_the_second_pass_has_references_alone() -> None:
    second = fill(references_only(draft(slot("team", "1", "9"), name=["Acme"])), people("1"))
    assert second.values == {"team": [item("people", "t1")]}
    assert second.migrated == frozenset()
    assert [issue.code for issue in second.issues] == ["missing"]


@given(
    slots=st.dictionaries(
        st.sampled_from(["team", "board", "owner"]),
        st.tuples(st.lists(st.sampled_from(IDS), min_size=1, unique=True), st.booleans()),
    ),
    found=st.sets(st.sampled_from(IDS)),
    to_come=st.sets(st.sampled_from(IDS)),
    arrive=st.sets(st.sampled_from(IDS)),
)
def test_after_both_passes_all_is_as_if_everything_had_been_there_at_once(
    slots: dict[str, tuple[list[str], bool]], found: set[str], to_come: set[str], arrive: set[str]
) -> None:
    given_draft = draft(*(slot(name, *ids, several=several) for name, (ids, several) in slots.items()))
    then = people(*found, *(arrive & to_come))
    first = fill(given_draft, people(*found), {("people", id_) for id_ in to_come})
    second = fill(references_only(given_draft), then) if first.slots else first
    at_once = fill(given_draft, then)
    assert {**first.values, **second.values} == at_once.values
    assert said(second) == said(at_once)
