"""Attio's operations on lists and their entries."""

from functools import partial
from typing import Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.bodies import Data, EntryChange, ListChange, NewEntry, NewList, decode
from freight_sandbox.attio.errors import AttioError, not_found, refused
from freight_sandbox.attio.query_api import query_answer
from freight_sandbox.attio.records import (
    PARENT_FIXED,
    Multiselect,
    create_entry,
    render_entry,
    update_record,
    upsert_entry,
)
from freight_sandbox.attio.removal import delete_entry
from freight_sandbox.attio.requests import AnyRequest, workspace_of
from freight_sandbox.attio.schema import AccessLevel, AttioList, MemberAccess
from freight_sandbox.attio.scopes import READ_ENTRIES, READ_LISTS, WRITE_ENTRIES, WRITE_LISTS
from freight_sandbox.attio.standard import list_attributes
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

LIST = "/v2/lists/{list_name:str}"
ENTRIES = LIST + "/entries"
ENTRY = ENTRIES + "/{entry_id:str}"


@get("/v2/lists", opt=READ_LISTS, sync_to_thread=False)
def list_lists(request: AnyRequest) -> ASGIResponse:
    """All lists."""
    workspace = workspace_of(request)
    return answer({"data": [_render_list(workspace, table.definition) for table in workspace.lists.values()]})


@get(LIST, opt=READ_LISTS, sync_to_thread=False)
def get_list(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """One list."""
    workspace = workspace_of(request)
    return answer({"data": _render_list(workspace, workspace.list_table(list_name).definition)})


@post("/v2/lists", status_code=200, opt=WRITE_LISTS)
async def create_list(request: AnyRequest) -> ASGIResponse:
    """Make a list."""
    workspace = workspace_of(request)
    new = decode(await request.body(), Data[NewList]).data
    parent = workspace.table(new.parent_object).definition.slug
    _require_access(workspace, new.workspace_access, new.workspace_member_access)
    _require_free_slug(workspace, new.api_slug)
    definition = AttioList(
        new.api_slug,
        new.name,
        parent,
        list_attributes(parent),
        new.workspace_access,
        new.workspace_member_access,
        workspace.actor,
    )
    workspace.lists[definition.id] = Table(definition)
    workspace.announce("list.created", {"list_id": definition.id})
    return answer({"data": _render_list(workspace, definition)})


@patch(LIST, opt=WRITE_LISTS)
async def change_list(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Rename a list, or change who may do what with it."""
    workspace = workspace_of(request)
    definition = workspace.list_table(list_name).definition
    change = decode(await request.body(), Data[ListChange]).data
    access, members = definition.workspace_access, definition.member_access
    access = access if change.workspace_access is msgspec.UNSET else change.workspace_access
    members = members if change.workspace_member_access is msgspec.UNSET else change.workspace_member_access
    _require_access(workspace, access, members)
    if change.api_slug is not msgspec.UNSET and change.api_slug != definition.slug:
        _require_free_slug(workspace, change.api_slug)
        definition.slug = change.api_slug
    if change.name is not msgspec.UNSET:
        definition.name = change.name
    definition.workspace_access, definition.member_access = access, members
    workspace.announce("list.updated", {"list_id": definition.id})
    return answer({"data": _render_list(workspace, definition)})


@post(ENTRIES, status_code=200, opt=WRITE_ENTRIES)
async def add_entry(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Put a record into a list, also when it is there already."""
    workspace = workspace_of(request)
    table = workspace.list_table(list_name)
    new = decode(await request.body(), Data[NewEntry]).data
    parent_id = _require_parent(workspace, table.definition, new)
    return _entry_answer(workspace, table, create_entry(workspace, table, parent_id, new.entry_values))


@put(ENTRIES, opt=WRITE_ENTRIES)
async def upsert_by_parent(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Update the only entry for a record, or make one."""
    workspace = workspace_of(request)
    table = workspace.list_table(list_name)
    new = decode(await request.body(), Data[NewEntry]).data
    parent_id = _require_parent(workspace, table.definition, new)
    return _entry_answer(workspace, table, upsert_entry(workspace, table, parent_id, new.entry_values))


@post(ENTRIES + "/query", status_code=200, opt=READ_ENTRIES)
async def query_entries(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Find entries."""
    workspace = workspace_of(request)
    table = workspace.list_table(list_name)
    return await query_answer(request, table, partial(render_entry, workspace, table))


@get(ENTRY, opt=READ_ENTRIES, sync_to_thread=False)
def get_entry(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """One entry."""
    table = workspace_of(request).list_table(list_name)
    return _entry_answer(workspace_of(request), table, find_entry(table, entry_id))


@patch(ENTRY, opt=WRITE_ENTRIES)
async def append_entry_values(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Update an entry; multiselect values are added to."""
    return await _update(request, list_name, entry_id, "prepend")


@put(ENTRY, opt=WRITE_ENTRIES)
async def replace_entry_values(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Update an entry; multiselect values are replaced."""
    return await _update(request, list_name, entry_id, "replace")


@delete(ENTRY, status_code=200, opt=WRITE_ENTRIES, sync_to_thread=False)
def remove_entry(request: AnyRequest, list_name: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Delete an entry; its record stays."""
    table = workspace_of(request).list_table(list_name)
    delete_entry(workspace_of(request), table, find_entry(table, entry_id))
    return answer({})


LIST_OPERATIONS = (
    list_lists, get_list, create_list, change_list, add_entry, upsert_by_parent, query_entries, get_entry,
    append_entry_values, replace_entry_values, remove_entry,
)  # fmt: skip


def find_entry(table: Table[AttioList], entry_id: str) -> Record:
    """The entry with this id. Raises 404."""
    found = table.records.get(entry_id)
    if found is None:
        raise not_found("Entry", entry_id, by="ID")
    return found


async def _update(request: AnyRequest, list_name: str, entry_id: str, multiselect: Multiselect) -> ASGIResponse:
    workspace = workspace_of(request)
    change = decode(await request.body(), Data[EntryChange]).data
    table = workspace.list_table(list_name)
    entry = find_entry(table, entry_id)
    if change.parent_record_id not in (msgspec.UNSET, entry.parent_record_id):
        raise refused(PARENT_FIXED, "immutable_value")
    return _entry_answer(workspace, table, update_record(workspace, table, entry, change.entry_values, multiselect))


def _require_access(workspace: Workspace, access: AccessLevel | None, members: list[MemberAccess]) -> None:
    known = {member.id["workspace_member_id"] for member in workspace.members}
    for member in members:
        if member.workspace_member_id not in known:
            raise refused(f'Workspace member with ID "{member.workspace_member_id}" not found.', "value_not_found")
    if "full-access" not in {access, *(member.level for member in members)}:
        raise refused("Somebody has to have full access to a list: the workspace or at least one of its members.")


def _require_free_slug(workspace: Workspace, slug: str) -> None:
    if any(table.definition.slug == slug for table in workspace.lists.values()):
        raise AttioError(409, "slug_conflict", f'There is already another list with the API slug "{slug}".')


def _require_parent(workspace: Workspace, definition: AttioList, new: NewEntry) -> str:
    parents = workspace.find_table(new.parent_object)
    if parents is not None and parents.definition.slug != definition.parent_object:
        raise refused(f'Records of the object "{parents.definition.slug}" cannot be added to this list.')
    if parents is None or new.parent_record_id not in parents.records:
        raise refused(f'Parent record with slug/ID "{new.parent_record_id}" not found.', "value_not_found")
    return new.parent_record_id


def _entry_answer(workspace: Workspace, table: Table[AttioList], entry: Record) -> ASGIResponse:
    return answer({"data": render_entry(workspace, table, entry)})


def _render_list(workspace: Workspace, definition: AttioList) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "list_id": definition.id},
        "api_slug": definition.slug,
        "name": definition.name,
        "parent_object": [definition.parent_object],
        "workspace_access": definition.workspace_access,
        "workspace_member_access": definition.member_access,
        "created_by_actor": definition.created_by,
        "created_at": definition.created_at,
    }
