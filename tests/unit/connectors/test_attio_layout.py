"""Where in a workspace the fields and lists of a source go."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.attio.definitions import Member
from freight.connectors.attio.planning.checks import check_scopes
from freight.connectors.attio.standard import CAPABILITIES
from freight.connectors.planning.choices import Choice
from freight.connectors.planning.lists import ListDefinition
from freight.connectors.protocols import SchemaPlan
from freight.model.crm import LOAD_ORDER, List
from freight.model.fields import Field, Option, PersonRef
from freight.model.mapping import FieldMapping, ListMapping, Mapping
from freight.model.resolved_mapping import Place
from freight.model.schema import Schema
from support.attio_parts import MEMBER_ID, attribute, codes, field, made, planned, workspace

NAMES = st.sampled_from(["Status", "status", "Name", "Owner", "2024", "估值", "", "Größe", "Record ID", "Affinity ID"])
FIELDS = st.lists(
    st.builds(
        Field,
        id=st.integers(1, 40).map(str),
        name=NAMES | st.text(max_size=12),
        type=st.sampled_from(list(CAPABILITIES.possible)),
        multiple=st.booleans(),
        options=st.lists(st.builds(Option, id=st.just("1"), text=NAMES), max_size=3).map(tuple),
    ),
    max_size=10,
    unique_by=lambda given: given.id,
).map(tuple)
LISTS = st.lists(
    st.builds(
        List,
        id=st.integers(1, 40).map(str),
        name=NAMES | st.text(max_size=12),
        of=st.sampled_from(["companies", "people", "deals"]),
        fields=FIELDS,
    ),
    max_size=3,
    unique_by=lambda given: given.id,
).map(tuple)
SCHEMAS = st.builds(Schema, companies=FIELDS, people=FIELDS, lists=LISTS, users=st.just(()))
FOREIGN = st.dictionaries(
    st.sampled_from(["status", "affinity_status", "owner", "grosse", "field_2024", "name_2"]),
    st.tuples(st.sampled_from(["text", "select", "number", "status"]), st.booleans(), st.booleans(), st.booleans()),
)


def places_of(plan: SchemaPlan, owner: str) -> list[Place]:
    return [place for place in plan.layout.places if place.owner == owner]


def slug_of(plan: SchemaPlan, field_id: str) -> str | None:
    return next(place.attribute for place in plan.layout.places if place.field == field_id)


def with_companies(*fields: Field) -> Schema:
    return Schema(companies=fields, users=())


def deals_list(*fields: Field) -> Schema:
    return Schema(lists=(List(id="7", name="Pipeline", of="deals", fields=fields),), users=())


@given(schema=SCHEMAS, foreign=FOREIGN)
def test_every_field_has_an_attribute_of_its_own_that_attio_would_take(schema, foreign):
    existing = workspace()
    for slug, (type_, multiple, writable, system) in foreign.items():
        there = attribute(slug, type_, multiple=multiple, is_writable=writable, is_system=system)
        existing.objects["companies"][slug] = there
    plan = planned(schema, existing)
    for owner in ("companies", "people", *(place.list_id for place in plan.layout.lists)):
        places = places_of(plan, owner)
        assert [place.field for place in places] == [given.id for given in schema.fields_of(owner)]
        slugs = [place.attribute or "" for place in places]
        assert len(set(slugs)) == len(slugs)
        assert all(slug.isascii() and slug[:1].isalpha() and slug == slug.lower() for slug in slugs)
        for place in places:
            there = existing.objects.get(owner, {}).get(place.attribute or "")
            assert (place.action == "make") == (there is None)
            assert there is None or (there.is_writable and not there.is_system and there.multiple == place.multiple)


@given(schema=SCHEMAS, skipped=st.sets(st.integers(1, 40).map(str), max_size=3))
def test_what_was_made_is_recognised_by_the_next_job_also_when_fields_come_and_go(schema, skipped):
    existing = workspace()
    first = planned(schema, existing)
    later = made(existing, first.layout)
    again = planned(schema, later)
    assert [place.attribute for place in again.layout.places] == [place.attribute for place in first.layout.places]
    assert {place.action for place in again.layout.places} <= {"use"}
    assert {place.action for place in again.layout.lists} <= {"use"}
    assert not again.layout.new_stages

    mapping = Mapping(companies={id_: FieldMapping(skip=True) for id_ in skipped})
    reduced = msgspec.structs.replace(schema, companies=tuple(reversed(schema.companies)))
    third = planned(reduced, later, mapping)
    slugs = {place.field: place.attribute for place in places_of(first, "companies")}
    assert all(place.attribute == slugs[place.field] for place in places_of(third, "companies") if place.attribute)


def test_fields_of_one_name_and_of_a_standard_attribute_s_name_do_not_meet():
    schema = with_companies(
        field("1", "Status"), field("2", "Status"), field("3", "status!"), field("4", "Name"), field("5", "估值")
    )
    plan = planned(schema)
    assert [place.attribute for place in plan.layout.places] == [
        "status",
        "affinity_status",
        "affinity_status_2",
        "affinity_name",
        "guzhi",
    ]
    assert not plan.issues


def test_a_renamed_attribute_is_recognised_by_its_description():
    existing = workspace()
    existing.objects["companies"]["segment"] = attribute("segment", description="From Affinity field 1")
    plan = planned(with_companies(field("1", "Industry")), existing)
    assert [(place.action, place.attribute) for place in plan.layout.places] == [("use", "segment")]


@pytest.mark.parametrize(
    ("name", "slug", "earlier"),
    [
        ("Størrelse", "storrelse", "strrelse"),
        ("Łódź", "lodz", "odz"),
        ("Œuvre", "oeuvre", "uvre"),
        ("北京", "beijing", "field_1001"),
        ("Выручка", "vyruchka", "field_1001"),
        ("Größe in m²", "grosse_in_m2", "grosse_in_m2"),
        ("A\u2013B", "a_b", "ab"),
        ("🔥 Umsatz (€)", "umsatz", "umsatz"),
        ("e\u0301te\u0301", "ete", "ete"),
        ("नमस्ते", "nmste", "field_1001"),
        ("2024", "field_2024", "field_2024"),
        ("!?", "field_1001", "field_1001"),
        ("北" * 1000, ("bei" * 27)[:80], "field_1001"),
    ],
)
@pytest.mark.parametrize("described", [True, False])
def test_a_name_in_any_script_gives_a_slug_and_an_attribute_with_the_slug_of_an_earlier_version_keeps_it(
    name, slug, earlier, described
):
    schema = with_companies(field("field-1001", name))
    (place,) = planned(schema).layout.places
    assert (place.action, place.attribute) == ("make", slug)
    existing = workspace()
    description = "From Affinity field field-1001" if described else None
    existing.objects["companies"][earlier] = attribute(earlier, description=description)
    (place,) = planned(schema, existing).layout.places
    assert (place.action, place.attribute) == ("use", earlier)


def test_the_slug_of_an_earlier_version_is_not_taken_from_another_field():
    existing = workspace()
    existing.objects["companies"] |= {
        "odz": attribute("odz", description="From Affinity field 2"),
        "affinity_odz": attribute("affinity_odz", "number"),
    }
    plan = planned(with_companies(field("1", "Łódź"), field("2", "Odz")), existing)
    assert [(place.action, place.attribute) for place in plan.layout.places] == [("make", "lodz"), ("use", "odz")]


def test_an_attribute_that_a_person_made_is_used_if_it_is_alike():
    existing = workspace()
    existing.objects["companies"] |= {
        "alike": attribute("alike", "select", multiple=True),
        "single": attribute("single", "select"),
        "other": attribute("other", "number"),
        "gone": attribute("gone", "select", multiple=True, is_archived=True),
        "theirs": attribute("theirs", "select", multiple=True, description="From Affinity field 99"),
    }
    names = ("Alike", "Single", "Other", "Gone", "Theirs")
    schema = with_companies(*(field(name, name, "select", multiple=True) for name in names))
    found = [(place.action, place.attribute) for place in planned(schema, existing).layout.places]
    assert found == [
        ("use", "alike"),
        ("make", "affinity_single"),
        ("make", "affinity_other"),
        ("restore", "gone"),
        ("make", "affinity_theirs"),
    ]


def test_people_are_not_led_to_a_reference_to_companies():
    existing = workspace()
    existing.objects["companies"]["partner"] = attribute(
        "partner", "record-reference", allowed=frozenset({"companies"})
    )
    existing.objects["companies"]["board"] = attribute("board", "record-reference", allowed=None)
    plan = planned(with_companies(field("1", "Partner", "person"), field("2", "Board", "person")), existing)
    assert [place.attribute for place in plan.layout.places] == ["affinity_partner", "board"]


def test_a_job_may_rename_skip_retype_and_redirect_a_field():
    schema = with_companies(
        field("1", "Sector", "select", multiple=True),
        field("2", "Note"),
        field("3", "Score", "number"),
        field("4", "Old"),
    )
    mapping = Mapping(
        companies={
            "1": FieldMapping(to="categories"),
            "2": FieldMapping(to="remark", title="Remark"),
            "3": FieldMapping(type="rating"),
            "4": FieldMapping(skip=True),
        }
    )
    plan = planned(schema, mapping=mapping)
    assert not plan.issues
    assert [(p.action, p.attribute, p.title, p.type, p.multiple) for p in plan.layout.places] == [
        ("use", "categories", None, "select", True),
        ("make", "remark", "Remark", "text", False),
        ("make", "score", "Score", "rating", False),
        ("skip", None, None, None, False),
    ]


def test_what_the_job_names_comes_before_what_a_name_suggests():
    schema = with_companies(field("1", "Stage"), field("2", "Phase"))
    plan = planned(schema, mapping=Mapping(companies={"2": FieldMapping(to="stage")}))
    assert [place.attribute for place in plan.layout.places] == ["affinity_stage", "stage"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"1": FieldMapping(to="created_at")}, "attribute_incompatible"),
        ({"1": FieldMapping(to="domains")}, "attribute_incompatible"),
        ({"1": FieldMapping(to="affinity_id")}, "attribute_incompatible"),
        ({"1": FieldMapping(to="primary_location")}, "attribute_incompatible"),
        ({"1": FieldMapping(to="name", type="number")}, "attribute_incompatible"),
        ({"1": FieldMapping(type="checkbox")}, "type_impossible"),
        ({"1": FieldMapping(type="select")}, "options_unknown"),
        ({"1": FieldMapping(type="select", to="new")}, "options_unknown"),
        ({"1": FieldMapping(type="select", to="name")}, "attribute_incompatible"),
        ({"9": FieldMapping(skip=True)}, "unknown_field"),
        ({"1": FieldMapping(to="x"), "2": FieldMapping(to="x")}, "attribute_taken_twice"),
    ],
)
def test_a_mapping_of_a_field_that_cannot_work_is_a_blocker(wanted, code):
    plan = planned(with_companies(field("1", "One"), field("2", "Two")), mapping=Mapping(companies=wanted))
    assert [(issue.level, issue.code) for issue in plan.issues] == [("error", code)]
    assert plan.issues[0].field == f"companies.{list(wanted)[-1]}"


def test_fields_of_what_is_not_carried_are_not_looked_for():
    mapping = Mapping(people={"9": FieldMapping(skip=True)}, lists={"9": ListMapping(skip=True)})
    assert not planned(Schema(), mapping=mapping, entities=("companies",)).issues


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"only_lists": ["9"]}, "unknown_list"),
        ({"lists": {"9": ListMapping(skip=True)}}, "unknown_list"),
        ({"lists": {"7": ListMapping(fields={"9": FieldMapping(skip=True)})}}, "unknown_field"),
        ({"lists": {"7": ListMapping(stage="9")}}, "unknown_field"),
        ({"lists": {"7": ListMapping(stage="amount")}}, "type_impossible"),
        ({"lists": {"7": ListMapping(owner="amount")}}, "type_impossible"),
        ({"lists": {"7": ListMapping(value="status")}}, "type_impossible"),
        ({"lists": {"7": ListMapping(to="clients")}}, "list_incompatible"),
        ({"lists": {"7": ListMapping(to="both"), "8": ListMapping(to="both")}}, "list_taken_twice"),
        ({"default_owner": "eve@firm.example.com"}, "unknown_member"),
    ],
)
def test_a_mapping_of_a_list_that_cannot_work_is_a_blocker(wanted, code):
    schema = deals_list(field("status", "Status", "status"), field("amount", "Amount", "number"))
    schema = msgspec.structs.replace(schema, lists=(*schema.lists, List(id="8", name="More", of="deals")))
    existing = workspace(lists=(ListDefinition(id="l1", slug="clients", name="Clients", parents=("companies",)),))
    plan = planned(schema, existing, Mapping(**wanted))
    assert [(issue.level, issue.code) for issue in plan.issues] == [("error", code)]


def test_deals_that_are_switched_off_are_a_blocker_that_says_who_switches_them_on():
    plan = planned(Schema(users=()), workspace(deals=False))
    assert [(issue.level, issue.code) for issue in plan.issues] == [("error", "deals_disabled")]
    assert "admin" in plan.issues[0].message


def test_a_list_of_deals_is_left_out_where_there_are_none():
    plan = planned(deals_list(), workspace(deals=False), entities=("lists", "list_entries"))
    assert codes(plan) == ["list_needs_deals"]
    assert plan.layout.lists == ()


def test_an_attribute_where_freight_needs_its_own_is_a_blocker():
    existing = workspace()
    existing.objects["people"]["affinity_id"] = attribute("affinity_id", "number")
    existing.objects["deals"]["affinity_id"] = attribute("affinity_id")
    plan = planned(Schema(users=()), existing)
    assert [(issue.code, issue.field) for issue in plan.issues] == [("attribute_incompatible", "affinity_id")] * 2
    assert "unique" in plan.issues[1].message


def test_deals_need_somebody_to_own_them():
    existing = workspace(authorized_by=None)
    assert codes(planned(Schema(users=()), existing)) == ["no_deal_owner"]
    plan = planned(Schema(users=()), existing, Mapping(default_owner="Ada@Firm.example.com"))
    assert not plan.issues
    assert (plan.layout.default_owner, plan.layout.deal_owner) == (MEMBER_ID, MEMBER_ID)


def test_users_who_are_no_members_are_named_one_by_one():
    users = (
        PersonRef(id="1", name="Ada", email="ADA@firm.example.com", internal=True),
        PersonRef(id="2", name="Bob", email="bob@firm.example.com", internal=True),
        PersonRef(id="3", name="Cyd", internal=True),
    )
    plan = planned(Schema(users=users))
    assert [(i.level, i.code, i.value) for i in plan.issues] == [
        ("warning", "owner_without_member", "bob@firm.example.com"),
        ("warning", "owner_without_member", "3"),
    ]
    assert codes(planned(Schema(users=None))) == ["owners_not_checked"]
    assert not planned(Schema(users=users), entities=("companies",)).issues


def test_lists_are_made_recognised_and_redirected():
    lists = tuple(
        List(id=id_, name=name, of="companies") for id_, name in (("1", "LPs & Co"), ("2", "估值"), ("3", "X"))
    )
    existing = workspace(
        lists=(
            ListDefinition(id="a", slug="renamed_affinity_2", name="Renamed", parents=("companies",)),
            ListDefinition(id="b", slug="theirs", name="Theirs", parents=("companies",)),
        )
    )
    plan = planned(Schema(lists=lists, users=()), existing, Mapping(lists={"3": ListMapping(to="theirs")}))
    assert [(p.action, p.slug, p.name, p.target_id, p.shared) for p in plan.layout.lists] == [
        ("make", "lps_co_affinity_1", "LPs & Co", None, False),
        ("use", "renamed_affinity_2", "估值", "a", False),
        ("use", "theirs", "Theirs", "b", True),
    ]


def test_a_list_is_recognised_whatever_its_name_and_slug_have_become():
    schema = Schema(lists=(List(id="1", name="LPs", of="companies"), List(id="2", name="GPs", of="companies")))
    existing = made(workspace(), planned(schema).layout)
    renamed = tuple(
        msgspec.structs.replace(found, slug=f"ours_{found.id[-1]}", name="Ours") for found in existing.lists
    )
    again = planned(schema, msgspec.structs.replace(existing, lists=renamed)).layout
    assert [(place.list_id, place.action, place.slug, place.target_id) for place in again.lists] == [
        ("1", "use", "ours_1", "list-1"),
        ("2", "use", "ours_2", "list-2"),
    ]


def test_lists_that_the_job_does_not_carry_have_no_place():
    lists = tuple(List(id=id_, name=id_, of="deals") for id_ in "123")
    mapping = Mapping(only_lists=["1", "2"], lists={"2": ListMapping(skip=True)})
    assert [place.list_id for place in planned(Schema(lists=lists), mapping=mapping).layout.lists] == ["1"]


def test_a_list_whose_deals_alone_are_carried_is_not_made_but_gives_their_stage():
    plan = planned(deals_list(field("s", "Status", "status", options=("New",))), entities=("deals",))
    (place,) = plan.layout.lists
    assert (place.action, place.stage) == ("skip", "s")
    assert plan.layout.places == ()
    assert plan.layout.new_stages == ("New",)


def test_stages_are_attio_s_own_and_those_of_all_lists():
    schema = Schema(
        lists=(
            List(id="1", name="A", of="deals", fields=(field("s", "Status", "status", options=("Lead ", "New")),)),
            List(id="2", name="B", of="deals", fields=(field("s", "Stage", "status", options=("New", "Won", "Old")),)),
        ),
        users=(),
    )
    stages = (
        Choice(id="1", title="Lead"),
        Choice(id="2", title="Old", is_archived=True),
        Choice(id="3", title="Lost"),
    )
    layout = planned(schema, workspace(stages=stages)).layout
    assert layout.stages == ("Lead", "Lost", "New", "Won", "Old")
    assert layout.new_stages == ("New", "Won", "Old")


def test_options_that_are_missing_or_archived_are_made():
    schema = with_companies(field("1", "Industry", "select", options=("SaaS", " SaaS ", "saas", "Bio", "Old", " ")))
    existing = workspace()
    existing.objects["companies"]["industry"] = attribute("industry", "select")
    choices = [
        Choice(id="1", title="Theirs"),
        Choice(id="2", title="Bio"),
        Choice(id="3", title="Old", is_archived=True),
    ]
    (place,) = planned(schema, existing, choices={("companies", "industry"): choices}).layout.places
    assert place.options == ("Theirs", "Bio", "SaaS", "saas", "Old")
    assert place.new_options == ("SaaS", "saas", "Old")


def test_very_many_options_are_announced():
    schema = with_companies(field("1", "Tag", "select", options=[f"t{number}" for number in range(1500)]))
    plan = planned(schema)
    assert [(issue.level, issue.code, issue.value) for issue in plan.issues] == [("warning", "many_options", "1500")]
    assert "61 seconds" in plan.issues[0].message


def test_the_default_type_of_an_owner_is_a_member():
    schema = with_companies(field("1", "Deal Owner", "person", multiple=True), field("2", "Founder", "person"))
    assert [(p.type, p.multiple) for p in planned(schema).layout.places] == [("members", True), ("people", False)]


def test_members_are_known_by_their_addresses():
    members = (Member(id="m1", email="a@firm.example.com"), Member(id="m2", email="b@firm.example.com"))
    layout = planned(Schema(users=()), workspace(members=members)).layout
    assert layout.members == {"a@firm.example.com": "m1", "b@firm.example.com": "m2"}


def test_a_scope_is_asked_for_only_if_something_needs_it():
    base = "record_permission:read-write object_configuration:read-write user_management:read-write"
    assert check_scopes(base, ("companies", "people", "deals")) == []
    missing = [issue.value for issue in check_scopes(f"{base} note:read", ("list_entries", "notes", "tasks", "files"))]
    assert missing == [
        "list_configuration:read-write",
        "list_entry:read-write",
        "note:read-write",
        "task:read-write",
        "file:read-write",
    ]
    assert check_scopes(None, LOAD_ORDER) == []
