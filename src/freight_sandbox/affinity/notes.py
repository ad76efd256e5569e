"""Notes and their replies, in both versions."""

import html
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from litestar import delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.collection import Collection
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.paging import Paging, Properties, cursor_page, filtered, offset_page
from freight_sandbox.affinity.requests import (
    SUCCESS,
    AnyRequest,
    decode_body,
    entity_of,
    find_row,
    given_properties,
    ids_about,
    integer_parameter,
    no_content,
    refused,
    require_known,
    require_links,
    version_of,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import Entity, Note, in_utc, links, now, parse_time
from freight_sandbox.affinity.shapes import company_data, opportunity_data, person_data
from freight_sandbox.affinity.values import Reference
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

HTML = 2
LINE_END = re.compile(r"<br\s*/?>|</(?:p|li)>")
TAG = re.compile(r"<[^>]*>")
NOTES = Paging(limit=20, least=0, countable=True)
INCLUDES = frozenset({"companiesPreview", "personsPreview", "opportunitiesPreview", "repliesCount"})
INTERACTIONS = ("meeting", "call", "chat-message", "email")
MAX_PREVIEWED = 100

ATTACHMENTS: dict[str, tuple[Entity, str]] = {
    "persons": ("person", "associated_person_ids"),
    "companies": ("company", "organization_ids"),
    "opportunities": ("opportunity", "opportunity_ids"),
}


class NewNoteV1(msgspec.Struct, frozen=True):
    """A note or, with `parent_id`, a reply; `type` is 0 for plain text or 2 for HTML."""

    content: str
    type: Literal[0, 2] = 0
    person_ids: tuple[int, ...] = ()
    organization_ids: tuple[int, ...] = ()
    opportunity_ids: tuple[int, ...] = ()
    parent_id: int | None = None
    creator_id: int | None = None
    created_at: str | None = None


class NoteChangeV1(msgspec.Struct, frozen=True):
    """The new content of a note, in the note's own format."""

    content: str


class Content(msgspec.Struct, frozen=True):
    """The content of a note."""

    html: str


class NewNote(msgspec.Struct, frozen=True, rename="camel"):
    """A note about records, or a reply to a note."""

    type: Literal["entities", "user-reply"]
    content: Content
    persons: list[Reference] = []
    companies: list[Reference] = []
    opportunities: list[Reference] = []
    parent: Reference | None = None
    creator: Reference | None = None
    created_at: str | None = None


class NoteChanges(msgspec.Struct, frozen=True):
    """Changes of a note; the records that it is about are given in full."""

    content: Content | UnsetType = UNSET
    persons: list[Reference] | UnsetType = UNSET
    companies: list[Reference] | UnsetType = UNSET
    opportunities: list[Reference] | UnsetType = UNSET


@get("/notes", sync_to_thread=False)
def list_notes_v1(request: AnyRequest) -> ASGIResponse:
    """List notes, including replies."""
    notes = workspace_of(request).notes
    ids = ids_about(request, notes)
    if (creator_id := integer_parameter(request, "creator_id")) is not None:
        ids = [row_id for row_id in ids if notes.row(row_id).creator_id == creator_id]
    return offset_page(request, "notes", ids, lambda row_id: _note_v1(notes.row(row_id)))


@get("/notes/{note_id:str}", sync_to_thread=False)
def get_note_v1(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Get a note or a reply."""
    return answer(_note_v1(find_row(workspace_of(request).notes, note_id, "note")))


@post("/notes", status_code=200)
async def create_note_v1(request: AnyRequest) -> ASGIResponse:
    """Create a note or a reply."""
    body = await decode_body(request, NewNoteV1)
    workspace = workspace_of(request)
    note = Note(
        id=workspace.notes.new_id(),
        created_at=body.created_at or now(),
        creator_id=body.creator_id or workspace.user.id,
        type=body.type,
        associated_person_ids=body.person_ids,
        organization_ids=body.organization_ids,
        opportunity_ids=body.opportunity_ids,
        parent_id=body.parent_id,
        **_content_v1(body.type, body.content),
    )
    _add_note(request, note)
    return answer(_note_v1(note))


@put("/notes/{note_id:str}")
async def update_note_v1(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Change the content of a note."""
    body = await decode_body(request, NoteChangeV1)
    workspace = workspace_of(request)
    note: Note = find_row(workspace.notes, note_id, "note")
    note = msgspec.structs.replace(note, updated_at=now(), **_content_v1(note.type, body.content))
    workspace.put("notes", note)
    return answer(_note_v1(note))


@delete("/notes/{note_id:str}", status_code=200, sync_to_thread=False)
def delete_note_v1(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Delete a note."""
    _delete_with_replies(request, find_row(workspace_of(request).notes, note_id, "note"))
    return answer(SUCCESS)


@get("/v2/notes", sync_to_thread=False)
def list_notes(request: AnyRequest) -> ASGIResponse:
    """List notes, without replies."""
    return _notes_page(request, workspace_of(request).roots())


@get(
    ["/v2/companies/{row_id:str}/notes", "/v2/persons/{row_id:str}/notes", "/v2/opportunities/{row_id:str}/notes"],
    sync_to_thread=False,
)
def list_record_notes(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """List the notes about a record and, for a company, about its people."""
    workspace, entity = workspace_of(request), entity_of(request)
    row = find_row(workspace.records(entity), row_id, entity)
    keys = [(entity, row.id)]
    if entity == "company":
        keys += [("person", person_id) for person_id in workspace.staff_of(row.id)]
    return _notes_page(request, sorted({note_id for key in keys for note_id in workspace.notes.by(links).get(key, ())}))


@get("/v2/notes/{note_id:str}", sync_to_thread=False)
def get_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Get a note or a reply."""
    workspace = workspace_of(request)
    includes = _includes(request)
    return versioned(
        request, _note_v2(workspace, find_row(workspace.notes, note_id, "note"), includes, version_of(request))
    )


@get("/v2/notes/{note_id:str}/replies", sync_to_thread=False)
def list_replies(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """List the replies to a note."""
    workspace = workspace_of(request)
    return _notes_page(request, workspace.replies_to(find_row(workspace.notes, note_id, "note").id))


@get("/v2/notes/{note_id:str}/attached-persons", sync_to_thread=False)
def list_attached_persons(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """List the persons that a note is about."""
    workspace = workspace_of(request)
    ids = find_row(workspace.notes, note_id, "note").associated_person_ids
    return _attached_page(request, workspace.persons, ids, lambda row_id: person_data(workspace, row_id))


@get("/v2/notes/{note_id:str}/attached-companies", sync_to_thread=False)
def list_attached_companies(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """List the companies that a note is about."""
    workspace = workspace_of(request)
    ids = find_row(workspace.notes, note_id, "note").organization_ids
    return _attached_page(request, workspace.companies, ids, lambda row_id: company_data(workspace, row_id))


@get("/v2/notes/{note_id:str}/attached-opportunities", sync_to_thread=False)
def list_attached_opportunities(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """List the opportunities that a note is about."""
    workspace, version = workspace_of(request), version_of(request)
    ids = find_row(workspace.notes, note_id, "note").opportunity_ids
    rows = workspace.opportunities
    return _attached_page(request, rows, ids, lambda row_id: opportunity_data(workspace, version, rows.row(row_id)))


@post("/v2/notes", status_code=201)
async def create_note(request: AnyRequest) -> ASGIResponse:
    """Create a note or a reply."""
    body = await decode_body(request, NewNote)
    workspace, version = workspace_of(request), version_of(request)
    note = Note(
        id=workspace.notes.new_id(),
        content=_text_of(body.content.html),
        html=body.content.html,
        type=HTML,
        created_at=body.created_at or now(),
        creator_id=body.creator.id if body.creator else workspace.user.id,
        parent_id=body.parent.id if body.parent else None,
        associated_person_ids=_ids_of(body.persons),
        organization_ids=_ids_of(body.companies),
        opportunity_ids=_ids_of(body.opportunities),
    )
    _add_note(request, note)
    return versioned(request, _note_v2(workspace, note, [], version), 201)


@post("/v2/notes/{note_id:str}", status_code=200)
async def update_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Change the content of a note, or the records that it is about."""
    body = given_properties(await decode_body(request, NoteChanges))
    workspace = workspace_of(request)
    note: Note = find_row(workspace.notes, note_id, "note")
    changes: dict[str, Any] = {}
    for name, (entity, column) in ATTACHMENTS.items():
        if name in body:
            changes[column] = _ids_of(body[name])
            require_known(request, entity, changes[column])
    if "content" in body:
        changes |= {"type": HTML, "content": _text_of(body["content"].html), "html": body["content"].html}
    workspace.put("notes", msgspec.structs.replace(note, updated_at=now(), **changes))
    return no_content(request)


@delete("/v2/notes/{note_id:str}", status_code=200, sync_to_thread=False)
def delete_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Delete a note."""
    _delete_with_replies(request, find_row(workspace_of(request).notes, note_id, "note"))
    return no_content(request)


NOTE_OPERATIONS = (
    list_notes_v1,
    get_note_v1,
    create_note_v1,
    update_note_v1,
    delete_note_v1,
    list_notes,
    list_record_notes,
    get_note,
    list_replies,
    list_attached_persons,
    list_attached_companies,
    list_attached_opportunities,
    create_note,
    update_note,
    delete_note,
)


def _note_v1(note: Note) -> dict[str, Any]:
    """Return a note or a reply as API v1 shows it."""
    content: dict[str, Any] = msgspec.to_builtins(note)
    content.pop("html", None)
    people = dict.fromkeys((*note.associated_person_ids, *note.interaction_person_ids))
    return {"person_ids": list(people), **content}


def _content_v1(kind: int, content: str) -> dict[str, Any]:
    """Return the stored properties of a note's content, by the note's type."""
    if kind == HTML:
        return {"content": _text_of(content), "html": content}
    return {"content": content, "html": UNSET}


def _note_v2(workspace: Workspace, note: Note, includes: Sequence[str], version: str) -> dict[str, Any]:
    """Return a note or a reply as API v2 shows it, with what was requested additionally."""
    content: dict[str, Any] = {
        "id": note.id,
        "type": _note_type(note),
        "content": {"html": note.html or f"<p>{html.escape(note.content, quote=False)}</p>"},
        "creator": person_data(workspace, note.creator_id or 1),
        "mentions": [
            {"id": number, "type": "person", "person": person_data(workspace, person_id)}
            for number, person_id in enumerate(note.mentioned_person_ids, start=1)
        ],
        "createdAt": in_utc(note.created_at),
        "updatedAt": None if note.updated_at is None else in_utc(note.updated_at),
    }
    if note.interaction_id is not None:
        kind = INTERACTIONS[note.interaction_type or 0]
        content["interaction"] = {"id": note.interaction_id, "type": kind}
    if note.parent_id is not None:
        return {**content, "parent": {"id": note.parent_id}}
    if note.type == 3:
        content["transcriptId"] = None
    return content | {name: _included(workspace, note, name, version) for name in includes}


def _text_of(markup: str) -> str:
    """Return the text of HTML, with a line for each paragraph."""
    return html.unescape(TAG.sub("", LINE_END.sub("\n", markup))).strip()


def _add_note(request: AnyRequest, note: Note) -> None:
    """Add a note. Raise `AffinityError` if it is about nothing, or about something that does not exist."""
    workspace = workspace_of(request)
    about = (*note.associated_person_ids, *note.organization_ids, *note.opportunity_ids)
    if note.parent_id is not None:
        if about or note.parent_id not in workspace.notes:
            raise refused(request, "A reply needs an existing note and can be about nothing else.", "parent")
    elif not about:
        raise refused(request, "A note needs a person, a company or an opportunity, or a note to reply to.", "persons")
    try:
        parse_time(note.created_at)
    except ValueError:
        raise refused(request, "The time of creation is no time with an offset.", "createdAt") from None
    require_links(request, note)
    workspace.put("notes", note)


def _delete_with_replies(request: AnyRequest, note: Note) -> None:
    """Delete a note and its replies."""
    workspace = workspace_of(request)
    for row_id in (*workspace.replies_to(note.id), note.id):
        workspace.delete("notes", row_id)


def _attached_page(
    request: AnyRequest, rows: Collection[Any], ids: Sequence[int], render: Callable[[int], object]
) -> ASGIResponse:
    return cursor_page(request, sorted(row_id for row_id in ids if row_id in rows), render, NOTES)


def _notes_page(request: AnyRequest, ids: Sequence[int]) -> ASGIResponse:
    workspace, version, includes = workspace_of(request), version_of(request), _includes(request)
    notes = workspace.notes
    ids = filtered(request, ids, lambda row_id: _properties(notes.row(row_id)))
    return cursor_page(request, ids, lambda row_id: _note_v2(workspace, notes.row(row_id), includes, version), NOTES)


def _properties(note: Note) -> Properties:
    return {
        "id": note.id,
        "creator.id": note.creator_id,
        "createdAt": parse_time(note.created_at),
        "updatedAt": None if note.updated_at is None else parse_time(note.updated_at),
    }


def _includes(request: AnyRequest) -> list[str]:
    includes = request.query_params.getall("includes", [])
    if unknown := [name for name in includes if name not in INCLUDES]:
        raise AffinityError("validation", f"'{unknown[0]}' cannot be included.", "includes")
    return includes


def _note_type(note: Note) -> str:
    if note.parent_id is not None:
        return "ai-notetaker-reply" if note.type == 3 else "user-reply"
    if note.type == 3:
        return "ai-notetaker"
    return "entities" if note.interaction_id is None else "interaction"


def _included(workspace: Workspace, note: Note, name: str, version: str) -> Any:
    if name == "repliesCount":
        return len(workspace.replies_to(note.id))
    if name == "personsPreview":
        return _preview([person_data(workspace, row_id) for row_id in note.associated_person_ids])
    if name == "companiesPreview":
        return _preview([company_data(workspace, row_id) for row_id in note.organization_ids])
    rows = workspace.opportunities
    known = [rows.row(row_id) for row_id in note.opportunity_ids if row_id in rows]
    return _preview([opportunity_data(workspace, version, row) for row in known])


def _preview(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"data": data[:MAX_PREVIEWED], "totalCount": len(data)}


def _ids_of(references: list[Reference]) -> tuple[int, ...]:
    return tuple(reference.id for reference in references)
