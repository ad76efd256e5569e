"""What Attio can hold of opportunities and of entries on lists."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from freight.connectors.attio import values
from freight.connectors.protocols import References
from freight.model.crm import Deal, List, ListEntry, without_claims
from freight.model.fields import PersonRef
from freight.model.mapping import ListMapping, Mapping
from freight.model.resolved_mapping import ResolvedMapping
from freight.model.schema import Schema
from support.attio_parts import MEMBER_ID, codes, draft, field, made, planned, workspace

ADA = PersonRef(id="1", name="Ada", email="ada@firm.example.com", internal=True)
BOB = PersonRef(id="2", name="Bob", email="bob@firm.example.com", internal=True)
SCHEMA = Schema(
    lists=(
        List(
            id="7",
            name="Pipeline",
            of="deals",
            fields=(
                field("s", "Status", "status", options=("New", "Won")),
                field("o", "Owner", "person", multiple=True),
                field("v", "Amount", "number"),
            ),
        ),
        List(id="8", name="LPs", of="companies", fields=(field("t", "Comment"),)),
    ),
    users=(),
)
REFERENCES = References(
    found={("companies", "1"): "c1", ("companies", "2"): "c2", ("people", "3"): "p3", ("deals", "5"): "d5"},
    names={("companies", "2"): "Beta"},
)
TO_COME = frozenset({("companies", "4"), ("people", "6")})


def layout(**wanted: object) -> ResolvedMapping:
    mapping = Mapping(lists={"7": ListMapping(value="v")}, **wanted)  # type: ignore[arg-type]
    existing = made(workspace(), planned(SCHEMA, mapping=mapping).layout)
    return planned(SCHEMA, existing, mapping).layout


def deal(**given: object) -> Deal:
    return Deal(**{"id": "5", "name": "Round A", "list_id": "7", **given})  # type: ignore[arg-type]


def test_the_fields_of_its_list_give_a_deal_its_stage_owner_and_value():
    drafted = draft(deal(fields={"s": ("Won",), "o": (ADA,), "v": (100.0,)}), REFERENCES, layout())
    assert drafted.values == {
        "name": ["Round A"],
        "stage": ["Won"],
        "owner": [values.actor_reference(MEMBER_ID)],
        "value": [100],
        "affinity_id": ["5"],
    }
    assert drafted.unique == {"affinity_id": ("5",)}
    assert not drafted.on_create
    assert not drafted.issues


def test_what_attio_demands_of_a_new_deal_does_not_touch_an_existing_one():
    drafted = draft(Deal(id="5"), REFERENCES, layout())
    assert drafted.values == {"affinity_id": ["5"]}
    assert drafted.on_create == {
        "name": ["Untitled opportunity"],
        "stage": ["Lead"],
        "owner": [values.actor_reference(MEMBER_ID)],
    }
    assert [(i.level, i.code) for i in drafted.issues] == [
        ("info", "name_defaulted"),
        ("info", "stage_defaulted"),
        ("info", "owner_defaulted"),
    ]


def test_a_stage_or_owner_that_attio_does_not_have_is_named():
    guest = PersonRef(id="3", name="Guest")
    drafted = draft(deal(fields={"s": ("Gone",), "o": (guest, ADA)}), REFERENCES, layout())
    assert codes(drafted) == [
        "unknown_option",
        "further_values_left_out",
        "not_a_member",
        "stage_defaulted",
        "owner_defaulted",
    ]


def test_the_default_owner_stands_in_for_an_owner_who_has_left():
    given_deal = deal(fields={"s": ("New",), "o": (BOB,)})
    drafted = draft(given_deal, REFERENCES, layout(default_owner="ada@firm.example.com"))
    assert drafted.values["owner"] == [values.actor_reference(MEMBER_ID)]
    assert codes(drafted) == ["owner_replaced"]
    assert codes(draft(given_deal, REFERENCES, layout())) == ["owner_without_member", "owner_defaulted"]


def test_a_value_that_is_no_number_is_named():
    assert "value_not_convertible" in codes(draft(deal(fields={"v": ("much",)}), REFERENCES, layout()))


@pytest.mark.parametrize(
    ("company_ids", "kept", "waits", "named"),
    [
        (("1", "2"), ["c1"], False, ["further_values_left_out"]),
        (("9", "2"), ["c2"], False, ["reference_not_found"]),
        (("4", "2"), [], True, []),
        ((), [], False, []),
    ],
)
def test_a_deal_has_the_first_company_that_is_in_the_target(company_ids, kept, waits, named):
    given_deal = deal(company_ids=company_ids, fields={"s": ("New",), "o": (ADA,)})
    drafted = draft(given_deal, REFERENCES, layout(), TO_COME)
    references = drafted.values.get("associated_company", [])
    assert [reference["target_record_id"] for reference in references] == kept
    assert bool(drafted.slots) is waits
    assert codes(drafted) == named
    assert all("Beta" in issue.message for issue in drafted.issues if issue.code == "further_values_left_out")


def test_a_deal_has_all_people_who_are_in_the_target():
    given_deal = deal(person_ids=("3", "6", "9"), fields={"s": ("New",), "o": (ADA,)})
    drafted = draft(given_deal, REFERENCES, layout(), TO_COME)
    assert drafted.values["associated_people"] == [values.record_reference("people", "p3")]
    assert drafted.multiple == {"associated_people"}
    assert [slot.attribute for slot in drafted.slots] == ["associated_people"]
    assert not drafted.issues
    complete = draft(given_deal, REFERENCES, layout())
    assert [(issue.code, issue.value) for issue in complete.issues] == [
        ("reference_not_found", "6"),
        ("reference_not_found", "9"),
    ]


def test_an_entry_carries_its_fields_its_id_and_its_date():
    when = datetime(2024, 5, 6, 7, 8, 9, 500_000, tzinfo=timezone(timedelta(hours=2)))
    entry = ListEntry(id="e1", list_id="8", parent=("companies", "1"), created_at=when, fields={"t": ("x",)})
    drafted = draft(entry, REFERENCES, layout())
    assert drafted.values == {
        "comment": ["x"],
        "affinity_entry_id": ["e1"],
        "affinity_added_at": ["2024-05-06T05:08:09.500000Z"],
    }
    assert drafted.unique == {"parent_record": ("c1",)}
    assert drafted.on_create == {"parent_record": ["c1"]}
    assert drafted.container == "list-8"
    assert drafted.parents == (("companies", "1"),)


def test_an_entry_of_a_record_that_stands_on_the_list_already_is_not_matched_by_it():
    entry = ListEntry(id="e2", list_id="8", parent=("companies", "1"))
    drafted = draft(without_claims(entry, ["8/companies/1"]), REFERENCES, layout())
    assert drafted.unique == {}
    assert drafted.on_create == {"parent_record": ["c1"]}


def test_an_entry_that_cannot_stand_in_attio_says_why():
    staff = msgspec.structs.replace(REFERENCES, people={"9": PersonRef(id="9", internal=True)})
    cases = {
        "parent_not_in_target": ListEntry(id="e", list_id="8", parent=("companies", "9")),
        "list_not_carried": ListEntry(id="e", list_id="99", parent=("companies", "1")),
        "internal_person": ListEntry(id="e", list_id="8", parent=("people", "9")),
    }
    for code, entry in cases.items():
        drafted = draft(entry, staff, layout())
        assert drafted.skip is not None
        assert drafted.skip.code == code


def test_a_list_is_drafted_as_what_the_layout_made_of_it():
    drafted = draft(SCHEMA.lists[1], REFERENCES, layout())
    assert (drafted.values, drafted.container) == ({"name": ["LPs"]}, "list-8")
    left = draft(SCHEMA.lists[1], REFERENCES, layout(only_lists=["7"]))
    assert left.skip is not None
    assert left.skip.code == "list_not_carried"


def test_moments_are_in_one_form():
    assert values.moment(datetime(2024, 1, 31, 10, tzinfo=UTC)) == "2024-01-31T10:00:00Z"
    assert values.read_moment("2024-01-31T10:00:00.000000000Z") == "2024-01-31T10:00:00Z"
    assert values.read_moment("2024-01-31") == "2024-01-31T00:00:00Z"
    assert values.read_moment(None) is None


def test_a_colleague_among_the_people_of_a_deal_is_named_as_one_of_the_firms_own_people():
    with_ada = msgspec.structs.replace(REFERENCES, people={"1": ADA})
    drafted = draft(deal(person_ids=("1", "3"), fields={"s": ("New",), "o": (ADA,)}), with_ada, layout())
    assert [item["target_record_id"] for item in drafted.values["associated_people"]] == ["p3"]
    (issue,) = drafted.issues
    assert (issue.code, issue.field, issue.value) == ("internal_person_in_deal", "associated_people", "Ada")
    assert issue.message.startswith("Ada (person 1), linked to this deal, is an internal user.")


def test_what_is_not_in_attio_is_called_by_its_name_where_that_is_known():
    known = msgspec.structs.replace(
        REFERENCES,
        people={"9": PersonRef(id="9", name="Guest")},
        names={("companies", "9"): "Gamma", ("lists", "99"): "Old"},
    )
    drafted = draft(
        deal(company_ids=("9",), person_ids=("9", "8"), fields={"s": ("New",), "o": (ADA,)}), known, layout()
    )
    assert [issue.message.partition(" is not in Attio")[0] for issue in drafted.issues] == [
        "A person of this deal (Guest, 9 at the source)",
        "A person of this deal (8 at the source)",
        "A company of this deal (Gamma, 9 at the source)",
    ]
    for entry, called in (
        (ListEntry(id="e", list_id="8", parent=("companies", "9")), "Gamma (company 9)"),
        (ListEntry(id="e", list_id="8", parent=("people", "9")), "Guest (person 9)"),
        (ListEntry(id="e", list_id="8", parent=("deals", "7")), "the opportunity 7"),
        (ListEntry(id="e", list_id="99", parent=("companies", "1")), "Old (list 99)"),
    ):
        skip = draft(entry, known, layout()).skip
        assert skip is not None
        assert called in skip.message
