"""The entries of lists, in both versions."""

from typing import Any

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.fields import ENTRY_FIELD_TYPES, entry_fields, wanted_fields
from freight_sandbox.affinity.paging import COUNTABLE, PAGE_PARAMETERS, Paging, cursor_page, offset_page
from freight_sandbox.affinity.record_fields import entry_values
from freight_sandbox.affinity.records import as_record, entry_head, refuse_criteria
from freight_sandbox.affinity.requests import (
    SUCCESS,
    AnyRequest,
    decode_body,
    find_entry,
    find_list,
    find_row,
    not_found,
    refused,
    require_links,
    version_of,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import FieldDefinition, ListEntry, Opportunity, WorkspaceList, now
from freight_sandbox.affinity.shapes import entry_v1, opportunity_data, record_v1
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

ENTRIES = Paging(empty_is_null=True)


class NewEntry(msgspec.Struct, frozen=True):
    """A record to be added to a list."""

    entity_id: int
    creator_id: int | None = None


@get("/lists/{list_id:str}/list-entries", sync_to_thread=False)
def list_entries_v1(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """List the entries of a list: all of them, or one page if one is requested."""
    workspace = workspace_of(request)
    ids = workspace.entries_in(find_list(workspace, list_id).id)

    def render(entry_id: int) -> dict[str, Any]:
        entry = workspace.list_entries.row(entry_id)
        return {**entry_v1(entry), "entity": record_v1(workspace.record_of(entry))}

    if PAGE_PARAMETERS.isdisjoint(request.query_params):
        return answer([render(entry_id) for entry_id in ids])
    return offset_page(request, "list_entries", ids, render)


@post("/lists/{list_id:str}/list-entries", status_code=200)
async def create_entry_v1(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """Add a person or a company to a list, even if it is already on it. Opportunities are created with their entry."""
    body = await decode_body(request, NewEntry)
    workspace = workspace_of(request)
    row: WorkspaceList = find_list(workspace, list_id)
    if row.type == "opportunity":
        raise refused(request, "An opportunity is made on its list and cannot be put on another.", "entity_id")
    entry_id, creator_id = workspace.list_entries.new_id(), body.creator_id or workspace.user.id
    entry = ListEntry(entry_id, row.id, row.type, now(), creator_id, body.entity_id, list)
    require_links(request, entry)
    workspace.put("list_entries", entry)
    return answer({**entry_v1(entry), "entity": record_v1(workspace.record_of(entry))})


@delete("/lists/{list_id:str}/list-entries/{entry_id:str}", status_code=200, sync_to_thread=False)
def delete_entry_v1(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Remove a record from a list. Affinity documents that an opportunity is deleted with its entry."""
    workspace = workspace_of(request)
    row = find_list(workspace, list_id)
    entry = find_row(workspace.list_entries, entry_id, "listEntry")
    if entry.list_id != row.id:
        raise not_found(entry_id, "listEntry")
    workspace.delete("list_entries", entry.id)
    return answer(SUCCESS)


@get("/v2/lists/{list_id:str}/list-entries", sync_to_thread=False)
def list_entries(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """List the entries of a list; a page without entries has `null` for data."""
    return _entries_page(request, list_id, ENTRIES, 200)


@post("/v2/lists/{list_id:str}/list-entries/search", status_code=201)
async def search_entries(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """Search the entries of a list, with their number on request."""
    await refuse_criteria(request)
    return _entries_page(request, list_id, COUNTABLE, 201)


@get("/v2/lists/{list_id:str}/list-entries/{entry_id:str}", sync_to_thread=False)
def get_entry(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Get a list entry."""
    workspace = workspace_of(request)
    row = find_list(workspace, list_id)
    fields = wanted_fields(request, entry_fields(workspace, row.type, row.id), ENTRY_FIELD_TYPES)
    entry = find_entry(workspace, row, entry_id)
    return versioned(request, with_entity(workspace, entry, fields, version_of(request)))


ENTRY_OPERATIONS = (
    list_entries_v1,
    create_entry_v1,
    delete_entry_v1,
    list_entries,
    search_entries,
    get_entry,
)


def with_entity(
    workspace: Workspace, entry: ListEntry, fields: list[FieldDefinition] | None, version: str
) -> dict[str, Any]:
    """Return the entry with its record, which contains the values of all requested fields, also those of the list."""
    record = workspace.record_of(entry)
    if isinstance(record, Opportunity):
        entity = opportunity_data(workspace, version, record)
    else:
        entity = msgspec.to_builtins(msgspec.structs.replace(as_record(record), fields=msgspec.UNSET))
    if fields is not None:
        entity["fields"] = entry_values(workspace, entry, record, fields, version)
    return {**entry_head(entry), "type": entry.type, "entity": entity}


def _entries_page(request: AnyRequest, list_id: str, paging: Paging, status: int) -> ASGIResponse:
    workspace, version = workspace_of(request), version_of(request)
    row = find_list(workspace, list_id)
    fields = wanted_fields(request, entry_fields(workspace, row.type, row.id), ENTRY_FIELD_TYPES)

    def render(entry_id: int) -> dict[str, Any]:
        return with_entity(workspace, workspace.list_entries.row(entry_id), fields, version)

    return cursor_page(request, workspace.entries_in(row.id), render, paging, status)
