"""The values of Affinity's fields, and what becomes of those that were cut off."""

import pytest

from freight.connectors.affinity.companies_people import company_row, person_row
from freight.connectors.affinity.fields import FIELD_TYPES
from freight.connectors.affinity.row_parser import FieldSelection
from freight.connectors.protocols import Row
from freight.model.crm import Company, Person
from freight.model.fields import CompanyRef, Field, Location, PersonRef
from freight.model.mapping import FieldMapping, Mapping
from freight.model.schema import Schema
from support.affinity_source_parts import BASE, Paths, codes, field, json, page, person, place, reading, refusal


def known(type_: str) -> Field:
    return Field(id="field-1", name="Name", type=FIELD_TYPES[type_], multiple=type_.endswith("-multi"))


def company(*fields: object, of: Field | None = None, skipped: frozenset[str] = frozenset()) -> Row:
    return company_row(
        {"id": 1, "name": "Acme", "fields": list(fields)},
        reading("companies", *([] if of is None else [of]), skipped=skipped),
    )


def values(row: Row) -> tuple[object, ...]:
    assert isinstance(row.record, Company)
    return row.record.fields.get("field-1", ())


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        ("text", " Some text ", ("Some text",)),
        ("filterable-text", "one", ("one",)),
        ("filterable-text-multi", ["b", "a", "b"], ("b", "a", "b")),
        ("filterable-text-multi", [{"link": "https://x.example", "text": "X"}], ("https://x.example",)),
        ("number", 0, (0,)),
        ("number", 12.0, (12.0,)),
        ("number-multi", [3, 1.5, 3], (3, 1.5, 3)),
        ("formula-number", {"calculatedValue": 2.5}, (2.5,)),
        ("datetime", "2024-04-01T07:00:00.000Z", ("2024-04-01",)),
        ("datetime", "2024-12-01T08:00:00Z", ("2024-12-01",)),
        ("datetime", "2024-12-01T00:00:00+01:00", ("2024-12-01",)),
        ("datetime", "2024-12-01T01:00:00+01:00", ("2024-12-01",)),
        ("datetime", "2024-12-01T15:30:10Z", ("2024-12-01",)),
        ("datetime", "2024-12-01T12:00:00Z", ("2024-12-01",)),
        ("datetime", "2024-12-01", ("2024-12-01",)),
        ("location", place(city="Bern", country="Switzerland"), (Location(city="Bern", country="Switzerland"),)),
        ("location-multi", [place(city="Bern"), place(city="Rome")], (Location(city="Bern"), Location(city="Rome"))),
        ("dropdown", {"dropdownOptionId": 1, "text": "Red"}, ("Red",)),
        ("dropdown-multi", [{"dropdownOptionId": 2, "text": "B"}, {"dropdownOptionId": 1, "text": "A"}], ("B", "A")),
        ("ranked-dropdown", {"dropdownOptionId": 1, "text": "Won", "rank": 3, "color": "green"}, ("Won",)),
        ("status-dropdown", {"dropdownOptionId": 1, "text": "Won", "statusCategory": "won"}, ("Won",)),
        (
            "person",
            person(5, "Ann", lastName="Lee", type="internal", primaryEmailAddress="ann@firm.example"),
            (PersonRef(id="5", name="Ann Lee", email="ann@firm.example", internal=True),),
        ),
        ("person-multi", [person(5), person(6, "Bo")], (PersonRef(id="5", name="Ann"), PersonRef(id="6", name="Bo"))),
        ("company", {"id": 7, "name": "Acme", "domain": None}, (CompanyRef(id="7", name="Acme"),)),
        ("company-multi", [{"id": 7, "name": ""}, {"id": 8}], (CompanyRef(id="7"), CompanyRef(id="8"))),
    ],
)
def test_a_value_of_each_type_is_read(type_, data, expected):
    row = company(field("field-1", type_, data), of=known(type_))
    assert values(row) == expected
    assert row.issues == ()


@pytest.mark.parametrize(
    ("kept", "read", "other"),
    [
        ("2024-12-01T05:00:00Z", "2024-11-30", "2024-12-01"),  # midnight in New York
        ("2024-11-30T23:00:00Z", "2024-11-30", "2024-12-01"),  # midnight in Berlin
        ("2024-11-30T18:30:00Z", "2024-11-30", "2024-12-01"),  # midnight in Delhi
        ("2024-12-01T07:59:59Z", "2024-11-30", "2024-12-01"),  # a time of day
    ],
)
def test_a_date_that_is_kept_at_another_midnight_is_named_where_the_day_may_be_another(kept, read, other):
    row = company(field("field-1", "datetime", kept), of=known("datetime"))
    assert values(row) == (read,)
    (issue,) = row.issues
    assert (issue.level, issue.code, issue.value) == ("warning", "date_uncertain", kept)
    assert other in issue.message


@pytest.mark.parametrize(
    ("type_", "internal"),
    [("internal", True), ("external", False), ("collaborator", False), ("guest", True), (None, True)],
)
def test_a_person_of_an_unknown_type_in_a_value_is_the_firm_s_own_only_if_a_user_has_the_id(type_, internal):
    users = FieldSelection("companies", {"field-1": known("person-multi")}, frozenset(), frozenset({"5"}))
    data = [person(5, type=type_), person(6, type="guest")]
    row = company_row({"id": 1, "fields": [field("field-1", "person-multi", data)]}, users)
    assert values(row) == (PersonRef(id="5", name="Ann", internal=internal), PersonRef(id="6", name="Ann"))
    assert row.issues == ()


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("text", None),
        ("text", "  "),
        ("filterable-text-multi", None),
        ("filterable-text-multi", []),
        ("dropdown", {"dropdownOptionId": None, "text": None}),
        ("formula-number", {"calculatedValue": None}),
        ("location", place()),
    ],
)
def test_emptiness_in_any_form_is_no_value(type_, data):
    row = company(field("field-1", type_, data), of=known(type_))
    assert values(row) == ()
    assert row.issues == ()


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("number", "12"),
        ("number", True),
        ("datetime", "soon"),
        ("datetime", 1711929600),
        ("datetime", "0001-01-01T00:00:01Z"),
        ("datetime", "9999-12-31T23:59:59.999-08:00"),
        ("dropdown", "Red"),
        ("person", {"firstName": "Ann"}),
        ("person", person("x" * 3000)),
        ("company-multi", [7]),
    ],
)
def test_a_value_in_a_wrong_shape_is_named(type_, data):
    row = company(field("field-1", type_, data), of=known(type_))
    assert values(row) == ()
    assert codes(row) == ["unreadable_value"]


@pytest.mark.parametrize(("given", "kept"), [("cut \N{REPLACEMENT CHARACTER}", None), ("nul\0s", "nuls")])
def test_a_text_with_a_character_that_no_text_can_hold_is_repaired_and_named(given, kept):
    row = company(field("field-1", "filterable-text-multi", ["whole", given]), of=known("filterable-text-multi"))
    assert values(row) == ("whole", kept or given)
    assert [(issue.level, issue.code, issue.field) for issue in row.issues] == [("warning", "damaged_text", "Name")]
    named = company_row({"id": 1, "name": given}, reading("companies"))
    assert [(issue.code, issue.field) for issue in named.issues] == [("damaged_text", "name")]


def test_the_readable_values_of_a_field_are_kept():
    row = company(field("field-1", "number-multi", [1, "two", 3]), of=known("number-multi"))
    assert values(row) == (1, 3)
    assert codes(row) == ["unreadable_value"]


def test_a_field_that_the_job_leaves_behind_is_not_mentioned():
    row = company(
        field("field-1", "hologram", {"depth": 3}),
        field("affinity-data-location", "location", place(city="Bern"), kind="enriched"),
        of=known("text"),
        skipped=frozenset({"field-1", "affinity-data-location"}),
    )
    assert row.record == Company(id="1", name="Acme")
    assert row.issues == ()


def test_a_standard_fact_that_the_mapping_names_is_carried_as_the_field_that_it_is():
    phone = field("field-1", "text", "+1 202 224 3121", name="Phone")
    description = field("affinity-data-description", "text", "Makes things.", kind="enriched")
    row = company(phone, description, of=known("text"), skipped=frozenset({"affinity-data-description"}))
    assert isinstance(row.record, Company)
    assert (row.record.phone_numbers, row.record.description) == ((), None)
    assert values(row) == ("+1 202 224 3121",)
    assert row.issues == ()


def test_a_field_that_appeared_after_the_schema_was_read_is_named():
    assert codes(company(field("field-9", "text", "New"))) == ["field_not_mapped"]


def test_a_field_that_became_another_one_is_named():
    row = company(field("field-1", "number", 5), of=known("text"))
    assert values(row) == ()
    assert codes(row) == ["field_type_changed"]


def test_a_value_of_an_unknown_type_is_named_also_where_the_field_is_known():
    assert codes(company(field("field-1", "hologram", {"depth": 3}), of=known("text"))) == ["unknown_value_type"]


def test_links_between_people_and_companies_are_named_where_attio_has_no_place_for_them():
    row = person_row(
        {"id": 2, "fields": [field("companies", "company-multi", [{"id": 7}], kind="enriched", name="Organizations")]},
        reading("people"),
    )
    assert isinstance(row.record, Person)
    assert [(issue.level, issue.code) for issue in row.issues] == [("info", "association_left_out")]


OWNERS = Schema(companies=(Field(id="field-1", name="Name", type="person", multiple=True),))
FIRST_HUNDRED = [person(number) for number in range(1, 101)]
REST_PATH = "/v2/companies/1/fields/field-1/values"


def acme(**more: object) -> dict[str, object]:
    return {"id": 1, "name": "Acme", "fields": [field("field-1", "person-multi", FIRST_HUNDRED, **more)]}


async def read(vendor: Paths, mapping: Mapping | None = None) -> Row:
    (row,) = (await vendor.reader(OWNERS, mapping).read("companies", None)).rows
    return row


@pytest.mark.parametrize("more", [{}, {"totalCount": 101}])
async def test_values_beyond_the_first_hundred_are_fetched(more):
    pages = [page(FIRST_HUNDRED, f"{BASE}{REST_PATH}?cursor=x"), page([{"type": "person", "data": person(101)}])]
    vendor = Paths({"/v2/companies": page([acme(**more)]), REST_PATH: pages})
    row = await read(vendor)
    assert len(values(row)) == 101
    assert row.issues == ()


@pytest.mark.parametrize("answer", [refusal(400), refusal(403), refusal(404), refusal(501), json({"values": []})])
async def test_values_that_cannot_be_fetched_are_counted(answer):
    vendor = Paths({"/v2/companies": page([acme(totalCount=107)]), REST_PATH: answer})
    row = await read(vendor)
    assert len(values(row)) == 100
    assert [(issue.code, issue.value) for issue in row.issues] == [("values_cut_off", "7")]


NUMBERS = [f"+1 202 555 {number:04}" for number in range(130)]


@pytest.mark.parametrize(
    ("rest", "carried", "said"), [(page(NUMBERS), 130, []), (refusal(404), 100, ["values_cut_off"])]
)
async def test_all_values_of_a_standard_fact_are_fetched_or_it_is_said_how_many_are_missing(rest, carried, said):
    phones = field(
        "affinity-data-phone-number", "filterable-text-multi", NUMBERS[:100], kind="enriched", totalCount=130
    )
    rest_path = "/v2/persons/5/fields/affinity-data-phone-number/values"
    vendor = Paths({"/v2/persons": page([{"id": 5, "fields": [phones]}]), rest_path: rest})
    (row,) = (await vendor.reader().read("people", None)).rows
    assert isinstance(row.record, Person)
    assert len(row.record.phone_numbers) == carried
    assert codes(row) == said


async def test_a_full_hundred_is_named_where_nobody_knows_whether_there_are_more():
    row = await read(Paths({"/v2/companies": page([acme()])}))
    assert [(issue.code, issue.value) for issue in row.issues] == [("values_cut_off", None)]


async def test_nothing_is_fetched_for_a_field_that_is_left_behind():
    vendor = Paths({"/v2/companies": page([acme(totalCount=107)])})
    row = await read(vendor, Mapping(companies={"field-1": FieldMapping(skip=True)}))
    assert row.issues == ()
    assert len(vendor.requests) == 1


TAGS = Schema(companies=(Field(id="field-1", name="Tags", type="text", multiple=True),))


def tagged(number: int) -> dict[str, object]:
    return {"id": 1, "fields": [field("field-1", "filterable-text-multi", [f"t{n:03}" for n in range(number)])]}


@pytest.mark.parametrize(("given", "asked"), [(99, False), (100, True), (101, False), (300, False)])
async def test_a_full_hundred_of_any_values_may_be_cut_off_and_is_asked_for_once_more(given, asked):
    vendor = Paths({"/v2/companies": page([tagged(given)]), REST_PATH: page([f"t{n:03}" for n in range(150)])})
    (row,) = (await vendor.reader(TAGS).read("companies", None)).rows
    assert len(values(row)) == (150 if asked else given)
    assert row.issues == ()
    assert len(vendor.requests) == 1 + asked


async def test_a_full_hundred_of_any_values_is_named_where_the_rest_is_refused():
    vendor = Paths({"/v2/companies": page([tagged(100)]), REST_PATH: refusal(404)})
    (row,) = (await vendor.reader(TAGS).read("companies", None)).rows
    assert [(issue.code, issue.value) for issue in row.issues] == [("values_cut_off", None)]
