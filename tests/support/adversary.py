"""A workspace of values that were chosen to break things, with plain records between them.

Every record has a few fields of every type. What is in them comes from a seeded generator: text of all scripts and of
any length up to a megabyte, control characters, invisible and bidirectional ones, addresses and numbers with every
spelling that people and machines have for them, and values that are nearly right.
"""

# ruff: noqa: RUF001 - letters that look like others are what this is about

import json
from pathlib import Path
from random import Random
from typing import Any

from support.everything.definitions import Field, Row, company, person, place

MEGABYTE = 1_000_000
LONGEST_PART = 3000

RECORDS = 40
"""Odd companies, and odd people; half as many plain ones are between them."""

SCRIPTS = (
    (0x20, 0x7E), (0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F),
    (0xE00, 0xE7F), (0x1100, 0x11FF), (0x2000, 0x206F), (0x2190, 0x2BFF), (0x3000, 0x30FF), (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3), (0xE000, 0xE0FF), (0xFE00, 0xFFFD), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF), (0x20000, 0x2A6DF),
    (0xE0000, 0xE007F), (0x10FF00, 0x10FFFF), (0x00, 0x1F), (0x7F, 0x9F),
)  # fmt: skip
"""Ranges of characters, private and unassigned ones and controls among them."""

INVISIBLE = "\u200b\u200d\u00ad\u200f\u202e\u2066\ufeff\u00a0\u3000\u2028\x85\x00\x1b\x7f"

USER: Row = {
    "id": 1,
    "firstName": "Ada",
    "lastName": "Admin",
    "primaryEmailAddress": "ada@sandbox-ventures.com",
    "emailAddresses": ["ada@sandbox-ventures.com"],
    "type": "internal",
    "fields": [],
}
"""The one person of the firm itself."""

TEXT = Field("field-7001", "Odd text", "text")
TEXTS = Field("field-7002", "Odd texts", "filterable-text-multi")
NUMBER = Field("field-7003", "Odd number", "number")
NUMBERS = Field("field-7004", "Odd numbers", "number-multi")
DAY = Field("field-7005", "Odd day", "datetime")
PLACE = Field("field-7006", "Odd place", "location")
PLACES = Field("field-7007", "Odd places", "location-multi")
PEOPLE = Field("field-7008", "Odd people", "person-multi")
COMPANIES = Field("field-7009", "Odd companies", "company-multi")
FIELDS = (TEXT, TEXTS, NUMBER, NUMBERS, DAY, PLACE, PLACES, PEOPLE, COMPANIES)
PHONES = Field("affinity-data-phone-number", "Phone Number", "filterable-text-multi", "enriched", "affinity-data")
DESCRIPTION = Field("affinity-data-description", "Description", "text", "enriched", "affinity-data")
LINKEDIN = Field("affinity-data-linkedin-url", "LinkedIn URL", "text", "enriched", "affinity-data")


def write_workspace(folder: Path, seed: int) -> dict[str, list[Row]]:
    """Write the workspace of this seed as a folder for the sandbox. Returns its rows by collection."""
    random = Random(seed)
    rows = {
        "companies": [_company(random, 1000 + number) for number in range(RECORDS)]
        + [_plain_company(3000 + number) for number in range(RECORDS // 2)],
        "persons": [_person(random, 2000 + number) for number in range(RECORDS)]
        + [_plain_person(4000 + number) for number in range(RECORDS // 2)],
    }
    for found in rows.values():
        random.shuffle(found)
    rows["persons"].insert(0, USER)
    fields = [
        field.definition(entity)
        for entity in ("company", "person")
        for field in (*FIELDS, DESCRIPTION, LINKEDIN, *([PHONES] if entity == "person" else []))
    ]
    for name, lines in {**rows, "fields": fields}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return rows


def is_plain(row: Row) -> bool:
    """Return whether a record is one of the plain ones between the odd ones."""
    return bool(row["id"] >= 3000)


def _plain_company(number: int) -> Row:
    domain = f"plain-{number}.example.com"
    fields = [TEXT.holding("Plain words"), NUMBER.holding(12.5), DAY.holding("2024-01-15T08:00:00.000Z")]
    return {
        "id": number, "name": f"Plain {number}", "domain": domain, "domains": [domain], "isGlobal": False,
        "fields": fields,
    }  # fmt: skip


def _plain_person(number: int) -> Row:
    email = f"plain-{number}@people.example.com"
    return {
        "id": number, "firstName": "Plain", "lastName": f"Number {number}", "primaryEmailAddress": email,
        "emailAddresses": [email], "type": "external", "fields": [TEXTS.holding(["one", "two"])],
    }  # fmt: skip


def _company(random: Random, number: int) -> Row:
    domains = _some(random, _address)
    return {
        "id": number,
        "name": _text(random),
        "domain": domains[0] if domains else None,
        "domains": domains,
        "isGlobal": False,
        "fields": [DESCRIPTION.holding(_text(random)), LINKEDIN.holding(_address(random)), *_fields(random)],
    }


def _person(random: Random, number: int) -> Row:
    emails = _some(random, _email)
    return {
        "id": number,
        "firstName": random.choice([_text(random), None]),
        "lastName": _text(random),
        "primaryEmailAddress": emails[0] if emails else None,
        "emailAddresses": emails,
        "type": random.choice(["external", "collaborator"]),
        "fields": [PHONES.holding(_some(random, _phone)), *_fields(random)],
    }


def _fields(random: Random) -> list[Row]:
    return [
        TEXT.holding(_text(random)),
        TEXTS.holding(_some(random, _text)),
        NUMBER.holding(_number(random)),
        NUMBERS.holding(_some(random, _number)),
        DAY.holding(_day(random)),
        PLACE.holding(_place(random)),
        PLACES.holding(_some(random, _place)),
        PEOPLE.holding([person(random.choice([2000, 2001, 4000, 1, 777]), "Some", "Person") for _ in range(2)]),
        COMPANIES.holding([company(random.choice([1000, 3000, 888]), "Some company") for _ in range(2)]),
    ]


def _some(random: Random, make: Any) -> list[Any]:
    return [make(random) for _ in range(random.choice([0, 1, 1, 2, 3, 7]))]


def _text(random: Random) -> str:
    length = random.choice([0, 1, 3, 12, 40, 200, 3000, 3000, 20_000] + [MEGABYTE] * (random.random() < 0.02))
    low, high = random.choice(SCRIPTS)
    alphabet = [chr(random.randint(low, high)) for _ in range(30)] + [random.choice(INVISIBLE), " ", "\n"]
    # A long text repeats itself: to draw each of a million letters takes longer than to migrate them.
    part = "".join(random.choices(alphabet, k=min(length, LONGEST_PART)))
    return (part * (length // LONGEST_PART + 1))[:length]


def _word(random: Random) -> str:
    letters = random.choice(["abcdefghijkl", "äöüßéñø", "日本語中文", "абвгде", "ＡＢＣｄｅｆ", "a1-b2"])
    return "".join(random.choices(letters, k=random.choice([1, 3, 8, 30, 70])))


def _address(random: Random) -> str:
    host = random.choice(
        [
            f"{_word(random)}.example.com", f"{_word(random)}。example。com", f"www.www.{_word(random)}.example.org",
            "shared.example.com", "SHARED.example.com.", "ｓｈａｒｅｄ．example．com", "gmail.com", "localhost",
            "192.168.0.1", "[::1]", "linkedin.com/company/odd", "www.facebook.com/odd", "odd.github.io", "x.test",
            "-bad-.example.com", ".", "..", "a..b.example.com", "", _text(random),
        ]
    )  # fmt: skip
    before = random.choice(["", "", "http://", "https://https://", "http:/", "https//", "mailto:a@", "//", "HTTP:\\\\"])
    behind = random.choice(["", "", "/", "/path?x=1#y", ":8080", ", other.example.com", " (old)", "\u200b", "\u00a0"])
    return before + host + behind


def _email(random: Random) -> str:
    local = random.choice([_word(random), "same", "Same", '"quoted space"', "a.b+tag", "", "x" * 70, _text(random)])
    host = random.choice(
        ["people.example.com", "PEOPLE.example.com", "people。example.com", _word(random), "", "x.test"]
    )
    address = f"{local}@{host}"
    return random.choice(
        [
            address, address, f"mailto:{address}", f"Odd Name <{address}>", f"{address} (work)", f"{address}\u200b",
            f"{address}; second-{random.randint(0, 999)}@people.example.com", f"\u200f{address}", _text(random),
        ]
    )  # fmt: skip


def _phone(random: Random) -> str:
    number = random.choice(
        ["+49 30 901820", "+1 415 555 2671", "1-800-FLOWERS", "070 123 45 67", "+44 20 7946 0123", "+٤٩٣٠٩٠١٨٢٠", "911",
         "+33 6 6X XX XX 83", "0", "+" * 30, "９" * 12]
    )  # fmt: skip
    behind = random.choice(
        ["", "", " home", " x12", " ext. 89", " bis 25", " (Axel)", " / +49 40 123456", "xyz", "\u202c"]
    )
    return random.choice([number + behind, number + behind, _text(random)])


def _number(random: Random) -> Any:
    return random.choice(
        [0, -0.0, 1, 12.5, 0.00004, 2.00005, 2**53 + 1, -(2**60), 1e308, 5e-324, 1e21, 0.1 + 0.2, True, "NaN", "12",
         123456789012345678901234567890, random.randint(-(10**9), 10**9), random.uniform(-1e6, 1e6), None]
    )  # fmt: skip


def _day(random: Random) -> Any:
    return random.choice(
        ["2024-01-15T08:00:00.000Z", "2024-01-15", "2024-01-15T00:00:00Z", "2024-01-15T23:30:00+14:00", "0001-01-01",
         "9999-12-31T23:59:59Z", "2024-02-30T08:00:00Z", "15.01.2024", "", None, "12345-01-01T00:00:00Z",
         "2024-07-01T12:34:56.789Z", "1500-01-01T07:52:58Z"]
    )  # fmt: skip


def _place(random: Random) -> Row | None:
    country = random.choice(["Germany", "Deutschland", "Turkey", "Türkiye", "Atlantis", None, "DE", _text(random)])
    return random.choice(
        [None, place(_text(random), country, street=_text(random), state=_word(random), continent="Asia")]
    )
