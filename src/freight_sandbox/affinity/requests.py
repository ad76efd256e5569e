"""What the operations of both versions read from a request, and the answers that they share."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from litestar.connection import Request
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.collection import Collection, Gone, Hidden, Merged
from freight_sandbox.affinity.errors import AffinityError, HiddenList, RefusedByVersion1, UnknownId
from freight_sandbox.affinity.rows import Entity, ListEntry, Row, WorkspaceList, links
from freight_sandbox.affinity.workspace import Workspace
from freight_sandbox.control import answer

AnyRequest = Request[Any, Any, Any]

ENTITY_BY_WORD: dict[str, Entity] = {
    "companies": "company",
    "organizations": "company",
    "persons": "person",
    "opportunities": "opportunity",
}
"""Entities by the word for them in paths: companies of API v2 are organizations in API v1."""

T = TypeVar("T", bound=msgspec.Struct)
VERSION_HEADER = "X-Affinity-Api-Version"

OLDEST, RESTRICTIONS, LATEST = VERSIONS = ("2024-01-01", "2026-07-15", "2026-09-17")
"""Affinity documents that the second version hides what is restricted and that the third one has more value types."""

SUCCESS = {"success": True}
OWNERS: dict[str, Entity] = {"person_id": "person", "organization_id": "company", "opportunity_id": "opportunity"}


def workspace_of(request: AnyRequest) -> Workspace:
    """Return the workspace of the request."""
    workspace: Workspace = request.app.state.workspace
    return workspace


def entity_of(request: AnyRequest) -> Entity:
    """Return the kind of record that the path names."""
    return next(ENTITY_BY_WORD[word] for word in request.scope["path"].split("/") if word in ENTITY_BY_WORD)


def find_row(rows: Any, text: str, noun: str) -> Any:
    """Return the row whose id is in a path. Raise `AffinityError` if it does not exist."""
    try:
        return rows.row(positive_integer(text, f"{noun}Id"))
    except Merged as merged:
        raise AffinityError("unprocessable-entity", str(merged)) from None
    except Hidden:
        raise HiddenList(noun, text) from None
    except Gone:
        raise not_found(text, noun) from None


def find_list(workspace: Workspace, text: str) -> WorkspaceList:
    """Return the list whose id is in a path. Raise `AffinityError` if it does not exist or is hidden from the key."""
    if text.isdecimal() and workspace.hides_list(int(text)):
        raise HiddenList("list", text)
    row: WorkspaceList = find_row(workspace.lists, text, "list")
    return row


def find_entry(workspace: Workspace, row: WorkspaceList, entry_id: str) -> ListEntry:
    """Return the entry with this id. Raise `AffinityError` if the list has none."""
    entry: ListEntry = find_row(workspace.list_entries, entry_id, "listEntry")
    if entry.list_id != row.id:
        raise not_found(entry_id, "listEntry")
    return entry


def not_found(text: str, noun: str) -> AffinityError:
    """Return the error for an id that does not exist."""
    return UnknownId(noun, text)


def positive_integer(text: str, param: str, least: int = 1) -> int:
    """Return the number in a path or parameter. Raise `AffinityError` for anything else."""
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise AffinityError("validation", f"Must be an integer greater than or equal to {least}.", param)
    return int(text)


def integer_parameter(request: AnyRequest, name: str) -> int | None:
    """Return a whole number among the parameters of API v1, or None if it is absent. Raise `AffinityError`."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise RefusedByVersion1(f"{name} must be an integer")
    return int(text)


def ids_about(request: AnyRequest, rows: Collection[Any]) -> Sequence[int]:
    """Return the ids of the rows about the record that the parameters name, by default all.

    Raise `AffinityError` for a record that does not exist.
    """
    ids = rows.ids
    for name, entity in OWNERS.items():
        if (row_id := integer_parameter(request, name)) is not None:
            find_row(workspace_of(request).records(entity), str(row_id), entity)
            ids = rows.by(links).get((entity, row_id), ())
    return ids


def version_of(request: AnyRequest) -> str:
    """Return the requested version, by default the one that the key is set to. Raise `AffinityError` for an unknown
    one.
    """
    version: str = request.headers.get(VERSION_HEADER, request.app.state.default_version)
    if version not in VERSIONS:
        raise AffinityError("validation", f"The provided version: '{version}' is not valid.", VERSION_HEADER)
    return version


def versioned(request: AnyRequest, content: object, status: int = 200) -> ASGIResponse:
    """Return a JSON answer that names its version."""
    return answer(content, status, {VERSION_HEADER.lower(): version_of(request)})


def no_content(request: AnyRequest) -> ASGIResponse:
    """Return an answer without content that names its version."""
    return ASGIResponse(status_code=204, headers={VERSION_HEADER.lower(): version_of(request)})


def with_oddities(request: AnyRequest, rows: list[Any]) -> list[Any]:
    """Return the rows of a page, with the oddities that were set for them."""
    oddities = workspace_of(request).oddities
    if not oddities:
        return rows
    path, plain = request.scope["path"], [msgspec.to_builtins(row) for row in rows]
    return [{**row, **oddities.get((path, row.get("id")), {})} for row in plain]


async def decode_body(request: AnyRequest, shape: type[T]) -> T:
    """Return the JSON body in this shape. Raise `AffinityError` for another one."""
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except ValueError as error:
        raise refused(request, f"The body cannot be taken: {error}", "body") from None


def given_properties(body: msgspec.Struct) -> dict[str, Any]:
    """Return the properties that the client gave; properties that it left out keep their values."""
    properties = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: value for name, value in properties if value is not msgspec.UNSET}


def refused(request: AnyRequest, message: str, param: str) -> AffinityError:
    """Return the error for something that cannot be written: 400 in API v2, 422 in API v1."""
    if request.scope["path"].startswith("/v2/"):
        return AffinityError("validation", message, param)
    return RefusedByVersion1(message)


def require_links(request: AnyRequest, row: Row) -> None:
    """Raise `AffinityError` if a row is about a record that does not exist."""
    for entity, row_id in links(row):
        require_known(request, entity, [row_id])


def require_known(request: AnyRequest, entity: Entity, row_ids: Iterable[int]) -> None:
    """Raise `AffinityError` for an id that no record of this kind has."""
    rows = workspace_of(request).records(entity)
    for row_id in row_ids:
        if row_id not in rows and not request.scope["path"].startswith("/v2/"):
            raise UnknownId(entity, row_id)
        if row_id not in rows:
            raise refused(request, f"There is no {entity} with id {row_id}.", f"{entity}Id")
