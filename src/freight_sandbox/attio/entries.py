"""The entries of lists."""

from functools import partial
from typing import Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.attio.access import READ_ENTRIES, WRITE_ENTRIES
from freight_sandbox.attio.changes import delete_entry
from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.lists import LIST
from freight_sandbox.attio.query import query_answer
from freight_sandbox.attio.requests import AnyRequest, read_data, workspace_of
from freight_sandbox.attio.schema import AttioList
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.attio.writing import (
    PARENT_FIXED,
    Multiselect,
    create_entry,
    render_entry,
    update_record,
    upsert_entry,
)
from freight_sandbox.control import answer

ENTRIES = LIST + "/entries"
ENTRY = ENTRIES + "/{entry_id:str}"


class NewEntry(msgspec.Struct, forbid_unknown_fields=True):
    """A list entry to be written, identified by its parent record."""

    parent_record_id: str
    parent_object: str
    entry_values: dict[str, Any]


class EntryChange(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a list entry; another parent is refused."""

    entry_values: dict[str, Any]
    parent_record_id: str | UnsetType = UNSET
    parent_object: str | UnsetType = UNSET


@post(ENTRIES, status_code=200, opt=WRITE_ENTRIES)
async def add_entry(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Add a record to a list, even if it is already on it."""
    workspace = workspace_of(request)
    table = workspace.list_table(list_name)
    new = await read_data(request, NewEntry)
    parent_id = _require_parent(workspace, table.definition, new)
    return _entry_answer(workspace, table, create_entry(workspace, table, parent_id, new.entry_values))


@put(ENTRIES, opt=WRITE_ENTRIES)
async def upsert_by_parent(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Update the only entry for a record, or create one."""
    workspace = workspace_of(request)
    table = workspace.list_table(list_name)
    new = await read_data(request, NewEntry)
    parent_id = _require_parent(workspace, table.definition, new)
    return _entry_answer(workspace, table, upsert_entry(workspace, table, parent_id, new.entry_values))


@post(ENTRIES + "/query", status_code=200, opt=READ_ENTRIES)
async def query_entries(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Query entries."""
    workspace = workspace_of(request)
    table = workspace.list_table(list_name)
    return await query_answer(request, table, partial(render_entry, workspace, table))


@get(ENTRY, opt=READ_ENTRIES, sync_to_thread=False)
def get_entry(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Get an entry."""
    workspace = workspace_of(request)
    return _entry_answer(workspace, *workspace.entry(list_name, entry_id))


@patch(ENTRY, opt=WRITE_ENTRIES)
async def append_entry_values(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Update an entry, adding to multiselect values."""
    return await _update(request, list_name, entry_id, "prepend")


@put(ENTRY, opt=WRITE_ENTRIES)
async def replace_entry_values(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Update an entry, replacing multiselect values."""
    return await _update(request, list_name, entry_id, "replace")


@delete(ENTRY, status_code=200, opt=WRITE_ENTRIES, sync_to_thread=False)
def remove_entry(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Delete an entry; its record remains."""
    workspace = workspace_of(request)
    delete_entry(workspace, *workspace.entry(list_name, entry_id))
    return answer({})


ENTRY_OPERATIONS = (
    add_entry,
    upsert_by_parent,
    query_entries,
    get_entry,
    append_entry_values,
    replace_entry_values,
    remove_entry,
)


async def _update(request: AnyRequest, list_name: str, entry_id: str, multiselect: Multiselect) -> ASGIResponse:
    workspace = workspace_of(request)
    change = await read_data(request, EntryChange)
    table, entry = workspace.entry(list_name, entry_id)
    if change.parent_record_id not in (msgspec.UNSET, entry.parent_record_id):
        raise refused(PARENT_FIXED, "immutable_value")
    return _entry_answer(workspace, table, update_record(workspace, table, entry, change.entry_values, multiselect))


def _require_parent(workspace: Workspace, definition: AttioList, new: NewEntry) -> str:
    parents = workspace.find_table(new.parent_object)
    if parents is not None and parents.definition.slug != definition.parent_object:
        raise refused(f'Records of the object "{parents.definition.slug}" cannot be added to this list.')
    if parents is None or new.parent_record_id not in parents.records:
        raise refused(f'Parent record with slug/ID "{new.parent_record_id}" not found.', "value_not_found")
    return new.parent_record_id


def _entry_answer(workspace: Workspace, table: Table[AttioList], entry: Record) -> ASGIResponse:
    return answer({"data": render_entry(workspace, table, entry)})
