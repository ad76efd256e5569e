"""Rows of Affinity as records, and what is said of what does not fit."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import wait_none

from freight.connectors.affinity.companies_people import company_row, person_row
from freight.connectors.affinity.deals import deal_row, deal_row_v1, links_of
from freight.connectors.affinity.fields import FIELD_TYPES
from freight.connectors.affinity.files import file_row
from freight.connectors.affinity.lists import entry_row
from freight.connectors.affinity.notes import note_row
from freight.connectors.affinity.row_parser import FieldSelection, RowParser
from freight.connectors.affinity.source import AffinityReader, AffinitySource
from freight.connectors.affinity.tasks import task_row
from freight.connectors.errors import UnexpectedAnswer
from freight.connectors.protocols import Issue, Row, Workspace
from freight.model.crm import Company, Person
from freight.model.fields import Field, Location
from freight.model.mapping import Mapping
from freight.model.schema import Schema
from support.affinity_source_parts import BASE, a_list, codes, field, page, place, reading
from support.connector_parts import RecordingPacer, Script


def company(*fields: dict[str, Any], known: FieldSelection | None = None, **more: object) -> Row:
    row = {"id": 1, "name": "Acme", "domain": "acme.com", "domains": ["acme.com"], "isGlobal": False}
    return company_row({**row, "fields": list(fields), **more}, known or reading("companies"))


def person(*fields: dict[str, Any], **more: object) -> Row:
    row = {"id": 2, "firstName": "Jane", "lastName": "Doe", "primaryEmailAddress": None, "emailAddresses": []}
    return person_row({**row, "type": "external", "fields": list(fields), **more}, reading("people"))


def source(script: Script, pacer: RecordingPacer) -> AffinitySource:
    return AffinitySource("key", base_url=BASE, pacer=pacer, transport=script.transport, backoff=wait_none())


def reading_by(script: Script, pacer: RecordingPacer) -> AffinityReader:
    return source(script, pacer).reader(Schema(), Mapping())


def test_a_company_with_everything_is_taken_whole():
    row = company(
        field("affinity-data-description", "text", " Makes things. ", kind="enriched"),
        field("affinity-data-linkedin-url", "text", "https://linkedin.com/company/acme"),
        field("affinity-data-location", "location", place(city="Bern", country="Switzerland")),
        field(
            "affinity-data-phone", "filterable-text-multi", ["+41 31 111 11 11", "+41 31 222 22 22"], kind="enriched"
        ),
        field("field-9", "text", "+41 31 333 33 33", kind="global", name="telephone"),
        domain="www.Acme.com",
        domains=["acme.com", "https://acme.ch/about", "acme.io"],
    )
    assert row.record == Company(
        id="1",
        name="Acme",
        domains=("www.Acme.com", "https://acme.ch/about", "acme.io"),
        description="Makes things.",
        phone_numbers=("+41 31 111 11 11", "+41 31 222 22 22", "+41 31 333 33 33"),
        location=Location(city="Bern", country="Switzerland"),
        linkedin="https://linkedin.com/company/acme",
    )
    assert row.issues == ()


def test_a_person_with_everything_is_taken_whole():
    row = person(
        field("affinity-data-job-titles", "filterable-text-multi", ["CTO"]),
        field("affinity-data-current-job-title", "filterable-text", "CTO"),
        field("affinity-data-current-organization", "company", {"id": 7, "name": "Acme", "domain": None}),
        field("affinity-data-linkedin-url", "filterable-text-multi", [{"link": "https://in/jane", "text": "Jane"}]),
        field("affinity-data-location", "location-multi", [place(city="Bern")]),
        primaryEmailAddress="jane@acme.com",
        emailAddresses=["j@acme.com", "Jane@acme.com"],
    )
    assert row.record == Person(
        id="2",
        first_name="Jane",
        last_name="Doe",
        emails=("jane@acme.com", "j@acme.com"),
        job_title="CTO",
        location=Location(city="Bern"),
        linkedin="https://in/jane",
        company_id="7",
    )
    assert row.issues == ()


def test_the_firm_s_own_people_are_marked_as_such():
    row = person(type="internal")
    assert row.skip is None
    assert isinstance(row.record, Person)
    assert row.record.internal


@pytest.mark.parametrize(
    ("type_", "own", "said"),
    [
        ("external", False, []),
        ("collaborator", False, []),
        (None, True, []),
        ("guest", True, ["unknown_person_type"]),
        (["odd"], True, ["unknown_person_type"]),
    ],
)
def test_a_person_of_an_unknown_type_is_one_of_the_firm_s_own_only_if_a_user_has_the_id(type_, own, said):
    row = {"id": 2, "firstName": "Jane", "type": type_}
    users = FieldSelection("people", {}, frozenset(), frozenset({"2"}))
    as_user, as_stranger = person_row(row, users), person_row(row, reading("people"))
    assert isinstance(as_user.record, Person)
    assert isinstance(as_stranger.record, Person)
    assert (as_user.record.internal, as_stranger.record.internal) == (own, False)
    assert [issue.code for issue in as_user.issues] == said


def test_names_may_be_empty_or_null():
    assert person(firstName="", lastName=None).record == Person(id="2")


def test_the_first_of_several_job_titles_is_taken_and_the_others_are_named():
    row = person(field("affinity-data-job-titles", "filterable-text-multi", ["CEO", "Founder", "Chair"]))
    assert isinstance(row.record, Person)
    assert row.record.job_title == "CEO"
    assert [(issue.code, issue.value) for issue in row.issues] == [("further_values_left_out", "Founder; Chair")]


def test_further_places_and_employers_are_named():
    row = person(
        field("affinity-data-location", "location-multi", [place(city="Bern"), place(city="Rome", country="Italy")]),
        field("affinity-data-current-organization", "company-multi", [{"id": 7}, {"id": 8}]),
    )
    assert sorted(issue.value or "" for issue in row.issues) == ["8", "Rome, Italy"]


def test_fields_without_a_place_are_named_once_a_row():
    row = company(
        field("affinity-data-industry", "dropdown-multi", [{"dropdownOptionId": 1, "text": "X"}], name="Industry"),
        field("field-3", "number", 0, kind="global", name="Rounds"),
        field("last-email", "interaction", {"type": "email", "id": 1}, kind="relationship-intelligence"),
        field("field-4", "number", None, kind="global", name="Empty"),
        field("field-5", "formula-number", {"calculatedValue": None}, kind="global", name="Empty too"),
        field("field-6", "dropdown-multi", [], kind="global", name="Empty as well"),
    )
    assert [(issue.level, issue.code, issue.field) for issue in row.issues] == [
        ("info", "field_not_mapped", "Industry (affinity-data-industry), Rounds (field-3)"),
        ("info", "not_writable", "Name (last-email)"),
    ]


def test_a_value_of_an_unknown_type_is_named_with_its_type():
    row = company(field("field-3", "hologram", {"depth": 3}, kind="global", name="Logo"))
    assert codes(row) == ["unknown_value_type"]
    assert "'hologram'" in row.issues[0].message


def test_a_custom_phone_field_is_known_by_its_exact_name():
    row = company(
        field("field-1", "text", "+1 202 224 3121", kind="global", name="Phone Number"),
        field("field-2", "text", "later", kind="global", name="Phone again?"),
    )
    assert isinstance(row.record, Company)
    assert row.record.phone_numbers == ("+1 202 224 3121",)
    assert codes(row) == ["field_not_mapped"]


@pytest.mark.parametrize(
    "change",
    [
        {"fields": 5},
        {"fields": [5]},
        {"fields": [{"id": "x"}]},
        {"name": 5},
        {"domains": "acme.com"},
        {"domains": [{"no": "text"}]},
        {"fields": [field("affinity-data-location", "location", "Bern")]},
        {"fields": [field("affinity-data-location", "location", place(city=7))]},
        {"fields": [field("affinity-data-location", "location", {"zip": "3000"})]},
        {"fields": [field("affinity-data-description", "text", {"odd": 1})]},
    ],
)
def test_a_value_in_a_wrong_shape_is_named_and_the_rest_is_kept(change):
    row = company(**change)
    assert isinstance(row.record, Company)
    assert codes(row) == ["unreadable_value"]


KEYS = st.sampled_from(["id", "name", "type", "value", "data", "text", "link", "city", "fields"]) | st.text(max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
CUSTOM = {f"field-{number}": Field(id=f"field-{number}", name="F", type="text") for number in range(3)}
FIELD_IDS = st.sampled_from(
    ["affinity-data-location", "affinity-data-phone-number", "affinity-data-current-organization", "persons", *CUSTOM]
)
FIELDS = st.lists(
    st.builds(field, FIELD_IDS, st.sampled_from([*FIELD_TYPES, "interaction", "new"]), JSON) | JSON, max_size=4
)
ROW_KEYS = st.sampled_from(
    [
        "id", "name", "domain", "domains", "emailAddresses", "type", "firstName", "entity", "createdAt", "content",
        "parent_id", "person_ids", "list_entries", "associated_person_ids", "created_at", "due_date", "owner", "person",
        "reminder_days", "reset_type", "size", "organization_id",
    ]
)  # fmt: skip


def deal_from_a_list(row: Any) -> Row:
    return deal_row(row, FieldSelection("7", CUSTOM, frozenset()), links_of(RowParser({})))


def deal_without_a_list(row: Any) -> Row:
    return deal_row_v1(row, Schema(lists=(a_list("1", "deals"),)), Mapping())


READERS: list[Callable[[Any], Row]] = [
    lambda row: company_row(row, FieldSelection("companies", CUSTOM, frozenset())),
    lambda row: person_row(row, FieldSelection("people", CUSTOM, frozenset())),
    lambda row: entry_row(row, FieldSelection("7", CUSTOM, frozenset())),
    note_row,
    deal_from_a_list,
    deal_without_a_list,
    task_row,
    file_row,
]


@given(row=st.dictionaries(ROW_KEYS, JSON) | JSON, fields=FIELDS, read=st.sampled_from(READERS))
def test_no_row_whatever_stops_the_page(row: Any, fields: list[Any], read: Callable[[Any], Row]):
    if isinstance(row, dict):
        row = {"id": 3, **row, "fields": fields}
        row.setdefault("entity", {"id": 4, "fields": fields})
    result = read(row)
    assert result.record is not None or isinstance(result.skip, Issue)
    # PostgreSQL stores no NUL.
    assert not re.search(r"(?<!\\)\\u0000", msgspec.json.encode(result).decode())


def test_a_row_without_an_id_is_accounted_for():
    row = company_row({"name": "Nobody"}, reading("companies"))
    assert row.record is None
    assert row.skip is not None
    assert row.skip.code == "unreadable_row"
    same, other = (company_row({"name": name}, reading("companies")) for name in ("Nobody", "Somebody"))
    assert same.id == row.id != other.id


async def test_the_workspace_is_the_tenant_of_the_key(pacer):
    answer = httpx.Response(200, json={"tenant": {"id": 5, "name": "Contoso", "subdomain": "c"}, "user": {}})
    assert await source(Script(answer), pacer).identify() == Workspace(id="5", name="Contoso")
    with pytest.raises(UnexpectedAnswer):
        await source(Script(httpx.Response(200, json=[])), pacer).identify()


async def test_pages_are_asked_for_with_all_field_types_and_the_dated_version(pacer):
    script = Script(
        page([{"id": 1, "name": "Acme"}], f"{BASE}/v2/companies?cursor=a%3D%3D&fieldTypes=global"), page(None)
    )
    reader = reading_by(script, pacer)
    first = await reader.read("companies", None)
    assert first.next_cursor == "/v2/companies?cursor=a%3D%3D&fieldTypes=global"
    assert [row.id for row in first.rows] == ["1"]
    last = await reader.read("companies", first.next_cursor)
    assert last.rows == ()
    assert last.next_cursor is None
    assert [str(request.url) for request in script.requests] == [
        f"{BASE}/v2/companies?limit=100&fieldTypes=enriched&fieldTypes=global&fieldTypes=relationship-intelligence",
        f"{BASE}/v2/companies?cursor=a%3D%3D&fieldTypes=global",
    ]
    assert {request.headers["X-Affinity-Api-Version"] for request in script.requests} == {"2024-01-01"}


@pytest.mark.parametrize(
    "next_url",
    [
        "https://evil.example/v2/companies?cursor=a",
        "http://api.affinity.co/v2/companies?cursor=a",
        "https://api.affinity.co:8443/v2/companies?cursor=a",
        "https://key@api.affinity.co.evil.example/",
        "//evil.example/",
        "/v2/companies?cursor=a",
        "::",
        7,
    ],
)
async def test_the_key_is_sent_to_no_other_server_than_its_own(next_url, pacer):
    script = Script(page([], next_url))
    with pytest.raises(UnexpectedAnswer):
        await reading_by(script, pacer).read("people", None)
    assert len(script.requests) == 1


async def test_a_cursor_that_looks_like_another_server_stays_at_the_key_s_own(pacer):
    script = Script(page([], f"{BASE}//evil.example/x"), page([]))
    reader = reading_by(script, pacer)
    first = await reader.read("people", None)
    await reader.read("people", first.next_cursor)
    assert [request.url.host for request in script.requests] == ["api.affinity.co"] * 2


async def test_a_page_that_follows_itself_is_noticed(pacer):
    url = f"{BASE}/v2/persons?cursor=x"
    reader = reading_by(Script(page([], url)), pacer)
    first = await reader.read("people", None)
    with pytest.raises(UnexpectedAnswer):
        await reader.read("people", first.next_cursor)


@pytest.mark.parametrize("answer", [[], {"data": []}, {"data": {}, "pagination": {}}, {"data": [], "pagination": None}])
async def test_an_answer_that_is_no_page_is_not_taken_for_the_last_one(answer, pacer):
    with pytest.raises(UnexpectedAnswer):
        await reading_by(Script(httpx.Response(200, json=answer)), pacer).read("people", None)
