"""Reminders that clients write, in either version."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from freight_sandbox.affinity.given import refused, require_links
from freight_sandbox.affinity.links import links
from freight_sandbox.affinity.requests import AnyRequest, workspace_of
from freight_sandbox.affinity.rows import Reminder
from freight_sandbox.affinity.times import moment, now, utc_text

ONE_TIME, RECURRING = 0, 1
COMPLETED, ACTIVE, OVERDUE = 0, 1, 2


def put_reminder(request: AnyRequest, reminder: Reminder) -> Reminder:
    """Add a reminder, or replace it, with the status that follows from its dates. Raises `AffinityError`."""
    if reminder.type == ONE_TIME:
        reminder = msgspec.structs.replace(reminder, reset_type=None, reminder_days=None)
    elif reminder.reset_type is None or reminder.reminder_days is None:
        raise refused(request, "A recurring reminder needs a period and what resets it.", "recurrence")
    try:
        due = moment(reminder.due_date)
        moment(reminder.completed_at or reminder.due_date)
    except ValueError:
        raise refused(request, "Dates of reminders are times with an offset.", "dueDate") from None
    status = OVERDUE if due < datetime.now(UTC) else ACTIVE
    reminder = msgspec.structs.replace(reminder, status=COMPLETED if reminder.completed_at else status)
    workspace_of(request).put("reminders", reminder)
    return reminder


def new_reminder(request: AnyRequest, type_code: int, owner_id: int, days: int | None, **given: Any) -> Reminder:
    """A reminder as a client wants it made. Raises `AffinityError` for one about nothing or without a date."""
    workspace = workspace_of(request)
    due_date = given.pop("due_date")
    if due_date is None and type_code == RECURRING and days is not None:
        due_date = in_days(days)
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
        owner=owner(request, owner_id),
        **given,
    )
    if len(list(links(reminder))) != 1:
        raise refused(request, "A reminder is about one person, company or opportunity.", "entity")
    require_links(request, reminder)
    return put_reminder(request, reminder)


def completed(request: AnyRequest, reminder: Reminder, at: str | None) -> Reminder:
    """The reminder, done at a time or, with None, not done. A recurring one is due again instead."""
    if reminder.type == RECURRING and at is not None:
        return msgspec.structs.replace(reminder, due_date=in_days(reminder.reminder_days or 0))
    completer = None if at is None else {"id": workspace_of(request).user.id}
    return msgspec.structs.replace(reminder, completed_at=at, completer=completer)


def owner(request: AnyRequest, user_id: int) -> dict[str, Any]:
    """A user as the one who shall be reminded. Raises `AffinityError` for somebody else."""
    if user_id not in workspace_of(request).users:
        raise refused(request, f"There is no user with id {user_id}.", "owner")
    return {"id": user_id}


def in_days(days: int) -> str:
    """That many days from now."""
    return utc_text(datetime.now(UTC) + timedelta(days=days))
