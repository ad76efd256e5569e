"""API v1: notes, reminders and files are written."""

from typing import Any, Literal

import msgspec
from litestar import delete, post, put
from litestar.datastructures import UploadFile
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.given import given, refused, require_links, stated
from freight_sandbox.affinity.notes import HTML, add_note, delete_note_with_replies, text_of
from freight_sandbox.affinity.reminders import completed, new_reminder, owner, put_reminder
from freight_sandbox.affinity.requests import AnyRequest, found, workspace_of
from freight_sandbox.affinity.rows import File, Note, Reminder
from freight_sandbox.affinity.storage import ANY_BYTES
from freight_sandbox.affinity.times import now
from freight_sandbox.affinity.v1.activity import OWNERS, file_shape, note_shape, reminder_shape
from freight_sandbox.affinity.v1.record_writes import SUCCESS
from freight_sandbox.control import answer


class NewNote(msgspec.Struct, frozen=True):
    """A note or, with `parent_id`, a reply; `type` is 0 for plain text or 2 for HTML."""

    content: str
    type: Literal[0, 2] = 0
    person_ids: tuple[int, ...] = ()
    organization_ids: tuple[int, ...] = ()
    opportunity_ids: tuple[int, ...] = ()
    parent_id: int | None = None
    creator_id: int | None = None
    created_at: str | None = None


class NoteContent(msgspec.Struct, frozen=True):
    """What a note shall say, in the form that it was made in."""

    content: str


class NewReminder(msgspec.Struct, frozen=True):
    """A reminder to be made about one record."""

    owner_id: int
    type: Literal[0, 1]
    content: str | None = None
    due_date: str | None = None
    reset_type: Literal[0, 1, 2] | None = None
    reminder_days: int | None = None
    person_id: int | None = None
    organization_id: int | None = None
    opportunity_id: int | None = None


class ReminderChanges(msgspec.Struct, frozen=True):
    """What shall change of a reminder."""

    owner_id: int | UnsetType = UNSET
    type: Literal[0, 1] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    due_date: str | UnsetType = UNSET
    reset_type: Literal[0, 1, 2] | UnsetType = UNSET
    reminder_days: int | UnsetType = UNSET
    is_completed: bool | UnsetType = UNSET


@post("/notes", status_code=200)
async def create_note(request: AnyRequest) -> ASGIResponse:
    """Make a note or a reply."""
    body = await given(request, NewNote)
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
        **_content(body.type, body.content),
    )
    add_note(request, note)
    return answer(note_shape(note))


@put("/notes/{note_id:str}")
async def update_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Change what a note says."""
    body = await given(request, NoteContent)
    workspace = workspace_of(request)
    note: Note = found(workspace.notes, note_id, "note")
    note = msgspec.structs.replace(note, updated_at=now(), **_content(note.type, body.content))
    workspace.put("notes", note)
    return answer(note_shape(note))


@delete("/notes/{note_id:str}", status_code=200, sync_to_thread=False)
def delete_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Delete a note."""
    delete_note_with_replies(request, found(workspace_of(request).notes, note_id, "note"))
    return answer(SUCCESS)


@post("/reminders", status_code=200)
async def create_reminder(request: AnyRequest) -> ASGIResponse:
    """Make a reminder."""
    body = await given(request, NewReminder)
    subjects = {name: getattr(body, f"{name}_id") for name in ("person", "organization", "opportunity")}
    reminder = new_reminder(
        request,
        body.type,
        body.owner_id,
        body.reminder_days,
        content=body.content,
        due_date=body.due_date,
        reset_type=body.reset_type,
        **{name: {"id": row_id} for name, row_id in subjects.items() if row_id is not None},
    )
    return answer(reminder_shape(workspace_of(request), reminder))


@put("/reminders/{reminder_id:str}")
async def update_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Change a reminder, also its type."""
    changes = stated(await given(request, ReminderChanges))
    workspace = workspace_of(request)
    reminder: Reminder = found(workspace.reminders, reminder_id, "reminder")
    is_completed = changes.pop("is_completed", None)
    if "owner_id" in changes:
        changes["owner"] = owner(request, changes.pop("owner_id"))
    reminder = msgspec.structs.replace(reminder, **changes)
    if is_completed is not None:
        reminder = completed(request, reminder, now() if is_completed else None)
    return answer(reminder_shape(workspace, put_reminder(request, reminder)))


@delete("/reminders/{reminder_id:str}", status_code=200, sync_to_thread=False)
def delete_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Delete a reminder."""
    workspace = workspace_of(request)
    workspace.delete("reminders", found(workspace.reminders, reminder_id, "reminder").id)
    return answer(SUCCESS)


@post("/entity-files", status_code=200, request_max_body_size=None)
async def upload_files(request: AnyRequest) -> ASGIResponse:
    """Put files on one record."""
    form = await request.form()
    uploads = [part for part in form.values() if isinstance(part, UploadFile)]
    subjects = {name: str(form[name]) for name in OWNERS if name in form}
    if not uploads or len(subjects) != 1 or not all(text.isdecimal() for text in subjects.values()):
        raise refused(request, "A file and one of person_id, organization_id, opportunity_id are needed.", "file")
    owners = {name: int(text) for name, text in subjects.items()}
    files = [await _file(request, upload, owners) for upload in uploads]
    return answer({"entity_files": [file_shape(file) for file in files]})


async def _file(request: AnyRequest, upload: UploadFile, owners: dict[str, int]) -> File:
    workspace, content = workspace_of(request), await upload.read()
    file = File(
        id=workspace.files.new_id(),
        name=upload.filename,
        size=len(content),
        created_at=now(),
        uploader_id=workspace.user.id,
        content_type=upload.content_type or UNSET,
        content=content.decode(errors=ANY_BYTES),
        **owners,
    )
    require_links(request, file)
    workspace.put("files", file)
    return file


def _content(kind: int, content: str) -> dict[str, Any]:
    """What a note of this type keeps of what it shall say."""
    if kind == HTML:
        return {"content": text_of(content), "html": content}
    return {"content": content, "html": UNSET}
