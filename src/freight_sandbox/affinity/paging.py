"""Pages of both versions, and the `filter` parameter of API v2.

A token of API v1 holds an offset, so rows shift when others are added or deleted between two pages. A cursor of API v2
names the row next to it, so its position stays correct.
"""

import base64
import operator
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar.response.base import ASGIResponse

from freight_sandbox.affinity.errors import AffinityError, RefusedByVersion1
from freight_sandbox.affinity.requests import AnyRequest, positive_integer, versioned, with_oddities
from freight_sandbox.affinity.rows import parse_time
from freight_sandbox.control import answer

T = TypeVar("T")

MAX_PAGE_SIZE = 500
PAGE_PARAMETERS = frozenset({"page_size", "page_token"})


class Token(msgspec.Struct, frozen=True):
    """The content of a page token."""

    params: dict[str, list[str]]
    page_size: int
    offset: int


MAX_LIMIT = 100

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}

CONDITION = re.compile(r"\s*([A-Za-z.]+)\s*(>=|<=|=|>|<)\s*(.+?)\s*")
Properties = Mapping[str, int | str | datetime | None]


class Paging(msgspec.Struct, frozen=True):
    """How a collection is paged."""

    limit: int = MAX_LIMIT
    """Rows on a page if the client sets no limit."""
    least: int = 1
    countable: bool = False
    """Whether `totalCount=true` is supported."""
    empty_is_null: bool = False
    """Whether a page without rows has `null` for data."""


PLAIN = Paging()
COUNTABLE = Paging(countable=True)
FEW = Paging(limit=20)


class Page(msgspec.Struct, frozen=True):
    """The keys of one page, with the cursors of its neighbours."""

    keys: Sequence[int]
    previous: str | None
    next: str | None


def offset_page(request: AnyRequest, name: str, ids: Sequence[int], render: Callable[[int], object]) -> ASGIResponse:
    """Answer with the requested page, as `{name: [...], "next_page_token"}`.

    A page with rows always has a token, even if nothing follows: the last page is empty, and its token is null. Raise
    `RefusedByVersion1` for bad parameters.
    """
    page_size = _page_size(request)
    params = {key: request.query_params.getall(key) for key in request.query_params if key not in PAGE_PARAMETERS}
    offset = _offset(request, Token(params, page_size, 0))
    rows = with_oddities(request, [render(row_id) for row_id in ids[offset : offset + page_size]])
    following = _write_token(Token(params, page_size, offset + len(rows))) if rows else None
    return answer({name: rows, "next_page_token": following})


def cursor_page(
    request: AnyRequest,
    keys: Sequence[int],
    render: Callable[[int], object],
    paging: Paging = PLAIN,
    status: int = 200,
) -> ASGIResponse:
    """Answer with the requested page of ascending keys, of which `render` makes rows."""
    query = request.query_params
    limit = positive_integer(query["limit"], "limit", paging.least) if "limit" in query else paging.limit
    if limit > MAX_LIMIT:
        raise AffinityError("validation", f"Must be less than or equal to {MAX_LIMIT}.", "limit")
    try:
        page = paginate(keys, query.get("cursor"), limit)
    except ValueError:
        raise AffinityError("validation", "The cursor is not valid.", "cursor") from None
    pagination: dict[str, Any] = {"prevUrl": _url(request, page.previous), "nextUrl": _url(request, page.next)}
    if paging.countable and query.get("totalCount") == "true":
        pagination["totalCount"] = len(keys)
    rows = with_oddities(request, [render(key) for key in page.keys])
    return versioned(
        request, {"data": None if paging.empty_is_null and not rows else rows, "pagination": pagination}, status
    )


def filtered(request: AnyRequest, items: Sequence[T], properties: Callable[[T], Properties]) -> Sequence[T]:
    """Return the items that pass the `filter` parameter, or all without one. Raise `AffinityError` for a bad filter."""
    condition = request.query_params.get("filter")
    if condition is None:
        return items
    return [item for item in items if _passes(condition, properties(item))]


def paginate(keys: Sequence[int], cursor: str | None, limit: int) -> Page:
    """Return one page of ascending keys. Raise `ValueError` for an invalid cursor."""
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


def _passes(filter_text: str, properties: Properties) -> bool:
    return all(_holds(condition, properties) for condition in filter_text.split("&"))


def _holds(condition: str, properties: Properties) -> bool:
    parts = CONDITION.fullmatch(condition)
    if parts is None or parts[1] not in properties:
        raise AffinityError("validation", f"The filter '{condition.strip()}' is not valid.", "filter")
    value = properties[parts[1]]
    try:
        wanted = parse_time(parts[3]) if isinstance(value, datetime) else type(value)(parts[3]) if value else None
    except ValueError:
        raise AffinityError("validation", f"The filter '{condition.strip()}' is not valid.", "filter") from None
    return value is not None and wanted is not None and OPERATORS[parts[2]](value, wanted)


def _page_size(request: AnyRequest) -> int:
    text = request.query_params.get("page_size", str(MAX_PAGE_SIZE))
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise RefusedByVersion1(f"page_size must be an integer between 1 and {MAX_PAGE_SIZE}")
    return int(text)


def _offset(request: AnyRequest, asked: Token) -> int:
    text = request.query_params.get("page_token")
    if text is None:
        return 0
    try:
        token = msgspec.json.decode(base64.b64decode(text, validate=True), type=Token)
    except ValueError:
        token = None
    if token is None or (token.params, token.page_size) != (asked.params, asked.page_size):
        raise RefusedByVersion1("Invalid page_token variable")
    return token.offset


def _write_token(token: Token) -> str:
    return base64.b64encode(msgspec.json.encode(token)).decode()


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
