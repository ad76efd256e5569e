"""What Attio can hold of a record, in which form, and what is said of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freight.connectors.attio import values
from freight.connectors.attio.countries import country_code
from freight.connectors.attio.drafts import draft
from freight.connectors.attio.values import InvalidValueError
from freight.crm import Company, Location, Person, without_claims

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


def as_attio_reads(slug: str, type_: str, item: object) -> dict[str, object]:
    """What Attio documents that it answers for a value written in canonical form."""
    shared = {"active_from": "2026-01-01T00:00:00.000000000Z", "active_until": None, "attribute_type": type_}
    match type_:
        case "text":
            return {**shared, "value": item}
        case "domain":
            return {**shared, "domain": item, "root_domain": item}
        case "email-address":
            return {**shared, "original_email_address": item, "email_address": item, "email_domain": ""}
        case "phone-number":
            return {**shared, "original_phone_number": item, "country_code": "US", "phone_number": item}
        case _:
            assert isinstance(item, dict)
            return {**shared, **item}


@given(record=COMPANIES | PEOPLE)
def test_what_is_read_back_equals_what_was_written(record):
    drafted = draft(record, {("companies", "7"): "b1f8c3a2-0000-4000-8000-000000000007"})
    types = values.ATTRIBUTES[drafted.entity]
    read = {slug: [as_attio_reads(slug, types[slug], item) for item in drafted.values.get(slug, [])] for slug in types}
    assert values.read_values(drafted.entity, read) == drafted.values


@given(record=COMPANIES | PEOPLE)
def test_every_value_is_in_the_draft_or_named_in_an_issue(record):
    drafted = draft(record, {})
    named = {(issue.code, issue.value) for issue in drafted.issues}
    lists = [
        (getattr(record, "domains", ()), "invalid_domain", "domains"),
        (getattr(record, "emails", ()), "invalid_email", "email_addresses"),
        (record.phone_numbers, "invalid_phone_number", "phone_numbers"),
    ]
    for given_values, code, slug in lists:
        kept = [value for value in given_values if (code, value) not in named]
        assert bool(kept) == (slug in drafted.values)
        assert len(drafted.values.get(slug, [])) <= len(kept)
    assert drafted.values["affinity_id"] == [record.id]


@given(text=ADDRESSES)
def test_a_canonical_address_is_its_own_canonical_form(text):
    try:
        canonical = values.email_address(text)
    except InvalidValueError:
        return
    assert values.email_address(canonical) == canonical
    assert canonical == canonical.lower()


@given(text=WEBSITES)
def test_a_canonical_domain_is_its_own_canonical_form(text):
    try:
        canonical = values.domain(text)
    except InvalidValueError:
        return
    assert values.domain(canonical) == canonical


@given(text=PHONES, country=st.none() | st.sampled_from(["US", "GB", "IT", "XK", "AQ", "SG"]))
def test_a_canonical_phone_number_is_its_own_canonical_form(text, country):
    try:
        number = values.phone_number(text, country).number
    except InvalidValueError:
        return
    assert values.phone_number(number, None).number == number


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
        ("Atlantis", None),
        ("", None),
        ("The ", None),
    ],
)
def test_countries_are_known_by_their_everyday_names(name, code):
    assert country_code(name) == code


def test_a_national_number_is_read_as_one_of_the_record_s_country():
    swiss = Company(id="1", phone_numbers=("044 668 18 00",), location=Location(country="Switzerland"))
    assert draft(swiss, {}).values["phone_numbers"] == ["+41446681800"]
    stateless = Company(id="1", phone_numbers=("044 668 18 00",))
    assert [issue.code for issue in draft(stateless, {}).issues] == ["invalid_phone_number"]


def test_an_extension_is_dropped_and_named():
    drafted = draft(Company(id="1", phone_numbers=("+1 202 224 3121 x44", "+12022243121")), {})
    assert drafted.values["phone_numbers"] == ["+12022243121"]
    assert [(issue.code, issue.value) for issue in drafted.issues] == [
        ("phone_extension_dropped", "+1 202 224 3121 x44")
    ]


def test_a_location_has_all_ten_keys_and_an_unknown_country_is_named():
    place = Location(street="1 Main St\nSuite 2", city="Springfield", country="Atlantis", continent="Ocean")
    drafted = draft(Company(id="1", location=place), {})
    assert drafted.values["primary_location"] == [
        dict.fromkeys(values.LOCATION_KEYS) | {"line_1": "1 Main St", "line_2": "Suite 2", "locality": "Springfield"}
    ]
    assert [issue.code for issue in drafted.issues] == ["unknown_country", "continent_not_carried"]


def test_a_continent_alone_is_no_location():
    drafted = draft(Company(id="1", location=Location(continent="Europe")), {})
    assert "primary_location" not in drafted.values
    assert [issue.code for issue in drafted.issues] == ["continent_not_carried"]


def test_a_continent_that_the_country_implies_is_not_worth_an_issue():
    assert not draft(Company(id="1", location=Location(country="France", continent="Europe")), {}).issues


def test_a_person_with_one_name_has_all_three_parts():
    drafted = draft(Person(id="2", first_name="Cher"), {})
    assert drafted.values["name"] == [{"first_name": "Cher", "last_name": "", "full_name": "Cher"}]


def test_reserved_addresses_are_left_out_and_named():
    drafted = draft(Person(id="2", emails=("A@Example.com", "a@firm.test", "nonsense")), {})
    assert drafted.values["email_addresses"] == ["a@example.com"]
    assert drafted.unique == {"email_addresses": ("a@example.com",)}
    assert [issue.value for issue in drafted.issues] == ["a@firm.test", "nonsense"]


def test_a_missing_employer_is_named():
    drafted = draft(Person(id="2", company_id="9"), {("companies", "8"): "x"})
    assert "company" not in drafted.values
    assert [issue.code for issue in drafted.issues] == ["reference_not_found"]


def test_a_claim_that_was_lost_is_not_drafted():
    company = Company(id="1", domains=("acme.com", "acme.io"))
    assert draft(without_claims(company, ["acme.com"]), {}).unique == {"domains": ("acme.io",)}


def test_a_record_with_nothing_but_an_id_is_drafted():
    assert draft(Company(id="1"), {}).values == {"affinity_id": ["1"]}
