"""Attio's HTTP API, as far as a migration can use it, put together."""

import base64
import binascii
import secrets
import time
from typing import Any

from litestar import Litestar, Response, Router
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from freight.sandbox.attio.attributes_api import ATTRIBUTE_OPERATIONS
from freight.sandbox.attio.choices_api import CHOICE_OPERATIONS
from freight.sandbox.attio.comments import COMMENT_OPERATIONS
from freight.sandbox.attio.control import CONTROL_OPERATIONS
from freight.sandbox.attio.errors import AttioError
from freight.sandbox.attio.files import FILE_OPERATIONS, get_content
from freight.sandbox.attio.history import HISTORY_OPERATIONS
from freight.sandbox.attio.identity import IDENTITY_OPERATIONS
from freight.sandbox.attio.lists_api import LIST_OPERATIONS
from freight.sandbox.attio.notes import NOTE_OPERATIONS
from freight.sandbox.attio.objects_api import OBJECT_OPERATIONS
from freight.sandbox.attio.requests import AnyRequest
from freight.sandbox.attio.scopes import require_scopes
from freight.sandbox.attio.tasks import TASK_OPERATIONS
from freight.sandbox.attio.vendor import AttioVendor
from freight.sandbox.attio.workspace import Workspace
from freight.sandbox.control import control_router, error_answer
from freight.sandbox.gate import gate

OPERATIONS = (
    *IDENTITY_OPERATIONS,
    *ATTRIBUTE_OPERATIONS,
    *CHOICE_OPERATIONS,
    *OBJECT_OPERATIONS,
    *LIST_OPERATIONS,
    *HISTORY_OPERATIONS,
    *NOTE_OPERATIONS,
    *TASK_OPERATIONS,
    *FILE_OPERATIONS,
    *COMMENT_OPERATIONS,
)


def attio_app(workspace: Workspace, vendor: AttioVendor, key: str) -> Litestar:
    """The application that answers as `api.attio.com` does to the holder of `key`."""
    api = Router("/", route_handlers=OPERATIONS, middleware=[gate(vendor)], guards=[_require_key(key), require_scopes])
    app = Litestar(
        route_handlers=[api, get_content, control_router(vendor, workspace.summary, *CONTROL_OPERATIONS)],
        exception_handlers={AttioError: _error_answer, HTTPException: _routing_error_answer},
        openapi_config=None,
        logging_config=None,
    )
    app.state.workspace, app.state.issued_at = workspace, int(time.time())
    return app


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
