"""Lists of each kind, opportunities, and the entries of both."""

from typing import Any

from support.everything.companies import OWN_COMPANY
from support.everything.definitions import ADA, BEN, DORA, EVA, STAGES, Field, Fields, Row, every_type, renamed
from support.everything.people import CROWD

PIPELINE, PORTFOLIO, CONTACTS, BARE_PIPELINE, EMPTY, UNSEEN = 301, 302, 303, 304, 305, 399
"""The ids of the lists; the key may not see the last one."""

ADDED = "2023-02-03T04:05:06Z"

PERSONS = Field("persons", "People", "person-multi", "list")
COMPANIES = Field("companies", "Organizations", "company-multi", "list")
LIKE_A_GLOBAL_ONE = Field("field-1351", "Tags", "text", "list")
STATE = Field("field-1352", "State", "status-dropdown", "list", options=("Open", "Closed"))

WITH_STATUS = renamed(every_type(1301, "list"), "Priority", "Status")
FIELDS = {
    PIPELINE: Fields("opportunity", PIPELINE, WITH_STATUS, (PERSONS, COMPANIES)),
    PORTFOLIO: Fields("company", PORTFOLIO, every_type(1401, "list"), (LIKE_A_GLOBAL_ONE, STATE)),
    CONTACTS: Fields("person", CONTACTS, every_type(1501, "list")),
    BARE_PIPELINE: Fields("opportunity", BARE_PIPELINE, ()),
}


def lists() -> list[Row]:
    """Return the lines of `lists.jsonl`. Two have one name, and one has a name of which no slug can be made."""
    named = (
        (PIPELINE, "Deal Flow", "opportunity"),
        (PORTFOLIO, "Portfolio | Growth", "company"),
        (CONTACTS, "  Contacts ", "person"),
        (BARE_PIPELINE, "Deal Flow", "opportunity"),
        (EMPTY, "🗂️", "company"),
    )
    return [
        {"id": number, "name": name, "creatorId": 1, "ownerId": 9, "isPublic": number % 2 == 0, "type": kind}
        for number, name, kind in named
    ]


def opportunities() -> list[Row]:
    """Return the lines of `opportunities.jsonl`."""
    everyone = list(CROWD)
    return [
        _opportunity(5001, "Round A", people=[2001, 2002], companies=[1001]),
        _opportunity(5002, "Everybody is here", people=everyone, companies=[1001]),
        _opportunity(5003, "Two companies", people=[2001], companies=[1002, 1001]),
        _opportunity(5004, "Without stage and owner"),
        _opportunity(5005, "Owner without a seat", companies=[1001]),
        _opportunity(5006, "Owner unknown", companies=[1001]),
        _opportunity(5007, "Two owners", companies=[1001]),
        _opportunity(5008, "Nobody's business", isRestricted=True, isRedacted=True),
        _opportunity(5009, "Nothing is left", people=[2999], companies=[1999]),
        _opportunity(5010, "Round A", people=[2003]),
        _opportunity(5011, ""),
        _opportunity(5012, "One of us", people=[1, 2004], companies=[1999, 1002]),
        *(_opportunity(5020 + number, f"Every type {number}", companies=[1100 + number]) for number in range(16)),
        _opportunity(5041, "Bare", BARE_PIPELINE, people=[2001]),
        _opportunity(5042, "Barer", BARE_PIPELINE),
        _opportunity(5051, "On a list that the key does not show", UNSEEN, people=[2001], companies=[1001]),
        _opportunity(5052, "Another one there", UNSEEN),
    ]


def entries() -> list[Row]:
    """Return the lines of `list_entries.jsonl`."""
    return [*_of_opportunities(), *_of_companies(), *_of_people()]


def _opportunity(
    number: int, name: str, list_id: int = PIPELINE, people: Any = (), companies: Any = (), **hidden: bool
) -> Row:
    linked = {"personIds": list(people), "companyIds": list(companies)}
    return {"id": number, "name": name, "listId": list_id, **linked, **hidden}


def _of_opportunities() -> list[Row]:
    pipeline = FIELDS[PIPELINE]
    status, owners = pipeline["Status"], pipeline["Owners"]
    rows = []
    for row in opportunities():
        if row["listId"] == UNSEEN:
            continue
        number = row["id"]
        fields: list[Row] = []
        if 5020 <= number < 5040:
            fields = pipeline.values(number)
        elif row["listId"] == PIPELINE and number != 5004:
            whose = {5005: [DORA], 5006: [EVA], 5007: [BEN, ADA]}.get(number, [ADA])
            fields = [status.holding(status.chosen(STAGES[number % 5])), owners.holding(whose)]
        entity = {key: row[key] for key in ("id", "name", "listId")}
        rows.append(_entry(70_000 + number, row["listId"], "opportunity", entity, fields))
    return rows


def _of_companies() -> list[Row]:
    fields = FIELDS[PORTFOLIO]
    same_name = [LIKE_A_GLOBAL_ONE.holding("Not the global one"), STATE.holding(STATE.chosen("Open"))]
    return [
        *(_company_entry(71_000 + number, 1100 + number, fields.values(number + 3)) for number in range(12)),
        _company_entry(71_100, 1001, same_name),
        _company_entry(71_101, 1002, []),
        _company_entry(71_102, 1001, fields.values(4)),
        _company_entry(71_103, 1001, []),
        _company_entry(71_104, 1999, []),
        _company_entry(71_105, OWN_COMPANY, []),
    ]


def _of_people() -> list[Row]:
    fields = FIELDS[CONTACTS]
    return [
        *(_person_entry(72_000 + number, 2100 + number, fields.values(number)) for number in range(12)),
        *(_person_entry(72_100 + number, member, []) for number, member in enumerate(CROWD)),
        _person_entry(72_900, 1, fields.values(0)),
        _person_entry(72_901, 2999, []),
    ]


def _company_entry(number: int, company: int, fields: list[Row]) -> Row:
    entity = {"id": company, "name": "", "domain": None, "domains": [], "isGlobal": False}
    return _entry(number, PORTFOLIO, "company", entity, fields)


def _person_entry(number: int, person: int, fields: list[Row]) -> Row:
    entity = {
        "id": person, "firstName": "", "lastName": None, "primaryEmailAddress": None, "emailAddresses": [],
        "type": "external",
    }  # fmt: skip
    return _entry(number, CONTACTS, "person", entity, fields)


def _entry(number: int, list_id: int, kind: str, entity: Row, fields: list[Row]) -> Row:
    return {
        "id": number,
        "type": kind,
        "listId": list_id,
        "createdAt": ADDED,
        "creatorId": (None, 1, 9)[number % 3],
        "entity": {**entity, "fields": fields},
    }
