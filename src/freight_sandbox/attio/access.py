"""API keys and their scopes: how Attio reads a key, and what it may do.

`GET /v2/self` answers differently from all other operations. For a key of the right form that does not exist it answers
200 with `{"active": false}`, and 400 for one that is missing or has another form; the others answer 401 in all cases (a
probe of the live API, August 2026, and recorded answers of July 2025).
"""

import base64
import binascii
import re
import secrets
from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from freight_sandbox.attio.errors import AttioError

KEY_FORM = re.compile(r"[\w.-]{64}", re.ASCII)
KeyState = Literal["active", "unknown", "malformed"]

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
"""All that a migration needs, and what switching off automations needs."""


def _requires(*scopes: str) -> dict[str, Any]:
    """Return the `opt` of an operation that requires these scopes, as Attio documents them."""
    return {"scopes": scopes}


RECORD_SCOPES = ("object_configuration:read", "record_permission:read")
READ_SCHEMA = _requires("object_configuration:read")
WRITE_SCHEMA = _requires("object_configuration:read-write")
READ_RECORDS = _requires(*RECORD_SCOPES)
WRITE_RECORDS = _requires("object_configuration:read", "record_permission:read-write")
READ_LISTS = _requires("list_configuration:read")
WRITE_LISTS = _requires("list_configuration:read-write")
READ_ENTRIES = _requires("list_configuration:read", "list_entry:read")
WRITE_ENTRIES = _requires("list_configuration:read", "list_entry:read-write")
READ_RECORD_ENTRIES = _requires(*RECORD_SCOPES, "list_entry:read")
READ_MEMBERS = _requires("user_management:read")
READ_NOTES = _requires("note:read", *RECORD_SCOPES)
WRITE_NOTES = _requires("note:read-write", *RECORD_SCOPES)
DELETE_NOTES = _requires("note:read-write")
READ_TASKS = _requires("task:read", *RECORD_SCOPES, "user_management:read")
WRITE_TASKS = _requires("task:read-write", *RECORD_SCOPES, "user_management:read")
DELETE_TASKS = _requires("task:read-write")
READ_FILES = _requires("file:read", *RECORD_SCOPES)
WRITE_FILES = _requires("file:read-write", *RECORD_SCOPES)
READ_COMMENTS = _requires("comment:read")
WRITE_COMMENTS = _requires("comment:read-write")
READ_WEBHOOKS = _requires("webhook:read")
WRITE_WEBHOOKS = _requires("webhook:read-write")


def key_state(header: str, key: str) -> KeyState:
    """Return how Attio takes the key of an Authorization header. `key` itself is accepted in any form."""
    given = _given_key(header)
    if secrets.compare_digest(given.encode(), key.encode()):
        return "active"
    return "unknown" if KEY_FORM.fullmatch(given) else "malformed"


def require_key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse every key but the sandbox's own with 401."""
    match key_state(connection.headers.get("authorization", ""), connection.app.state.key):
        case "unknown":
            raise AttioError(401, "unauthorized", "No API key with this value exists.", kind="auth_error")
        case "malformed":
            raise AttioError(
                401,
                "unauthorized",
                "The token was not recognised: it has the wrong length (API keys have 64 characters).",
                kind="auth_error",
            )


def require_scopes(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse with 403 what the key's scopes do not cover."""
    granted = connection.app.state.workspace.scopes
    for scope in handler.opt.get("scopes", ()):
        if scope not in granted and not (scope.endswith(":read") and f"{scope}-write" in granted):
            raise AttioError(403, "unauthorized", f'The API key lacks the scope "{scope}".', kind="auth_error")


def _given_key(header: str) -> str:
    """Return the key of a bearer header, or of a Basic one in which it is the user and the password is empty."""
    scheme, _, credentials = header.partition(" ")
    if scheme != "Basic":
        return credentials if scheme == "Bearer" else ""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return "" if password else user
