"""Operations of the sandbox itself, which change the workspace while clients read it."""

from typing import Any, Literal

import msgspec
from litestar import delete, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Gone, Merged
from freight_sandbox.affinity.requests import AnyRequest, workspace_of
from freight_sandbox.affinity.rows import FieldDefinition
from freight_sandbox.affinity.workspace_files import read_row
from freight_sandbox.control import answer, read_body, replacing

FIELDS = "fields"


class Oddity(msgspec.Struct, forbid_unknown_fields=True):
    """Values that a row shows in the pages of the collection at `path` instead of its own."""

    path: str
    id: int
    changes: dict[str, Any]


class Mark(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A record to be deleted or merged; `into` is the id of the record that it is merged into."""

    entity: Literal["company", "person"]
    id: int
    state: Literal["deleted", "merged"]
    into: int | None = None


@post("/records", status_code=200)
async def mark_record(request: AnyRequest) -> ASGIResponse:
    """Delete or merge a record."""
    workspace = workspace_of(request)
    mark = await read_body(request, Mark, "This marks no record")
    if (mark.state == "merged") != (mark.into is not None) or mark.into == mark.id:
        return answer({"message": "A merged record needs another one in `into`, and only a merged one."}, 422)
    try:
        if mark.into is not None:
            workspace.merge(mark.entity, mark.id, mark.into)
        else:
            workspace.delete("companies" if mark.entity == "company" else "persons", mark.id)
    except (Gone, Merged):
        return answer({"message": "There is no such record."}, 404)
    return answer({})


@put("/rows/{collection:str}")
async def put_row(request: AnyRequest, collection: FromPath[str]) -> ASGIResponse:
    """Add a row, given as a line of the collection's file, or replace the one with its id."""
    workspace = workspace_of(request)
    if collection != FIELDS and collection not in workspace.collections:
        return _no_collection(collection)
    body = await request.body()
    try:
        if collection == FIELDS:
            workspace.put_field(msgspec.json.decode(body, type=FieldDefinition))
        else:
            workspace.put(collection, read_row(collection, body))
    except msgspec.DecodeError as error:
        return answer({"message": f"This is not a row of {collection}: {error}."}, 422)
    return answer({})


@delete("/rows/{collection:str}/{row_id:str}", status_code=200, sync_to_thread=False)
def delete_row(request: AnyRequest, collection: FromPath[str], row_id: FromPath[str]) -> ASGIResponse:
    """Delete a row and everything that depends on it."""
    workspace = workspace_of(request)
    try:
        if collection == FIELDS:
            workspace.delete_field(row_id)
        elif collection in workspace.collections and row_id.isdecimal():
            workspace.delete(collection, int(row_id))
        else:
            return _no_collection(collection)
    except (Gone, Merged):
        return answer({"message": "There is no such row."}, 404)
    return answer({})


@put("/hidden-lists/{list_id:int}", sync_to_thread=False)
def hide_list(request: AnyRequest, list_id: FromPath[int]) -> ASGIResponse:
    """Hide a list from the key, with its entries and the opportunities on it."""
    try:
        workspace_of(request).hide_list(list_id)
    except Gone:
        return answer({"message": "There is no such list."}, 404)
    return answer({})


@put("/fields-lag", sync_to_thread=False)
def freeze_fields(request: AnyRequest) -> ASGIResponse:
    """Freeze the fields and options that API v1 shows, as it does for minutes after a change."""
    workspace_of(request).freeze_fields()
    return answer({})


@delete("/fields-lag", status_code=200, sync_to_thread=False)
def thaw_fields(request: AnyRequest) -> ASGIResponse:
    """Let API v1 show the current fields again."""
    workspace_of(request).thaw_fields()
    return answer({})


def _add_oddity(request: AnyRequest, oddity: Oddity) -> dict[str, Any]:
    """Show a row with values that no document of Affinity's allows."""
    workspace_of(request).oddities[oddity.path, oddity.id] = oddity.changes
    return {}


def _no_collection(name: str) -> ASGIResponse:
    return answer({"message": f"There is no collection {name}, or the id is not one of it."}, 404)


CONTROL_OPERATIONS = (
    mark_record,
    put_row,
    delete_row,
    hide_list,
    freeze_fields,
    thaw_fields,
    replacing("/oddities", Oddity, "This is no oddity", _add_oddity),
)
