"""API v1: notes with their replies, reminders, and files with their owners."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Collection
from freight_sandbox.affinity.errors import RefusedByVersion1
from freight_sandbox.affinity.links import links
from freight_sandbox.affinity.requests import AnyRequest, found, workspace_of
from freight_sandbox.affinity.rows import Entity, File, Note, Reminder
from freight_sandbox.affinity.storage import download_url
from freight_sandbox.affinity.times import moment
from freight_sandbox.affinity.v1.paging import page_answer
from freight_sandbox.affinity.v1.shapes import embedded
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

OWNERS: dict[str, Entity] = {"person_id": "person", "organization_id": "company", "opportunity_id": "opportunity"}


@get("/notes", sync_to_thread=False)
def list_notes(request: AnyRequest) -> ASGIResponse:
    """A page of notes, replies among them."""
    notes = workspace_of(request).notes
    ids = _of_owner(request, notes)
    if (creator_id := _number(request, "creator_id")) is not None:
        ids = [row_id for row_id in ids if notes.row(row_id).creator_id == creator_id]
    return page_answer(request, "notes", ids, lambda row_id: note_shape(notes.row(row_id)))


@get("/notes/{note_id:str}", sync_to_thread=False)
def get_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """One note or reply."""
    return answer(note_shape(found(workspace_of(request).notes, note_id, "note")))


@get("/reminders", sync_to_thread=False)
def list_reminders(request: AnyRequest) -> ASGIResponse:
    """A page of reminders."""
    workspace = workspace_of(request)
    rows = workspace.reminders
    if request.query_params.get("type") == "1" and "reset_type" not in request.query_params:
        raise RefusedByVersion1("reset_type is needed where type is 1")
    ids = [row_id for row_id in _of_owner(request, rows) if _asked_for(request, rows.row(row_id))]
    return page_answer(request, "reminders", ids, lambda row_id: reminder_shape(workspace, rows.row(row_id)))


@get("/entity-files", sync_to_thread=False)
def list_files(request: AnyRequest) -> ASGIResponse:
    """A page of files, the newest first."""
    rows = workspace_of(request).files
    of_owner = set(_of_owner(request, rows))
    made = sorted(((moment(at), row_id) for at, ids in rows.by(_made).items() for row_id in ids), reverse=True)
    ids = [row_id for _, row_id in made if row_id in of_owner]
    return page_answer(request, "entity_files", ids, lambda row_id: file_shape(rows.row(row_id)))


@get("/entity-files/{file_id:str}", sync_to_thread=False)
def get_file(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """What is known of one file."""
    return answer(file_shape(found(workspace_of(request).files, file_id, "file")))


@get("/entity-files/download/{file_id:str}", sync_to_thread=False)
def download_file(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """A redirect to the storage, which opens to it for a minute."""
    file = found(workspace_of(request).files, file_id, "file")
    return answer({}, 302, {"location": download_url(request, file)})


def _of_owner(request: AnyRequest, rows: Collection[Any]) -> Sequence[int]:
    """The ids of what is about the record that the parameters name, by default all. Raises `AffinityError` for a record
    that is not there."""
    ids = rows.ids
    for name, entity in OWNERS.items():
        if (row_id := _number(request, name)) is not None:
            found(workspace_of(request).records(entity), str(row_id), entity)
            ids = rows.by(links).get((entity, row_id), ())
    return ids


def _made(file: File) -> tuple[str]:
    return (file.created_at,)


def _number(request: AnyRequest, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise RefusedByVersion1(f"{name} must be an integer")
    return int(text)


def note_shape(note: Note) -> dict[str, Any]:
    """A note or a reply."""
    content: dict[str, Any] = msgspec.to_builtins(note)
    content.pop("html", None)
    people = dict.fromkeys((*note.associated_person_ids, *note.interaction_person_ids))
    return {"person_ids": list(people), **content}


def _asked_for(request: AnyRequest, reminder: Reminder) -> bool:
    query = request.query_params
    numbers = {"type": reminder.type, "reset_type": reminder.reset_type, "status": reminder.status}
    for role in ("creator", "owner", "completer"):
        numbers[f"{role}_id"] = (getattr(reminder, role) or {}).get("id")
    if any(name in query and _number(request, name) != value for name, value in numbers.items()):
        return False
    due = moment(reminder.due_date)
    before, after = (_time(request, name) for name in ("due_before", "due_after"))
    return (before is None or due < before) and (after is None or due > after)


def _time(request: AnyRequest, name: str) -> Any:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError:
        raise RefusedByVersion1(f"{name} must be a date and time with an offset") from None


def reminder_shape(workspace: Workspace, reminder: Reminder) -> dict[str, Any]:
    """A reminder with what it refers to."""
    return {
        **msgspec.to_builtins(reminder),
        "creator": embedded(workspace, "person", reminder.creator),
        "owner": embedded(workspace, "person", reminder.owner),
        "completer": embedded(workspace, "person", reminder.completer),
        "person": embedded(workspace, "person", reminder.person),
        "organization": embedded(workspace, "company", reminder.organization),
        "opportunity": embedded(workspace, "opportunity", reminder.opportunity),
    }


def file_shape(file: File) -> dict[str, Any]:
    """What is known of a file."""
    content: dict[str, Any] = msgspec.to_builtins(file)
    content.pop("content", None)
    return content
