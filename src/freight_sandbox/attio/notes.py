"""Notes: text on one record, which can be backdated."""

import re
import uuid
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from litestar import delete, get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.attio.access import DELETE_NOTES, READ_NOTES, WRITE_NOTES
from freight_sandbox.attio.content import EventType, Note
from freight_sandbox.attio.errors import AttioError, invalid, not_found
from freight_sandbox.attio.moments import backdated, now
from freight_sandbox.attio.requests import AnyRequest, page, read_data, workspace_of
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

LARGEST_NOTE = 1_000_000
"""Bytes of content. Attio does not publish its limit."""

Format = Literal["plaintext", "markdown"]


class NewNote(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A note to be created."""

    parent_object: str
    parent_record_id: str
    title: str
    format: Format
    content: str
    created_at: str | UnsetType = UNSET
    meeting_id: str | None = None


class NoteChange(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a note; its record cannot be changed."""

    title: str | UnsetType = UNSET
    format: Format | UnsetType = UNSET
    content: str | UnsetType = UNSET


@get("/v2/notes", opt=READ_NOTES, sync_to_thread=False)
def list_notes(request: AnyRequest) -> ASGIResponse:
    """List all notes, those of an object's records, or those of one record."""
    workspace = workspace_of(request)
    shown = page(request, _wanted(request, workspace), default=10, maximum=50)
    return answer({"data": [_render(workspace, note) for note in shown]})


@post("/v2/notes", status_code=200, opt=WRITE_NOTES)
async def create_note(request: AnyRequest) -> ASGIResponse:
    """Create a note."""
    workspace = workspace_of(request)
    new = await read_data(request, NewNote)
    table, record = workspace.record(new.parent_object, new.parent_record_id)
    if new.meeting_id is not None:
        raise not_found("Meeting", new.meeting_id, by="ID")
    _require_size(new.content)
    note = Note(
        id=str(uuid.uuid4()),
        parent_object=table.definition.slug,
        parent_record_id=record.id,
        title=new.title,
        content_plaintext=_plaintext(new.format, new.content),
        content_markdown=new.content,
        created_at=now() if new.created_at is UNSET else backdated(new.created_at, ("data", "created_at")),
    )
    workspace.notes.put(note.id, note, [record.id])
    _announce(workspace, "note.created", note)
    return answer({"data": _render(workspace, note)})


@get("/v2/notes/{note_id:str}", opt=READ_NOTES, sync_to_thread=False)
def get_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Get a note."""
    workspace = workspace_of(request)
    return answer({"data": _render(workspace, workspace.notes.find(note_id))})


@patch("/v2/notes/{note_id:str}", opt=WRITE_NOTES)
async def change_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Change the title of a note, or replace its content."""
    workspace = workspace_of(request)
    change = await read_data(request, NoteChange)
    note = workspace.notes.find(note_id)
    if change.content is not UNSET:
        if change.format is UNSET:
            raise invalid(("data", "format"), "Content needs a format.")
        _require_size(change.content)
        note.content_plaintext, note.content_markdown = _plaintext(change.format, change.content), change.content
        _announce(workspace, "note-content.updated", note)
    if change.title is not UNSET:
        note.title = change.title
        _announce(workspace, "note.updated", note)
    return answer({"data": _render(workspace, note)})


@delete("/v2/notes/{note_id:str}", status_code=200, opt=DELETE_NOTES, sync_to_thread=False)
def delete_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Delete a note permanently."""
    workspace = workspace_of(request)
    note = workspace.notes.find(note_id)
    workspace.notes.remove(note.id)
    _announce(workspace, "note.deleted", note)
    return answer({})


NOTE_OPERATIONS = (list_notes, create_note, get_note, change_note, delete_note)


def _announce(workspace: Workspace, event_type: EventType, note: Note) -> None:
    parent = {"parent_object_id": workspace.object_id(note.parent_object), "parent_record_id": note.parent_record_id}
    workspace.announce(event_type, {"note_id": note.id}, None, **parent)


def _wanted(request: AnyRequest, workspace: Workspace) -> Iterable[Note]:
    object_name, record_id = (request.query_params.get(name) for name in ("parent_object", "parent_record_id"))
    slug = None if object_name is None else workspace.table(object_name).definition.slug
    if slug is not None and record_id is not None:
        workspace.record(slug, record_id)
    notes: Iterable[Note] = workspace.notes.items.values() if record_id is None else workspace.notes.on(record_id)
    return (note for note in notes if slug in {None, note.parent_object})


def _require_size(content: str) -> None:
    if len(content.encode()) > LARGEST_NOTE:
        raise AttioError(413, "validation_type", "The content of the note is too large.")


def _plaintext(text_format: Format, content: str) -> str:
    """Return the content without markup; headings, list items and paragraphs become separate lines."""
    if text_format == "plaintext":
        return content
    lines = (re.sub(r"^\s*(#{1,3}|[-*+]|\d+\.)\s+", "", line).strip() for line in content.splitlines())
    return "\n".join(_without_styles(line) for line in lines if line)


def _without_styles(line: str) -> str:
    # An escaped bracket is text: no link begins or ends with it.
    line = re.sub(r"(?<!\\)\[((?:\\.|[^\]\\])*)\]\([^)\s]*\)", r"\1", line)
    for mark in (r"\*\*", "__", "~~", "==", r"\*", r"\b_|_\b"):
        line = re.sub(rf"(?:{mark})(\S(?:.*?\S)?)(?:{mark})", r"\1", line)
    return re.sub(r"\\([\\`*_{}\[\]()#+\-.!~=|>])", r"\1", line)


def _render(workspace: Workspace, note: Note) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "note_id": note.id},
        "parent_object": note.parent_object,
        "parent_record_id": note.parent_record_id,
        "title": note.title,
        "meeting_id": None,
        "content_plaintext": note.content_plaintext,
        "content_markdown": note.content_markdown,
        "tags": [],
        "created_by_actor": workspace.actor,
        "created_at": note.created_at,
    }
