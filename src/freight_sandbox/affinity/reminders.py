"""Reminders, in both versions."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from litestar import delete, get, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.affinity.errors import RefusedByVersion1
from freight_sandbox.affinity.paging import COUNTABLE, Properties, cursor_page, filtered, offset_page
from freight_sandbox.affinity.requests import (
    SUCCESS,
    AnyRequest,
    decode_body,
    find_row,
    given_properties,
    ids_about,
    integer_parameter,
    no_content,
    refused,
    require_links,
    version_of,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import Entity, Reminder, in_utc, links, now, parse_time, utc_text
from freight_sandbox.affinity.shapes import embedded_v1
from freight_sandbox.affinity.values import Reference
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

ONE_TIME, RECURRING = 0, 1

COMPLETED, ACTIVE, OVERDUE = 0, 1, 2

REMINDER_TYPES = ("one-time", "recurring")
REMINDER_STATUSES = ("completed", "active", "overdue")
RESET_TRIGGERS = ("interaction", "email", "event")
SUBJECTS: dict[Entity, str] = {"person": "person", "company": "organization", "opportunity": "opportunity"}


class NewReminderV1(msgspec.Struct, frozen=True):
    """A reminder to be created about one record, in API v1."""

    owner_id: int
    type: Literal[0, 1]
    content: str | None = None
    due_date: str | None = None
    reset_type: Literal[0, 1, 2] | None = None
    reminder_days: int | None = None
    person_id: int | None = None
    organization_id: int | None = None
    opportunity_id: int | None = None


class ReminderChangesV1(msgspec.Struct, frozen=True):
    """Changes of a reminder, in API v1."""

    owner_id: int | UnsetType = UNSET
    type: Literal[0, 1] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    due_date: str | UnsetType = UNSET
    reset_type: Literal[0, 1, 2] | UnsetType = UNSET
    reminder_days: int | UnsetType = UNSET
    is_completed: bool | UnsetType = UNSET


class Subject(msgspec.Struct, frozen=True):
    """The record that a reminder is about."""

    type: Entity
    id: int


class Recurrence(msgspec.Struct, frozen=True, rename="camel"):
    """When a reminder recurs, and what resets it."""

    period_days: int | UnsetType = UNSET
    reset_trigger: Literal["interaction", "email", "event"] | UnsetType = UNSET


class NewReminder(msgspec.Struct, frozen=True, rename="camel"):
    """A reminder to be created about one record."""

    type: Literal["one-time", "recurring"]
    owner: Reference
    entity: Subject
    content: str | None = None
    due_date: str | None = None
    recurrence: Recurrence = Recurrence()


class ReminderChanges(msgspec.Struct, frozen=True, rename="camel"):
    """Changes of a reminder."""

    owner: Reference | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    due_date: str | UnsetType = UNSET
    recurrence: Recurrence = Recurrence()
    completed_at: str | UnsetType | None = UNSET


@get("/reminders", sync_to_thread=False)
def list_reminders_v1(request: AnyRequest) -> ASGIResponse:
    """List reminders."""
    workspace = workspace_of(request)
    rows = workspace.reminders
    if request.query_params.get("type") == "1" and "reset_type" not in request.query_params:
        raise RefusedByVersion1("reset_type is needed where type is 1")
    ids = [row_id for row_id in ids_about(request, rows) if _is_requested(request, rows.row(row_id))]
    return offset_page(request, "reminders", ids, lambda row_id: _reminder_v1(workspace, rows.row(row_id)))


@post("/reminders", status_code=200)
async def create_reminder_v1(request: AnyRequest) -> ASGIResponse:
    """Create a reminder."""
    body = await decode_body(request, NewReminderV1)
    subjects = {name: getattr(body, f"{name}_id") for name in ("person", "organization", "opportunity")}
    reminder = _new_reminder(
        request,
        body.type,
        body.owner_id,
        body.reminder_days,
        content=body.content,
        due_date=body.due_date,
        reset_type=body.reset_type,
        **{name: {"id": row_id} for name, row_id in subjects.items() if row_id is not None},
    )
    return answer(_reminder_v1(workspace_of(request), reminder))


@put("/reminders/{reminder_id:str}")
async def update_reminder_v1(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Change a reminder, including its type."""
    changes = given_properties(await decode_body(request, ReminderChangesV1))
    workspace = workspace_of(request)
    reminder: Reminder = find_row(workspace.reminders, reminder_id, "reminder")
    is_completed = changes.pop("is_completed", None)
    if "owner_id" in changes:
        changes["owner"] = _owner(request, changes.pop("owner_id"))
    reminder = msgspec.structs.replace(reminder, **changes)
    if is_completed is not None:
        reminder = _completed(request, reminder, now() if is_completed else None)
    return answer(_reminder_v1(workspace, _put_reminder(request, reminder)))


@delete("/reminders/{reminder_id:str}", status_code=200, sync_to_thread=False)
def delete_reminder_v1(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Delete a reminder."""
    workspace = workspace_of(request)
    workspace.delete("reminders", find_row(workspace.reminders, reminder_id, "reminder").id)
    return answer(SUCCESS)


@get("/v2/reminders", sync_to_thread=False)
def list_reminders(request: AnyRequest) -> ASGIResponse:
    """List reminders."""
    reminders = workspace_of(request).reminders
    ids = filtered(request, reminders.ids, lambda row_id: _properties(reminders.row(row_id)))
    return cursor_page(request, ids, lambda row_id: _reminder_v2(reminders.row(row_id)), COUNTABLE)


@get("/v2/reminders/{reminder_id:str}", sync_to_thread=False)
def get_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Get a reminder."""
    return versioned(request, _reminder_v2(find_row(workspace_of(request).reminders, reminder_id, "reminder")))


@post("/v2/reminders", status_code=201)
async def create_reminder(request: AnyRequest) -> ASGIResponse:
    """Create a reminder."""
    body = await decode_body(request, NewReminder)
    version_of(request)
    recurrence = _recurrence(body.recurrence)
    reminder = _new_reminder(
        request,
        REMINDER_TYPES.index(body.type),
        body.owner.id,
        recurrence.get("reminder_days"),
        content=body.content,
        due_date=body.due_date,
        reset_type=recurrence.get("reset_type"),
        **{SUBJECTS[body.entity.type]: {"id": body.entity.id}},
    )
    return versioned(request, _reminder_v2(reminder), 201)


@post("/v2/reminders/{reminder_id:str}", status_code=200)
async def update_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Change a reminder, but not its type."""
    body = await decode_body(request, ReminderChanges)
    reminder: Reminder = find_row(workspace_of(request).reminders, reminder_id, "reminder")
    changes = given_properties(body)
    changes |= _recurrence(changes.pop("recurrence"))
    completed_at = changes.pop("completed_at", UNSET)
    if "owner" in changes:
        changes["owner"] = _owner(request, changes["owner"].id)
    reminder = msgspec.structs.replace(reminder, **changes)
    if completed_at is not UNSET:
        reminder = _completed(request, reminder, completed_at)
    _put_reminder(request, reminder)
    return no_content(request)


@delete("/v2/reminders/{reminder_id:str}", status_code=200, sync_to_thread=False)
def delete_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """Delete a reminder."""
    workspace = workspace_of(request)
    workspace.delete("reminders", find_row(workspace.reminders, reminder_id, "reminder").id)
    return no_content(request)


REMINDER_OPERATIONS = (
    list_reminders_v1,
    create_reminder_v1,
    update_reminder_v1,
    delete_reminder_v1,
    list_reminders,
    get_reminder,
    create_reminder,
    update_reminder,
    delete_reminder,
)


def _put_reminder(request: AnyRequest, reminder: Reminder) -> Reminder:
    """Add or replace a reminder, with the status that follows from its dates. Raise `AffinityError`."""
    if reminder.type == ONE_TIME:
        reminder = msgspec.structs.replace(reminder, reset_type=None, reminder_days=None)
    elif reminder.reset_type is None or reminder.reminder_days is None:
        raise refused(request, "A recurring reminder needs a period and what resets it.", "recurrence")
    try:
        due = parse_time(reminder.due_date)
        parse_time(reminder.completed_at or reminder.due_date)
    except ValueError:
        raise refused(request, "Dates of reminders are times with an offset.", "dueDate") from None
    status = OVERDUE if due < datetime.now(UTC) else ACTIVE
    reminder = msgspec.structs.replace(reminder, status=COMPLETED if reminder.completed_at else status)
    workspace_of(request).put("reminders", reminder)
    return reminder


def _new_reminder(request: AnyRequest, type_code: int, owner_id: int, days: int | None, **given: Any) -> Reminder:
    """Create a reminder. Raise `AffinityError` for one without a record or a due date."""
    workspace = workspace_of(request)
    due_date = given.pop("due_date")
    if due_date is None and type_code == RECURRING and days is not None:
        due_date = _in_days(days)
    if due_date is None:
        raise refused(request, "A reminder needs a date on which it is due.", "dueDate")
    reminder = Reminder(
        id=workspace.reminders.new_id(),
        type=type_code,
        created_at=now(),
        due_date=due_date,
        status=ACTIVE,
        reminder_days=days,
        creator={"id": workspace.user.id},
        owner=_owner(request, owner_id),
        **given,
    )
    if len(list(links(reminder))) != 1:
        raise refused(request, "A reminder is about one person, company or opportunity.", "entity")
    require_links(request, reminder)
    return _put_reminder(request, reminder)


def _completed(request: AnyRequest, reminder: Reminder, at: str | None) -> Reminder:
    """Return the reminder, completed at a time or, with None, not completed. A recurring one gets a new due date
    instead.
    """
    if reminder.type == RECURRING and at is not None:
        return msgspec.structs.replace(reminder, due_date=_in_days(reminder.reminder_days or 0))
    completer = None if at is None else {"id": workspace_of(request).user.id}
    return msgspec.structs.replace(reminder, completed_at=at, completer=completer)


def _owner(request: AnyRequest, user_id: int) -> dict[str, Any]:
    """Return a reference to the user who is reminded. Raise `AffinityError` for an id that is no user's."""
    if user_id not in workspace_of(request).users:
        raise refused(request, f"There is no user with id {user_id}.", "owner")
    return {"id": user_id}


def _in_days(days: int) -> str:
    """Return the time that many days from now."""
    return utc_text(datetime.now(UTC) + timedelta(days=days))


def _is_requested(request: AnyRequest, reminder: Reminder) -> bool:
    query = request.query_params
    numbers = {"type": reminder.type, "reset_type": reminder.reset_type, "status": reminder.status}
    for role in ("creator", "owner", "completer"):
        numbers[f"{role}_id"] = (getattr(reminder, role) or {}).get("id")
    if any(name in query and integer_parameter(request, name) != value for name, value in numbers.items()):
        return False
    due = parse_time(reminder.due_date)
    before, after = (_time_parameter(request, name) for name in ("due_before", "due_after"))
    return (before is None or due < before) and (after is None or due > after)


def _time_parameter(request: AnyRequest, name: str) -> Any:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        raise RefusedByVersion1(f"{name} must be a date and time with an offset") from None


def _reminder_v1(workspace: Workspace, reminder: Reminder) -> dict[str, Any]:
    """Return a reminder as API v1 shows it, with its records and people."""
    return {
        **msgspec.to_builtins(reminder),
        "creator": embedded_v1(workspace, "person", reminder.creator),
        "owner": embedded_v1(workspace, "person", reminder.owner),
        "completer": embedded_v1(workspace, "person", reminder.completer),
        "person": embedded_v1(workspace, "person", reminder.person),
        "organization": embedded_v1(workspace, "company", reminder.organization),
        "opportunity": embedded_v1(workspace, "opportunity", reminder.opportunity),
    }


def _properties(reminder: Reminder) -> Properties:
    people = ("creator", "owner", "completer", "person", "opportunity")
    return {
        "id": reminder.id,
        "type": REMINDER_TYPES[reminder.type],
        "status": REMINDER_STATUSES[reminder.status],
        "dueDate": parse_time(reminder.due_date),
        "createdAt": parse_time(reminder.created_at),
        "completedAt": None if reminder.completed_at is None else parse_time(reminder.completed_at),
        "company.id": (reminder.organization or {}).get("id"),
        **{f"{name}.id": (getattr(reminder, name) or {}).get("id") for name in people},
    }


def _reminder_v2(reminder: Reminder) -> dict[str, Any]:
    """Return a reminder as API v2 shows it."""
    recurrence = None
    if reminder.type == 1:
        trigger = RESET_TRIGGERS[reminder.reset_type or 0]
        recurrence = {"periodDays": reminder.reminder_days, "resetTrigger": trigger}
    return {
        "id": reminder.id,
        "type": REMINDER_TYPES[reminder.type],
        "status": REMINDER_STATUSES[reminder.status],
        "content": reminder.content,
        "dueDate": in_utc(reminder.due_date),
        "recurrence": recurrence,
        "creator": _reference(reminder.creator),
        "owner": _reference(reminder.owner),
        "completer": _reference(reminder.completer),
        "person": _reference(reminder.person),
        "company": _reference(reminder.organization),
        "opportunity": _reference(reminder.opportunity),
        "createdAt": in_utc(reminder.created_at),
        "updatedAt": None,
        "completedAt": None if reminder.completed_at is None else in_utc(reminder.completed_at),
    }


def _reference(data: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if data is None else {"id": data["id"]}


def _recurrence(recurrence: Recurrence) -> dict[str, Any]:
    """Return the columns in which a recurrence is stored."""
    columns: dict[str, Any] = {}
    if recurrence.period_days is not UNSET:
        columns["reminder_days"] = recurrence.period_days
    if recurrence.reset_trigger is not UNSET:
        columns["reset_type"] = RESET_TRIGGERS.index(recurrence.reset_trigger)
    return columns
