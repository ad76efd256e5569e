"""People with every oddity that people of real workspaces show."""

from support.everything.definitions import (
    ADA,
    ANNA,
    BEN,
    BERT,
    BOSTON,
    CLEO,
    DORA,
    NOTHING,
    OTHER,
    PLAIN,
    Field,
    Fields,
    Row,
    every_type,
    place,
)

CROWD = range(2200, 2312)
"""More people than one field shows."""
TWINS = (2011, 2012)
"""Two people with one e-mail address."""


def _own(slug: str, name: str, value_type: str) -> Field:
    return Field(f"affinity-data-{slug}", name, value_type, "enriched", "affinity-data")


TITLE = _own("current-job-title", "Current Job Title", "filterable-text")
TITLES = _own("job-titles", "Job Titles", "filterable-text-multi")
EMPLOYER = _own("current-organization", "Current Organization", "company")
PHONES = _own("phone-number", "Phone Number", "filterable-text-multi")
LOCATION = _own("location", "Location", "location-multi")
LINKEDIN = _own("linkedin-url", "LinkedIn URL", "filterable-text-multi")
MOBILE = Field("field-1251", "Phone", "text")
COMPANY = Field("field-1252", "Company", "text")
SOCIAL = (Field("field-1253", "Twitter", "text"), Field("field-1254", "Twitter", "filterable-text-multi"))
FIRST_EMAIL = Field("first-email", "First Email", "interaction", "relationship-intelligence")

FIELDS = Fields(
    "person",
    None,
    every_type(1201),
    (TITLE, TITLES, EMPLOYER, PHONES, LOCATION, LINKEDIN, MOBILE, COMPANY, *SOCIAL, FIRST_EMAIL),
)


def rows() -> list[Row]:
    """Return the lines of `persons.jsonl`."""
    users = [
        _row(user["id"], user["firstName"], user["lastName"], user["primaryEmailAddress"], kind="internal")
        for user in (ADA, BEN, CLEO, DORA)
    ]
    odd = [
        _row(ANNA["id"], "Anna", "Ordinary", ANNA["primaryEmailAddress"], "anna@private.example.net", fields=_facts()),
        _row(BERT["id"], "Bert", "Ordinary", BERT["primaryEmailAddress"], fields=_changed_jobs()),
        _row(2003, "No", "Address"),
        _row(2004, "OnlyFirst", None, "first@plain.example.com"),
        _row(2005, "", "OnlyLast", "last@plain.example.com"),
        _row(2006, None, None, "nameless@plain.example.com"),
        _row(2007, None, None),
        _row(2008, "Bad", "Addresses", "no-at-sign", "a@b", "someone@corp.test", "good@other.example.com"),
        _row(2009, "SAME", "Address", "Same@Plain.example.com", "same@plain.example.com"),
        _row(2010, "Meeting", "Room", "room-7@group.calendar.google.com"),
        _row(TWINS[0], "Twin", "Elder", "twins@plain.example.com"),
        _row(TWINS[1], "Twin", "Younger", "Twins@plain.example.com", "younger@plain.example.com"),
        _row(2013, "Unknown", "Employer", "lost@gmail.com", fields=[EMPLOYER.holding(NOTHING)]),
        _row(2014, "New", "Domain", "solo@unheard-of.example.org"),
        _row(2015, "Ünïcödé", "漢字 🚀", "unicode@plain.example.com", fields=_confusing()),
        _row(2016, "Wrong", "Numbers", "numbers@plain.example.com", fields=_phones()),
    ]
    every = [_of_every_type(number) for number in range(30)]
    return users + odd + every + [_row(number, "Crowd", f"Number {number}") for number in CROWD]


def _row(
    number: int,
    first: str | None,
    last: str | None,
    *emails: str,
    kind: str = "external",
    fields: list[Row] | None = None,
) -> Row:
    return {
        "id": number,
        "firstName": first,
        "lastName": last,
        "primaryEmailAddress": emails[0] if emails else None,
        "emailAddresses": list(emails),
        "type": kind,
        "fields": fields or [],
    }


def _facts() -> list[Row]:
    return [
        TITLE.holding("Chief Everything Officer"),
        EMPLOYER.holding(OTHER),
        PHONES.holding(["+49 30 901820", "+49 30 901820", "+44 20 7946 0123"]),
        LOCATION.holding([BOSTON]),
        LINKEDIN.holding([{"link": "https://www.linkedin.com/in/anna", "text": "anna"}]),
        FIRST_EMAIL.holding(None),
    ]


def _changed_jobs() -> list[Row]:
    """Several values where the target takes one."""
    return [
        TITLES.holding(["Founder", "Advisor"]),
        EMPLOYER.holding(PLAIN),
        LOCATION.holding([BOSTON, place("Oslo", "Norway")]),
    ]


def _confusing() -> list[Row]:
    first, second = SOCIAL
    return [COMPANY.holding("A text"), first.holding("@one"), second.holding(["@two"])]


def _phones() -> list[Row]:
    return [MOBILE.holding("+1 415-555-2671"), PHONES.holding(["12345", "+1 415-555-2671 x12"])]


def _of_every_type(number: int) -> Row:
    email = f"every-{number}@every-type-{number}.example.com"
    return _row(2100 + number, "Every", f"Type {number}", email, fields=FIELDS.values(number + 7))
