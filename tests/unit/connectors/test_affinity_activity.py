"""Notes, reminders and files."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from freight.connectors.affinity.files import file_row
from freight.connectors.affinity.tasks import task_row
from freight.connectors.errors import NotFound, PermissionMissing, RejectedBySource, Unavailable, UnexpectedAnswer
from freight.model.crm import Entity, File, Note, Reply, Task
from freight.model.fields import PersonRef
from freight.model.mapping import Mapping
from freight.model.schema import Schema
from support.affinity_source_parts import Paths, codes, json, page, read_all, refusal

CREATED = "2024-05-01T10:00:00.000-07:00"
CREATED_AT = datetime(2024, 5, 1, 17, 0, tzinfo=UTC)


def a_note(id_: int, **more: object) -> dict[str, Any]:
    row = {"id": id_, "creator_id": 1, "content": f"Note {id_}", "type": 0, "created_at": CREATED, "parent_id": None}
    return {**row, "associated_person_ids": [], "interaction_person_ids": [], **more}


async def notes(rows: object, mapping: Mapping | None = None) -> list[Note]:
    found = await read_all(Paths({"/notes": json(rows)}).source(mapping=mapping), "notes")
    return [row.record for row in found.rows if isinstance(row.record, Note)]


async def test_a_note_has_its_own_links_and_those_who_took_part_beside_them():
    row = a_note(
        5,
        person_ids=[2, 3, 4],
        associated_person_ids=[2],
        interaction_person_ids=[2, 3, 4, 3],
        organization_ids=[7],
        opportunity_ids=[9],
    )
    assert await notes({"notes": [row], "next_page_token": None}) == [
        Note(
            id="5",
            content="Note 5",
            author_id="1",
            created_at=CREATED_AT,
            person_ids=("2",),
            company_ids=("7",),
            deal_ids=("9",),
            participant_ids=("3", "4"),
        )
    ]


@pytest.mark.parametrize(("type_", "is_markdown"), [(0, False), (1, False), (2, True), (3, True), (9, False)])
async def test_notes_that_were_html_are_markdown(type_, is_markdown):
    (note,) = await notes([a_note(5, type=type_)])
    assert note.is_markdown is is_markdown


async def test_replies_come_with_the_id_of_their_note_also_before_it():
    rows = {"notes": [a_note(6, parent_id=5, content="Yes."), a_note(5)], "next_page_token": None}
    found = await read_all(Paths({"/notes": json(rows)}).source(), "notes")
    assert [row.id for row in found.rows] == ["5"]
    (reply,) = found.replies
    assert reply.note_id == "5"
    assert reply.reply == Reply(id="6", content="Yes.", author_id="1", created_at=CREATED_AT)


async def test_a_note_is_one_row_whatever_it_is_attached_to_and_however_the_job_writes_it():
    linked = a_note(5, associated_person_ids=[2, 3], organization_ids=[7])
    assert await notes([linked], Mapping(notes="all")) == await notes([linked])


@pytest.mark.parametrize(
    ("counted", "counted_later", "reads", "incomplete"),
    [
        (2, 2, 1, False),
        (None, None, 1, False),
        (3, 2, 2, False),
        (1, 2, 2, False),
        (3, 3, 2, True),
        (3, None, 2, False),
    ],
)
async def test_what_was_not_all_read_is_read_once_more_and_then_named(counted, counted_later, reads, incomplete):
    rows = {"notes": [a_note(6, parent_id=5), a_note(5), a_note(8)], "next_page_token": None}
    vendor = Paths({"/notes": json(rows), "/v2/notes": page([], totalCount=counted_later)})
    counts: dict[Entity, int] = {} if counted is None else {"notes": counted}
    found = await read_all(vendor.source(Schema(counts=counts)), "notes")
    assert len(vendor.asked("/notes")) == reads
    assert (found.incomplete is not None) is incomplete


def reminder(**more: object) -> dict[str, Any]:
    row = {
        "id": 5,
        "type": 0,
        "created_at": CREATED,
        "content": "Call",
        "due_date": "2025-01-01T08:00:00Z",
        "status": 1,
    }
    return {**row, "completed_at": None, "reset_type": None, "reminder_days": None, **more}


def test_a_reminder_is_a_task():
    owner = {"id": 1, "type": 1, "first_name": "Ann", "last_name": "Lee", "primary_email": "ann@firm.example"}
    row = task_row(
        reminder(status=0, completed_at=CREATED, owner=owner, creator=owner, person={"id": 2}, organization={"id": 7})
    )
    ann = PersonRef(id="1", name="Ann Lee", email="ann@firm.example", internal=True)
    assert row.record == Task(
        id="5",
        content="Call",
        due_at=datetime(2025, 1, 1, 8, tzinfo=UTC),
        created_at=CREATED_AT,
        completed_at=CREATED_AT,
        completed=True,
        owner=ann,
        creator=ann,
        person_id="2",
        company_id="7",
    )
    assert row.issues == ()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"type": 0, "reminder_days": 3}, None),
        ({"type": 1, "reset_type": 0, "reminder_days": 30}, "30 days after the last interaction"),
        ({"type": 1, "reset_type": 1, "reminder_days": 1}, "1 day after the last e-mail"),
        ({"type": 1, "reset_type": 2, "reminder_days": 7}, "7 days after the last meeting"),
        ({"type": 1, "reset_type": None, "reminder_days": 7}, "every 7 days"),
        ({"type": 1}, "repeatedly"),
    ],
)
def test_what_comes_back_says_so_in_words(more, words):
    record = task_row(reminder(**more)).record
    assert isinstance(record, Task)
    assert record.recurrence == words


def test_an_unreadable_date_is_named_and_the_task_is_kept():
    row = task_row(reminder(due_date="tomorrow"))
    assert isinstance(row.record, Task)
    assert codes(row) == ["unreadable_value"]


def test_a_file_says_whose_it_is():
    row = {"id": 5, "name": "deck.pdf", "size": 10, "person_id": None, "organization_id": 7, "opportunity_id": None}
    assert file_row({**row, "uploader_id": 1, "created_at": CREATED}).record == File(
        id="5", name="deck.pdf", size=10, uploader_id="1", created_at=CREATED_AT, company_id="7"
    )


FILE = File(id="5", name="deck.pdf")
STORED = "https://userfiles.example/5?X-Amz-Expires=60"
TO_STORAGE = httpx.Response(302, headers={"Location": STORED})
PDF = {"Content-Type": "application/pdf"}


async def download(answers: dict[str, Any]) -> tuple[bytes, Paths]:
    vendor = Paths(answers)
    async with vendor.source().open_file(FILE) as content:
        data = content.file.read()
        assert content.size == len(data)
        assert content.content_type == "application/pdf"
        return data, vendor


async def test_a_file_is_fetched_from_the_storage_without_the_key():
    stored = httpx.Response(200, content=b"%PDF" * 50_000, headers=PDF)
    data, vendor = await download({"/entity-files/download/5": TO_STORAGE, "/5": stored})
    assert data == b"%PDF" * 50_000
    first, second = vendor.requests
    assert "Authorization" in first.headers
    assert str(second.url) == STORED
    assert "Authorization" not in second.headers


@pytest.mark.parametrize("failure", [httpx.Response(403), httpx.Response(503)])
async def test_an_address_that_has_expired_is_asked_for_again(failure):
    stored = httpx.Response(200, content=b"%PDF", headers=PDF)
    data, vendor = await download({"/entity-files/download/5": TO_STORAGE, "/5": [failure, stored]})
    assert data == b"%PDF"
    assert len(vendor.asked("/entity-files/download/5")) == 2


async def test_what_arrived_before_the_connection_broke_is_not_kept():
    async def broken():
        yield b"half"
        raise httpx.ReadError("gone")

    answers = iter(
        [lambda _: httpx.Response(200, content=broken()), lambda _: httpx.Response(200, content=b"x", headers=PDF)]
    )
    data, _ = await download({"/entity-files/download/5": TO_STORAGE, "/5": lambda request: next(answers)(request)})
    assert data == b"x"


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({}, NotFound),
        ({"/entity-files/download/5": TO_STORAGE, "/5": httpx.Response(404)}, NotFound),
        ({"/entity-files/download/5": TO_STORAGE, "/5": httpx.Response(403)}, RejectedBySource),
        ({"/entity-files/download/5": TO_STORAGE, "/5": httpx.Response(500)}, Unavailable),
        ({"/entity-files/download/5": json({})}, UnexpectedAnswer),
        (
            {"/entity-files/download/5": httpx.Response(302, headers={"Location": "http://plain.example/"})},
            UnexpectedAnswer,
        ),
        (
            {"/entity-files/download/5": httpx.Response(302, headers={"Location": "file:///etc/passwd"})},
            UnexpectedAnswer,
        ),
        ({"/entity-files/download/5": refusal(404)}, NotFound),
        ({"/entity-files/download/5": httpx.Response(422, json=["expected 5 to be a valid id for model X"])}, NotFound),
        ({"/entity-files/download/5": httpx.Response(422, json=["no"])}, RejectedBySource),
        ({"/entity-files/download/5": refusal(403)}, PermissionMissing),
    ],
)
async def test_a_file_that_cannot_be_had_says_why(answers, error):
    with pytest.raises(error):
        await download(answers)


async def test_only_downloads_are_followed_elsewhere():
    with pytest.raises(UnexpectedAnswer):
        await Paths({"/notes": TO_STORAGE}).source().read_page("notes", None)
