"""What the operations read from a request besides its body."""

from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeVar

from litestar.connection import Request

from freight_sandbox.attio.errors import refused
from freight_sandbox.attio.workspace import Workspace

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


def workspace_of(request: AnyRequest) -> Workspace:
    """The workspace that the application simulates."""
    workspace: Workspace = request.app.state.workspace
    return workspace


def flag(request: AnyRequest, name: str) -> bool | None:
    """A query parameter that is "true" or "false"; None where it is absent. Raises 400."""
    text = request.query_params.get(name)
    if text not in {None, "true", "false"}:
        raise refused(f'Query parameter "{name}" must be true or false.')
    return None if text is None else text == "true"


def page(
    request: AnyRequest, items: Iterable[T], *, default: int | None, maximum: int | None, minimum: int = 1
) -> list[T]:
    """The part of the items that `limit` and `offset` name. Raises 400."""
    limit = integer(request, "limit", default, minimum=minimum, maximum=maximum)
    offset = integer(request, "offset", 0) or 0
    return list(islice(items, offset, None if limit is None else offset + limit))


def integer(
    request: AnyRequest, name: str, default: int | None, *, minimum: int = 0, maximum: int | None = None
) -> int | None:
    """A query parameter that is a whole number. Raises 400 for another one."""
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
    if number < minimum or (maximum is not None and number > maximum):
        range_ = f"from {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise refused(f'Query parameter "{name}" must be a number {range_}.')
    return number
