"""Attio's operations on objects and their records."""

from functools import partial
from typing import Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.bodies import Data, NewObject, ObjectChange, Values, decode
from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.query_api import query_answer
from freight_sandbox.attio.records import Multiselect, create_record, render_record, update_record, upsert_record
from freight_sandbox.attio.removal import delete_record
from freight_sandbox.attio.requests import AnyRequest, page, workspace_of
from freight_sandbox.attio.schema import AttioObject
from freight_sandbox.attio.scopes import READ_RECORD_ENTRIES, READ_RECORDS, READ_SCHEMA, WRITE_RECORDS, WRITE_SCHEMA
from freight_sandbox.attio.standard import custom_attributes
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import answer

OBJECT = "/v2/objects/{object_name:str}"
RECORDS = OBJECT + "/records"
RECORD = RECORDS + "/{record_id:str}"


@get("/v2/objects", opt=READ_SCHEMA, sync_to_thread=False)
def list_objects(request: AnyRequest) -> ASGIResponse:
    """All objects."""
    workspace = workspace_of(request)
    return answer({"data": [_render_object(workspace, table.definition) for table in workspace.tables.values()]})


@get(OBJECT, opt=READ_SCHEMA, sync_to_thread=False)
def get_object(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """One object."""
    workspace = workspace_of(request)
    return answer({"data": _render_object(workspace, workspace.table(object_name).definition)})


@post("/v2/objects", status_code=200, opt=WRITE_SCHEMA)
async def create_object(request: AnyRequest) -> ASGIResponse:
    """Make an object of the firm's own."""
    workspace = workspace_of(request)
    new = decode(await request.body(), Data[NewObject]).data
    definition = AttioObject(new.api_slug, new.singular_noun, new.plural_noun, custom_attributes())
    workspace.add_object(definition)
    return answer({"data": _render_object(workspace, definition)})


@patch(OBJECT, opt=WRITE_SCHEMA)
async def change_object(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Give an object other names. The sandbox changes no API slug, which all references to the object bear."""
    workspace = workspace_of(request)
    definition = workspace.table(object_name).definition
    change = decode(await request.body(), Data[ObjectChange]).data
    if change == ObjectChange():
        raise refused("The payload is empty. Please change at least one property.")
    if change.api_slug not in (msgspec.UNSET, definition.slug):
        raise refused("The sandbox does not change API slugs of objects.")
    if change.singular_noun is not msgspec.UNSET:
        definition.singular = change.singular_noun
    if change.plural_noun is not msgspec.UNSET:
        definition.plural = change.plural_noun
    return answer({"data": _render_object(workspace, definition)})


@post(RECORDS, status_code=200, opt=WRITE_RECORDS)
async def create(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Make a record."""
    workspace = workspace_of(request)
    table = workspace.table(object_name)
    body = decode(await request.body(), Data[Values])
    return _record_answer(workspace, table, create_record(workspace, table, body.data.values))


@put(RECORDS, opt=WRITE_RECORDS)
async def upsert(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Update the record that holds a value of the matching attribute, or make one."""
    workspace = workspace_of(request)
    table = workspace.table(object_name)
    body = decode(await request.body(), Data[Values])
    matching = request.query_params.get("matching_attribute")
    return _record_answer(workspace, table, upsert_record(workspace, table, matching, body.data.values))


@post(RECORDS + "/query", status_code=200, opt=READ_RECORDS)
async def query(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Find records."""
    workspace = workspace_of(request)
    table = workspace.table(object_name)
    return await query_answer(request, table, partial(render_record, workspace, table))


@get(RECORD, opt=READ_RECORDS, sync_to_thread=False)
def get_record(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """One record."""
    workspace = workspace_of(request)
    return _record_answer(workspace, *workspace.record(object_name, record_id))


@patch(RECORD, opt=WRITE_RECORDS)
async def append_values(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Update a record; multiselect values are added to."""
    return await _update(request, object_name, record_id, "prepend")


@put(RECORD, opt=WRITE_RECORDS)
async def replace_values(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Update a record; multiselect values are replaced."""
    return await _update(request, object_name, record_id, "replace")


@delete(RECORD, status_code=200, opt=WRITE_RECORDS, sync_to_thread=False)
def remove(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Delete a record for good."""
    workspace = workspace_of(request)
    delete_record(workspace, *workspace.record(object_name, record_id))
    return answer({})


@get(RECORD + "/entries", opt=READ_RECORD_ENTRIES, sync_to_thread=False)
def list_record_entries(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """The entries of all lists for one record."""
    workspace = workspace_of(request)
    _, record = workspace.record(object_name, record_id)
    found = (
        {
            "list_id": table.definition.id,
            "list_api_slug": table.definition.slug,
            "entry_id": entry_id,
            "created_at": table.records[entry_id].created_at,
        }
        for table in workspace.lists.values()
        for entry_id in table.entries_of(record.id)
    )
    return answer({"data": page(request, found, default=100, maximum=1000)})


OBJECT_OPERATIONS = (
    list_objects, get_object, create_object, change_object, create, upsert, query, get_record, append_values,
    replace_values, remove, list_record_entries,
)  # fmt: skip


async def _update(request: AnyRequest, object_name: str, record_id: str, multiselect: Multiselect) -> ASGIResponse:
    workspace = workspace_of(request)
    # The record is looked up when the body is here: until then another request may have deleted it.
    body = decode(await request.body(), Data[Values])
    table, record = workspace.record(object_name, record_id)
    return _record_answer(workspace, table, update_record(workspace, table, record, body.data.values, multiselect))


def _record_answer(workspace: Workspace, table: Table[AttioObject], record: Record) -> ASGIResponse:
    return answer({"data": render_record(workspace, table, record)})


def _render_object(workspace: Workspace, definition: AttioObject) -> dict[str, Any]:
    return {
        "id": {"workspace_id": workspace.id, "object_id": definition.id},
        "api_slug": definition.slug,
        "singular_noun": definition.singular,
        "plural_noun": definition.plural,
        "created_at": definition.created_at,
    }
