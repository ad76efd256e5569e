"""What Attio can hold of companies and people, in which form, and what is said of the rest."""

from collections.abc import Collection

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.attio import values
from freight.connectors.attio.countries import country_code
from freight.connectors.attio.spec import SPEC
from freight.connectors.attio.standard import ATTIO_TYPES, written_types
from freight.connectors.planning.choices import Choice
from freight.connectors.protocols import References
from freight.model.crm import Company, Person, Reference, claims, without_claims
from freight.model.fields import CompanyRef, Field, FieldValues, Location, PersonRef
from freight.model.mapping import FieldMapping, Mapping
from freight.model.resolved_mapping import Place, ResolvedMapping
from freight.model.schema import Schema
from support.attio_parts import COMPANY, MARKS, MEMBER_ID, codes, draft, field, planned, workspace

TEXTS = st.text(max_size=40)
OPTIONAL = st.none() | TEXTS
WEBSITES = TEXTS | st.from_regex(r"\A(https?://)?(www\.)?[a-zäé0-9-]{1,12}\.(com|co\.uk|test|ch)(:80)?(/x)?\Z")
ADDRESSES = TEXTS | st.emails() | st.from_regex(r"\A[A-Za-z.+ü]{1,8}@[A-Za-zü-]{1,8}\.(com|test|ch)\Z")
PHONES = TEXTS | st.from_regex(r"\A\+?[0-9 ().-]{5,18}( ?(x|ext\.?) ?[0-9]{1,5})?\Z")
COUNTRIES = TEXTS | st.sampled_from(["US", "United States", "UK", "Russia", "South Korea", "Kosovo", "Atlantis"])
LOCATIONS = st.none() | st.builds(
    Location,
    street=OPTIONAL,
    city=OPTIONAL,
    region=OPTIONAL,
    postcode=OPTIONAL,
    country=st.none() | COUNTRIES,
    continent=OPTIONAL,
)
COMPANIES = st.builds(
    Company,
    id=st.just("1"),
    name=OPTIONAL,
    domains=st.lists(WEBSITES, max_size=3).map(tuple),
    description=OPTIONAL,
    phone_numbers=st.lists(PHONES, max_size=3).map(tuple),
    location=LOCATIONS,
    linkedin=OPTIONAL,
)
PEOPLE = st.builds(
    Person,
    id=st.just("2"),
    first_name=OPTIONAL,
    last_name=OPTIONAL,
    emails=st.lists(ADDRESSES, max_size=3).map(tuple),
    phone_numbers=st.lists(PHONES, max_size=3).map(tuple),
    job_title=OPTIONAL,
    location=LOCATIONS,
    company_id=st.none() | st.sampled_from(["7", "8"]),
)


EMPLOYER = References(found={("companies", "7"): COMPANY})
REFERENCES = References(
    found={("companies", "7"): COMPANY, ("people", "8"): "b1f8c3a2-0000-4000-8000-000000000008"},
)
TO_COME = frozenset({("people", "9")})
PEOPLE_NAMED = st.builds(
    PersonRef,
    id=st.sampled_from(["7", "8", "9"]),
    name=OPTIONAL,
    email=st.sampled_from(["ada@firm.example.com", None]),
    internal=st.booleans(),
)
ANY_VALUE = st.one_of(
    TEXTS,
    st.sampled_from(["2024-01-31", "Red", " Red ", "4", "1,234.5", "-0.00001"]),
    st.integers(),
    st.floats(),
    LOCATIONS.filter(lambda place: place is not None),
    PEOPLE_NAMED,
    st.builds(CompanyRef, id=st.sampled_from(["7", "8"]), name=OPTIONAL),
)
TYPES: dict[str, FieldMapping] = {
    "text": FieldMapping(),
    "number": FieldMapping(type="number"),
    "currency": FieldMapping(type="currency"),
    "rating": FieldMapping(type="rating"),
    "checkbox": FieldMapping(type="checkbox"),
    "date": FieldMapping(),
    "timestamp": FieldMapping(type="timestamp"),
    "select": FieldMapping(),
    "status": FieldMapping(),
    "location": FieldMapping(),
    "people": FieldMapping(),
    "members": FieldMapping(type="members"),
    "companies": FieldMapping(),
}
"""A field of each type of attribute; the mapping makes of a field what it would not be by itself."""
FIELD_TYPES = {
    "currency": "number",
    "rating": "number",
    "checkbox": "number",
    "timestamp": "date",
    "people": "person",
    "members": "person",
    "companies": "company",
}


def every_type(*, multiple: bool = False) -> ResolvedMapping:
    fields = tuple(
        field(name, f"The {name}", FIELD_TYPES.get(name, name), multiple=multiple, options=("Red", "Blue"))  # type: ignore[arg-type]
        for name in TYPES
    )
    schema = Schema(companies=fields, users=())
    plan = planned(schema, mapping=Mapping(companies=TYPES, default_owner="ada@firm.example.com"))
    assert not plan.issues
    return plan.layout


SINGLE, SEVERAL = every_type(), every_type(multiple=True)


def as_attio_reads(type_: str, item: object) -> dict[str, object]:
    """What Attio documents that it answers for a value written in canonical form."""
    shared = {"active_from": "2026-01-01T00:00:00.000000000Z", "active_until": None, "attribute_type": type_}
    match type_:
        case "domain":
            return {**shared, "domain": item, "root_domain": item}
        case "email-address":
            return {**shared, "original_email_address": item, "email_address": item, "email_domain": ""}
        case "phone-number":
            return {**shared, "original_phone_number": item, "country_code": "US", "phone_number": item}
        case "number" | "rating":
            assert isinstance(item, int | float)
            return {**shared, "value": float(item)}
        case "currency":
            return {**shared, "currency_value": item, "currency_code": "USD"}
        case "timestamp":
            assert isinstance(item, str)
            return {**shared, "value": item.replace("Z", ".000000000Z")}
        case "select":
            return {**shared, "option": {"id": {}, "title": item, "is_archived": False}}
        case "status":
            return {**shared, "status": {"id": {}, "title": item, "is_archived": False}}
        case "personal-name" | "location" | "record-reference" | "actor-reference":
            assert isinstance(item, dict)
            return {**shared, **item}
        case _:
            return {**shared, "value": item}


@given(
    record=COMPANIES | PEOPLE,
    fields=st.dictionaries(st.sampled_from(list(TYPES)), st.lists(ANY_VALUE, min_size=1, max_size=3).map(tuple)),
    layout=st.sampled_from([SINGLE, SEVERAL]),
)
def test_what_is_read_back_equals_what_was_written(record, fields, layout):
    if isinstance(record, Company):
        record = msgspec.structs.replace(record, fields=fields)
    drafted = draft(record, REFERENCES, layout)
    types = written_types(drafted.entity, MARKS)
    if isinstance(record, Company):
        types |= {place.attribute or "": ATTIO_TYPES[place.type or "text"] for place in layout.places}
    read = {slug: [as_attio_reads(types[slug], item) for item in drafted.values.get(slug, [])] for slug in types}
    # Attio answers the same for a box that is not ticked and for one of which nobody has said anything.
    assert values.read_values(types, read) == {
        slug: items for slug, items in drafted.values.items() if items[0] is not False
    }
    assert msgspec.json.decode(msgspec.json.encode(drafted.values)) == drafted.values


def is_silent(value):
    if isinstance(value, Location):
        return not any((part or "").strip() for part in msgspec.structs.astuple(value))
    return value == 0 or not str(value).strip()


@given(
    fields=st.dictionaries(st.sampled_from(list(TYPES)), st.lists(ANY_VALUE, min_size=1, max_size=3).map(tuple)),
    layout=st.sampled_from([SINGLE, SEVERAL]),
)
def test_every_value_of_a_field_is_drafted_to_come_or_named(fields, layout):
    drafted = draft(Company(id="1", fields=fields), REFERENCES, layout, TO_COME)
    open_slots = {slot.attribute for slot in drafted.slots}
    for place in layout.places:
        given_values = fields.get(place.field, ())
        items = drafted.values.get(place.attribute or "", [])
        assert len(items) <= (len(given_values) if place.multiple else 1)
        named = [issue for issue in drafted.issues if issue.field == place.attribute]
        says_nothing = all(map(is_silent, given_values))
        assert items or named or place.attribute in open_slots or says_nothing or place.type in ("text", "location")


@given(record=COMPANIES | PEOPLE)
def test_every_value_is_in_the_draft_or_named_in_an_issue(record):
    drafted = draft(record)
    # A remark stands beside an address that arrives; a profile may arrive elsewhere.
    left_out = {(issue.field, issue.value) for issue in drafted.issues if issue.code != "remark_left_out"}
    lists = [
        (getattr(record, "domains", ()), "domains"),
        (getattr(record, "emails", ()), "email_addresses"),
        (record.phone_numbers, "phone_numbers"),
    ]
    for given_values, slug in lists:
        if any(value.strip() and (slug, value) not in left_out for value in given_values):
            assert slug in drafted.values or any(field == slug for field, _ in left_out)
    unique = [value for values in drafted.unique.values() for value in values]
    assert set(unique) == set(claims(record, SPEC.target.unique))
    assert drafted.values["affinity_id"] == [record.id]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United States", "US"),
        ("USA", "US"),
        ("us", "US"),
        ("United  Kingdom", "GB"),
        ("UK", "GB"),
        ("Scotland", "GB"),
        ("South Korea", "KR"),
        ("Russia", "RU"),
        ("Russian Federation", "RU"),
        ("Vietnam", "VN"),
        ("Turkey", "TR"),
        ("Czech Republic", "CZ"),
        ("Czechia", "CZ"),
        ("The Netherlands", "NL"),
        ("Netherlands", "NL"),
        ("Bahamas", "BS"),
        ("St. Lucia", "LC"),
        ("Ivory Coast", "CI"),
        ("Côte d'Ivoire", "CI"),
        ("Kosovo", "XK"),
        ("Hong Kong", "HK"),
        ("Macau", "MO"),
        ("Taiwan", "TW"),
        ("Palestine", "PS"),
        ("Iran", "IR"),
        ("Laos", "LA"),
        ("Curaçao", "CW"),
        ("Trinidad & Tobago", "TT"),
        ("Antigua & Barbuda", "AG"),
        ("Bosnia & Herzegovina", "BA"),
        ("Sao Tome & Príncipe", "ST"),
        ("St Vincent and Grenadines", "VC"),
        ("U.S.A.", "US"),
        ("Guinea Bissau", "GW"),
        ("Hong Kong SAR China", "HK"),
        ("Hong Kong S.A.R.", "HK"),
        ("Hong Kong, China", "HK"),
        ("Macau SAR", "MO"),
        ("Czech Rep.", "CZ"),
        ("Dominican Rep.", "DO"),
        ("Congo, Dem. Rep.", "CD"),
        ("Rep. of Korea", "KR"),
        ("Korea", None),  # either of two
        ("Schweiz", "CH"),
        ("Myanmar (Burma)", "MM"),
        ("Congo - Kinshasa", "CD"),
        ("Türkiye", "TR"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("España", "ES"),
        ("Россия", "RU"),
        ("日本", "JP"),
        ("대한민국", "KR"),
        ("Congo", "CG"),
        ("Kongo", None),  # either of two, by the language
        ("Saint", None),
        ("Atlantis", None),
        ("x" * 100_000, None),
        ("", None),
        ("The ", None),
    ],
)
def test_countries_are_known_by_their_everyday_names(name, code):
    assert country_code(name) == code


def test_a_national_number_is_read_as_one_of_the_record_s_country_and_that_is_said():
    swiss = Company(id="1", phone_numbers=("044 668 18 00",), location=Location(country="Schweiz"))
    drafted = draft(swiss)
    assert drafted.values["phone_numbers"] == ["+41446681800"]
    assert [(issue.level, issue.code) for issue in drafted.issues] == [("info", "phone_country_assumed")]
    stateless = Company(id="1", phone_numbers=("044 668 18 00",))
    assert [issue.code for issue in draft(stateless).issues] == ["invalid_phone_number"]


def test_an_extension_is_dropped_and_named():
    drafted = draft(Company(id="1", phone_numbers=("+1 202 224 3121 x44", "+12022243121")))
    assert drafted.values["phone_numbers"] == ["+12022243121"]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [
        ("phone_extension_dropped", "+1 202 224 3121 x44")
    ]


def test_a_location_has_all_ten_keys_and_an_unknown_country_is_named():
    place = Location(street="1 Main St\nSuite 2", city="Springfield", country="Atlantis", continent="Ocean")
    drafted = draft(Company(id="1", location=place))
    assert drafted.values["primary_location"] == [
        dict.fromkeys(values.LOCATION_KEYS) | {"line_1": "1 Main St", "line_2": "Suite 2", "locality": "Springfield"}
    ]
    assert codes(drafted) == ["unknown_country", "continent_not_carried"]


@pytest.mark.parametrize(
    ("country", "sentence"),
    [
        ("Korea", "'Korea' can be North Korea or South Korea: it was left out of the location."),
        ("Virgin Islands", "'Virgin Islands' can be Virgin Islands, British or Virgin Islands, U.S.: it was left out"),
        ("Atlantis", "'Atlantis' is not a country that Attio knows: it was left out"),
    ],
)
def test_a_country_that_is_not_known_for_certain_is_explained(country, sentence):
    (issue,) = draft(Company(id="1", location=Location(city="Seoul", country=country))).issues
    assert (issue.code, issue.value) == ("unknown_country", country)
    assert issue.message.startswith(sentence)


def test_a_continent_alone_is_no_location():
    drafted = draft(Company(id="1", location=Location(continent="Europe")))
    assert "primary_location" not in drafted.values
    assert codes(drafted) == ["continent_not_carried"]


def test_a_continent_that_the_country_implies_is_not_worth_an_issue():
    assert not draft(Company(id="1", location=Location(country="France", continent="Europe"))).issues


def test_a_person_with_one_name_has_all_three_parts():
    drafted = draft(Person(id="2", first_name="Cher"))
    assert drafted.values["name"] == [{"first_name": "Cher", "last_name": "", "full_name": "Cher"}]


def test_reserved_addresses_are_left_out_and_named():
    drafted = draft(Person(id="2", emails=("A@Example.com", "a@firm.test", "nonsense")))
    assert drafted.values["email_addresses"] == ["a@example.com"]
    assert drafted.unique == {"email_addresses": ("a@example.com",)}
    assert [issue.value for issue in drafted.issues] == ["a@firm.test", "nonsense"]


def named(drafted):
    return [(issue.level, issue.code, issue.value) for issue in drafted.issues]


def test_what_stands_beside_an_address_is_named():
    person = Person(
        id="2", emails=("Ada <ada@acme.com>", "mailto:ada@home.com"), phone_numbers=("+49 30 901820 bis 25",)
    )
    drafted = draft(person)
    assert drafted.values["email_addresses"] == ["ada@acme.com", "ada@home.com"]
    assert drafted.values["phone_numbers"] == ["+4930901820"]
    assert sorted(named(drafted)) == [("info", "remark_left_out", "Ada"), ("warning", "remark_left_out", "bis 25")]


def test_a_profile_goes_where_profiles_belong_and_is_no_domain():
    bakery = Company(id="1", name="Acme Bakery", domains=("https://www.linkedin.com/company/acme-bakery/",))
    drafted = draft(bakery)
    assert (drafted.unique, drafted.values["linkedin"]) == ({}, ["https://linkedin.com/company/acme-bakery"])
    assert named(drafted) == [("info", "profile_not_a_domain", "https://www.linkedin.com/company/acme-bakery/")]
    assert draft(Company(id="1", name="G", domains=("twitter.com/g",))).values["twitter"] == ["https://twitter.com/g"]
    assert draft(Person(id="2", emails=("facebook.com/ada",))).values["facebook"] == ["https://facebook.com/ada"]


def test_a_profile_that_the_record_has_a_place_for_but_another_value_in_it_is_named():
    held = "https://www.linkedin.com/company/acme"
    acme = Company(id="1", name="Acme", domains=("linkedin.com/company/acme-2",), linkedin=held)
    drafted = draft(acme)
    assert drafted.values["linkedin"] == [held]
    assert named(drafted) == [("warning", "profile_not_a_domain", "linkedin.com/company/acme-2")]
    same = msgspec.structs.replace(acme, domains=("linkedin.com/company/acme",))
    assert named(draft(same)) == [("info", "profile_not_a_domain", "linkedin.com/company/acme")]


def test_hosts_that_many_share_are_no_domain_of_a_company_and_are_named():
    shared = Company(
        id="1", name="Delta", domains=("sites.google.com/view/delta", "gmail.com", "linkedin.com", "github.io")
    )
    drafted = draft(shared)
    assert drafted.values == {"name": ["Delta"], "affinity_id": ["1"]}
    assert [(code, value) for _, code, value in named(drafted)] == [
        ("profile_not_a_domain", "sites.google.com/view/delta"),
        ("free_mail_domain", "gmail.com"),
        ("shared_domain", "linkedin.com"),
        ("shared_domain", "github.io"),
    ]
    assert draft(Company(id="1", name="Zeta", domains=("zeta.github.io",))).values["domains"] == ["zeta.github.io"]


def test_the_company_behind_a_shared_host_has_it_as_its_domain():
    assert draft(Company(id="1", name="LinkedIn", domains=("linkedin.com",))).values["domains"] == ["linkedin.com"]
    assert draft(Company(id="1", name="GitHub, Inc.", domains=("github.com",))).values["domains"] == ["github.com"]


def test_a_missing_employer_is_named():
    drafted = draft(Person(id="2", company_id="9"), EMPLOYER)
    assert "company" not in drafted.values
    assert codes(drafted) == ["reference_not_found"]


def test_a_claim_that_was_lost_is_not_drafted():
    company = Company(id="1", domains=("acme.com", "acme.io"))
    assert draft(without_claims(company, ["acme.com"])).unique == {"domains": ("acme.io",)}


def test_a_record_with_nothing_but_an_id_is_drafted():
    assert draft(Company(id="1")).values == {"affinity_id": ["1"]}


def of_company(
    given_fields: FieldValues,
    *fields: Field,
    references: References = REFERENCES,
    to_come: Collection[Reference] = (),
    **wanted: FieldMapping,
):
    layout = planned(Schema(companies=fields, users=()), mapping=Mapping(companies=wanted)).layout
    return draft(Company(id="1", fields=given_fields), references, layout, to_come)


def test_a_field_that_appeared_after_the_survey_is_named():
    drafted = draft(Company(id="1", fields={"99": ("x", 2)}))
    assert [(issue.code, issue.value) for issue in drafted.issues] == [("field_not_mapped", "x, 2")]


def test_a_field_that_is_skipped_is_left_behind_in_silence():
    drafted = of_company({"f1": ("x",)}, field("f1", "Note"), f1=FieldMapping(skip=True))
    assert drafted.values == {"affinity_id": ["1"]}
    assert not drafted.issues


def test_several_texts_and_numbers_become_lines_of_one_text():
    fields = (field("f1", "Notes", multiple=True), field("f2", "Scores", "number", multiple=True))
    drafted = of_company({"f1": ("a", " b "), "f2": (1.0, 2.5)}, *fields)
    assert (drafted.values["notes"], drafted.values["scores"]) == (["a\nb"], ["1\n2.5"])
    assert not drafted.issues


def test_a_second_value_of_a_single_attribute_is_named():
    drafted = of_company({"f1": (1, "x", 1.0, 2)}, field("f1", "Score", "number"))
    assert drafted.values["score"] == [1]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [
        ("value_not_convertible", "x"),
        ("further_values_left_out", "1, 2"),
    ]


@pytest.mark.parametrize(
    ("type_", "to", "value", "item"),
    [
        ("number", "rating", 4.0, 4),
        ("number", "rating", 0, 0),
        ("number", "checkbox", 1, True),
        ("number", "checkbox", 0, False),
        ("number", "text", 12.0, "12"),
        ("number", "currency", 9.99, 9.99),
        ("text", "number", " 1,234.5 ", 1234.5),
        ("text", "date", "2024-02-29", "2024-02-29"),
        ("date", "timestamp", "2024-02-29", "2024-02-29T00:00:00Z"),
        ("date", "text", "2024-02-29", "2024-02-29"),
        ("select", "text", "Red", "Red"),
        (
            "location",
            "text",
            Location(street="A 1\nB", city="Bern", country="Switzerland"),
            "A 1, B, Bern, Switzerland",
        ),
        ("location", "text", Location(city="Bern", continent="Europe"), "Bern, Europe"),
        ("person", "text", PersonRef(id="8", name="Ann Lee"), "Ann Lee"),
        ("person", "text", PersonRef(id="8", email="a@b.example.com"), "a@b.example.com"),
        ("company", "text", CompanyRef(id="7", name="Acme"), "Acme"),
    ],
)
def test_a_value_takes_the_form_of_its_attribute(type_, to, value, item):
    drafted = of_company({"f1": (value,)}, field("f1", "X", type_), f1=FieldMapping(type=to))
    assert drafted.values["x"] == [item]
    assert not drafted.issues


@pytest.mark.parametrize(
    ("type_", "to", "value"),
    [
        ("number", "rating", 2.5),
        ("number", "rating", 6),
        ("number", "checkbox", 2),
        ("number", "number", float("inf")),
        ("number", "number", 10**400),
        ("text", "number", "12 apples"),
        ("text", "date", "next year"),
        ("date", "date", "2024-02-30"),
        ("location", "location", "Bern"),
        ("person", "people", "Ann"),
    ],
)
def test_a_value_that_cannot_take_that_form_is_named(type_, to, value):
    drafted = of_company({"f1": (value,)}, field("f1", "X", type_), f1=FieldMapping(type=to))
    assert "x" not in drafted.values
    assert codes(drafted) == ["value_not_convertible"]


def test_a_number_with_more_decimals_than_attio_keeps_is_rounded_and_named():
    drafted = of_company({"f1": (3.14159,)}, field("f1", "Score", "number"))
    assert drafted.values["score"] == [3.1416]
    assert [(issue.level, issue.code, issue.value) for issue in drafted.issues] == [("info", "rounded", "3.14159")]


REVENUE = {("companies", "f1"): "comma"}


@pytest.mark.parametrize(
    ("text", "numerals", "item", "said"),
    [
        ("0,125", {}, 0.125, []),
        ("1.234,56", {}, 1234.56, []),
        ("1,234", REVENUE, 1.234, []),
        ("1.234", REVENUE, 1234, []),
        ("1,234.5", REVENUE, 1234.5, []),
        ("1,234", {}, None, ["ambiguous_number"]),
        ("1,234", {("people", "f1"): "comma"}, None, ["ambiguous_number"]),
        ("(1 500,75 €)", {}, -1500.75, ["unit_left_out"]),
        ("12.5%", {}, 12.5, ["unit_left_out"]),
        ("9007199254740993", {}, 9007199254740992.0, ["rounded"]),
        ("1.23456", {}, 1.2346, ["rounded"]),
        ("1e999", {}, None, ["value_not_convertible"]),
    ],
)
def test_a_number_in_a_text_is_read_by_the_convention_of_its_field(text, numerals, item, said):
    references = References(numerals=numerals)
    drafted = of_company({"f1": (text,)}, field("f1", "X"), references=references, f1=FieldMapping(type="number"))
    assert drafted.values.get("x") == (None if item is None else [item])
    assert codes(drafted) == said


@pytest.mark.parametrize(
    ("number", "kept", "reason"),
    [
        (2**53 + 1, 2.0**53, "16 digits:"),
        (123456789012345678901234567890, 1.2345678901234568e29, "16 digits:"),
        (9223372036854776000, 9223372036854776000.0, None),
        (10**20, 1e20, None),
        (1e308, 1e308, None),
        (-1e21, -1e21, None),
        (-0.0, 0, None),
        (5e-324, 0, "4 decimals:"),
        (0.30000000000000004, 0.3, "4 decimals:"),
        (1234567890.123456789, 1234567890.1235, "4 decimals:"),
    ],
)
def test_a_number_that_attio_cannot_keep_is_named_with_the_true_reason(number, kept, reason):
    drafted = of_company({"f1": (number,)}, field("f1", "X", "number"))
    assert drafted.values["x"] == [kept]
    assert [reason in issue.message for issue in drafted.issues] == ([] if reason is None else [True])


def test_equal_values_stay_where_they_can_and_are_named_where_they_cannot():
    rounds = field("f1", "Rounds", "number", multiple=True)
    assert of_company({"f1": (1000000, 1000000, 250000)}, rounds).values["rounds"] == ["1000000\n1000000\n250000"]
    tags = field("f1", "Tags", "select", multiple=True, options=("Red", "Blue"))
    drafted = of_company({"f1": ("Red", "Blue", "Red")}, tags)
    assert drafted.values["tags"] == ["Red", "Blue"]
    assert named(drafted) == [("info", "equal_values_left_out", "Red")]


def test_an_option_that_the_job_does_not_know_is_named():
    tags = field("f1", "Tags", "select", multiple=True, options=("Red ", "Blue"))
    drafted = of_company({"f1": (" Red", "red", "Blue")}, tags)
    assert drafted.values["tags"] == ["Red", "Blue"]
    assert drafted.multiple == {"tags"}
    assert [(issue.code, issue.value) for issue in drafted.issues] == [("unknown_option", "red")]


@pytest.mark.parametrize("type_", ["select", None])
def test_a_text_that_is_an_option_of_the_attribute_it_is_led_to_arrives_and_another_is_named(type_):
    schema = Schema(companies=(field("f1", "Sector"),))
    mapping = Mapping(companies={"f1": FieldMapping(to="categories", type=type_)})
    choices = {("companies", "categories"): [Choice(id="o1", title="Bio")]}
    plan = planned(schema, workspace(), mapping, ("companies",), choices)
    assert not [issue for issue in plan.issues if issue.level == "error"]
    drafted = [draft(Company(id="1", fields={"f1": (text,)}), layout=plan.layout) for text in ("Bio", "Robots")]
    assert [one.values.get("categories") for one in drafted] == [["Bio"], None]
    (issue,) = drafted[1].issues
    assert (issue.code, issue.value) == ("unknown_option", "Robots")
    assert "options of categories in Attio" in issue.message


def test_people_in_fields_become_references_now_or_later():
    given_people = tuple(PersonRef(id=id_, internal=id_ == "3") for id_ in ("8", "9", "5", "3"))
    founders = field("f1", "Founders", "person", multiple=True)
    drafted = of_company({"f1": given_people}, founders, to_come=TO_COME)
    assert drafted.values["founders"] == [values.record_reference("people", REFERENCES.found["people", "8"])]
    assert [slot.attribute for slot in drafted.slots] == ["founders"]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [("internal_person_in_field", "person 3")]
    complete = of_company({"f1": given_people}, founders)
    assert not complete.slots
    assert [(issue.code, issue.value) for issue in complete.issues] == [
        ("internal_person_in_field", "person 3"),
        ("reference_not_found", "9"),
        ("reference_not_found", "5"),
    ]


def test_a_later_first_value_keeps_its_place():
    given_people = (PersonRef(id="9"), PersonRef(id="8"))
    drafted = of_company({"f1": given_people}, field("f1", "Founder", "person"), to_come=TO_COME)
    assert "founder" not in drafted.values
    assert [slot.attribute for slot in drafted.slots] == ["founder"]
    found = References(found={("people", "9"): "p9", ("people", "8"): "p8"})
    complete = of_company({"f1": given_people}, field("f1", "Founder", "person"), references=found)
    assert complete.values["founder"] == [values.record_reference("people", "p9")]
    assert [(issue.code, issue.value) for issue in complete.issues] == [("further_values_left_out", "person 8")]


def test_a_person_who_is_named_twice_in_a_field_is_referred_to_once():
    ann = PersonRef(id="8", name="Ann")
    drafted = of_company({"f1": (ann, ann)}, field("f1", "Founders", "person", multiple=True))
    assert drafted.values["founders"] == [values.record_reference("people", REFERENCES.found["people", "8"])]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [("equal_values_left_out", "Ann")]


def test_a_field_that_takes_the_place_of_the_employer_says_so():
    firm = Place(
        owner="people",
        field="f1",
        name="Firm",
        field_type="company",
        action="use",
        attribute="company",
        type="companies",
    )
    person = Person(id="1", company_id="8", fields={"f1": (CompanyRef(id="7"),)})
    drafted = draft(person, EMPLOYER, ResolvedMapping(places=(firm,)))
    assert drafted.values["company"] == [values.record_reference("companies", COMPANY)]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [("replaced_by_field", "8")]


def test_owners_become_members():
    ada = PersonRef(id="1", name="Ada", email="ADA@firm.example.com", internal=True)
    bob = PersonRef(id="2", name="Bob", email="bob@firm.example.com", internal=True)
    guest = PersonRef(id="3", name="Guest", email="ada@firm.example.com")
    owner = field("f1", "Owner", "person", multiple=True)
    drafted = of_company({"f1": (ada, bob, guest)}, owner)
    assert drafted.values["owner"] == [values.actor_reference(MEMBER_ID)]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [
        ("owner_without_member", "bob@firm.example.com"),
        ("not_a_member", "Guest"),
    ]


def test_a_default_owner_stands_in_for_an_owner_who_is_no_member():
    bob = PersonRef(id="2", name="Bob", email="bob@firm.example.com", internal=True)
    drafted = draft(Company(id="1", fields={"members": (bob,)}), REFERENCES, SINGLE)
    assert drafted.values["the_members"] == [values.actor_reference(MEMBER_ID)]
    assert codes(drafted) == ["owner_replaced"]


def test_a_text_that_is_too_long_is_named():
    drafted = draft(Company(id="1", name="Acme", description="é" * 5_000_001))
    assert "description" not in drafted.values
    assert codes(drafted) == ["value_too_long"]


def test_a_field_that_takes_the_place_of_a_standard_value_says_so():
    summary = field("f1", "Summary")
    layout = planned(
        Schema(companies=(summary,)), mapping=Mapping(companies={"f1": FieldMapping(to="description")})
    ).layout
    drafted = draft(Company(id="1", description="Old", fields={"f1": ("New",)}), layout=layout)
    assert drafted.values["description"] == ["New"]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [("replaced_by_field", "Old")]
