"""API v2: lists, notes and reminders are written."""

from typing import Any, Literal

import msgspec
from litestar import delete, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.given import given, require_known, stated
from freight_sandbox.affinity.notes import HTML, add_note, delete_note_with_replies, text_of
from freight_sandbox.affinity.reminders import completed, new_reminder, owner, put_reminder
from freight_sandbox.affinity.requests import AnyRequest, found, workspace_of
from freight_sandbox.affinity.rows import Entity, Note, Reminder, WorkspaceList
from freight_sandbox.affinity.times import now
from freight_sandbox.affinity.v2.activity import REMINDER_TYPES, RESET_TRIGGERS, reminder_shape
from freight_sandbox.affinity.v2.lists import list_shape
from freight_sandbox.affinity.v2.notes import note_shape
from freight_sandbox.affinity.v2.versions import VERSION_HEADER, version_of, versioned
from freight_sandbox.affinity.v2.written_values import Reference

SUBJECTS: dict[Entity, str] = {"person": "person", "company": "organization", "opportunity": "opportunity"}
ATTACHMENTS: dict[str, tuple[Entity, str]] = {
    "persons": ("person", "associated_person_ids"),
    "companies": ("company", "organization_ids"),
    "opportunities": ("opportunity", "opportunity_ids"),
}


class NewList(msgspec.Struct, frozen=True, rename="camel"):
    """A list to be made."""

    name: str
    type: Entity
    is_public: bool


class Content(msgspec.Struct, frozen=True):
    """What a note says."""

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
    """What shall change of a note; what it is about is given whole."""

    content: Content | UnsetType = UNSET
    persons: list[Reference] | UnsetType = UNSET
    companies: list[Reference] | UnsetType = UNSET
    opportunities: list[Reference] | UnsetType = UNSET


class Subject(msgspec.Struct, frozen=True):
    """The record that a reminder is about."""

    type: Entity
    id: int


class Recurrence(msgspec.Struct, frozen=True, rename="camel"):
    """When a reminder is due again, and what puts that off."""

    period_days: int | UnsetType = UNSET
    reset_trigger: Literal["interaction", "email", "event"] | UnsetType = UNSET


class NewReminder(msgspec.Struct, frozen=True, rename="camel"):
    """A reminder to be made about one record."""

    type: Literal["one-time", "recurring"]
    owner: Reference
    entity: Subject
    content: str | None = None
    due_date: str | None = None
    recurrence: Recurrence = Recurrence()


class ReminderChanges(msgspec.Struct, frozen=True, rename="camel"):
    """What shall change of a reminder."""

    owner: Reference | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    due_date: str | UnsetType = UNSET
    recurrence: Recurrence = Recurrence()
    completed_at: str | UnsetType | None = UNSET


@post("/v2/lists", status_code=201)
async def create_list(request: AnyRequest) -> ASGIResponse:
    """Make a list that the key's user owns."""
    body = await given(request, NewList)
    workspace, version = workspace_of(request), version_of(request)
    user_id, list_id = workspace.user.id, workspace.lists.new_id()
    row = WorkspaceList(list_id, body.name, body.type, user_id, user_id, body.is_public, now())
    workspace.put("lists", row)
    return versioned(request, list_shape(version, row), 201)


@post("/v2/notes", status_code=201)
async def create_note(request: AnyRequest) -> ASGIResponse:
    """Make a note or a reply."""
    body = await given(request, NewNote)
    workspace, version = workspace_of(request), version_of(request)
    note = Note(
        id=workspace.notes.new_id(),
        content=text_of(body.content.html),
        html=body.content.html,
        type=HTML,
        created_at=body.created_at or now(),
        creator_id=body.creator.id if body.creator else workspace.user.id,
        parent_id=body.parent.id if body.parent else None,
        associated_person_ids=_ids(body.persons),
        organization_ids=_ids(body.companies),
        opportunity_ids=_ids(body.opportunities),
    )
    add_note(request, note)
    return versioned(request, note_shape(workspace, note, [], version), 201)


@post("/v2/notes/{note_id:str}", status_code=200)
async def update_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Change what a note says, or what it is about."""
    body = stated(await given(request, NoteChanges))
    workspace = workspace_of(request)
    note: Note = found(workspace.notes, note_id, "note")
    changes: dict[str, Any] = {}
    for name, (entity, column) in ATTACHMENTS.items():
        if name in body:
            changes[column] = _ids(body[name])
            require_known(request, entity, changes[column])
    if "content" in body:
        changes |= {"type": HTML, "content": text_of(body["content"].html), "html": body["content"].html}
    workspace.put("notes", msgspec.structs.replace(note, updated_at=now(), **changes))
    return no_content(request)


@delete("/v2/notes/{note_id:str}", status_code=200, sync_to_thread=False)
def delete_note(request: AnyRequest, note_id: FromPath[str]) -> ASGIResponse:
    """Delete a note."""
    delete_note_with_replies(request, found(workspace_of(request).notes, note_id, "note"))
    return no_content(request)


@post("/v2/reminders", status_code=201)
async def create_reminder(request: AnyRequest) -> ASGIResponse:
    """Make a reminder."""
    body = await given(request, NewReminder)
    version_of(request)
    recurrence = _recurrence(body.recurrence)
    reminder = new_reminder(
        request,
        REMINDER_TYPES.index(body.type),
        body.owner.id,
        recurrence.get("reminder_days"),
        content=body.content,
        due_date=body.due_date,
        reset_type=recurrence.get("reset_type"),
        **{SUBJECTS[body.entity.type]: {"id": body.entity.id}},
    )
    return versioned(request, reminder_shape(reminder), 201)


@post("/v2/reminders/{reminder_id:str}", status_code=200)
async def update_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Change a reminder, but not its type."""
    body = await given(request, ReminderChanges)
    reminder: Reminder = found(workspace_of(request).reminders, reminder_id, "reminder")
    changes = stated(body)
    changes |= _recurrence(changes.pop("recurrence"))
    completed_at = changes.pop("completed_at", UNSET)
    if "owner" in changes:
        changes["owner"] = owner(request, changes["owner"].id)
    reminder = msgspec.structs.replace(reminder, **changes)
    if completed_at is not UNSET:
        reminder = completed(request, reminder, completed_at)
    put_reminder(request, reminder)
    return no_content(request)


@delete("/v2/reminders/{reminder_id:str}", status_code=200, sync_to_thread=False)
def delete_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Delete a reminder."""
    workspace = workspace_of(request)
    workspace.delete("reminders", found(workspace.reminders, reminder_id, "reminder").id)
    return no_content(request)


def no_content(request: AnyRequest) -> ASGIResponse:
    """The answer to what has none, with its version."""
    return ASGIResponse(status_code=204, headers={VERSION_HEADER.lower(): version_of(request)})


def _ids(references: list[Reference]) -> tuple[int, ...]:
    return tuple(reference.id for reference in references)


def _recurrence(recurrence: Recurrence) -> dict[str, Any]:
    """The columns that tell of it."""
    columns: dict[str, Any] = {}
    if recurrence.period_days is not UNSET:
        columns["reminder_days"] = recurrence.period_days
    if recurrence.reset_trigger is not UNSET:
        columns["reset_type"] = RESET_TRIGGERS.index(recurrence.reset_trigger)
    return columns
