"""Scopes: what a key may do, and what each operation asks for."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from freight_sandbox.attio.errors import AttioError

DEFAULT_SCOPES = (
    "object_configuration:read-write",
    "record_permission:read-write",
    "list_configuration:read-write",
    "list_entry:read-write",
    "note:read-write",
    "task:read-write",
    "comment:read-write",
    "file:read-write",
    "user_management:read",
    "webhook:read-write",
)
"""All that a migration needs, and a rehearsal of switching the firm's automations off."""


def needs(*scopes: str) -> dict[str, Any]:
    """The `opt` of an operation that asks for these scopes, as Attio documents them for it."""
    return {"scopes": scopes}


RECORD_SCOPES = ("object_configuration:read", "record_permission:read")

READ_SCHEMA = needs("object_configuration:read")
WRITE_SCHEMA = needs("object_configuration:read-write")
READ_RECORDS = needs(*RECORD_SCOPES)
WRITE_RECORDS = needs("object_configuration:read", "record_permission:read-write")
READ_LISTS = needs("list_configuration:read")
WRITE_LISTS = needs("list_configuration:read-write")
READ_ENTRIES = needs("list_configuration:read", "list_entry:read")
WRITE_ENTRIES = needs("list_configuration:read", "list_entry:read-write")
READ_RECORD_ENTRIES = needs(*RECORD_SCOPES, "list_entry:read")
READ_MEMBERS = needs("user_management:read")
READ_NOTES = needs("note:read", *RECORD_SCOPES)
WRITE_NOTES = needs("note:read-write", *RECORD_SCOPES)
DELETE_NOTES = needs("note:read-write")
READ_TASKS = needs("task:read", *RECORD_SCOPES, "user_management:read")
WRITE_TASKS = needs("task:read-write", *RECORD_SCOPES, "user_management:read")
DELETE_TASKS = needs("task:read-write")
READ_FILES = needs("file:read", *RECORD_SCOPES)
WRITE_FILES = needs("file:read-write", *RECORD_SCOPES)
READ_COMMENTS = needs("comment:read")
WRITE_COMMENTS = needs("comment:read-write")
READ_WEBHOOKS = needs("webhook:read")
WRITE_WEBHOOKS = needs("webhook:read-write")


def require_scopes(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse with 403 what the key's scopes do not cover."""
    granted = connection.app.state.workspace.scopes
    for scope in handler.opt.get("scopes", ()):
        if scope not in granted and not (scope.endswith(":read") and f"{scope}-write" in granted):
            raise AttioError(403, "unauthorized", f'The API key lacks the scope "{scope}".', kind="auth_error")
