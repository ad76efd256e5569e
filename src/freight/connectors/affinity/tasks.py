"""Affinity's reminders, from version 1, as tasks."""

from typing import Any

from freight.connectors.affinity.client import AffinityClient
from freight.connectors.affinity.fields import full_name, id_of, moment_of, text_of
from freight.connectors.affinity.offset_pagination import REMINDERS, read_rows
from freight.connectors.affinity.row_parser import RowParser, row_without_id
from freight.connectors.answers import Json
from freight.connectors.protocols import Page, Row
from freight.model.crm import Task
from freight.model.fields import PersonRef

RECURRING = 1
COMPLETED = 0
RESET_BY = {0: "interaction", 1: "e-mail", 2: "meeting"}
"""The event that resets a recurring reminder, by `reset_type`."""


async def read_tasks(client: AffinityClient, cursor: str | None, *, counted: int | None) -> Page:
    """Return a page of up to 500 reminders; `counted` is the number that Affinity counted before."""
    page = await read_rows(client, REMINDERS, cursor, counted=counted)
    rows = tuple(task_row(row) for row in page.rows)
    return Page(rows=rows, next_cursor=page.cursor, incomplete=page.incomplete)


def task_row(row: Json) -> Row:
    """Return a reminder of Affinity as a record."""
    id_ = id_of(row)
    if id_ is None:
        return row_without_id(row)
    parser = RowParser(row)
    task = Task(
        id=id_,
        content=parser.text("content"),
        due_at=parser.value("due_date", moment_of),
        created_at=parser.value("created_at", moment_of),
        completed_at=parser.value("completed_at", moment_of),
        completed=row.get("status") == COMPLETED,
        recurrence=_recurrence(row),
        owner=parser.value("owner", _person_ref),
        creator=parser.value("creator", _person_ref),
        person_id=parser.value("person", id_of),
        company_id=parser.value("organization", id_of),
        deal_id=parser.value("opportunity", id_of),
    )
    return Row(id=id_, record=task, issues=tuple(parser.issues))


def _recurrence(row: dict[str, Any]) -> str | None:
    """Return the recurrence of a reminder, in words."""
    if row.get("type") != RECURRING:
        return None
    match row.get("reminder_days"), row.get("reset_type"):
        case int() as days, int() as reset if reset in RESET_BY:
            return f"{_days(days)} after the last {RESET_BY[reset]}"
        case int() as days, _:
            return f"every {_days(days)}"
        case _:
            return "repeatedly"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _person_ref(item: object) -> PersonRef | None:
    """Return an internal user as version 1 names one: `{"id", "first_name", "last_name", "primary_email"}`."""
    id_ = id_of(item)
    if id_ is None or not isinstance(item, dict):
        return None
    return PersonRef(
        id=id_,
        name=full_name(item.get("first_name"), item.get("last_name")),
        email=text_of(item.get("primary_email")),
        internal=True,
    )
