"""Notes with their replies, reminders and files."""

from collections.abc import Sequence
from typing import Any

from support.everything.companies import OWN_COMPANY
from support.everything.definitions import ADA, ANNA, BEN, CLEO, DORA, EVA, Row

MARKDOWN = """# Call with *Anna*

She said **yes**, see [their site](https://plain.example.com/?a=1&b=2).

* first\\_point
* second point with `code`

| Year | Revenue |
|------|---------|
| 2023 | 1.2     |

> quoted words

1. one
2. two

![a picture](https://files.example.com/p.png) and a ~~strike~~

```
verbatim words
```
"""
PLAIN = "5 * 3 < 20 & [not a link](really) _under_ #1\n- no list\n\nUmlauts äöü 漢字 🚀"

ONE_TIME, RECURRING = 0, 1
COMPLETED, ACTIVE, OVERDUE = 0, 1, 2
COMPLETED_AT = "2024-05-04T10:00:00Z"


def notes() -> list[Row]:
    """Return the lines of `notes.jsonl`. One reply comes before its note, as it may in the order of ids."""
    return [
        _reply(8001, 8030, "Early bird", creator_id=2, created_at="2024-03-01T14:05:59Z"),
        _note(8002, PLAIN, companies=[1001]),
        _note(8003, MARKDOWN, type=2, people=[2001]),
        _reply(8004, 8003, "I agree, *mostly*", type=2, created_at="2024-04-02T10:00:00-07:00"),
        _reply(8005, 8003, "Written by somebody who left", creator_id=9, created_at="2024-04-01T10:00:00Z"),
        _reply(8006, 8003, "Written by nobody", creator_id=None, created_at="2024-04-03T10:00:00Z"),
        _note(8007, "About everything", people=[2001, 2002], companies=[1001, 1002], deals=[5001]),
        _note(8008, "About two companies and us", companies=[OWN_COMPANY, 1002, 1001]),
        _note(8009, "Only about ourselves", companies=[OWN_COMPANY]),
        _note(8010, "About ourselves and Bert", companies=[OWN_COMPANY], people=[2002]),
        _note(8011, "About nothing"),
        _note(8012, "Said in a meeting", interaction_id=44, took_part=[1, 2001, 2002]),
        _note(8013, "Said among us", interaction_id=45, took_part=[1, 2]),
        _note(8014, "By somebody who has left", creator_id=4, companies=[1002]),
        _note(8015, "By somebody who is gone", creator_id=9, companies=[1002]),
        _note(8016, "By nobody", creator_id=None, companies=[1002], updated_at="2024-06-06T06:06:06Z"),
        _note(8017, "Long ago", created_at="1999-12-31T23:59:59Z", people=[2003]),
        _note(8018, "Before there was time", created_at="1969-07-20T20:17:00Z", people=[2003]),
        _note(8019, "", companies=[1001]),
        _note(8020, "words without end " * 1500, companies=[1001]),
        _note(8021, "more than it takes " * 60_000, companies=[1001]),
        _note(8022, "About what is gone", companies=[1999], people=[2999], deals=[5999]),
        _note(8023, "About what is gone and Anna", companies=[1999], people=[2001]),
        _note(8024, "About one of us", people=[1]),
        _note(8025, "From an e-mail", type=1, people=[2004], mentioned_person_ids=[1, 2001]),
        _note(8026, "By the notetaker", type=3, people=[2005], creator_id=None),
        _note(8027, "On a deal of a hidden list", deals=[5051]),
        _note(8028, "Twice the same words", companies=[1002], created_at="2024-02-02T02:02:02Z"),
        _note(8029, "Twice the same words", companies=[1002], created_at="2024-02-02T02:02:02Z"),
        _note(8030, "Answered before it was written", deals=[5003]),
        _reply(8031, 8999, "To a note that is gone"),
        *(_note(8100 + number, f"Remark {number}", companies=[1200 + number]) for number in range(20)),
    ]


def reminders() -> list[Row]:
    """Return the lines of `reminders.jsonl`."""
    anna, plain = {"id": 2001}, {"id": 1001}
    return [
        _reminder(9001, "Call Anna back", person=anna, owner=ADA),
        _reminder(9002, "Done", COMPLETED, organization=plain, owner=BEN, completer=BEN, completed_at=COMPLETED_AT),
        _reminder(9003, "Late", OVERDUE, opportunity={"id": 5001}, owner=CLEO, due_date="2023-01-01T10:00:00Z"),
        _reminder(9004, "Keep in touch", type=RECURRING, reset_type=1, reminder_days=30, person=anna, owner=ADA),
        _reminder(9005, "About nothing", owner=ADA),
        _reminder(9006, "too long to keep " * 200, organization=plain, owner=ADA),
        _reminder(9007, "Owner without a seat", organization=plain, owner=DORA),
        _reminder(9008, "Owner gone", organization=plain, owner=EVA),
        _reminder(9009, "Without owner", organization=plain),
        _reminder(9010, None, person=anna, owner=ADA),
        _reminder(9011, "About what is gone", organization={"id": 1999}, owner=ADA),
        _reminder(9012, "About one of us", person={"id": 1}, owner=ADA),
        _reminder(9013, "*Markdown* & <b>HTML</b>\nin two lines", person=anna, owner=ADA),
        _reminder(9014, "Owned by somebody outside", person=anna, owner=ANNA),
    ]


def files() -> list[Row]:
    """Return the lines of `files.jsonl`."""
    return [
        _file(9501, "deck.pdf", "The first deck", organization_id=1001, content_type="application/pdf"),
        _file(9502, "deck.pdf", "The second deck, longer", organization_id=1001),
        _file(9503, "same.txt", "aaaa", organization_id=1001),
        _file(9504, "same.txt", "bbbb", organization_id=1001),
        _file(9505, "empty.txt", "", organization_id=1002),
        _file(9506, "nowhere.txt", "On no record"),
        _file(9507, "left behind.txt", "By somebody who is gone", person_id=2001, uploader_id=9),
        _file(9508, "términos “final” (1).txt", "Ünïcödé 漢字", opportunity_id=5001),
        _file(9509, "lost.txt", "On what is gone", organization_id=1999),
        _file(9510, "ours.txt", "On one of us", person_id=1),
        _file(9511, "long.bin", "0123456789abcdef" * 20_000, person_id=2002, uploader_id=None),
    ]


def _note(
    number: int,
    content: str,
    *,
    people: Sequence[int] = (),
    companies: Sequence[int] = (),
    deals: Sequence[int] = (),
    took_part: Sequence[int] = (),
    **changes: Any,
) -> Row:
    return {
        "id": number,
        "content": content,
        "creator_id": 1,
        "created_at": f"2024-01-{number % 28 + 1:02}T09:30:00.500-08:00",
        "associated_person_ids": list(people),
        "organization_ids": list(companies),
        "opportunity_ids": list(deals),
        "interaction_person_ids": list(took_part),
        **({"is_meeting": True, "interaction_type": 0} if took_part else {}),
        **changes,
    }


def _reply(number: int, parent: int, content: str, **changes: Any) -> Row:
    return _note(number, content, parent_id=parent, **changes)


def _reminder(number: int, content: str | None, status: int = ACTIVE, **changes: Any) -> Row:
    return {
        "id": number,
        "type": ONE_TIME,
        "content": content,
        "status": status,
        "created_at": "2023-06-01T10:00:00Z",
        "due_date": "2031-06-01T16:30:00Z",
        "creator": _named(ADA),
        **{key: _named(value) if key in ("owner", "completer") else value for key, value in changes.items()},
    }


def _named(person: Row) -> Row:
    """Return a person as API v1 writes them."""
    return {
        "id": person["id"],
        "type": 1 if person["type"] == "internal" else 0,
        "first_name": person["firstName"],
        "last_name": person["lastName"],
        "primary_email": person["primaryEmailAddress"],
        "emails": [person["primaryEmailAddress"]],
    }


def _file(number: int, name: str, content: str, **changes: Any) -> Row:
    return {
        "id": number,
        "name": name,
        "size": len(content.encode()),
        "created_at": "2023-07-01T10:00:00.000-07:00",
        "uploader_id": 1,
        "content": content,
        **changes,
    }
