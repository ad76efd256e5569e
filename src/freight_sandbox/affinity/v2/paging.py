"""Pages of API v2: a cursor names the row beside it, so it stays true when others come and go."""

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import AffinityError
from freight_sandbox.affinity.requests import AnyRequest, as_told, positive
from freight_sandbox.affinity.v2.versions import versioned

MAXIMUM_LIMIT = 100


class Paging(msgspec.Struct, frozen=True):
    """How a collection is paged."""

    limit: int = MAXIMUM_LIMIT
    """Rows on a page where the client does not say."""
    least: int = 1
    countable: bool = False
    """Whether `totalCount=true` is heard."""
    empty_is_null: bool = False
    """Whether a page without rows has `null` for data."""


PLAIN = Paging()
COUNTABLE = Paging(countable=True)


class Page(msgspec.Struct, frozen=True):
    """Keys of one page, with the cursors of its neighbours."""

    keys: Sequence[int]
    previous: str | None
    next: str | None


def page_answer(
    request: AnyRequest,
    keys: Sequence[int],
    render: Callable[[int], object],
    paging: Paging = PLAIN,
    status: int = 200,
) -> ASGIResponse:
    """The page that the request asks for, of ascending keys that `render` makes rows of."""
    query = request.query_params
    limit = positive(query["limit"], "limit", paging.least) if "limit" in query else paging.limit
    if limit > MAXIMUM_LIMIT:
        raise AffinityError("validation", f"Must be less than or equal to {MAXIMUM_LIMIT}.", "limit")
    try:
        page = paginate(keys, query.get("cursor"), limit)
    except ValueError:
        raise AffinityError("validation", "The cursor is not valid.", "cursor") from None
    pagination: dict[str, Any] = {"prevUrl": _url(request, page.previous), "nextUrl": _url(request, page.next)}
    if paging.countable and query.get("totalCount") == "true":
        pagination["totalCount"] = len(keys)
    rows = as_told(request, [render(key) for key in page.keys])
    return versioned(
        request, {"data": None if paging.empty_is_null and not rows else rows, "pagination": pagination}, status
    )


def paginate(keys: Sequence[int], cursor: str | None, limit: int) -> Page:
    """One page of ascending keys. Raises `ValueError` for a cursor that is none."""
    direction, key = _read_cursor(cursor) if cursor is not None else ("after", -1)
    if direction == "after":
        start = bisect_right(keys, key)
        end = min(start + limit, len(keys))
    else:
        end = bisect_left(keys, key)
        start = max(0, end - limit)
    chosen = keys[start:end]
    return Page(
        keys=chosen,
        previous=_write_cursor("before", chosen[0]) if chosen and start > 0 else None,
        next=_write_cursor("after", chosen[-1]) if chosen and end < len(keys) else None,
    )


def _url(request: AnyRequest, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    host = request.headers["host"]
    return f"{request.scope['scheme']}://{host}{request.scope['path']}?{urlencode([*kept, ('cursor', cursor)])}"


def _read_cursor(cursor: str) -> tuple[str, int]:
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    direction, _, key = text.partition(":::")
    if direction not in {"after", "before"}:
        raise ValueError(cursor)
    return direction, int(key)


def _write_cursor(direction: str, key: int) -> str:
    return base64.urlsafe_b64encode(f"{direction}:::{key}".encode()).decode().rstrip("=")
