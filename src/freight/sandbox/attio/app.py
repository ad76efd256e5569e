"""Attio's HTTP API, as far as Freight uses it: identity, schema, records and workspace members."""

import base64
import binascii
import secrets
import time
from typing import Any

from litestar import Litestar, Response, Router, delete, get, patch, post, put
from litestar.connection import ASGIConnection, Request
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight.sandbox.attio.bodies import Data, Values, decode
from freight.sandbox.attio.errors import AttioError, not_found
from freight.sandbox.attio.query import Body, run_query
from freight.sandbox.attio.records import Multiselect, create_record, delete_record, render_record, update_record
from freight.sandbox.attio.records import upsert_record as upsert
from freight.sandbox.attio.schema_api import PATH, SCHEMA_OPERATIONS
from freight.sandbox.attio.vendor import AttioVendor
from freight.sandbox.attio.workspace import Record, Table, Workspace
from freight.sandbox.control import answer, control_router, error_answer
from freight.sandbox.gate import gate

AnyRequest = Request[Any, Any, Any]

SCOPES = " ".join(
    f"{scope}:read-write"
    for scope in (
        "user_management", "record_permission", "object_configuration", "list_entry", "list_configuration",
        "public_collection", "private_collection", "comment", "task", "note", "meeting", "call_recording", "webhook",
        "file",
    )
)  # fmt: skip
RECORDS = PATH + "/records"
RECORD = RECORDS + "/{record_id:str}"


def attio_app(workspace: Workspace, vendor: AttioVendor, key: str) -> Litestar:
    """The application that answers as `api.attio.com` does to the holder of `key`."""
    api = Router(
        "/",
        route_handlers=[
            identify, list_members, *SCHEMA_OPERATIONS, create, upsert_by_attribute, query, get_record, append_values,
            replace_values, remove,
        ],
        middleware=[gate(vendor)],
        guards=[_require_key(key)],
    )  # fmt: skip
    app = Litestar(
        route_handlers=[api, control_router(vendor, workspace.summary)],
        exception_handlers={AttioError: _error_answer, HTTPException: _routing_error_answer},
        openapi_config=None,
        logging_config=None,
    )
    app.state.workspace, app.state.issued_at = workspace, int(time.time())
    return app


@get("/v2/self", sync_to_thread=False)
def identify(request: AnyRequest) -> ASGIResponse:
    """Whose key this is."""
    workspace = _workspace(request)
    return answer(
        {
            "active": True,
            "scope": SCOPES,
            "client_id": workspace.token_id,
            "token_type": "Bearer",
            "exp": None,
            "iat": request.app.state.issued_at,
            "sub": workspace.id,
            "aud": workspace.token_id,
            "iss": "attio.com",
            "authorized_by_workspace_member_id": workspace.members[0].id["workspace_member_id"],
            "workspace_id": workspace.id,
            "workspace_name": workspace.name,
            "workspace_slug": workspace.slug,
            "workspace_logo_url": None,
            "token_level": "workspace",
        }
    )


@get("/v2/workspace_members", sync_to_thread=False)
def list_members(request: AnyRequest) -> ASGIResponse:
    """All workspace members, also suspended ones."""
    return answer({"data": _workspace(request).members})


@post(RECORDS, status_code=200)
async def create(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Make a record."""
    workspace = _workspace(request)
    table = workspace.table(object_name)
    body = decode(await request.body(), Data[Values])
    return _record_answer(workspace, table, create_record(workspace, table, body.data.values))


@put(RECORDS)
async def upsert_by_attribute(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Update the record that holds a value of the matching attribute, or make one."""
    workspace = _workspace(request)
    table = workspace.table(object_name)
    body = decode(await request.body(), Data[Values])
    matching = request.query_params.get("matching_attribute")
    return _record_answer(workspace, table, upsert(workspace, table, matching, body.data.values))


@post(RECORDS + "/query", status_code=200)
async def query(request: AnyRequest, object_name: FromPath[str]) -> ASGIResponse:
    """Find records."""
    workspace = _workspace(request)
    table = workspace.table(object_name)
    found = run_query(table, decode(await request.body() or b"{}", Body))
    return answer({"data": [render_record(workspace, table, record) for record in found]})


@get(RECORD, sync_to_thread=False)
def get_record(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """One record."""
    workspace = _workspace(request)
    table = workspace.table(object_name)
    return _record_answer(workspace, table, _record(table, record_id))


@patch(RECORD)
async def append_values(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Update a record; multiselect values are added to."""
    return await _update(request, object_name, record_id, "prepend")


@put(RECORD)
async def replace_values(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Update a record; multiselect values are replaced."""
    return await _update(request, object_name, record_id, "replace")


@delete(RECORD, status_code=200, sync_to_thread=False)
def remove(request: AnyRequest, object_name: FromPath[str], record_id: FromPath[str]) -> ASGIResponse:
    """Delete a record for good."""
    workspace = _workspace(request)
    table = workspace.table(object_name)
    delete_record(workspace, table, _record(table, record_id))
    return answer({})


async def _update(request: AnyRequest, object_name: str, record_id: str, multiselect: Multiselect) -> ASGIResponse:
    workspace = _workspace(request)
    table = workspace.table(object_name)
    record = _record(table, record_id)
    body = decode(await request.body(), Data[Values])
    return _record_answer(workspace, table, update_record(workspace, table, record, body.data.values, multiselect))


def _workspace(request: AnyRequest) -> Workspace:
    workspace: Workspace = request.app.state.workspace
    return workspace


def _record(table: Table, record_id: str) -> Record:
    record = table.records.get(record_id)
    if record is None:
        raise not_found("Record", record_id, by="ID")
    return record


def _record_answer(workspace: Workspace, table: Table, record: Record) -> ASGIResponse:
    return answer({"data": render_record(workspace, table, record)})


def _require_key(key: str) -> Any:
    def require_key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        given = _given_key(connection.headers.get("authorization", ""))
        if not secrets.compare_digest(given.encode(), key.encode()):
            raise AttioError(401, "unauthorized", "The API key is not valid.", kind="auth_error")

    return require_key


def _given_key(header: str) -> str:
    """The key of a bearer header, or of a Basic one where it is the user and the password is empty."""
    scheme, _, credentials = header.partition(" ")
    if scheme != "Basic":
        return credentials if scheme == "Bearer" else ""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return "" if password else user


def _error_answer(_: AnyRequest, error: AttioError) -> Response[bytes]:
    return error_answer(error.body, error.status)


def _routing_error_answer(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "validation_type")
    return error_answer(AttioError(error.status_code, code, error.detail).body, error.status_code)
