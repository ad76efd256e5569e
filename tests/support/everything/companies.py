"""Companies with every oddity that companies of real workspaces show."""

from support.everything.definitions import (
    ANNA,
    BERLIN,
    BERT,
    BOSTON,
    MANY,
    OTHER,
    PLAIN,
    Field,
    Fields,
    Row,
    every_type,
    place,
)

OWN_COMPANY = 1010
"""The firm itself, as its users' e-mail domain tells."""
TWINS = (1011, 1012)
"""Two companies with one domain."""


def _own(slug: str, name: str, value_type: str, source: str = "affinity-data") -> Field:
    return Field(f"{source}-{slug}", name, value_type, "enriched", source)


DESCRIPTION = _own("description", "Description", "text")
LOCATION = _own("location", "Location", "location")
LINKEDIN = _own("linkedin-url", "LinkedIn URL", "text")
EMPLOYEES = _own("number-of-employees", "Number of Employees", "number")
INDUSTRY = _own("industry", "Industry", "filterable-text-multi")
SAME_INDUSTRY = _own("industry", "Industry", "filterable-text-multi", "dealroom")
FUNDED = _own("last-funding-date", "Last Funding Date", "datetime")

PHONE = Field("field-1151", "Phone", "text")
MARKET = Field("field-1152", "Market", "dropdown", options=MANY)
CALLED_LIKE_OTHERS = (
    Field("field-1153", "Industry", "text"),
    Field("field-1154", "Industry", "text"),
    Field("field-1155", "Name", "text"),
    Field("field-1156", "Affinity ID", "text"),
    Field("field-1157", "Created at", "datetime"),
    Field("field-1158", "Team", "person-multi"),
)
"""Names that several fields have, that the target's own attributes have, and that Freight's attribute has."""
UNSPEAKABLE = (
    Field("field-1159", "🚀🔥", "text"),
    Field("field-1160", "***", "number"),
    Field("field-1161", "2024 ARR (€)", "number"),
)
"""Names of which nothing or little is left in a slug."""
UNUSED = Field("field-1162", "Never filled", "ranked-dropdown", options=("High", "Low"))

LAST_CONTACT = Field("last-contact", "Last Contact", "interaction", "relationship-intelligence")
INTRODUCED_BY = Field("source-of-introduction", "Source of Introduction", "person", "relationship-intelligence")
PERSONS = Field("persons", "People", "person-multi", "enriched")

FIELDS = Fields(
    "company",
    None,
    every_type(1101),
    (
        DESCRIPTION, LOCATION, LINKEDIN, EMPLOYEES, INDUSTRY, SAME_INDUSTRY, FUNDED, PHONE, MARKET, *CALLED_LIKE_OTHERS,
        *UNSPEAKABLE, UNUSED, LAST_CONTACT, INTRODUCED_BY, PERSONS,
    ),
)  # fmt: skip

EMAIL = {
    "type": "email", "id": 77, "subject": "********", "sentAt": "2024-05-05T10:00:00Z",
    "from": {"emailAddress": "ada@sandbox-ventures.com", "person": None}, "to": [], "cc": [],
}  # fmt: skip


def rows() -> list[Row]:
    """Return the lines of `companies.jsonl`."""
    odd = [
        _row(1001, PLAIN["name"], "plain.example.com", fields=_facts()),
        _row(1002, OTHER["name"], "other.example.com", "other-brand.example.com", fields=_confusing()),
        _row(1003, "No domain", fields=[DESCRIPTION.holding(None), LOCATION.holding(None)]),
        _row(1004, "  Space | pipe, *stars* and <b>tags</b> “quotes”  ", "https://www.typed-in.example.com/about?x=1"),
        _row(1005, "Invalid hosts", "not a host", "localhost", "-bad-.example.com", "good.example.com"),
        _row(1006, "", "nameless.example.com"),
        _row(1007, "Long " * 60, "WWW.CAPITALS.example.com", "capitals.example.com"),
        _row(1008, "Ünïcödé 漢字 🚀", "bücher.example.com"),
        _row(OWN_COMPANY, "Sandbox Ventures", "sandbox-ventures.com"),
        _row(TWINS[0], "Twin", "twin.example.com"),
        _row(TWINS[1], "Twin", "Twin.example.com", "younger-twin.example.com"),
        *_with_phones(),
    ]
    return odd + [_of_every_type(number) for number in range(30)] + [_filler(number) for number in range(80)]


def _row(number: int, name: str, *domains: str, fields: list[Row] | None = None) -> Row:
    return {
        "id": number,
        "name": name,
        "domain": domains[0] if domains else None,
        "domains": list(domains),
        "isGlobal": number % 2 == 0,
        "fields": fields or [],
    }


def _facts() -> list[Row]:
    """Return the standard facts, and what the vendor computes itself."""
    return [
        DESCRIPTION.holding("Makes <plain> things & sells them.\n\nSince 1999."),
        LOCATION.holding(BERLIN),
        LINKEDIN.holding("https://www.linkedin.com/company/plain"),
        EMPLOYEES.holding(12),
        FUNDED.holding("2023-12-31T08:00:00.000Z"),
        LAST_CONTACT.holding(EMAIL),
        INTRODUCED_BY.holding(ANNA),
        PERSONS.holding([ANNA, BERT]),
    ]


def _confusing() -> list[Row]:
    """Fields whose names say nothing, or the same."""
    first, second, name, affinity_id, created_at, team = CALLED_LIKE_OTHERS
    rockets, stars, arr = UNSPEAKABLE
    return [
        INDUSTRY.holding(["Software", "Hardware"]),
        SAME_INDUSTRY.holding(["IT"]),
        first.holding("The first industry"),
        second.holding("The second industry"),
        name.holding("Another name"),
        affinity_id.holding("Not its id"),
        created_at.holding("2020-02-02T08:00:00.000Z"),
        team.holding([ANNA]),
        rockets.holding("Rockets"),
        stars.holding(5),
        arr.holding(1.5),
        MARKET.holding(MARKET.chosen(MANY[-1])),
    ]


def _with_phones() -> list[Row]:
    american = LOCATION.holding(BOSTON)
    return [
        _row(1020, "With country code", "phones.example.com", fields=[PHONE.holding("+44 20 7946 0123")]),
        _row(1021, "Of its country", "us-phones.example.com", fields=[PHONE.holding("(415) 555-2671"), american]),
        _row(1022, "With extension", "ext.example.com", fields=[PHONE.holding("+1 415-555-2671 ext. 89")]),
        _row(1023, "Without country", "no-country.example.com", fields=[PHONE.holding("(415) 555-2672")]),
        _row(1024, "None at all", "no-phone.example.com", fields=[PHONE.holding("call me")]),
        _row(1025, "Unknown land", fields=[LOCATION.holding(place("Poseidonis", "Atlantis", continent="Europe"))]),
        _row(1026, "Only a continent", fields=[LOCATION.holding(place(None, None, continent="Africa"))]),
    ]


def _of_every_type(number: int) -> Row:
    return _row(1100 + number, f"Every type {number}", f"every-type-{number}.example.com", fields=FIELDS.values(number))


def _filler(number: int) -> Row:
    return _row(1200 + number, f"Filler {number}", f"filler-{number}.example.com")
