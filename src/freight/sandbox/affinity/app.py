"""Affinity's HTTP API, as far as Freight reads it: authentication, limits, companies, persons and their fields."""

import base64
import binascii
import secrets
from collections.abc import Collection
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Litestar, Response, Router, get, post
from litestar.connection import ASGIConnection, Request
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from freight.sandbox.affinity.errors import AffinityError
from freight.sandbox.affinity.rows import Entity, Row
from freight.sandbox.affinity.vendor import AffinityVendor
from freight.sandbox.affinity.workspace import Gone, Merged, Page, Workspace, paginate
from freight.sandbox.control import answer, control_router, error_answer
from freight.sandbox.gate import gate

AnyRequest = Request[Any, Any, Any]

VERSION_HEADER = "X-Affinity-Api-Version"
VERSIONS = ("2024-01-01", "2026-07-15", "2026-09-17")
MAXIMUM_LIMIT = 100
FIELD_TYPES = frozenset({"enriched", "global", "relationship-intelligence"})
KEY_CREATED_AT = "2026-01-05T09:00:00Z"


def affinity_app(workspace: Workspace, vendor: AffinityVendor, key: str) -> Litestar:
    """The application that answers as `api.affinity.co` does to the holder of `key`."""
    api = Router(
        "/",
        route_handlers=[
            who_am_i_v1, rate_limit_v1, who_am_i, rate_limit, list_companies, list_company_fields, get_company,
            list_persons, list_person_fields, get_person,
        ],
        middleware=[gate(vendor)],
        guards=[_require_key(key)],
    )  # fmt: skip
    app = Litestar(
        route_handlers=[api, control_router(vendor, lambda: _summary(workspace), mark_record)],
        exception_handlers={AffinityError: _error_answer, HTTPException: _routing_error_answer},
        openapi_config=None,
        logging_config=None,
    )
    app.state.workspace, app.state.vendor = workspace, vendor
    return app


@get("/auth/whoami", sync_to_thread=False)
def who_am_i_v1(request: AnyRequest) -> ASGIResponse:
    """API v1: whose key this is."""
    workspace: Workspace = request.app.state.workspace
    user = workspace.user
    return answer(
        {
            "tenant": _tenant(workspace),
            "user": {
                "id": user.id,
                "firstName": user.first_name,
                "lastName": user.last_name,
                "email": user.primary_email_address,
            },
            "grant": {"type": "api_key", "scope": "external_api", "createdAt": KEY_CREATED_AT},
        }
    )


@get("/rate-limit", sync_to_thread=False)
def rate_limit_v1(request: AnyRequest) -> ASGIResponse:
    """API v1: what is left of the limits."""
    minute, month = request.app.state.vendor.allowances()
    rate = {"api_key_per_minute": minute}
    return answer({"rate": rate if month is None else {"org_monthly": month, **rate}})


@get("/v2/auth/whoami", sync_to_thread=False)
def who_am_i(request: AnyRequest) -> ASGIResponse:
    """Whose key this is."""
    workspace: Workspace = request.app.state.workspace
    user = workspace.user
    content = {
        "tenant": _tenant(workspace),
        "user": {
            "id": user.id,
            "firstName": user.first_name,
            "lastName": user.last_name,
            "emailAddress": user.primary_email_address,
        },
        "grant": {"type": "api-key", "scopes": ["api"], "createdAt": KEY_CREATED_AT},
    }
    return _versioned(request, content)


@get("/v2/rate-limit", sync_to_thread=False)
def rate_limit(request: AnyRequest) -> ASGIResponse:
    """What is left of the limits."""
    minute, month = request.app.state.vendor.allowances()
    rate = {"callerPerMinute": minute}
    return _versioned(request, rate if month is None else {**rate, "orgPerMonth": month})


@get("/v2/companies", sync_to_thread=False)
def list_companies(request: AnyRequest) -> ASGIResponse:
    """A page of companies."""
    return _list_rows(request, "company")


@get("/v2/persons", sync_to_thread=False)
def list_persons(request: AnyRequest) -> ASGIResponse:
    """A page of persons."""
    return _list_rows(request, "person")


@get("/v2/companies/fields", sync_to_thread=False)
def list_company_fields(request: AnyRequest) -> ASGIResponse:
    """A page of the metadata of company fields."""
    return _list_fields(request, "company")


@get("/v2/persons/fields", sync_to_thread=False)
def list_person_fields(request: AnyRequest) -> ASGIResponse:
    """A page of the metadata of person fields."""
    return _list_fields(request, "person")


@get("/v2/companies/{row_id:str}", sync_to_thread=False)
def get_company(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """One company."""
    return _get_row(request, "company", row_id)


@get("/v2/persons/{row_id:str}", sync_to_thread=False)
def get_person(request: AnyRequest, row_id: FromPath[str]) -> ASGIResponse:
    """One person."""
    return _get_row(request, "person", row_id)


class Mark(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What shall become of a record; `into` is the id of the one that it is merged into."""

    entity: Entity
    id: int
    state: Literal["deleted", "merged"]
    into: int | None = None


@post("/records", status_code=200)
async def mark_record(request: AnyRequest) -> ASGIResponse:
    """Let a record be deleted or merged while a client reads."""
    workspace: Workspace = request.app.state.workspace
    try:
        mark = msgspec.json.decode(await request.body(), type=Mark)
    except msgspec.DecodeError as error:
        return answer({"message": f"This marks no record: {error}."}, 422)
    if (mark.state == "merged") != (mark.into is not None):
        return answer({"message": "A merged record needs `into`, and only a merged one."}, 422)
    try:
        if mark.into is not None:
            workspace.merge(mark.entity, mark.id, mark.into)
        else:
            workspace.delete(mark.entity, mark.id)
    except (Gone, Merged):
        return answer({"message": "There is no such record."}, 404)
    return answer({})


def _list_rows(request: AnyRequest, entity: Entity) -> ASGIResponse:
    workspace: Workspace = request.app.state.workspace
    wanted = _wanted_fields(request, entity)
    ids = [_positive(text, "ids") for text in request.query_params.getall("ids", [])] or None
    limit, cursor = _limit(request), request.query_params.get("cursor")
    try:
        page = workspace.page(entity, ids, cursor, limit)
    except ValueError:
        raise _bad_cursor() from None
    rows = [_with_fields(workspace.row(entity, row_id), wanted) for row_id in page.ids]
    return _versioned(request, {"data": rows, "pagination": _pagination(request, page)})


def _list_fields(request: AnyRequest, entity: Entity) -> ASGIResponse:
    fields = request.app.state.workspace.fields(entity)
    try:
        page = paginate(range(len(fields)), request.query_params.get("cursor"), _limit(request))
    except ValueError:
        raise _bad_cursor() from None
    return _versioned(
        request, {"data": [fields[place] for place in page.ids], "pagination": _pagination(request, page)}
    )


def _get_row(request: AnyRequest, entity: Entity, row_id: str) -> ASGIResponse:
    wanted = _wanted_fields(request, entity)
    try:
        row = request.app.state.workspace.row(entity, _positive(row_id, f"{entity}Id"))
    except Merged as merged:
        raise AffinityError("unprocessable-entity", str(merged)) from None
    except Gone:
        raise AffinityError("not-found", f"{entity.capitalize()} with id {row_id} was not found.") from None
    return _versioned(request, _with_fields(row, wanted))


def _wanted_fields(request: AnyRequest, entity: Entity) -> Collection[str] | None:
    """The ids of the fields that were asked for; None if no field was."""
    ids, types = request.query_params.getall("fieldIds", []), request.query_params.getall("fieldTypes", [])
    if not ids and not types:
        return None
    known = {field.id: field for field in request.app.state.workspace.fields(entity)}
    for field_id in ids:
        if field_id not in known:
            raise AffinityError("validation", f"Field '{field_id}' does not exist.", "fieldIds")
    for field_type in types:
        if field_type not in FIELD_TYPES:
            raise AffinityError("validation", f"'{field_type}' is not a valid field type.", "fieldTypes")
    return {*ids, *(field.id for field in known.values() if field.type in types)}


def _with_fields(row: Row, wanted: Collection[str] | None) -> Row:
    if wanted is None:
        return msgspec.structs.replace(row, fields=msgspec.UNSET)
    return msgspec.structs.replace(row, fields=[field for field in row.fields or () if field.id in wanted])


def _limit(request: AnyRequest) -> int:
    text = request.query_params.get("limit")
    if text is None:
        return MAXIMUM_LIMIT
    limit = _positive(text, "limit")
    if limit > MAXIMUM_LIMIT:
        raise AffinityError("validation", f"Must be less than or equal to {MAXIMUM_LIMIT}.", "limit")
    return limit


def _positive(text: str, param: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise AffinityError("validation", "Must be an integer greater than or equal to 1.", param)
    return int(text)


def _bad_cursor() -> AffinityError:
    return AffinityError("validation", "The cursor is not valid.", "cursor")


def _pagination(request: AnyRequest, page: Page) -> dict[str, str | None]:
    return {"prevUrl": _page_url(request, page.previous), "nextUrl": _page_url(request, page.next)}


def _page_url(request: AnyRequest, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    host = request.headers["host"]
    return f"{request.scope['scheme']}://{host}{request.scope['path']}?{urlencode([*kept, ('cursor', cursor)])}"


def _versioned(request: AnyRequest, content: object) -> ASGIResponse:
    return answer(content, headers={VERSION_HEADER.lower(): _version(request)})


def _version(request: AnyRequest) -> str:
    """The version asked for, by default the oldest one. Raises `AffinityError` for one that does not exist."""
    version = request.headers.get(VERSION_HEADER, VERSIONS[0])
    if version not in VERSIONS:
        raise AffinityError("validation", f"The provided version: '{version}' is not valid.", VERSION_HEADER)
    return version


def _tenant(workspace: Workspace) -> dict[str, Any]:
    return {"id": workspace.tenant_id, "name": workspace.tenant_name, "subdomain": workspace.subdomain}


def _summary(workspace: Workspace) -> dict[str, Any]:
    return {
        "tenant_id": workspace.tenant_id,
        "tenant_name": workspace.tenant_name,
        "records": {"companies": workspace.count("company"), "persons": workspace.count("person")},
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
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password if user == "" else None


def _error_answer(request: AnyRequest, error: AffinityError) -> Response[bytes]:
    version = request.headers.get(VERSION_HEADER, VERSIONS[0])
    known = version in VERSIONS and request.scope["path"].startswith("/v2/")
    return error_answer(error.body, error.status, {VERSION_HEADER.lower(): version} if known else None)


def _routing_error_answer(_: AnyRequest, error: HTTPException) -> Response[bytes]:
    if error.status_code == 405:
        method_error = AffinityError("method-not-allowed", "The method is not allowed for this resource.")
        return error_answer(method_error.body, 405)
    if error.status_code == 404:
        return error_answer(AffinityError("not-found", "The requested resource could not be found.").body, 404)
    return error_answer(AffinityError("bad-request", error.detail).body, error.status_code)
