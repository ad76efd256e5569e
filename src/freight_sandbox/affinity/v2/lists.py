"""API v2: lists and their rows."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.requests import AnyRequest, absent, found, found_list, workspace_of
from freight_sandbox.affinity.rows import FieldDefinition, ListEntry, Opportunity, WorkspaceList
from freight_sandbox.affinity.v2.account import KEY_CREATED_AT
from freight_sandbox.affinity.v2.fields import ENTRY_TYPES, entry_fields, entry_values, wanted_fields
from freight_sandbox.affinity.v2.paging import COUNTABLE, Paging, page_answer
from freight_sandbox.affinity.v2.people import opportunity_data
from freight_sandbox.affinity.v2.records import as_record, entry_head, refuse_criteria
from freight_sandbox.affinity.v2.versions import RESTRICTIONS, known_fields, version_of, versioned
from freight_sandbox.affinity.workspace import Workspace

ENTRIES = Paging(empty_is_null=True)
FEW = Paging(limit=20)


@get("/v2/lists", sync_to_thread=False)
def list_lists(request: AnyRequest) -> ASGIResponse:
    """A page of the lists that the key may see."""
    workspace, version = workspace_of(request), version_of(request)
    return page_answer(request, workspace.lists.ids, lambda row_id: list_shape(version, workspace.lists.row(row_id)))


@get("/v2/lists/{list_id:str}", sync_to_thread=False)
def get_list(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """One list."""
    return versioned(request, list_shape(version_of(request), found_list(workspace_of(request), list_id)))


@get("/v2/lists/{list_id:str}/saved-views", sync_to_thread=False)
def list_views(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """A page of the views of a list: everything as a sheet and, of opportunities, as a board too."""
    views = {view["id"]: view for view in _views(found_list(workspace_of(request), list_id))}
    return page_answer(request, list(views), views.__getitem__)


@get("/v2/lists/{list_id:str}/saved-views/{view_id:str}", sync_to_thread=False)
def get_view(request: AnyRequest, list_id: FromPath[str], view_id: FromPath[str]) -> ASGIResponse:
    """One view of a list."""
    return versioned(request, _view(found_list(workspace_of(request), list_id), view_id))


@get("/v2/lists/{list_id:str}/saved-views/{view_id:str}/list-entries", sync_to_thread=False)
def list_view_entries(request: AnyRequest, list_id: FromPath[str], view_id: FromPath[str]) -> ASGIResponse:
    """A page of the rows of a view, which must be a sheet, with the fields that are its columns: all of the list's."""
    workspace, version = workspace_of(request), version_of(request)
    row = found_list(workspace, list_id)
    if _view(row, view_id)["type"] != "sheet":
        raise AffinityError("bad-request", "Only the list entries of sheet-type saved views can be read.")
    definitions = known_fields(version, entry_fields(workspace, row.type, row.id))
    columns = [field for field in definitions if field.type == "list"]

    def render(entry_id: int) -> dict[str, Any]:
        return _with_entity(workspace, workspace.list_entries.row(entry_id), columns, version)

    return page_answer(request, workspace.entries_in(row.id), render, ENTRIES)


@get("/v2/lists/{list_id:str}/list-entries", sync_to_thread=False)
def list_entries(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """A page of the rows of a list; one without rows has `null` for data."""
    return _entries_page(request, list_id, ENTRIES, 200)


@post("/v2/lists/{list_id:str}/list-entries/search", status_code=201)
async def search_entries(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """A page of all rows of a list, with their number on request."""
    await refuse_criteria(request)
    return _entries_page(request, list_id, COUNTABLE, 201)


@get("/v2/lists/{list_id:str}/list-entries/{entry_id:str}", sync_to_thread=False)
def get_entry(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """One row of a list."""
    workspace = workspace_of(request)
    row = found_list(workspace, list_id)
    fields = wanted_fields(request, entry_fields(workspace, row.type, row.id), ENTRY_TYPES)
    entry = entry_on(workspace, row, entry_id)
    return versioned(request, _with_entity(workspace, entry, fields, version_of(request)))


@get("/v2/lists/{list_id:str}/list-entries/{entry_id:str}/fields", sync_to_thread=False)
def list_entry_fields(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """A page of the values of one row, of all fields or of some."""
    workspace, version = workspace_of(request), version_of(request)
    row = found_list(workspace, list_id)
    definitions = entry_fields(workspace, row.type, row.id)
    fields = wanted_fields(request, definitions, ENTRY_TYPES, ("ids", "types"))
    entry = entry_on(workspace, row, entry_id)
    record = workspace.record_of(entry)
    shown = known_fields(version, definitions) if fields is None else fields
    values = entry_values(workspace, entry, record, shown, version)
    return page_answer(request, range(len(values)), values.__getitem__, FEW)


def _entries_page(request: AnyRequest, list_id: str, paging: Paging, status: int) -> ASGIResponse:
    workspace, version = workspace_of(request), version_of(request)
    row = found_list(workspace, list_id)
    fields = wanted_fields(request, entry_fields(workspace, row.type, row.id), ENTRY_TYPES)

    def render(entry_id: int) -> dict[str, Any]:
        return _with_entity(workspace, workspace.list_entries.row(entry_id), fields, version)

    return page_answer(request, workspace.entries_in(row.id), render, paging, status)


def entry_on(workspace: Workspace, row: WorkspaceList, entry_id: str) -> ListEntry:
    """The entry with that id. Raises `AffinityError` if the list has none."""
    entry: ListEntry = found(workspace.list_entries, entry_id, "listEntry")
    if entry.list_id != row.id:
        raise absent(entry_id, "listEntry")
    return entry


def _with_entity(
    workspace: Workspace, entry: ListEntry, fields: list[FieldDefinition] | None, version: str
) -> dict[str, Any]:
    """The row with what stands on it; the fields, also those of the list itself, are within the latter."""
    record = workspace.record_of(entry)
    if isinstance(record, Opportunity):
        entity = opportunity_data(workspace, version, record)
    else:
        entity = msgspec.to_builtins(msgspec.structs.replace(as_record(record), fields=msgspec.UNSET))
    if fields is not None:
        entity["fields"] = entry_values(workspace, entry, record, fields, version)
    return {**entry_head(entry), "type": entry.type, "entity": entity}


def list_shape(version: str, row: WorkspaceList) -> dict[str, Any]:
    """A list."""
    content = {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "creatorId": row.creator_id,
        "ownerId": row.owner_id,
        "isPublic": row.is_public,
    }
    if version >= RESTRICTIONS:
        # Public clients found it there, undocumented and wrong; API v1 has the true one.
        content |= {"createdAt": row.created_at or KEY_CREATED_AT, "listSize": 0}
    return content


def _view(row: WorkspaceList, view_id: str) -> dict[str, Any]:
    """The view with that id. Raises `AffinityError` if the list has none."""
    views = {str(view["id"]): view for view in _views(row)}
    if view_id not in views:
        raise absent(view_id, "view")
    return views[view_id]


def _views(row: WorkspaceList) -> list[dict[str, Any]]:
    created_at = row.created_at or KEY_CREATED_AT
    views = [{"id": row.id * 10 + 1, "name": "All rows", "type": "sheet", "createdAt": created_at}]
    if row.type == "opportunity":
        views.append({"id": row.id * 10 + 2, "name": "By status", "type": "board", "createdAt": created_at})
    return views
