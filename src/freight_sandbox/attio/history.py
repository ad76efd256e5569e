"""The values of one attribute with their history, which can be written too."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import get, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import Meta

from freight_sandbox.attio.access import READ_ENTRIES, READ_RECORDS, WRITE_ENTRIES, WRITE_RECORDS
from freight_sandbox.attio.entries import ENTRY
from freight_sandbox.attio.errors import Path, invalid, refused
from freight_sandbox.attio.moments import format_moment, moment_of
from freight_sandbox.attio.parsing import parse_value
from freight_sandbox.attio.records import RECORD
from freight_sandbox.attio.requests import AnyRequest, RequestValue, flag, page, read_data, workspace_of
from freight_sandbox.attio.schema import Attribute, Definition
from freight_sandbox.attio.standard import DISABLED_OBJECTS
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.values import Value
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.attio.writing import require_unique, require_writable
from freight_sandbox.control import answer

VALUES = "/attributes/{attribute_name:str}/values"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class PastValue(msgspec.Struct):
    """A value and the period in which it was in force; no end means that it still is."""

    value: Any
    active_from: str
    active_until: str | None


class NewHistory(msgspec.Struct, forbid_unknown_fields=True):
    """All values that an attribute ever had; others are deleted."""

    replace_history: bool
    values: Annotated[list[PastValue], Meta(min_length=1, max_length=400)]


@get(RECORD + VALUES, opt=READ_RECORDS, sync_to_thread=False)
def list_record_values(
    request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str], attribute_name: FromPath[str]
) -> ASGIResponse:
    """List the values of a record's attribute."""
    table, record = workspace_of(request).record(object_name, record_id)
    return _values_answer(request, table, record, table.definition.attribute(attribute_name))


@put(RECORD + VALUES, opt=WRITE_RECORDS)
async def write_record_values(
    request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str], attribute_name: FromPath[str]
) -> ASGIResponse:
    """Replace the values of a record's attribute, including past ones."""
    workspace = workspace_of(request)
    new = await read_data(request, NewHistory)
    if workspace.find_table(object_name) is None and object_name in DISABLED_OBJECTS:
        raise refused(f'The object "{object_name}" is disabled.', "standard_object_disabled")
    table, record = workspace.record(object_name, record_id)
    return _write(workspace, table, record, table.definition.attribute(attribute_name), new)


@get(ENTRY + VALUES, opt=READ_ENTRIES, sync_to_thread=False)
def list_entry_values(
    request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str], attribute_name: FromPath[str]
) -> ASGIResponse:
    """List the values of an entry's attribute."""
    table, entry = workspace_of(request).entry(list_name, entry_id)
    return _values_answer(request, table, entry, table.definition.attribute(attribute_name))


@put(ENTRY + VALUES, opt=WRITE_ENTRIES)
async def write_entry_values(
    request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str], attribute_name: FromPath[str]
) -> ASGIResponse:
    """Replace the values of an entry's attribute, including past ones."""
    workspace = workspace_of(request)
    new = await read_data(request, NewHistory)
    table, entry = workspace.entry(list_name, entry_id)
    return _write(workspace, table, entry, table.definition.attribute(attribute_name), new)


HISTORY_OPERATIONS = (list_record_values, write_record_values, list_entry_values, write_entry_values)


def _values_answer(request: AnyRequest, table: Table[Definition], record: Record, attribute: Attribute) -> ASGIResponse:
    historic = flag(request, "show_historic")
    if historic and attribute.type == "interaction":
        raise refused("Attributes of interactions have no history that could be shown.")
    values = table.values(record, attribute)
    if historic:
        values = sorted([*table.past(record, attribute), *values], key=lambda value: value.active_from)
    return answer({"data": page(request, values, default=None, maximum=None)})


def _write(
    workspace: Workspace, table: Table[Definition], record: Record, attribute: Attribute, new: NewHistory
) -> ASGIResponse:
    if new.replace_history is not True:
        raise invalid(("data", "replace_history"), "Must be true.")
    require_writable(attribute)
    if attribute.inverse is not None:
        raise refused("The history of a relationship cannot be written.")
    values = [_value(workspace, attribute, past, place) for place, past in enumerate(new.values)]
    values.sort(key=lambda value: value.active_from)
    _require_apart(attribute, values)
    present = [value for value in values if value.active_until is None]
    require_unique(workspace, table, record, [(attribute, present)])
    table.set(record, attribute, present)
    table.set_past(record, attribute, [value for value in values if value.active_until is not None])
    return answer({"data": values})


def _value(workspace: Workspace, attribute: Attribute, past: PastValue, place: int) -> Value:
    path: Path = ("data", "values", place)
    active_from = _moment(past.active_from, (*path, "active_from"))
    active_until = None if past.active_until is None else _moment(past.active_until, (*path, "active_until"))
    if active_until is not None and active_until <= active_from:
        raise invalid((*path, "active_until"), "Must be after active_from.")
    given = RequestValue(past.value, attribute, workspace, active_from, workspace.actor)
    return msgspec.structs.replace(parse_value(given), active_until=active_until)


def _moment(text: str, path: Path) -> str:
    if not RFC3339.fullmatch(text):
        raise invalid(path, "Must be an RFC 3339 timestamp.")
    moment = moment_of(text, path)
    if moment > datetime.now(UTC):
        raise invalid(path, "Must not be in the future.")
    return format_moment(moment)


def _require_apart(attribute: Attribute, values: Sequence[Value]) -> None:
    """Raise 400 if a single-value attribute has two values at one time, or another one the same value twice."""
    ends: dict[object, str | None] = {}
    for value in values:
        key = value.identity if attribute.is_multiselect else None
        if key in ends and ((end := ends[key]) is None or value.active_from < end):
            if attribute.is_multiselect:
                raise refused("A value is in force twice at one time.", "duplicate_values")
            raise refused(
                "An attribute with a single value has two at one time.", "multiple_values_for_single_value_attribute"
            )
        ends[key] = value.active_until
