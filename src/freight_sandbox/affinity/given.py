"""What a client wants written: the body of its request, and what that may refer to."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from freight_sandbox.affinity.errors import AffinityError, RefusedByVersion1, UnknownId
from freight_sandbox.affinity.links import links
from freight_sandbox.affinity.requests import AnyRequest, workspace_of
from freight_sandbox.affinity.rows import Entity, Row

T = TypeVar("T", bound=msgspec.Struct)


async def given(request: AnyRequest, shape: type[T]) -> T:
    """The JSON body in its shape. Raises `AffinityError` if it has another."""
    try:
        return msgspec.json.decode(await request.body(), type=shape)
    except ValueError as error:
        raise refused(request, f"The body cannot be taken: {error}", "body") from None


def stated(body: msgspec.Struct) -> dict[str, Any]:
    """The properties that a client gave, of a body that leaves out what shall stay as it is."""
    properties = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return {name: value for name, value in properties if value is not msgspec.UNSET}


def refused(request: AnyRequest, message: str, param: str) -> AffinityError:
    """The answer to something that cannot be written: 400 in API v2, 422 in API v1."""
    if request.scope["path"].startswith("/v2/"):
        return AffinityError("validation", message, param)
    return RefusedByVersion1(message)


def require_links(request: AnyRequest, row: Row) -> None:
    """Raises `AffinityError` if a row is about a record that is not there."""
    for entity, row_id in links(row):
        require_known(request, entity, [row_id])


def require_known(request: AnyRequest, entity: Entity, row_ids: Iterable[int]) -> None:
    """Raises `AffinityError` for an id that no record of the kind has."""
    rows = workspace_of(request).records(entity)
    for row_id in row_ids:
        if row_id not in rows and not request.scope["path"].startswith("/v2/"):
            raise UnknownId(entity, row_id)
        if row_id not in rows:
            raise refused(request, f"There is no {entity} with id {row_id}.", f"{entity}Id")
