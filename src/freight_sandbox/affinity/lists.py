"""Lists and their saved views, in both versions."""

from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.account import KEY_CREATED_AT
from freight_sandbox.affinity.entries import ENTRIES, with_entity
from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.fields import entry_fields, fields_v1, known_fields, known_fields_v1
from freight_sandbox.affinity.paging import cursor_page
from freight_sandbox.affinity.requests import (
    RESTRICTIONS,
    AnyRequest,
    decode_body,
    find_list,
    not_found,
    refused,
    version_of,
    versioned,
    workspace_of,
)
from freight_sandbox.affinity.rows import Entity, WorkspaceList, now
from freight_sandbox.affinity.shapes import ENTITY_BY_CODE, list_v1
from freight_sandbox.control import answer


class NewListV1(msgspec.Struct, frozen=True):
    """A list to be created, in API v1."""

    name: str
    type: int
    is_public: bool
    owner_id: int | None = None


class NewList(msgspec.Struct, frozen=True, rename="camel"):
    """A list to be created."""

    name: str
    type: Entity
    is_public: bool


@get("/lists", sync_to_thread=False)
def list_lists_v1(request: AnyRequest) -> ASGIResponse:
    """List the lists that the key has access to."""
    workspace = workspace_of(request)
    return answer([list_v1(workspace, row) for row in workspace.lists])


@get("/lists/{list_id:str}", sync_to_thread=False)
def get_list_v1(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """Get a list with its own fields."""
    workspace = workspace_of(request)
    row = find_list(workspace, list_id)
    return answer({**list_v1(workspace, row), "fields": fields_v1(known_fields_v1(workspace, row.type, row.id))})


@post("/lists", status_code=200)
async def create_list_v1(request: AnyRequest) -> ASGIResponse:
    """Create a list."""
    body = await decode_body(request, NewListV1)
    workspace = workspace_of(request)
    if body.type not in ENTITY_BY_CODE:
        raise refused(request, f"There is no type of list {body.type}.", "type")
    if body.owner_id is not None and body.owner_id not in workspace.users:
        raise refused(request, f"There is no user with id {body.owner_id}.", "owner_id")
    row = WorkspaceList(
        id=workspace.lists.new_id(),
        name=body.name,
        type=ENTITY_BY_CODE[body.type],
        creator_id=workspace.user.id,
        owner_id=body.owner_id or workspace.user.id,
        is_public=body.is_public,
        created_at=now(),
    )
    workspace.put("lists", row)
    return answer(list_v1(workspace, row))


@get("/v2/lists", sync_to_thread=False)
def list_lists(request: AnyRequest) -> ASGIResponse:
    """List the lists that the key has access to."""
    workspace, version = workspace_of(request), version_of(request)
    return cursor_page(request, workspace.lists.ids, lambda row_id: _list_v2(version, workspace.lists.row(row_id)))


@get("/v2/lists/{list_id:str}", sync_to_thread=False)
def get_list(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """Get a list."""
    return versioned(request, _list_v2(version_of(request), find_list(workspace_of(request), list_id)))


@post("/v2/lists", status_code=201)
async def create_list(request: AnyRequest) -> ASGIResponse:
    """Create a list that the key's user owns."""
    body = await decode_body(request, NewList)
    workspace, version = workspace_of(request), version_of(request)
    user_id, list_id = workspace.user.id, workspace.lists.new_id()
    row = WorkspaceList(list_id, body.name, body.type, user_id, user_id, body.is_public, now())
    workspace.put("lists", row)
    return versioned(request, _list_v2(version, row), 201)


@get("/v2/lists/{list_id:str}/saved-views", sync_to_thread=False)
def list_views(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """List the saved views of a list: a sheet of all rows and, for opportunities, a board too."""
    views = {view["id"]: view for view in _views(find_list(workspace_of(request), list_id))}
    return cursor_page(request, list(views), views.__getitem__)


@get("/v2/lists/{list_id:str}/saved-views/{view_id:str}", sync_to_thread=False)
def get_view(request: AnyRequest, list_id: FromPath[str], view_id: FromPath[str]) -> ASGIResponse:
    """Get a saved view of a list."""
    return versioned(request, _view(find_list(workspace_of(request), list_id), view_id))


@get("/v2/lists/{list_id:str}/saved-views/{view_id:str}/list-entries", sync_to_thread=False)
def list_view_entries(request: AnyRequest, list_id: FromPath[str], view_id: FromPath[str]) -> ASGIResponse:
    """List the entries of a view, which must be a sheet, with the list's own fields as its columns."""
    workspace, version = workspace_of(request), version_of(request)
    row = find_list(workspace, list_id)
    if _view(row, view_id)["type"] != "sheet":
        raise AffinityError("bad-request", "Only the list entries of sheet-type saved views can be read.")
    definitions = known_fields(version, entry_fields(workspace, row.type, row.id))
    columns = [field for field in definitions if field.type == "list"]

    def render(entry_id: int) -> dict[str, Any]:
        return with_entity(workspace, workspace.list_entries.row(entry_id), columns, version)

    return cursor_page(request, workspace.entries_in(row.id), render, ENTRIES)


LIST_OPERATIONS = (
    list_lists_v1,
    get_list_v1,
    create_list_v1,
    list_lists,
    get_list,
    create_list,
    list_views,
    get_view,
    list_view_entries,
)


def _list_v2(version: str, row: WorkspaceList) -> dict[str, Any]:
    """Return a list as API v2 shows it."""
    content = {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "creatorId": row.creator_id,
        "ownerId": row.owner_id,
        "isPublic": row.is_public,
    }
    if version >= RESTRICTIONS:
        # Public clients found these properties, undocumented and wrong; API v1 has the right ones.
        content |= {"createdAt": row.created_at or KEY_CREATED_AT, "listSize": 0}
    return content


def _view(row: WorkspaceList, view_id: str) -> dict[str, Any]:
    """Return the view with this id. Raise `AffinityError` if the list has none."""
    views = {str(view["id"]): view for view in _views(row)}
    if view_id not in views:
        raise not_found(view_id, "view")
    return views[view_id]


def _views(row: WorkspaceList) -> list[dict[str, Any]]:
    created_at = row.created_at or KEY_CREATED_AT
    views = [{"id": row.id * 10 + 1, "name": "All rows", "type": "sheet", "createdAt": created_at}]
    if row.type == "opportunity":
        views.append({"id": row.id * 10 + 2, "name": "By status", "type": "board", "createdAt": created_at})
    return views
