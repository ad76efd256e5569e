"""The records of objects."""

from functools import partial
from typing import Any

import msgspec
from litestar import delete, get, patch, post, put
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight_sandbox.attio.access import READ_RECORD_ENTRIES, READ_RECORDS, WRITE_RECORDS
from freight_sandbox.attio.changes import delete_record
from freight_sandbox.attio.objects import OBJECT
from freight_sandbox.attio.query import query_answer
from freight_sandbox.attio.requests import AnyRequest, page, read_data, workspace_of
from freight_sandbox.attio.schema import AttioObject
from freight_sandbox.attio.tables import Record, Table
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.attio.writing import Multiselect, create_record, render_record, update_record, upsert_record
from freight_sandbox.control import answer

RECORDS = OBJECT + "/records"
RECORD = RECORDS + "/{record_id:str}"


class Values(msgspec.Struct, forbid_unknown_fields=True):
    """A record to be written."""

    values: dict[str, Any]


@post(RECORDS, status_code=200, opt=WRITE_RECORDS)
async def create(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Create a record."""
    workspace = workspace_of(request)
    table = workspace.table(object_name)
    body = await read_data(request, Values)
    return _record_answer(workspace, table, create_record(workspace, table, body.values))


@put(RECORDS, opt=WRITE_RECORDS)
async def upsert(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Update the record that holds a value of the matching attribute, or create one."""
    workspace = workspace_of(request)
    table = workspace.table(object_name)
    body = await read_data(request, Values)
    matching = request.query_params.get("matching_attribute")
    return _record_answer(workspace, table, upsert_record(workspace, table, matching, body.values))


@post(RECORDS + "/query", status_code=200, opt=READ_RECORDS)
async def query(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Query records."""
    workspace = workspace_of(request)
    table = workspace.table(object_name)
    return await query_answer(request, table, partial(render_record, workspace, table))


@get(RECORD, opt=READ_RECORDS, sync_to_thread=False)
def get_record(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Get a record."""
    workspace = workspace_of(request)
    return _record_answer(workspace, *workspace.record(object_name, record_id))


@patch(RECORD, opt=WRITE_RECORDS)
async def append_values(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Update a record, adding to multiselect values."""
    return await _update(request, object_name, record_id, "prepend")


@put(RECORD, opt=WRITE_RECORDS)
async def replace_values(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Update a record, replacing multiselect values."""
    return await _update(request, object_name, record_id, "replace")


@delete(RECORD, status_code=200, opt=WRITE_RECORDS, sync_to_thread=False)
def remove(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Delete a record permanently."""
    workspace = workspace_of(request)
    delete_record(workspace, *workspace.record(object_name, record_id))
    return answer({})


@get(RECORD + "/entries", opt=READ_RECORD_ENTRIES, sync_to_thread=False)
def list_record_entries(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """List the entries of a record on all lists."""
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


RECORD_OPERATIONS = (
    create,
    upsert,
    query,
    get_record,
    append_values,
    replace_values,
    remove,
    list_record_entries,
)


async def _update(request: AnyRequest, object_name: str, record_id: str, multiselect: Multiselect) -> ASGIResponse:
    workspace = workspace_of(request)
    # The record is looked up after the body was read: until then another request may have deleted it.
    body = await read_data(request, Values)
    table, record = workspace.record(object_name, record_id)
    return _record_answer(workspace, table, update_record(workspace, table, record, body.values, multiselect))


def _record_answer(workspace: Workspace, table: Table[AttioObject], record: Record) -> ASGIResponse:
    return answer({"data": render_record(workspace, table, record)})
