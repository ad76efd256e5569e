"""Affinity's HTTP API, as far as a migration reads it and a client writes it: both versions, behind one key."""

import base64
import binascii
import secrets
from typing import Any

from litestar import Litestar, Response, Router
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from freight_sandbox.affinity.account import ACCOUNT_OPERATIONS
from freight_sandbox.affinity.companies import COMPANY_OPERATIONS
from freight_sandbox.affinity.control import CONTROL_OPERATIONS
from freight_sandbox.affinity.entries import ENTRY_OPERATIONS
from freight_sandbox.affinity.errors import AffinityError, in_version_1
from freight_sandbox.affinity.field_values import FIELD_VALUE_OPERATIONS, ValueIds
from freight_sandbox.affinity.fields import FIELD_OPERATIONS
from freight_sandbox.affinity.files import FILE_OPERATIONS
from freight_sandbox.affinity.lists import LIST_OPERATIONS
from freight_sandbox.affinity.merges import MERGE_OPERATIONS, Merges
from freight_sandbox.affinity.notes import NOTE_OPERATIONS
from freight_sandbox.affinity.opportunities import OPPORTUNITY_OPERATIONS
from freight_sandbox.affinity.people import PERSON_OPERATIONS
from freight_sandbox.affinity.record_fields import RECORD_FIELD_OPERATIONS
from freight_sandbox.affinity.records import RECORD_OPERATIONS
from freight_sandbox.affinity.reminders import REMINDER_OPERATIONS
from freight_sandbox.affinity.requests import OLDEST, VERSION_HEADER, VERSIONS, AnyRequest
from freight_sandbox.affinity.storage import Storage, StorageVendor, get_content
from freight_sandbox.affinity.vendor import AffinityVendor
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import control_router, error_answer
from freight_sandbox.middleware import vendor_middleware

OPERATIONS = (
    *ACCOUNT_OPERATIONS,
    *RECORD_OPERATIONS,
    *PERSON_OPERATIONS,
    *COMPANY_OPERATIONS,
    *OPPORTUNITY_OPERATIONS,
    *FIELD_OPERATIONS,
    *RECORD_FIELD_OPERATIONS,
    *FIELD_VALUE_OPERATIONS,
    *LIST_OPERATIONS,
    *ENTRY_OPERATIONS,
    *NOTE_OPERATIONS,
    *REMINDER_OPERATIONS,
    *FILE_OPERATIONS,
    *MERGE_OPERATIONS,
)


def affinity_app(workspace: Workspace, vendor: AffinityVendor, key: str, *, default_version: str = OLDEST) -> Litestar:
    """Return the application that answers as `api.affinity.co` does to the holder of `key`."""
    api = Router("/", route_handlers=OPERATIONS, middleware=[vendor_middleware(vendor)], guards=[_require_key(key)])
    control = control_router(vendor, lambda: _summary(workspace), *CONTROL_OPERATIONS)
    files = Router("/", route_handlers=[get_content], middleware=[vendor_middleware(StorageVendor(vendor.faults))])
    app = Litestar(
        route_handlers=[api, files, control],
        exception_handlers={AffinityError: _error_answer, HTTPException: _routing_error_answer},
        openapi_config=None,
        logging_config=None,
    )
    app.state.workspace, app.state.vendor, app.state.storage = workspace, vendor, Storage()
    app.state.default_version, app.state.value_ids = default_version, ValueIds()
    app.state.merges = Merges(workspace)
    return app


def _summary(workspace: Workspace) -> dict[str, Any]:
    return {
        "tenant_id": workspace.tenant_id,
        "tenant_name": workspace.tenant_name,
        "records": {
            **{name: len(rows.ids) for name, rows in workspace.collections.items()},
            "fields": len(workspace.all_fields),
        },
    }


def _require_key(key: str) -> Any:
    bearer = f"Bearer {key}"

    def require_key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        given = connection.headers.get("authorization", "")
        version_1 = not connection.scope["path"].startswith("/v2/")
        if not secrets.compare_digest(given.encode(), bearer.encode()) and not (
            version_1 and _basic_password(given) == key
        ):
            raise AffinityError("authentication", "The provided API key is not valid.")

    return require_key


def _basic_password(header: str) -> str | None:
    scheme, _, encoded = header.partition(" ")
    if scheme != "Basic":
        return None
    try:
        # Affinity accepts any user name.
        _, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password


def _error_answer(request: AnyRequest, error: AffinityError) -> Response[bytes]:
    version = request.headers.get(VERSION_HEADER, request.app.state.default_version)
    if not request.scope["path"].startswith("/v2/"):
        told = in_version_1(error)
        return error_answer(told.body, told.status)
    return error_answer(error.body, error.status, {VERSION_HEADER.lower(): version} if version in VERSIONS else None)


def _routing_error_answer(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    if error.status_code == 405:
        method_error = AffinityError("method-not-allowed", "The method is not allowed for this resource.")
        return error_answer(method_error.body, 405)
    if error.status_code == 404 and not request.scope["path"].startswith(("/v2/", "/_sandbox/")):
        return error_answer("Unknown API endpoint", 404)
    if error.status_code == 404:
        return error_answer(AffinityError("not-found", "The requested resource could not be found.").body, 404)
    return error_answer(AffinityError("bad-request", error.detail).body, error.status_code)
