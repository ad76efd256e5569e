"""API v1: lists are made, records are put on them and taken off."""

import msgspec
from litestar import delete, post
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.given import given, refused, require_links
from freight_sandbox.affinity.requests import AnyRequest, absent, found, found_list, workspace_of
from freight_sandbox.affinity.rows import ListEntry, WorkspaceList
from freight_sandbox.affinity.times import now
from freight_sandbox.affinity.v1 import shapes
from freight_sandbox.affinity.v1.record_writes import SUCCESS
from freight_sandbox.control import answer


class NewList(msgspec.Struct, frozen=True):
    """A list to be made."""

    name: str
    type: int
    is_public: bool
    owner_id: int | None = None


class NewEntry(msgspec.Struct, frozen=True):
    """A record to be put on a list."""

    entity_id: int
    creator_id: int | None = None


@post("/lists", status_code=200)
async def create_list(request: AnyRequest) -> ASGIResponse:
    """Make a list."""
    body = await given(request, NewList)
    workspace = workspace_of(request)
    if body.type not in shapes.ENTITIES:
        raise refused(request, f"There is no type of list {body.type}.", "type")
    if body.owner_id is not None and body.owner_id not in workspace.users:
        raise refused(request, f"There is no user with id {body.owner_id}.", "owner_id")
    row = WorkspaceList(
        id=workspace.lists.new_id(),
        name=body.name,
        type=shapes.ENTITIES[body.type],
        creator_id=workspace.user.id,
        owner_id=body.owner_id or workspace.user.id,
        is_public=body.is_public,
        created_at=now(),
    )
    workspace.put("lists", row)
    return answer(shapes.workspace_list(workspace, row))


@post("/lists/{list_id:str}/list-entries", status_code=200)
async def create_entry(request: AnyRequest, list_id: FromPath[str]) -> ASGIResponse:
    """Put a person or a company on a list, again if it stands there; opportunities come with their entry."""
    body = await given(request, NewEntry)
    workspace = workspace_of(request)
    row: WorkspaceList = found_list(workspace, list_id)
    if row.type == "opportunity":
        raise refused(request, "An opportunity is made on its list and cannot be put on another.", "entity_id")
    entry_id, creator_id = workspace.list_entries.new_id(), body.creator_id or workspace.user.id
    entry = ListEntry(entry_id, row.id, row.type, now(), creator_id, body.entity_id, list)
    require_links(request, entry)
    workspace.put("list_entries", entry)
    return answer({**shapes.entry(entry), "entity": shapes.record(workspace.record_of(entry))})


@delete("/lists/{list_id:str}/list-entries/{entry_id:str}", status_code=200, sync_to_thread=False)
def delete_entry(request: AnyRequest, list_id: FromPath[str], entry_id: FromPath[str]) -> ASGIResponse:
    """Take a record off a list; Affinity documents that an opportunity goes with its entry."""
    workspace = workspace_of(request)
    row = found_list(workspace, list_id)
    entry = found(workspace.list_entries, entry_id, "listEntry")
    if entry.list_id != row.id:
        raise absent(entry_id, "listEntry")
    workspace.delete("list_entries", entry.id)
    return answer(SUCCESS)
