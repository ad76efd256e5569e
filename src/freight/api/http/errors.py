"""The one form of all error responses."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.types import ExceptionHandlersMap
from msgspec import Meta

from freight import throttled
from freight.api.http.request_log import DISCONNECTED, with_head
from freight.api.http.validation import Problem, from_message
from freight.domain import errors as domain

log = structlog.get_logger()

AnyRequest = Request[Any, Any, Any]

DATABASE_UNAVAILABLE: tuple[type[Exception], ...] = (
    ConnectionError,
    FileNotFoundError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
)
"""Errors when PostgreSQL is unavailable, read-only, starting or stopping, or cancels a statement that took too long."""

DATABASE_RETRY_SECONDS = 5
"""Sent with a 503 as the time to retry: a database that was restarted or failed over is usually back by then."""

CODES = {
    400: "malformed_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "state_conflict",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "validation_error",
    429: "rate_limited",
    431: "head_too_large",
    500: "internal_error",
    502: "vendor_unreachable",
    503: "database_unavailable",
}

SENTENCES = {
    400: "The request is malformed; `details` says where.",
    401: "API key required",
    403: "The API key lacks the required scope.",
    404: "No such resource; /schema lists all of them.",
    405: "Method not allowed; the Allow header lists the allowed ones.",
    409: "The request conflicts with the resource's current state.",
    408: "The request did not arrive in time; send it again.",
    413: "The body is too large.",
    415: "Send the body as JSON, with the header Content-Type: application/json.",
    429: "Too many requests; wait for as many seconds as the Retry-After header says.",
    431: "The request line and headers are too large.",
    422: "The request contains invalid values; `details` lists them.",
    500: "Internal error, logged under this request_id. Try again, and report it if it persists.",
    502: "A vendor could not be reached; try again later.",
    503: "Freight's database is unavailable or read-only; try again shortly.",
}

COMMON = (400, 401, 403, 429, 500, 503)

STATUSES: dict[type[domain.DomainError], int] = {
    domain.CredentialsRefused: 400,
    domain.KeyRefused: 401,
    domain.Forbidden: 403,
    domain.NotFound: 404,
    domain.StateConflict: 409,
    domain.InvalidRequest: 422,
    domain.VendorUnreachable: 502,
}


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """An error: `error` is a stable code for programs, `message` a sentence for people."""

    error: Annotated[str, Meta(description="A stable code.")]
    message: Annotated[str, Meta(description="What is wrong and what to do.")]
    details: Annotated[list[Problem], Meta(description="The individual problems, if there are several.")]
    request_id: Annotated[str, Meta(description="Identifies the request in Freight's log; also in X-Request-ID.")]
    timestamp: datetime


def documented(*statuses: int) -> dict[int, ResponseSpec]:
    """Return the documented error responses of an operation: these, and those of every operation with a key."""
    return {
        status: ResponseSpec(
            data_container=Error,
            description=SENTENCES[status],
            generate_examples=False,
            examples=[
                Example(
                    summary=CODES[status],
                    value={
                        "error": CODES[status],
                        "message": SENTENCES[status],
                        "details": [],
                        "request_id": "req_4f1c9a7be0d34c52",
                        "timestamp": "2026-11-23T09:30:00Z",
                    },
                )
            ],
        )
        for status in sorted({*COMMON, *statuses})
    }


def _answer(
    request: AnyRequest,
    status: int,
    *,
    code: str | None = None,
    message: str | None = None,
    details: Sequence[Problem] = (),
    headers: dict[str, str] | None = None,
) -> Response[Error]:
    body = Error(
        error=code or CODES.get(status, "error"),
        message=message or SENTENCES.get(status, "The request failed."),
        details=list(details),
        request_id=request.state.request_id,
        timestamp=datetime.now(UTC),
    )
    # The media type is given because the handler's own may differ: HTML, if a page of the documentation fails.
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _on_domain_error(request: AnyRequest, error: domain.DomainError) -> Response[Error]:
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    details = []
    match error:
        case domain.InvalidRequest() | domain.CredentialsRefused():
            details = [Problem(type=error.code, message=error.message, field=error.field)]
        case domain.LiveJobExists():
            details = [Problem(type="job_id", message=str(error.job_id), field=None)]
    headers = {"WWW-Authenticate": 'ApiKey realm="Freight"'} if status == 401 else None
    return _answer(request, status, code=error.code, message=error.message, details=details, headers=headers)


def _on_http_exception(request: AnyRequest, error: HTTPException) -> Response[Error]:
    if request.state.get(DISCONNECTED):
        # The response has no recipient, and nothing went wrong here.
        return _answer(request, 400)
    if error.status_code >= 500 and error.status_code != 503:
        return _on_crash(request, error)
    details = error.extra if isinstance(error.extra, list) else []
    headers = dict(error.headers or {})
    if allowed := headers.get("allow"):
        headers["allow"] = ", ".join(sorted(with_head(allowed.split(", "))))
    message = error.detail if error.status_code == 503 else None
    return _answer(request, error.status_code, message=message, details=details, headers=headers)


def _on_parameters(request: AnyRequest, error: ValidationException) -> Response[Error]:
    """Return the problems of parameters, from Litestar's list."""
    complaints: list[dict[str, str]] = error.extra if isinstance(error.extra, list) else []
    fields = {complaint.get("key", "") for complaint in complaints}
    if "data" in fields:
        problem = Problem(type="empty_body", message="The request has no body.", field=None)
        return _answer(request, 400, details=[problem])
    parameters = request.route_handler.parsed_fn_signature.parameters
    details = []
    for complaint in complaints:
        parameter = parameters[complaint["key"]]
        # A header's name in HTTP differs from the parameter's name in the code.
        sent_as = getattr(parameter.kwarg_definition, "name", None) or parameter.name
        details.append(from_message(complaint["message"], parameter.raw, field=sent_as))
    return _answer(request, 422, details=details)


def _on_database_unavailable(request: AnyRequest, error: Exception) -> Response[Error]:
    throttled.warning("database_unavailable", error)
    return _answer(request, 503, headers={"Retry-After": str(DATABASE_RETRY_SECONDS)})


def _on_crash(request: AnyRequest, error: Exception) -> Response[Error]:
    log.error("request_crashed", exc_info=error)
    return _answer(request, 500)


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    domain.DomainError: _on_domain_error,
    ValidationException: _on_parameters,
    HTTPException: _on_http_exception,
    **dict.fromkeys(DATABASE_UNAVAILABLE, _on_database_unavailable),
    Exception: _on_crash,
}
