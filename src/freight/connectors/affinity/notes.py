"""Affinity's notes from version 1: notes and their replies in one stream."""

from collections.abc import Iterable

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.affinity.fields import id_of, id_text, moment_of, text_of
from freight.connectors.affinity.offset_pagination import NOTES, read_rows
from freight.connectors.affinity.row_parser import RowParser, row_without_id
from freight.connectors.answers import Json
from freight.connectors.protocols import Page, ReplyRow, Row
from freight.model.crm import Note, Reply

MARKDOWN_TYPES = (2, 3)
"""Notes that were written as HTML, and those of Affinity's own note-taker; version 1 gives both as Markdown."""


async def read_notes(client: AffinityClient, cursor: str | None, *, counted: int | None) -> Page:
    """Return a page of up to 500 notes and replies. `counted` is the number that Affinity counted before."""
    page = await read_rows(client, NOTES, cursor, counted=counted)
    rows: list[Row] = []
    replies: list[ReplyRow] = []
    for row in page.rows:
        if isinstance(row, dict) and (parent_id := id_text(row.get("parent_id"))) and id_of(row):
            replies.append(reply_row(row, parent_id))
        else:
            rows.append(note_row(row))
    return Page(rows=tuple(rows), next_cursor=page.cursor, replies=tuple(replies), incomplete=page.incomplete)


def reply_row(row: Json, note_id: str) -> ReplyRow:
    """Return a reply to the note with this id."""
    reply = Reply(
        id=id_of(row) or "",
        content=text_of(row.get("content")) or "",
        is_markdown=row.get("type") in MARKDOWN_TYPES,
        author_id=id_text(row.get("creator_id")),
        created_at=moment_of(row.get("created_at")),
    )
    return ReplyRow(note_id=note_id, reply=reply)


def note_row(row: Json) -> Row:
    """Return a note of Affinity as a record."""
    id_ = id_of(row)
    if id_ is None:
        return row_without_id(row)
    parser = RowParser(row)
    # `person_ids` would add everyone who took part in the meeting that the note is about.
    people = parser.values("associated_person_ids", id_text)
    participants = parser.values("interaction_person_ids", id_text)
    note = Note(
        id=id_,
        content=parser.text("content") or "",
        is_markdown=row.get("type") in MARKDOWN_TYPES,
        author_id=parser.value("creator_id", id_text),
        created_at=parser.value("created_at", moment_of),
        person_ids=_distinct(people),
        company_ids=_distinct(parser.values("organization_ids", id_text)),
        deal_ids=_distinct(parser.values("opportunity_ids", id_text)),
        participant_ids=_distinct(id_ for id_ in participants if id_ not in people),
    )
    return Row(id=id_, record=note, issues=tuple(parser.issues))


def _distinct(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))
