"""API v2: files, which do not say whose they are, and reminders."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Collection
from freight_sandbox.affinity.filters import Properties, matches
from freight_sandbox.affinity.requests import AnyRequest, found, workspace_of
from freight_sandbox.affinity.rows import File, Reminder
from freight_sandbox.affinity.storage import content_type, download_url
from freight_sandbox.affinity.times import in_utc, moment
from freight_sandbox.affinity.v2.paging import COUNTABLE, page_answer
from freight_sandbox.affinity.v2.versions import versioned

REMINDER_TYPES = ("one-time", "recurring")
REMINDER_STATUSES = ("completed", "active", "overdue")
RESET_TRIGGERS = ("interaction", "email", "event")


@get("/v2/files", sync_to_thread=False)
def list_files(request: AnyRequest) -> ASGIResponse:
    """A page of files."""
    return _page(request, workspace_of(request).files, _file_properties, _file)


@get("/v2/files/{file_id:str}", sync_to_thread=False)
def get_file(request: AnyRequest, file_id: FromPath[str]) -> ASGIResponse:
    """One file, and for a minute where it can be had."""
    file = found(workspace_of(request).files, file_id, "file")
    return versioned(request, {**_file(file), "downloadUrl": download_url(request, file)})


@get("/v2/reminders", sync_to_thread=False)
def list_reminders(request: AnyRequest) -> ASGIResponse:
    """A page of reminders."""
    return _page(request, workspace_of(request).reminders, _reminder_properties, reminder_shape)


@get("/v2/reminders/{reminder_id:str}", sync_to_thread=False)
def get_reminder(request: AnyRequest, reminder_id: FromPath[str]) -> ASGIResponse:
    """One reminder."""
    return versioned(request, reminder_shape(found(workspace_of(request).reminders, reminder_id, "reminder")))


def _page(
    request: AnyRequest,
    rows: Collection[Any],
    properties: Callable[[Any], Properties],
    render: Callable[[Any], dict[str, Any]],
) -> ASGIResponse:
    ids: Sequence[int] = rows.ids
    if (condition := request.query_params.get("filter")) is not None:
        ids = [row_id for row_id in ids if matches(condition, properties(rows.row(row_id)))]
    return page_answer(request, ids, lambda row_id: render(rows.row(row_id)), COUNTABLE)


def _file_properties(file: File) -> Properties:
    return {"createdAt": moment(file.created_at), "creator.id": file.uploader_id}


def _file(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "size": file.size,
        "type": content_type(file),
        "creator": None if file.uploader_id is None else {"id": file.uploader_id},
        "createdAt": in_utc(file.created_at),
        "updatedAt": None,
    }


def _reminder_properties(reminder: Reminder) -> Properties:
    people = ("creator", "owner", "completer", "person", "opportunity")
    return {
        "id": reminder.id,
        "type": REMINDER_TYPES[reminder.type],
        "status": REMINDER_STATUSES[reminder.status],
        "dueDate": moment(reminder.due_date),
        "createdAt": moment(reminder.created_at),
        "completedAt": None if reminder.completed_at is None else moment(reminder.completed_at),
        "company.id": (reminder.organization or {}).get("id"),
        **{f"{name}.id": (getattr(reminder, name) or {}).get("id") for name in people},
    }


def reminder_shape(reminder: Reminder) -> dict[str, Any]:
    """A reminder."""
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
