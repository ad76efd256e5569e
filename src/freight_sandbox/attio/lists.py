"""Lists."""

from typing import Any

import msgspec
from litestar import get, patch, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from freight_sandbox.attio.access import READ_LISTS, WRITE_LISTS
from freight_sandbox.attio.errors import AttioError, refused
from freight_sandbox.attio.requests import AnyRequest, NonEmpty, read_data, workspace_of
from freight_sandbox.attio.schema import AccessLevel, AttioList, MemberAccess
from freight_sandbox.attio.standard import list_attributes
from freight_sandbox.attio.tables import Table
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

LIST = "/v2/lists/{list_name:str}"


class NewList(msgspec.Struct, forbid_unknown_fields=True):
    """A list to be created."""

    name: NonEmpty
    api_slug: NonEmpty
    parent_object: str
    workspace_access: AccessLevel | None
    workspace_member_access: list[MemberAccess]


class ListChange(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a list."""

    name: NonEmpty | UnsetType = UNSET
    api_slug: NonEmpty | UnsetType = UNSET
    workspace_access: AccessLevel | UnsetType | None = UNSET
    workspace_member_access: list[MemberAccess] | UnsetType = UNSET


@get("/v2/lists", opt=READ_LISTS, sync_to_thread=False)
def list_lists(request: AnyRequest) -> ASGIResponse:
    """List all lists."""
    workspace = workspace_of(request)
    return answer({"data": [_render_list(workspace, table.definition) for table in workspace.lists.values()]})


@get(LIST, opt=READ_LISTS, sync_to_thread=False)
def get_list(request: AnyRequest, list_name: FromPath[str]) -> ASGIResponse:
    """Get a list."""
    workspace = workspace_of(request)
    return answer({"data": _render_list(workspace, workspace.list_table(list_name).definition)})


@post("/v2/lists", status_code=200, opt=WRITE_LISTS)
async def create_list(request: AnyRequest) -> ASGIResponse:
    """Create a list."""
    workspace = workspace_of(request)
    new = await read_data(request, NewList)
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
    """Rename a list, or change the access to it."""
    workspace = workspace_of(request)
    definition = workspace.list_table(list_name).definition
    change = await read_data(request, ListChange)
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


LIST_OPERATIONS = (
    list_lists,
    get_list,
    create_list,
    change_list,
)


def _require_access(workspace: Workspace, access: AccessLevel | None, members: list[MemberAccess]) -> None:
    known = {member.id["workspace_member_id"] for member in workspace.members}
    for member in members:
        if member.workspace_member_id not in known:
            raise refused(f'Workspace member with ID "{member.workspace_member_id}" not found.', "value_not_found")
    if "full-access" not in {access, *(member.level for member in members)}:
        raise refused("The workspace or at least one of its members must have full access to a list.")


def _require_free_slug(workspace: Workspace, slug: str) -> None:
    if any(table.definition.slug == slug for table in workspace.lists.values()):
        raise AttioError(409, "slug_conflict", f'There is already another list with the API slug "{slug}".')


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
