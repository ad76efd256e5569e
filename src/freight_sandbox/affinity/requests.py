"""What every operation reads from a request: the workspace behind it, ids and whole numbers."""

from typing import Any

import msgspec
from litestar.connection import Request

from freight_sandbox.affinity.collection import Gone, Hidden, Merged
from freight_sandbox.affinity.errors import AffinityError, HiddenList, UnknownId
from freight_sandbox.affinity.rows import Entity, WorkspaceList
from freight_sandbox.affinity.workspace import Workspace

AnyRequest = Request[Any, Any, Any]

ENTITIES: dict[str, Entity] = {
    "companies": "company",
    "organizations": "company",
    "persons": "person",
    "opportunities": "opportunity",
}
"""By the word that stands for them in paths: what v2 calls companies are organizations in v1."""


def workspace_of(request: AnyRequest) -> Workspace:
    """The workspace that the request is about."""
    workspace: Workspace = request.app.state.workspace
    return workspace


def as_told(request: AnyRequest, rows: list[Any]) -> list[Any]:
    """Return the rows of a page with the oddities that they have been given."""
    oddities = workspace_of(request).oddities
    if not oddities:
        return rows
    path, plain = request.scope["path"], [msgspec.to_builtins(row) for row in rows]
    return [{**row, **oddities.get((path, row.get("id")), {})} for row in plain]


def entity_of(request: AnyRequest) -> Entity:
    """The kind of record that the path names."""
    return next(ENTITIES[word] for word in request.scope["path"].split("/") if word in ENTITIES)


def positive(text: str, param: str, least: int = 1) -> int:
    """The number in a path or parameter. Raises `AffinityError` if it is none."""
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise AffinityError("validation", f"Must be an integer greater than or equal to {least}.", param)
    return int(text)


def found(rows: Any, text: str, noun: str) -> Any:
    """The row of a collection whose id stands in a path. Raises `AffinityError` if it is not there."""
    try:
        return rows.row(positive(text, f"{noun}Id"))
    except Merged as merged:
        raise AffinityError("unprocessable-entity", str(merged)) from None
    except Hidden:
        raise HiddenList(noun, text) from None
    except Gone:
        raise absent(text, noun) from None


def found_list(workspace: Workspace, text: str) -> WorkspaceList:
    """Return the list whose id stands in a path. Raises `AffinityError` if it is not there or not to be seen."""
    if text.isdecimal() and workspace.hides_list(int(text)):
        raise HiddenList("list", text)
    row: WorkspaceList = found(workspace.lists, text, "list")
    return row


def absent(text: str, noun: str) -> AffinityError:
    """The answer about something that is not there."""
    return UnknownId(noun, text)
