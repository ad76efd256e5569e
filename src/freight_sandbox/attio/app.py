"""Attio's HTTP API, as far as a migration can use it."""

import time

from litestar import Litestar, Response, Router
from litestar.exceptions import HTTPException

from freight_sandbox.attio.access import require_key, require_scopes
from freight_sandbox.attio.attributes import ATTRIBUTE_OPERATIONS
from freight_sandbox.attio.comments import COMMENT_OPERATIONS
from freight_sandbox.attio.control import CONTROL_OPERATIONS
from freight_sandbox.attio.entries import ENTRY_OPERATIONS
from freight_sandbox.attio.errors import AttioError
from freight_sandbox.attio.files import FILE_OPERATIONS, get_content
from freight_sandbox.attio.history import HISTORY_OPERATIONS
from freight_sandbox.attio.identity import MEMBER_OPERATIONS, identify
from freight_sandbox.attio.lists import LIST_OPERATIONS
from freight_sandbox.attio.notes import NOTE_OPERATIONS
from freight_sandbox.attio.objects import OBJECT_OPERATIONS
from freight_sandbox.attio.options import OPTION_OPERATIONS
from freight_sandbox.attio.query import QueryScores, ScoreLimits
from freight_sandbox.attio.records import RECORD_OPERATIONS
from freight_sandbox.attio.requests import AnyRequest
from freight_sandbox.attio.tasks import TASK_OPERATIONS
from freight_sandbox.attio.vendor import AttioVendor
from freight_sandbox.attio.webhooks import WEBHOOK_OPERATIONS, read_webhook_events
from freight_sandbox.attio.workspace import Workspace
from freight_sandbox.control import control_router, error_answer
from freight_sandbox.middleware import vendor_middleware

OPERATIONS = (
    *MEMBER_OPERATIONS,
    *ATTRIBUTE_OPERATIONS,
    *OPTION_OPERATIONS,
    *OBJECT_OPERATIONS,
    *RECORD_OPERATIONS,
    *LIST_OPERATIONS,
    *ENTRY_OPERATIONS,
    *HISTORY_OPERATIONS,
    *NOTE_OPERATIONS,
    *TASK_OPERATIONS,
    *FILE_OPERATIONS,
    *COMMENT_OPERATIONS,
    *WEBHOOK_OPERATIONS,
)


def attio_app(workspace: Workspace, vendor: AttioVendor, key: str, score_limits: ScoreLimits) -> Litestar:
    """Return the application that answers as `api.attio.com` does to the holder of `key`."""
    api = Router(
        "/", route_handlers=OPERATIONS, middleware=[vendor_middleware(vendor)], guards=[require_key, require_scopes]
    )
    open_to_all = Router("/", route_handlers=[identify], middleware=[vendor_middleware(vendor)])
    control = control_router(vendor, workspace.summary, *CONTROL_OPERATIONS, read_webhook_events)
    app = Litestar(
        route_handlers=[api, open_to_all, get_content, control],
        exception_handlers={AttioError: _error_answer, HTTPException: _routing_error_answer},
        openapi_config=None,
        logging_config=None,
    )
    app.state.workspace, app.state.key, app.state.issued_at = workspace, key, int(time.time())
    app.state.scores, app.state.faults, app.state.vendor = QueryScores(score_limits), vendor.faults, vendor
    return app


def _error_answer(_: AnyRequest, error: AttioError) -> Response[bytes]:
    return error_answer(error.body, error.status, error.headers)


def _routing_error_answer(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    if error.status_code in {404, 405}:
        message = f'Could not find endpoint "{request.method} {request.scope["path"]}".'
        return _error_answer(request, AttioError(404, "not_found", message))
    return _error_answer(request, AttioError(error.status_code, "validation_type", error.detail))
